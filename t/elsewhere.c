/*
 * A task that is bound to the thread that its creator runs on has the creator go
 * on on another one: with one P, it runs where the creator made room for it. Other
 * tasks that move at the same time may come between: then once more.
 */
#include "elsewhere.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <weft.h>

enum { SITTERS = 100 };

long thread_id(void)
{
	return syscall(SYS_gettid);
}

static void *sit_on_thread(void *arg)
{
	_Atomic int *moved = arg;

	weft_lock_thread();
	while (!*moved)
		weft_yield();
	weft_unlock_thread();
	return NULL;
}

long elsewhere(void)
{
	_Atomic int moved = 0;
	long here = thread_id(), there;
	weft_t sitters[SITTERS];
	int n = 0;

	while (thread_id() == here && n < SITTERS) {
		if (weft_create(&sitters[n++], NULL, sit_on_thread, (void *)&moved))
			abort();
		weft_yield();
	}
	there = thread_id();
	if (there == here)
		abort();
	moved = 1;
	while (n > 0)
		if (weft_join(sitters[--n], NULL))
			abort();
	return there;
}
