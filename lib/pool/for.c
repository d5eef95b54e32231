/*
 * Parallel loops, by lazy binary splitting.
 *
 * Who works in a loop, its caller or a worker of the pool that helps, has a range. While
 * nothing of the loop is there for others to take, it gives away the upper half of what it
 * has left; then it calls the body for the next share, and looks again. So a range is split
 * when somebody took the one before, and hardly ever when nobody comes.
 *
 *   L1  Each index is in the range of one who works, or in one range of l->ranges, or is done.
 *   L2  The loop lies in the frame of its caller, who leaves it when l->ranges is empty and
 *       nobody helps; both change under the pool's lock alone.
 *   L3  The loop is in the pool's list of open ones while l->ranges is not empty.
 *
 * A worker that helps leaves the loop for a queued job, and gives its range back. What its
 * body leaves by weft_exit is given back, too: but for the call that did not return, all of
 * the loop is done. If the caller's body does so, the loop ends with what is begun.
 */
#include <errno.h>

#include "pool/pool.h"
#include "sched/fast.h"

/* Without a grain a share is so small a part of what is left. */
enum { SHARES = 16 };

struct given {
	struct given *next;
	struct range r;
};

struct loop {
	struct weft_pool *pool; /* its lock guards the loop */
	void (*fn)(size_t, size_t, void *);
	void *arg;
	size_t grain;
	struct given *ranges;
	_Atomic bool has; /* ranges is not empty: read without the lock as a hint */
	bool ownused;
	struct given own; /* one of ranges, as a rule the only one */
	unsigned helpers;
	bool all;             /* of all Ps: the loop is an object of the runtime's */
	unsigned outside;     /* 1: the caller counts against the bound, and is no worker */
	struct link link;     /* L3 */
	struct waitq waiting; /* the caller */
	struct scope scope;
};

/* --- ranges; all with the lock held --------------------------------------------------- */

static void set_has(struct loop *l, bool has)
{
	atomic_store_explicit(&l->has, has, memory_order_relaxed);
}

static void give(struct loop *l, struct range r)
{
	struct given *given = l->ownused ? wf_alloc(sizeof *given) : &l->own;

	if (!given)
		wf_throw("no memory to go on with a loop that a task left by weft_exit");
	l->ownused = true;
	if (!l->ranges)
		wf_link_append(&l->pool->open, &l->link);
	given->r = r;
	given->next = l->ranges;
	l->ranges = given;
	set_has(l, true);
}

static bool take(struct loop *l, struct range *r)
{
	struct given *given = l->ranges;

	if (!given)
		return false;
	l->ranges = given->next;
	*r = given->r;
	if (given == &l->own)
		l->ownused = false;
	else
		wf_free(given, sizeof *given);
	if (!l->ranges) {
		set_has(l, false);
		wf_link_remove(&l->link);
	}
	return true;
}

/* The first open loop that may have another helper. */
static struct loop *wanting(const struct weft_pool *pool)
{
	for (struct link *link = pool->open.next; link != &pool->open; link = link->next) {
		struct loop *l = (struct loop *)((char *)link - offsetof(struct loop, link));

		if (l->helpers + l->outside < wf_pool_bound(pool))
			return l;
	}
	return NULL;
}

bool wf_loop_wanting(const struct weft_pool *pool)
{
	return wanting(pool);
}

struct loop *wf_loop_join(struct weft_pool *pool, struct range *r)
{
	struct loop *l = wanting(pool);

	if (l) {
		take(l, r);
		l->helpers++;
	}
	return l;
}

void wf_loop_leave(struct loop *l, struct range *r, struct wakelist *wake)
{
	if (r->lo < r->hi)
		give(l, *r);
	l->helpers--;
	if (!l->helpers || l->ranges)
		wf_pool_take(&l->waiting, 0, wake);
}

/* --- working in it ------------------------------------------------------------------------ */

/* How many calls of the body a range is for, and how long the next one is. */
static size_t share_of(const struct loop *l, const struct range *r)
{
	size_t left = r->hi - r->lo, share = l->grain ? l->grain : left / SHARES;

	if (share > left)
		share = left;
	return share ? share : 1;
}

static struct range upper_half(const struct loop *l, struct range *r)
{
	size_t grain = l->grain ? l->grain : 1;
	size_t grains = (r->hi - r->lo) / grain; /* at least 1 */
	size_t middle = r->lo + (grains - grains / 2) * grain;
	struct range upper = {middle, r->hi};

	r->hi = middle;
	return upper;
}

