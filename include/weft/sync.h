/*
 * Synchronisation: mutexes, condition variables, read-write locks, barriers, spin
 * locks, semaphores and wait groups.
 *
 * weft_X stands for pthread_X (weft_sem_X for sem_X) with the same arguments, results
 * and edge cases (IEEE Std 1003.1-2024, and glibc's _np calls); what differs is said
 * here. Tasks and foreign threads may use the same object; where a task parks, a
 * foreign thread blocks in the kernel. Objects hold no memory besides themselves, fit
 * where their pthread twins do, and are in their default state when all bytes are
 * zero. They may not be copied or moved while they are in use, and serve one process.
 *
 * Calls return 0 or an error number, those on semaphores 0 or -1 with errno. NULL for an
 * object is EINVAL; so is an object that was destroyed. A call that a foreign thread
 * makes without memory for what stands for it gives ENOMEM. Timed calls take an absolute
 * time; a bad one (NULL, nanoseconds not in 0 to 999,999,999) is EINVAL where they
 * would have to wait, one in the past ETIMEDOUT. Clocks are CLOCK_REALTIME and
 * CLOCK_MONOTONIC; another is EINVAL. Nothing but weft_sem_post may be called in a
 * handler of a signal. None of these calls boots the runtime.
 */
#ifndef WEFT_SYNC_H
#define WEFT_SYNC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h> /* clockid_t, in strict C11 too */
#include <time.h>

#include <weft/attribute.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** Objects: what is in them is the library's. */
typedef struct {
	uint64_t opaque[3];
	int type; /**< for the initialisers */
	unsigned more[3];
} weft_mutex_t;
typedef struct {
	uint64_t opaque[4];
} weft_cond_t;
typedef struct {
	uint64_t opaque[4];
} weft_rwlock_t;
typedef struct {
	uint64_t opaque[3];
} weft_barrier_t;
typedef struct {
	uint64_t opaque[4];
} weft_sem_t;
typedef struct {
	uint64_t opaque[3];
} weft_waitgroup_t;
typedef int weft_spinlock_t;

/** Attributes; all bytes zero is the default. */
typedef struct {
	int opaque;
} weft_mutexattr_t;
typedef struct {
	int opaque;
} weft_condattr_t;
typedef struct {
	int opaque;
} weft_rwlockattr_t;
typedef struct {
	int opaque;
} weft_barrierattr_t;

enum {
	WEFT_MUTEX_NORMAL = 0,
	WEFT_MUTEX_RECURSIVE = 1,
	WEFT_MUTEX_ERRORCHECK = 2,
	WEFT_MUTEX_DEFAULT = WEFT_MUTEX_NORMAL
};
enum { WEFT_PROCESS_PRIVATE = 0, WEFT_PROCESS_SHARED = 1 };
enum { WEFT_PRIO_NONE = 0, WEFT_PRIO_INHERIT = 1, WEFT_PRIO_PROTECT = 2 };
enum { WEFT_MUTEX_STALLED = 0, WEFT_MUTEX_ROBUST = 1 };

/** What weft_barrier_wait returns to one of each round. */
#define WEFT_BARRIER_SERIAL_THREAD (-1)

/* clang-format off */
#define WEFT_MUTEX_INITIALIZER {{0, 0, 0}, WEFT_MUTEX_NORMAL, {0, 0, 0}}
#define WEFT_RECURSIVE_MUTEX_INITIALIZER {{0, 0, 0}, WEFT_MUTEX_RECURSIVE, {0, 0, 0}}
#define WEFT_ERRORCHECK_MUTEX_INITIALIZER {{0, 0, 0}, WEFT_MUTEX_ERRORCHECK, {0, 0, 0}}
#define WEFT_COND_INITIALIZER {{0, 0, 0, 0}}
#define WEFT_RWLOCK_INITIALIZER {{0, 0, 0, 0}}
#define WEFT_WAITGROUP_INITIALIZER {{0, 0, 0}}
/* clang-format on */

/* --- mutexes ------------------------------------------------------------------ */

/**
 * Attributes of a mutex, set to the defaults.
 *
 * @return 0; EINVAL (NULL)
 * Never park. Semantics: pthread_mutexattr_init, pthread_mutexattr_destroy.
 */
int weft_mutexattr_init(weft_mutexattr_t *attr);
int weft_mutexattr_destroy(weft_mutexattr_t *attr);

