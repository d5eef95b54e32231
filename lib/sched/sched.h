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
 *   I5  Locks are taken in the order: a G's life, wf_sched.lock, the others.
 */
#ifndef WF_SCHED_H
#define WF_SCHED_H

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctx/ctx.h"
#include "sched/lock.h"

enum {
	RUNQ_SIZE = 1024,  /* slots of a P's ring; a power of two */
	CACHELINE = 64,
	PAGE = 4096,
	GCACHE_BATCH = 128, /* free Gs that move between caches at a time */
	STACK_CACHE_MAX = 256, /* stacks that a P keeps */
	STACK_CACHE_BATCH = 64,
	GLOBAL_TICK = 61,  /* every so many picks the global queue comes first */
};

/* A G's status; doc/scheduler.md has the table of who moves it where. */
enum {
	G_DEAD,      /* in a free list, or ended and waiting to be joined */
	G_RUNNABLE,  /* in a run queue, or in the hands of who took it from there */
	G_RUNNING,   /* on an M */
	G_WAITING,   /* parked; whoever it waits for makes it runnable */
	G_WAITINGC,  /* parked; so does a cancellation: claimed by compare and swap */
};

enum {
	P_IDLE,    /* on the pidle list, or in the hands of who took it from there */
	P_RUNNING, /* an M's */
	P_STOPPED, /* the world is stopped */
	P_DEAD,    /* beyond the number of Ps */
};

/* What a G is, besides its status; written by who owns the G (I1). */
enum {
	GF_VOID = 1,      /* its function has no result (weft_go) */
	GF_EXPOSED = 2,   /* its handle is known: its end changes the generation */
	GF_ATTR = 4,      /* not started, and top is its struct gattr */
	GF_LOCKED = 8,    /* bound to its M */
	GF_FPENV = 16,    /* has floating-point control words of its own */
	GF_FOREIGN = 32,  /* stands for a foreign thread */
	GF_STARTED = 64,  /* has a stack */
	GF_DIRECT = 128,  /* its joiner switched to it and wants control back */
	GF_MAIN = 256,    /* a program's main: weft_start waits for it */
	GF_CANCELLABLE = 512, /* its wait may be ended by a cancellation */
	GF_JOINED = 1024, /* the child that it joins has ended: the result is in sched.ret */
};

/* A G's cancel word; changed by atomic or. */
enum {
	GC_REQUESTED = 1, /* weft_cancel was called */
	GC_NAMED = 2,     /* has an entry in the table of names */
};

/* A G's life word: the generation above, these bits below. */
enum {
	LIFE_LOCK = 1,     /* held: guards joiner, and that the G isn't recycled */
	LIFE_DETACHED = 2, /* nobody may join */
	LIFE_JOINING = 4,  /* joiner joins */
	LIFE_DONE = 8,     /* ended, its result is in sched.ret */
	LIFE_FOREIGN = 16, /* stands for a foreign thread */
	LIFE_BITS = 32,
};

struct stack {
	uintptr_t lo, hi;
};

struct g {
	/* what creating and queueing touches */
	struct gobuf sched;
	struct g *schedlink; /* in a queue or free list */
	_Atomic uint16_t status;
	uint16_t flags;
	_Atomic uint32_t cancel;
	/* what running touches */
	struct stack stack;
	uintptr_t stackguard0, stackguard1;
	struct m *m;
	struct gtop *top; /* what a task has once it runs; lies on its stack */
	struct g *joiner; /* guarded by life's lock */
	_Atomic uint64_t life;
};

/* Attributes of a G that has not started. */
struct gattr {
	size_t stacksize, guardsize;
	bool fpenv;
	struct fpenv env;
};

/* The C++ runtime's record of exceptions in flight, one a thread in libstdc++
 * and libc++ (Itanium C++ ABI, 2.2.2). */
struct ehglobals {
	void *caught;
	unsigned int uncaught;
};

/* weft_setcancelstate's values, as task.h has them. */
enum { CANCEL_ENABLE, CANCEL_DISABLE, CANCEL_MASKED };

/* Keys: how many values lie in the record itself, and how many in a block. */
enum { KEYS_INLINE = 4, KEYS_BLOCK = 32 };

