/*
 * Run queues.
 *
 * A P's ring is bounded; head and tail only count, a slot is its counter modulo
 * the size. The owner pushes at the tail, by exchange: the one full barrier of a
 * submission, which also orders "work was queued" before the look at whether
 * somebody sleeps (wf_wake). Whoever takes the oldest, the owner to schedule or a
 * thief to steal, does it with one CAS on head. The owner may take the newest
 * back, as the owner of a Chase-Lev deque does: a joiner its child.
 *
 *   R1  head <= tail, but for the time between the two stores of wf_runqtake.
 *   R2  A slot is written only while its counter is not in [head, tail); who has
 *       read a slot and then moves head over it by CAS has read what was pushed.
 *   R3  wf_runqtake lowers tail, then looks at head; a thief looks at head, then
 *       at tail. Both are sequentially consistent: of two who are after the last
 *       entry at least one sees the other, and then the CAS on head decides.
 *
 * t/model/runq.pml is the model. What does not fit goes to the global queue, half
 * a ring at a time.
 */
#include "sched/fast.h"

/* Global queues are guarded by wf_sched.lock; n is read without it as a hint. */
void wf_gqpush(struct gqueue *q, struct g *g)
{
	g->schedlink = NULL;
	if (q->tail)
		q->tail->schedlink = g;
	else
		q->head = g;
	q->tail = g;
	atomic_store_explicit(&q->n, q->n + 1, memory_order_relaxed);
}

struct g *wf_gqpop(struct gqueue *q)
{
	struct g *g = q->head;

	if (!g)
		return NULL;
	q->head = g->schedlink;
	if (!q->head)
		q->tail = NULL;
	g->schedlink = NULL;
	atomic_store_explicit(&q->n, q->n - 1, memory_order_relaxed);
	return g;
}

static void gqappend(struct gqueue *q, struct gqueue *more)
{
	if (!more->head)
		return;
	if (q->tail)
		q->tail->schedlink = more->head;
	else
		q->head = more->head;
	q->tail = more->tail;
	atomic_store_explicit(&q->n, q->n + more->n, memory_order_relaxed);
	*more = (struct gqueue){0};
}

void wf_globrunqput(struct g *g)
{
	wf_lock(&wf_sched.lock);
	wf_gqpush(&wf_sched.runq, g);
	wf_unlock(&wf_sched.lock);
}

void wf_globrunqputall(struct gqueue *more)
{
	wf_lock(&wf_sched.lock);
	gqappend(&wf_sched.runq, more);
	wf_unlock(&wf_sched.lock);
}

/* A task that used up whole slices: it waits behind all others. */
void wf_slowqput(struct g *g)
{
	wf_lock(&wf_sched.lock);
	wf_gqpush(&wf_sched.slowq, g);
	wf_unlock(&wf_sched.lock);
}

/* g may have lain there for long: what it needs as it goes on is fetched while it is queued. */
static void warm(const struct g *g)
{
	__builtin_prefetch((const char *)g->sched.sp, 1);
	__builtin_prefetch((const char *)g->sched.sp + CACHELINE, 1);
	__builtin_prefetch(&g->top);
}

/* A share of the global queue: the first is returned, others go to p's ring.
 * With wf_sched.lock held. */
struct g *wf_globrunqget(struct p *p, unsigned max)
{
	unsigned n = wf_sched.runq.n / wf_sched.nprocs + 1;
	uint32_t room = RUNQ_SIZE - wf_runqlen(p);
	struct g *first = wf_gqpop(&wf_sched.runq), *g;

	if (n > max)
		n = max;
	if (n > RUNQ_SIZE / 2)
		n = RUNQ_SIZE / 2;
	if (n > room)
		n = room;
	while (n-- > 1 && (g = wf_gqpop(&wf_sched.runq))) {
		warm(g);
		wf_runqput(p, g);
	}
	return first;
}

