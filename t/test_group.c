/*
 * Groups: waited for together, the first error, cancellation of siblings.
 */
#include <pthread.h>

#include <weft.h>

#include "pool_suite.h"
#include "soak.h"
#include "suite.h"

static _Atomic int ran, begun, gate, cancelled;
static weft_group_t *group;

static void make_group(unsigned flags)
{
	ck_assert_int_eq(weft_group_create(&group, flags), 0);
}

static void destroy(void)
{
	ck_assert_int_eq(weft_group_destroy(group), 0);
}

static void go(int (*fn)(void *), intptr_t arg)
{
	ck_assert_int_eq(weft_group_go(group, fn, (void *)arg), 0);
}

static int first_of(void)
{
	int first = -1;

	ck_assert_int_eq(weft_group_wait(group, &first), 0);
	return first;
}

static int give(void *result)
{
	ran++;
	return (int)(intptr_t)result;
}

static int hold(void *result)
{
	begun++;
	wait_for(&gate, 1);
	return give(result);
}

TASK_TEST(test_calls_check_their_arguments, 1)
{
	ck_assert_int_eq(weft_group_create(NULL, 0), EINVAL);
	ck_assert_int_eq(weft_group_create(&group, 2), EINVAL);
	make_group(0);
	ck_assert_int_eq(weft_group_go(NULL, give, NULL), EINVAL);
	ck_assert_int_eq(weft_group_go(group, NULL, NULL), EINVAL);
	ck_assert_int_eq(weft_group_wait(NULL, NULL), EINVAL);
	ck_assert_int_eq(weft_group_timedwait(group, NULL, NULL), EINVAL);
	ck_assert_int_eq(weft_group_timedwait(group, NULL, &(struct timespec){0, 1000000000}),
			 EINVAL);
	ck_assert_int_eq(weft_group_cancel(NULL), EINVAL);
	ck_assert_int_eq(weft_group_destroy(NULL), EINVAL);
	destroy();
	ck_assert_int_eq(weft_group_go(group, give, NULL), EINVAL);
	ck_assert_int_eq(ran, 0);
}

static void wait_for_many(void)
{
	make_group(0);
	ck_assert_int_eq(first_of(), 0);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 1000; i++)
			go(give, 0);
		ck_assert_int_eq(first_of(), 0);
		ck_assert_int_eq(ran, 1000 * (round + 1));
	}
	destroy();
}

TASK_TEST(test_wait_waits_for_all_again_and_again, 2)
{
	wait_for_many();
}

START_TEST(test_so_it_does_on_a_thread)
{
	wait_for_many();
	ck_assert_int_eq(weft_shutdown(), 0);
}
END_TEST

TASK_TEST(test_the_first_result_that_is_not_0_is_told, 1)
{
	make_group(0);
	go(give, 0);
	go(give, 7);
	go(give, 0);
	go(give, -8);
	ck_assert_int_eq(first_of(), 7);
	ck_assert_int_eq(ran, 4);
	ck_assert_int_eq(first_of(), 0);
	go(give, 9);
	wait_for(&ran, 5);
	ck_assert_int_eq(weft_group_wait(group, NULL), 0);
	ck_assert_int_eq(first_of(), 0);
	destroy();
}

/* --- cancelling --------------------------------------------------------------- */

static int wait_cancelled(void *pool)
{
	int error, again;

	begun++;
	error = weft_pool_wait(pool);
	cancelled += error == ECANCELED;
	/* the wait after the one that was told is left alone, so that clean-up can wait */
	gate = 1;
	again = weft_pool_wait(pool);
	ck_assert(error != ECANCELED || again == 0);
	return error;
}

static void hold_pool(void *arg)
{
	(void)arg;
	wait_for(&gate, 1);
}

TASK_TEST(test_a_cancelled_group_masks_its_tasks_requests, 2)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 1});

	ck_assert_int_eq(weft_pool_submit(pool, hold_pool, NULL), 0);
	make_group(0);
	for (int i = 0; i < 100; i++)
		go(wait_cancelled, (intptr_t)pool);
	wait_for(&begun, 100);
	ck_assert_int_eq(weft_group_cancel(group), 0);
	ck_assert_int_eq(weft_group_cancel(group), 0);
	ck_assert_int_eq(first_of(), ECANCELED);
	ck_assert_int_gt(cancelled, 0);
	destroy();
	drain(pool);
}

