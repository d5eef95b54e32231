/*
 * weft: what the library tells of itself and of this machine, and what it costs
 * here.
 */
#include <stdio.h>
#include <string.h>

#include <weft.h>

#include "command.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"info", command_info},
	{"bench", command_bench},
};

static const char usage[] =
	"usage: weft info [--boot] [--json] | "
	"bench [CASE...] [--json FILE] [--plot DIR] [--runs N] [--quick] [--list] | --help | --version\n";

int command_misused(void)
{
	fputs(usage, stderr);
	return 2;
}

static int help(void)
{
	fputs(usage, stdout);
	fputs("\n"
	      "  info   version, context backend, kernel features found, limits\n"
	      "    --boot       the steps of starting the runtime, with their times\n"
	      "    --json       as JSON\n"
	      "  bench  measure the cases named, or all, beside what else this machine has\n"
	      "    --list       the cases\n"
	      "    --runs N     runs of each series, 1 to 1000; 9 by default\n"
	      "    --quick      without the series that take seconds\n"
	      "    --json FILE  a line of JSON for the machine and for each series; -: to stdout\n"
	      "    --plot DIR   a plot of each case in DIR (needs gnuplot)\n",
	      stdout);
	return 0;
}

static int version(void)
{
	printf("weft %s\n", weft_version());
	return 0;
}

static int dispatch(int argc, char **argv)
{
	if (argc < 2)
		return command_misused();
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return help();
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return version();
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return command_misused();
}

int main(int argc, char **argv)
{
	int status = dispatch(argc, argv);

	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("weft: stdout");
		return 1;
	}
	return status;
}
