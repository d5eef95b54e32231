/*
 * Ms: threads that run tasks, from their start to their end, and their binding
 * to Ps and to tasks.
 *
 * A task bound to its M (weft_lock_thread) is run by no other: who takes it from
 * a queue hands its P to that M, which sleeps until then (wf_startlockedm,
 * wf_stoplockedm).
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include <weft/runtime.h>

#include "sched/retake.h"

extern __attribute__((weak)) struct ehglobals *__cxa_get_globals(void);

enum { MSTACK = 256 << 10, LOCKS_MAX = 1 << 30 };

/* --- binding an M and a P ----------------------------------------------- */

void wf_acquirep(struct p *p)
{
	struct m *m = wf_getg()->m;

	wf_assert(!wf_p(m));
	p->m = m;
	atomic_store_explicit(&p->status, P_RUNNING, memory_order_relaxed);
	atomic_store_explicit(&m->p, p, memory_order_relaxed);
}

struct p *wf_releasep(void)
{
	struct m *m = wf_getg()->m;
	struct p *p = wf_p(m);

	wf_assert(p && p->m == m);
	p->m = NULL;
	atomic_store_explicit(&m->p, NULL, memory_order_relaxed);
	return p;
}

/* --- the life of an M ---------------------------------------------------------- */

static struct m *mreuse(void)
{
	struct m *m;

	wf_lock(&wf_sched.lock);
	m = wf_sched.freem;
	if (m) {
		wf_sched.freem = m->schedlink;
		m->ended = false; /* under the lock: weft_shutdown looks at it */
	}
	wf_unlock(&wf_sched.lock);
	return m;
}

static struct m *mmap_m(bool foreign)
{
	struct m *m = wf_map(sizeof *m);

	if (m && !foreign && wf_have.wipeonfork)
		madvise(m, sizeof *m, MADV_WIPEONFORK);
	return m;
}

/* While the runtime is up, bits of others' may be in there (wf_retake). */
void wf_attn_init(struct m *m)
{
	if (wf_fullfence || wf_watched)
		atomic_fetch_or(&m->attn, ATTN_SPECIAL);
	else
		atomic_fetch_and(&m->attn, ~(uint32_t)ATTN_SPECIAL);
	atomic_fetch_and(&m->attn, ~(uint32_t)ATTN_CANCEL);
}

/* What every M begins with. */
void wf_mprepare(struct m *m, struct g *g0)
{
	static _Atomic int64_t ids;

	m->id = atomic_fetch_add(&ids, 1);
	wf_attn_init(m);
	/* a foreign thread's first call may come while another boots: no settings yet */
	m->rng = ((m->foreign ? 0 : wf_settings.seed) + (uint64_t)m->id + 1) * 0x9e3779b97f4a7c15;
	m->g0 = g0;
	m->g0->m = m;
	m->g0->sched.g = m->g0;
	m->g0->top = &m->top;
}

/* A record for a thread; those of ended Ms are used again. NULL without memory. */
struct m *wf_mnew(bool foreign)
{
	struct m *m = foreign ? NULL : mreuse();

	if (!m) {
		m = mmap_m(foreign);
		if (!m)
			return NULL;
		m->foreign = foreign;
		wf_lock(&wf_sched.lock);
		m->alllink = wf_sched.allm;
		wf_sched.allm = m;
		wf_unlock(&wf_sched.lock);
	}
	wf_mprepare(m, &m->gstore);
	return m;
}

/* A record is as new, but for what somebody may look at just now: attn, and what
 * sysmon takes for a hint. */
void wf_mclear(struct m *m)
{
	m->inside = 0;
	m->p = NULL;
	m->curg = NULL;
	m->blocking = 0;
	m->tid = 0;
	memset((char *)m + offsetof(struct m, g0), 0, sizeof *m - offsetof(struct m, g0));
}

/* With wf_sched.lock held: the thread is done with its record. */
static void mfree(struct m *m)
{
	struct m *link = m->alllink;

	wf_mclear(m);
	m->alllink = link;
	m->ended = true;
	m->schedlink = wf_sched.freem;
	wf_sched.freem = m;
}

/* What belongs to the thread: where its errno is, its exceptions, its control words. */
static void minit(struct m *m)
{
	clockid_t clock;

	m->errnop = &errno;
	if (!pthread_getcpuclockid(pthread_self(), &clock))
		m->clock = clock;
	m->tid = (uint32_t)gettid();
	m->eh = __cxa_get_globals ? __cxa_get_globals() : NULL;
	m->stk0 = wf_hooks_thread();
	wf_fpenv_save(&m->top.env);
}

