/*
 * One run of a series, in the process that it has to itself.
 *
 * The first run finds out how many operations fill the time that a run is to
 * take; later ones are told. Each run begins with a tenth of its operations
 * unmeasured, for caches, page tables and lazily made threads, and stands
 * between two readings of the core's clock: a chain of multiplications, each of
 * which needs the result of the one before. A peer that is a program of its own
 * makes its unmeasured tenth itself.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include <weft.h>

#include "bench.h"

enum { RUN_NS = 50 * 1000 * 1000, PROBE_NS = 4 * 1000 * 1000 };

static uint64_t begun;
static double cpu_begun;
static struct {
	const struct bench_series *series;
	struct bench_run *run;
} job;

uint64_t bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Of all threads of the process, in ns. */
static double cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

void bench_begin(struct bench_run *r)
{
	(void)r;
	perf_begin();
	cpu_begun = cpu_now();
	begun = bench_now();
}

void bench_end(struct bench_run *r, uint64_t ops)
{
	double each = ops != 0 ? (double)ops : 1;
	struct perf_sample p;

	r->ns = (double)(bench_now() - begun);
	r->cpu = (cpu_now() - cpu_begun) / each;
	p = perf_end();
	r->n = ops;
	r->value = r->ns / each;
	r->insns = p.insns / each;
	r->cycles = p.cycles / each;
}

int bench_one_cpu(void)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	if (cpu < 0)
		return errno;
	CPU_ZERO(&set);
	CPU_SET((unsigned)cpu, &set);
	return sched_setaffinity(0, sizeof set, &set) != 0 ? errno : 0;
}

/* The least of a few short readings: a thread that is interrupted only seems slower. */
static double multiplication_ns(void)
{
	enum { CHAIN = 30000, READINGS = 12 };
	double best = 0;

	for (int i = 0; i < READINGS; i++) {
		uint64_t from = bench_now(), x = from | 1;
		double each;

		for (int k = 0; k < CHAIN; k++) {
			x *= x;
			__asm__ __volatile__("" : "+r"(x));
		}
		each = (double)(bench_now() - from) / CHAIN;
		if (best == 0 || each < best)
			best = each;
	}
	return best;
}

static int run_once(const struct bench_series *s, struct bench_run *r)
{
	return s->program != NULL ? program_run(s, r) : s->run(r);
}

/* Grow n until a run takes long enough to tell how many operations fill RUN_NS. */
static int find_n(const struct bench_series *s, struct bench_run *r)
{
	uint64_t n = 1;

	for (;;) {
		int err;

		r->n = n;
		err = run_once(s, r);
		if (err != 0)
			return err;
		if (r->ns >= PROBE_NS)
			break;
		n = r->n * (r->ns < PROBE_NS / 16 ? 8 : 2);
	}
	r->n = (uint64_t)(RUN_NS / r->value) + 1;
	return 0;
}

static int measure(const struct bench_series *s, struct bench_run *r)
{
	uint64_t n;
	int err;

	if (s->fixed || (s->program != NULL && r->n != 0))
		return run_once(s, r);
	if (r->n == 0) {
		err = find_n(s, r);
	} else {
		n = r->n;
		r->n = n / 10 + 1;
		err = run_once(s, r);
		r->n = n;
	}
	return err != 0 ? err : run_once(s, r);
}

static int first_task(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	job.run->error = measure(job.series, job.run);
	return 0;
}

static int run_as_task(const struct bench_series *s, struct bench_run *r)
{
	weft_config_t config = {.procs = (unsigned)s->procs};
	int err = weft_configure(&config);

	if (err != 0)
		return err;
	job.series = s;
	job.run = r;
	return weft_start(first_task, 0, NULL) != 0 ? errno : r->error;
}

int bench_run_here(const struct bench_series *s, struct bench_run *r)
{
	double before = multiplication_ns(), after;
	int err;

	r->arg = s->arg;
	r->insns = r->cycles = -1;
	perf_open();
	err = s->procs > 0 ? run_as_task(s, r) : measure(s, r);
	after = multiplication_ns();
	r->mul_ns = before < after ? before : after;
	return err;
}
