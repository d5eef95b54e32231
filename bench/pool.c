/*
 * What do jobs cost that a pool runs, and parallel loops?
 *
 * `submit`: 1 or 4 threads that are no workers submit 1,000 jobs each at once while the
 * workers sleep: the time from the first one's begin to the last one's end, for a job; the
 * median of the bursts. When the jobs run is not in it. `empty`: jobs that only count, from
 * the first submit until the pool has run all and is destroyed, wall time. `for-memory` and
 * `for-compute`: a loop's bodies on two Ps, for an index. Jobs of unequal length, and
 * nested loops, are not measured.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

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

/* --- for-memory, for-compute ------------------------------------------------------------------ */

static void axpy_share(size_t lo, size_t hi, void *data)
{
	for (size_t i = lo; i < hi; i++)
		axpy(data, i);
}

static void hash_share(size_t lo, size_t hi, void *data)
{
	for (size_t i = lo; i < hi; i++)
		hash(data, i);
}

static struct loop_data data;

/* With 2 in x, y counts the passes. */
static int fill(void)
{
	if (data.x == NULL) {
		data.x = malloc(AXPY_N * sizeof *data.x);
		data.y = malloc(AXPY_N * sizeof *data.y);
		data.hash = malloc(HASH_N * sizeof *data.hash);
	}
	if (data.x == NULL || data.y == NULL || data.hash == NULL)
		return ENOMEM;
	for (size_t i = 0; i < AXPY_N; i++) {
		data.x[i] = 2;
		data.y[i] = 0;
	}
	for (size_t i = 0; i < HASH_N; i++)
		data.hash[i] = i + 1;
	return 0;
}

static bool sums_made(uint64_t passes)
{
	for (size_t i = 0; i < AXPY_N; i++)
		if (data.y[i] != (double)passes)
			return false;
	return true;
}

/* Some of them are made again. */
static bool hashes_made(uint64_t passes)
{
	enum { EVERY = 1023 };

	for (size_t i = 0; i < HASH_N; i += EVERY) {
		uint64_t number = i + 1;
		struct loop_data one = {.hash = &number};

		for (uint64_t p = 0; p < passes; p++)
			hash(&one, 0);
		if (number != data.hash[i])
			return false;
	}
	return true;
}

static int axpy_by(struct bench_run *r, void (*pass)(const struct loop_data *))
{
	uint64_t passes = r->n / AXPY_N + 1;
	int err = fill();

	if (err != 0)
		return err;
	bench_begin(r);
	for (uint64_t p = 0; p < passes; p++)
		pass(&data);
	bench_end(r, passes * AXPY_N);
	return sums_made(passes) ? 0 : EPROTO;
}

static int hash_by(struct bench_run *r, void (*pass)(const struct loop_data *))
{
	uint64_t passes = r->n / HASH_N + 1;
	int err = fill();

	if (err != 0)
		return err;
	bench_begin(r);
	for (uint64_t p = 0; p < passes; p++)
		pass(&data);
	bench_end(r, passes * HASH_N);
	return hashes_made(passes) ? 0 : EPROTO;
}

/* A pass that fails is seen by what it did not do. */
static void axpy_pass(const struct loop_data *d)
{
	weft_pool_for(NULL, 0, AXPY_N, 0, axpy_share, (void *)d);
}

static void hash_pass(const struct loop_data *d)
{
	weft_pool_for(NULL, 0, HASH_N, 0, hash_share, (void *)d);
}

static void axpy_plain(const struct loop_data *d)
{
	axpy_share(0, AXPY_N, (void *)d);
}

static void hash_plain(const struct loop_data *d)
{
	hash_share(0, HASH_N, (void *)d);
}

static int axpy_weft(struct bench_run *r)
{
	return axpy_by(r, axpy_pass);
}

static int hash_weft(struct bench_run *r)
{
	return hash_by(r, hash_pass);
}

static int axpy_alone(struct bench_run *r)
{
	return axpy_by(r, axpy_plain);
}

static int hash_alone(struct bench_run *r)
{
	return hash_by(r, hash_plain);
}

static int axpy_openmp(struct bench_run *r)
{
	return axpy_by(r, peer_openmp_axpy);
}

static int hash_openmp(struct bench_run *r)
{
	return hash_by(r, peer_openmp_hash);
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

static const struct bench_series for_memory_series[] = {
	{.name = "weft_pool_for, 2 Ps",
	 .procs = 2,
	 .bounds = {{"OpenMP, 2 threads", 1}, {"oneTBB, 2 threads", 1}, {"a plain loop", 1}},
	 .run = axpy_weft},
	{.name = "OpenMP, 2 threads",
	 .peer = true,
	 .run = axpy_openmp,
	 .absent = peer_openmp_absent,
	 .version = peer_openmp_version},
	{.name = "a plain loop", .peer = true, .run = axpy_alone},
	{.name = "oneTBB, 2 threads", .peer = true, .program = "tbb", .call = "memory 2"},
};

const struct bench_case bench_for_memory = {
	.name = "for-memory",
	.what = "a parallel loop that adds one array of 32 MB to another",
	.unit = "ns",
	.each = "an index",
	.series = for_memory_series,
	.nseries = sizeof for_memory_series / sizeof *for_memory_series,
};

static const struct bench_series for_compute_series[] = {
	{.name = "weft_pool_for, 2 Ps",
	 .procs = 2,
	 .bounds = {{"OpenMP, 2 threads", 1}, {"oneTBB, 2 threads", 1}, {"a plain loop", 1}},
	 .run = hash_weft},
	{.name = "OpenMP, 2 threads",
	 .peer = true,
	 .run = hash_openmp,
	 .absent = peer_openmp_absent,
	 .version = peer_openmp_version},
	{.name = "a plain loop", .peer = true, .run = hash_alone},
	{.name = "oneTBB, 2 threads", .peer = true, .program = "tbb", .call = "compute 2"},
};

const struct bench_case bench_for_compute = {
	.name = "for-compute",
	.what = "a parallel loop of 256 dependent multiplications an index",
	.unit = "ns",
	.each = "an index",
	.series = for_compute_series,
	.nseries = sizeof for_compute_series / sizeof *for_compute_series,
};
