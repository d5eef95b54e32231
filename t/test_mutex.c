/*
 * Mutexes: of each type, by tasks and threads, and what happens when somebody waits.
 */
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

static weft_mutex_t mutex = WEFT_MUTEX_INITIALIZER;
static _Atomic int reached;
static long counter; /* not atomic: the mutex guards it */

static weft_mutex_t *of_type(int type)
{
	static weft_mutex_t made;
	weft_mutexattr_t attr;

	ck_assert_int_eq(weft_mutexattr_init(&attr), 0);
	ck_assert_int_eq(weft_mutexattr_settype(&attr, type), 0);
	ck_assert_int_eq(weft_mutex_init(&made, &attr), 0);
	ck_assert_int_eq(weft_mutexattr_destroy(&attr), 0);
	return &made;
}

/* What another thread or task gets. */
static void *try_it(void *arg)
{
	int error = weft_mutex_trylock(arg);

	if (!error)
		ck_assert_int_eq(weft_mutex_unlock(arg), 0);
	return (void *)(intptr_t)error;
}

static void *unlock_it(void *arg)
{
	return (void *)(intptr_t)weft_mutex_unlock(arg);
}

static int others(void *(*fn)(void *), weft_mutex_t *m)
{
	return (int)(intptr_t)on_thread(fn, m);
}

START_TEST(test_attributes_have_the_values_that_can_be_had)
{
	weft_mutexattr_t attr, zero = {0};
	int value;

	ck_assert_int_eq(weft_mutexattr_init(&attr), 0);
	ck_assert_mem_eq(&attr, &zero, sizeof attr);
	ck_assert_int_eq(weft_mutexattr_gettype(&attr, &value), 0);
	ck_assert_int_eq(value, WEFT_MUTEX_DEFAULT);
	for (int type = WEFT_MUTEX_NORMAL; type <= WEFT_MUTEX_ERRORCHECK; type++) {
		ck_assert_int_eq(weft_mutexattr_settype(&attr, type), 0);
		ck_assert_int_eq(weft_mutexattr_gettype(&attr, &value), 0);
		ck_assert_int_eq(value, type);
	}
	ck_assert_int_eq(weft_mutexattr_settype(&attr, 3), EINVAL);
	ck_assert_int_eq(weft_mutexattr_settype(&attr, -1), EINVAL);
	ck_assert_int_eq(weft_mutexattr_setpshared(&attr, WEFT_PROCESS_PRIVATE), 0);
	ck_assert_int_eq(weft_mutexattr_setpshared(&attr, WEFT_PROCESS_SHARED), ENOTSUP);
	ck_assert_int_eq(weft_mutexattr_setpshared(&attr, 2), EINVAL);
	ck_assert_int_eq(weft_mutexattr_getpshared(&attr, &value), 0);
	ck_assert_int_eq(value, WEFT_PROCESS_PRIVATE);
	ck_assert_int_eq(weft_mutexattr_setprotocol(&attr, WEFT_PRIO_NONE), 0);
	ck_assert_int_eq(weft_mutexattr_setprotocol(&attr, WEFT_PRIO_INHERIT), ENOTSUP);
	ck_assert_int_eq(weft_mutexattr_setprotocol(&attr, WEFT_PRIO_PROTECT), ENOTSUP);
	ck_assert_int_eq(weft_mutexattr_setprotocol(&attr, 3), EINVAL);
	ck_assert_int_eq(weft_mutexattr_getprotocol(&attr, &value), 0);
	ck_assert_int_eq(value, WEFT_PRIO_NONE);
	ck_assert_int_eq(weft_mutexattr_setrobust(&attr, WEFT_MUTEX_STALLED), 0);
	ck_assert_int_eq(weft_mutexattr_setrobust(&attr, WEFT_MUTEX_ROBUST), ENOTSUP);
	ck_assert_int_eq(weft_mutexattr_setrobust(&attr, 2), EINVAL);
	ck_assert_int_eq(weft_mutexattr_getrobust(&attr, &value), 0);
	ck_assert_int_eq(value, WEFT_MUTEX_STALLED);
	ck_assert_int_eq(weft_mutexattr_destroy(&attr), 0);
	ck_assert_int_eq(weft_mutexattr_destroy(&attr), EINVAL);
	ck_assert_int_eq(weft_mutexattr_gettype(&attr, &value), EINVAL);
	ck_assert_int_eq(weft_mutex_init(&mutex, &attr), EINVAL);
	ck_assert_int_eq(weft_mutexattr_init(NULL), EINVAL);
	ck_assert_int_eq(weft_mutexattr_gettype(&zero, NULL), EINVAL);
}
END_TEST

