/*
 * A program that knows nothing of Weft.
 *
 *	cc unmodified.c					plain
 *	cc unmodified.c $(pkg-config --libs weft-crt)	its main runs as the first task
 *
 * Linked with the start object it prints the same: constructors, arguments,
 * environment, stdio, exit handlers and the exit status are as they were, and
 * so is the size of main's stack.
 *
 * Prints, called as `unmodified one two`:
 *	constructor
 *	argument 1: one
 *	argument 2: two
 *	main's stack holds 4 MiB
 *	exit handler
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((constructor)) static void before_main(void)
{
	puts("constructor");
}

static void at_exit(void)
{
	puts("exit handler");
}

/* More than a task's stack has by default. */
static int deep(void)
{
	volatile char block[4 * 1024 * 1024];

	memset((char *)block, 1, sizeof block);
	return block[0] + block[sizeof block - 1];
}

int main(int argc, char **argv)
{
	if (atexit(at_exit))
		return 1;
	for (int i = 1; i < argc; i++)
		printf("argument %d: %s\n", i, argv[i]);
	if (deep() == 2)
		puts("main's stack holds 4 MiB");
	exit(0);
}
