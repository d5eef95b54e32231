/*
 * One-time initialisation, by tasks and by threads, and when it does not come to
 * its end.
 */
#include <pthread.h>

#include <weft.h>

#include "suite.h"

static weft_once_t control = WEFT_ONCE_INIT;
static _Atomic int ran, passed, gate;
static int made; /* not atomic: weft_once orders it */

static void make(void)
{
	ran++;
	for (int i = 0; i < 50; i++)
		weft_yield(); /* others come meanwhile */
	made = 42;
}

static void *need(void *arg)
{
	ck_assert_int_eq(weft_once(&control, make), 0);
	passed += made == 42;
	return arg;
}

START_TEST(test_null_is_einval)
{
	ck_assert_int_eq(weft_once(NULL, make), EINVAL);
	ck_assert_int_eq(weft_once(&control, NULL), EINVAL);
	ck_assert_int_eq(ran, 0);
	need(NULL);
	ck_assert_int_eq(ran, 1);
}
END_TEST

static void need_in_tasks(int n)
{
	weft_t tasks[64];

	for (int i = 0; i < n; i++)
		tasks[i] = create(need, NULL);
	for (int i = 0; i < n; i++)
		result_of(tasks[i]);
}

TASK_TEST(test_tasks_of_one_p_that_come_at_once_run_it_once, 1)
{
	need_in_tasks(64);
	ck_assert_int_eq(ran, 1);
	ck_assert_int_eq(passed, 64);
}

TASK_TEST(test_tasks_of_several_ps_that_come_at_once_run_it_once, 4)
{
	for (int i = 1; i <= 100; i++) {
		made = 0;
		control = WEFT_ONCE_INIT;
		need_in_tasks(16);
		ck_assert_int_eq(ran, i);
		ck_assert_int_eq(passed, 16 * i);
	}
}

START_TEST(test_tasks_and_threads_that_come_at_once_run_it_once)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, need, NULL), 0);
	need_in_tasks(16);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(ran, 1);
	ck_assert_int_eq(passed, 20);
}
END_TEST

/* --- an initialisation that ends otherwise ------------------------------------ */

static void cancelled_at_first(void)
{
	if (ran++ == 0) {
		wait_for(&gate, 1);
		weft_cancel(weft_self());
		weft_testcancel();
	}
	made = 42;
}

static void *need_cancelled(void *arg)
{
	ck_assert_int_eq(weft_once(&control, cancelled_at_first), 0);
	passed += made == 42;
	return arg;
}

TASK_TEST(test_a_cancelled_initialiser_leaves_it_to_the_next, 1)
{
	gate = 1;
	ck_assert_ptr_eq(result_of(create(need_cancelled, NULL)), WEFT_CANCELED);
	ck_assert_int_eq(control, WEFT_ONCE_INIT);
	ck_assert_ptr_null(result_of(create(need_cancelled, NULL)));
	ck_assert_int_eq(ran, 2);
	result_of(create(need_cancelled, NULL));
	ck_assert_int_eq(ran, 2);
	ck_assert_int_eq(passed, 2);
}

TASK_TEST(test_who_waits_for_a_cancelled_initialiser_runs_it, 2)
{
	enum { OTHERS = 10 };
	weft_t first = create(need_cancelled, NULL), others[OTHERS];

	wait_for(&ran, 1);
	for (int i = 0; i < OTHERS; i++)
		others[i] = create(need_cancelled, NULL);
	wait_parked(OTHERS);
	gate = 1;
	ck_assert_ptr_eq(result_of(first), WEFT_CANCELED);
	for (int i = 0; i < OTHERS; i++)
		ck_assert_ptr_null(result_of(others[i]));
	ck_assert_int_eq(ran, 2);
	ck_assert_int_eq(passed, OTHERS);
}

static void exits_at_first(void)
{
	if (ran++ == 0)
		weft_exit(&ran);
	made = 42;
}

