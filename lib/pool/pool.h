/*
 * Pools, futures, loops and groups: what the files of this folder share.
 *
 * A pool is a record with one lock, queues of jobs by priority, and workers: tasks that
 * exist only while there is work. A pool without any costs its memory.
 *
 *   J1  A job is in exactly one place: queued, running, or held by a submitter that waits
 *       for room. Each move, and the counter that it changes, is under the pool's lock, so
 *       submitted = finished + discarded + queued + running whenever that is free.
 *   J2  live counts the workers that may run a job: it is at most bound(pool), but for the
 *       time after that fell. Who takes a worker's slot counts it before the task is made.
 *   J3  While the pool has work that may start and live is below the bound, some worker is
 *       still to look at the queue; each such look starts at most one more. Where no task
 *       could be had and no worker is left, sysmon looks (wf_lacking).
 *   J4  A pool's memory stays while a reference is held: by its handle, by each future.
 *       Destroying waits until no worker, no job and nobody who waits in it is left.
 *
 * t/model/pool.pml is the model of J2 to J4.
 */
#ifndef WF_POOL_H
#define WF_POOL_H

#include <weft/pool.h>
#include <weft/task.h>

#include "sched/waitq.h"

/* --- what a handle is of ------------------------------------------------------------ */

enum kind { POOL = 0x77667001, GROUP = 0x77669709, FUTURE = 0x77660f75 };

/* Pools and groups begin with this. */
struct object {
	uint64_t magic;   /* the first word: freeing overwrites it */
	struct lock lock; /* guards all of the object */
};

/* The first word of an object that exists, in this process. */
static inline uint64_t wf_magic(enum kind kind)
{
	return wf_sched.forks << 32 | kind;
}

/* The caller's M, inside, with the lock held of an object that is of the kind; NULL and
 * why not. The object may be NULL. */
struct m *wf_object_lock(void *object, enum kind kind, int *error);

/* --- rings of links, with a head that is in none --------------------------------- */

struct link {
	struct link *next, *prev;
};

static inline void wf_link_init(struct link *head)
{
	head->next = head->prev = head;
}

static inline bool wf_link_empty(const struct link *head)
{
	return head->next == head;
}

static inline void wf_link_append(struct link *head, struct link *l)
{
	l->next = head;
	l->prev = head->prev;
	head->prev->next = l;
	head->prev = l;
}

static inline void wf_link_remove(struct link *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
}

/* --- depot.c: pieces of one size, kept for the next use ----------------------------- */

struct piece {
	struct piece *next;
};

struct depot {
	struct piece *free;
	struct batch *batches;
	unsigned batchsize; /* of the newest, in pieces */
	unsigned pieces;    /* in all */
};

/* A piece, not zeroed; NULL: there is none, and wf_depot_fill may be tried. */
static inline void *wf_depot_get(struct depot *d)
{
	struct piece *piece = d->free;

	if (__builtin_expect(piece != NULL, 1))
		d->free = piece->next;
	return piece;
}

static inline void wf_depot_put(struct depot *d, void *piece)
{
	((struct piece *)piece)->next = d->free;
	d->free = piece;
}

bool wf_depot_fill(struct depot *d, size_t size);
void wf_depot_trim(struct depot *d, size_t size); /* no piece is out: keep a few */
void wf_depot_free(struct depot *d, size_t size);

/* --- scopes: what the caller is in the middle of ------------------------------------- */

static inline void wf_scope_enter(struct scope *s, const void *object)
{
	struct gtop *top = wf_getg()->top;

	s->object = object;
	s->outer = top->scope;
	top->scope = s;
}

static inline void wf_scope_leave(const struct scope *s)
{
	wf_getg()->top->scope = s->outer;
}

static inline bool wf_within(const void *object)
{
	for (const struct scope *s = wf_getg()->top->scope; s; s = s->outer)
		if (s->object == object)
			return true;
	return false;
}

/* --- waiters who are to be woken once the lock is free --------------------------------- */

struct wakelist {
	struct waiter *first, **end;
	unsigned n;
};

#define WF_WAKELIST(name) struct wakelist name = {.end = &(name).first}

/* w was claimed, and taken off its queue. */
static inline void wf_wakelist_add(struct wakelist *list, struct waiter *w)
{
	w->next = NULL;
	*list->end = w;
	list->end = &w->next;
	list->n++;
}

/* --- jobs and futures ----------------------------------------------------------------- */

struct job {
	struct link link;   /* queued; else next is the pool while its first worker begins */
	void (*fn)(void *); /* NULL: it is a future's, and lies in it */
	void *arg;
};

enum future_state { FUTURE_QUEUED, FUTURE_RUNNING, FUTURE_DONE, FUTURE_CANCELED };

struct weft_future {
	uint64_t magic; /* the first word: freeing overwrites it */
	struct job job;
	struct weft_pool *pool; /* its lock guards all here */
	void *(*fn)(void *);
	void *arg;
	void *value; /* the job's to write; good once the state is FUTURE_DONE */
	_Atomic uint32_t state;
	unsigned refs; /* the handle, the job, each who waits */
	struct waitq waiting;
};

static inline struct weft_future *wf_future_of(struct job *job)
{
	return (struct weft_future *)((char *)job - offsetof(struct weft_future, job));
}

/* future.c; with the lock held. The job is over: its waiters are to be woken, its
 * reference goes. */
void wf_future_settle(struct weft_future *f, enum future_state state, struct wakelist *wake);

/* --- pools ------------------------------------------------------------------------------- */

