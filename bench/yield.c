/*
 * What does a yield cost, with few tasks, with many, and with so many that
 * their stacks are in no cache?
 *
 * One P. The clock starts when all tasks have, and stops when they have made
 * the number of yields together; who makes how many is the scheduler's affair.
 */
#include <errno.h>

#include <weft.h>

#include "bench.h"
#include "peers/peers.h"

static struct {
	struct bench_run *run;
	uint64_t tasks, started, ended;
	uint64_t yields, goal;
	bool measuring;
} game;

static void start_clock(void)
{
	game.yields = 0;
	game.goal = game.run->n > game.tasks ? game.run->n : game.tasks;
	game.measuring = true;
	bench_begin(game.run);
}

/* By the first that finds the yields made: the others' ends come after it. */
static void stop_clock(void)
{
	if (!game.measuring)
		return;
	bench_end(game.run, game.goal);
	game.measuring = false;
}

static inline bool another_yield(void)
{
	if (game.yields++ < game.goal)
		return true;
	stop_clock();
	return false;
}

static void *first_task(void *arg)
{
	game.started++;
	while (game.started < game.tasks)
		weft_yield();
	start_clock();
	while (another_yield())
		weft_yield();
	return arg;
}

/* A loop of its own: the second of two tasks yields at another place than the first. */
static void other_task(void *arg)
{
	(void)arg;
	game.started++;
	while (another_yield())
		weft_yield();
	game.ended++;
}

/* The caller parks in the join: it is none of those that yield. */
static int yield_among(struct bench_run *r)
{
	weft_t first;
	int err;

	game.run = r;
	game.tasks = r->arg;
	game.started = game.ended = game.yields = 0;
	game.goal = UINT64_MAX;
	err = weft_create(&first, NULL, first_task, NULL);
	for (uint64_t i = 1; i < game.tasks && err == 0; i++)
		err = weft_go(other_task, NULL);
	if (err == 0)
		err = weft_join(first, NULL);
	while (err == 0 && game.ended < game.tasks - 1)
		weft_yield();
	return err;
}

static const struct bench_series series[] = {
	{.name = "2 tasks", .procs = 1, .arg = 2, .promise = 18, .run = yield_among},
	{.name = "10 tasks", .procs = 1, .arg = 10, .promise = 11, .run = yield_among},
	{.name = "1,000 tasks", .procs = 1, .arg = 1000, .promise = 16, .run = yield_among},
	{.name = "100,000 tasks", .procs = 1, .arg = 100000, .run = yield_among},
	{.name = "GNU Pth, 2 threads",
	 .peer = true,
	 .run = peer_pth_yield,
	 .absent = peer_pth_absent,
	 .version = peer_pth_version},
};

const struct bench_case bench_yield = {
	.name = "yield",
	.what = "weft_yield among 2 (at two call sites), 10, 1,000 and 100,000 tasks on one P",
	.unit = "ns",
	.each = "a yield",
	.series = series,
	.nseries = sizeof series / sizeof *series,
};
