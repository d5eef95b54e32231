/*
 * Barriers and spin locks.
 */
#include <pthread.h>
#include <string.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

static weft_barrier_t barrier;
static _Atomic int arrived, serials;
static weft_spinlock_t spin;
static long counter; /* not atomic: the spin lock guards it */

START_TEST(test_misuse_is_answered)
{
	weft_barrierattr_t attr;
	int value;

	ck_assert_int_eq(weft_barrierattr_init(&attr), 0);
	ck_assert_int_eq(weft_barrierattr_setpshared(&attr, WEFT_PROCESS_SHARED), ENOTSUP);
	ck_assert_int_eq(weft_barrierattr_setpshared(&attr, -1), EINVAL);
	ck_assert_int_eq(weft_barrierattr_getpshared(&attr, &value), 0);
	ck_assert_int_eq(value, WEFT_PROCESS_PRIVATE);
	ck_assert_int_eq(weft_barrier_wait(&barrier), EINVAL); /* zeros are no barrier */
	ck_assert_int_eq(weft_barrier_init(&barrier, &attr, 0), EINVAL);
	ck_assert_int_eq(weft_barrier_init(NULL, NULL, 1), EINVAL);
	ck_assert_int_eq(weft_barrier_init(&barrier, &attr, 1), 0);
	ck_assert_int_eq(weft_barrierattr_destroy(&attr), 0);
	ck_assert_int_eq(weft_barrier_init(&barrier, &attr, 1), EINVAL);
	ck_assert_int_eq(weft_barrier_wait(NULL), EINVAL);
	ck_assert_int_eq(weft_barrier_wait(&barrier), WEFT_BARRIER_SERIAL_THREAD);
	ck_assert_int_eq(weft_barrier_destroy(&barrier), 0);
	ck_assert_int_eq(weft_barrier_destroy(&barrier), EINVAL);
	ck_assert_int_eq(weft_barrier_wait(&barrier), EINVAL);
	ck_assert_int_eq(weft_barrier_destroy(NULL), EINVAL);
}
END_TEST

enum { ROUND = 4 };
static unsigned turns;

static void *meet(void *arg)
{
	for (unsigned i = 0; i < turns; i++) {
		int result;

		arrived++;
		result = weft_barrier_wait(&barrier);
		ck_assert_int_ge(arrived, ROUND * ((int)i + 1)); /* all of this round are here */
		ck_assert(result == 0 || result == WEFT_BARRIER_SERIAL_THREAD);
		serials += result == WEFT_BARRIER_SERIAL_THREAD;
		ck_assert_int_le(arrived, ROUND * ((int)i + 2));
	}
	return arg;
}

static void meet_all(int tasks, int threads)
{
	weft_t task[ROUND];
	pthread_t thread[ROUND];

	turns = scaled(rounds(3000));
	ck_assert_int_eq(weft_barrier_init(&barrier, NULL, ROUND), 0);
	for (int i = 0; i < threads; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, meet, NULL), 0);
	for (int i = 0; i < tasks; i++)
		task[i] = create(meet, NULL);
	for (int i = 0; i < tasks; i++)
		result_of(task[i]);
	for (int i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	ck_assert_int_eq(serials, (int)turns);
	ck_assert_int_eq(weft_barrier_destroy(&barrier), 0);
}

TASK_TEST(test_rounds_of_tasks_do_not_mix, 1)
{
	meet_all(ROUND, 0);
}

TASK_TEST(test_rounds_of_tasks_and_threads_do_not_mix, 4)
{
	meet_all(ROUND / 2, ROUND / 2);
}

static void *meet_once(void *arg)
{
	weft_barrier_wait(&barrier);
	return arg;
}

TASK_TEST(test_one_that_somebody_waits_at_is_busy, 1)
{
	weft_t task;

	ck_assert_int_eq(weft_barrier_init(&barrier, NULL, 2), 0);
	task = create(meet_once, NULL);
	wait_parked(1);
	ck_assert_int_eq(weft_barrier_destroy(&barrier), EBUSY);
	ck_assert_int_eq(weft_barrier_wait(&barrier), WEFT_BARRIER_SERIAL_THREAD);
	ck_assert_int_eq(weft_barrier_destroy(&barrier), 0);
	result_of(task);
}

