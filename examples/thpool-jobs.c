/*
 * A program written for C-Thread-Pool, unchanged: primes are counted in blocks.
 *
 * Prints:
 *	primes below 200000: 17984
 *	paused: nothing ran
 *	resumed: 8 more ran
 */
#include <stdio.h>

#include "thpool.h"

enum { BLOCKS = 40, SIZE = 5000, THREADS = 4 };

static struct block {
	int from, primes;
} blocks[BLOCKS];
static int more[8];

static int is_prime(int n)
{
	for (int i = 2; i * i <= n; i++)
		if (n % i == 0)
			return 0;
	return n > 1;
}

static void count(void *arg)
{
	struct block *block = arg;

	for (int n = block->from; n < block->from + SIZE; n++)
		block->primes += is_prime(n);
}

static void set(void *arg)
{
	*(int *)arg = 1;
}

static int sum_of(const int *numbers, int n)
{
	int sum = 0;

	while (n-- > 0)
		sum += numbers[n];
	return sum;
}

int main(void)
{
	threadpool pool = thpool_init(THREADS);
	int primes = 0;

	if (!pool)
		return 1;
	for (int i = 0; i < BLOCKS; i++) {
		blocks[i].from = i * SIZE;
		if (thpool_add_work(pool, count, &blocks[i]))
			return 1;
	}
	thpool_wait(pool);
	for (int i = 0; i < BLOCKS; i++)
		primes += blocks[i].primes;
	printf("primes below %d: %d\n", BLOCKS * SIZE, primes);

	thpool_pause(pool);
	for (int i = 0; i < 8; i++)
		if (thpool_add_work(pool, set, &more[i]))
			return 1;
	printf("paused: %s\n",
	       sum_of(more, 8) || thpool_num_threads_working(pool) ? "some ran" : "nothing ran");
	thpool_resume(pool);
	thpool_wait(pool);
	printf("resumed: %d more ran\n", sum_of(more, 8));
	thpool_destroy(pool);
	return 0;
}
