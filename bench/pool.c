/*
 * What do jobs cost that a pool runs?
 *
 * `submit`: 1 or 4 threads that are no workers submit 1,000 jobs each at once while the
 * workers sleep: the time from the first one's begin to the last one's end, for a job; the
 * median of the bursts. When the jobs run is not in it. `empty`: jobs that only count, from
 * the first submit until the pool has run all and is destroyed, wall time. Jobs of unequal
 * length are not measured.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include <weft.h>

#include "bench.h"
#include "crew.h"
#include "peers/peers.h"

static void job(void *unused)
{
	(void)unused;
	tally_add();
}

static void *make(unsigned workers)
{
	weft_pool_attr_t attr = {.workers = workers};
	weft_pool_t *pool;

	return weft_pool_create(&pool, &attr) == 0 ? pool : NULL;
}

static int submit(void *pool)
{
	return weft_pool_submit(pool, job, NULL);
}

static int finish(void *pool)
{
	return weft_pool_destroy(pool, WEFT_DRAIN, NULL);
}

static const struct peer_pool weft_pool = {make, submit, finish};

/* --- submit ------------------------------------------------------------------------------- */

enum { BURST = 1000, BURSTS = 100, SUBMITTERS_MAX = 4, WORKERS = 2 };

static struct {
	const struct peer_pool *kind;
	void *pool;
	pthread_barrier_t gate;
	int error;
	struct submitter {
		pthread_t thread;
		uint64_t from, to;
	} submitters[SUBMITTERS_MAX];
} office;

static void *submit_bursts(void *submitter)
{
	struct submitter *s = submitter;

	for (int b = 0; b < BURSTS; b++) {
		pthread_barrier_wait(&office.gate);
		s->from = bench_now();
		for (int i = 0; i < BURST; i++)
			if (office.kind->submit(office.pool) != 0)
				office.error = EAGAIN;
		s->to = bench_now();
		pthread_barrier_wait(&office.gate);
	}
	return NULL;
}

static double burst_ns(unsigned n)
{
	uint64_t from = UINT64_MAX, to = 0;

	for (unsigned i = 0; i < n; i++) {
		struct submitter *s = &office.submitters[i];

		from = s->from < from ? s->from : from;
		to = s->to > to ? s->to : to;
	}
	return (double)(to - from);
}

/* Between bursts the workers run out of jobs, and are given the time to fall asleep. */
static double one_burst(unsigned n)
{
	uint64_t goal = tally_sum() + n * BURST;

	wake_pause();
	pthread_barrier_wait(&office.gate);
	pthread_barrier_wait(&office.gate);
	while (tally_sum() < goal && office.error == 0)
		sched_yield();
	return burst_ns(n);
}

static int submit_to(const struct peer_pool *kind, struct bench_run *r)
{
	double ns[BURSTS];
	int err = pthread_barrier_init(&office.gate, NULL, r->arg + 1);

	office.kind = kind;
	office.pool = kind->make(WORKERS);
	if (err != 0 || office.pool == NULL)
		return ENOMEM;
	for (unsigned i = 0; i < r->arg && err == 0; i++)
		err = pthread_create(&office.submitters[i].thread, NULL, submit_bursts,
				     &office.submitters[i]);
	if (err != 0)
		return err;
	for (int b = 0; b < BURSTS; b++)
		ns[b] = one_burst(r->arg) / (BURST * r->arg);
	for (unsigned i = 0; i < r->arg; i++)
		pthread_join(office.submitters[i].thread, NULL);
	wake_result(r, ns, BURSTS);
	err = kind->finish(office.pool);
	return err != 0 ? err : office.error;
}

static int submit_weft(struct bench_run *r)
{
	weft_config_t config = {.procs = WORKERS};
	int err = weft_configure(&config);

	return err != 0 ? err : submit_to(&weft_pool, r);
}

static int submit_threads(struct bench_run *r)
{
	return submit_to(&peer_pool_threads, r);
}

static int submit_glib(struct bench_run *r)
{
	return submit_to(&peer_pool_glib, r);
}

/* --- empty ---------------------------------------------------------------------------------- */

static int empty_jobs(const struct peer_pool *kind, struct bench_run *r)
{
	uint64_t goal = tally_sum() + r->n;
	void *pool = kind->make(r->arg);
	int err = pool == NULL ? ENOMEM : 0;

	if (err != 0)
		return err;
	bench_begin(r);
	for (uint64_t i = 0; i < r->n && err == 0; i++)
		err = kind->submit(pool);
	if (err == 0)
		err = kind->finish(pool);
	bench_end(r, r->n);
	return err != 0 ? err : tally_sum() == goal ? 0 : EPROTO;
}

static int empty_weft(struct bench_run *r)
{
	return empty_jobs(&weft_pool, r);
}

static int empty_threads(struct bench_run *r)
{
	return empty_jobs(&peer_pool_threads, r);
}

static int empty_glib(struct bench_run *r)
{
	return empty_jobs(&peer_pool_glib, r);
}

/* --- cases ------------------------------------------------------------------------------ */

