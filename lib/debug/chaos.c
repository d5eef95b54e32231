/*
 * The debug build's disorder: at every park, ready, steal and switch another
 * thread may go first, so that interleavings come up which are rare otherwise;
 * and a stack that is put back is filled with a pattern where its last task was,
 * so that who still looks there finds nothing of use.
 */
#include <sched.h>
#include <string.h>
#include <time.h>

#include "sched/sched.h"

void wf_chaos(void)
{
	struct m *m = wf_getg() ? wf_getg()->m : NULL;
	struct timespec nap = {0, 1000};
	uint64_t dice;

	if (!m)
		return;
	m->rng ^= m->rng << 13;
	m->rng ^= m->rng >> 7;
	m->rng ^= m->rng << 17;
	dice = m->rng >> 40;
	if (dice % 16 == 0)
		sched_yield();
	else if (dice % 256 == 1)
		nanosleep(&nap, NULL);
}

/* Asked by sysmon alone. */
bool wf_chaos_retake(void)
{
	static uint64_t dice = 1;
	static int on = -1;

	if (on < 0)
		on = wf_debug_word("yield");
	dice = dice * 6364136223846793005 + 1442695040888963407;
	return on && dice >> 60 == 0;
}

void wf_poison(struct gtop *top)
{
	enum { DEPTH = 4096, PATTERN = 0xdb };
	uintptr_t low = wf_ctx_low(&top->idle);
	uintptr_t from = low > top->stk.lo + DEPTH ? low - DEPTH : top->stk.lo;

	if (low > from)
		memset((void *)from, PATTERN, low - from);
}
