/*
 * Wait groups. The word is the count, from ONE up, and the bit WAIT (S2). Who makes the count
 * 0 takes the waiters off first, which look at nothing any more when they are woken: that
 * the count is 0 is the last it says (S1), unless others came to wait meanwhile.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include <weft/task.h>

#include "sync/sync.h"

struct waitgroup {
	struct waitpoint at;
	_Atomic uint64_t word;
};

enum { WAIT = 1, ONE = 2 };

static const uint64_t gone = UINT64_MAX;

static struct waitgroup *waitgroup_of(weft_waitgroup_t *wg)
{
	return (struct waitgroup *)wg;
}

static void forget_waiters(struct waitpoint *at)
{
	atomic_fetch_and(&((struct waitgroup *)at)->word, ~(uint64_t)WAIT);
}

/* The wait is over for all who wait: they are added to a list by next. */
static void take_waiters(struct waitgroup *wg, struct waiter **list)
{
	while (*list)
		list = &(*list)->next;
	wf_waitpoint_lock(&wg->at, forget_waiters);
	*list = wf_waitq_take(&wg->at.queue, wg);
	/* relaxed: as long as the count is not 0, only who holds the lock sets it */
	atomic_fetch_and_explicit(&wg->word, ~(uint64_t)WAIT, memory_order_relaxed);
	wf_unlock(&wg->at.lock);
}

/* Add delta to the count if that makes it neither negative nor too great, nor 0 while
 * somebody waits: then EAGAIN. */
static int add(struct waitgroup *wg, int delta)
{
	uint64_t word = atomic_load_explicit(&wg->word, memory_order_relaxed);

	for (;;) {
		int64_t count;

		if (word == gone)
			return EINVAL;
		count = (int64_t)(word / ONE) + delta;
		if (count < 0)
			return EINVAL;
		if (count > INT_MAX)
			return EOVERFLOW;
		if (!count && word & WAIT)
			return EAGAIN;
		/* release: pairs with the acquire of who sees 0; acquire: what others did
		 * before they took theirs */
		if (atomic_compare_exchange_weak_explicit(
			    &wg->word, &word, (uint64_t)count * ONE | (word & WAIT),
			    memory_order_acq_rel, memory_order_relaxed))
			return 0;
	}
}

static int add_waking(struct waitgroup *wg, int delta)
{
	struct waiter *list = NULL;
	struct m *m = wf_enter_any();
	int error;

	if (!m)
		return ENOMEM;
	do
		take_waiters(wg, &list);
	while ((error = add(wg, delta)) == EAGAIN);
	wf_waitq_wake(m, list);
	wf_leave_any(m);
	return error;
}

int weft_waitgroup_add(weft_waitgroup_t *wg, int delta)
{
	int error = wg ? add(waitgroup_of(wg), delta) : EINVAL;

	return error == EAGAIN ? add_waking(waitgroup_of(wg), delta) : error;
}

int weft_waitgroup_done(weft_waitgroup_t *wg)
{
	return weft_waitgroup_add(wg, -1);
}

/* --- waiting --------------------------------------------------------------------------- */

static uint64_t word_of(struct waitgroup *wg)
{
	/* acquire: pairs with the release of who made it 0 */
	return atomic_load_explicit(&wg->word, memory_order_acquire);
}

/* With the queue locked: say that somebody waits, unless the count is 0. */
static bool has_to_wait(struct waitgroup *wg)
{
	uint64_t word = word_of(wg);

	while (word >= ONE)
		if (atomic_compare_exchange_weak(&wg->word, &word, word | WAIT))
			return true;
	return false;
}

static int wait_for(struct waitgroup *wg, int64_t until)
{
	struct waiter w = {.object = wg};
	struct m *m = wf_enter_any();
	int error = 0;

	if (!m)
		return ENOMEM;
	wf_waitpoint_lock(&wg->at, forget_waiters);
	if (has_to_wait(wg))
		error = wf_waitq_wait(&m, &wg->at.queue, &wg->at.lock, &w, until, WAIT_CALL);
	else
		wf_unlock(&wg->at.lock);
	wf_leave_any(m);
	if (error == ECANCELED)
		wf_cancelpoint(wf_getg());
	return error;
}

/* What a wait begins with: EAGAIN if the caller has to wait. */
static int begin(weft_waitgroup_t *wg)
{
	int error;

	if (!wg || word_of(waitgroup_of(wg)) == gone)
		return EINVAL;
	error = wf_waitcall();
	if (error)
		return error;
	return word_of(waitgroup_of(wg)) >= ONE ? EAGAIN : 0;
}

int weft_waitgroup_wait(weft_waitgroup_t *wg)
{
	int error = begin(wg);

	return error == EAGAIN ? wait_for(waitgroup_of(wg), WF_FOREVER) : error;
}

int weft_waitgroup_timedwait(weft_waitgroup_t *wg, const struct timespec *abs)
{
	int error = begin(wg);
	int64_t until;

	if (error != EAGAIN)
		return error;
	error = wf_until(abs, CLOCK_MONOTONIC, &until);
	return error ? error : wait_for(waitgroup_of(wg), until);
}

/* --- making and ending ------------------------------------------------------------------- */

int weft_waitgroup_init(weft_waitgroup_t *wg)
{
	if (!wg)
		return EINVAL;
	memset(wg, 0, sizeof *wg);
	return 0;
}

int weft_waitgroup_destroy(weft_waitgroup_t *wg)
{
	struct waitgroup *w = waitgroup_of(wg);
	struct m *m;
	bool busy;

	if (!wg || word_of(w) == gone)
		return EINVAL;
	m = wf_enter_any();
	if (!m)
		return EBUSY;
	wf_waitpoint_lock(&w->at, forget_waiters);
	busy = w->at.queue.first;
	if (!busy)
		atomic_store(&w->word, gone);
	wf_unlock(&w->at.lock);
	wf_leave_any(m);
	return busy ? EBUSY : 0;
}