/**
 * What a mutex does when its holder locks it again: WEFT_MUTEX_NORMAL (default: waits
 * for ever), WEFT_MUTEX_RECURSIVE (counts), WEFT_MUTEX_ERRORCHECK (EDEADLK).
 *
 * @return 0; EINVAL (NULL, unknown type)
 * Never park. Semantics: pthread_mutexattr_settype.
 */
int weft_mutexattr_settype(weft_mutexattr_t *attr, int type);
int weft_mutexattr_gettype(const weft_mutexattr_t *attr, int *type);

/**
 * What tasks can't have: mutexes shared with other processes, priorities, and robust
 * mutexes. Only the default is accepted: WEFT_PROCESS_PRIVATE, WEFT_PRIO_NONE,
 * WEFT_MUTEX_STALLED.
 *
 * @return 0; ENOTSUP (the others), EINVAL (NULL, an unknown value)
 * Never park. Semantics: pthread_mutexattr_setpshared, pthread_mutexattr_setprotocol,
 * pthread_mutexattr_setrobust.
 */
int weft_mutexattr_setpshared(weft_mutexattr_t *attr, int pshared);
int weft_mutexattr_getpshared(const weft_mutexattr_t *attr, int *pshared);
int weft_mutexattr_setprotocol(weft_mutexattr_t *attr, int protocol);
int weft_mutexattr_getprotocol(const weft_mutexattr_t *attr, int *protocol);
int weft_mutexattr_setrobust(weft_mutexattr_t *attr, int robust);
int weft_mutexattr_getrobust(const weft_mutexattr_t *attr, int *robust);

/**
 * Make a mutex. A static initialiser, or memory of zeros, does the same.
 *
 * @param attr attributes; NULL for the defaults
 * @return 0; EINVAL (NULL, attr was destroyed)
 * Never parks. Semantics: pthread_mutex_init.
 */
int weft_mutex_init(weft_mutex_t *mutex, const weft_mutexattr_t *attr);

/**
 * End a mutex that nobody holds or waits for. It may be destroyed and its memory
 * freed as soon as it was unlocked, even while the call that unlocked it returns.
 *
 * @return 0; EBUSY (held or waited for), EINVAL
 * Never parks. Semantics: pthread_mutex_destroy.
 */
int weft_mutex_destroy(weft_mutex_t *mutex);

/**
 * Lock a mutex, waiting while another holds it.
 *
 * Who has waited in vain a few times is handed the mutex by its holder. What was done
 * before an unlock happens before the return of the next lock.
 *
 * @return 0; EDEADLK (errorcheck, and the caller holds it), EAGAIN (recursive, and
 *         locked too often), EINVAL, ENOMEM
 * May park; neither a cancellation point nor ended by a deadline. Semantics:
 * pthread_mutex_lock.
 */
WEFT_NOPLT int weft_mutex_lock(weft_mutex_t *mutex);

/**
 * The same unless another holds it.
 *
 * @return 0; EBUSY (held, also by the caller unless recursive), EAGAIN, EINVAL, ENOMEM
 * Never parks. Semantics: pthread_mutex_trylock.
 */
WEFT_NOPLT int weft_mutex_trylock(weft_mutex_t *mutex);

/**
 * The same until a time of CLOCK_REALTIME, or of a given clock.
 *
 * @param abs absolute time
 * @return 0; ETIMEDOUT; EINVAL (also: abs, where it would wait; the clock); else as
 *         weft_mutex_lock
 * May park; no cancellation points. Semantics: pthread_mutex_timedlock, pthread_mutex_clocklock.
 */
int weft_mutex_timedlock(weft_mutex_t *mutex, const struct timespec *abs);
int weft_mutex_clocklock(weft_mutex_t *mutex, clockid_t clock, const struct timespec *abs);

/**
 * Unlock a mutex.
 *
 * @return 0; EPERM (the caller does not hold it, whatever its type), EINVAL
 * Never parks. Semantics: pthread_mutex_unlock.
 */
WEFT_NOPLT int weft_mutex_unlock(weft_mutex_t *mutex);

/* --- condition variables --------------------------------------------------------- */

