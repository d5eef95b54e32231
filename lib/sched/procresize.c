/*
 * How many Ps there are, and stopping the world to change that.
 *
 * Stopping is retaking every P. Under wf_sched.lock the stopper sets gcwaiting and
 * each M's ATTN_STOP and takes the idle Ps. Then, for each P that an M has: after a
 * heavy barrier an M that is seen outside of the runtime (inside is 0) has not
 * looked at its P since, and will meet attn, and with it the lock, when it comes
 * back: its P is taken from under it (I4). An M inside meets attn on its way out,
 * or gcwaiting in its loop, and gives its P up itself; the stopper lets go of the
 * lock for that and looks again. What computes goes on computing, without a P.
 *
 * t/model/retake.pml and t/model/procresize.pml are the models.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <weft/runtime.h>

#include "sched/retake.h"

struct p *wf_allp[WEFT_PROCS_MAX];

/* All with wf_sched.lock held. */

static void want_stop(uint32_t (*change)(_Atomic uint32_t *))
{
	for (struct m *m = wf_sched.allm; m; m = m->alllink)
		change(&m->attn);
	change(&wf_m0.attn);
}

static uint32_t set_stop(_Atomic uint32_t *attn)
{
	return atomic_fetch_or(attn, ATTN_STOP);
}

static uint32_t clear_stop(_Atomic uint32_t *attn)
{
	return atomic_fetch_and(attn, ~(uint32_t)ATTN_STOP);
}

static void stop_idle(void)
{
	struct p *p;

	while ((p = wf_pidleget()))
		atomic_store_explicit(&p->status, P_STOPPED, memory_order_relaxed);
}

/* One look at all Ps; how many are not stopped yet. */
static unsigned seize_all(const struct p *mine)
{
	unsigned left = 0;

	want_stop(set_stop); /* Ms that are new since the last look, too */
	stop_idle();         /* and what they could not use */
	wf_heavy_barrier();
	for (unsigned i = 0; i < wf_sched.nprocs; i++) {
		struct p *p = wf_allp[i];

		if (p == mine || p->status == P_STOPPED)
			continue;
		if (p->status != P_RUNNING || !wf_seize(p))
			left++;
		else
			atomic_store_explicit(&p->status, P_STOPPED, memory_order_relaxed);
	}
	return left;
}

/* One stopper at a time: others give way, or what they hold would never stop. */
static struct m *lock_world(struct m *m)
{
	wf_lock(&wf_sched.lock);
	while (wf_sched.gcwaiting) {
		wf_unlock(&wf_sched.lock);
		if (m)
			m = wf_giveway(m, m->curg);
		else
			sched_yield();
		wf_lock(&wf_sched.lock);
	}
	return m;
}

/* The world is locked. */
static void stop_world(struct m *m)
{
	struct timespec nap = {0, 20000};

	atomic_store(&wf_sched.gcwaiting, 1);
	while (seize_all(m ? wf_p(m) : NULL)) {
		wf_unlock(&wf_sched.lock);
		nanosleep(&nap, NULL);
		wf_lock(&wf_sched.lock);
	}
}

struct m *wf_stoptheworld(struct m *m)
{
	m = lock_world(m);
	stop_world(m);
	return m;
}

void wf_starttheworld(struct p *runnable)
{
	atomic_store(&wf_sched.gcwaiting, 0);
	want_stop(clear_stop);
	wf_unlock(&wf_sched.lock);
	while (runnable) {
		struct p *p = runnable;

		runnable = p->link;
		wf_startm(p, false);
	}
	if (wf_work_anywhere() || wf_timers_unkept())
		wf_wake();
}

/* An M meets gcwaiting in its loop. */
void wf_gcstopm(void)
{
	struct m *m = wf_getg()->m;
	bool stopped;

	if (m->spinning) {
		m->spinning = false;
		atomic_fetch_sub(&wf_sched.nmspinning, 1);
	}
	wf_lock(&wf_sched.lock);
	stopped = wf_sched.gcwaiting;
	if (stopped)
		atomic_store_explicit(&wf_releasep()->status, P_STOPPED, memory_order_relaxed);
	wf_unlock(&wf_sched.lock);
	if (stopped)
		wf_stopm();
}

static struct p *pnew(int id)
{
	struct p *p = wf_map((sizeof *p + PAGE - 1) & ~(size_t)(PAGE - 1));

	if (p) {
		p->id = id;
		p->pass = GLOBAL_TICK;
		wf_timers_init(&p->timers);
		p->status = P_STOPPED;
	}
	return p;
}

