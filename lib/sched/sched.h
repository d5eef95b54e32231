/*
 * The scheduler: what it offers to the folders above, and what its files share.
 *
 * G is a task, M a kernel thread, P the right to run tasks and what that takes:
 * a run queue, caches, counters. A running task is a G on an M that holds a P.
 *
 * Invariants that the files of this folder rely on:
 *   I1  A G is in exactly one place: running on an M, in one run queue, or held
 *       by the one object that it waits for. Whoever takes it from there owns
 *       it, and makes it runnable or hands it on.
 *   I2  A P belongs to one M at a time (m->p), or is on the idle list, or stands
 *       stopped; only its owner touches what is in it, but for the run queue's
 *       head, tail and slots, runnext, and the counters, which anybody may read.
 *   I3  Nobody enters a context that is still on its stack: a G is put where
 *       others can find it by a commit, which the next G on that P runs.
 *   I4  m->inside is 1 while the M is in the runtime. Its P may be taken from it
 *       only while it is 0, by who has set m->attn, passed a heavy barrier and
 *       then seen 0 (wf_seize); m->attn is looked at after inside was set, and
 *       after it was cleared.
 *   I5  Locks are taken in the order: what guards an object that is waited on
 *       (wf_blocked.lock, in block.c, is one), or wf_sched.joins; a G's life;
 *       wf_sched.lock; a heap of timers'; stacks'; then those that hold nothing else:
 *       names', memory's. So wf_sched.lock is never taken while a heap's is held.
 */
#ifndef WF_SCHED_H
#define WF_SCHED_H

#include <signal.h>

#include "sched/types.h"

/* --- in and out of the runtime (enter.c has the slow halves) ------------------- */

/*
 * The asymmetric barrier of I4 and K3. The light side keeps the compiler's hands
 * off, and wf_heavy_barrier makes all threads pass a full one by membarrier(2).
 * Where the kernel has none (wf_fullfence), ATTN_SPECIAL sends every call through
 * the slow halves of wf_enter and wf_leave, which are full fences there.
 */
extern bool wf_fullfence WF_HIDDEN;