struct keyvalue {
	uintptr_t seq; /* of the key when the value was set */
	void *value;
};

struct keys {
	struct keyvalue first[KEYS_INLINE];
	struct keyvalue **blocks;
	bool used;
};

/*
 * The record at the top of each stack: the stack's own description, and what a
 * task has only while it has a stack. g0s and foreign threads have one in
 * their M.
 */
struct gtop {
	/* of the stack */
	struct gtop *link;
	struct gobuf idle;  /* where its loop waits for the next G; see gstart.c */
	struct stack stack; /* as its Gs have it */
	bool common;        /* of the default size: a P may cache it */
	struct ctxstk stk;
	struct region *region;
	uint32_t index;     /* in the region */
	/* of the task */
	uintptr_t fn, arg;
	uintptr_t value;    /* what weft_exit was given */
	int error;          /* errno while the task is off its M */
	struct taskstate {
		uint8_t cancelstate, canceltype;
		bool exiting;   /* by weft_exit or cancellation: cancelled no more */
		unsigned locks; /* nesting of weft_lock_thread */
	} state;
	struct ehglobals eh;
	struct weft_cleanup *cleanup;
	struct fpenv env;   /* while the task is off its M, under GF_FPENV */
	_Alignas(16) unsigned char exception[64]; /* weft_exit's unwinding */
	struct keys keys;
};

/* Counters of a P; the owner counts, anybody may read. */
struct pstats {
	_Atomic uint64_t created, finished, switches, parks, readies, steals, handoffs, injected;
};

/* Free Gs: a list in use and a full batch beside it, so that alternating gets
 * and puts at a boundary do not go to the global list each time. */
struct gcache {
	struct g *list;
	unsigned n;
	struct g *spare; /* NULL or GCACHE_BATCH of them */
};

/* What is to be done once a context has left its stack (I3). Returns false to
 * have g made runnable again at once. */
typedef bool wf_commitf(struct g *g, void *arg);

enum after {
	AFTER_NOTHING,
	AFTER_QUEUE, /* what, a G, goes to the tail of the ring */
	AFTER_STACK, /* what, a stack, is free */
	AFTER_PARK,  /* what, a G, waits for the G that was switched to, whose life is locked */
	AFTER_CALL,  /* fn(what, arg), what a G */
};

struct commit {
	enum after after;
	wf_commitf *fn;
	void *what, *arg;
};

struct p {
	/* the owner's */
	_Atomic(struct m *) m; /* relaxed: only compared, or followed under I4 */
	_Atomic uint32_t status;
	int id;
	uint32_t schedtick;
	uint32_t pass; /* ring entries to go until the second queue has its turn */
	struct commit commit;
	struct gcache gfree;
	struct gtop *stacks;
	unsigned nstacks;
	struct p *link; /* in pidle, or a list of Ps with work */
	struct pstats stats;
	/* what others look at */
	_Alignas(CACHELINE) _Atomic(struct g *) runnext;
	_Alignas(CACHELINE) _Atomic uint32_t runqhead; /* whoever takes, by CAS */
	_Alignas(CACHELINE) _Atomic uint32_t runqtail; /* the owner */
	_Alignas(CACHELINE) _Atomic(struct g *) runq[RUNQ_SIZE];
};

/* Why an M is to look twice at its next way in or out of the runtime. While attn
 * is 0 nothing is special: there is membarrier, and nobody watches. */
enum {
	ATTN_STOP = 1,    /* the world is to stop */
	ATTN_EXIT = 2,    /* m0 is to return from weft_start */
	ATTN_SPECIAL = 4, /* always: wf_fullfence or wf_watched */
	ATTN_WANTED = ATTN_STOP | ATTN_EXIT,
};

/* On pages of its own, which the kernel wipes in a forked child: p is NULL there.
 * A foreign thread's is not wiped, and has no P anyway. */