/* What a P that is to go has, goes to the others. */
static void pdestroy(struct p *p)
{
	wf_runqdrain(p);
	wf_timers_move(&p->timers, &wf_allp[0]->timers); /* which never goes */
	wf_gflush(&p->gfree);
	wf_stackflush(p);
	atomic_store_explicit(&p->status, P_DEAD, memory_order_relaxed);
}

static int make_ps(unsigned n)
{
	for (unsigned i = wf_sched.nps; i < n; i++) {
		struct p *p = pnew((int)i);

		if (!p)
			return ENOMEM;
		wf_allp[i] = p;
		wf_sched.nps = i + 1;
	}
	return 0;
}

/* The caller's M keeps a P: its own, or the first when its own goes. */
static void keep_p(struct m *m, unsigned n)
{
	struct p *p = wf_p(m);

	if (p && (unsigned)p->id < n)
		return;
	if (p) {
		p->status = P_STOPPED;
		wf_releasep();
	}
	wf_acquirep(wf_allp[0]);
}

static bool any_foreign(void)
{
	for (struct m *m = wf_sched.allm; m; m = m->alllink)
		if (m->foreign && !m->resting)
			return true;
	return false;
}

int wf_procresize(struct m *m, unsigned n, struct p **runnable)
{
	unsigned before = wf_sched.nprocs;

	*runnable = NULL;
	if (make_ps(n))
		return ENOMEM;
	if (m)
		keep_p(m, n);
	for (unsigned i = n; i < before; i++)
		pdestroy(wf_allp[i]);
	atomic_store(&wf_sched.nprocs, n);
	wf_allp[0]->alone = n == 1;
	wf_allp[0]->solo = n == 1 && !any_foreign();
	for (unsigned i = n; i-- > 0;) {
		struct p *p = wf_allp[i];

		if (m && p == wf_p(m))
			continue;
		if (wf_runqempty(p)) {
			wf_pidleput(p);
		} else { /* on its way to an M: who stops the world next waits for it */
			atomic_store_explicit(&p->status, P_IDLE, memory_order_relaxed);
			p->link = *runnable;
			*runnable = p;
		}
	}
	return 0;
}

/* The first procresize: m0 has its P from it. */
int wf_schedinit(unsigned procs)
{
	struct p *runnable;
	int error;

	wf_sched.maxm = wf_settings.maxm;
	wf_lock(&wf_sched.lock);
	error = wf_procresize(&wf_m0, procs, &runnable);
	wf_unlock(&wf_sched.lock);
	if (!error && runnable)
		wf_throw("unknown runnable task during bootstrap");
	return error;
}

/* The only P's owner goes without locks as long as there is no foreign thread: it is stopped
 * so that it does not any more. The caller's record is on allm. */
void wf_unsolo(void)
{
	struct p *runnable;

	lock_world(NULL);
	if (!wf_sched.nprocs || !wf_allp[0]->solo) {
		wf_unlock(&wf_sched.lock);
		return;
	}
	stop_world(NULL);
	wf_procresize(NULL, wf_sched.nprocs, &runnable); /* the same number: it can't fail */
	wf_starttheworld(runnable);
}

/* *m is the caller's, NULL on a foreign thread. */
static int resize(struct m **m, unsigned n)
{
	struct p *runnable;
	int error;

	*m = wf_stoptheworld(*m);
	error = wf_procresize(*m, n, &runnable);
	if (error) /* as it was: procresize with the old number can't fail */
		wf_procresize(*m, wf_sched.nprocs, &runnable);
	wf_starttheworld(runnable);
	if (!*m && wf_sched.runq.n)
		wf_wake();
	return error;
}

/* Who follows the number of Ps is told of it. m is the caller's, who is inside. */
static void tell_resized(struct m *m)
{
	void (*resized)(struct m *) = atomic_load(&wf_sched.resized);

	if (resized)
		resized(m);
}

int weft_procs(int n)
{
	struct m *m, *foreign;
	int before, error;

	if (n > WEFT_PROCS_MAX) {
		errno = EINVAL;
		return -1;
	}
	m = wf_enter();
	foreign = m ? NULL : wf_foreign_enter();
	error = m ? 0 : foreign ? wf_boot() : ENOMEM;
	before = (int)wf_sched.nprocs;
	if (!error && n > 0 && n != before && !(error = resize(&m, (unsigned)n)))
		tell_resized(m ? m : foreign);
	if (m)
		wf_leave(m);
	if (foreign)
		wf_foreign_leave(foreign);
	if (error)
		errno = error;
	return error ? -1 : before;
}
