/*
 * Barriers. The last of a round takes the others off the queue under its lock, and wakes
 * them once it has let go of it: from then on the barrier is the next round's, or gone.
 */
#include <errno.h>
#include <string.h>

#include "sync/sync.h"

struct barrier {
	struct waitpoint at;
	unsigned count;   /* of a round; 0: there is no barrier here */
	unsigned arrived; /* in this round */
};

static struct barrier *barrier_of(weft_barrier_t *barrier)
{
	return (struct barrier *)barrier;
}

static void forget_waiters(struct waitpoint *at)
{
	((struct barrier *)at)->arrived = 0;
}

int weft_barrier_init(weft_barrier_t *barrier, const weft_barrierattr_t *attr, unsigned count)
{
	if (!barrier || !count || (attr && attr->opaque == ATTR_GONE))
		return EINVAL;
	memset(barrier, 0, sizeof *barrier);
	barrier_of(barrier)->count = count;
	return 0;
}

int weft_barrier_destroy(weft_barrier_t *barrier)
{
	struct barrier *b = barrier_of(barrier);
	struct m *m;
	bool busy;

	if (!b || !b->count)
		return EINVAL;
	m = wf_enter_any();
	if (!m)
		return EBUSY;
	wf_waitpoint_lock(&b->at, forget_waiters);
	busy = b->arrived;
	if (!busy)
		b->count = 0;
	wf_unlock(&b->at.lock);
	wf_leave_any(m);
	return busy ? EBUSY : 0;
}

/* The round is complete; the queue is locked, and is not when this returns. */
static int pass(struct m *m, struct barrier *b)
{
	struct waiter *others = wf_waitq_detach(&b->at.queue);

	b->arrived = 0;
	wf_unlock(&b->at.lock);
	wf_waitq_wakedetached(m, others);
	return WEFT_BARRIER_SERIAL_THREAD;
}

int weft_barrier_wait(weft_barrier_t *barrier)
{
	struct barrier *b = barrier_of(barrier);
	struct waiter w = {.object = b};
	int result;
	struct m *m;

	if (!b || !b->count)
		return EINVAL;
	m = wf_enter_any();
	if (!m)
		return ENOMEM;
	wf_waitpoint_lock(&b->at, forget_waiters);
	if (++b->arrived == b->count)
		result = pass(m, b);
	else
		result = wf_waitq_wait(&m, &b->at.queue, &b->at.lock, &w, WF_FOREVER, WAIT_LOCK);
	wf_leave_any(m);
	return result;
}
