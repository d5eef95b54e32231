/*
 * What do endless loops do to others, and what does retaking do to a loop?
 *
 * `gap`: 1, 8 and 64 endless loops beside one that counts and yields, on one P and
 * as threads of their own: how long the counter stood still at the longest, in half
 * a second that begins once each loop has been met. Threads share all CPUs, and so do
 * tasks by then.
 * `loop`: the CPU time of a loop that is retaken in every stretch of it, and of one that is
 * alone. The difference is what the kernel's switches and cold caches take.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include <weft.h>

#include "bench.h"

enum { GAP_NS = 500 * 1000 * 1000 };

static _Atomic unsigned met;
static _Atomic int stop; /* weft_start returns once the thread that called it is free */

static void *endless(void *arg)
{
	met++;
	while (!stop)
		;
	return arg;
}

static void endless_task(void *arg)
{
	endless(arg);
}

static int yield_thread(void)
{
	return sched_yield();
}

/* The caller counts. */
static void longest_gap(struct bench_run *r, int (*yield)(void))
{
	uint64_t begin, last, now, longest = 0, counted = 0;

	while (met < r->arg)
		yield();
	begin = last = bench_now();
	do {
		yield();
		now = bench_now();
		if (now - last > longest)
			longest = now - last;
		last = now;
		counted++;
	} while (now - begin < GAP_NS);
	stop = 1;
	r->n = counted;
	r->value = (double)longest;
	r->ns = (double)(now - begin);
}

static int gap_of_tasks(struct bench_run *r)
{
	for (unsigned i = 0; i < r->arg; i++)
		if (weft_go(endless_task, NULL))
			return EAGAIN;
	longest_gap(r, weft_yield);
	return 0;
}

static int gap_of_threads(struct bench_run *r)
{
	pthread_t thread;

	for (unsigned i = 0; i < r->arg; i++)
		if (pthread_create(&thread, NULL, endless, NULL))
			return EAGAIN;
	longest_gap(r, yield_thread);
	return 0;
}

static const struct bench_series gap_series[] = {
	{.name = "1 loop",
	 .procs = 1,
	 .fixed = true,
	 .arg = 1,
	 .bounds = {{"1 thread", 1.5}},
	 .run = gap_of_tasks},
	{.name = "8 loops",
	 .procs = 1,
	 .fixed = true,
	 .arg = 8,
	 .bounds = {{"8 threads", 1.5}},
	 .run = gap_of_tasks},
	{.name = "64 loops",
	 .procs = 1,
	 .fixed = true,
	 .arg = 64,
	 .bounds = {{"64 threads", 1.5}},
	 .run = gap_of_tasks},
	{.name = "1 thread", .peer = true, .fixed = true, .arg = 1, .run = gap_of_threads},
	{.name = "8 threads", .peer = true, .fixed = true, .arg = 8, .run = gap_of_threads},
	{.name = "64 threads", .peer = true, .fixed = true, .arg = 64, .run = gap_of_threads},
};

const struct bench_case bench_gap = {
	.name = "gap",
	.what = "the longest pause of a counter beside endless loops on one P",
	.unit = "ns",
	.each = "the longest pause",
	.series = gap_series,
	.nseries = sizeof gap_series / sizeof *gap_series,
};

/* --- loop ---------------------------------------------------------------------------------- */

enum { ROUNDS = 40, CHAIN = 2 * 1000 * 1000 };

static _Atomic int done;

static void takes_turns(void *unused)
{
	(void)unused;
	while (!done)
		weft_yield();
}

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* One stretch is longer than a slice; only its own thread's time is counted. */
static double stretch(void)
{
	double from = cpu_ns();
	uint64_t x = (uint64_t)from | 1;

	for (int i = 0; i < CHAIN; i++) {
		x *= x;
		__asm__ __volatile__("" : "+r"(x));
	}
	return cpu_ns() - from;
}

static int loop(struct bench_run *r)
{
	double ns = 0;

	done = 0;
	if (r->arg && weft_go(takes_turns, NULL))
		return EAGAIN;
	for (int i = 0; i < ROUNDS; i++) {
		ns += stretch();
		weft_yield();
	}
	done = 1;
	r->n = (uint64_t)ROUNDS * CHAIN;
	r->ns = ns;
	r->value = ns / (double)r->n;
	return 0;
}

static const struct bench_series loop_series[] = {
	{.name = "others wait", .procs = 1, .fixed = true, .arg = 1, .run = loop},
	{.name = "alone", .procs = 1, .fixed = true, .run = loop},
};

const struct bench_case bench_loop = {
	.name = "loop",
	.what = "CPU time of a loop that loses its P to others, and of the same alone",
	.unit = "ns",
	.each = "a multiplication",
	.series = loop_series,
	.nseries = sizeof loop_series / sizeof *loop_series,
};
