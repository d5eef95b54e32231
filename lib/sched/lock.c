/*
 * The scheduler's own mutex and note, on futexes.
 */
#include "sched/lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sched/timer.h"

enum { FREE = 0, HELD = 1, CONTENDED = 2 };
enum { CLEAR = 0, SET = 1, ASLEEP = 2, INTERRUPTED = 3 };
enum { SPINS = 100, PAUSE_NS = 20000, NS = 1000000000 };

/* until: by CLOCK_MONOTONIC, so that signals do not prolong it; NULL: for ever. */
static int futex_wait(_Atomic uint32_t *word, uint32_t value, const struct timespec *until)
{
	int before = errno, error;

	error = syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, until, NULL,
			FUTEX_BITSET_MATCH_ANY)
			? errno
			: 0;
	errno = before;
	return error;
}

static void futex_wake(_Atomic uint32_t *word)
{
	int before = errno;

	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	errno = before;
}

void wf_lock_slow(struct lock *l)
{
	for (int i = 0; i < SPINS; i++) {
		uint32_t free = FREE;

		if (atomic_compare_exchange_weak_explicit(
			    &l->word, &free, HELD, memory_order_acquire, memory_order_relaxed))
			return;
		wf_relax();
	}
	/* acquire: pairs with wf_unlock's release */
	while (atomic_exchange_explicit(&l->word, CONTENDED, memory_order_acquire) != FREE)
		futex_wait(&l->word, CONTENDED, NULL);
}

void wf_lock_wake(struct lock *l)
{
	futex_wake(&l->word);
}

/* Nobody wakes who pauses; the pause lets the holder run, whatever the priority of either. */
static void pause_while(struct lock *l, uint32_t value)
{
	int64_t when = wf_nanotime() + PAUSE_NS;
	struct timespec until = {when / NS, when % NS};

	futex_wait(&l->word, value, &until);
}

void wf_quicklock_slow(struct lock *l)
{
	for (int i = 0;; i++) {
		uint32_t free = FREE;

		if (atomic_compare_exchange_weak_explicit(
			    &l->word, &free, HELD, memory_order_acquire, memory_order_relaxed))
			return;
		if (i < SPINS)
			wf_relax();
		else
			pause_while(l, HELD);
	}
}

void wf_noteclear(struct note *n)
{
	/* relaxed: only the owner clears, before anybody is told of the note */
	atomic_store_explicit(&n->word, CLEAR, memory_order_relaxed);
}

void wf_notetake(struct note *n)
{
	/* acquire, and no load after it is done before: pairs with wf_notewakeup's release,
	 * also of one that came since the owner woke */
	atomic_exchange(&n->word, CLEAR);
}

bool wf_notesleepuntil(struct note *n, int64_t when)
{
	struct timespec until = {when / NS, when % NS};
	uint32_t clear = CLEAR;

	/* acquire: pairs with wf_notewakeup's release */
	if (!atomic_compare_exchange_strong_explicit(&n->word, &clear, ASLEEP, memory_order_acquire,
						     memory_order_acquire))
		return true;
	while (atomic_load_explicit(&n->word, memory_order_acquire) == ASLEEP) {
		uint32_t asleep = ASLEEP;

		if (futex_wait(&n->word, ASLEEP, when == INT64_MAX ? NULL : &until) == ETIMEDOUT)
			return !atomic_compare_exchange_strong_explicit(&n->word, &asleep, CLEAR,
									memory_order_acquire,
									memory_order_acquire);
	}
	return true;
}

bool wf_notetsleep(struct note *n, int64_t ns)
{
	return wf_notesleepuntil(n, wf_nanotime() + ns);
}

void wf_notesleep(struct note *n)
{
	wf_notesleepuntil(n, INT64_MAX);
}

void wf_notewakeup(struct note *n)
{
	/* release: pairs with wf_notetsleep's acquire */
	if (atomic_exchange_explicit(&n->word, SET, memory_order_release) == ASLEEP)
		futex_wake(&n->word);
}

void wf_noteinterrupt(struct note *n)
{
	uint32_t word = atomic_load_explicit(&n->word, memory_order_relaxed);

	/* relaxed: between a thread and its handlers; who sets the note is not disturbed */
	while ((word == CLEAR || word == ASLEEP) &&
	       !atomic_compare_exchange_weak_explicit(&n->word, &word, INTERRUPTED,
						      memory_order_relaxed, memory_order_relaxed))
		;
}

bool wf_noteresume(struct note *n)
{
	uint32_t word = INTERRUPTED;

	/* acquire: else it was set; pairs with wf_notewakeup's release */
	return atomic_compare_exchange_strong_explicit(&n->word, &word, CLEAR, memory_order_acquire,
						       memory_order_acquire);
}
