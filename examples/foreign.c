/*
 * Weft inside a program of pthreads, which never hands its main over.
 *
 * Each thread calls Weft as it likes; the runtime boots on a thread of its own
 * and the callers stay what they are. A foreign thread blocks in the kernel
 * where a task would park.
 *
 * Prints:
 *	up with 2 Ps: yes
 *	thread 0: the squares add up to 328350
 *	thread 1: the squares add up to 328350
 *	200 tasks were made and ended: yes
 *	shut down: Success
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <weft.h>

enum { THREADS = 2, TASKS = 100 };

static void *square(void *n)
{
	return (void *)((uintptr_t)n * (uintptr_t)n);
}

static void *thread(void *unused)
{
	weft_t task[TASKS];
	uintptr_t sum = 0;
	void *result;

	(void)unused;
	for (uintptr_t i = 0; i < TASKS; i++)
		if (weft_create(&task[i], NULL, square, (void *)i))
			return NULL;
	for (int i = 0; i < TASKS; i++)
		if (!weft_join(task[i], &result))
			sum += (uintptr_t)result;
	return (void *)sum;
}

static const char *yes(int so)
{
	return so ? "yes" : "no";
}

int main(void)
{
	/* Neither call is needed: the first weft_create would boot with the defaults. */
	weft_config_t config = {.procs = 2};
	pthread_t threads[THREADS];
	weft_stats_t stats;
	void *sum;

	if (weft_configure(&config) || weft_init())
		return 1;
	printf("up with 2 Ps: %s\n", yes(weft_procs(0) == 2));
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, thread, NULL))
			return 1;
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &sum);
		printf("thread %d: the squares add up to %lu\n", i, (unsigned long)(uintptr_t)sum);
	}
	if (weft_stats(&stats, sizeof stats))
		return 1;
	printf("200 tasks were made and ended: %s\n",
	       yes(stats.created >= 200 && stats.finished >= 200));

	/* All memory and threads are given back; a later call would boot afresh. */
	printf("shut down: %s\n", strerror(weft_shutdown()));
	return 0;
}
