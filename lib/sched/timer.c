/*
 * Timers: one heap a P.
 *
 * A heap is a set of heap-ordered trees, at most one of each rank, as in a binomial
 * heap: two of a rank become one of the next, the later root a child of the earlier.
 * So arming costs no more than a few comparisons (one on average), and no operation
 * ever meets more than TIMER_RANKS nodes at a time: a heap that puts its order off
 * until the first timer fires would stand still then, with a million in it. A stopped
 * timer leaves its tree as it is, with the rank that it had: ranks bound the numbers of
 * children and of trees, and grow with the logarithm of how often was armed.
 *
 *   T1  A timer's heap changes only with that heap's lock held: from NULL, to NULL, or,
 *       when a P goes, from one to another under both. Who finds NULL there without
 *       the lock need not look again, if nobody but himself arms it.
 *   T2  A wait's timer is armed, and its G's status set to what says that it waits,
 *       in one piece under the heap's lock (wf_parkedtimed). Whoever claims the G
 *       after that, waker, canceller or timer, sees it armed; and who withdraws it
 *       waits for that lock. So the timer, in the frame of who waits, is never touched
 *       once wf_wait has returned, whether an object's lock guards the wait or none.
 *   T3  A G is claimed by its timer under the heap's lock, and readied after it was
 *       given back. As long as the timer is armed, what waits is the wait that it was
 *       armed for.
 *   T4  What isn't a wait's is fired without the heap's lock. Until then hands counts it,
 *       changed under that lock before heap is: who finds the timer not armed knows
 *       whether somebody is about to call fired. wf_sched.firing has the same for all.
 *
 * Who sees that a time has come is told in idle.c.
 */
#include "sched/timer.h"

#include <errno.h>
#include <stddef.h>

#include "sched/fast.h"

enum { BATCH = 128, WARM_LINES = 4 };
enum { NS = 1000000000 };

/* --- clocks ------------------------------------------------------------------------ */

static int64_t nanoseconds(const struct timespec *t)
{
	if (t->tv_sec < 0)
		return 0;
	return t->tv_sec >= WF_FOREVER / NS ? WF_FOREVER : (int64_t)t->tv_sec * NS + t->tv_nsec;
}

static int64_t now_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * NS + now.tv_nsec;
}

int64_t wf_nanotime(void)
{
	return now_of(CLOCK_MONOTONIC);
}

int64_t wf_later(int64_t now, const struct timespec *interval)
{
	int64_t ns = nanoseconds(interval);

	return ns > WF_FOREVER - now ? WF_FOREVER : now + ns;
}

static int64_t from_realtime(int64_t when)
{
	int64_t left = when - now_of(CLOCK_REALTIME), now = wf_nanotime();

	return left > WF_FOREVER - now ? WF_FOREVER : left < -now ? 0 : now + left;
}

int wf_until(const struct timespec *abs, clockid_t clock, int64_t *until)
{
	int64_t when;

	if (!abs || abs->tv_nsec < 0 || abs->tv_nsec >= NS ||
	    (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME))
		return EINVAL;
	when = nanoseconds(abs);
	*until = clock == CLOCK_MONOTONIC || when == WF_FOREVER ? when : from_realtime(when);
	return 0;
}

/* --- the heap; all with its lock held ------------------------------------------------ */

void wf_timers_init(struct timers *heap)
{
	/* relaxed: nobody knows it yet */
	atomic_store_explicit(&heap->next, WF_FOREVER, memory_order_relaxed);
}

/* Two trees of a rank, to one of the next. */
static struct timer *link_trees(struct timer *a, struct timer *b)
{
	struct timer *early = a->when < b->when ? a : b, *late = early == a ? b : a;

	late->prev = early;
	late->next = early->child;
	if (late->next)
		late->next->prev = late;
	early->child = late;
	if (early->rank < TIMER_RANKS - 1)
		early->rank++;
	return early;
}

/* A tree of its own joins the others. */
static void add_tree(struct timers *heap, struct timer *t)
{
	t->next = t->prev = NULL;
	while (heap->roots >> t->rank & 1) {
		heap->roots &= ~((uint64_t)1 << t->rank);
		t = link_trees(t, heap->root[t->rank]);
	}
	heap->roots |= (uint64_t)1 << t->rank;
	heap->root[t->rank] = t;
}

/* relaxed: who looks without the lock looks again, or orders it by a full barrier (W2) */
static void tell_next(struct timers *heap)
{
	atomic_store_explicit(&heap->next, heap->first ? heap->first->when : WF_FOREVER,
			      memory_order_relaxed);
}

