/*
 * Retaking: the one mechanism of preemption.
 *
 * Whoever wants the P of an M that runs a task sets a bit in the M's attn, passes a heavy
 * barrier, and looks at inside under wf_sched.lock. An M that is seen outside has not
 * looked at its P since it left; when it comes back it meets attn, and with it the
 * lock, and finds its P gone. So nothing is stopped and no signal is sent: the thread goes
 * on wherever it is, and only its next call into the runtime finds out (wf_enter_slow).
 * The M costs that a store and a load a call; who takes pays the barrier.
 *
 * t/model/retake.pml is the model.
 */
#include "sched/retake.h"

bool wf_seize(struct p *p)
{
	struct m *m = p->m;

	/* acquire: pairs with wf_leave's release, so that what m did to p is seen */
	if (!m || atomic_load_explicit(&m->inside, memory_order_acquire) || wf_p(m) != p)
		return false;
	atomic_store_explicit(&m->p, NULL, memory_order_relaxed);
	p->m = NULL;
	atomic_store_explicit(&p->status, P_IDLE, memory_order_relaxed);
	atomic_fetch_add_explicit(&wf_sched.retakes, 1, memory_order_relaxed);
	return true;
}

bool wf_retake(struct p *p, struct m *m, uint32_t why)
{
	bool taken;

	/* pairs with wf_enter_plain and wf_leave; records of Ms are never unmapped before
	 * the runtime goes down, so m is an M still, if not the same thread's */
	atomic_fetch_or(&m->attn, ATTN_RETAKE);
	wf_heavy_barrier();
	wf_lock(&wf_sched.lock);
	taken = !wf_sched.gcwaiting && p->m == m && wf_seize(p);
	if (taken)
		atomic_store_explicit(&m->retaken, why, memory_order_relaxed); /* the lock's */
	if (taken && why == RETAKEN_PREEMPTED)
		atomic_fetch_add_explicit(&wf_sched.strays, 1, memory_order_relaxed);
	atomic_fetch_and(&m->attn, ~(uint32_t)ATTN_RETAKE);
	wf_unlock(&wf_sched.lock);
	if (taken)
		wf_handoffp(p);
	return taken;
}
