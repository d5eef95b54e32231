/*
 * Synchronisation: a bounded queue between producers and consumers, of a mutex and two
 * condition variables; a semaphore that lets two in at a time; a barrier between two
 * phases; a wait group that tells when all is done.
 *
 * Prints:
 *	1000 items, sum 499500
 *	at most 2 at once
 *	each of 4 saw all 4 results
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <weft.h>

enum { ITEMS = 1000, ROOM = 8, PRODUCERS = 2, CONSUMERS = 3, WORKERS = 4 };

static weft_waitgroup_t all = WEFT_WAITGROUP_INITIALIZER;

/* --- a bounded queue ------------------------------------------------------------- */

static struct {
	weft_mutex_t lock; /* guards all here */
	weft_cond_t filled, drained;
	int item[ROOM];
	unsigned put, got; /* since the beginning */
} queue;

static void queue_put(int item)
{
	weft_mutex_lock(&queue.lock);
	while (queue.put - queue.got == ROOM)
		weft_cond_wait(&queue.drained, &queue.lock);
	queue.item[queue.put++ % ROOM] = item;
	weft_cond_signal(&queue.filled);
	weft_mutex_unlock(&queue.lock);
}

static int queue_get(void)
{
	int item;

	weft_mutex_lock(&queue.lock);
	while (queue.put == queue.got)
		weft_cond_wait(&queue.filled, &queue.lock);
	item = queue.item[queue.got++ % ROOM];
	weft_cond_signal(&queue.drained);
	weft_mutex_unlock(&queue.lock);
	return item;
}

static atomic_int items, sum;

static void produce(void *first)
{
	for (int i = (int)(intptr_t)first; i < ITEMS; i += PRODUCERS)
		queue_put(i);
	weft_waitgroup_done(&all);
}

/* Until it gets a -1. */
static void consume(void *arg)
{
	int item;

	(void)arg;
	while ((item = queue_get()) >= 0) {
		atomic_fetch_add(&items, 1);
		atomic_fetch_add(&sum, item);
	}
	weft_waitgroup_done(&all);
}

static void exchange(void)
{
	weft_waitgroup_add(&all, PRODUCERS);
	for (intptr_t i = 0; i < PRODUCERS; i++)
		weft_go(produce, (void *)i);
	for (int i = 0; i < CONSUMERS; i++)
		weft_go(consume, NULL);
	weft_waitgroup_wait(&all);
	weft_waitgroup_add(&all, CONSUMERS);
	for (int i = 0; i < CONSUMERS; i++)
		queue_put(-1);
	weft_waitgroup_wait(&all);
	printf("%d items, sum %d\n", atomic_load(&items), atomic_load(&sum));
}

/* --- two at a time, in two phases --------------------------------------------------- */

static weft_sem_t two;
static weft_barrier_t barrier;
static atomic_int inside, most, results, saw_all;

static void work(void *arg)
{
	int now;

	(void)arg;
	weft_sem_wait(&two);
	now = atomic_fetch_add(&inside, 1) + 1;
	if (now > atomic_load(&most))
		atomic_store(&most, now);
	weft_yield();
	atomic_fetch_sub(&inside, 1);
	weft_sem_post(&two);

	atomic_fetch_add(&results, 1);
	weft_barrier_wait(&barrier); /* nobody goes on before all have a result */
	if (atomic_load(&results) == WORKERS)
		atomic_fetch_add(&saw_all, 1);
	weft_waitgroup_done(&all);
}

static void phases(void)
{
	weft_sem_init(&two, 0, 2);
	weft_barrier_init(&barrier, NULL, WORKERS);
	weft_waitgroup_add(&all, WORKERS);
	for (int i = 0; i < WORKERS; i++)
		weft_go(work, NULL);
	weft_waitgroup_wait(&all);
	printf("at most %d at once\n", atomic_load(&most));
	printf("each of %d saw all %d results\n", atomic_load(&saw_all), WORKERS);
	weft_barrier_destroy(&barrier);
	weft_sem_destroy(&two);
}

static int sync_main(int argc, char **argv)
{
	(void)argc, (void)argv;
	exchange();
	phases();
	return 0;
}

int main(int argc, char **argv)
{
	return weft_start(sync_main, argc, argv);
}