struct m {
	/* looked at by every call */
	_Alignas(PAGE) _Atomic uint32_t inside; /* I4 */
	_Atomic uint32_t attn;
	_Atomic(struct p *) p;
	struct g *curg;
	int *errnop;
	struct ehglobals *eh; /* NULL when no C++ runtime is in the process */
	/* the rest */
	struct g *g0;
	void (*g0fn)(struct g *); /* what mcall runs */
	struct g *picked;         /* was taken from a queue: to be run next */
	struct g *lockedg;
	struct p *nextp;
	void (*mstartfn)(void);
	bool spinning;
	bool foreign;
	bool ending;  /* its thread is to end */
	bool staying; /* m0 would go, but no other M could be had for its P */
	bool ended;   /* its thread has ended: the record is free */
	uint64_t rng;
	struct note park;
	struct m *schedlink; /* in midle or the list of free Ms */
	struct m *alllink;
	_Atomic pthread_t thread; /* 0 until it runs */
	struct ctxstk *stk0;
	struct gcache gfree; /* a foreign thread's */
	int64_t id;
	struct g *proxy;     /* what a foreign thread's handle is of */
	uint64_t proxydowns; /* wf_sched.downs when it was made */
	struct gtop top;
	struct g gstore;     /* g0, or the stand-in of a foreign thread */
};

struct gqueue {
	struct g *head, *tail;
	_Atomic uint32_t n;
};

struct sched {
	struct lock lock; /* guards what has no other guard named */
	_Atomic uint32_t npidle;     /* read without the lock as a hint */
	_Atomic uint32_t nmspinning;
	_Atomic uint32_t gcwaiting;  /* the world is stopped or about to */
	_Atomic uint32_t nprocs;
	struct p *pidle;
	struct m *midle;
	uint32_t nmidle;
	uint32_t nm;                 /* Ms, m0 included */
	uint32_t maxm;
	_Atomic uint32_t nothread;   /* a new M was refused, by the kernel or by maxm */
	struct m *allm;              /* Ms and foreign threads' */
	struct m *freem;             /* ended, to be used again */
	struct gqueue runq;          /* overflow, and what foreign threads queue */
	struct gqueue slowq;         /* tasks that used up whole slices */
	struct gqueue stackq;        /* fresh tasks that wait for a stack of the default size */
	struct gqueue oddq;          /* or of another */
	_Atomic uint32_t nstackwait; /* in both */
	struct g *gfree;             /* batches, linked by joiner; ret counts each */
	_Atomic uint64_t created, finished, injected, readied, retakes; /* by who has no P */
	unsigned nps;                /* Ps that exist, those of no use now included */
	_Atomic uint32_t mainexited; /* main left by weft_exit: who ends last lets weft_start go */
	_Atomic uint32_t m0exit;     /* m0 is to return from weft_start */
	_Atomic uint32_t dying;      /* weft_shutdown: Ms end */
	uint64_t downs;              /* how often the runtime went down: handles of before are gone */
	uint64_t forks;              /* how often this process is a forked child of such */
};

extern struct sched wf_sched;
extern struct p *wf_allp[];
extern struct m wf_m0;
extern struct g wf_g0;

/* --- in and out of the runtime (m.c has the slow halves) ------------------- */

/*
 * The asymmetric barrier of I4 and K3. The light side keeps the compiler's hands
 * off, and wf_heavy_barrier makes all threads pass a full one by membarrier(2).
 * Where the kernel has none (wf_fullfence), ATTN_SPECIAL sends every call through
 * the slow halves of wf_enter and wf_leave, which are full fences there.
 */
extern bool wf_fullfence;

