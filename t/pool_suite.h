/*
 * What the tests of pools, futures, loops and groups share.
 */
#ifndef T_POOL_SUITE_H
#define T_POOL_SUITE_H

#include <check.h>
#include <time.h>

#include <weft.h>

static inline weft_pool_t *make_pool(weft_pool_attr_t attr)
{
	weft_pool_t *pool;

	ck_assert_int_eq(weft_pool_create(&pool, &attr), 0);
	return pool;
}

static inline void drain(weft_pool_t *pool)
{
	ck_assert_int_eq(weft_pool_destroy(pool, WEFT_DRAIN, NULL), 0);
}

/* The state of a pool, which has to add up. */
static inline weft_pool_stats_t stats_of(weft_pool_t *pool)
{
	weft_pool_stats_t s;

	ck_assert_int_eq(weft_pool_stats(pool, &s, sizeof s), 0);
	ck_assert_uint_eq(s.submitted, s.finished + s.discarded + s.queued + s.running);
	ck_assert_uint_le(s.caller_ran, s.finished);
	return s;
}

/* CLOCK_MONOTONIC in so many milliseconds. */
static inline struct timespec from_now(long ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += ms * 1000000L;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	if (t.tv_nsec < 0) {
		t.tv_nsec += 1000000000;
		t.tv_sec--;
	}
	return t;
}

#endif
