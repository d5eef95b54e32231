/*
 * Foreign threads: those that Weft did not start.
 *
 * Such a thread has a stand-in, the G in its M's record, from its first call that
 * needs one until it ends; it waits in the kernel where a task parks, on the same
 * objects. Its handle is of another G, from the chunks like every handle's; that
 * one goes with the runtime, the stand-in with the thread.
 */
#include <string.h>

#include <weft/task.h>

#include "sched/fast.h"

static pthread_once_t wf_foreign_once = PTHREAD_ONCE_INIT;
static pthread_key_t wf_foreign_key;

/* The calling thread was an M's and ends: weft_shutdown joins it before it frees anything. */
static __thread bool wf_was_m;

void wf_foreign_ending(void)
{
	wf_was_m = true;
}

/* inside is looked at by handlers on this thread, and by go_down, which has said that the
 * runtime goes down and passed a heavy barrier before: the light one pairs with that. */
static inline void set_inside(struct m *m, uint32_t inside)
{
	/* release: what was done inside is seen by who goes on to shut down */
	atomic_store_explicit(&m->inside, inside, memory_order_release);
	if (wf_unlikely(wf_fullfence))
		atomic_thread_fence(memory_order_seq_cst);
	else
		wf_light_barrier();
}

/* Come inside. Either weft_shutdown sees that, or the caller sees that the runtime goes down
 * and waits for it: what is the runtime's does not go from under who is inside. */
static void come_in(struct m *m)
{
	for (;;) {
		set_inside(m, 1);
		if (__builtin_expect(!wf_going_down(), 1) || wf_was_m)
			return;
		wf_foreign_leave(m);
		wf_await_down();
	}
}

/* The thread ends: its handle is good no more, what it cached goes back. */
static void thread_gone(void *arg)
{
	struct m *m = arg, **at;
	sigset_t before;

	wf_keys_destroy(&m->top.keys);
	wf_signals_hold(&before); /* for good: D4 (post.c) */
	come_in(m);
	wf_setg(NULL);
	if (m->proxy && m->proxydowns == wf_sched.downs)
		wf_lifeend(m, m->proxy, wf_lifelock(m->proxy));
	wf_lock(&wf_sched.lock);
	wf_gflush(&m->gfree);
	for (at = &wf_sched.allm; *at; at = &(*at)->alllink)
		if (*at == m) {
			*at = m->alllink;
			break;
		}
	wf_unlock(&wf_sched.lock);
	wf_unmap(m, sizeof *m);
}

/* In a forked child, also when the runtime was never up: who waited in the parent is
 * not there (lib/sync/sync.h). */
static void in_child(void)
{
	wf_sched.forks++;
}

static void make_key(void)
{
	pthread_key_create(&wf_foreign_key, thread_gone);
	pthread_atfork(NULL, NULL, in_child);
}

/* g stands for the calling thread from now on. */
static void stand_in(struct m *m, struct g *g)
{
	g->m = m;
	g->flags |= GF_FOREIGN | GF_STARTED;
	atomic_store_explicit(&g->status, G_RUNNING, memory_order_relaxed);
	wf_setg(g);
	pthread_setspecific(wf_foreign_key, m);
}

void wf_foreign_prepare(void)
{
	pthread_once(&wf_foreign_once, make_key);
}

static struct m *record(void)
{
	sigset_t before;
	struct m *m;

	wf_osinit();
	wf_foreign_prepare();
	wf_signals_hold(&before); /* D4 (post.c) */
	m = wf_mnew(true);
	if (m) {
		stand_in(m, m->g0);
		wf_unsolo();
	}
	wf_signals_release(&before);
	return m;
}

struct m *wf_foreign_enter(void)
{
	struct g *g = wf_getg();
	struct m *m;

	if (wf_forked())
		wf_forget(g);
	m = g ? g->m : record();
	if (m)
		come_in(m);
	return m;
}

/* wf_enter_any where wf_enter_plain would not do. */
struct m *wf_enter_any_slow(struct g *g)
{
	struct m *m;

	if (wf_likely(g && g->flags & GF_FOREIGN)) {
		set_inside(g->m, 1);
		if (wf_likely(wf_up())) /* neither going down, nor left behind by a fork */
			return g->m;
	}
	m = g ? wf_enter_slow(g) : NULL;
	return m ? m : wf_foreign_enter();
}

void wf_foreign_leave(struct m *m)
{
	set_inside(m, 0);
	while (wf_unlikely(atomic_load_explicit(&m->attn, memory_order_relaxed) & ATTN_POSTED)) {
		set_inside(m, 1);
		wf_post_flush(m);
		set_inside(m, 0);
	}
}

static void set_resting(struct m *m, bool resting)
{
	wf_lock(&wf_sched.lock);
	m->resting = resting;
	wf_unlock(&wf_sched.lock);
}

void wf_foreign_rest(struct g *g)
{
	sigset_t before;

	wf_signals_hold(&before); /* D4 (post.c) */
	if (g)
		set_resting(g->m, true);
	wf_signals_release(&before);
}

void wf_foreign_goon(struct g *g)
{
	sigset_t before;

	wf_signals_hold(&before); /* D4 (post.c) */
	wf_setg(g);
	wf_setm(NULL);
	if (g) {
		set_resting(g->m, false);
		wf_unsolo();
	}
	wf_signals_release(&before);
}

/* A task's thread in a forked child: the task goes on as a foreign thread's
 * stand-in, on its own stack. */
void wf_foreign_adopt(struct m *m, struct g *g)
{
	wf_foreign_prepare();
	stand_in(m, g);
	wf_setm(NULL);
	atomic_fetch_or(&g->life, LIFE_FOREIGN);
	m->proxy = g;
	m->proxydowns = wf_sched.downs;
}

/* Whether the time came before anybody woke g, whose status may be claimed by both. */
static bool timed_out(struct m *m, struct g *g, int64_t until)
{
	if (wf_msleep(m, until))
		return false;
	if (wf_claim(g, G_WAITINGT))
		return true;
	wf_msleep(m, WF_FOREVER); /* its waker was faster */
	return false;
}

void wf_foreign_park(struct m *m, wf_commitf *commit, void *arg, int64_t until)
{
	struct g *g = wf_getg();

	wf_noteclear(&m->park);
	g->flags &= (uint16_t) ~(GF_CANCELLABLE | GF_TIMEDOUT); /* a waker may still come first */
	if (!commit(g, arg))
		return;
	if (until == WF_FOREVER)
		wf_msleep(m, WF_FOREVER);
	else if (timed_out(m, g, until))
		g->flags |= GF_TIMEDOUT;
	wf_setstatus(g, G_RUNNABLE, G_RUNNING);
}

/* A handle for the calling thread; 0 without memory. */
unsigned long wf_foreign_self(void)
{
	struct m *m = wf_foreign_enter();
	unsigned long self;
	struct g *g;

	if (!m)
		return 0;
	if (!m->proxy || m->proxydowns != wf_sched.downs) {
		g = wf_gget(&m->gfree);
		if (g) {
			g->flags = GF_FOREIGN | GF_EXPOSED;
			g->m = m;
			g->joiner = NULL;
			wf_lifeunlock(g, wf_lifelock(g) | LIFE_FOREIGN);
		}
		m->proxy = g;
		m->proxydowns = wf_sched.downs;
	}
	self = m->proxy ? wf_handle(m->proxy) : 0; /* inside: its chunk goes with the runtime */
	wf_foreign_leave(m);
	return self;
}
