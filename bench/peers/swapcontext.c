/* libc's own switch, which asks the kernel for the signal mask each time. */
#include <errno.h>
#include <stdlib.h>
#include <ucontext.h>

#include "peers.h"

enum { STACK = 64 * 1024 };

static ucontext_t here, there;

static void other(void)
{
	for (;;)
		swapcontext(&there, &here);
}

int peer_swapcontext(struct bench_run *r)
{
	uint64_t rounds = r->n / 2 + 1;
	void *stack = malloc(STACK);

	if (stack == NULL)
		return ENOMEM;
	getcontext(&there);
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = STACK;
	makecontext(&there, other, 0);
	swapcontext(&here, &there);
	bench_begin(r);
	for (uint64_t i = 0; i < rounds; i++)
		swapcontext(&here, &there);
	bench_end(r, 2 * rounds);
	free(stack);
	return 0;
}
