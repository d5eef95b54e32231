/*
 * What do blocking calls cost, and how soon do others go on?
 *
 * `blocking`: weft_blocking_begin and its end around nothing, nobody waiting.
 * `retake`: a task blocks, or computes, while another waits on the only P: the time
 * until that one runs, the median of some. Much of it is the kernel's: a thread has
 * to wake up.
 * `jobs`: 64 jobs that sleep for a millisecond ten times, on two Ps and as 64
 * threads, from the first one's making to the last one's end.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <weft.h>

#include "bench.h"

/* --- blocking ------------------------------------------------------------------------ */

static int begin_end(struct bench_run *r)
{
	bench_begin(r);
	for (uint64_t i = 0; i < r->n; i++) {
		weft_blocking_begin();
		weft_blocking_end();
	}
	bench_end(r, r->n);
	return 0;
}

static __attribute__((noinline)) void *nothing(void *arg)
{
	__asm__ __volatile__("" : : "r"(arg) : "memory");
	return arg;
}

static int wrapped(struct bench_run *r)
{
	bench_begin(r);
	for (uint64_t i = 0; i < r->n; i++)
		weft_blocking(nothing, r);
	bench_end(r, r->n);
	return 0;
}

static int empty_call(struct bench_run *r)
{
	bench_begin(r);
	for (uint64_t i = 0; i < r->n; i++)
		nothing(r);
	bench_end(r, r->n);
	return 0;
}

static const struct bench_series blocking_series[] = {
	{.name = "begin+end", .procs = 1, .run = begin_end},
	{.name = "weft_blocking", .procs = 1, .run = wrapped},
	{.name = "an empty call", .peer = true, .run = empty_call},
};

const struct bench_case bench_blocking = {
	.name = "blocking",
	.what = "a blocking call that says so, of no length, nobody waiting",
	.unit = "ns",
	.each = "a call",
	.series = blocking_series,
	.nseries = sizeof blocking_series / sizeof *blocking_series,
};

/* --- retake -------------------------------------------------------------------------------- */

enum { SAID, UNSAID, SPINS, SAMPLES = 31 };

static int ends[2];
static _Atomic uint64_t ran;

static void waits(void *unused)
{
	(void)unused;
	ran = bench_now();
	if (write(ends[1], "", 1) != 1)
		abort();
}

/* Keep the P in one of three ways until the other task has run. */
static double until_other_runs(unsigned way)
{
	uint64_t from;
	char byte;

	ran = 0;
	if (weft_go(waits, NULL))
		abort();
	if (way == SAID) {
		from = bench_now();
		weft_blocking_begin();
	} else {
		from = bench_now();
	}
	while (way == SPINS && !ran)
		;
	if (read(ends[0], &byte, 1) != 1)
		abort();
	if (way == SAID)
		weft_blocking_end();
	return (double)(ran - from);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int retake(struct bench_run *r)
{
	struct timespec rest = {0, 20 * 1000000}; /* sysmon backs off in it */
	double ns[SAMPLES];

	if (pipe(ends))
		return errno;
	for (int i = 0; i < SAMPLES; i++) {
		nanosleep(&rest, NULL);
		weft_yield();
		ns[i] = until_other_runs(r->arg);
	}
	qsort(ns, SAMPLES, sizeof *ns, by_value);
	r->n = SAMPLES;
	r->value = ns[SAMPLES / 2];
	r->ns = r->value * SAMPLES;
	return 0;
}

static const struct bench_series retake_series[] = {
	{.name = "said", .procs = 1, .fixed = true, .arg = SAID, .run = retake},
	{.name = "unsaid", .procs = 1, .fixed = true, .arg = UNSAID, .run = retake},
	{.name = "spinning", .procs = 1, .fixed = true, .arg = SPINS, .run = retake},
};

const struct bench_case bench_retake = {
	.name = "retake",
	.what = "from when a task begins to block or to compute until another runs on its P",
	.unit = "ns",
	.each = "a retaking",
	.series = retake_series,
	.nseries = sizeof retake_series / sizeof *retake_series,
};

/* --- jobs ------------------------------------------------------------------------------------- */

enum { JOBS = 64, NAPS = 10 };

static void *job(void *said)
{
	struct timespec nap = {0, 1000000};

	for (int i = 0; i < NAPS; i++) {
		if (said)
			weft_blocking_begin();
		nanosleep(&nap, NULL);
		if (said)
			weft_blocking_end();
	}
	return NULL;
}

static int jobs_as_tasks(struct bench_run *r)
{
	weft_t task[JOBS];
	int err = 0;

	bench_begin(r);
	for (int i = 0; i < JOBS && !err; i++)
		err = weft_create(&task[i], NULL, job, r->arg == SAID ? r : NULL);
	for (int i = 0; i < JOBS && !err; i++)
		err = weft_join(task[i], NULL);
	bench_end(r, JOBS);
	return err;
}

static int jobs_as_threads(struct bench_run *r)
{
	pthread_t thread[JOBS];
	int err = 0;

	bench_begin(r);
	for (int i = 0; i < JOBS && !err; i++)
		err = pthread_create(&thread[i], NULL, job, NULL);
	for (int i = 0; i < JOBS && !err; i++)
		err = pthread_join(thread[i], NULL);
	bench_end(r, JOBS);
	return err;
}

static const struct bench_series jobs_series[] = {
	{.name = "said, 2 Ps", .procs = 2, .fixed = true, .arg = SAID, .run = jobs_as_tasks},
	{.name = "unsaid, 2 Ps", .procs = 2, .fixed = true, .arg = UNSAID, .run = jobs_as_tasks},
	{.name = "threads", .peer = true, .fixed = true, .run = jobs_as_threads},
};

const struct bench_case bench_jobs = {
	.name = "jobs",
	.what = "64 jobs that sleep 1 ms ten times, at once: wall time divided by 64",
	.unit = "ns",
	.each = "a job",
	.series = jobs_series,
	.nseries = sizeof jobs_series / sizeof *jobs_series,
};