START_TEST(test_null_and_destroyed_are_einval)
{
	ck_assert_int_eq(weft_mutex_init(NULL, NULL), EINVAL);
	ck_assert_int_eq(weft_mutex_lock(NULL), EINVAL);
	ck_assert_int_eq(weft_mutex_trylock(NULL), EINVAL);
	ck_assert_int_eq(weft_mutex_unlock(NULL), EINVAL);
	ck_assert_int_eq(weft_mutex_destroy(NULL), EINVAL);
	ck_assert_int_eq(weft_mutex_init(&mutex, NULL), 0);
	ck_assert_int_eq(weft_mutex_destroy(&mutex), 0);
	ck_assert_int_eq(weft_mutex_lock(&mutex), EINVAL);
	ck_assert_int_eq(weft_mutex_trylock(&mutex), EINVAL);
	ck_assert_int_eq(weft_mutex_unlock(&mutex), EINVAL);
	ck_assert_int_eq(weft_mutex_destroy(&mutex), EINVAL);
	ck_assert_int_eq(weft_mutex_init(&mutex, NULL), 0);
	ck_assert_int_eq(weft_mutex_lock(&mutex), 0);
	ck_assert_int_eq(weft_mutex_unlock(&mutex), 0);
}
END_TEST

START_TEST(test_uncontended_locks_do_not_boot_the_runtime)
{
	weft_stats_t stats;

	ck_assert_int_eq(weft_mutex_lock(&mutex), 0);
	ck_assert_int_eq(weft_mutex_trylock(&mutex), EBUSY);
	ck_assert_int_eq(others(try_it, &mutex), EBUSY);
	ck_assert_int_eq(weft_mutex_unlock(&mutex), 0);
	ck_assert_int_eq(others(try_it, &mutex), 0);
	ck_assert_int_eq(weft_stats(&stats, sizeof stats), 0);
	ck_assert_uint_eq(stats.threads, 0);
}
END_TEST

static void types(void)
{
	weft_mutex_t *m = of_type(WEFT_MUTEX_ERRORCHECK);

	ck_assert_int_eq(weft_mutex_unlock(m), EPERM);
	ck_assert_int_eq(weft_mutex_lock(m), 0);
	ck_assert_int_eq(weft_mutex_lock(m), EDEADLK);
	ck_assert_int_eq(weft_mutex_trylock(m), EBUSY);
	ck_assert_int_eq(others(unlock_it, m), EPERM);
	ck_assert_int_eq(weft_mutex_destroy(m), EBUSY);
	ck_assert_int_eq(weft_mutex_unlock(m), 0);
	ck_assert_int_eq(weft_mutex_unlock(m), EPERM);
	ck_assert_int_eq(weft_mutex_destroy(m), 0);
	m = of_type(WEFT_MUTEX_NORMAL);
	ck_assert_int_eq(weft_mutex_unlock(m), EPERM);
	ck_assert_int_eq(weft_mutex_lock(m), 0);
	ck_assert_int_eq(weft_mutex_trylock(m), EBUSY);
	ck_assert_int_eq(others(unlock_it, m), EPERM);
	ck_assert_int_eq(weft_mutex_unlock(m), 0);
	m = of_type(WEFT_MUTEX_RECURSIVE);
	ck_assert_int_eq(weft_mutex_unlock(m), EPERM);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(i & 1 ? weft_mutex_trylock(m) : weft_mutex_lock(m), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(others(try_it, m), EBUSY);
		ck_assert_int_eq(others(unlock_it, m), EPERM);
		ck_assert_int_eq(weft_mutex_destroy(m), EBUSY);
		ck_assert_int_eq(weft_mutex_unlock(m), 0);
	}
	ck_assert_int_eq(others(try_it, m), 0);
	ck_assert_int_eq(weft_mutex_unlock(m), EPERM);
}