/* Levels of priority in a word of the map of those that have jobs. */
enum { LEVELS_A_WORD = 64 };

/* In the order of use: what a submission touches is in the first two cache lines. */
struct weft_pool {
	struct object object; /* its lock guards the pool's jobs, futures and loops too */
	/* the queue, and who may run what is in it */
	unsigned nlevels;
	bool paused, draining, discarding;
	struct link *level;    /* a ring of queued jobs for each priority */
	uint64_t *levelmap;    /* a bit for each that may have jobs */
	unsigned workers;      /* as asked for; 0: as many as Ps */
	_Atomic unsigned live; /* J2; read without the lock as a hint */
	size_t capacity;
	_Atomic uint64_t queued; /* read without the lock as a hint */
	struct depot depot;      /* of jobs that are no futures */
	uint64_t submitted, running;
	uint64_t onlymap; /* levelmap and level, if there is but one */
	struct link onlylevel;
	/* the rest */
	int overflow;
	uint64_t finished, rejected, discarded, caller_ran;
	struct link open;     /* loops that have a range to give away */
	const uint64_t *attr; /* of its tasks; NULL: the defaults */
	weft_attr_t attrs;
	/* who waits */
	struct waitq senders; /* struct offer: for room */
	struct waitq idle;    /* for nothing to be queued or running */
	struct waitq gone;    /* who destroys, for everybody to be gone */
	unsigned users;       /* who waits in senders or idle, and loops' callers */
	unsigned refs;        /* J4 */
	/* among all pools, under their lock */
	struct link all;
};

/* How many jobs may run at once: relaxed, as weft_procs may come a moment later. */
static inline unsigned wf_pool_bound(const struct weft_pool *pool)
{
	return pool->workers ? pool->workers
			     : atomic_load_explicit(&wf_sched.nprocs, memory_order_relaxed);
}

static inline uint64_t wf_pool_queued(const struct weft_pool *pool)
{
	return atomic_load_explicit(&pool->queued, memory_order_relaxed);
}

static inline unsigned wf_pool_live(const struct weft_pool *pool)
{
	return atomic_load_explicit(&pool->live, memory_order_relaxed);
}

static inline void wf_pool_addlive(struct weft_pool *pool, int n)
{
	atomic_store_explicit(&pool->live, wf_pool_live(pool) + (unsigned)n, memory_order_relaxed);
}

/* Whether the handle is of a pool that exists; the caller is inside. */
static inline bool wf_pool_valid(const struct weft_pool *pool)
{
	return pool && pool->object.magic == wf_magic(POOL);
}

/* pool.c */
/* Let go of a reference, and of the lock. */
void wf_pool_unref(struct weft_pool *pool);
/* The pool of all Ps, which has loops and no jobs; NULL without memory. */
struct weft_pool *wf_pool_everyone(void);
/* No more among all pools. */
void wf_pool_delist(struct weft_pool *pool);

/* wait.c. With the lock held: something has become less; who waited for that is to be
 * woken. */
void wf_pool_settle(struct weft_pool *pool, struct wakelist *wake);
/* Claim all who wait in q, and leave 0 or an error where their data says. */
void wf_pool_take(struct waitq *q, int outcome, struct wakelist *wake);
/* Start what may start, wake who is to be; the lock goes. ENOMEM: no task could be had. */
int wf_pool_conclude(struct m *m, struct weft_pool *pool, struct wakelist *wake);

/* All with the lock held; but for this one in queue.c. A bit of the map is cleared by who
 * looks there for a job and finds none. */
static inline void wf_jobs_push(struct weft_pool *pool, unsigned prio, struct job *job)
{
	wf_link_append(&pool->level[prio], &job->link);
	pool->levelmap[prio / LEVELS_A_WORD] |= (uint64_t)1 << prio % LEVELS_A_WORD;
	wf_count(&pool->queued, 1);
}

struct job *wf_jobs_pop(struct weft_pool *pool);
void wf_jobs_remove(struct weft_pool *pool, struct job *job);
uint64_t wf_jobs_discard(struct weft_pool *pool, struct wakelist *wake);
void wf_jobs_admit(struct weft_pool *pool, struct wakelist *wake); /* there may be room */
/* The job is over, or will not run. */
void wf_jobs_end(struct weft_pool *pool, struct job *job, enum future_state state,
		 struct wakelist *wake);

/* work.c */
void wf_job_run(struct job *job);
/* What a job that left by weft_exit left: for a future's, its value and state. */
enum future_state wf_job_exited(struct job *job);
/* With the lock held: whether another worker is to be started; then its slot is taken. */
bool wf_pool_wants(struct weft_pool *pool);
/* And without it: start that one. ENOMEM gives the slot back. */
int wf_pool_start(struct m *m, struct weft_pool *pool);
/* With it: a slot that was taken is free again, as no task could be had for it. */
void wf_pool_unstarted(struct weft_pool *pool, struct wakelist *wake);
/* A worker for a slot that was taken and a job that counts as running. */
int wf_pool_startwith(struct m *m, struct weft_pool *pool, struct job *job);

/* for.c; with the lock held */
struct range {
	size_t lo, hi;
};
struct loop;
bool wf_loop_wanting(const struct weft_pool *pool);                 /* for a worker */
struct loop *wf_loop_join(struct weft_pool *pool, struct range *r); /* NULL: none is wanting */
void wf_loop_leave(struct loop *l, struct range *r, struct wakelist *wake);
/* Without it: run what is in r, or less if the worker is wanted elsewhere. */
void wf_loop_help(struct loop *l, struct range *r);

#endif
