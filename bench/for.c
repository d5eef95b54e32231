/*
 * What do parallel loops cost? A loop's bodies on two Ps, for an index: ones that wait for
 * the memory (`for-memory`), and ones that compute (`for-compute`). Nested loops are not
 * measured.
 */
#include <errno.h>
#include <stdlib.h>

#include <weft.h>

#include "bench.h"
#include "peers/peers.h"

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
