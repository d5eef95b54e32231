/*
 * Mutexes.
 *
 * The word is the address of the holder's G, or 0 when nobody holds the mutex, and bits
 * below it. Locking a free mutex and unlocking one that nobody waits for are a compare and
 * swap each, of the whole word: whoever is not the holder fails, and so does everybody
 * when there is something to see to.
 *
 *   WAIT    somebody is in the queue (S2)
 *   WOKEN   a waiter was taken off the queue to compete for the mutex, and has not
 *           decided that yet
 *   NESTED  a recursive mutex is locked more than once
 *
 *   X1  Only the holder takes its own G out of the word, or puts that of a waiter in its
 *       place. Anybody may put himself where nobody is: the mutex can be taken by who
 *       comes along (barging).
 *   X2  When nobody holds the mutex and somebody waits, WOKEN is set, and who was woken is
 *       on his way. So an unlock wakes one only when WOKEN is clear.
 *   X3  Who was woken takes the mutex and clears WOKEN, or clears it as it enters the queue
 *       again, at the front, while another holds the mutex: that one's unlock wakes again.
 *   X4  Who has lost LOSSES_MAX times is not woken to compete: the holder puts him in its
 *       place. So the first in the queue sees at most LOSSES_MAX + 1 unlocks.
 *
 * t/model/mutex.pml is the model.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "sync/sync.h"

enum { WAIT = 1, WOKEN = 2, NESTED = 4, BITS = 7 };
enum { LOSSES_MAX = 2, SPINS = 4, SPIN_PAUSES = 30 };

/* What the word of a destroyed mutex is: held by nobody that there is. */
static const uintptr_t gone = ~(uintptr_t)BITS;

static struct mutex *mutex_of(weft_mutex_t *mutex)
{
	return (struct mutex *)mutex;
}

static uintptr_t holder(uintptr_t word)
{
	return word & ~(uintptr_t)BITS;
}

static uintptr_t word_of(const struct mutex *mutex)
{
	/* relaxed: what is decided by it is decided by compare and swap, or the caller's own */
	return atomic_load_explicit(&mutex->word, memory_order_relaxed);
}

/* In a forked child: whoever waited or was woken is not there. */
static void forget_waiters(struct waitpoint *at)
{
	atomic_fetch_and(&((struct mutex *)at)->word, ~(uintptr_t)(WAIT | WOKEN));
}

static void lock_queue(struct mutex *mutex)
{
	wf_waitpoint_lock(&mutex->at, forget_waiters);
}

/* --- locking ------------------------------------------------------------------- */

/* acquire: pairs with the release of whoever unlocked */
static inline bool swap_acquire(struct mutex *mutex, uintptr_t *from, uintptr_t to)
{
	return atomic_compare_exchange_weak_explicit(&mutex->word, from, to, memory_order_acquire,
						     memory_order_relaxed);
}

/* release: pairs with the acquire of whoever locks next */
static inline bool swap_release(struct mutex *mutex, uintptr_t *from, uintptr_t to)
{
	return atomic_compare_exchange_weak_explicit(&mutex->word, from, to, memory_order_release,
						     memory_order_relaxed);
}

/* Take it if nobody holds it. drop: WOKEN for who was woken. */
static bool take(struct mutex *mutex, const struct g *g, uintptr_t drop)
{
	uintptr_t word = word_of(mutex);

	while (!holder(word))
		if (swap_acquire(mutex, &word, (word & ~drop) | (uintptr_t)g))
			return true;
	return false;
}

/* With the queue locked: take it, or say that somebody waits (X3). */
static bool take_or_wait(struct mutex *mutex, const struct g *g, uintptr_t drop)
{
	uintptr_t word = word_of(mutex);

	for (;;) {
		bool free = !holder(word);
		uintptr_t to = (word & ~drop) | (free ? (uintptr_t)g : WAIT);

		if (swap_acquire(mutex, &word, to))
			return free;
	}
}

/* Whether the holder may be about to unlock while the caller spins: it runs at the same
 * time, and nobody else would use the caller's P. (Its G can't be looked at: that of a
 * foreign thread goes with the thread.) */
