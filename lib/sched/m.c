/*
 * Ms: threads that run tasks, from their start to their end, and their binding to Ps.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "sched/retake.h"

extern __attribute__((weak)) struct ehglobals *__cxa_get_globals(void);

enum { MSTACK = 256 << 10 };

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
	atomic_fetch_and(&m->attn, ~(uint32_t)(ATTN_CANCEL | ATTN_BLOCK));
}

/* What every M begins with. One that is to run tasks is inside from the beginning (D4). */
void wf_mprepare(struct m *m, struct g *g0)
{
	static _Atomic int64_t ids;

	/* relaxed: nobody else looks at it yet */
	atomic_store_explicit(&m->inside, !m->foreign, memory_order_relaxed);
	m->id = atomic_fetch_add(&ids, 1);
	wf_attn_init(m);
	/* a foreign thread's first call may come while another boots: no settings yet */
	m->rng = ((m->foreign ? 0 : wf_settings.seed) + (uint64_t)m->id + 1) * 0x9e3779b97f4a7c15;
	m->g0 = g0;
	m->g0->m = m;
	m->g0->sched.g = m->g0;
	m->g0->top = &m->top;
	m->top.keys.threads = m->foreign;
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
	wf_setm(m);
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
	sigset_t before;

	wf_signals_hold(&before); /* D4 (post.c) */
	wf_post_flush(m);
	wf_setg(NULL);
	wf_setm(NULL);
	if (m == &wf_m0) {
		if (wf_m0_is_ours())
			wf_foreign_ending();
		wf_m0_gone();
		wf_signals_release(&before);
		return;
	}
	wf_lock(&wf_sched.lock);
	if (wf_sched.dying) {
		wf_foreign_ending();
	} else {
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
