/*
 * The scheduler's structures: G, M, P, and what they are made of. sched.h has the
 * invariants that hold between them.
 */
#ifndef WF_SCHED_TYPES_H
#define WF_SCHED_TYPES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctx/ctx.h"
#include "sched/lock.h"
#include "sched/timer.h"

enum {
	RUNQ_SIZE = 1024, /* slots of a P's ring; a power of two */
	CACHELINE = 64,
	PAGE = 4096,
	GCACHE_BATCH = 128,    /* free Gs that move between caches at a time */
	STACK_CACHE_MAX = 256, /* stacks that a P keeps */
	COLD_BATCH = 32,       /* cold stacks that it takes at a time */
	GLOBAL_TICK = 61,      /* every so many picks the global queue comes first */
	DIRECT_TURNS = 256,    /* children run in their joiners' place until others have a turn */
};

/* A G's status; doc/scheduler.md has the table of who moves it where. */
enum {
	G_DEAD,     /* in a free list, or ended and waiting to be joined */
	G_RUNNABLE, /* in a run queue, or in the hands of who took it from there */
	G_RUNNING,  /* on an M */
	G_WAITING,  /* parked; whoever it waits for makes it runnable */
	G_WAITINGC, /* parked; so does a cancellation: claimed by compare and swap */
	G_WAITINGT, /* parked; several may, but no cancellation: claimed by compare and swap */
	G_WAITINGJ, /* parked; runs its child in its place: whoever has top->joins' life locked */
};

enum {
	P_IDLE,    /* on the pidle list, or in the hands of who took it from there */
	P_RUNNING, /* an M's */
	P_STOPPED, /* the world is stopped */
	P_DEAD,    /* beyond the number of Ps */
};

/* What a G is, besides its status; written by who owns the G (I1). */
enum {
	GF_VOID = 1,          /* its function has no result (weft_go) */
	GF_EXPOSED = 2,       /* its handle is known: its end changes the generation */
	GF_ATTR = 4,          /* not started, and top is its struct gattr */
	GF_LOCKED = 8,        /* bound to its M */
	GF_FPENV = 16,        /* has floating-point control words of its own */
	GF_FOREIGN = 32,      /* stands for a foreign thread */
	GF_STARTED = 64,      /* has a stack */
	GF_CALLEDOFF = 128,   /* its join of a child in its place was ended by a cancellation */
	GF_MAIN = 256,        /* a program's main: weft_start waits for it */
	GF_CANCELLABLE = 512, /* its wait may be ended by a cancellation */
	GF_JOINED = 1024,     /* the child that it joins has ended: the result is in sched.ret */
	GF_TIMED = 2048,      /* its wait may be ended by one of several */
	GF_TIMEDOUT = 4096,   /* its wait was ended by its timer */
	GF_BLOCKING = 8192,   /* in a blocking call that it said */
	GF_ASYNC = 16384,     /* may be cancelled at any instant */
	GF_TIMER = 32768,     /* its wait has a timer, top->timer */
	GF_SPECIAL = GF_FPENV | GF_BLOCKING | GF_ASYNC, /* a switch has more to load */
};

/* A G's cancel word; changed by atomic or. */
enum {
	GC_REQUESTED = 1, /* weft_cancel was called */
	GC_NAMED = 2,     /* has an entry in the table of names */
	GC_ASYNC = 4,     /* may be cancelled at any instant */
	GC_LEAVING = 8,   /* a task of the library's own: nothing is left but its end */
};

/* A G's life word: the generation above, the index of its slot, these bits below. Without
 * them it is the handle of that life. */