/* The ring is full: the older half and g go to the global queue, as the owner's
 * one CAS takes them off. False when a thief was faster: there is room again. */
static bool overflow(struct p *p, struct g *g, uint32_t head)
{
	struct gqueue batch = {0};
	struct g *taken[RUNQ_SIZE / 2];

	for (uint32_t i = 0; i < RUNQ_SIZE / 2; i++)
		taken[i] = atomic_load_explicit(&p->runq[(head + i) % RUNQ_SIZE],
						memory_order_relaxed);
	if (!atomic_compare_exchange_strong(&p->runqhead, &head, head + RUNQ_SIZE / 2))
		return false;
	for (uint32_t i = 0; i < RUNQ_SIZE / 2; i++)
		wf_gqpush(&batch, taken[i]);
	wf_gqpush(&batch, g);
	wf_lock(&wf_sched.lock);
	gqappend(&wf_sched.runq, &batch);
	wf_unlock(&wf_sched.lock);
	return true;
}

/* wf_runqput when the ring seemed to be full. */
void wf_runqputslow(struct p *p, struct g *g)
{
	uint32_t head = atomic_load_explicit(&p->runqhead, memory_order_acquire);

	if (wf_runqlen(p) < RUNQ_SIZE || !overflow(p, g, head))
		wf_runqput(p, g);
}

uint32_t wf_runqlen(struct p *p)
{
	int32_t n = (int32_t)(atomic_load(&p->runqtail) - atomic_load(&p->runqhead));

	return n < 0 ? 0 : (uint32_t)n;
}

bool wf_runqempty(struct p *p)
{
	return !wf_runqlen(p) && !atomic_load(&p->runnext);
}

/* Steal up to half of a victim's ring: the first is returned, the others go to
 * p's own. What is to run next there is stolen last, when nothing else is. */
struct g *wf_runqsteal(struct p *p, struct p *victim, bool last)
{
	uint32_t n = (wf_runqlen(victim) + 1) / 2;
	struct g *first = n ? wf_runqget(victim) : NULL, *g;

	if (!first && last) {
		g = atomic_load(&victim->runnext);
		if (g && atomic_compare_exchange_strong(&victim->runnext, &g, NULL))
			first = g;
	}
	if (!first)
		return NULL;
	wf_count(&p->stats.steals, 1);
	while (n-- > 1 && (g = wf_runqget(victim))) {
		wf_runqput(p, g);
		wf_count(&p->stats.steals, 1);
	}
	return first;
}

/* Once a pass, and at the latest every GLOBAL_TICK picks, the other queues have
 * their turn: the global one, one of the tasks that used up whole slices, and
 * the ring itself before what two tasks that wake each other keep in runnext. */
struct g *wf_pickturn(struct p *p)
{
	struct g *g = NULL;

	p->pass = GLOBAL_TICK;
	wf_timers_look(p);
	if (wf_unlikely(wf_sched.nstackwait && wf_stacksheld(p)))
		wf_stackshare(p);
	if (wf_sched.runq.n || wf_sched.slowq.n) {
		wf_lock(&wf_sched.lock);
		if (++p->schedtick % 2 == 0)
			g = wf_gqpop(&wf_sched.slowq);
		if (!g)
			g = wf_globrunqget(p, 1);
		if (!g)
			g = wf_gqpop(&wf_sched.slowq);
		if (wf_sched.slowq.n && wf_runqlen(p) < GLOBAL_TICK)
			p->pass = wf_runqlen(p) + 1;
		wf_unlock(&wf_sched.lock);
	}
	return g ? g : wf_runqget(p);
}

/* All of p's to the global queue; p is nobody's. With wf_sched.lock held. */
void wf_runqdrain(struct p *p)
{
	struct g *g = atomic_exchange(&p->runnext, NULL);

	if (g)
		wf_gqpush(&wf_sched.runq, g);
	while ((g = wf_runqget(p)))
		wf_gqpush(&wf_sched.runq, g);
}
