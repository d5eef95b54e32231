/*
 * A pool with a bounded queue: jobs, futures, priorities, and its counts.
 *
 * Prints:
 *	the urgent job ran first: yes
 *	the future's value: 42
 *	100 jobs ran; submitted 102, finished 102, queued 0
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <weft.h>

static atomic_int ran;
static int urgent_at;

static void job(void *unused)
{
	(void)unused;
	ran++;
}

static void urgent(void *unused)
{
	(void)unused;
	urgent_at = ran;
}

static void *answer(void *n)
{
	return (void *)((uintptr_t)n * 2);
}

int main(void)
{
	weft_pool_attr_t attr = {.name = "example", .workers = 1, .capacity = 200, .priorities = 2};
	weft_pool_stats_t stats;
	weft_future_t *future;
	weft_pool_t *pool;
	void *value;

	if (weft_pool_create(&pool, &attr) || weft_pool_pause(pool))
		return 1;
	for (int i = 0; i < 100; i++)
		if (weft_pool_submit(pool, job, NULL))
			return 1;
	if (weft_pool_async(pool, &future, answer, (void *)21) ||
	    weft_pool_submit_prio(pool, 1, urgent, NULL) || weft_pool_resume(pool))
		return 1;
	if (weft_future_get(future, &value) || weft_future_release(future) || weft_pool_wait(pool))
		return 1;
	printf("the urgent job ran first: %s\n", urgent_at == 0 ? "yes" : "no");
	printf("the future's value: %d\n", (int)(uintptr_t)value);
	if (weft_pool_stats(pool, &stats, sizeof stats))
		return 1;
	printf("%d jobs ran; submitted %d, finished %d, queued %d\n", ran, (int)stats.submitted,
	       (int)stats.finished, (int)stats.queued);
	return weft_pool_destroy(pool, WEFT_DRAIN, NULL);
}