enum {
	LIFE_LOCK = 1,     /* held: guards joiner, and that the G isn't recycled */
	LIFE_DETACHED = 2, /* nobody may join */
	LIFE_JOINING = 4,  /* joiner joins */
	LIFE_DONE = 8,     /* ended, its result is in sched.ret */
	LIFE_FOREIGN = 16, /* stands for a foreign thread */
	LIFE_DIRECT = 32,  /* joiner switched to it and wants control back */
	LIFE_BITS = 6,
	INDEX_BITS = 28,
	GENERATION_BITS = 30,
};
#define LIFE_FLAGS ((uint64_t)63)
#define LIFE_NEXT ((uint64_t)1 << (LIFE_BITS + INDEX_BITS)) /* from a generation to the next */

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
	_Atomic(struct m *) m; /* the owner's; a canceller looks at it (C1) */
	struct gtop *top;      /* what a task has once it runs; lies on its stack */
	struct g *joiner;      /* guarded by life's lock; itself: nobody was given the handle */
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
	bool threads; /* a foreign thread's: they stay when the runtime goes down */
};

/* What its task or thread is in the middle of: a job of a pool, a task of a group. Lies in
 * the frame that is in it. */
struct scope {
	const void *object;
	struct scope *outer;
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
	uint32_t index; /* in the region */
	/* of the task */
	uintptr_t fn, arg;
	uintptr_t value; /* what weft_exit was given */
	int error;       /* errno while the task is off its M */
	struct taskstate {
		uint8_t cancelstate, canceltype;
		bool told;         /* weft_self gave its handle away */
		bool exiting;      /* by weft_exit or cancellation: cancelled no more */
		unsigned locks;    /* nesting of weft_lock_thread */
		unsigned blocking; /* and of weft_blocking_begin */
		int64_t deadline;  /* of its waiting calls; 0: none */
	} state;
	struct ehglobals eh;
	struct weft_cleanup *cleanup;
	struct timer *timer; /* of the wait under way */
	_Atomic(struct g *)
		joins;    /* under G_WAITINGJ: the child; relaxed, the status publishes it */
	bool cancelled;   /* it was ended by a cancellation */
	struct fpenv env; /* while the task is off its M, under GF_FPENV */
	_Alignas(16) unsigned char exception[64]; /* weft_exit's unwinding */
	struct keys keys;
	struct scope *scope; /* innermost; NULL when a task begins and when it ends */
};

/* Cold stacks of a region, with their guards, that a P has taken for itself. */
struct coldstacks {
	struct region *region;
	uint32_t n;
	uint32_t index[COLD_BATCH];
};

/* Counters of a P; the owner counts, anybody may read. */
struct pstats {
	_Atomic uint64_t created, finished, switches, parks, readies, steals, handoffs, injected;
	_Atomic uint64_t there; /* joiners who parked and switched to their child */
	_Atomic uint64_t back;  /* children who ended and readied their joiner and switched to it */
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
	AFTER_QUEUE,  /* what, a G, goes to the tail of the ring */
	AFTER_STACK,  /* what, a stack, is free */
	AFTER_JOIN,   /* the G that was switched to has a joiner, who locked its life */
	AFTER_UNLOCK, /* what, a G, waits in a queue that arg, a held lock, guards */
	AFTER_CALL,   /* fn(what, arg), what a G */
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
	uint32_t pass;   /* ring entries to go until the second queue has its turn */
	uint32_t direct; /* children that were to run in their joiners' place */
	struct commit commit;
	struct gcache gfree;
	struct gtop *stacks;
	unsigned nstacks;
	bool armed;     /* a timer may be the first of all, and nobody keep its time (W2) */
	bool alone;     /* the only one; changes while the world is stopped */
	bool solo;      /* and there is no foreign thread: see fast.h; so does this */
	struct p *link; /* in pidle, or a list of Ps with work */
	struct timers timers;
	struct pstats stats;
	struct coldstacks cold;
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
	ATTN_RETAKE = 8,  /* its P may be taken from it just now */
	ATTN_CANCEL = 16, /* its task was cancelled asynchronously while inside */
	ATTN_POSTED = 32, /* a handler put something on its list (D2) */
	ATTN_BLOCK = 64,  /* its task goes back to a blocking call (B3) */
	ATTN_SETTLE = ATTN_STOP | ATTN_EXIT | ATTN_RETAKE, /* on the way in: the lock tells */
};