TASK_TEST(test_tasks_that_never_started_are_skipped, 1)
{
	make_group(0);
	for (int i = 0; i < 100; i++)
		go(give, 0);
	ck_assert_int_eq(weft_group_cancel(group), 0);
	ck_assert_int_eq(first_of(), ECANCELED);
	ck_assert_int_eq(ran, 0);
	for (int i = 0; i < 100; i++)
		go(give, 0);
	ck_assert_int_eq(first_of(), 0);
	ck_assert_int_eq(ran, 100);
	destroy();
}

TASK_TEST(test_a_result_goes_before_the_skipped, 1)
{
	make_group(0);
	go(hold, 5);
	wait_for(&begun, 1);
	go(give, 0);
	ck_assert_int_eq(weft_group_cancel(group), 0);
	gate = 1;
	ck_assert_int_eq(first_of(), 5);
	ck_assert_int_eq(ran, 1);
	destroy();
}

TASK_TEST(test_cancelling_what_all_has_run_is_no_error, 1)
{
	make_group(0);
	go(give, 0);
	wait_for(&ran, 1);
	ck_assert_int_eq(weft_group_cancel(group), 0);
	ck_assert_int_eq(first_of(), 0);
	destroy();
}

TASK_TEST(test_an_error_cancels_the_siblings, 2)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 1});

	ck_assert_int_eq(weft_pool_submit(pool, hold_pool, NULL), 0);
	make_group(WEFT_GROUP_CANCEL_ON_ERROR);
	go(wait_cancelled, (intptr_t)pool);
	wait_for(&begun, 1);
	go(give, 0);
	go(give, 33);
	ck_assert_int_eq(first_of(), 33);
	ck_assert_int_eq(cancelled, 1);
	destroy();
	drain(pool);
}

TASK_TEST(test_without_the_flag_it_does_not, 1)
{
	make_group(0);
	go(give, 33);
	for (int i = 0; i < 10; i++)
		go(give, 0);
	ck_assert_int_eq(first_of(), 33);
	ck_assert_int_eq(ran, 11);
	destroy();
}

static int leave(void *value)
{
	ran++;
	weft_exit(value);
}

static int be_killed(void *arg)
{
	(void)arg;
	weft_setcancelstate(WEFT_CANCEL_ENABLE, NULL);
	ran++;
	weft_cancel(weft_self());
	weft_testcancel();
	return 0;
}

TASK_TEST(test_a_task_may_leave_by_exit, 2)
{
	make_group(0);
	for (int i = 0; i < 10; i++)
		go(leave, 77);
	ck_assert_int_eq(first_of(), 0);
	go(be_killed, 0);
	ck_assert_int_eq(first_of(), ECANCELED);
	ck_assert_int_eq(ran, 11);
	destroy();
}

/* --- waiting ---------------------------------------------------------------------- */

static int wait_for_own(void *arg)
{
	(void)arg;
	ran++;
	return weft_group_wait(group, NULL);
}

TASK_TEST(test_waiting_in_its_own_task_is_edeadlk, 2)
{
	make_group(0);
	go(wait_for_own, 0);
	ck_assert_int_eq(first_of(), EDEADLK);
	destroy();
}

static void *wait_for_group(void *arg)
{
	int first = -1;

	(void)arg;
	ck_assert_int_eq(weft_group_wait(group, &first), 0);
	return (void *)(intptr_t)first;
}

TASK_TEST(test_all_who_wait_are_told_the_same, 2)
{
	weft_t tasks[4];

	make_group(0);
	go(hold, 6);
	for (int i = 0; i < 4; i++)
		tasks[i] = create(wait_for_group, NULL);
	wait_parked(4);
	ck_assert_int_eq(weft_group_destroy(group), EBUSY);
	gate = 1;
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq((intptr_t)result_of(tasks[i]), 6);
	destroy();
}

static void *wait_masked(void *arg)
{
	int first = -1;

	(void)arg;
	weft_setcancelstate(WEFT_CANCEL_MASKED, NULL);
	ck_assert_int_eq(weft_group_wait(group, &first), ECANCELED);
	ck_assert_int_eq(first, -1);
	return NULL;
}

TASK_TEST(test_waiting_is_cancelled_and_the_tasks_go_on, 2)
{
	weft_t waiter;

	make_group(0);
	go(hold, 0);
	waiter = create(wait_masked, NULL);
	wait_parked(1);
	weft_cancel(waiter);
	result_of(waiter);
	ck_assert_int_eq(weft_group_destroy(group), EBUSY);
	gate = 1;
	ck_assert_int_eq(first_of(), 0);
	ck_assert_int_eq(ran, 1);
	destroy();
}

