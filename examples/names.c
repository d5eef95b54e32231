/*
 * Attributes: a task with a name and a stack of its own size.
 *
 * Prints:
 *	the task is called digger
 *	1,000 frames of 1 KiB fit its stack of 2 MiB
 *	now it is called resting
 *	a name of 32 bytes: Numerical result out of range
 *	a detached task can't be joined: Invalid argument
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <weft.h>

enum { FRAMES = 1000, STACK = 2 * 1024 * 1024 };

static atomic_int over;

/* All of the stack that was asked for can be used. */
static int dig(int frames)
{
	volatile char frame[1024];

	memset((char *)frame, frames & 1, sizeof frame);
	return frames ? dig(frames - 1) + frame[1023] : 0;
}

static void *digger(void *unused)
{
	char name[WEFT_NAME_MAX + 1];

	if (!weft_getname(weft_self(), name, sizeof name))
		printf("the task is called %s\n", name);
	if (dig(FRAMES) == FRAMES / 2)
		printf("1,000 frames of 1 KiB fit its stack of %d MiB\n", STACK >> 20);
	weft_setname(weft_self(), "resting");
	if (!weft_getname(weft_self(), name, sizeof name))
		printf("now it is called %s\n", name);
	return unused;
}

static void *waiter(void *unused)
{
	while (!atomic_load(&over))
		weft_yield();
	return unused;
}

static int names(int argc, char **argv)
{
	weft_attr_t attr;
	weft_t task;

	(void)argc, (void)argv;

	/* What an attribute object says holds for every task that is made with it. */
	if (weft_attr_init(&attr) || weft_attr_setname(&attr, "digger") ||
	    weft_attr_setstacksize(&attr, STACK))
		return 1;
	if (weft_create(&task, &attr, digger, NULL) || weft_join(task, NULL))
		return 1;
	printf("a name of 32 bytes: %s\n",
	       strerror(weft_attr_setname(&attr, "abcdefghijklmnopqrstuvwxyz012345")));
	weft_attr_destroy(&attr);

	if (weft_attr_init(&attr) || weft_attr_setdetachstate(&attr, WEFT_CREATE_DETACHED))
		return 1;
	if (weft_create(&task, &attr, waiter, NULL))
		return 1;
	printf("a detached task can't be joined: %s\n", strerror(weft_join(task, NULL)));
	atomic_store(&over, 1);
	return weft_attr_destroy(&attr);
}

int main(int argc, char **argv)
{
	return weft_start(names, argc, argv);
}
