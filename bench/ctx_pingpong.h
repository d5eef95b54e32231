/*
 * Two contexts that switch to each other, for whichever layer the including
 * file has chosen. A switch is counted each way.
 */
#ifndef BENCH_CTX_PINGPONG_H
#define BENCH_CTX_PINGPONG_H

#include <errno.h>
#include <stdlib.h>

#include <weft/ctx.h>

#include "bench.h"

enum { PINGPONG_STACK = 64 * 1024 };

static weft_ctx_t pingpong_here, pingpong_there;

static void pingpong_other(void *arg)
{
	(void)arg;
	for (;;)
		weft_ctx_switch(&pingpong_there, &pingpong_here);
}

static inline int pingpong(struct bench_run *r)
{
	uint64_t rounds = r->n / 2 + 1;
	void *stack = malloc(PINGPONG_STACK);
	int err;

	if (stack == NULL)
		return ENOMEM;
	err = weft_ctx_make(&pingpong_there, stack, PINGPONG_STACK, pingpong_other, NULL);
	if (err == 0) {
		weft_ctx_switch(&pingpong_here, &pingpong_there);
		bench_begin(r);
		for (uint64_t i = 0; i < rounds; i++)
			weft_ctx_switch(&pingpong_here, &pingpong_there);
		bench_end(r, 2 * rounds);
		weft_ctx_free(&pingpong_there);
	}
	free(stack);
	return err;
}

#endif