/**
 * Attributes of a condition variable: the clock of weft_cond_timedwait, CLOCK_REALTIME
 * (default) or CLOCK_MONOTONIC.
 *
 * @return 0; EINVAL (NULL, another clock); setpshared: ENOTSUP (WEFT_PROCESS_SHARED)
 * Never park. Semantics: pthread_condattr_init, pthread_condattr_setclock,
 * pthread_condattr_setpshared.
 */
int weft_condattr_init(weft_condattr_t *attr);
int weft_condattr_destroy(weft_condattr_t *attr);
int weft_condattr_setclock(weft_condattr_t *attr, clockid_t clock);
int weft_condattr_getclock(const weft_condattr_t *attr, clockid_t *clock);
int weft_condattr_setpshared(weft_condattr_t *attr, int pshared);
int weft_condattr_getpshared(const weft_condattr_t *attr, int *pshared);

/**
 * Make a condition variable, and end one that nobody waits on; that may be as soon as
 * the last who waited was woken.
 *
 * @param attr attributes; NULL for the defaults
 * @return 0; EINVAL; destroy: EBUSY (waited on)
 * Never park, but destroy lets those go whose time came at that instant. Semantics:
 * pthread_cond_init, pthread_cond_destroy.
 */
int weft_cond_init(weft_cond_t *cond, const weft_condattr_t *attr);
int weft_cond_destroy(weft_cond_t *cond);

/**
 * Unlock a mutex and wait until woken, in one step; the mutex is locked again on return
 * whatever the result, and before clean-up handlers run.
 *
 * The wait ends when it was signalled, when its time comes, or by a cancellation, and
 * not otherwise. One that ends for another reason takes no signal from others. Of a
 * recursive mutex that is locked more than once, one lock is undone (as in glibc).
 *
 * @param mutex held by the caller; the same for all who wait at a time
 * @param abs   absolute time of the condition variable's clock, or of a given one
 * @return 0; EPERM (the caller does not hold the mutex), EINVAL (also: others wait with
 *         another mutex; abs; the clock); ETIMEDOUT (also at the task's deadline);
 *         ECANCELED under WEFT_CANCEL_MASKED
 * Cancellation points; park. Semantics: pthread_cond_wait, pthread_cond_timedwait,
 * pthread_cond_clockwait.
 */
WEFT_NOPLT int weft_cond_wait(weft_cond_t *cond, weft_mutex_t *mutex);
int weft_cond_timedwait(weft_cond_t *cond, weft_mutex_t *mutex, const struct timespec *abs);
int weft_cond_clockwait(weft_cond_t *cond, weft_mutex_t *mutex, clockid_t clock,
			const struct timespec *abs);

/**
 * Wake who has waited longest, or all.
 *
 * Broadcast wakes one at most and has the others wait for the mutex, which they get one
 * after the other.
 *
 * @return 0; EINVAL
 * Never park. Semantics: pthread_cond_signal, pthread_cond_broadcast.
 */
WEFT_NOPLT int weft_cond_signal(weft_cond_t *cond);
int weft_cond_broadcast(weft_cond_t *cond);

/* --- read-write locks ------------------------------------------------------------- */

/**
 * Attributes of a read-write lock.
 *
 * @return 0; EINVAL; setpshared: ENOTSUP (WEFT_PROCESS_SHARED)
 * Never park. Semantics: pthread_rwlockattr_init, pthread_rwlockattr_setpshared.
 */
int weft_rwlockattr_init(weft_rwlockattr_t *attr);
int weft_rwlockattr_destroy(weft_rwlockattr_t *attr);
int weft_rwlockattr_setpshared(weft_rwlockattr_t *attr, int pshared);
int weft_rwlockattr_getpshared(const weft_rwlockattr_t *attr, int *pshared);

/**
 * Make a read-write lock, and end one that nobody holds or waits for.
 *
 * @param attr attributes; NULL for the defaults
 * @return 0; EINVAL; destroy: EBUSY
 * Never park. Semantics: pthread_rwlock_init, pthread_rwlock_destroy.
 */
int weft_rwlock_init(weft_rwlock_t *rwlock, const weft_rwlockattr_t *attr);
int weft_rwlock_destroy(weft_rwlock_t *rwlock);

/**
 * Lock for reading, together with others, or for writing, alone.
 *
 * Readers that come while a writer waits wait behind it, and those that wait when a
 * writer unlocks go before the next writer: neither starves the other. So a reader must
 * not lock for reading a second time, unless it knows that no writer waits.
 *
 * @return 0; EDEADLK (the caller holds it for writing), EAGAIN (too many readers),
 *         EINVAL, ENOMEM
 * May park; neither cancellation points nor ended by a deadline. Semantics:
 * pthread_rwlock_rdlock, pthread_rwlock_wrlock.
 */