static void *mthread(void *arg)
{
	struct m *m = arg;

	atomic_store(&m->thread, pthread_self());
	wf_setg(m->g0);
	pthread_setname_np(pthread_self(), "weft");
	wf_mstart();
	return NULL;
}

void wf_mspinning(void)
{
	wf_getg()->m->spinning = true;
}

static bool count_m(void)
{
	bool room;

	wf_lock(&wf_sched.lock);
	room = wf_sched.nm < wf_sched.maxm && !wf_sched.dying;
	if (room)
		wf_sched.nm++;
	wf_unlock(&wf_sched.lock);
	return room;
}

/* With the signal mask of boot: that of the caller may be a locked task's own. */
static int spawn(struct m *m)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t before;
	int error;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, MSTACK);
	pthread_sigmask(SIG_SETMASK, &wf_settings.mask, &before);
	error = pthread_create(&thread, &attr, mthread, m);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return error;
}

static void unspawned(struct m *m)
{
	wf_have.threadlimit = true;
	atomic_store(&wf_sched.nothread, 1);
	wf_lock(&wf_sched.lock);
	wf_sched.nm--;
	if (m)
		mfree(m);
	wf_unlock(&wf_sched.lock);
}

/* A new M that calls fn and then runs p. */
int wf_newm(void (*fn)(void), struct p *p)
{
	struct m *m;
	int error;

	if (!count_m()) {
		atomic_store(&wf_sched.nothread, 1);
		return EAGAIN;
	}
	m = wf_mnew(false);
	error = ENOMEM;
	if (m) {
		m->mstartfn = fn;
		m->nextp = p;
		error = spawn(m);
	}
	if (error)
		unspawned(m);
	else
		wf_sysmon_start(); /* it may have been refused a thread before */
	return error;
}

/* Record where g0 is entered: fatal if somebody left a context there. */
void wf_save(uintptr_t pc, uintptr_t sp)
{
	struct g *g = wf_getg();

	g->sched.pc = pc;
	g->sched.sp = sp;
	g->sched.lr = 0;
	g->sched.ret = 0;
	g->sched.g = g;
	if (g->sched.ctxt)
		wf_badctxt();
}

/* The bounds of the thread's own stack, for a g0 that was not given any. */
static void os_stack(struct g *g0)
{
	pthread_attr_t attr;
	void *lo;
	size_t size;

	if (pthread_getattr_np(pthread_self(), &attr))
		return;
	if (!pthread_attr_getstack(&attr, &lo, &size)) {
		g0->stack.lo = (uintptr_t)lo;
		g0->stack.hi = (uintptr_t)lo + size;
	}
	pthread_attr_destroy(&attr);
}

void wf_mstart1(void)
{
	struct m *m = wf_getg()->m;
	struct p *p;

	wf_save((uintptr_t)__builtin_return_address(0),
		(uintptr_t)__builtin_frame_address(0) + 2 * sizeof(uintptr_t));
	minit(m);
	atomic_store_explicit(&m->inside, 1, memory_order_relaxed);
	if (m->mstartfn)
		m->mstartfn();
	p = m->nextp;
	m->nextp = NULL;
	if (p)
		wf_acquirep(p);
	wf_schedule();
}

/* The thread is an M no more. When the runtime goes down, weft_shutdown joins the
 * thread and frees its record; else nobody does. */
static void mended(struct m *m)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* D4 (post.c) */
	wf_post_flush(m);
	wf_setg(NULL);
	if (m == &wf_m0) {
		wf_m0_gone(m->ending);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		return;
	}
	wf_lock(&wf_sched.lock);
	if (!wf_sched.dying) {
		pthread_detach(pthread_self());
		wf_sched.nm--;
		mfree(m);
	}
	wf_unlock(&wf_sched.lock);
}

/* A thread becomes an M, runs tasks, and is none any more. */
void wf_mstart(void)
{
	struct m *m = wf_getg()->m;
	struct g *g0 = m->g0;

	if (!g0->stack.lo)
		os_stack(g0);
	g0->stackguard0 = g0->stackguard1 = g0->stack.lo;
	wf_ctx_g0call(wf_mstart1);
	mended(wf_getg()->m);
}

/* Its task ended bound to it: the thread ends too, as what the task did to it
 * may still show. m0's goes on until weft_start returns, where somebody called that. */
void wf_mexit(struct m *m)
{
	m->ending = m != &wf_m0 || wf_m0_is_ours();
}

/* --- tasks bound to their M ------------------------------------------------ */

