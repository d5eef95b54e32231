/*
 * Stacks: power-of-two classes of them, cached where they are used.
 *
 * A free stack is warm (its pages are there, its record at its top, its loop
 * stopped in gstart.c, linked by the record) or cold (region.c). A P caches warm
 * stacks of the default size; the others are on their class's list here. Stacks
 * of an odd size or guard are mapped one by one and go when they are put back.
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
	struct gtop *warm;
	struct region *open;
};

static struct stacks {
	struct lock lock; /* guards all below, and regions */
	struct class class[CLASSES];
	struct region *singles;
	uint64_t n, bytes;
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

/* A stack that nobody has been on since it was cold. */
static struct gtop *heat(struct region *region)
{
	struct gtop *top = wf_region_take(region);

	wf_stacks.n++;
	wf_stacks.bytes += region->stride;
	top->stack.lo = top->stk.lo;
	top->stack.hi = top->stk.hi;
	top->common =
		!region->single && region->size == class_size(class_of(wf_settings.stacksize));
	wf_hooks_stack(&top->stk);
	wf_ctx_init(&top->idle, top->stk.lo, top->stk.hi, wf_gstart);
	return top;
}

static void cool(struct gtop *top)
{
	struct region *region = top->region;
	bool full = !wf_region_has(region);

	wf_stacks.n--;
	wf_stacks.bytes -= region->stride;
	wf_hooks_unstack(&top->stk);
	wf_region_cool(top);
	if (full && !region->single)
		region_link(&wf_stacks.class[class_of(region->size)].open, region);
}

/* With the lock held. */
static struct gtop *class_get(unsigned class)
{
	struct class *c = &wf_stacks.class[class];
	struct gtop *top = c->warm;
	struct region *region = c->open;

	if (top) {
		c->warm = top->link;
		return top;
	}
	if (!region) {
		region = wf_region_new(class_size(class), wf_settings.guardsize, false);
		if (!region)
			return NULL;
		region->colour = wf_stacks.colour += 7;
		region_link(&c->open, region);
	}
	top = heat(region);
	if (!wf_region_has(region))
		region_unlink(&c->open, region);
	return top;
}

static struct gtop *single_get(size_t size, size_t guard)
{
	struct region *region = wf_region_new(size, guard, true);

	if (!region)
		return NULL;
	region_link(&wf_stacks.singles, region);
	return heat(region);
}

static struct gtop *shared_get(size_t size, size_t guard)
{
	struct gtop *top;

	wf_lock(&wf_stacks.lock);
	if (size > class_size(CLASSES - 1) || guard != wf_settings.guardsize)
		top = single_get(size, guard);
	else
		top = class_get(class_of(size));
	wf_unlock(&wf_stacks.lock);
	return top;
}

struct gtop *wf_stackget(size_t size, size_t guard)
{
	if (!size)
		return shared_get(wf_settings.stacksize, wf_settings.guardsize);
	return shared_get(size, guard);
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

void wf_stackflush(struct p *p)
{
	flush(p, 0);
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
	bool again;

	wf_lock(&wf_sched.lock);
	wf_gqpush(g->flags & GF_ATTR ? &wf_sched.oddq : &wf_sched.stackq, g);
	wf_sched.nstackwait++;
	for (struct p *p = wf_sched.pidle; p; p = p->link)
		wf_stackflush(p);
	wf_unlock(&wf_sched.lock);
	wf_lock(&wf_stacks.lock);
	again = any_warm();
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
	wf_lock(&wf_stacks.lock);
	*stacks = wf_stacks.n;
	*bytes = wf_stacks.bytes;
	wf_unlock(&wf_stacks.lock);
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
