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

START_TEST(test_without_threads_nothing_runs)
{
	threadpool pool = thpool_init(-1);

	ck_assert_ptr_nonnull(pool);
	ck_assert_int_eq(thpool_add_work(pool, count, NULL), 0);
	usleep(20000);
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
	tcase_add_test(tests, test_without_threads_nothing_runs);
	return tests;
}
