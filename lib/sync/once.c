/*
 * weft_once: the first caller runs the function, others wait for it.
 *
 * A control word is an int, so who waits does so in a table of queues by address.
 * A word is written under its bucket's lock; DONE may be read without. RUNNING has
 * the number of the boot above it: in a forked child the thread that ran the
 * function of its parent is gone, and the word is as good as new.
 */
#include <weft/task.h>

#include <errno.h>
#include <stdatomic.h>

#include "sched/waitq.h"

enum { NEW = 0, DONE = 1, RUNNING = 2, STATE_BITS = 2 };
enum { BUCKETS = 64 };

struct bucket {
	struct lock lock; /* guards queue, and the words that hash here */
	struct waitq queue;
};

static struct bucket wf_onces[BUCKETS];

static struct bucket *bucket_of(const weft_once_t *once)
{
	return &wf_onces[(uintptr_t)once / sizeof *once % BUCKETS];
}

static _Atomic weft_once_t *word_of(weft_once_t *once)
{
	return (_Atomic weft_once_t *)once;
}

static weft_once_t running(void)
{
	return (weft_once_t)((unsigned)wf_sched.forks << STATE_BITS | RUNNING);
}

/* Set the word and wake who waits for it. */
static void settle(weft_once_t *once, weft_once_t value)
{
	struct bucket *bucket = bucket_of(once);
	struct waiter *waiters;
	struct m *m = wf_enter_any();

	wf_lock(&bucket->lock);
	/* release: pairs with weft_once's acquire */
	atomic_store_explicit(word_of(once), value, memory_order_release);
	waiters = wf_waitq_take(&bucket->queue, once);
	wf_unlock(&bucket->lock);
	wf_waitq_wake(m, waiters);
	if (m)
		wf_leave_any(m);
}

/* The function did not return: as if nobody had called. */
struct attempt {
	weft_once_t *once;
	weft_once_t outcome;
};

static void conclude(struct attempt *attempt)
{
	settle(attempt->once, attempt->outcome);
}

static void run(weft_once_t *once, void (*fn)(void))
{
	__attribute__((cleanup(conclude))) struct attempt attempt = {once, NEW};

	fn();
	attempt.outcome = DONE;
}

/* The bucket's lock is held, and is not when this returns. */
static void wait_until_settled(struct m *m, struct bucket *bucket, weft_once_t *once)
{
	struct waiter w = {.object = once};

	wf_waitq_wait(&m, &bucket->queue, &bucket->lock, &w, WF_FOREVER, WAIT_LOCK);
	wf_leave_any(m);
}

static void once_slow(weft_once_t *once, void (*fn)(void))
{
	struct bucket *bucket = bucket_of(once);

	if (wf_forked())
		wf_forget(wf_getg());
	for (;;) {
		struct m *m = wf_enter_any();
		weft_once_t now;

		if (!m)
			wf_throw("no memory for a thread to wait");

		wf_lock(&bucket->lock);
		now = atomic_load_explicit(word_of(once), memory_order_relaxed);
		if (now == running()) {
			wait_until_settled(m, bucket, once);
			continue;
		}
		if (now != DONE)
			atomic_store_explicit(word_of(once), running(), memory_order_relaxed);
		wf_unlock(&bucket->lock);
		wf_leave_any(m);
		if (now != DONE)
			run(once, fn);
		return;
	}
}

int weft_once(weft_once_t *once, void (*fn)(void))
{
	if (!once || !fn)
		return EINVAL;
	/* acquire: pairs with settle's release */
	if (atomic_load_explicit(word_of(once), memory_order_acquire) != DONE)
		once_slow(once, fn);
	return 0;
}