static inline void wf_light_barrier(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

void wf_light_barrier_slow(void); /* either side of a rare path */
void wf_heavy_barrier(void);

struct m *wf_enter_slow(struct g *g);
void wf_leave_slow(struct m *m);

/* Whether g, which is not NULL, may go on inside without a second look. */
static inline bool wf_enter_plain(struct m *m)
{
	/* relaxed, with the light barrier: pairs with the seizer's heavy one (I4) */
	atomic_store_explicit(&m->inside, 1, memory_order_relaxed);
	wf_light_barrier();
	/* acquire: attn before p: who cleared attn had done with p before */
	return __builtin_expect(!atomic_load_explicit(&m->attn, memory_order_acquire) &&
					atomic_load_explicit(&m->p, memory_order_relaxed),
				1);
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
static inline void wf_count(_Atomic uint64_t *counter, uint64_t n)
{
	/* relaxed: a reader may be late */
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
			      memory_order_relaxed);
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
#define wf_assert(condition) ((condition) ? (void)0 : wf_throw("assertion failed: " #condition))
void wf_chaos(void); /* now and then let another thread go first */
void wf_poison(struct gtop *top); /* what is left of a task on a free stack */
#else
#define wf_assert(condition) ((void)sizeof(condition))
static inline void wf_chaos(void)
{
}
static inline void wf_poison(struct gtop *top)
{
	(void)top;
}
#endif

/* --- g.c: Gs and handles ---------------------------------------------------- */

struct g *wf_gfill(struct gcache *cache); /* a G from elsewhere, left on the list; NULL without memory */
void wf_gspill(struct gcache *cache);
/* A chunk of Gs; its first slot is its description. */
enum {
	CHUNK_BITS = 14,
	CHUNK_GS = 1 << CHUNK_BITS,
	CHUNK_SIZE = CHUNK_GS * sizeof(struct g),
	CHUNKS = 1 << (32 - CHUNK_BITS),
};
struct chunk {
	uint32_t base; /* index of its first slot */
	uint32_t used; /* slots that were handed out, this one included */
};
extern _Atomic(struct chunk *) wf_chunks[CHUNKS];
uint64_t wf_lifelock_slow(struct g *g);
void wf_lifeend_slow(struct m *m, struct g *g, uint64_t generation);
void wf_gflush(struct gcache *cache); /* with wf_sched.lock held */
void wf_greset(void);
void wf_gforget(struct g *keep);
static inline uint64_t wf_life(uint64_t generation, uint64_t bits)
{
	return generation << LIFE_BITS | bits;
}

/* --- runq.c ------------------------------------------------------------------ */

void wf_runqputslow(struct p *p, struct g *g);
void wf_runqputnext(struct p *p, struct g *g);
struct g *wf_pickturn(struct p *p);
struct g *wf_runqsteal(struct p *p, struct p *victim, bool last);
bool wf_runqempty(struct p *p);
uint32_t wf_runqlen(struct p *p);
void wf_globrunqput(struct g *g);
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

/* Make a G runnable that was parked, and claimed by the caller if it was
 * cancellable. m is the caller's; NULL on a foreign thread. */
void wf_goready(struct m *m, struct g *g);


struct m *wf_giveway(struct m *m, struct g *g); /* by way of g0 */

/* Leave the calling G's stack and run fn(g) on g0's. Returns when g runs again. */
struct m *wf_mcall(struct m *m, struct g *g, void (*fn)(struct g *));

void wf_callcommit(struct m *m, struct p *p);
void wf_g0entry(struct g *g);

/* --- gstart.c ------------------------------------------------------------------- */

void wf_gstart(struct m *m);
bool wf_givestackslow(struct p *p, struct g *g);
_Noreturn void wf_goexit(struct m *m, struct g *g);

/* --- proc.c, m.c, idle.c ---------------------------------------------------------- */

void wf_save(uintptr_t pc, uintptr_t sp);
void wf_mstart(void);
void wf_mstart1(void);
_Noreturn void wf_schedule(void);
struct g *wf_findrunnable(struct m *m);
_Noreturn void wf_execute(struct m *m, struct g *g);
void wf_acquirep(struct p *p);
struct p *wf_releasep(void);
bool wf_handoffp(struct p *p);
bool wf_startm(struct p *p, bool spinning);
void wf_stopm(void);
void wf_gcstopm(void);
int wf_newm(void (*fn)(void), struct p *p);
void wf_mspinning(void);
struct m *wf_mnew(bool foreign);
void wf_mprepare(struct m *m, struct g *g0);
void wf_mexit(struct m *m);
void wf_pidleput(struct p *p);
struct p *wf_pidleget(void);
struct m *wf_mget(void);
bool wf_midle_remove(struct m *m);
bool wf_work_anywhere(void);
void wf_wakep(void);
void wf_stoplockedm(struct m *m);
void wf_startlockedm(struct m *m, struct g *g);

static inline void wf_wake(void)
{
	/* relaxed: the push before was a full barrier, which pairs with the one
	 * between a spinning M's giving up and its last look at the queues */
	if (atomic_load_explicit(&wf_sched.npidle, memory_order_relaxed) &&
	    !atomic_load_explicit(&wf_sched.nmspinning, memory_order_relaxed))
		wf_wakep();
}

/* --- procresize.c ------------------------------------------------------------ */

/* Stop all tasks but the caller's: m is its M, NULL on a foreign thread. Returns
 * the M that the caller is on then, with wf_sched.lock held. */
struct m *wf_stoptheworld(struct m *m);
void wf_starttheworld(struct p *runnable); /* and without the lock */
/* With the world stopped: have n Ps; *runnable is a list of those that have work.
 * ENOMEM changes nothing. */
int wf_procresize(struct m *m, unsigned n, struct p **runnable);
int wf_schedinit(unsigned procs);

/* --- create.c -------------------------------------------------------------------- */

int wf_spawn(struct m *m, void (*fn)(void *), void *arg); /* from g0: weft_go */
int wf_newproc(struct m *m, void (*fn)(void *), void *arg, size_t stacksize);

/* --- foreign.c --------------------------------------------------------------------- */

/* A foreign thread's way into a call that needs its stand-in: the M of it, which
 * counts as inside until wf_foreign_leave. NULL without memory. */
struct m *wf_foreign_enter(void);
void wf_foreign_leave(struct m *m);

/* In and out for calls that are the same for tasks and foreign threads: the M of
 * either, which has a P or has not. NULL without memory. */
static inline struct m *wf_enter_any(void)
{
	struct m *m = wf_enter();

	return m ? m : wf_foreign_enter();
}

static inline void wf_leave_any(struct m *m)
{
	if (m->foreign)
		wf_foreign_leave(m);
	else
		wf_leave(m);
}

unsigned long wf_foreign_self(void);
/* Wait as wf_gopark does, in the kernel. */
void wf_foreign_park(struct m *m, wf_commitf *commit, void *arg);
void wf_foreign_adopt(struct m *m, struct g *g); /* in a forked child */

/* --- stack.c, region.c -------------------------------------------------------- */

/* A stack of at least size usable bytes; 0 is the default. NULL without memory. */
struct gtop *wf_stackget(size_t size, size_t guard);
void wf_stackputslow(struct p *p, struct gtop *top);
void wf_stackflush(struct p *p); /* a P's cached stacks to the global list */
void wf_stackwait(struct g *g);  /* a fresh G for which there was none */
void wf_stackwake(void);         /* one of those may try again; with wf_sched.lock held */
void wf_stackshare(struct p *p); /* what p has cached is for those */
void wf_stacktrim(void);         /* give the pages of free stacks back */
void wf_stackreset(void);
void wf_stackforget(void);
void wf_stackuse(uint64_t *stacks, uint64_t *bytes);

/* --- mem.c --------------------------------------------------------------------------- */

void *wf_alloc(size_t size); /* zeroed; NULL without memory */
void wf_free(void *p, size_t size);
void *wf_map(size_t size);   /* zeroed pages; NULL without memory */
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
extern struct settings wf_settings;

/* What the kernel has and which way was taken where it has not. */
struct features {
	bool membarrier, guardinstall, wipeonfork, jemalloc, libunwind;
	_Atomic bool guardprotect; /* mprotect had to serve */
	_Atomic bool noguard;      /* and found the map count used up */
	_Atomic bool threadlimit;  /* clone was refused: fewer Ms than Ps */
	size_t pagesize;
	unsigned ncpu;
};
extern struct features wf_have;

/* --- provided by lib/debug: whether parked tasks' frames can be walked ------------------- */

bool wf_find_unwinder(void);

/* --- provided by lib/boot -------------------------------------------------------------- */

/* Boot on a thread of its own unless the runtime is up: 0 or an error number. */
int wf_boot(void);
/* Find out what the kernel has; again and again is the same as once. */
void wf_osinit(void);
/* Read the settings, unless that was done: configuration, environment, defaults. */
void wf_settle(void);
/* Whether the runtime is up in this process (a forked child's is down). */
bool wf_up(void);
/* Whether this process was forked from one in which the runtime was up, and has
 * not put that behind it. */
bool wf_forked(void);
/* A program's main has ended, by weft_exit or not; the last task has ended. */
void wf_main_gone(void *program, bool exited);
void wf_last_gone(void);
void wf_forget(struct g *g); /* put it behind: the caller, g, goes on as a foreign thread */

#endif
