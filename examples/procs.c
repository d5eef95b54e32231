/*
 * How many tasks run at once, and tasks that need a kernel thread of their own.
 *
 * Prints:
 *	3 Ps now
 *	the sum of 1,000 tasks is 499500
 *	1 P now
 *	locked, it stays on one thread: yes
 *	nested locks end one at a time: yes
 *	unlocking once too often: Operation not permitted
 */
#define _GNU_SOURCE 1 /* gettid */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <weft.h>

enum { TASKS = 1000 };

static atomic_ulong sum;

static void *add(void *n)
{
	atomic_fetch_add(&sum, (uintptr_t)n);
	return NULL;
}

/*
 * Libraries that keep state per thread (OpenGL, some language runtimes), signal
 * masks and affinity need this: until the unlock the task runs here and nowhere
 * else, and no other task does.
 */
static void *locked(void *unused)
{
	pid_t tid;
	int same = 1, nested;

	weft_lock_thread();
	weft_lock_thread();
	tid = gettid();
	for (int i = 0; i < 100; i++) {
		weft_yield();
		same &= gettid() == tid;
	}
	nested = !weft_unlock_thread() && !weft_unlock_thread();
	printf("locked, it stays on one thread: %s\n", same ? "yes" : "no");
	printf("nested locks end one at a time: %s\n", nested ? "yes" : "no");
	printf("unlocking once too often: %s\n", strerror(weft_unlock_thread()));
	return unused;
}

static int procs(int argc, char **argv)
{
	static weft_t task[TASKS];

	(void)argc, (void)argv;

	/* The number may change at any time; what runs or waits in a queue goes on. */
	weft_procs(3);
	printf("%d Ps now\n", weft_procs(0));
	for (uintptr_t i = 0; i < TASKS; i++)
		if (weft_create(&task[i], NULL, add, (void *)i))
			return 1;
	weft_procs(1);
	for (int i = 0; i < TASKS; i++)
		if (weft_join(task[i], NULL))
			return 1;
	printf("the sum of 1,000 tasks is %lu\n", atomic_load(&sum));
	printf("%d P now\n", weft_procs(0));
	return weft_create(&task[0], NULL, locked, NULL) || weft_join(task[0], NULL);
}

int main(int argc, char **argv)
{
	return weft_start(procs, argc, argv);
}
