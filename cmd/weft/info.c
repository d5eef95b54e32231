/*
 * weft info: the runtime is started, so that it has looked at the kernel and
 * gone through its steps, and asked from its first task.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weft.h>

#include "command.h"
#include "debug/info.h"

enum { SHOW_BOOT = 1, SHOW_JSON = 2 };

static unsigned flags;

static int print_info(int argc, char **argv)
{
	int err = weft_info(STDOUT_FILENO, flags);

	(void)argc;
	(void)argv;
	if (err == 0)
		return 0;
	fprintf(stderr, "weft info: %s\n", strerror(err));
	return 1;
}

int command_info(int argc, char **argv)
{
	int status;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--boot") == 0)
			flags |= SHOW_BOOT;
		else if (strcmp(argv[i], "--json") == 0)
			flags |= SHOW_JSON;
		else
			return command_misused();
	}
	status = weft_start(print_info, argc, argv);
	if (status < 0) {
		fprintf(stderr, "weft info: the runtime did not start: %s\n", strerror(errno));
		return 1;
	}
	return status;
}