/* What is armed and soon stopped again often comes first: who was first before is then. */
static void order_new(struct timers *heap, struct timer *t)
{
	if (!heap->first || t->when < heap->first->when) {
		heap->second = heap->first;
		heap->first = t;
	} else if (heap->second && t->when < heap->second->when) {
		heap->second = t;
	}
}

static void insert(struct timers *heap, struct timer *t)
{
	t->child = NULL;
	t->rank = 0;
	add_tree(heap, t);
	order_new(heap, t);
	tell_next(heap);
	atomic_store_explicit(&heap->n, heap->n + 1, memory_order_relaxed);
	/* release: pairs with wf_timer_stop's acquire */
	atomic_store_explicit(&t->heap, heap, memory_order_release);
}

static void find_first(struct timers *heap)
{
	heap->first = heap->second;
	heap->second = NULL;
	if (heap->first)
		return;
	for (uint64_t left = heap->roots; left; left &= left - 1) {
		struct timer *t = heap->root[__builtin_ctzll(left)];

		if (!heap->first || t->when < heap->first->when)
			heap->first = t;
	}
}

static void unlink_tree(struct timers *heap, struct timer *t)
{
	if (!t->prev) {
		heap->roots &= ~((uint64_t)1 << t->rank);
		return;
	}
	if (t->prev->child == t)
		t->prev->child = t->next;
	else
		t->prev->next = t->next;
	if (t->next)
		t->next->prev = t->prev;
}

/* t leaves; its children are trees of their own. */
static void take_out(struct timers *heap, struct timer *t)
{
	struct timer *child, *next;
	bool first = heap->first == t;

	unlink_tree(heap, t);
	if (heap->second == t)
		heap->second = NULL;
	for (child = t->child; child; child = next) {
		next = child->next;
		__builtin_prefetch(child->child, 1); /* for when it is taken out itself */
		add_tree(heap, child);
	}
	if (first) {
		find_first(heap);
		tell_next(heap);
	}
	atomic_store_explicit(&heap->n, heap->n - 1, memory_order_relaxed);
}

static void remove_timer(struct timers *heap, struct timer *t)
{
	take_out(heap, t);
	/* release: pairs with wf_timer_stop's acquire; from here on t may be gone (T1) */
	atomic_store_explicit(&t->heap, NULL, memory_order_release);
}

/* --- arming and stopping -------------------------------------------------------------- */

void wf_timer_arm(struct m *m, struct timer *t, int64_t when)
{
	struct p *p = wf_p(m);
	struct timers *heap = p ? &p->timers : &wf_allp[0]->timers; /* P0 never goes */

	t->when = when;
	wf_lock(&heap->lock);
	insert(heap, t);
	wf_unlock(&heap->lock);
	wf_timer_armed(when);
}

/*
 * wf_parked of a wait that a time ends: g->top->timer, unless that has come already. A
 * cancellation that was asked for is seen as in wf_parked; g is readied once the heap's
 * lock is given back (I5).
 */
void wf_parkedtimed(struct g *g)
{
	struct m *m = wf_getg()->m;
	struct p *p = wf_p(m);
	struct timer *t = g->top->timer;
	int64_t when = t->when;
	bool cancelled = false, first;

	if (g->flags & GF_FOREIGN) { /* sleeps until then itself */
		wf_setstatus(g, G_RUNNING, G_WAITINGT);
		return;
	}
	if (g->flags & GF_TIMEDOUT) {
		wf_setstatus(g, G_RUNNING, G_WAITING);
		wf_goready(m, g);
		return;
	}
	wf_lock(&p->timers.lock);
	insert(&p->timers, t); /* T2 */
	first = p->timers.first == t;
	if (g->flags & GF_CANCELLABLE) {
		wf_setstatus(g, G_RUNNING, G_WAITINGC);
		cancelled = wf_cancelledwhileparking(g);
	} else {
		wf_setstatus(g, G_RUNNING, G_WAITINGT);
	}
	wf_unlock(&p->timers.lock); /* from here on t may be gone */
	if (cancelled)
		wf_goready(m, g);
	if (first && m->curg)
		wf_timer_armed(when);
	else if (first)
		p->armed = true; /* W2: this M has yet to see whether it goes to sleep */
}

bool wf_timer_stop(struct timer *t)
{
	struct timers *heap;

	/* acquire: pairs with the stores of insert, remove_timer and wf_timers_move */
	while ((heap = atomic_load_explicit(&t->heap, memory_order_acquire))) {
		bool ours;

		wf_lock(&heap->lock);
		ours = atomic_load_explicit(&t->heap, memory_order_relaxed) == heap;
		if (ours)
			remove_timer(heap, t);
		wf_unlock(&heap->lock);
		if (ours)
			return true;
	}
	return false;
}

