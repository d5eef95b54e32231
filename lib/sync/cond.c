/*
 * Condition variables.
 *
 * Who waits locks the queue, unlocks the mutex, and lets go of the queue once it is parked:
 * whoever finds the mutex unlocked finds the waiter in the queue.
 *
 *   C1  A signal goes to the first whose wait it ends: one that is ended by its time or by a
 *       cancellation at that instant is passed over, and stays in the queue until it
 *       withdraws (Q4). So a signal is never lost to who does not report it.
 *   C2  Broadcast moves the waiters to the queue of the mutex, where they have no time and
 *       no cancellation any more. Locks are taken in this order: the condition variable's,
 *       the mutex's.
 *   C3  The object may be destroyed once nobody is parked in its queue: weft_cond_destroy
 *       lets those that are about to withdraw do so first. Who was woken or moved does not
 *       touch it again.
 */
#include <errno.h>
#include <string.h>

#include <weft/task.h>

#include "sync/sync.h"

struct cond {
	struct waitpoint at;
	struct mutex *mutex;      /* with which those in the queue wait */
	int clock;                /* weft_cond_timedwait's */
	_Atomic uint32_t waiters; /* 0: nobody is in the queue */
};

enum { CLOCK_GONE = -1 };

static struct cond *cond_of(weft_cond_t *cond)
{
	return (struct cond *)cond;
}

static bool valid(const struct cond *cond)
{
	return cond && cond->clock != CLOCK_GONE;
}

static void forget_waiters(struct waitpoint *at)
{
	atomic_store(&((struct cond *)at)->waiters, 0);
}

static void lock_queue(struct cond *cond)
{
	wf_waitpoint_lock(&cond->at, forget_waiters);
}

/* With the queue locked. */
static void note_waiters(struct cond *cond)
{
	/* relaxed: set before the mutex is unlocked, it is seen by who has locked the mutex since;
	 * who has not can't know that anybody waits */
	atomic_store_explicit(&cond->waiters, cond->at.queue.first != NULL, memory_order_relaxed);
}

/* --- waiting ---------------------------------------------------------------------- */

/* The queue is locked, and is not when this returns; the mutex is the caller's. */
static int wait_inside(struct m **m, struct cond *cond, struct mutex *mutex, int64_t until)
{
	struct lockwait w = {.losses = 0};
	int error;

	cond->mutex = mutex;
	wf_waitq_push(&cond->at.queue, &cond->at.lock, &w.waiter);
	note_waiters(cond);
	wf_mutex_release(*m, mutex);
	error = wf_waitq_park(m, &cond->at.lock, &w.waiter, until, WAIT_CALL);
	wf_mutex_reacquire(m, mutex, &w);
	return error;
}

static int wait_until(struct cond *cond, struct mutex *mutex, int64_t until)
{
	int error = wf_waitcall();
	struct m *m;

	if (error)
		return error;
	m = wf_enter_any();
	if (!m)
		return ENOMEM;
	lock_queue(cond);
	if (cond->at.queue.first && cond->mutex != mutex) {
		wf_unlock(&cond->at.lock);
		error = EINVAL;
	} else {
		error = wait_inside(&m, cond, mutex, until);
	}
	wf_leave_any(m);
	if (error == ECANCELED)
		wf_cancelpoint(wf_getg());
	return error;
}

static int check(const struct cond *cond, const struct mutex *mutex)
{
	if (!valid(cond) || !mutex)
		return EINVAL;
	return wf_mutex_check(mutex, wf_getg());
}

int weft_cond_wait(weft_cond_t *cond, weft_mutex_t *mutex)
{
	int error = check(cond_of(cond), (struct mutex *)mutex);

	return error ? error : wait_until(cond_of(cond), (struct mutex *)mutex, WF_FOREVER);
}

int weft_cond_clockwait(weft_cond_t *cond, weft_mutex_t *mutex, clockid_t clock,
			const struct timespec *abs)
{
	int64_t until;
	int error = check(cond_of(cond), (struct mutex *)mutex);

	if (!error)
		error = wf_until(abs, clock, &until);
	return error ? error : wait_until(cond_of(cond), (struct mutex *)mutex, until);
}

int weft_cond_timedwait(weft_cond_t *cond, weft_mutex_t *mutex, const struct timespec *abs)
{
	if (!valid(cond_of(cond)))
		return EINVAL;
	return weft_cond_clockwait(cond, mutex, cond_of(cond)->clock, abs);
}

/* --- waking ----------------------------------------------------------------------- */

/* Whether there may be somebody to wake. */
static bool waited_on(struct cond *cond)
{
	return atomic_load_explicit(&cond->waiters, memory_order_relaxed); /* see note_waiters */
}

static struct waiter *take_first(struct cond *cond)
{
	struct waiter *w = cond->at.queue.first;

	while (w && !wf_waitq_finish(w)) /* C1 */
		w = w->next;
	return w;
}

int weft_cond_signal(weft_cond_t *cond)
{
	struct waiter *w;
	struct m *m;

	if (!valid(cond_of(cond)))
		return EINVAL;
	if (!waited_on(cond_of(cond)))
		return 0;
	m = wf_enter_any();
	if (!m)
		return ENOMEM;
	lock_queue(cond_of(cond));
	w = take_first(cond_of(cond));
	note_waiters(cond_of(cond));
	wf_unlock(&cond_of(cond)->at.lock);
	if (w)
		wf_goready(m, w->g);
	wf_leave_any(m);
	return 0;
}

int weft_cond_broadcast(weft_cond_t *cond)
{
	struct cond *c = cond_of(cond);
	struct m *m;

	if (!valid(c))
		return EINVAL;
	if (!waited_on(c))
		return 0;
	m = wf_enter_any();
	if (!m)
		return ENOMEM;
	lock_queue(c);
	if (c->at.queue.first) {
		wf_mutex_requeue(m, c->mutex, &c->at);
	} else {
		note_waiters(c);
		wf_unlock(&c->at.lock);
	}
	wf_leave_any(m);
	return 0;
}

/* --- making and ending ---------------------------------------------------------------- */

int weft_cond_init(weft_cond_t *cond, const weft_condattr_t *attr)
{
	if (!cond || (attr && attr->opaque == ATTR_GONE))
		return EINVAL;
	memset(cond, 0, sizeof *cond);
	cond_of(cond)->clock = attr ? attr->opaque : CLOCK_REALTIME;
	return 0;
}

/* With the queue locked: whether somebody there is not about to go. */
static bool parked_on(const struct cond *cond)
{
	const struct waiter *w = cond->at.queue.first;

	while (w && !wf_waitq_waits(w))
		w = w->next;
	return w;
}

int weft_cond_destroy(weft_cond_t *cond)
{
	struct cond *c = cond_of(cond);
	bool parked, empty;

	if (!valid(c))
		return EINVAL;
	if (!waited_on(c)) {
		c->clock = CLOCK_GONE;
		return 0;
	}
	do {
		struct m *m = wf_enter_any();

		if (!m)
			return EBUSY;
		lock_queue(c);
		parked = parked_on(c);
		empty = !c->at.queue.first;
		wf_unlock(&c->at.lock);
		wf_leave_any(m);
		if (!parked && !empty)
			weft_yield(); /* C3 */
	} while (!parked && !empty);
	if (parked)
		return EBUSY;
	c->clock = CLOCK_GONE;
	return 0;
}
