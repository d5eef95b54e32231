/*
 * exit() by another task than main, which waits for ever, and main that leaves by
 * weft_exit while others go on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft.h>

static void at_exit(void)
{
	puts("atexit");
}

static void *exits(void *unused)
{
	for (int i = 0; i < 100; i++)
		weft_yield();
	puts("exits");
	exit((int)(intptr_t)unused);
}

static void goes_on(void *unused)
{
	(void)unused;
	for (int i = 0; i < 100; i++)
		weft_yield();
	puts("went on");
}

int main(int argc, char **argv)
{
	weft_t task;

	atexit(at_exit);
	if (argc > 1 && !strcmp(argv[1], "main")) {
		weft_go(goes_on, NULL);
		weft_exit(NULL);
	}
	weft_create(&task, NULL, exits, (void *)9);
	weft_join(task, NULL);
	return 1;
}