START_TEST(test_each_type_answers_a_thread_as_posix_says)
{
	types();
}
END_TEST

TASK_TEST(test_each_type_answers_a_task_as_posix_says, 1)
{
	types();
}

START_TEST(test_initialisers_are_of_their_types)
{
	static weft_mutex_t recursive = WEFT_RECURSIVE_MUTEX_INITIALIZER;
	static weft_mutex_t errorcheck = WEFT_ERRORCHECK_MUTEX_INITIALIZER;

	ck_assert_int_eq(weft_mutex_lock(&recursive), 0);
	ck_assert_int_eq(weft_mutex_lock(&recursive), 0);
	ck_assert_int_eq(weft_mutex_lock(&errorcheck), 0);
	ck_assert_int_eq(weft_mutex_lock(&errorcheck), EDEADLK);
}
END_TEST

static void *lock_twice(void *arg)
{
	ck_assert_int_eq(weft_mutex_lock(&mutex), 0);
	reached++;
	ck_assert_int_eq(weft_mutex_lock(&mutex), 0);
	reached++;
	return arg;
}

TASK_TEST(test_a_normal_mutex_locked_again_waits_for_ever, 1)
{
	weft_t twice = create(lock_twice, NULL);

	wait_parked(1);
	for (int i = 0; i < 10; i++)
		weft_yield();
	ck_assert_int_eq(reached, 1);
	ck_assert_int_eq(weft_tryjoin(twice, NULL), EBUSY);
	ck_assert_int_eq(weft_mutex_destroy(&mutex), EBUSY);
	ck_assert_int_eq(weft_mutex_unlock(&mutex), EPERM);
	_exit(0); /* it waits still */
}

/* --- contention ---------------------------------------------------------------- */

enum { CONTENDERS = 8 };
static unsigned turns;

static void *contend(void *arg)
{
	for (unsigned i = 0; i < turns; i++) {
		ck_assert_int_eq(weft_mutex_lock(&mutex), 0);
		counter++;
		if (i % 16 == 0)
			weft_yield(); /* held while others come */
		ck_assert_int_eq(weft_mutex_unlock(&mutex), 0);
		if (i % 64 == 0)
			weft_yield();
	}
	return arg;
}

static void contend_all(int tasks, int threads)
{
	weft_t task[CONTENDERS];
	pthread_t thread[CONTENDERS];

	turns = scaled(rounds(20000));
	for (int i = 0; i < threads; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, contend, NULL), 0);
	for (int i = 0; i < tasks; i++)
		task[i] = create(contend, NULL);
	for (int i = 0; i < tasks; i++)
		result_of(task[i]);
	for (int i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	ck_assert_int_eq(counter, (long)turns * (tasks + threads));
	ck_assert_int_eq(weft_mutex_destroy(&mutex), 0);
}

TASK_TEST(test_tasks_of_one_p_exclude_each_other, 1)
{
	contend_all(CONTENDERS, 0);
}

TASK_TEST(test_tasks_of_several_ps_exclude_each_other, 4)
{
	contend_all(CONTENDERS, 0);
}

START_TEST(test_threads_exclude_each_other)
{
	contend_all(0, 4);
}
END_TEST

TASK_TEST(test_tasks_and_threads_exclude_each_other, 4)
{
	contend_all(CONTENDERS / 2, CONTENDERS / 2);
}

/* How often the mutex was got by others while one waited. */
static _Atomic long passed_by;
static _Atomic int stop;

static void *hog(void *arg)
{
	while (!stop) {
		ck_assert_int_eq(weft_mutex_lock(&mutex), 0);
		passed_by++;
		weft_yield(); /* the waiter runs while the mutex is held */
		ck_assert_int_eq(weft_mutex_unlock(&mutex), 0);
	}
	return arg;
}