static inline void wf_light_barrier(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

void wf_light_barrier_slow(void); /* either side of a rare path */
void wf_heavy_barrier(void);

struct m *wf_enter_slow(struct g *g);
void wf_leave_slow(struct m *m);
int wf_leave_slow_ok(struct m *m); /* and 0: called last, so that its caller needs no frame */

/* Enter the runtime on m: its P, when the caller may go on without a second look. Then there
 * is membarrier, and nobody watches (ATTN_SPECIAL). */
static inline struct p *wf_enter_plain(struct m *m)
{
	/* relaxed, with the light barrier: pairs with the seizer's heavy one (I4) */
	atomic_store_explicit(&m->inside, 1, memory_order_relaxed);
	wf_light_barrier();
	/* acquire: attn before p: who cleared attn had done with p before */
	if (__builtin_expect(atomic_load_explicit(&m->attn, memory_order_acquire) != 0, 0))
		return NULL;
	return atomic_load_explicit(&m->p, memory_order_relaxed);
}

/*
 * Enter the runtime. Returns the M, inside and with its P; or NULL when the
 * caller is a thread without one: a foreign thread.
 */
static inline struct m *wf_enter(void)
{
	struct g *g = wf_getg();

	if (__builtin_expect(!g, 0))
		return NULL;
	return wf_enter_plain(g->m) ? g->m : wf_enter_slow(g);
}

/* Leave it again; m is the M that the caller runs on now. */
static inline void wf_leave(struct m *m)
{
	/* release: what was done to the P is seen by who seizes it */
	atomic_store_explicit(&m->inside, 0, memory_order_release);
	wf_light_barrier();
	if (__builtin_expect(atomic_load_explicit(&m->attn, memory_order_relaxed), 0))
		wf_leave_slow(m);
}

/* The same for calls that end with it and have nothing to tell: 0. */
static inline int wf_leave_ok(struct m *m)
{
	atomic_store_explicit(&m->inside, 0, memory_order_release);
	wf_light_barrier();
	if (__builtin_expect(!atomic_load_explicit(&m->attn, memory_order_relaxed), 1))
		return 0;
	return wf_leave_slow_ok(m);
}

/* A number below n, by who runs on m. xorshift64: enough to choose a victim or a case. */
static inline uint32_t wf_random(struct m *m, uint32_t n)
{
	m->rng ^= m->rng << 13;
	m->rng ^= m->rng >> 7;
	m->rng ^= m->rng << 17;
	return (uint32_t)((m->rng >> 32) * n >> 32);
}

static inline struct p *wf_p(struct m *m)
{
	return atomic_load_explicit(&m->p, memory_order_relaxed);
}

/* The free Gs that the caller may use: its P's, or its own as a foreign thread. */
static inline struct gcache *wf_gcache(struct m *m)
{
	struct p *p = wf_p(m);

	return p ? &p->gfree : &m->gfree;
}

/* Owner-only increment of a counter that others read. */
__attribute__((always_inline)) static inline void wf_count(_Atomic uint64_t *counter, uint64_t n)
{
	/* relaxed: a reader may be late */
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

/* Its end counts once, whichever way it goes; so does a switch. */
static inline uint64_t wf_finished(const struct p *p)
{
	return p->stats.finished + p->stats.back;
}

static inline uint64_t wf_switches(const struct p *p)
{
	return p->stats.switches + p->stats.there + p->stats.back;
}

/* --- G's status --------------------------------------------------------- */

_Noreturn void wf_badstatus(const struct g *g, unsigned from, unsigned to);

static inline unsigned wf_status(const struct g *g)
{
	return atomic_load_explicit(&g->status, memory_order_acquire);
}

/* The owner of a G moves it; from is where it has to be. */
static inline void wf_setstatus(struct g *g, unsigned from, unsigned to)
{
#ifdef WF_DEBUG
	if (wf_status(g) != from)
		wf_badstatus(g, from, to);
#else
	(void)from;
#endif
	atomic_store_explicit(&g->status, (uint16_t)to, memory_order_release);
}

/* Take a parked G from its wait: by its waker, or by who cancels it. */
static inline bool wf_claim(struct g *g, unsigned from)
{
	uint16_t expected = (uint16_t)from;

	return atomic_compare_exchange_strong_explicit(&g->status, &expected, G_RUNNABLE,
						       memory_order_acq_rel, memory_order_acquire);
}

/* --- errors --------------------------------------------------------------- */

_Noreturn void wf_throw(const char *what);
_Noreturn void wf_abort(void);
_Noreturn void wf_badctxt(void);

#ifdef WF_DEBUG
bool wf_chaos_retake(void); /* now and then sysmon takes a P for no reason */
#define wf_assert(condition) ((condition) ? (void)0 : wf_throw("assertion failed: " #condition))
void wf_chaos(void);              /* now and then let another thread go first */
void wf_poison(struct gtop *top); /* what is left of a task on a free stack */
enum { WF_POISONS = true };
#else
enum { WF_POISONS = false };
#define wf_assert(condition) ((void)sizeof(condition))
static inline void wf_chaos(void)
{
}
static inline bool wf_chaos_retake(void)
{
	return false;
}
static inline void wf_poison(struct gtop *top)
{
	(void)top;
}
#endif

/* --- g.c: Gs and handles ---------------------------------------------------- */

struct g *
wf_gfill(struct gcache *cache); /* a G from elsewhere, left on the list; NULL without memory */
void wf_gspill(struct gcache *cache);
/* A chunk of Gs; its first slot is its description. */
enum {
	CHUNK_BITS = 14,
	CHUNK_GS = 1 << CHUNK_BITS,
	CHUNK_SIZE = CHUNK_GS * sizeof(struct g),
	CHUNKS = 1 << (INDEX_BITS - CHUNK_BITS),
};
struct chunk {
	uint32_t base; /* index of its first slot */
	uint32_t used; /* slots that were handed out, this one included */
};
extern _Atomic(struct chunk *) wf_chunks[CHUNKS] WF_HIDDEN;
uint64_t wf_lifelock_slow(struct g *g);
void wf_lifeend_slow(struct m *m, struct g *g, uint64_t next);
void wf_cancelword_clear(struct g *g);
void wf_gflush(struct gcache *cache); /* with wf_sched.lock held */
void wf_greset(void);
void wf_gforget(struct g *keep);
/* The life word, and handle, of a generation that nothing is known of yet. */
static inline uint64_t wf_life(uint64_t generation, uint32_t index)
{
	return generation << (LIFE_BITS + INDEX_BITS) | (uint64_t)index << LIFE_BITS;
}

static inline uint64_t wf_generation(uint64_t life)
{
	return life >> (LIFE_BITS + INDEX_BITS);
}

static inline uint32_t wf_index(uint64_t life)
{
	return (uint32_t)(life >> LIFE_BITS) & ((1 << INDEX_BITS) - 1);
}

/* --- runq.c ------------------------------------------------------------------ */

void wf_runqputslow(struct p *p, struct g *g);
struct g *wf_pickturn(struct p *p);
struct g *wf_runqsteal(struct p *p, struct p *victim, bool last);
bool wf_runqempty(struct p *p);
uint32_t wf_runqlen(struct p *p);
void wf_globrunqput(struct g *g);
void wf_globrunqputall(struct gqueue *more);
struct g *wf_globrunqget(struct p *p, unsigned max);
void wf_slowqput(struct g *g);
void wf_gqpush(struct gqueue *q, struct g *g);
struct g *wf_gqpop(struct gqueue *q);
void wf_runqdrain(struct p *p);

/* --- park.c -------------------------------------------------------------------- */

/*
 * Wait until somebody calls wf_goready on the caller. commit is called once the
 * caller is off its stack: it calls wf_parked(g) and then makes g findable (or
 * lets go of the lock under which it was made findable before), or returns
 * false without either to call the wait off. If cancellable, a request to
 * cancel ends the wait too: the caller has to see for itself whether what it
 * waited for happened, and to take itself out of where it was findable.
 * The caller is inside; returns the M that it is on now, still inside.
 */
struct m *wf_gopark(struct m *m, struct g *g, wf_commitf *commit, void *arg, bool cancellable);
void wf_parkedslow(struct g *g);
/* g's next wait has a timer, in the caller's frame; the commit arms it (wf_parkedtimed).
 * And when that wait is over: the timer is withdrawn; 0, ETIMEDOUT or ECANCELED, by who
 * ended it. Both in waitq.c. */
void wf_havetimer(struct g *g, struct timer *t, int64_t until);
int wf_waitended(struct g *g);
bool wf_cancelledwhileparking(struct g *g);
struct m *wf_parktog0(struct m *m, struct g *g); /* the commit is set; there is no next G at hand */

/* Make a G runnable that was parked, and claimed by the caller if it was
 * cancellable. m is the caller's; NULL on a foreign thread. */
void wf_goready(struct m *m, struct g *g);

/* The same, on p or without a P, but for waking an M to run it: whether one is wanted. */
bool wf_makerunnable(struct p *p, struct g *g);

struct m *wf_giveway(struct m *m, struct g *g); /* by way of g0 */

/* Leave the calling G's stack and run fn(g) on g0's. Returns when g runs again. */
struct m *wf_mcall(struct m *m, struct g *g, void (*fn)(struct g *));

void wf_callcommit(struct m *m, struct p *p);
void wf_savespecial(struct m *m, struct g *g);
void wf_loadspecial(struct m *m, struct g *g);
void wf_blocking_resumed(struct m *m); /* block.c */
struct m *wf_blocking_again(struct m *m, struct g *g);

/* --- async.c --------------------------------------------------------------------- */

int wf_async_ask(struct g *g);    /* the caller may be cancelled at any instant */
void wf_async_unask(struct g *g); /* no more */
void wf_async_act(struct g *g);   /* end the caller, who is outside, if it is time */
void wf_async_act_on(struct m *m);
void wf_async_signal(struct g *g);
void wf_async_resumed(struct m *m, struct g *g);
void wf_g0entry(struct g *g);

/* --- gstart.c ------------------------------------------------------------------- */

void wf_gstart(struct m *m);
bool wf_givestackslow(struct p *p, struct g *g);
_Noreturn void wf_goexit(struct m *m, struct g *g);

/* --- proc.c, m.c, locked.c, idle.c ---------------------------------------------------------- */

void wf_save(uintptr_t pc, uintptr_t sp);
void wf_mstart(void);
void wf_mstart1(void);
_Noreturn void wf_schedule(void);
struct g *wf_findrunnable(struct m *m);
_Noreturn void wf_execute(struct m *m, struct g *g);
void wf_acquirep(struct p *p);
struct p *wf_releasep(void);
bool wf_handoffp(struct p *p);
void wf_leaveidle(struct p *p);
bool wf_startm(struct p *p, bool spinning);
void wf_stopm(void);
void wf_gcstopm(void);
int wf_newm(void (*fn)(void), struct p *p);
void wf_mspinning(void);
struct m *wf_mnew(bool foreign);
void wf_attn_init(struct m *m);
void wf_mclear(struct m *m);
void wf_mprepare(struct m *m, struct g *g0);
void wf_mexit(struct m *m);
void wf_pidleput(struct p *p);
struct p *wf_pidleget(void);
struct m *wf_mget(void);
bool wf_midle_remove(struct m *m);
bool wf_work_anywhere(void);
bool wf_work_for(struct p *p); /* in its own queue, or in one that is everybody's */
bool wf_wakep_asleep(void);    /* wf_wakep, but false when a thread would have to be started */
/* post.c: to sleep on an M's note, and what handlers of signals left with it. */
bool wf_msleep(struct m *m, int64_t until);
void wf_post_flush(struct m *m);
/* No handler runs on this thread between the two: for who is no M, or none any more (D4). */
void wf_signals_hold(sigset_t *before);
void wf_signals_release(const sigset_t *before);
void wf_lacking(void); /* a pool could not have a task for its jobs: resized is to be called */
void wf_wakep(void);
bool wf_timers_unkept(void);
void wf_stoplockedm(struct m *m);
void wf_startlockedm(struct m *m, struct g *g);

/* Whether work that was just queued needs somebody to be woken. */
static inline bool wf_wakewanted(void)
{
	/* relaxed: the push before was a full barrier, which pairs with the one
	 * between a spinning M's giving up and its last look at the queues */
	return atomic_load_explicit(&wf_sched.npidle, memory_order_relaxed) &&
	       !atomic_load_explicit(&wf_sched.nmspinning, memory_order_relaxed);
}

static inline void wf_wake(void)
{
	if (wf_wakewanted())
		wf_wakep();
}

/* --- procresize.c ------------------------------------------------------------ */

/* Stop all tasks but the caller's: m is its M, NULL on a foreign thread. Returns
 * the M that the caller is on then, with wf_sched.lock held. */
struct m *wf_stoptheworld(struct m *m);
void wf_starttheworld(struct p *runnable); /* and without the lock */
void wf_unsolo(void);                      /* the caller is a foreign thread, from now on */
/* With the world stopped: have n Ps; *runnable is a list of those that have work.
 * ENOMEM changes nothing. */
int wf_procresize(struct m *m, unsigned n, struct p **runnable);
int wf_schedinit(unsigned procs);

/* --- create.c -------------------------------------------------------------------- */

int wf_spawn(struct m *m, void (*fn)(void *), void *arg); /* from g0: weft_go */
/* weft_go for the library's own tasks. m is the caller's, a task's or a foreign thread's,
 * and the runtime is up. attr is valid and says detached, or NULL. Under attr the task's
 * handle exists, but only weft_self tells it (taskstate.told). */
int wf_go(struct m *m, const uint64_t *attr, void (*fn)(void *), void *arg);
/* The calling task of the library's own is about to end: from here on weft_shutdown waits
 * for it and does not answer EBUSY. */
void wf_leaving(struct g *g);
bool wf_anyliving(void); /* any other task; with wf_sched.lock held */
int wf_newproc(struct m *m, void (*fn)(void *), void *arg, size_t stacksize);

/* --- foreign.c --------------------------------------------------------------------- */

/* A foreign thread's way into a call that needs its stand-in: the M of it, which
 * counts as inside until wf_foreign_leave. NULL without memory. */
struct m *wf_foreign_enter(void);
void wf_foreign_leave(struct m *m);
struct m *wf_enter_any_slow(struct g *g);
void wf_foreign_prepare(void); /* for forks, too */
void wf_foreign_ending(void);  /* an M's thread that weft_shutdown joins */

/* In and out for calls that are the same for tasks and foreign threads: the M of
 * either, which has a P or has not. NULL without memory. */
static inline struct m *wf_enter_any(void)
{
	struct g *g = wf_getg();

	return __builtin_expect(g && wf_enter_plain(g->m), 1) ? g->m : wf_enter_any_slow(g);
}

static inline void wf_leave_any(struct m *m)
{
	if (m->foreign)
		wf_foreign_leave(m);
	else
		wf_leave(m);
}

unsigned long wf_foreign_self(void);
/* The calling thread becomes m0, or is what it was before; g was its stand-in, or NULL. */
void wf_foreign_rest(struct g *g);
void wf_foreign_goon(struct g *g);
/* Wait as wf_gopark does, in the kernel. */
void wf_foreign_park(struct m *m, wf_commitf *commit, void *arg, int64_t until);
void wf_foreign_adopt(struct m *m, struct g *g); /* in a forked child */

/* --- stack.c, region.c -------------------------------------------------------- */

/* A stack of at least size usable bytes; 0 is the default. NULL without memory. */
struct gtop *wf_stackget(size_t size, size_t guard);
struct gtop *wf_stackfresh(struct p *p); /* of the default size, for a G of p */
void wf_stackputslow(struct p *p, struct gtop *top);
void wf_stackflush(struct p *p); /* a P's free stacks to the global lists */
void wf_stackwait(struct g *g);  /* a fresh G for which there was none */
void wf_stackwake(void);         /* one of those may try again; with wf_sched.lock held */
void wf_stackshare(struct p *p); /* what p has cached is for those */
void wf_stacktrim(void);         /* give the pages of free stacks back */
void wf_stackreset(void);
void wf_stackforget(void);
void wf_stackuse(uint64_t *stacks, uint64_t *bytes);
static inline bool wf_stacksheld(const struct p *p)
{
	return p->nstacks || p->cold.n;
}

/* --- mem.c --------------------------------------------------------------------------- */

void *wf_alloc(size_t size); /* zeroed; NULL without memory */
void wf_free(void *p, size_t size);
void *wf_map(size_t size); /* zeroed pages; NULL without memory */
void *wf_map_aligned(size_t size, size_t align);
void wf_unmap(void *p, size_t size);
void wf_meminit(void);
void wf_memreset(void);
void wf_memforget(void);

/* --- tasks' belongings ------------------------------------------------------------------ */

void wf_keys_destroy(struct keys *keys); /* runs the destructors, frees */
int wf_name_set(struct g *g, const char *name);
void wf_name_get(const struct g *g, char name[32]);
void wf_name_drop(struct g *g);
void wf_names_reset(void);
/* When wf_cancel_due: ends the caller, who is not inside; or returns for ECANCELED
 * to be told. */
void wf_cancelpoint(struct g *g);

/* --- settings and features: found at boot, then constant --------------------------------- */

struct settings {
	sigset_t mask; /* of the thread that booted: Ms start with it */
	unsigned procs, maxm;
	size_t stacksize, guardsize, mainstack;
	int io, preempt;
	uint64_t seed;
};
extern struct settings wf_settings WF_HIDDEN;

/* What the kernel has and which way was taken where it has not. */
struct features {
	bool membarrier, pidfdself, wipeonfork, jemalloc, libunwind;
	_Atomic bool guardinstall; /* at boot, and until it failed */
	_Atomic bool guardprotect; /* mprotect had to serve */
	_Atomic bool noguard;      /* and found the map count used up */
	_Atomic bool threadlimit;  /* clone was refused: fewer Ms than Ps */
	size_t pagesize;
	_Atomic unsigned ncpu; /* at boot */
};
extern struct features wf_have WF_HIDDEN;

/* Under wf_have.pidfdself: the process itself, for calls that take a pidfd (Linux 6.14). */
enum { PIDFD_OF_SELF = -10001 };

/* --- provided by lib/debug: whether parked tasks' frames can be walked ------------------- */

bool wf_find_unwinder(void);

/* --- provided by lib/boot -------------------------------------------------------------- */

/* Boot on a thread of its own unless the runtime is up: 0 or an error number. */
int wf_boot(void);
/* Find out what the kernel has; again and again is the same as once. */
void wf_osinit(void);
/* Read the settings, unless that was done: configuration, environment, defaults. */
void wf_settle(void);
bool wf_debug_word(const char *word);
/* Whether the runtime is up in this process (a forked child's is down). */
bool wf_up(void);
/* Whether the runtime goes down just now; and to wait, not inside, until it has. */
bool wf_going_down(void);
void wf_await_down(void);
/* Whether this process was forked from one in which the runtime was up, and has
 * not put that behind it. */
bool wf_forked(void);
/* A program's main has ended, by weft_exit or not; the last task has ended. */
void wf_main_gone(void *program, bool exited);
void wf_last_gone(void);
/* Whether m0's thread is one that Weft made; and that it is an M no more. */
bool wf_m0_is_ours(void);
void wf_m0_gone(void);
void wf_forget(struct g *g); /* put it behind: the caller, g, goes on as a foreign thread */

#endif
