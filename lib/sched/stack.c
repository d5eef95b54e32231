/*
 * Stacks: power-of-two classes of them, cached where they are used.
 *
 * A free stack is warm (its pages are there, its record at its top, its loop
 * stopped in gstart.c, linked by the record) or cold (region.c). A P caches warm
 * stacks of the default size; the others are on their class's list here. It takes cold
 * ones a batch at a time, so that making them warm, which is the kernel's work and takes
 * long, is nobody else's concern. Stacks of an odd size or guard are mapped one by one
 * and go when they are put back.
 *
 * A fresh task for which there is no stack waits on wf_sched.stackq (oddq, if it wants
 * one of another size). As long as somebody does, stacks that are put back, and those
 * of a P that goes idle or has its turn, go to the lists here, and one of the waiters
 * tries again. Who is to wait has given back what is free first, and is woken at once
 * if something was put here meanwhile.
 */
#include <errno.h>

#include "sched/fast.h"
#include "sched/region.h"

enum { CLASS_MIN = 14, CLASS_MAX = 23, CLASSES = CLASS_MAX - CLASS_MIN + 1 };

/* open: the regions that have cold stacks; a full one is on no list. */
struct class
{
	_Atomic(struct gtop *) warm; /* read without the lock as a hint */
	struct region *open;
};

static struct stacks {
	struct lock lock; /* guards all below, and regions */
	struct class class[CLASSES];
	struct region *singles;
	_Atomic uint64_t n, bytes; /* of those that are not cold: changed without the lock */
	uint32_t colour;
} wf_stacks;

static unsigned class_of(size_t size)
{
	unsigned bits = CLASS_MIN;

	while (((size_t)1 << bits) < size)
		bits++;
	return bits - CLASS_MIN;
}

static size_t class_size(unsigned class)
{
	return (size_t)1 << (class + CLASS_MIN);
}

static void region_link(struct region **list, struct region *region)
{
	region->prev = NULL;
	region->link = *list;
	if (*list)
		(*list)->prev = region;
	*list = region;
}

static void region_unlink(struct region **list, struct region *region)
{
	if (region->prev)
		region->prev->link = region->link;
	else
		*list = region->link;
	if (region->link)
		region->link->prev = region->prev;
}

/* A cold stack that is the caller's becomes warm. */
static struct gtop *heat(struct region *region, uint32_t index)
{
	struct gtop *top = wf_region_heat(region, index);

	atomic_fetch_add_explicit(&wf_stacks.n, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&wf_stacks.bytes, region->stride, memory_order_relaxed);
	top->stack.lo = top->stk.lo;
	top->stack.hi = top->stk.hi;
	top->common =
		!region->single && region->size == class_size(class_of(wf_settings.stacksize));
	wf_hooks_stack(&top->stk);
	wf_ctx_init(&top->idle, top->stk.lo, top->stk.hi, wf_gstart);
	return top;
}

/* All with the lock held. */

static struct class *class_for(const struct region *region)
{
	return &wf_stacks.class[class_of(region->size)];
}

/* A region that had no cold stacks has some. */
static void reopen(struct region *region)
{
	region_link(&class_for(region)->open, region);
}

static void cool(struct gtop *top)
{
	struct region *region = top->region;
	bool full = !wf_region_has(region);

	atomic_fetch_sub_explicit(&wf_stacks.n, 1, memory_order_relaxed);
	atomic_fetch_sub_explicit(&wf_stacks.bytes, region->stride, memory_order_relaxed);
	wf_hooks_unstack(&top->stk);
	wf_region_cool(top);
	if (full && !region->single)
		reopen(region);
}

static struct gtop *warm_get(struct class *c)
{
	struct gtop *top = c->warm;

	if (top)
		c->warm = top->link;
	return top;
}

/* A region with cold stacks, that some are about to be taken of. */
static struct region *open_region(struct class *c)
{
	struct region *region = c->open;

	if (region)
		return region;
	region = wf_region_new(class_size((unsigned)(c - wf_stacks.class)), wf_settings.guardsize,
			       false);
	if (!region)
		return NULL;
	region->colour = wf_stacks.colour += 7;
	region_link(&c->open, region);
	return region;
}

/* They were. */
static void taken_from(struct class *c, struct region *region)
{
	if (!wf_region_has(region))
		region_unlink(&c->open, region);
}

static struct gtop *class_get(struct class *c)
{
	struct gtop *top = warm_get(c);
	struct region *region = top ? NULL : open_region(c);
	uint32_t index;

	if (!region)
		return top;
	index = wf_region_take(region);
	taken_from(c, region);
	return heat(region, index);
}

/* Cold ones for a P; whether they need guards. */
static bool class_reserve(struct class *c, struct coldstacks *cold)
{
	struct region *region = open_region(c);
	bool fresh;

	if (!region)
		return false;
	fresh = wf_region_reserve(region, cold);
	taken_from(c, region);
	return fresh;
}

static struct gtop *single_get(size_t size, size_t guard)
{
	struct region *region = wf_region_new(size, guard, true);

	if (!region)
		return NULL;
	region_link(&wf_stacks.singles, region);
	return heat(region, wf_region_take(region));
}

static struct gtop *shared_get(size_t size, size_t guard)
{
	struct gtop *top;

	wf_lock(&wf_stacks.lock);
	if (size > class_size(CLASSES - 1) || guard != wf_settings.guardsize)
		top = single_get(size, guard);
	else
		top = class_get(&wf_stacks.class[class_of(size)]);
	wf_unlock(&wf_stacks.lock);
	return top;
}

struct gtop *wf_stackget(size_t size, size_t guard)
{
	if (!size)
		return shared_get(wf_settings.stacksize, wf_settings.guardsize);
	return shared_get(size, guard);
}

