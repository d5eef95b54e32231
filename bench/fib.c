/*
 * What does it cost to make a task and to join it before anybody started it?
 *
 * The naive Fibonacci recursion, one branch as a task, the other a plain call:
 * nothing but creating and joining, to a depth of N. With more than one P some
 * children are stolen, and the others' joins must notice that they were not.
 */
#include <errno.h>

#include <weft.h>

#include "bench.h"
#include "peers/peers.h"

enum { N = 20, CREATED = 10945, FIB_N = 6765 };

/* A number goes in and out as the pointer that tasks pass: no memory is shared. */
static void *fib(void *arg)
{
	uintptr_t n = (uintptr_t)arg;
	void *first, *second;
	weft_t child;

	if (n < 2)
		return arg;
	if (weft_create(&child, NULL, fib, (void *)(n - 1)) != 0)
		return NULL;
	second = fib((void *)(n - 2));
	if (weft_join(child, &first) != 0)
		return NULL;
	return (void *)((uintptr_t)first + (uintptr_t)second);
}

static int create_join(struct bench_run *r)
{
	uint64_t rounds = r->n / CREATED + 1;

	bench_begin(r);
	for (uint64_t i = 0; i < rounds; i++)
		if ((uintptr_t)fib((void *)(uintptr_t)N) != FIB_N)
			return EPROTO;
	bench_end(r, rounds * CREATED);
	return 0;
}

static const struct bench_series series[] = {
	{.name = "1 P", .procs = 1, .promise = 25, .run = create_join},
	{.name = "2 Ps", .procs = 2, .run = create_join},
	{.name = "pthread create, join",
	 .peer = true,
	 .run = peer_thread_join,
	 .version = peer_libc_version},
};

const struct bench_case bench_fib = {
	.name = "fib",
	.what = "weft_create and weft_join of a child that nobody started, in a recursion",
	.unit = "ns",
	.each = "a child",
	.series = series,
	.nseries = sizeof series / sizeof *series,
};
