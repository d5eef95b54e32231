/*
 * What handlers of signals may ask of the scheduler: to see to an object once that is safe.
 *
 * A handler runs on any thread, between any two instructions. Where its thread is outside of
 * the runtime (inside is 0) it holds none of the runtime's locks, and the handler goes in
 * itself; it must not leave the stack it is on, nor start a thread, so it takes no P that
 * is not at hand, and leaves what else is to be looked at to others (wf_post_begin,
 * wf_post_end, wf_post_ready). Where the thread is inside, the object is put on its M's
 * list, and the M sees to it when it leaves the runtime or before it sleeps.
 *
 *   D1  An object is on one list at most: next is not NULL. Who sees to it clears next under
 *       the object's lock, and looks at the object after that; so a handler that finds next
 *       set has only to change the object before.
 *   D2  ATTN_POSTED is set after the object was put on the list and cleared before the list is
 *       taken. All of that is done by one thread and its handlers.
 *   D3  The note on which an M sleeps is 3 once something was put on its
 *       list since it was cleared: it does not fall asleep then, or wakes.
 *   D4  Whoever holds wf_sched.lock, or an object's, is inside or holds all signals back: a
 *       handler on his thread never waits for what he has. An M is inside from before its
 *       thread is known to be its (wf_mprepare) until all that was put on its list has been
 *       seen to; threads that are no M's hold signals back. The debug build looks at
 *       each taking of wf_sched.lock (wf_lock_check).
 *   D5  Who sleeps inside does so on its M's note (D3), or for a time that no task and no
 *       handler decides.
 */
#include <errno.h>
#include <signal.h>

#include "sched/post.h"

#include "sched/fast.h"
#include "sched/retake.h"

/* The end of a list: next of an object that is on one is not NULL. */
static struct deferred wf_lastdeferred;

static bool pending(struct m *m)
{
	return atomic_load_explicit(&m->attn, memory_order_relaxed) & ATTN_POSTED; /* D2 */
}

/* In a handler, or not. */
void wf_post_defer(struct m *m, struct deferred *d, void (*see_to)(struct m *, struct deferred *))
{
	struct deferred *none = NULL, *head = atomic_load(&m->deferred);

	if (!atomic_compare_exchange_strong(&d->next, &none, &wf_lastdeferred))
		return; /* D1 */
	m->see_to = see_to;
	do
		atomic_store(&d->next, head ? head : &wf_lastdeferred);
	while (!atomic_compare_exchange_strong(&m->deferred, &head, d));
	atomic_fetch_or(&m->attn, ATTN_POSTED);
	wf_noteinterrupt(&m->park);
}

void wf_signals_hold(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, before);
}

void wf_signals_release(const sigset_t *before)
{
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

#ifdef WF_DEBUG
void wf_lock_check(const struct lock *l)
{
	struct g *g = wf_getg();
	sigset_t held;

	if (l != &wf_sched.lock || (g && g->m->inside))
		return;
	pthread_sigmask(SIG_SETMASK, NULL, &held);
	wf_assert(sigismember(&held, SIGALRM)); /* D4 */
}
#endif

/* See to what handlers put on the list. m is inside, and the caller's. */
void wf_post_flush(struct m *m)
{
	while (pending(m)) {
		struct deferred *d, *next;

		atomic_fetch_and(&m->attn, ~(uint32_t)ATTN_POSTED);
		for (d = atomic_exchange(&m->deferred, NULL); d; d = next) {
			next = atomic_load(&d->next);
			if (next == &wf_lastdeferred)
				next = NULL;
			m->see_to(m, d); /* clears d->next (D1) */
		}
	}
}

/* Sleep on an M's note: false when the time is up first. */
bool wf_msleep(struct m *m, int64_t until)
{
	do {
		wf_post_flush(m);
		if (!wf_notesleepuntil(&m->park, until))
			return false;
	} while (wf_noteresume(&m->park));
	return true;
}

/* Go in, as a handler may: false when the thread is inside already. *m is NULL on a thread
 * that has no stand-in yet. */
bool wf_post_begin(struct m **m, sigset_t *before)
{
	struct g *g = wf_getg();

	*m = g ? g->m : NULL;
	if (!g) {
		wf_signals_hold(before);
		return true;
	}
	if (atomic_load_explicit(&(*m)->inside, memory_order_relaxed))
		return false;
	atomic_store_explicit(&(*m)->inside, 1, memory_order_relaxed);
	wf_light_barrier_slow(); /* I4 */
	return true;
}

void wf_post_end(struct m *m, const sigset_t *before)
{
	if (!m) {
		wf_signals_release(before);
		return;
	}
	for (;;) {
		/* release: as wf_leave */
		atomic_store_explicit(&m->inside, 0, memory_order_release);
		wf_light_barrier_slow();
		if (atomic_load_explicit(&m->attn, memory_order_relaxed) & ATTN_CANCEL)
			wf_async_act_on(m);
		/* ATTN_STOP and ATTN_EXIT wait for the next real way out: a handler can't leave
		 * its stack. Who stops the world looks again and takes the P, and weft_start
		 * returns no earlier than the task makes a call of its own in any case */
		if (!pending(m))
			return;
		atomic_store_explicit(&m->inside, 1, memory_order_relaxed);
		wf_light_barrier_slow();
		wf_post_flush(m);
	}
}

/* wf_goready within the two, and for what is seen to. */
void wf_post_ready(struct m *m, struct g *g)
{
	/* attn before p, as in wf_enter_plain: the P is m's while it is inside, unless somebody
	 * may have found it outside before */
	struct p *p = m && !(atomic_load(&m->attn) & ATTN_SETTLE) ? wf_p(m) : NULL;

	if (wf_makerunnable(p, g) && wf_sched.npidle && !wf_sched.nmspinning && !wf_wakep_asleep())
		wf_sysmon_look();
}