/* A warm one if there is any; else p takes cold ones of its own, of which it guards and
 * touches each without the lock: that is the kernel's work. */
struct gtop *wf_stackfresh(struct p *p)
{
	size_t size = wf_settings.stacksize;
	struct class *c = &wf_stacks.class[class_of(size)];
	struct coldstacks *cold = &p->cold;
	struct gtop *top = NULL;
	bool fresh = false;

	if (size > class_size(CLASSES - 1))
		return wf_stackget(0, 0);
	/* relaxed: a hint */
	if (!cold->n || atomic_load_explicit(&c->warm, memory_order_relaxed)) {
		wf_lock(&wf_stacks.lock);
		top = warm_get(c);
		if (!top && !cold->n)
			fresh = class_reserve(c, cold);
		wf_unlock(&wf_stacks.lock);
	}
	if (fresh)
		wf_region_guard(cold);
	if (top || !cold->n)
		return top;
	cold->n--;
	return heat(cold->region, cold->index[cold->n]);
}

/* With the lock held. */
static void shared_put(struct gtop *top)
{
	struct region *region = top->region;
	struct class *c;

	if (region->single) {
		cool(top);
		region_unlink(&wf_stacks.singles, region);
		wf_region_free(region);
		return;
	}
	c = &wf_stacks.class[class_of(region->size)];
	top->link = c->warm;
	c->warm = top;
}

/* One who waits for a stack may try again. With wf_sched.lock held. */
void wf_stackwake(void)
{
	struct g *g = wf_gqpop(&wf_sched.stackq);

	if (!g)
		g = wf_gqpop(&wf_sched.oddq);
	if (!g)
		return;
	wf_sched.nstackwait--;
	wf_gqpush(&wf_sched.runq, g);
}

static void wake_waiter(void)
{
	wf_lock(&wf_sched.lock);
	wf_stackwake();
	wf_unlock(&wf_sched.lock);
	wf_wake();
}

static void flush(struct p *p, unsigned keep)
{
	wf_lock(&wf_stacks.lock);
	while (p->nstacks > keep) {
		struct gtop *top = p->stacks;

		p->stacks = top->link;
		p->nstacks--;
		shared_put(top);
	}
	wf_unlock(&wf_stacks.lock);
}

/* With the lock held. */
static void cold_giveback(struct coldstacks *cold)
{
	struct region *region = cold->region;
	bool full = cold->n && !wf_region_has(region);

	wf_region_giveback(cold);
	if (full)
		reopen(region);
}

void wf_stackflush(struct p *p)
{
	flush(p, 0);
	wf_lock(&wf_stacks.lock);
	cold_giveback(&p->cold);
	wf_unlock(&wf_stacks.lock);
}

void wf_stackshare(struct p *p)
{
	wf_stackflush(p);
	wake_waiter();
}

/* wf_stackput of one that is no P's to cache, or when its cache is full, or when
 * somebody waits for a stack. */
void wf_stackputslow(struct p *p, struct gtop *top)
{
	if (top->common) {
		top->link = p->stacks;
		p->stacks = top;
		if (++p->nstacks > STACK_CACHE_MAX)
			flush(p, STACK_CACHE_MAX / 2);
	} else {
		wf_lock(&wf_stacks.lock);
		shared_put(top);
		wf_unlock(&wf_stacks.lock);
	}
	if (wf_sched.nstackwait)
		wf_stackshare(p);
}

/* With the lock held: whether a free stack is here, of whatever size. */
static bool any_warm(void)
{
	for (unsigned i = 0; i < CLASSES; i++)
		if (wf_stacks.class[i].warm)
			return true;
	return false;
}

/* There was no stack for g, which is fresh and in nobody's hands but the caller's. */
void wf_stackwait(struct g *g)
{
	bool again = false;

	wf_lock(&wf_sched.lock);
	wf_gqpush(g->flags & GF_ATTR ? &wf_sched.oddq : &wf_sched.stackq, g);
	wf_sched.nstackwait++;
	for (struct p *p = wf_sched.pidle; p; p = p->link) {
		again |= wf_stacksheld(p);
		wf_stackflush(p);
	}
	wf_unlock(&wf_sched.lock);
	wf_lock(&wf_stacks.lock);
	again |= any_warm();
	if (!wf_stacks.n)
		wf_throw("no memory for the stack of any task");
	wf_unlock(&wf_stacks.lock);
	if (again)
		wake_waiter();
}

static void trim_class(struct class *c)
{
	struct region *region, *next;

	while (c->warm) {
		struct gtop *top = c->warm;

		c->warm = top->link;
		cool(top);
	}
	for (region = c->open; region; region = next) {
		next = region->link;
		if (wf_region_unused(region)) {
			region_unlink(&c->open, region);
			wf_region_free(region);
		}
	}
}

/* Give back the pages of all free stacks here, and reservations that are all free. */
void wf_stacktrim(void)
{
	wf_lock(&wf_stacks.lock);
	for (unsigned i = 0; i < CLASSES; i++)
		trim_class(&wf_stacks.class[i]);
	wf_unlock(&wf_stacks.lock);
}

void wf_stackuse(uint64_t *stacks, uint64_t *bytes)
{
	*stacks = atomic_load_explicit(&wf_stacks.n, memory_order_relaxed);
	*bytes = atomic_load_explicit(&wf_stacks.bytes, memory_order_relaxed);
}

/* The runtime is down and no task lives: every stack is free. */
void wf_stackreset(void)
{
	wf_stacktrim();
	wf_stacks = (struct stacks){0};
}

/* In a forked child: what stacks there were stay where they are. */
void wf_stackforget(void)
{
	wf_stacks = (struct stacks){0};
}