static bool may_spin(struct m *m)
{
	struct p *p = wf_p(m);

	if (wf_have.ncpu < 2)
		return false;
	return !p || (wf_sched.nprocs - wf_sched.npidle > 1 && wf_runqempty(p));
}

static bool spin(struct m *m, struct mutex *mutex, const struct g *g, uintptr_t drop)
{
	for (int i = 0; i < SPINS && may_spin(m); i++) {
		for (int j = 0; j < SPIN_PAUSES; j++)
			wf_relax();
		if (take(mutex, g, drop))
			return true;
	}
	return false;
}

/* Into the queue, which is locked: its front is for who was there before. */
static void enter(struct mutex *mutex, struct lockwait *w)
{
	if (w->competes) {
		w->competes = false;
		w->losses++;
		wf_waitq_pushfront(&mutex->at.queue, &mutex->at.lock, &w->waiter);
	} else {
		wf_waitq_push(&mutex->at.queue, &mutex->at.lock, &w->waiter);
	}
}

/* Inside: wait until the mutex is the caller's, or the time has come. */
static int wait_inside(struct m **m, struct mutex *mutex, struct lockwait *w, int64_t until)
{
	const struct g *g = wf_getg();

	while (!w->handed) {
		uintptr_t drop = w->competes ? WOKEN : 0;
		int error;

		if (take(mutex, g, drop) || spin(*m, mutex, g, drop))
			return 0;
		lock_queue(mutex);
		if (take_or_wait(mutex, g, drop)) {
			wf_unlock(&mutex->at.lock);
			return 0;
		}
		enter(mutex, w);
		error = wf_waitq_park(m, &mutex->at.lock, &w->waiter, until, WAIT_LOCK);
		if (error)
			return error;
	}
	return 0;
}

static int wait_for(struct mutex *mutex, int64_t until)
{
	struct lockwait w = {.losses = 0};
	struct m *m = wf_enter_any();
	int error;

	if (!m)
		return ENOMEM;
	error = wait_inside(&m, mutex, &w, until);
	wf_leave_any(m);
	return error;
}

/* The caller holds it. */
static int lock_again(struct mutex *mutex)
{
	if (mutex->type == WEFT_MUTEX_ERRORCHECK)
		return EDEADLK;
	if (mutex->type != WEFT_MUTEX_RECURSIVE)
		return EBUSY;
	if (mutex->nested == UINT_MAX)
		return EAGAIN;
	if (mutex->nested++ == 0)
		atomic_fetch_or_explicit(&mutex->word, NESTED, memory_order_relaxed);
	return 0;
}

/* When the short way failed: EBUSY if there is nothing but to wait. */
static __attribute__((noinline)) int lock_slow(struct mutex *mutex)
{
	struct g *g;

	if (!mutex || word_of(mutex) == gone)
		return EINVAL;
	if (!(g = wf_caller()))
		return ENOMEM;
	if (holder(word_of(mutex)) == (uintptr_t)g)
		return lock_again(mutex);
	return take(mutex, g, 0) ? 0 : EBUSY;
}

static __attribute__((noinline)) int lock_waiting(struct mutex *mutex)
{
	int error = lock_slow(mutex);

	return error == EBUSY ? wait_for(mutex, WF_FOREVER) : error;
}

/* The short way: a mutex that is free and has nothing special. */
static inline bool lock_fast(weft_mutex_t *mutex)
{
	struct g *g = wf_getg();
	uintptr_t word = 0;

	/* acquire: pairs with the release of whoever unlocked */
	return __builtin_expect(mutex && g, 1) &&
	       __builtin_expect(atomic_compare_exchange_strong_explicit(
					&mutex_of(mutex)->word, &word, (uintptr_t)g,
					memory_order_acquire, memory_order_relaxed),
				1);
}

/* It and unlocking lie in one cache line of code each, where they are as fast as can be. */
__attribute__((aligned(CACHELINE))) int weft_mutex_lock(weft_mutex_t *mutex)
{
	return lock_fast(mutex) ? 0 : lock_waiting(mutex_of(mutex));
}

