/*
 * The way out: weft_shutdown, which ends all threads and gives all memory back; and what a
 * forked child does, for whose process all that was never there.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "boot/boot.h"
#include "sched/retake.h"

static void free_ps(void)
{
	for (unsigned i = 0; i < wf_sched.nps; i++)
		wf_stackflush(wf_allp[i]);
	wf_stackreset();
	wf_names_reset();
	for (unsigned i = 0; i < wf_sched.nps; i++) {
		wf_unmap(wf_allp[i], (sizeof(struct p) + PAGE - 1) & ~(size_t)(PAGE - 1));
		wf_allp[i] = NULL;
	}
}

/* What foreign threads still have is their stand-ins. */
static struct m *free_ms(void)
{
	struct m *m, *next, *foreign = NULL;

	for (m = wf_sched.allm; m; m = next) {
		next = m->alllink;
		if (!m->foreign) {
			wf_unmap(m, sizeof *m);
			continue;
		}
		m->gfree = (struct gcache){0};
		m->alllink = foreign;
		foreign = m;
	}
	return foreign;
}

/* The lock, which other foreign threads take to make their stand-ins, stays as it is. */
void wf_free_all(void)
{
	uint64_t downs = wf_sched.downs + 1, forks = wf_sched.forks;
	sigset_t before;
	struct m *foreign;

	wf_signals_hold(&before); /* D4 (post.c) */
	wf_lock(&wf_sched.lock);
	free_ps();
	foreign = free_ms();
	wf_greset();
	memset((char *)&wf_sched + sizeof wf_sched.lock, 0, sizeof wf_sched - sizeof wf_sched.lock);
	wf_sched.allm = foreign;
	wf_sched.downs = downs;
	wf_sched.forks = forks;
	wf_unlock(&wf_sched.lock);
	wf_signals_release(&before);
}

/* --- weft_shutdown ---------------------------------------------------------------------- */

/* All with wf_sched.lock held. */

static uint64_t created(void)
{
	uint64_t n = wf_sched.created;

	for (unsigned i = 0; i < wf_sched.nps; i++)
		n += wf_allp[i]->stats.created;
	return n;
}

/* How many tasks have not ended, nobody making any. */
static uint64_t living(void)
{
	uint64_t finished = wf_sched.finished;

	for (unsigned i = 0; i < wf_sched.nps; i++)
		finished += wf_finished(wf_allp[i]);
	return created() - finished;
}

/* Whether a timer is armed, or fires. One that fires is counted as firing before it is as
 * armed no more. */
static bool timing(void)
{
	for (unsigned i = 0; i < wf_sched.nps; i++)
		if (wf_allp[i]->timers.n)
			return true;
	return wf_sched.firing;
}

static bool others_inside(const struct m *mine)
{
	for (struct m *m = wf_sched.allm; m; m = m->alllink)
		/* acquire: pairs with set_inside's release (foreign.c) */
		if (m->foreign && m != mine &&
		    atomic_load_explicit(&m->inside, memory_order_acquire))
			return true;
	return false;
}

/*
 * Whether anything of the program's is in there. It can't be seen all at once, so it is
 * looked at in an order: foreign threads first, of whom none comes in any more. Then the
 * tasks: one is seen to live unless it ended before its turn came, and what it left behind
 * is seen later: pools and timers are looked at then, and if a task was made since the
 * beginning there was somebody who made it. A timer that fires makes a task.
 */
static bool busy(const struct m *mine)
{
	uint64_t before;

	if (others_inside(mine))
		return true;
	before = created();
	return wf_anyliving() || wf_sched.objects || timing() || created() != before;
}

/* Nobody is busy: until the last task has ended. */
static void await_leaving(void)
{
	while (living()) {
		wf_unlock(&wf_sched.lock);
		sched_yield();
		wf_lock(&wf_sched.lock);
	}
}

/* An M whose thread has to be joined; NULL when all are. */
static struct m *unjoined(void)
{
	struct m *m;

	wf_lock(&wf_sched.lock);
	for (m = wf_sched.allm; m; m = m->alllink)
		if (!m->foreign && !m->ended)
			break;
	wf_unlock(&wf_sched.lock);
	return m;
}

static void end_threads(void)
{
	struct m *m;

	while ((m = unjoined())) {
		if (!m->thread) { /* it is on its way, or was refused */
			sched_yield();
			continue;
		}
		pthread_join(m->thread, NULL);
		m->ended = true;
	}
	if (wf_runtime.m0taken)
		pthread_join(wf_runtime.lazy, NULL);
}

static int go_down(const struct m *mine)
{
	struct m *m;

	/* who comes now waits for wf_runtime.lock; who came before is seen inside */
	atomic_store(&wf_alive.up, 0);
	wf_heavy_barrier();
	wf_lock(&wf_sched.lock);
	if (busy(mine)) {
		atomic_store(&wf_alive.up, 1);
		wf_unlock(&wf_sched.lock);
		return EBUSY;
	}
	await_leaving();
	atomic_store(&wf_sched.dying, 1);
	while ((m = wf_mget()))
		wf_notewakeup(&m->park);
	wf_unlock(&wf_sched.lock);
	wf_sysmon_stop();
	end_threads();
	wf_runtime.up = false;
	wf_runtime.m0taken = false;
	atomic_store(&wf_alive.here, 0);
	wf_free_all();
	wf_memreset();
	wf_unsettle();
	return 0;
}

int weft_shutdown(void)
{
	struct m *m = wf_enter();
	struct g *g;
	sigset_t before;
	int error = 0;

	if (m) {
		wf_leave(m);
		return EDEADLK;
	}
	if (wf_forked())
		wf_forget(wf_getg());
	wf_lock(&wf_runtime.lock);
	wf_signals_hold(&before); /* D4 (post.c) */
	g = wf_getg();
	if (wf_runtime.up)
		error = wf_runtime.m0taken && wf_way != WAY_LAZY ? EBUSY : go_down(g ? g->m : NULL);
	wf_signals_release(&before);
	wf_unlock(&wf_runtime.lock);
	return error;
}

/* --- in a forked child ---------------------------------------------------------------- */

/*
 * The threads of before are gone; what they held is held for ever. So nothing of
 * theirs is touched: every structure starts empty, their memory stays as it is.
 */
static void forget(struct g *g)
{
	bool task = g && !(g->flags & GF_FOREIGN);
	struct m *m = g && !task ? g->m : NULL;
	uint64_t downs = wf_sched.downs, forks = wf_sched.forks + 1;

	if (m && m->proxydowns != downs)
		m->proxy = NULL; /* of a boot that is over */
	wf_gforget(task ? g : m ? m->proxy : NULL);
	wf_names_reset();
	wf_sysmon_forget();
	wf_blocking_forget();
	wf_stackforget();
	wf_memforget();
	memset(wf_allp, 0, WEFT_PROCS_MAX * sizeof *wf_allp);
	wf_sched = (struct sched){.allm = m, .downs = downs, .forks = forks};
	wf_runtime = (struct runtime){0};
	wf_unsettle();
	wf_osforget();
	if (m) {
		m->alllink = NULL;
		m->gfree = (struct gcache){0};
	}
	if (task) {
		m = wf_mnew(true);
		if (!m)
			wf_throw("no memory to go on with in a forked child");
		wf_foreign_adopt(m, g);
	}
}

void wf_forget(struct g *g)
{
	sigset_t before;

	wf_signals_hold(&before); /* D4 (post.c): the locks are made anew */
	forget(g);
	wf_signals_release(&before);
}