TASK_TEST(test_who_waits_gets_it_after_a_few_unlocks, 1)
{
	enum { ROUNDS = 200 };
	weft_t task[2] = {create(hog, NULL), create(hog, NULL)};
	int longer = 0;

	for (int i = 0; i < ROUNDS; i++) {
		long before;

		weft_yield();
		before = passed_by;
		ck_assert_int_eq(weft_mutex_lock(&mutex), 0);
		/* two others, each of which may be before it with its own three chances */
		longer += passed_by - before > 10;
		ck_assert_int_eq(weft_mutex_unlock(&mutex), 0);
	}
	/* who loses its P on the way into the queue waits elsewhere first */
	ck_assert_int_le(longer, ROUNDS / 10);
	stop = 1;
	result_of(task[0]);
	result_of(task[1]);
}

static _Atomic int cancelled_late;

static void *lock_cancelled(void *arg)
{
	ck_assert_int_eq(weft_mutex_lock(&mutex), 0);
	cancelled_late++;
	ck_assert_int_eq(weft_mutex_unlock(&mutex), 0);
	weft_testcancel();
	return arg;
}

TASK_TEST(test_locking_is_no_cancellation_point, 1)
{
	weft_t waiter;

	ck_assert_int_eq(weft_mutex_lock(&mutex), 0);
	waiter = create(lock_cancelled, NULL);
	wait_parked(1);
	ck_assert_int_eq(weft_cancel(waiter), 0);
	for (int i = 0; i < 10; i++)
		weft_yield();
	ck_assert_int_eq(cancelled_late, 0);
	ck_assert_int_eq(weft_mutex_unlock(&mutex), 0);
	ck_assert_ptr_eq(result_of(waiter), WEFT_CANCELED);
	ck_assert_int_eq(cancelled_late, 1);
}

/* --- times ---------------------------------------------------------------------- */

static void *lock_timed(void *arg)
{
	struct timespec bad = {0, 1000000000}, past = {0, 0}, negative = {5, -1};
	struct timespec soon = time_of(CLOCK_REALTIME, 20), mono = time_of(CLOCK_MONOTONIC, 20);

	ck_assert_int_eq(weft_mutex_timedlock(&mutex, &bad), EINVAL);
	ck_assert_int_eq(weft_mutex_timedlock(&mutex, &negative), EINVAL);
	ck_assert_int_eq(weft_mutex_timedlock(&mutex, NULL), EINVAL);
	ck_assert_int_eq(weft_mutex_timedlock(NULL, &past), EINVAL);
	ck_assert_int_eq(weft_mutex_timedlock(&mutex, &past), ETIMEDOUT);
	ck_assert_int_eq(weft_mutex_timedlock(&mutex, &soon), ETIMEDOUT);
	ck_assert_int_eq(weft_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &mono), ETIMEDOUT);
	ck_assert_int_eq(weft_mutex_clocklock(&mutex, CLOCK_PROCESS_CPUTIME_ID, &mono), EINVAL);
	mono = time_of(CLOCK_MONOTONIC, 1);
	ck_assert_int_eq(weft_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &mono), ETIMEDOUT);
	return arg;
}

static void times(void)
{
	struct timespec past = {0, 0}, bad = {0, -1};

	ck_assert_int_eq(weft_mutex_timedlock(&mutex, &past), 0); /* it need not wait */
	on_thread(lock_timed, NULL);
	result_of(create(lock_timed, NULL));
	ck_assert_int_eq(weft_mutex_unlock(&mutex), 0);
	ck_assert_int_eq(weft_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &bad), 0);
	ck_assert_int_eq(weft_mutex_unlock(&mutex), 0);
	ck_assert_int_eq(weft_mutex_clocklock(&mutex, -5, &past), EINVAL);
	ck_assert_int_eq(weft_mutex_destroy(&mutex), 0);
}

START_TEST(test_a_threads_timed_lock_ends_at_its_time)
{
	times();
}
END_TEST