/* --- firing ------------------------------------------------------------------------------ */

/* Of a batch of Gs that have slept for long, the memory that each needs as it goes on is
 * fetched while the others are seen to. */
static void warm(const struct g *g)
{
	const char *frames = (const char *)g->sched.sp;

	__builtin_prefetch(&g->top->error, 1);
	for (int line = 0; line < WARM_LINES; line++)
		__builtin_prefetch(frames + line * CACHELINE, 1);
}

/* And what firing t will need. */
static void warm_timer(const struct timer *t)
{
	__builtin_prefetch(t->child, 1);
	if (t->g) {
		__builtin_prefetch(t->g, 1);
		__builtin_prefetch((const char *)t->g + CACHELINE);
	}
}

/* The first is due: take it off. Returns the G whose wait it ended, if it is a wait's
 * that nobody else has ended. */
static struct g *fire_first(struct timers *heap, struct timer **other)
{
	struct timer *t = heap->first;
	struct g *g = t->g;

	if (!g) { /* T4 */
		atomic_fetch_add(&wf_sched.firing, 1);
		atomic_fetch_add(&t->hands, 1);
		*other = t;
	} else if (wf_claim(g, G_WAITINGC) || wf_claim(g, G_WAITINGT)) { /* T3 */
		g->flags |= GF_TIMEDOUT;
		warm(g);
	} else {
		g = NULL;
	}
	remove_timer(heap, t);
	return g;
}

/* Up to BATCH Gs that wait no more, and then perhaps one that is no wait's. */
static struct timer *fire_due(struct timers *heap, int64_t now, struct gqueue *ready)
{
	struct timer *other = NULL;
	struct g *g;

	wf_lock(&heap->lock);
	while (!other && ready->n < BATCH && heap->first && heap->first->when <= now) {
		if ((g = fire_first(heap, &other)))
			wf_gqpush(ready, g);
		if (heap->first)
			warm_timer(heap->first);
	}
	wf_unlock(&heap->lock);
	return other;
}

bool wf_timers_fire(struct m *m, struct timers *heap, int64_t now)
{
	struct gqueue ready = {0};
	struct timer *other;
	bool some = false;

	do {
		other = fire_due(heap, now, &ready);
		if (other)
			other->fired(m, other);
		some |= other || ready.n;
	} while (other && ready.n < BATCH);
	wf_readyall(m, &ready);
	return some;
}

bool wf_timers_look(struct p *p)
{
	struct timers *heap = &p->timers;
	int64_t next = atomic_load_explicit(&heap->next, memory_order_relaxed);
	int64_t now;

	if (wf_likely(next == WF_FOREVER))
		return false;
	now = wf_nanotime();
	return next <= now && wf_timers_fire(p->m, heap, now);
}

/* --- all Ps ------------------------------------------------------------------------------ */

void wf_timers_overdue(struct m *m, int64_t now)
{
	unsigned n = wf_sched.nprocs;

	for (unsigned i = 0; i < n; i++) {
		struct timers *heap = &wf_allp[i]->timers;

		if (atomic_load_explicit(&heap->next, memory_order_relaxed) <= now)
			wf_timers_fire(m, heap, now);
	}
}

int64_t wf_timers_next(void)
{
	unsigned n = wf_sched.nprocs;
	int64_t first = WF_FOREVER;

	for (unsigned i = 0; i < n; i++) {
		int64_t next = atomic_load_explicit(&wf_allp[i]->timers.next, memory_order_relaxed);

		if (next < first)
			first = next;
	}
	return first;
}

/* Any root, on its own. */
static struct timer *take_root(struct timers *heap)
{
	struct timer *t = heap->root[__builtin_ctzll(heap->roots)], *child, *next;

	heap->roots &= heap->roots - 1;
	for (child = t->child; child; child = next) {
		next = child->next;
		add_tree(heap, child);
	}
	return t;
}

/* With wf_sched.lock held. In no order: that costs no more than a visit to each. */
void wf_timers_move(struct timers *from, struct timers *to)
{
	wf_lock(&from->lock);
	wf_lock(&to->lock);
	while (from->roots)
		insert(to, take_root(from)); /* T1 */
	from->first = from->second = NULL;
	atomic_store_explicit(&from->n, 0, memory_order_relaxed);
	tell_next(from);
	wf_unlock(&to->lock);
	wf_unlock(&from->lock);
}
