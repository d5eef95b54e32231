/*
 * Spin locks: 0 is free. Who has spun for a while yields in between, since the holder may
 * be a task that waits for this P.
 */
#include <errno.h>

#include <weft/task.h>

#include "sync/sync.h"

enum { FREE = 0, HELD = 1, GONE = 2 };
enum { SPINS = 100 };

static _Atomic weft_spinlock_t *word_of(weft_spinlock_t *lock)
{
	return (_Atomic weft_spinlock_t *)lock;
}

static inline int take(weft_spinlock_t *lock)
{
	weft_spinlock_t free = FREE;

	/* acquire: pairs with the release of weft_spin_unlock */
	if (atomic_compare_exchange_strong_explicit(word_of(lock), &free, HELD,
						    memory_order_acquire, memory_order_relaxed))
		return 0;
	return free == HELD ? EBUSY : EINVAL;
}

static __attribute__((noinline)) int spin(weft_spinlock_t *lock)
{
	for (unsigned i = 1;; i++) {
		int error = EBUSY;

		/* relaxed: a look, so that the line is not taken from the holder */
		if (atomic_load_explicit(word_of(lock), memory_order_relaxed) != HELD)
			error = take(lock);
		if (error != EBUSY)
			return error;
		if (i % SPINS)
			wf_relax();
		else
			weft_yield();
	}
}

int weft_spin_lock(weft_spinlock_t *lock)
{
	int error = lock ? take(lock) : EINVAL;

	return error == EBUSY ? spin(lock) : error;
}

int weft_spin_trylock(weft_spinlock_t *lock)
{
	return lock ? take(lock) : EINVAL;
}

int weft_spin_unlock(weft_spinlock_t *lock)
{
	weft_spinlock_t now;

	if (!lock)
		return EINVAL;
	now = atomic_load_explicit(word_of(lock), memory_order_relaxed); /* the caller's own */
	if (now != HELD)
		return now == FREE ? EPERM : EINVAL;
	/* release: pairs with the acquire of who locks next */
	atomic_store_explicit(word_of(lock), FREE, memory_order_release);
	return 0;
}

int weft_spin_init(weft_spinlock_t *lock, int pshared)
{
	if (!lock || (pshared != WEFT_PROCESS_PRIVATE && pshared != WEFT_PROCESS_SHARED))
		return EINVAL;
	if (pshared == WEFT_PROCESS_SHARED)
		return ENOTSUP;
	*word_of(lock) = FREE;
	return 0;
}

int weft_spin_destroy(weft_spinlock_t *lock)
{
	weft_spinlock_t free = FREE;

	if (!lock)
		return EINVAL;
	if (atomic_compare_exchange_strong(word_of(lock), &free, GONE))
		return 0;
	return free == HELD ? EBUSY : EINVAL;
}
