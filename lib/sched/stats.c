/*
 * The runtime's counters, summed up. Each P counts for itself; what is done
 * without a P is counted in wf_sched.
 */
#include <errno.h>
#include <string.h>

#include <weft/runtime.h>

#include "sched/retake.h"

/* With wf_sched.lock held, so that no P appears meanwhile. */
static void sum(weft_stats_t *s, uint64_t *readies)
{
	s->created = wf_sched.created;
	s->finished = wf_sched.finished;
	s->injected = wf_sched.injected;
	s->retakes = wf_sched.retakes;
	s->preemptions = wf_sched.preemptions;
	s->blocking = wf_blocking_count();
	s->runnable = wf_sched.runq.n + wf_sched.slowq.n + wf_sched.nstackwait;
	*readies = wf_sched.readied;
	for (unsigned i = 0; i < wf_sched.nps; i++) {
		struct p *p = wf_allp[i];

		s->finished += wf_finished(p);
		s->created += p->stats.created;
		s->switches += wf_switches(p);
		*readies += p->stats.readies + p->stats.back;
		s->parks += p->stats.parks + p->stats.there;
		s->steals += p->stats.steals;
		s->timers += p->timers.n;
		s->handoffs += p->stats.handoffs;
		s->runnable += wf_runqlen(p) + (p->runnext != NULL);
	}
}

static void gather(weft_stats_t *s)
{
	uint64_t readies;

	wf_lock(&wf_sched.lock);
	sum(s, &readies);
	s->procs = wf_sched.nprocs;
	s->idle_procs = wf_sched.npidle;
	s->spinning = wf_sched.nmspinning;
	s->threads = wf_sched.nm;
	s->idle_threads = wf_sched.nmidle;
	wf_unlock(&wf_sched.lock);
	s->tasks = s->created > s->finished ? s->created - s->finished : 0;
	s->parked = s->parks > readies ? s->parks - readies : 0;
	wf_stackuse(&s->stacks, &s->stack_bytes);
}

int weft_stats(weft_stats_t *stats, size_t size)
{
	weft_stats_t now = {0};

	if (!stats || !size)
		return EINVAL;
	memset(stats, 0, size);
	if (wf_up()) {
		struct m *m = wf_enter_any(); /* D4 (post.c) */

		gather(&now);
		if (m)
			wf_leave_any(m);
	}
	memcpy(stats, &now, size < sizeof now ? size : sizeof now);
	return 0;
}