int weft_rwlock_rdlock(weft_rwlock_t *rwlock);
int weft_rwlock_wrlock(weft_rwlock_t *rwlock);

/**
 * The same unless it would have to wait.
 *
 * @return 0; EBUSY; EAGAIN (too many readers), EINVAL, ENOMEM
 * Never park. Semantics: pthread_rwlock_tryrdlock, pthread_rwlock_trywrlock.
 */
int weft_rwlock_tryrdlock(weft_rwlock_t *rwlock);
int weft_rwlock_trywrlock(weft_rwlock_t *rwlock);

/**
 * The same until a time of CLOCK_REALTIME, or of a given clock.
 *
 * @param abs absolute time
 * @return 0; ETIMEDOUT; EINVAL (also: abs, where it would wait; the clock); else as the
 *         untimed calls
 * May park; no cancellation points. Semantics: pthread_rwlock_timedrdlock,
 * pthread_rwlock_clockrdlock and their twins.
 */
int weft_rwlock_timedrdlock(weft_rwlock_t *rwlock, const struct timespec *abs);
int weft_rwlock_clockrdlock(weft_rwlock_t *rwlock, clockid_t clock, const struct timespec *abs);
int weft_rwlock_timedwrlock(weft_rwlock_t *rwlock, const struct timespec *abs);
int weft_rwlock_clockwrlock(weft_rwlock_t *rwlock, clockid_t clock, const struct timespec *abs);

/**
 * Undo one lock of either kind.
 *
 * @return 0; EPERM (nobody holds it, or another for writing), EINVAL
 * Never parks. Semantics: pthread_rwlock_unlock.
 */
int weft_rwlock_unlock(weft_rwlock_t *rwlock);

/* --- barriers ----------------------------------------------------------------------- */

/**
 * Attributes of a barrier.
 *
 * @return 0; EINVAL; setpshared: ENOTSUP (WEFT_PROCESS_SHARED)
 * Never park. Semantics: pthread_barrierattr_init, pthread_barrierattr_setpshared.
 */
int weft_barrierattr_init(weft_barrierattr_t *attr);
int weft_barrierattr_destroy(weft_barrierattr_t *attr);
int weft_barrierattr_setpshared(weft_barrierattr_t *attr, int pshared);
int weft_barrierattr_getpshared(const weft_barrierattr_t *attr, int *pshared);

/**
 * Make a barrier, and end one that nobody waits at; that may be as soon as any of a
 * round has returned.
 *
 * @param attr  attributes; NULL for the defaults
 * @param count how many make a round; not 0
 * @return 0; EINVAL; destroy: EBUSY
 * Never park. Semantics: pthread_barrier_init, pthread_barrier_destroy.
 */
int weft_barrier_init(weft_barrier_t *barrier, const weft_barrierattr_t *attr, unsigned count);
int weft_barrier_destroy(weft_barrier_t *barrier);

/**
 * Wait until as many wait as make a round; then all go on, and the next round begins.
 *
 * What each did before happens before the return of all.
 *
 * @return WEFT_BARRIER_SERIAL_THREAD to one of the round (the last to come), 0 to the
 *         others; EINVAL, ENOMEM
 * Parks; not a cancellation point. Semantics: pthread_barrier_wait.
 */
int weft_barrier_wait(weft_barrier_t *barrier);

/* --- spin locks ----------------------------------------------------------------------- */

/**
 * Make a spin lock (0 is one too), and end one that nobody holds.
 *
 * @param pshared WEFT_PROCESS_PRIVATE
 * @return 0; EINVAL; init: ENOTSUP (WEFT_PROCESS_SHARED); destroy: EBUSY
 * Never park. Semantics: pthread_spin_init, pthread_spin_destroy.
 */
int weft_spin_init(weft_spinlock_t *lock, int pshared);
int weft_spin_destroy(weft_spinlock_t *lock);

/**
 * Lock for a few instructions. The caller spins for a while, then lets other tasks run
 * in between (weft_yield), so that the holder may be one of its own P.
 *
 * @return 0; EINVAL; trylock: EBUSY
 * Never park. Semantics: pthread_spin_lock, pthread_spin_trylock.
 */