/* The task of this M waits or is queued: the P goes to others until somebody who
 * has the task in hand brings one. */
void wf_stoplockedm(struct m *m)
{
	struct p *p = wf_p(m);

	if (p) {
		wf_count(&p->stats.handoffs, 1);
		wf_handoffp(wf_releasep());
	}
	wf_msleep(m, WF_FOREVER);
	wf_noteclear(&m->park);
	p = m->nextp;
	m->nextp = NULL;
	wf_acquirep(p);
}

/* g was taken from a queue by an M that may not run it. */
void wf_startlockedm(struct m *m, struct g *g)
{
	struct m *to = g->m;
	struct p *p;

	wf_count(&wf_p(m)->stats.handoffs, 1);
	p = wf_releasep();
	to->nextp = p;
	wf_notewakeup(&to->park);
	wf_stopm();
}

/* A foreign thread is its own as it is: there the nesting is only counted. */
int weft_lock_thread(void)
{
	struct m *m = wf_enter_any();
	struct g *g = wf_getg();
	int error = 0;

	if (!m)
		return ENOMEM;
	if (g->top->state.locks == LOCKS_MAX)
		error = EAGAIN;
	else if (g->top->state.locks++ == 0 && !m->foreign) {
		g->flags |= GF_LOCKED;
		m->lockedg = g;
	}
	wf_leave_any(m);
	return error;
}

int weft_unlock_thread(void)
{
	struct m *m = wf_enter_any();
	struct g *g = wf_getg();
	int error = 0;

	if (!m)
		return ENOMEM;
	if (!g->top->state.locks)
		error = EPERM;
	else if (--g->top->state.locks == 0 && !m->foreign) {
		g->flags &= (uint16_t)~GF_LOCKED;
		m->lockedg = NULL;
	}
	wf_leave_any(m);
	return error;
}

/* --- in and out of the runtime, when it takes more than a look ------------------- */

/* m's task is back, whose P was taken; whether it computed meanwhile. */
static bool strayed(struct m *m)
{
	bool computed = m->retaken == RETAKEN_PREEMPTED;

	m->retaken = RETAKEN_NOT;
	if (computed) /* relaxed: a hint */
		atomic_fetch_sub_explicit(&wf_sched.strays, 1, memory_order_relaxed);
	return computed;
}

/* Its P was taken from m while g computed, and none is idle: g waits its turn. */
static void queue_self(struct g *g)
{
	struct m *m = g->m;
	bool slow = strayed(m);

	m->curg = NULL;
	if (m->blocking) /* g has to wait, its thread has not */
		wf_blocking_left(m);
	wf_setstatus(g, G_RUNNING, G_RUNNABLE);
	if (slow)
		wf_slowqput(g);
	else
		wf_globrunqput(g);
	wf_wake();
}

static WF_NOWATCH void without_p(struct g *g)
{
	queue_self(g);
	wf_schedule();
}

/* With the P that it had or an idle one; NULL when there is none. */
static struct p *settle_p(struct m *m)
{
	struct p *p;

	wf_lock(&wf_sched.lock); /* who takes Ps holds it: now it is settled */
	p = wf_p(m);
	if (!p && !wf_sched.gcwaiting && (p = wf_pidleget()))
		wf_acquirep(p);
	if (p)
		strayed(m);
	wf_unlock(&wf_sched.lock);
	return p;
}

struct m *wf_enter_slow(struct g *g)
{
	struct m *m = g->m;

	if (g->flags & GF_FOREIGN) {
		wf_foreign_leave(m);
		return NULL;
	}
	if (wf_forked()) {
		wf_forget(g);
		return NULL;
	}
	wf_light_barrier_slow();
	if (!(m->attn & ATTN_SETTLE) && wf_p(m)) /* in this order, as in wf_enter_plain */
		return m;
	return settle_p(m) ? m : wf_mcall(m, g, without_p);
}

void wf_leave_slow(struct m *m)
{
	for (;;) {
		wf_light_barrier_slow();
		if (atomic_load(&m->attn) & ATTN_CANCEL) {
			atomic_fetch_and(&m->attn, ~(uint32_t)ATTN_CANCEL);
			wf_async_act(wf_getg());
		}
		if (!(m->attn & (ATTN_WANTED | ATTN_POSTED)))
			return;
		m = wf_enter();
		if (!m)
			return;
		wf_post_flush(m);
		if (m->attn & ATTN_WANTED)
			m = wf_giveway(m, m->curg);
		atomic_store_explicit(&m->inside, 0, memory_order_release);
	}
}