START_TEST(test_shutdown_is_ebusy_while_a_group_exists)
{
	for (int i = 0; i < 30; i++) {
		make_group(0);
		ck_assert_int_eq(weft_shutdown(), EBUSY);
		for (int k = 0; k < 20; k++)
			go(give, 0);
		ck_assert_int_eq(first_of(), 0);
		destroy();
		ck_assert_int_eq(weft_shutdown(), 0);
	}
	ck_assert_int_eq(ran, 600);
}
END_TEST

/* Tasks of groups that are about to end do not count, and do not hide the one that lives. */
START_TEST(test_shutdown_is_ebusy_while_a_task_lives_beside_groups_that_end)
{
	weft_t task = create(wait_and_give_back, (void *)&gate);

	for (unsigned i = 0; i < scaled(rounds(2000)); i++) {
		make_group(0);
		for (int k = 0; k < 3; k++)
			go(give, 0);
		ck_assert_int_eq(first_of(), 0);
		destroy();
		ck_assert_int_eq(weft_shutdown(), EBUSY);
	}
	gate = 1;
	result_of(task);
	ck_assert_int_eq(weft_shutdown(), 0);
}
END_TEST

/* --- all at once -------------------------------------------------------------------- */

static int fork_tree(void *depth)
{
	intptr_t left = (intptr_t)depth;

	ran++;
	for (int i = 0; i < 3 && left; i++)
		go(fork_tree, left - 1);
	return 0;
}

TASK_TEST(test_tasks_may_start_others, 2)
{
	make_group(0);
	go(fork_tree, 7);
	ck_assert_int_eq(first_of(), 0);
	ck_assert_int_eq(ran, 3280);
	destroy();
}

/* Groups of their own, cancelled at any time; each adds up. */
static _Atomic int private_ran[8];

static int count_private(void *counter)
{
	++*(_Atomic int *)counter;
	weft_yield();
	return 0;
}

static void *cancel_at_random(void *arg)
{
	intptr_t n = (intptr_t)arg;
	weft_group_t *own;
	unsigned dice = (unsigned)n + 1;

	ck_assert_int_eq(weft_group_create(&own, 0), 0);
	for (int round = 0; round < 200; round++) {
		int first, before = private_ran[n], made = 0;

		while ((dice = dice * 1103515245 + 12345) >> 16 & 15) {
			ck_assert_int_eq(weft_group_go(own, count_private, &private_ran[n]), 0);
			made++;
		}
		if (dice >> 20 & 1)
			weft_group_cancel(own);
		ck_assert_int_eq(weft_group_wait(own, &first), 0);
		if (first == 0)
			ck_assert_int_eq(private_ran[n] - before, made);
		else
			ck_assert_int_lt(private_ran[n] - before, made);
	}
	ck_assert_int_eq(weft_group_destroy(own), 0);
	return NULL;
}

START_TEST(test_groups_of_tasks_and_threads_at_once)
{
	pthread_t threads[2];
	weft_t tasks[6];

	for (intptr_t i = 0; i < 6; i++)
		tasks[i] = create(cancel_at_random, (void *)i);
	for (intptr_t i = 0; i < 2; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, cancel_at_random, (void *)(6 + i)), 0);
	for (int i = 0; i < 6; i++)
		result_of(tasks[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}
END_TEST

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("group");

	tcase_add_test(tests, test_calls_check_their_arguments);
	tcase_add_test(tests, test_wait_waits_for_all_again_and_again);
	tcase_add_test(tests, test_so_it_does_on_a_thread);
	tcase_add_test(tests, test_the_first_result_that_is_not_0_is_told);
	tcase_add_test(tests, test_a_cancelled_group_masks_its_tasks_requests);
	if (!disturbed()) { /* they may start */
		tcase_add_test(tests, test_tasks_that_never_started_are_skipped);
		tcase_add_test(tests, test_a_result_goes_before_the_skipped);
	}
	tcase_add_test(tests, test_cancelling_what_all_has_run_is_no_error);
	tcase_add_test(tests, test_an_error_cancels_the_siblings);
	tcase_add_test(tests, test_without_the_flag_it_does_not);
	tcase_add_test(tests, test_a_task_may_leave_by_exit);
	tcase_add_test(tests, test_waiting_in_its_own_task_is_edeadlk);
	tcase_add_test(tests, test_all_who_wait_are_told_the_same);
	tcase_add_test(tests, test_waiting_is_cancelled_and_the_tasks_go_on);
	tcase_add_test(tests, test_shutdown_is_ebusy_while_a_group_exists);
	tcase_add_test(tests, test_shutdown_is_ebusy_while_a_task_lives_beside_groups_that_end);
	tcase_add_test(tests, test_tasks_may_start_others);
	tcase_add_test(tests, test_groups_of_tasks_and_threads_at_once);
	return tests;
}