/* Of an object that a handler wants seen to; post.c. */
struct deferred {
	_Atomic(struct deferred *) next;
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
	/* what others look at without a lock; relaxed, as a hint */
	_Atomic uint32_t blocking; /* a number for each blocking call; 0: in none */
	_Atomic clockid_t clock;   /* the thread's CPU time */
	_Atomic uint32_t tid;
	/* the rest */
	struct g *g0;
	void (*g0fn)(struct g *); /* what mcall runs */
	struct g *picked;         /* was taken from a queue: to be run next */
	struct g *lockedg;
	struct p *nextp;
	void (*mstartfn)(void);
	uint32_t nblocking;       /* the last such number */
	_Atomic uint32_t retaken; /* enum retaken; set under wf_sched.lock */
	bool spinning;
	bool keeper; /* sleeps until wf_sched.keeper_until at the latest; under wf_sched.lock */
	bool foreign;
	bool resting; /* of a foreign thread that is m0 meanwhile; under wf_sched.lock */
	bool ending;  /* its thread is to end */
	bool staying; /* m0 would go, but no other M could be had for its P */
	bool ended;   /* its thread has ended: the record is free */
	uint64_t rng;
	int64_t gave; /* when its thread last let others go first that have no P */
	struct note park;
	_Atomic(struct deferred *) deferred; /* by its own thread's handlers (D1) */
	void (*see_to)(struct m *, struct deferred *);
	struct m *schedlink; /* in midle or the list of free Ms */
	struct m *alllink;
	_Atomic pthread_t thread; /* 0 until it runs */
	struct ctxstk *stk0;
	struct gcache gfree; /* a foreign thread's */
	int64_t id;
	struct g *proxy;     /* what a foreign thread's handle is of */
	uint64_t proxydowns; /* wf_sched.downs when it was made */
	struct gtop top;
	struct g gstore; /* g0, or the stand-in of a foreign thread */
};

struct gqueue {
	struct g *head, *tail;
	_Atomic uint32_t n;
};

struct sched {
	struct lock lock;        /* guards what has no other guard named */
	_Atomic uint32_t npidle; /* read without the lock as a hint */
	_Atomic uint32_t nmspinning;
	_Atomic uint32_t gcwaiting; /* the world is stopped or about to */
	_Atomic uint32_t nprocs;
	struct p *pidle;
	struct m *midle;
	uint32_t nmidle;
	_Atomic uint32_t nm; /* Ms, m0 included; read without the lock as a hint */
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
	_Atomic uint64_t created, finished, injected, readied, retakes,
		preemptions;         /* by who has no P */
	unsigned nps;                /* Ps that exist, those of no use now included */
	_Atomic uint32_t mainexited; /* main left by weft_exit: who ends last lets weft_start go */
	_Atomic uint32_t m0exit;     /* m0 is to return from weft_start */
	_Atomic int64_t
		keeper_until;     /* when some idle M looks at the timers (W2); 0: nobody does */
	_Atomic uint32_t firing;  /* timers that fired and whose function is about to be called */
	_Atomic uint32_t strays;  /* Ms that compute without the P that was theirs */
	bool sysmonwait;          /* sysmon sleeps until a P is not idle */
	_Atomic uint32_t dying;   /* weft_shutdown: Ms end */
	_Atomic uint32_t objects; /* pools and groups: weft_shutdown is EBUSY while one exists */
	struct lock joins;        /* held by who decides which of two that join is told */
	void *_Atomic pools;      /* lib/pool's record of them */
	void (*_Atomic resized)(struct m *m); /* after weft_procs; NULL: nobody asks */
	_Atomic uint32_t lacking;             /* some pool lacks a worker: sysmon calls that, too */
	uint64_t downs; /* how often the runtime went down: handles of before are gone */
	uint64_t forks; /* how often this process is a forked child of such */
};

extern struct sched wf_sched WF_HIDDEN;
extern struct p *wf_allp[] WF_HIDDEN;
extern struct m wf_m0 WF_HIDDEN;
extern struct g wf_g0 WF_HIDDEN;

#endif
