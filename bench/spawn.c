/*
 * What does a task cost that is started, runs and ends?
 *
 * Batches of 1,000 empty ones, wall time, the spawner's loop and its waiting
 * included. A task counts itself in a counter of the thread that runs it, which
 * no other thread writes, so that counting costs the same with one P and two.
 */
#include <errno.h>
#include <stdatomic.h>

#include <weft.h>

#include "bench.h"

enum { BATCH = 1000, COUNTERS = 64, LINE = 64 };

static struct {
	_Alignas(LINE) _Atomic uint64_t ended;
} counters[COUNTERS];
static atomic_uint claimed;
static _Thread_local _Atomic uint64_t *mine;

static _Atomic uint64_t *claim_counter(void)
{
	mine = &counters[atomic_fetch_add(&claimed, 1) % COUNTERS].ended;
	return mine;
}

/* Release: who has counted the last task sees what the tasks did. */
static void task(void *arg)
{
	_Atomic uint64_t *counter = mine != NULL ? mine : claim_counter();

	(void)arg;
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
			      memory_order_release);
}

static uint64_t ended(void)
{
	unsigned n = atomic_load_explicit(&claimed, memory_order_acquire);
	uint64_t sum = 0;

	for (unsigned i = 0; i < n && i < COUNTERS; i++)
		sum += atomic_load_explicit(&counters[i].ended, memory_order_acquire);
	return sum;
}

static int spawn_batch(void)
{
	for (int i = 0; i < BATCH; i++) {
		int err = weft_go(task, NULL);

		if (err != 0)
			return err;
	}
	return 0;
}

static int spawn(struct bench_run *r)
{
	uint64_t batches = r->n / BATCH + 1, goal = ended();

	bench_begin(r);
	for (uint64_t i = 0; i < batches; i++) {
		int err = spawn_batch();

		if (err != 0)
			return err;
		goal += BATCH;
		while (ended() < goal)
			weft_yield();
	}
	bench_end(r, batches * BATCH);
	return 0;
}

static const struct bench_series series[] = {
	{.name = "1 P", .procs = 1, .promise = 13, .run = spawn},
	{.name = "2 Ps", .procs = 2, .promise = 33, .run = spawn},
};

const struct bench_case bench_spawn = {
	.name = "spawn",
	.what = "weft_go, the task's run and its end, in batches of 1,000; wall time",
	.unit = "ns",
	.each = "a task",
	.series = series,
	.nseries = sizeof series / sizeof *series,
};
