/*
 * The debug build's disorder: at every park, ready, steal and switch another
 * thread may go first, so that interleavings come up which are rare otherwise.
 */
#include <sched.h>
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
