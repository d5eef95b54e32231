/*
 * Making tasks, and their handles.
 *
 * A new task is a G with a function in the queue of the P that made it: no
 * stack, no system call, one locked instruction. From a foreign thread it goes to
 * the global queue.
 */
#include <errno.h>
#include <string.h>

#include "sched/attr.h"
#include "sched/fast.h"

/* A G for fn(arg), made at pc; in nobody's hands but the caller's. */
static inline struct g *make(struct gcache *cache, uintptr_t fn, void *arg, uint16_t flags,
			     uintptr_t pc)
{
	struct g *g = wf_gget(cache);

	if (!g)
		return NULL;
	g->sched.pc = fn;
	g->sched.ctxt = (uintptr_t)arg;
	g->sched.lr = pc;
	g->flags = flags;
	return g;
}

/* The handle of a G that is not queued yet: from here on it is good. */
static inline weft_t give_handle(struct g *g)
{
	g->joiner = NULL;
	return wf_handle(g);
}

/* Queue a new G on the caller's P. */
static inline void submit(struct p *p, struct g *g)
{
	wf_setstatus(g, G_DEAD, G_RUNNABLE);
	wf_count(&p->stats.created, 1);
	wf_runqput(p, g);
	wf_wakefor(p);
}

/* With the lock: who has a handle of an earlier life may hold it for a moment. */
static void add_life(struct g *g, uint64_t bits)
{
	wf_lifeunlock(g, wf_lifelock(g) | bits);
}

static void submit_foreign(struct g *g)
{
	wf_setstatus(g, G_DEAD, G_RUNNABLE);
	/* relaxed: counters */
	atomic_fetch_add_explicit(&wf_sched.created, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&wf_sched.injected, 1, memory_order_relaxed);
	wf_globrunqput(g);
	wf_wake();
}

/* What attributes ask for. On failure g goes back. */
static int apply(struct m *m, struct g *g, const uint64_t *word)
{
	bool fpenv = word[ATTR_FLAGS] & ATTR_FPENV;
	int error = 0;

	if (word[ATTR_STACK] || word[ATTR_GUARD] || fpenv) {
		struct gattr *own = wf_alloc(sizeof *own);

		if (!own) {
			wf_gput(wf_gcache(m), g);
			return ENOMEM;
		}
		own->stacksize = word[ATTR_STACK] ? word[ATTR_STACK] : wf_settings.stacksize;
		own->guardsize = word[ATTR_GUARD] ? word[ATTR_GUARD] - 1 : wf_settings.guardsize;
		own->fpenv = fpenv;
		if (fpenv)
			wf_fpenv_save(&own->env);
		g->top = (struct gtop *)own;
		g->flags |= GF_ATTR;
	}
	if (*(const char *)&word[ATTR_NAME])
		error = wf_name_set(g, (const char *)&word[ATTR_NAME]);
	if (error) {
		if (g->flags & GF_ATTR)
			wf_free(g->top, sizeof(struct gattr));
		wf_gput(wf_gcache(m), g);
		return error;
	}
	if (word[ATTR_FLAGS] & ATTR_LEAVING)
		atomic_store_explicit(&g->cancel, g->cancel | GC_LEAVING, memory_order_relaxed);
	if (word[ATTR_FLAGS] & ATTR_DETACHED)
		add_life(g, LIFE_DETACHED);
	return 0;
}

static int create(struct m *m, weft_t *task, const weft_attr_t *attr, uintptr_t fn, void *arg,
		  uintptr_t pc, struct g **made)
{
	struct g *g = make(wf_gcache(m), fn, arg, GF_EXPOSED, pc);
	int error;

	if (!g)
		return ENOMEM;
	if (attr && (error = apply(m, g, attr->opaque)))
		return error;
	*task = give_handle(g);
	*made = g;
	return 0;
}