static void *meet_and_end(void *arg)
{
	weft_barrier_t *it = arg;

	if (weft_barrier_wait(it) == WEFT_BARRIER_SERIAL_THREAD) {
		ck_assert_int_eq(weft_barrier_destroy(it), 0);
		memset(it, 0xff, sizeof *it);
		free(it);
	}
	return NULL;
}

TASK_TEST(test_the_serial_one_may_free_it_at_once, 4)
{
	for (unsigned i = 0; i < scaled(rounds(3000)); i++) {
		weft_barrier_t *it = malloc(sizeof *it);
		weft_t task[ROUND];

		ck_assert_ptr_nonnull(it);
		ck_assert_int_eq(weft_barrier_init(it, NULL, ROUND), 0);
		for (int j = 0; j < ROUND; j++)
			task[j] = create(meet_and_end, it);
		for (int j = 0; j < ROUND; j++)
			result_of(task[j]);
	}
}

/* --- spin locks ------------------------------------------------------------------ */

START_TEST(test_spin_locks_answer_as_posix_says)
{
	ck_assert_int_eq(weft_spin_init(NULL, 0), EINVAL);
	ck_assert_int_eq(weft_spin_init(&spin, WEFT_PROCESS_SHARED), ENOTSUP);
	ck_assert_int_eq(weft_spin_init(&spin, 9), EINVAL);
	ck_assert_int_eq(weft_spin_init(&spin, WEFT_PROCESS_PRIVATE), 0);
	ck_assert_int_eq(weft_spin_unlock(&spin), EPERM);
	ck_assert_int_eq(weft_spin_lock(&spin), 0);
	ck_assert_int_eq(weft_spin_trylock(&spin), EBUSY);
	ck_assert_int_eq(weft_spin_destroy(&spin), EBUSY);
	ck_assert_int_eq(weft_spin_unlock(&spin), 0);
	ck_assert_int_eq(weft_spin_trylock(&spin), 0);
	ck_assert_int_eq(weft_spin_unlock(&spin), 0);
	ck_assert_int_eq(weft_spin_destroy(&spin), 0);
	ck_assert_int_eq(weft_spin_lock(&spin), EINVAL);
	ck_assert_int_eq(weft_spin_unlock(&spin), EINVAL);
	ck_assert_int_eq(weft_spin_lock(NULL), EINVAL);
	ck_assert_int_eq(weft_spin_trylock(NULL), EINVAL);
	ck_assert_int_eq(weft_spin_unlock(NULL), EINVAL);
}
END_TEST

static void *spin_and_yield(void *arg)
{
	for (unsigned i = 0; i < turns; i++) {
		ck_assert_int_eq(weft_spin_lock(&spin), 0);
		counter++;
		if (i % 16 == 0)
			weft_yield(); /* whoever spins has to let the holder run */
		ck_assert_int_eq(weft_spin_unlock(&spin), 0);
	}
	return arg;
}

static void spin_all(int tasks, int threads)
{
	weft_t task[4];
	pthread_t thread[4];

	turns = scaled(rounds(2000));
	for (int i = 0; i < threads; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, spin_and_yield, NULL), 0);
	for (int i = 0; i < tasks; i++)
		task[i] = create(spin_and_yield, NULL);
	for (int i = 0; i < tasks; i++)
		result_of(task[i]);
	for (int i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	ck_assert_int_eq(counter, (long)turns * (tasks + threads));
}

TASK_TEST(test_who_spins_lets_a_holder_of_the_same_p_run, 1)
{
	spin_all(4, 0);
}

TASK_TEST(test_spinning_tasks_and_threads_exclude_each_other, 4)
{
	spin_all(2, 2);
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("barrier");

	tcase_add_test(tests, test_misuse_is_answered);
	tcase_add_test(tests, test_rounds_of_tasks_do_not_mix);
	tcase_add_test(tests, test_rounds_of_tasks_and_threads_do_not_mix);
	tcase_add_test(tests, test_one_that_somebody_waits_at_is_busy);
	tcase_add_test(tests, test_the_serial_one_may_free_it_at_once);
	tcase_add_test(tests, test_spin_locks_answer_as_posix_says);
	tcase_add_test(tests, test_who_spins_lets_a_holder_of_the_same_p_run);
	tcase_add_test(tests, test_spinning_tasks_and_threads_exclude_each_other);
	return tests;
}