/* Nobody finds anything to take: let somebody have half of r. */
static void split(struct loop *l, struct range *r)
{
	struct weft_pool *pool = l->pool;
	WF_WAKELIST(wake);
	struct m *m = wf_enter_any();
	bool more;

	if (!m)
		return; /* a forked child without memory: it goes on alone */
	wf_lock(&pool->object.lock);
	if (!l->ranges)
		give(l, upper_half(l, r));
	wf_pool_take(&l->waiting, 0, &wake);
	more = !wake.n && wf_pool_wants(pool);
	wf_unlock(&pool->object.lock);
	wf_waitq_wake(m, wake.first);
	if (more)
		wf_pool_start(m, pool);
	wf_leave_any(m);
}

/* Call the body for the next share of r. What is in it is not in r any more when the body
 * begins, as it need not return. */
static void step(struct loop *l, struct range *r)
{
	size_t lo = r->lo, share = share_of(l, r);

	if (share < r->hi - r->lo && l->outside < wf_pool_bound(l->pool) &&
	    !atomic_load_explicit(&l->has, memory_order_relaxed)) {
		split(l, r);
		share = share_of(l, r);
	}
	r->lo += share;
	l->fn(lo, r->lo, l->arg);
}

void wf_loop_help(struct loop *l, struct range *r)
{
	while (r->lo < r->hi) {
		step(l, r);
		if (wf_pool_queued(l->pool) && !atomic_load_explicit(&l->has, memory_order_relaxed))
			return;
	}
}

/* Until a range is given or the last helper has left. The lock is held, also on return. */
static void await_helpers(struct m **m, struct loop *l)
{
	struct waiter w = {.data = NULL};

	wf_waitq_wait(m, &l->waiting, &l->pool->object.lock, &w, WF_FOREVER, WAIT_LOCK);
	wf_lock(&l->pool->object.lock);
}

/* The caller leaves the loop; the lock goes. */
static void over(struct m *m, struct loop *l)
{
	WF_WAKELIST(wake);

	l->pool->users--;
	wf_pool_settle(l->pool, &wake);
	wf_unlock(&l->pool->object.lock);
	wf_waitq_wake(m, wake.first);
	if (l->all)
		atomic_fetch_sub(&wf_sched.objects, 1);
	wf_leave_any(m);
}

/* The caller's next range; false when all is done, and the loop is left. */
static bool another(struct loop *l, struct range *r)
{
	struct m *m = wf_enter_any();

	if (!m)
		wf_throw("no memory for a thread that had some");
	wf_lock(&l->pool->object.lock);
	while (!take(l, r)) {
		if (!l->helpers) {
			over(m, l);
			return false;
		}
		await_helpers(&m, l);
	}
	wf_unlock(&l->pool->object.lock);
	wf_leave_any(m);
	return true;
}

/* The caller's body did not return. */
static void abandoned(void *arg)
{
	struct loop *l = arg;
	struct m *m = wf_enter_any();
	struct range r;

	wf_scope_leave(&l->scope);
	if (!m)
		wf_throw("no memory for a thread that had some");
	wf_lock(&l->pool->object.lock);
	for (;;) {
		while (take(l, &r))
			;
		if (!l->helpers)
			break;
		await_helpers(&m, l);
	}
	over(m, l);
}

static void run(struct loop *l, struct range r)
{
	weft_cleanup_push(abandoned, l);
	wf_scope_enter(&l->scope, l->pool);
	do {
		while (r.lo < r.hi)
			step(l, &r);
	} while (another(l, &r));
	wf_scope_leave(&l->scope);
	weft_cleanup_pop(0);
}

/* The pool that was meant; the runtime is up then. */
static int enter_pool(struct m *m, struct weft_pool **pool)
{
	int error = 0;

	if (*pool)
		return wf_pool_valid(*pool) ? 0 : EINVAL;
	if (m->foreign)
		error = wf_boot();
	if (!error && !(*pool = wf_pool_everyone()))
		error = ENOMEM;
	return error;
}

int weft_pool_for(weft_pool_t *pool, size_t begin, size_t end, size_t grain,
		  void (*fn)(size_t lo, size_t hi, void *arg), void *arg)
{
	struct loop l = {.fn = fn, .arg = arg, .grain = grain, .all = !pool};
	struct m *m;
	int error;

	if (!fn)
		return EINVAL;
	m = wf_enter_any();
	if (!m)
		return ENOMEM;
	error = enter_pool(m, &pool);
	if (error || begin >= end) {
		wf_leave_any(m);
		return error;
	}
	l.pool = pool;
	l.outside = !wf_within(pool) && !(l.all && m->foreign);
	if (l.all)
		atomic_fetch_add(&wf_sched.objects, 1);
	wf_lock(&pool->object.lock);
	pool->users++;
	wf_unlock(&pool->object.lock);
	wf_leave_any(m);
	run(&l, (struct range){begin, end});
	return 0;
}
