/*
 * Semaphores. The word is the value, from ONE up, and the bit WAIT (S2). A post while
 * somebody waits goes to him and does not show in the value; one when nobody does is a
 * compare and swap, and so is a wait when there is something to take.
 *
 * A post may come in a handler of a signal, on a thread that is in the runtime and may hold
 * the lock of this semaphore. Such a post goes to the value, and the semaphore to the list of
 * that thread's M (lib/sched/post.c), which hands out what the value has when it leaves.
 */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include <weft/task.h>

#include "sched/post.h"
#include "sync/sync.h"

struct sem {
	struct waitpoint at;
	struct deferred deferred; /* on whose list it is */
	_Atomic uint32_t word;
};

enum { WAIT = 1, ONE = 2 };
enum { VALUE_MAX = INT_MAX };

/* The word of a destroyed one: a value that can't be had while somebody waits. */
static const uint32_t gone = UINT32_MAX;

static struct sem *sem_of(weft_sem_t *sem)
{
	return (struct sem *)sem;
}

/* errno is asked for here and not before the caller parked: it is its thread's. */
static __attribute__((noinline)) int result(int error)
{
	if (!error)
		return 0;
	errno = error;
	return -1;
}

static void forget_waiters(struct waitpoint *at)
{
	atomic_fetch_and(&((struct sem *)at)->word, ~(uint32_t)WAIT);
	atomic_store(&((struct sem *)at)->deferred.next, NULL);
}

static void lock_queue(struct sem *sem)
{
	wf_waitpoint_lock(&sem->at, forget_waiters);
}

/* --- waiting --------------------------------------------------------------------------- */

/* 0, EAGAIN, or EINVAL. */
static inline int take(struct sem *sem)
{
	uint32_t word = atomic_load_explicit(&sem->word, memory_order_relaxed);

	while (word >= ONE && word != gone)
		/* acquire: pairs with the release of the post */
		if (atomic_compare_exchange_weak_explicit(&sem->word, &word, word - ONE,
							  memory_order_acquire,
							  memory_order_relaxed))
			return 0;
	return word == gone ? EINVAL : EAGAIN;
}

/* With the queue locked: 0, or EAGAIN and it says that somebody waits. */
static int take_or_wait(struct sem *sem)
{
	uint32_t word = atomic_load_explicit(&sem->word, memory_order_relaxed);

	for (;;) {
		bool there = word >= ONE;

		/* acquire: pairs with the release of the post */
		if (atomic_compare_exchange_weak_explicit(
			    &sem->word, &word, there ? word - ONE : word | WAIT,
			    memory_order_acquire, memory_order_relaxed))
			return there ? 0 : EAGAIN;
	}
}

static int wait_for(struct sem *sem, int64_t until)
{
	struct waiter w = {.object = sem};
	struct m *m = wf_enter_any();
	int error;

	if (!m)
		return ENOMEM;
	lock_queue(sem);
	error = take_or_wait(sem);
	if (error == EAGAIN)
		error = wf_waitq_wait(&m, &sem->at.queue, &sem->at.lock, &w, until, WAIT_CALL);
	else
		wf_unlock(&sem->at.lock);
	wf_leave_any(m);
	if (error == ECANCELED)
		wf_cancelpoint(wf_getg());
	return error;
}

/* What a wait begins with: EAGAIN if the caller has to wait. */
static __attribute__((noinline)) int begin(weft_sem_t *sem)
{
	int error = sem ? wf_waitcall() : EINVAL;

	return error ? error : take(sem_of(sem));
}

static __attribute__((noinline)) int wait_slow(weft_sem_t *sem)
{
	int error = begin(sem);

	return result(error == EAGAIN ? wait_for(sem_of(sem), WF_FOREVER) : error);
}

/* Whether the caller is to take notice of something before it takes what is there. */
static inline bool asked_to_end(void)
{
	struct g *g = wf_getg();

	/* acquire: pairs with weft_cancel's fetch_or */
	return g && atomic_load_explicit(&g->cancel, memory_order_acquire) & GC_REQUESTED;
}

int weft_sem_wait(weft_sem_t *sem)
{
	if (wf_rarely(!sem || asked_to_end() || take(sem_of(sem))))
		return wait_slow(sem);
	return 0;
}

int weft_sem_trywait(weft_sem_t *sem)
{
	int error = sem ? take(sem_of(sem)) : EINVAL;

	return __builtin_expect(!error, 1) ? 0 : result(error);
}

int weft_sem_clockwait(weft_sem_t *sem, clockid_t clock, const struct timespec *abs)
{
	int64_t until;
	int error = wf_clock_known(clock) ? begin(sem) : EINVAL;

	if (error != EAGAIN)
		return result(error);
	error = wf_until(abs, clock, &until);
	return result(error ? error : wait_for(sem_of(sem), until));
}

