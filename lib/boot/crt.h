/*
 * Between the start object and the library.
 */
#ifndef WF_CRT_H
#define WF_CRT_H

/* Runs main as the first task and ends the process with its result, as exit does. */
__attribute__((visibility("default"))) _Noreturn void weft_rt0(int (*main)(int, char **, char **),
							       int argc, char **argv, char **envp);

#endif
