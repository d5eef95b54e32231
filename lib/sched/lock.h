/*
 * What the scheduler itself waits on: a mutex and a one-shot note, both a futex
 * word. Never used while a task of the program could be meant: those park.
 */
#ifndef WF_LOCK_H
#define WF_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A futex mutex: 0 free, 1 held, 2 held and somebody may sleep on it. */
struct lock {
	_Atomic uint32_t word;
};

void wf_lock_slow(struct lock *);
void wf_lock_wake(struct lock *);
#ifdef WF_DEBUG
void wf_lock_check(const struct lock *); /* D4 (post.c) */
#else
static inline void wf_lock_check(const struct lock *l)
{
	(void)l;
}
#endif

static inline void wf_lock(struct lock *l)
{
	uint32_t free = 0;

	wf_lock_check(l);
	/* acquire: pairs with wf_unlock's release */
	if (!atomic_compare_exchange_strong_explicit(&l->word, &free, 1, memory_order_acquire,
						     memory_order_relaxed))
		wf_lock_slow(l);
}

static inline void wf_unlock(struct lock *l)
{
	/* pairs with wf_lock's acquire; a full barrier too, for W1 (proc.c) */
	if (atomic_exchange(&l->word, 0) == 2)
		wf_lock_wake(l);
}

/*
 * The same lock for what is hardly ever disputed, and then for a moment: letting go of it is
 * a plain store, and who finds it held looks again and again, with pauses. Such a lock is
 * taken by these two alone (but for a commit's wf_unlock): nobody sleeps on it who would
 * have to be woken. Letting go is no full barrier.
 */
void wf_quicklock_slow(struct lock *);

static inline void wf_quicklock(struct lock *l)
{
	uint32_t free = 0;

	/* acquire: pairs with wf_quickunlock's release */
	if (!atomic_compare_exchange_strong_explicit(&l->word, &free, 1, memory_order_acquire,
						     memory_order_relaxed))
		wf_quicklock_slow(l);
}

static inline void wf_quickunlock(struct lock *l)
{
	/* release: pairs with wf_quicklock's acquire */
	atomic_store_explicit(&l->word, 0, memory_order_release);
}

/* A note is set once by whoever has something for its owner, who sleeps until
 * then: 0 clear, 1 set, 2 the owner sleeps, 3 a handler on the owner's thread wants
 * it to look up. */
struct note {
	_Atomic uint32_t word;
};

void wf_noteclear(struct note *);
void wf_notesleep(struct note *);
bool wf_notetsleep(struct note *, int64_t ns);       /* false when the time is up first */
bool wf_notesleepuntil(struct note *, int64_t when); /* by CLOCK_MONOTONIC; INT64_MAX: for ever */
void wf_notewakeup(struct note *);
void wf_notetake(struct note *);      /* clear it, and see what was done before it was set */
void wf_noteinterrupt(struct note *); /* by the owner's thread, in a handler */
bool wf_noteresume(struct note *);    /* whether it was that; it is clear again then */

/* A few cycles in which the other hyperthread may work. */
static inline void wf_relax(void)
{
#if defined __x86_64__ || defined __i386__
	__builtin_ia32_pause();
#else
	atomic_signal_fence(memory_order_seq_cst);
#endif
}

#endif