static int create_foreign(weft_t *task, const weft_attr_t *attr, uintptr_t fn, void *arg,
			  uintptr_t pc)
{
	struct m *m = wf_foreign_enter();
	struct g *g;
	int error = m ? wf_boot() : ENOMEM;

	if (!error)
		error = create(m, task, attr, fn, arg, pc, &g);
	if (!error)
		submit_foreign(g);
	if (m)
		wf_foreign_leave(m);
	return error;
}

/* weft_create and weft_go when anything is special: attributes, a foreign thread,
 * an empty cache. */
static __attribute__((noinline)) int create_slow(weft_t *task, const weft_attr_t *attr,
						 void *(*fn)(void *), void *arg, uintptr_t pc)
{
	struct m *m;
	struct g *g;
	int error;

	if (!task || !fn || (attr && !wf_attr_valid(attr)))
		return EINVAL;
	m = wf_enter();
	if (!m)
		return create_foreign(task, attr, (uintptr_t)fn, arg, pc);
	error = create(m, task, attr, (uintptr_t)fn, arg, pc, &g);
	if (!error)
		submit(wf_p(m), g);
	wf_leave(m);
	return error;
}

static int go_foreign(uintptr_t fn, void *arg, uintptr_t pc)
{
	struct m *m = wf_foreign_enter();
	int error = m ? wf_boot() : ENOMEM;
	struct g *g = error ? NULL : make(wf_gcache(m), fn, arg, GF_VOID, pc);

	if (g)
		submit_foreign(g);
	if (m)
		wf_foreign_leave(m);
	return error ? error : g ? 0 : ENOMEM;
}

static __attribute__((noinline)) int go_slow(void (*fn)(void *), void *arg, uintptr_t pc)
{
	struct m *m;
	struct g *g;

	if (!fn)
		return EINVAL;
	m = wf_enter();
	if (!m)
		return go_foreign((uintptr_t)fn, arg, pc);
	g = make(wf_gcache(m), (uintptr_t)fn, arg, GF_VOID, pc);
	if (g)
		submit(wf_p(m), g);
	wf_leave(m);
	return g ? 0 : ENOMEM;
}

/* What is rare at the end of making a task is called last: then the rest needs no frame. */

static __attribute__((noinline)) int overflow_and_leave(struct m *m, struct g *g)
{
	wf_runqputslow(wf_p(m), g);
	wf_wake();
	return wf_leave_ok(m);
}

static __attribute__((noinline)) int wake_and_leave(struct m *m)
{
	wf_wakep();
	return wf_leave_ok(m);
}

/* submit, leave, and 0. */
__attribute__((always_inline)) static inline int submit_and_leave(struct m *m, struct p *p,
								  struct g *g)
{
	bool alone = p->alone;

	wf_setstatus(g, G_DEAD, G_RUNNABLE);
	wf_count(&p->stats.created, 1);
	if (wf_unlikely(!wf_runqpush(p, g, alone)))
		return overflow_and_leave(m, g);
	if (!alone && wf_unlikely(wf_wakewanted()))
		return wake_and_leave(m);
	return wf_leave_ok(m);
}

int weft_create(weft_t *task, const weft_attr_t *attr, void *(*fn)(void *), void *arg)
{
	uintptr_t pc = (uintptr_t)__builtin_return_address(0);
	struct m *m = wf_getm();
	struct p *p;
	struct g *g;

	if (wf_unlikely(!task || !fn || attr || !m))
		return create_slow(task, attr, fn, arg, pc);
	p = wf_enter_plain(m);
	if (wf_unlikely(!p || !p->gfree.list))
		return create_slow(task, attr, fn, arg, pc);
	g = make(&p->gfree, (uintptr_t)fn, arg, GF_EXPOSED, pc);
	*task = give_handle(g);
	return submit_and_leave(m, p, g);
}