TASK_TEST(test_a_tasks_timed_lock_ends_at_its_time, 2)
{
	times();
}

static _Atomic int got, missed;

static void *lock_or_miss(void *arg)
{
	for (unsigned i = 0; i < turns; i++) {
		struct timespec t = time_of(CLOCK_MONOTONIC, i % 3);
		int error = weft_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &t);

		ck_assert(!error || error == ETIMEDOUT);
		if (error) {
			missed++;
			continue;
		}
		counter++;
		if (i % 8 == 0)
			weft_yield();
		ck_assert_int_eq(weft_mutex_unlock(&mutex), 0);
		got++;
	}
	return arg;
}

TASK_TEST(test_waits_that_end_at_their_time_lose_no_unlock, 4)
{
	weft_t task[CONTENDERS];
	pthread_t thread[2];

	turns = scaled(rounds(5000));
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, lock_or_miss, NULL), 0);
	for (int i = 0; i < CONTENDERS; i++)
		task[i] = create(i & 1 ? lock_or_miss : contend, NULL);
	for (int i = 0; i < CONTENDERS; i++)
		result_of(task[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	ck_assert_int_eq(counter, got + (long)turns * CONTENDERS / 2);
	ck_assert_int_eq(got + missed, (int)turns * (CONTENDERS / 2 + 2));
	ck_assert_int_eq(weft_mutex_destroy(&mutex), 0);
}

/* --- an object that goes as soon as it is unlocked ---------------------------------- */

struct shared {
	weft_mutex_t mutex;
	int users;
};

static void drop(struct shared *shared)
{
	int left;

	ck_assert_int_eq(weft_mutex_lock(&shared->mutex), 0);
	left = --shared->users;
	ck_assert_int_eq(weft_mutex_unlock(&shared->mutex), 0);
	if (left)
		return;
	ck_assert_int_eq(weft_mutex_destroy(&shared->mutex), 0);
	memset(shared, 0xff, sizeof *shared);
	free(shared);
}

static void *use_and_drop(void *arg)
{
	drop(arg);
	return NULL;
}

TASK_TEST(test_the_last_user_may_free_it, 4)
{
	enum { USERS = 4 };

	for (unsigned i = 0; i < scaled(rounds(5000)); i++) {
		struct shared *shared = calloc(1, sizeof *shared);
		weft_t task[USERS];

		ck_assert_ptr_nonnull(shared);
		shared->users = USERS;
		for (int j = 0; j < USERS; j++)
			task[j] = create(use_and_drop, shared);
		for (int j = 0; j < USERS; j++)
			result_of(task[j]);
	}
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("mutex");

	tcase_add_test(tests, test_attributes_have_the_values_that_can_be_had);
	tcase_add_test(tests, test_null_and_destroyed_are_einval);
	tcase_add_test(tests, test_uncontended_locks_do_not_boot_the_runtime);
	tcase_add_test(tests, test_each_type_answers_a_thread_as_posix_says);
	tcase_add_test(tests, test_each_type_answers_a_task_as_posix_says);
	tcase_add_test(tests, test_initialisers_are_of_their_types);
	tcase_add_test(tests, test_a_normal_mutex_locked_again_waits_for_ever);
	tcase_add_test(tests, test_tasks_of_one_p_exclude_each_other);
	tcase_add_test(tests, test_tasks_of_several_ps_exclude_each_other);
	tcase_add_test(tests, test_threads_exclude_each_other);
	tcase_add_test(tests, test_tasks_and_threads_exclude_each_other);
	tcase_add_test(tests, test_who_waits_gets_it_after_a_few_unlocks);
	tcase_add_test(tests, test_locking_is_no_cancellation_point);
	tcase_add_test(tests, test_the_last_user_may_free_it);
	tcase_add_test(tests, test_a_threads_timed_lock_ends_at_its_time);
	tcase_add_test(tests, test_a_tasks_timed_lock_ends_at_its_time);
	tcase_add_test(tests, test_waits_that_end_at_their_time_lose_no_unlock);
	return tests;
}
