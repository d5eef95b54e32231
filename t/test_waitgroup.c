/*
 * Wait groups.
 */
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

static weft_waitgroup_t wg = WEFT_WAITGROUP_INITIALIZER;
static _Atomic int done, passed;

START_TEST(test_misuse_is_answered)
{
	ck_assert_int_eq(weft_waitgroup_init(NULL), EINVAL);
	ck_assert_int_eq(weft_waitgroup_add(NULL, 1), EINVAL);
	ck_assert_int_eq(weft_waitgroup_wait(NULL), EINVAL);
	ck_assert_int_eq(weft_waitgroup_done(&wg), EINVAL);
	ck_assert_int_eq(weft_waitgroup_add(&wg, INT_MIN), EINVAL);
	ck_assert_int_eq(weft_waitgroup_wait(&wg), 0); /* nothing changed */
	ck_assert_int_eq(weft_waitgroup_add(&wg, INT_MAX), 0);
	ck_assert_int_eq(weft_waitgroup_add(&wg, 1), EOVERFLOW);
	ck_assert_int_eq(weft_waitgroup_add(&wg, INT_MIN), EINVAL);
	ck_assert_int_eq(weft_waitgroup_add(&wg, -INT_MAX), 0);
	ck_assert_int_eq(weft_waitgroup_add(&wg, 0), 0);
	ck_assert_int_eq(weft_waitgroup_wait(&wg), 0);
	ck_assert_int_eq(weft_waitgroup_destroy(&wg), 0);
	ck_assert_int_eq(weft_waitgroup_wait(&wg), EINVAL);
	ck_assert_int_eq(weft_waitgroup_add(&wg, 1), EINVAL);
	ck_assert_int_eq(weft_waitgroup_destroy(&wg), EINVAL);
	ck_assert_int_eq(weft_waitgroup_init(&wg), 0);
	ck_assert_int_eq(weft_waitgroup_add(&wg, 1), 0);
}
END_TEST

static void work(void *arg)
{
	weft_waitgroup_t *group = arg;

	if (done % 3 == 0)
		weft_yield();
	done++;
	ck_assert_int_eq(weft_waitgroup_done(group), 0);
}

static void *wait_group(void *arg)
{
	ck_assert_int_eq(weft_waitgroup_wait(&wg), 0);
	passed++;
	return arg;
}

TASK_TEST(test_one_that_somebody_waits_for_is_busy, 1)
{
	weft_t task[3];

	ck_assert_int_eq(weft_waitgroup_add(&wg, 2), 0);
	for (int i = 0; i < 3; i++)
		task[i] = create(wait_group, NULL);
	wait_parked(3);
	ck_assert_int_eq(weft_waitgroup_destroy(&wg), EBUSY);
	ck_assert_int_eq(weft_waitgroup_done(&wg), 0);
	for (int i = 0; i < 10; i++)
		weft_yield();
	ck_assert_int_eq(passed, 0);
	ck_assert_int_eq(weft_waitgroup_done(&wg), 0);
	for (int i = 0; i < 3; i++)
		result_of(task[i]);
	ck_assert_int_eq(passed, 3);
	ck_assert_int_eq(weft_waitgroup_destroy(&wg), 0);
}

static void *wait_masked(void *arg)
{
	ck_assert_int_eq(weft_setcancelstate(WEFT_CANCEL_MASKED, NULL), 0);
	ck_assert_int_eq(weft_waitgroup_wait(&wg), ECANCELED);
	return arg;
}

TASK_TEST(test_waiting_is_a_cancellation_point, 1)
{
	weft_t waiter, masked;

	ck_assert_int_eq(weft_waitgroup_add(&wg, 1), 0);
	waiter = create(wait_group, NULL);
	masked = create(wait_masked, NULL);
	wait_parked(2);
	ck_assert_int_eq(weft_cancel(waiter), 0);
	ck_assert_int_eq(weft_cancel(masked), 0);
	ck_assert_ptr_eq(result_of(waiter), WEFT_CANCELED);
	ck_assert_ptr_null(result_of(masked));
	ck_assert_int_eq(weft_waitgroup_destroy(&wg), 0);
}

TASK_TEST(test_a_timed_wait_ends_at_its_time, 1)
{
	struct timespec soon = time_of(CLOCK_MONOTONIC, 10), past = {0, 0}, bad = {0, -1};

	ck_assert_int_eq(weft_waitgroup_timedwait(&wg, &bad), 0); /* it need not wait */
	ck_assert_int_eq(weft_waitgroup_add(&wg, 1), 0);
	ck_assert_int_eq(weft_waitgroup_timedwait(&wg, &bad), EINVAL);
	ck_assert_int_eq(weft_waitgroup_timedwait(&wg, NULL), EINVAL);
	ck_assert_int_eq(weft_waitgroup_timedwait(&wg, &past), ETIMEDOUT);
	ck_assert_int_eq(weft_waitgroup_timedwait(&wg, &soon), ETIMEDOUT);
	ck_assert_int_eq(weft_waitgroup_done(&wg), 0);
	ck_assert_int_eq(weft_waitgroup_timedwait(&wg, &past), 0);
	ck_assert_int_eq(weft_waitgroup_destroy(&wg), 0);
}

static void in_rounds(void)
{
	enum { N = 20 };

	for (unsigned i = 0; i < scaled(rounds(2000)); i++) {
		weft_waitgroup_t *group = calloc(1, sizeof *group);

		ck_assert_ptr_nonnull(group);
		done = 0;
		ck_assert_int_eq(weft_waitgroup_add(group, N), 0);
		for (int j = 0; j < N; j++)
			ck_assert_int_eq(weft_go(work, group), 0);
		ck_assert_int_eq(weft_waitgroup_wait(group), 0);
		ck_assert_int_eq(done, N);
		memset(group, 0xff, sizeof *group); /* it may go as soon as the wait is over */
		free(group);
	}
}

TASK_TEST(test_a_wait_ends_when_all_are_done_on_one_p, 1)
{
	in_rounds();
}

TASK_TEST(test_a_wait_ends_when_all_are_done_on_several_ps, 4)
{
	in_rounds();
}

START_TEST(test_a_threads_wait_ends_when_all_are_done)
{
	in_rounds();
}
END_TEST

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("waitgroup");

	tcase_add_test(tests, test_misuse_is_answered);
	tcase_add_test(tests, test_one_that_somebody_waits_for_is_busy);
	tcase_add_test(tests, test_waiting_is_a_cancellation_point);
	tcase_add_test(tests, test_a_wait_ends_when_all_are_done_on_one_p);
	tcase_add_test(tests, test_a_wait_ends_when_all_are_done_on_several_ps);
	tcase_add_test(tests, test_a_threads_wait_ends_when_all_are_done);
	tcase_add_test(tests, test_a_timed_wait_ends_at_its_time);
	return tests;
}