static void *need_exiting(void *arg)
{
	ck_assert_int_eq(weft_once(&control, exits_at_first), 0);
	return arg;
}

TASK_TEST(test_an_initialiser_that_exits_leaves_it_to_the_next, 1)
{
	ck_assert_ptr_eq(result_of(create(need_exiting, NULL)), &ran);
	ck_assert_ptr_null(result_of(create(need_exiting, NULL)));
	ck_assert_int_eq(ran, 2);
	ck_assert_int_eq(made, 42);
}

START_TEST(test_a_thread_that_exits_as_initialiser_leaves_it_to_the_next)
{
	ck_assert_ptr_eq(on_thread(need_exiting, NULL), &ran);
	ck_assert_ptr_null(on_thread(need_exiting, NULL));
	ck_assert_int_eq(ran, 2);
	ck_assert_int_eq(made, 42);
}
END_TEST

/* --- waiting ------------------------------------------------------------------ */

static void make_when_told(void)
{
	ran++;
	wait_for(&gate, 1);
	made = 42;
}

static void *need_told(void *arg)
{
	ck_assert_int_eq(weft_once(&control, make_when_told), 0);
	passed += made == 42;
	weft_testcancel();
	return arg;
}

TASK_TEST(test_once_is_no_cancellation_point, 1)
{
	weft_t first = create(need_told, NULL), waiter = create(need_told, NULL);

	wait_parked(1);
	ck_assert_int_eq(weft_cancel(waiter), 0);
	weft_yield();
	ck_assert_int_eq(weft_tryjoin(waiter, NULL), EBUSY);
	ck_assert_int_eq(passed, 0);
	gate = 1;
	ck_assert_ptr_eq(result_of(waiter), WEFT_CANCELED);
	ck_assert_ptr_null(result_of(first));
	ck_assert_int_eq(passed, 2);
	ck_assert_int_eq(ran, 1);
}

static weft_once_t controls[500];

static void count(void)
{
	ran++;
}

static void *need_each(void *arg)
{
	for (int i = 0; i < 500; i++) {
		ck_assert_int_eq(weft_once(&controls[i], count), 0);
		if (i % 16 == 0)
			weft_yield();
	}
	return arg;
}

TASK_TEST(test_controls_do_not_mix, 4)
{
	weft_t tasks[8];

	for (int i = 0; i < 8; i++)
		tasks[i] = create(need_each, NULL);
	for (int i = 0; i < 8; i++)
		result_of(tasks[i]);
	ck_assert_int_eq(ran, 500);
}

static void make_outer(void)
{
	ck_assert_int_eq(weft_once(&controls[1], count), 0);
	ck_assert_int_eq(weft_once(&controls[64], count), 0);
}

TASK_TEST(test_an_initialiser_may_need_another, 1)
{
	ck_assert_int_eq(weft_once(&controls[0], make_outer), 0);
	ck_assert_int_eq(weft_once(&controls[0], make_outer), 0);
	ck_assert_int_eq(ran, 2);
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("once");

	tcase_add_test(tests, test_null_is_einval);
	tcase_add_test(tests, test_tasks_of_one_p_that_come_at_once_run_it_once);
	tcase_add_test(tests, test_tasks_of_several_ps_that_come_at_once_run_it_once);
	tcase_add_test(tests, test_tasks_and_threads_that_come_at_once_run_it_once);
	tcase_add_test(tests, test_a_cancelled_initialiser_leaves_it_to_the_next);
	tcase_add_test(tests, test_who_waits_for_a_cancelled_initialiser_runs_it);
	tcase_add_test(tests, test_an_initialiser_that_exits_leaves_it_to_the_next);
	tcase_add_test(tests, test_a_thread_that_exits_as_initialiser_leaves_it_to_the_next);
	tcase_add_test(tests, test_once_is_no_cancellation_point);
	tcase_add_test(tests, test_controls_do_not_mix);
	tcase_add_test(tests, test_an_initialiser_may_need_another);
	return tests;
}
