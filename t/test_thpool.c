/*
 * The C-Thread-Pool API: what its description promises.
 */
#include <unistd.h>

#include <weft.h>

#include "suite.h"
#include "thpool.h"

static _Atomic int ran, begun, gate;

static void count(void *arg)
{
	(void)arg;
	ran++;
}

static void hold(void *arg)
{
	begun++;
	wait_for(&gate, 1);
	count(arg);
}

START_TEST(test_wait_waits_for_all)
{
	threadpool pool = thpool_init(4);

	ck_assert_ptr_nonnull(pool);
	thpool_wait(pool);
	for (int i = 0; i < 10000; i++)
		ck_assert_int_eq(thpool_add_work(pool, count, NULL), 0);
	thpool_wait(pool);
	ck_assert_int_eq(ran, 10000);
	ck_assert_int_eq(thpool_num_threads_working(pool), 0);
	thpool_destroy(pool);
	ck_assert_int_eq(weft_shutdown(), 0);
}
END_TEST

START_TEST(test_as_many_work_as_there_are_threads)
{
	threadpool pool = thpool_init(3);

	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(thpool_add_work(pool, hold, NULL), 0);
	wait_for(&begun, 3);
	ck_assert_int_eq(thpool_num_threads_working(pool), 3);
	gate = 1;
	thpool_wait(pool);
	ck_assert_int_eq(ran, 5);
	thpool_destroy(pool);
}
END_TEST

START_TEST(test_a_paused_pool_starts_nothing)
{
	threadpool pool = thpool_init(2);

	thpool_pause(pool);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(thpool_add_work(pool, count, NULL), 0);
	usleep(20000);
	ck_assert_int_eq(ran, 0);
	thpool_resume(pool);
	thpool_wait(pool);
	ck_assert_int_eq(ran, 5);
	thpool_destroy(pool);
}
END_TEST

static void *open_gate(void *arg)
{
	usleep(20000);
	gate = 1;
	return arg;
}

START_TEST(test_destroy_waits_for_what_runs_and_drops_what_waits)
{
	threadpool pool = thpool_init(2);

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(thpool_add_work(pool, hold, NULL), 0);
	wait_for(&begun, 2);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(thpool_add_work(pool, count, NULL), 0);
	create(open_gate, NULL);
	thpool_destroy(pool);
	ck_assert_int_eq(ran, 2);
	thpool_destroy(NULL);
}
END_TEST

START_TEST(test_a_pause_lets_running_jobs_end_and_no_other_begin)
{
	threadpool pool = thpool_init(2);

	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(thpool_add_work(pool, hold, NULL), 0);
	wait_for(&begun, 2);
	thpool_pause(pool);
	ck_assert_int_eq(thpool_num_threads_working(pool), 2);
	gate = 1;
	while (thpool_num_threads_working(pool))
		usleep(1000);
	ck_assert_int_eq(ran, 2);
	usleep(20000);
	ck_assert_int_eq(begun, 2);
	thpool_resume(pool);
	thpool_wait(pool);
	ck_assert_int_eq(ran, 5);
	thpool_destroy(pool);
}
END_TEST

static void *resume_later(void *pool)
{
	usleep(20000);
	ran = 100;
	thpool_resume(pool);
	return NULL;
}

START_TEST(test_wait_on_a_paused_pool_waits_until_it_was_resumed)
{
	threadpool pool = thpool_init(2);
	weft_t task;

	thpool_pause(pool);
	thpool_wait(pool); /* for nothing */
	ck_assert_int_eq(thpool_add_work(pool, count, NULL), 0);
	task = create(resume_later, pool);
	thpool_wait(pool);
	ck_assert_int_eq(ran, 101);
	result_of(task);
	thpool_destroy(pool);
}
END_TEST

START_TEST(test_destroying_a_paused_pool_drops_what_waits)
{
	threadpool pool = thpool_init(2);

	thpool_pause(pool);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(thpool_add_work(pool, count, NULL), 0);
	thpool_destroy(pool);
	ck_assert_int_eq(ran, 0);
	ck_assert_int_eq(weft_shutdown(), 0);
}
END_TEST

static threadpool own;

static void wait_for_own(void *arg)
{
	thpool_wait(own);
	count(arg);
}

static void add_more(void *left)
{
	if (left)
		ck_assert_int_eq(thpool_add_work(own, add_more, (char *)left - 1), 0);
	count(left);
}

START_TEST(test_a_job_may_add_jobs_and_does_not_wait_for_itself)
{
	own = thpool_init(1);
	ck_assert_int_eq(thpool_add_work(own, wait_for_own, NULL), 0);
	ck_assert_int_eq(thpool_add_work(own, add_more, as_arg(9)), 0);
	thpool_wait(own);
	ck_assert_int_eq(ran, 11);
	thpool_destroy(own);
}
END_TEST

START_TEST(test_without_threads_nothing_runs)
{
	threadpool pool = thpool_init(-_i);

	ck_assert_ptr_nonnull(pool);
	ck_assert_int_eq(thpool_add_work(pool, count, NULL), 0);
	thpool_pause(pool);
	thpool_resume(pool);
	usleep(20000);
	ck_assert_int_eq(thpool_num_threads_working(pool), 0);
	thpool_destroy(pool);
	ck_assert_int_eq(ran, 0);
}
END_TEST

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("thpool");

	tcase_add_test(tests, test_wait_waits_for_all);
	tcase_add_test(tests, test_as_many_work_as_there_are_threads);
	tcase_add_test(tests, test_a_paused_pool_starts_nothing);
	tcase_add_test(tests, test_destroy_waits_for_what_runs_and_drops_what_waits);
	tcase_add_test(tests, test_a_pause_lets_running_jobs_end_and_no_other_begin);
	tcase_add_test(tests, test_wait_on_a_paused_pool_waits_until_it_was_resumed);
	tcase_add_test(tests, test_destroying_a_paused_pool_drops_what_waits);
	tcase_add_test(tests, test_a_job_may_add_jobs_and_does_not_wait_for_itself);
	tcase_add_loop_test(tests, test_without_threads_nothing_runs, 0, 2);
	return tests;
}
