/*
 * The smallest whole program: tasks are started, run and end.
 *
 *	cc hello.c $(pkg-config --cflags --libs weft)
 *
 * Prints:
 *	the answer is 42
 *	hello, world
 */
#include <stdio.h>
#include <weft.h>

static void *answer(void *question)
{
	*(int *)question = 6 * 7;
	return question;
}

static void say(void *text)
{
	puts(text);
}

/* This is the program's main; it runs as the first task. */
static int hello(int argc, char **argv)
{
	static char text[] = "hello, world";
	weft_t task;
	void *result;
	int number;

	(void)argc, (void)argv;

	/* A task whose result is wanted is created and joined, as a pthread is. */
	if (weft_create(&task, NULL, answer, &number) || weft_join(task, &result))
		return 1;
	printf("the answer is %d\n", *(int *)result);

	/* A task that nobody waits for needs no handle. */
	if (weft_go(say, text))
		return 1;

	/* Returning would end the program; leaving like this waits for all tasks. */
	weft_exit(NULL);
}

int main(int argc, char **argv)
{
	return weft_start(hello, argc, argv);
}