int weft_sem_timedwait(weft_sem_t *sem, const struct timespec *abs)
{
	return weft_sem_clockwait(sem, CLOCK_REALTIME, abs);
}

/* --- posting --------------------------------------------------------------------------- */

/* Add one, whoever waits. mind: bits that are in the way; EAGAIN when one is set. */
static inline int add(struct sem *sem, uint32_t mind)
{
	uint32_t word = atomic_load_explicit(&sem->word, memory_order_relaxed);

	while (!(word & mind)) {
		if (word == gone)
			return EINVAL;
		if (word / ONE == VALUE_MAX)
			return EOVERFLOW;
		/* release: pairs with the acquire of the wait; the last look at it (S1) */
		if (atomic_compare_exchange_weak_explicit(&sem->word, &word, word + ONE,
							  memory_order_release,
							  memory_order_relaxed))
			return 0;
	}
	return word == gone ? EINVAL : EAGAIN;
}

/* With the queue locked: the first who waits, off the queue; NULL when nobody does. */
static struct waiter *pop(struct sem *sem)
{
	struct waiter *w = wf_waitq_pop(&sem->at.queue);

	if (!sem->at.queue.first)
		atomic_fetch_and(&sem->word, ~(uint32_t)WAIT);
	return w;
}

/* Inside: to the first who waits, if there is one still. */
static bool give(struct m *m, struct sem *sem)
{
	struct waiter *w;

	lock_queue(sem);
	w = pop(sem);
	wf_unlock(&sem->at.lock);
	if (w)
		wf_post_ready(m, w->g);
	return w;
}

/* Inside: what handlers left in the value goes to who waits. */
static void hand_out(struct m *m, struct deferred *deferred)
{
	struct sem *sem = (struct sem *)((char *)deferred - offsetof(struct sem, deferred));
	struct waiter *list = NULL, **end = &list, *w;

	lock_queue(sem);
	atomic_store(&deferred->next, NULL); /* D1 */
	while (sem->at.queue.first && !take(sem)) {
		w = pop(sem);
		if (!w) {
			atomic_fetch_add(&sem->word, ONE); /* they had gone */
			break;
		}
		w->next = NULL;
		*end = w;
		end = &w->next;
	}
	wf_unlock(&sem->at.lock);
	while ((w = list)) {
		list = w->next; /* w is gone as soon as its owner runs */
		wf_post_ready(m, w->g);
	}
}

/* Somebody waits. */
static int post_waking(struct sem *sem)
{
	sigset_t before;
	struct m *m;
	int error = 0;

	if (!wf_post_begin(&m, &before)) {
		error = add(sem, 0);
		if (!error)
			wf_post_defer(m, &sem->deferred, hand_out);
		return error;
	}
	while (!give(m, sem) && (error = add(sem, WAIT)) == EAGAIN)
		;
	wf_post_end(m, &before);
	return error == EAGAIN ? 0 : error;
}

static __attribute__((noinline)) int post_slow(struct sem *sem, int error)
{
	return result(error == EAGAIN ? post_waking(sem) : error);
}

int weft_sem_post(weft_sem_t *sem)
{
	int error = sem ? add(sem_of(sem), WAIT) : EINVAL;

	return __builtin_expect(!error, 1) ? 0 : post_slow(sem_of(sem), error);
}

int weft_sem_getvalue(weft_sem_t *sem, int *value)
{
	uint32_t word;

	if (!sem || !value)
		return result(EINVAL);
	word = atomic_load_explicit(&sem_of(sem)->word, memory_order_relaxed);
	if (word == gone)
		return result(EINVAL);
	*value = (int)(word / ONE);
	return 0;
}

/* --- making and ending ------------------------------------------------------------------- */

int weft_sem_init(weft_sem_t *sem, int pshared, unsigned value)
{
	if (!sem || value > VALUE_MAX)
		return result(EINVAL);
	if (pshared)
		return result(ENOSYS);
	memset(sem, 0, sizeof *sem);
	atomic_store_explicit(&sem_of(sem)->word, value * ONE, memory_order_relaxed);
	return 0;
}

static int destroy(struct sem *sem)
{
	struct m *m;
	bool busy;

	if (!sem || atomic_load_explicit(&sem->word, memory_order_relaxed) == gone)
		return EINVAL;
	while (atomic_load(&sem->deferred.next)) /* somebody is about to see to it */
		weft_yield();
	m = wf_enter_any();
	if (!m)
		return EBUSY;
	lock_queue(sem);
	busy = sem->at.queue.first;
	if (!busy)
		atomic_store(&sem->word, gone);
	wf_unlock(&sem->at.lock);
	wf_leave_any(m);
	return busy ? EBUSY : 0;
}

int weft_sem_destroy(weft_sem_t *sem)
{
	return result(destroy(sem_of(sem)));
}
