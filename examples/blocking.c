/*
 * Tasks that sleep in the kernel, wait for a mutex of libc's, and compute for long,
 * on one P: none of them keeps the others from running.
 *
 * Prints:
 *	10 tasks slept for 1 s each: all done within 3 s
 *	10 tasks waited for a mutex that a thread held: all done
 *	a loop that calls nothing went on beside them
 *	the others had their turns meanwhile: yes
 *	blocking, and saying so: 0
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <weft.h>

enum { TASKS = 10 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_int stop;
static atomic_ulong turns;

/* A library that knows nothing of tasks may sleep: the P goes to others. */
static void *sleeper(void *unused)
{
	sleep(1);
	return unused;
}

static void *waiter(void *unused)
{
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	return unused;
}

/* No call in it, no signal to it: its P is taken, its thread goes on. */
static void *loop(void *unused)
{
	while (!stop)
		;
	return unused;
}

static void *others(void *unused)
{
	while (!stop) {
		turns++;
		weft_yield();
	}
	return unused;
}

static void *holder(void *locked)
{
	pthread_mutex_lock(&mutex);
	atomic_store((atomic_int *)locked, 1);
	usleep(200000);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

/* So many tasks at once; returns when they have ended. */
static int run(void *(*fn)(void *))
{
	weft_t task[TASKS];

	for (int i = 0; i < TASKS; i++)
		if (weft_create(&task[i], NULL, fn, NULL))
			return 1;
	for (int i = 0; i < TASKS; i++)
		if (weft_join(task[i], NULL))
			return 1;
	return 0;
}

/* Saying so makes the P free at once. fn's result comes back, errno is fn's. */
static void *pause_a_little(void *result)
{
	usleep(1000);
	return result;
}

static int blocking(int argc, char **argv)
{
	atomic_int locked = 0;
	weft_t a, b;
	pthread_t thread;
	time_t begin = time(NULL);

	(void)argc, (void)argv;
	if (weft_create(&a, NULL, loop, NULL) || weft_create(&b, NULL, others, NULL))
		return 1;

	if (run(sleeper))
		return 1;
	printf("%d tasks slept for 1 s each: %s\n", TASKS,
	       time(NULL) - begin <= 3 ? "all done within 3 s" : "one after the other");

	if (pthread_create(&thread, NULL, holder, &locked))
		return 1;
	while (!locked)
		weft_yield();
	if (run(waiter) || pthread_join(thread, NULL))
		return 1;
	printf("%d tasks waited for a mutex that a thread held: all done\n", TASKS);

	stop = 1;
	if (weft_join(a, NULL) || weft_join(b, NULL))
		return 1;
	printf("a loop that calls nothing went on beside them\n");
	printf("the others had their turns meanwhile: %s\n", turns > TASKS ? "yes" : "no");

	weft_blocking(pause_a_little, NULL);
	printf("blocking, and saying so: %d\n", weft_blocking_begin() || weft_blocking_end());
	return 0;
}

int main(int argc, char **argv)
{
	weft_config_t config = {.procs = 1};

	if (weft_configure(&config))
		return 1;
	return weft_start(blocking, argc, argv);
}