int weft_mutex_trylock(weft_mutex_t *mutex)
{
	int error = lock_fast(mutex) ? 0 : lock_slow(mutex_of(mutex));

	return error == EDEADLK ? EBUSY : error;
}

int weft_mutex_clocklock(weft_mutex_t *mutex, clockid_t clock, const struct timespec *abs)
{
	int64_t until;
	int error;

	if (!wf_clock_known(clock))
		return EINVAL;
	if (lock_fast(mutex))
		return 0;
	error = lock_slow(mutex_of(mutex));
	if (error != EBUSY)
		return error;
	error = wf_until(abs, clock, &until);
	return error ? error : wait_for(mutex_of(mutex), until);
}

int weft_mutex_timedlock(weft_mutex_t *mutex, const struct timespec *abs)
{
	return weft_mutex_clocklock(mutex, CLOCK_REALTIME, abs);
}

/* --- unlocking ------------------------------------------------------------------ */

/* Let go of it with no more than that, if nobody is to be woken. */
static bool release_alone(struct mutex *mutex)
{
	uintptr_t word = word_of(mutex);

	while (!(word & WAIT) || word & WOKEN)
		if (swap_release(mutex, &word, word & (WAIT | WOKEN)))
			return true;
	return false;
}

/* With the queue locked: bits of the word follow it. */
static void note_empty(struct mutex *mutex)
{
	if (!mutex->at.queue.first)
		atomic_fetch_and_explicit(&mutex->word, ~(uintptr_t)WAIT, memory_order_relaxed);
}

/* With the queue locked: w is in the caller's place from now on. */
static void hand_over(struct mutex *mutex, struct lockwait *w)
{
	uintptr_t word = word_of(mutex);

	w->handed = true;
	while (!swap_release(mutex, &word, (uintptr_t)w->waiter.g | (word & WAIT)))
		;
}

/* w, which is off the queue, is to compete for it. The last look at the mutex (S1). */
static void release_to(struct mutex *mutex, struct lockwait *w)
{
	uintptr_t word = word_of(mutex);

	w->competes = true;
	while (!swap_release(mutex, &word, (word & WAIT) | WOKEN))
		;
}

/* One lock of several. */
static bool unnest(struct mutex *mutex)
{
	if (!mutex->nested)
		return false;
	if (--mutex->nested == 0)
		atomic_fetch_and_explicit(&mutex->word, ~(uintptr_t)NESTED, memory_order_relaxed);
	return true;
}

void wf_mutex_release(struct m *m, struct mutex *mutex)
{
	if (unnest(mutex))
		return;
	while (!release_alone(mutex)) {
		struct lockwait *w;
		bool hands;

		lock_queue(mutex);
		w = (struct lockwait *)wf_waitq_pop(&mutex->at.queue);
		note_empty(mutex);
		hands = w && w->losses >= LOSSES_MAX;
		if (hands)
			hand_over(mutex, w);
		wf_unlock(&mutex->at.lock);
		if (!w)
			continue;
		if (!hands)
			release_to(mutex, w);
		wf_goready(m, w->waiter.g);
		return;
	}
}

static __attribute__((noinline)) int unlock_slow(struct mutex *mutex)
{
	const struct g *g = wf_getg();
	struct m *m;

	if (!mutex || word_of(mutex) == gone)
		return EINVAL;
	if (!g || holder(word_of(mutex)) != (uintptr_t)g)
		return EPERM;
	if (unnest(mutex) || release_alone(mutex))
		return 0;
	m = wf_enter_any();
	wf_mutex_release(m, mutex);
	wf_leave_any(m);
	return 0;
}

