/*
 * Blocking calls that say so: entersyscall and exitsyscall.
 *
 * A task that runs is outside of the runtime, and its P can be retaken there at any
 * time. So a blocking call leaves the P where it is and says so in its M (m->blocking):
 * sysmon takes the P at its second look, not after a slice. Coming back is any call's
 * way in; without a P it waits its turn there.
 *
 * The last M there may be does not block: a task that would use it waits, in the order in
 * which tasks began, until another comes back. So the rest of the pool goes on.
 *
 *   B1  Who begins is queued, passes a heavy barrier and then counts who is in a
 *       blocking call; who ends says so, passes a light barrier, and looks whether somebody
 *       is queued. One of the two sees the other.
 *   B2  Who was let in counts as blocking from then on: in wf_blocked.admitted until it says
 *       so itself, under the lock.
 *   B3  A task that waited in a call of Weft's within its blocking call gave its thread to
 *       others meanwhile. Going back (ATTN_BLOCK) is beginning anew: it may have to wait again.
 *
 * t/model/block.pml is the model.
 */
#include <errno.h>
#include <string.h>

#include <weft/runtime.h>

#include "sched/fast.h"
#include "sched/retake.h"
#include "sched/waitq.h"

enum { NESTED_MAX = 1 << 30 };

static struct {
	struct lock lock;   /* guards all; taken before wf_sched.lock */
	struct waitq queue; /* who waits for a thread */
	_Atomic uint32_t n; /* how many; read without it as a hint */
	uint32_t admitted;  /* who waits no more, and has not said yet that it blocks (B2) */
} wf_blocked;

bool wf_blocking_waited(void)
{
	return atomic_load_explicit(&wf_blocked.n, memory_order_relaxed);
}

uint64_t wf_blocking_count(void)
{
	uint64_t n = wf_m0.blocking != 0;

	for (struct m *m = wf_sched.allm; m; m = m->alllink)
		n += m->blocking != 0;
	return n;
}

/* Whether one more may block and leave a thread to the others. With wf_blocked.lock held. */
static bool room(void)
{
	uint64_t n;

	wf_lock(&wf_sched.lock);
	n = wf_blocking_count();
	wf_unlock(&wf_sched.lock);
	return n + wf_blocked.admitted + 1 < wf_sched.maxm;
}

void wf_blocking_admit(struct m *m)
{
	struct waiter *w = NULL;

	wf_lock(&wf_blocked.lock);
	if (room() && (w = wf_waitq_pop(&wf_blocked.queue))) {
		atomic_fetch_sub_explicit(&wf_blocked.n, 1, memory_order_relaxed);
		wf_blocked.admitted++;
	}
	wf_unlock(&wf_blocked.lock);
	if (w)
		wf_goready(m, w->g);
}

/* Say that this M blocks; any number but 0 that is not the last one's. */
static void say(struct m *m)
{
	m->nblocking = m->nblocking == UINT32_MAX ? 1 : m->nblocking + 1;
	/* relaxed: sysmon reads it as a hint, B1 is by the barriers */
	atomic_store_explicit(&m->blocking, m->nblocking, memory_order_relaxed);
}

void wf_blocking_left(struct m *m)
{
	atomic_store_explicit(&m->blocking, 0, memory_order_relaxed);
	wf_light_barrier_slow(); /* B1 */
	if (wf_unlikely(wf_blocking_waited()))
		wf_blocking_admit(m);
}

/* Maybe there is no thread beside the caller's: then wait for one that comes back. The
 * caller has said that it blocks when this returns. */
static __attribute__((noinline)) struct m *wait_for_thread(struct m *m)
{
	struct waiter w = {.object = NULL};

	wf_lock(&wf_blocked.lock);
	atomic_fetch_add_explicit(&wf_blocked.n, 1, memory_order_relaxed);
	wf_heavy_barrier(); /* B1 */
	if (wf_blocked.queue.first || !room()) {
		wf_waitq_wait(&m, &wf_blocked.queue, &wf_blocked.lock, &w, WF_FOREVER, WAIT_LOCK);
		wf_lock(&wf_blocked.lock);
		wf_blocked.admitted--;
	} else {
		atomic_fetch_sub_explicit(&wf_blocked.n, 1, memory_order_relaxed);
	}
	say(m); /* B2 */
	wf_unlock(&wf_blocked.lock);
	return m;
}

/* Whether the caller may be about to use up the last thread, or others wait for one. */
static inline bool last_thread(void)
{
	return (wf_sched.nm >= wf_sched.maxm || wf_blocking_waited()) && wf_sched.maxm > 1;
}

/* sysmon has backed off, though tasks wait for this P. */
static inline void hurry(struct p *p)
{
	if (!wf_sched.npidle && wf_sysmon_slow() && wf_work_for(p))
		wf_sysmon_kick();
}

/* The caller is about to block in the kernel. Returns the M that it is on. */
struct m *wf_entersyscall(struct m *m, struct g *g)
{
	if (wf_unlikely(last_thread()))
		m = wait_for_thread(m);
	else
		say(m);
	g->flags |= GF_BLOCKING;
	hurry(wf_p(m));
	return m;
}

/* It is back. */
void wf_exitsyscall(struct m *m, struct g *g)
{
	g->flags &= (uint16_t)~GF_BLOCKING;
	wf_blocking_left(m);
}

/* A task that waited within a blocking call goes on: it is about to block when it leaves (B3). */
void wf_blocking_resumed(struct m *m)
{
	atomic_fetch_or(&m->attn, ATTN_BLOCK);
}

/* It leaves, unless the bit was meant for another task that waited again before that. */
struct m *wf_blocking_again(struct m *m, struct g *g)
{
	atomic_fetch_and(&m->attn, ~(uint32_t)ATTN_BLOCK);
	if (!(g->flags & GF_BLOCKING) || m->blocking)
		return m;
	return wf_entersyscall(m, g);
}

void wf_blocking_ended(struct m *m, struct g *g)
{
	if (g->flags & GF_BLOCKING)
		wf_exitsyscall(m, g);
}

void wf_blocking_forget(void)
{
	memset(&wf_blocked, 0, sizeof wf_blocked);
}

int weft_blocking_begin(void)
{
	struct m *m = wf_enter();
	struct g *g;
	int error = 0;

	if (!m)
		return 0;
	g = m->curg;
	if (g->top->state.blocking == NESTED_MAX)
		error = EAGAIN;
	else if (g->top->state.blocking++ == 0)
		m = wf_entersyscall(m, g);
	wf_leave(m);
	return error;
}

int weft_blocking_end(void)
{
	struct m *m = wf_enter();
	struct g *g;
	int error = 0;

	if (!m)
		return 0;
	g = m->curg;
	if (!g->top->state.blocking)
		error = EPERM;
	else if (--g->top->state.blocking == 0)
		wf_exitsyscall(m, g);
	wf_leave(m);
	return error;
}

static void end_call(int *begun)
{
	if (*begun)
		weft_blocking_end();
}

/* fn may also leave by an exception or weft_exit. */
void *weft_blocking(void *(*fn)(void *), void *arg)
{
	__attribute__((cleanup(end_call))) int begun = 0;

	if (!fn) {
		errno = EINVAL;
		return NULL;
	}
	begun = !weft_blocking_begin();
	return fn(arg);
}
