/*
 * The subcommands of `weft`. Each gets its own arguments, argv[0] being its
 * name, and returns the program's exit status: 0, 1 when something failed, 2
 * when it was called wrongly.
 */
#ifndef WEFT_COMMAND_H
#define WEFT_COMMAND_H

int command_info(int argc, char **argv);
int command_bench(int argc, char **argv);

/* One line on stderr that says how the command is called; 2. */
int command_misused(void);

#endif