int weft_go(void (*fn)(void *), void *arg)
{
	uintptr_t pc = (uintptr_t)__builtin_return_address(0);
	struct m *m = wf_getm();
	struct p *p;

	if (wf_unlikely(!fn || !m))
		return go_slow(fn, arg, pc);
	p = wf_enter_plain(m);
	if (wf_unlikely(!p || !p->gfree.list))
		return go_slow(fn, arg, pc);
	return submit_and_leave(m, p, make(&p->gfree, (uintptr_t)fn, arg, GF_VOID, pc));
}

int wf_spawn(struct m *m, void (*fn)(void *), void *arg)
{
	struct g *g = make(wf_gcache(m), (uintptr_t)fn, arg, GF_VOID, 0);

	if (g)
		submit(wf_p(m), g);
	return g ? 0 : ENOMEM;
}

int wf_go(struct m *m, const uint64_t *attr, void (*fn)(void *), void *arg)
{
	struct g *g = make(wf_gcache(m), (uintptr_t)fn, arg, GF_VOID | (attr ? GF_EXPOSED : 0),
			   (uintptr_t)__builtin_return_address(0));
	int error = g ? 0 : ENOMEM;

	if (g && attr)
		error = apply(m, g, attr);
	if (error)
		return error;
	if (attr)
		give_handle(g);
	if (wf_p(m))
		submit(wf_p(m), g);
	else
		submit_foreign(g);
	return 0;
}

/* A program's main: queued by booting, on m0's P, or by whoever starts again. */
int wf_newproc(struct m *m, void (*fn)(void *), void *arg, size_t stacksize)
{
	struct g *g = make(wf_gcache(m), (uintptr_t)fn, arg, GF_VOID, 0);
	struct gattr *attr = wf_alloc(sizeof *attr);

	if (!g || !attr) {
		if (g)
			wf_gput(wf_gcache(m), g);
		wf_free(attr, sizeof *attr);
		return ENOMEM;
	}
	attr->stacksize = stacksize;
	attr->guardsize = wf_settings.guardsize;
	g->top = (struct gtop *)attr;
	g->flags |= GF_ATTR | GF_MAIN;
	if (!wf_p(m)) {
		submit_foreign(g);
		return 0;
	}
	wf_setstatus(g, G_DEAD, G_RUNNABLE);
	wf_count(&wf_p(m)->stats.created, 1);
	wf_runqput(wf_p(m), g); /* wakes nobody: m0 is about to run it */
	return 0;
}

/* From here on the caller's handle is good. */
static void expose(struct g *g)
{
	uint64_t life;

	if (g->flags & GF_EXPOSED)
		return;
	g->flags |= GF_EXPOSED;
	life = wf_lifelock(g);
	g->joiner = NULL;
	/* made by weft_go: nobody joins it */
	wf_lifeunlock(g, g->flags & GF_MAIN ? life : life | LIFE_DETACHED);
}

weft_t weft_self(void)
{
	struct g *g = wf_getg();

	if (!g || wf_forked() || g == &g->m->gstore)
		return wf_foreign_self();
	expose(g);
	g->top->state.told = true;
	return wf_handle(g);
}

/* Exposed, so that the end of its life clears the cancel word. */
void wf_leaving(struct g *g)
{
	expose(g);
	/* release: pairs with wf_anyliving's acquire, which sees then what the task has made */
	atomic_fetch_or_explicit(&g->cancel, GC_LEAVING, memory_order_release);
}

int weft_equal(weft_t a, weft_t b)
{
	return a == b;
}

/* Indexes start at 1 in their first generation, and so do these. */
uint64_t weft_id(weft_t task)
{
	struct m *m = wf_enter_any();
	struct g *g;
	uint64_t life, id = 0;

	if (!m)
		return 0;
	if (wf_lifelock_begun(task, &g, &life)) {
		wf_lifeunlock(g, life);
		id = (wf_generation(task) - 1) << INDEX_BITS | wf_index(task);
	}
	wf_leave_any(m);
	return id;
}