int weft_spin_lock(weft_spinlock_t *lock);
int weft_spin_trylock(weft_spinlock_t *lock);

/**
 * Unlock it.
 *
 * @return 0; EPERM (it is not locked), EINVAL
 * Never parks. Semantics: pthread_spin_unlock.
 */
int weft_spin_unlock(weft_spinlock_t *lock);

/* --- semaphores ------------------------------------------------------------------------- */

/**
 * Make a semaphore, and end one that nobody waits for.
 *
 * @param pshared 0
 * @param value   its initial value, up to SEM_VALUE_MAX (INT_MAX)
 * @return 0; -1 and errno: EINVAL; init: ENOSYS (pshared is not 0); destroy: EBUSY
 * Never park. Semantics: sem_init, sem_destroy.
 */
int weft_sem_init(weft_sem_t *sem, int pshared, unsigned value);
int weft_sem_destroy(weft_sem_t *sem);

/**
 * Take one, waiting until there is one.
 *
 * Who waits is served in the order of coming. What was done before a post happens
 * before the return of the wait that it ends.
 *
 * @return 0; -1 and errno: EINVAL, ENOMEM; ETIMEDOUT at the task's deadline; ECANCELED
 *         under WEFT_CANCEL_MASKED; never EINTR
 * A cancellation point; may park. Semantics: sem_wait.
 */
WEFT_NOPLT int weft_sem_wait(weft_sem_t *sem);

/**
 * Take one if there is one.
 *
 * @return 0; -1 and errno: EAGAIN, EINVAL
 * Never parks. Semantics: sem_trywait.
 */
int weft_sem_trywait(weft_sem_t *sem);

/**
 * As weft_sem_wait, until a time of CLOCK_REALTIME, or of a given clock.
 *
 * @param abs absolute time
 * @return 0; -1 and errno: ETIMEDOUT, EINVAL (also: abs, where it would wait; the
 *         clock); else as weft_sem_wait
 * Cancellation points; may park. Semantics: sem_timedwait, sem_clockwait.
 */
int weft_sem_timedwait(weft_sem_t *sem, const struct timespec *abs);
int weft_sem_clockwait(weft_sem_t *sem, clockid_t clock, const struct timespec *abs);

/**
 * Give one: to who has waited longest, or to whoever comes.
 *
 * @return 0; -1 and errno: EOVERFLOW (the value would be above SEM_VALUE_MAX), EINVAL
 * Never parks. May be called in handlers of signals, on any thread. Semantics: sem_post.
 */
WEFT_NOPLT int weft_sem_post(weft_sem_t *sem);

/**
 * Tell how many can be taken; 0 when somebody waits.
 *
 * @return 0; -1 and errno: EINVAL
 * Never parks. Semantics: sem_getvalue.
 */
int weft_sem_getvalue(weft_sem_t *sem, int *value);

/* --- wait groups --------------------------------------------------------------------------- */

/**
 * Make a wait group with a count of 0, and end one that nobody waits for.
 *
 * @return 0; EINVAL; destroy: EBUSY
 * Never park. Semantics: Go's sync.WaitGroup.
 */
int weft_waitgroup_init(weft_waitgroup_t *wg);
int weft_waitgroup_destroy(weft_waitgroup_t *wg);

/**
 * Add to the count, or take from it (done: 1). When it becomes 0, all who wait go on.
 *
 * What was done before a call that takes happens before the return of the waits that
 * it ends.
 *
 * @return 0; EINVAL (it would fall below 0) and EOVERFLOW (it would be above INT_MAX):
 *         the count stays
 * Never park. Semantics: Go's Add and Done.
 */
int weft_waitgroup_add(weft_waitgroup_t *wg, int delta);
int weft_waitgroup_done(weft_waitgroup_t *wg);

/**
 * Wait until the count is 0, or until a time of CLOCK_MONOTONIC.
 *
 * @param abs absolute time
 * @return 0; ETIMEDOUT (also at the task's deadline); ECANCELED under
 *         WEFT_CANCEL_MASKED; EINVAL, ENOMEM
 * Cancellation points; park. Semantics: Go's Wait.
 */
int weft_waitgroup_wait(weft_waitgroup_t *wg);
int weft_waitgroup_timedwait(weft_waitgroup_t *wg, const struct timespec *abs);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