static const struct bench_series submit_series[] = {
	{.name = "from 1 thread",
	 .fixed = true,
	 .arg = 1,
	 .promise = 60,
	 .bounds = {{"GThreadPool, 1 thread", 1},
		    {"mutex+cond, 1 thread", 1},
		    {"oneTBB, 1 thread", 1},
		    {"Go, 1 goroutine", 1}},
	 .run = submit_weft},
	{.name = "from 4 threads",
	 .fixed = true,
	 .arg = 4,
	 .bounds = {{"GThreadPool, 4 threads", 1},
		    {"mutex+cond, 4 threads", 1},
		    {"oneTBB, 4 threads", 1},
		    {"Go, 4 goroutines", 1}},
	 .run = submit_weft},
	{.name = "GThreadPool, 1 thread",
	 .peer = true,
	 .fixed = true,
	 .arg = 1,
	 .run = submit_glib,
	 .absent = peer_glib_absent,
	 .version = peer_glib_version},
	{.name = "GThreadPool, 4 threads",
	 .peer = true,
	 .fixed = true,
	 .arg = 4,
	 .run = submit_glib,
	 .absent = peer_glib_absent,
	 .version = peer_glib_version},
	{.name = "mutex+cond, 1 thread",
	 .peer = true,
	 .fixed = true,
	 .arg = 1,
	 .run = submit_threads,
	 .version = peer_libc_version},
	{.name = "mutex+cond, 4 threads",
	 .peer = true,
	 .fixed = true,
	 .arg = 4,
	 .run = submit_threads,
	 .version = peer_libc_version},
	{.name = "Go, 1 goroutine",
	 .peer = true,
	 .fixed = true,
	 .program = "go",
	 .call = "submit 2 1"},
	{.name = "Go, 4 goroutines",
	 .peer = true,
	 .fixed = true,
	 .program = "go",
	 .call = "submit 2 4"},
	{.name = "oneTBB, 1 thread",
	 .peer = true,
	 .fixed = true,
	 .program = "tbb",
	 .call = "submit 1"},
	{.name = "oneTBB, 4 threads",
	 .peer = true,
	 .fixed = true,
	 .program = "tbb",
	 .call = "submit 4"},
};

const struct bench_case bench_submit = {
	.name = "submit",
	.what = "bursts of 1,000 jobs from other threads to a pool whose two workers sleep",
	.unit = "ns",
	.each = "a job",
	.series = submit_series,
	.nseries = sizeof submit_series / sizeof *submit_series,
};

static const struct bench_series empty_series[] = {
	{.name = "1 worker, 2 Ps",
	 .procs = 2,
	 .arg = 1,
	 .bounds = {{"GThreadPool, 1 worker", 1},
		    {"mutex+cond, 1 worker", 1},
		    {"oneTBB, 1 worker", 1},
		    {"Go, 1 P", 1}},
	 .run = empty_weft},
	{.name = "2 workers, 2 Ps",
	 .procs = 2,
	 .arg = 2,
	 .bounds = {{"GThreadPool, 2 workers", 1},
		    {"mutex+cond, 2 workers", 1},
		    {"oneTBB, 2 workers", 1},
		    {"Go, 2 Ps", 1}},
	 .run = empty_weft},
	{.name = "4 workers, 2 Ps",
	 .procs = 2,
	 .arg = 4,
	 .bounds = {{"GThreadPool, 4 workers", 1},
		    {"mutex+cond, 4 workers", 1},
		    {"oneTBB, 4 workers", 1},
		    {"Go, 4 Ps", 1}},
	 .run = empty_weft},
	{.name = "GThreadPool, 1 worker",
	 .peer = true,
	 .arg = 1,
	 .run = empty_glib,
	 .absent = peer_glib_absent,
	 .version = peer_glib_version},
	{.name = "GThreadPool, 2 workers",
	 .peer = true,
	 .arg = 2,
	 .run = empty_glib,
	 .absent = peer_glib_absent,
	 .version = peer_glib_version},
	{.name = "GThreadPool, 4 workers",
	 .peer = true,
	 .arg = 4,
	 .run = empty_glib,
	 .absent = peer_glib_absent,
	 .version = peer_glib_version},
	{.name = "mutex+cond, 1 worker",
	 .peer = true,
	 .arg = 1,
	 .run = empty_threads,
	 .version = peer_libc_version},
	{.name = "mutex+cond, 2 workers",
	 .peer = true,
	 .arg = 2,
	 .run = empty_threads,
	 .version = peer_libc_version},
	{.name = "mutex+cond, 4 workers",
	 .peer = true,
	 .arg = 4,
	 .run = empty_threads,
	 .version = peer_libc_version},
	{.name = "Go, 1 P", .peer = true, .program = "go", .call = "empty 1 0"},
	{.name = "Go, 2 Ps", .peer = true, .program = "go", .call = "empty 2 0"},
	{.name = "Go, 4 Ps", .peer = true, .program = "go", .call = "empty 4 0"},
	{.name = "oneTBB, 1 worker", .peer = true, .program = "tbb", .call = "empty 1"},
	{.name = "oneTBB, 2 workers", .peer = true, .program = "tbb", .call = "empty 2"},
	{.name = "oneTBB, 4 workers", .peer = true, .program = "tbb", .call = "empty 4"},
};

const struct bench_case bench_empty = {
	.name = "empty",
	.what = "jobs that only count, submitted by one and run by 1, 2 and 4 workers of a pool",
	.unit = "ns",
	.each = "a job",
	.series = empty_series,
	.nseries = sizeof empty_series / sizeof *empty_series,
};
