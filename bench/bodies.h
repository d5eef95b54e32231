/* The loop bodies that Weft and its peers run: what is done for one index. */
#ifndef BENCH_BODIES_H
#define BENCH_BODIES_H

#include <stddef.h>
#include <stdint.h>

/* 64 MB in two arrays, which fit in few caches; and numbers that are hashed. */
enum { AXPY_N = 1 << 22, HASH_N = 1 << 14, HASH_STEPS = 256 };

struct loop_data {
	double *x, *y;
	uint64_t *hash;
};

/* Two loads and a store for two operations: the memory decides. */
static inline void axpy(const struct loop_data *d, size_t i)
{
	d->y[i] += 0.5 * d->x[i];
}

/* Multiplications that each wait for the one before. */
static inline void hash(const struct loop_data *d, size_t i)
{
	uint64_t h = d->hash[i];

	for (int k = 0; k < HASH_STEPS; k++)
		h = (h ^ (h >> 29)) * 0x9e3779b97f4a7c15u;
	d->hash[i] = h;
}

#endif