__attribute__((aligned(CACHELINE))) int weft_mutex_unlock(weft_mutex_t *mutex)
{
	struct g *g = wf_getg();
	uintptr_t word = (uintptr_t)g;

	/* release: pairs with the acquire of whoever locks next */
	if (__builtin_expect(mutex && g, 1) &&
	    __builtin_expect(atomic_compare_exchange_strong_explicit(&mutex_of(mutex)->word, &word,
								     0, memory_order_release,
								     memory_order_relaxed),
			     1))
		return 0;
	return unlock_slow(mutex_of(mutex));
}

/* --- for condition variables ------------------------------------------------------ */

static bool held_by(const struct mutex *mutex, const struct g *g)
{
	return g && holder(word_of(mutex)) == (uintptr_t)g;
}

int wf_mutex_check(const struct mutex *mutex, const struct g *g)
{
	if (held_by(mutex, g))
		return 0;
	return word_of(mutex) == gone ? EINVAL : EPERM;
}

void wf_mutex_reacquire(struct m **m, struct mutex *mutex, struct lockwait *w)
{
	if (!w->handed && held_by(mutex, wf_getg()))
		lock_again(mutex); /* it was locked more than once */
	else
		wait_inside(m, mutex, w, WF_FOREVER);
}

/* With the queue locked, in which somebody is: whether nobody holds the mutex and nobody
 * is on his way to it, so that one has to be woken (X2). WOKEN is set then. */
static bool is_free(struct mutex *mutex)
{
	uintptr_t word = word_of(mutex);

	for (;;) {
		bool free = !holder(word) && !(word & WOKEN);

		if (swap_acquire(mutex, &word, word | WAIT | (free ? WOKEN : 0)))
			return free;
	}
}

/* One of from's, to the mutex's queue. One that holds the mutex itself (it was locked
 * more than once) would wait for itself there: it is returned, to be woken. */
static struct waiter *requeue(struct mutex *mutex, struct waiter *w)
{
	if (!held_by(mutex, w->g)) {
		wf_waitq_move(w, &mutex->at.queue, &mutex->at.lock);
		return NULL;
	}
	return wf_waitq_finish(w) ? w : NULL;
}

void wf_mutex_requeue(struct m *m, struct mutex *mutex, struct waitpoint *from)
{
	struct waiter *w, *next, *woken = NULL;

	lock_queue(mutex);
	for (w = from->queue.first; w; w = next) {
		struct waiter *itself;

		next = w->next;
		itself = requeue(mutex, w);
		if (itself)
			woken = itself;
	}
	if (mutex->at.queue.first && is_free(mutex)) {
		woken = wf_waitq_pop(&mutex->at.queue);
		if (woken)
			((struct lockwait *)woken)->competes = true;
		else
			atomic_fetch_and(&mutex->word, ~(uintptr_t)WOKEN);
		note_empty(mutex);
	}
	wf_unlock(&from->lock); /* in this order: S1 */
	wf_unlock(&mutex->at.lock);
	if (woken)
		wf_goready(m, woken->g);
}

/* --- making and ending -------------------------------------------------------------- */

int weft_mutex_init(weft_mutex_t *mutex, const weft_mutexattr_t *attr)
{
	if (!mutex || (attr && attr->opaque == ATTR_GONE))
		return EINVAL;
	memset(mutex, 0, sizeof *mutex);
	mutex->type = attr ? attr->opaque : WEFT_MUTEX_DEFAULT;
	return 0;
}

static bool end(struct mutex *mutex)
{
	uintptr_t word = 0;

	/* acquire: pairs with the last unlock */
	return atomic_compare_exchange_strong_explicit(&mutex->word, &word, gone,
						       memory_order_acquire, memory_order_relaxed);
}

int weft_mutex_destroy(weft_mutex_t *mutex)
{
	struct mutex *mx = mutex_of(mutex);
	struct m *m;
	bool ended;

	if (!mx || word_of(mx) == gone)
		return EINVAL;
	if (end(mx))
		return 0;
	if (holder(word_of(mx)) || !(m = wf_enter_any()))
		return EBUSY;
	lock_queue(mx); /* bits may be left from before a fork */
	ended = end(mx);
	wf_unlock(&mx->at.lock);
	wf_leave_any(m);
	return ended ? 0 : EBUSY;
}
