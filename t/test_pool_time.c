/*
 * Waits for pools, futures and groups that end by the time, or by the caller's deadline.
 */
#include <weft.h>

#include "pool_suite.h"
#include "suite.h"

static _Atomic int gate;

static void hold(void *arg)
{
	wait_for(arg, 1);
}

static int give_3(void *arg)
{
	wait_for(arg, 1);
	return 3;
}

static weft_pool_t *occupied(void)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 1, .capacity = 1});

	ck_assert_int_eq(weft_pool_submit(pool, hold, &gate), 0);
	return pool;
}

/* In a while that nobody waits for, soon, and before. */
static struct timespec later, soon, past;

static void look_at_the_clock(void)
{
	later = from_now(60000);
	soon = from_now(20);
	past = from_now(-1000);
}

TASK_TEST(test_a_wait_for_a_pool_gives_up, 2)
{
	weft_pool_t *pool = occupied();

	look_at_the_clock();
	ck_assert_int_eq(weft_pool_timedwait(pool, &past), ETIMEDOUT);
	ck_assert_int_eq(weft_pool_timedwait(pool, &soon), ETIMEDOUT);
	gate = 1;
	ck_assert_int_eq(weft_pool_timedwait(pool, &later), 0);
	ck_assert_int_eq(weft_pool_timedwait(pool, &past), 0);
	drain(pool);
}

TASK_TEST(test_a_wait_for_a_future_gives_up, 2)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 1});
	weft_future_t *future;
	void *value = NULL;

	look_at_the_clock();
	ck_assert_int_eq(weft_pool_async(pool, &future, wait_and_give_back, &gate), 0);
	ck_assert_int_eq(weft_future_timedget(future, &value, &past), ETIMEDOUT);
	ck_assert_int_eq(weft_future_timedget(future, &value, &soon), ETIMEDOUT);
	ck_assert_ptr_null(value);
	gate = 1;
	ck_assert_int_eq(weft_future_timedget(future, &value, &later), 0);
	ck_assert_ptr_eq(value, &gate);
	ck_assert_int_eq(weft_future_timedget(future, NULL, &past), 0);
	ck_assert_int_eq(weft_future_release(future), 0);
	drain(pool);
}

TASK_TEST(test_a_wait_for_a_group_gives_up, 2)
{
	weft_group_t *group;
	int first = -1;

	look_at_the_clock();
	ck_assert_int_eq(weft_group_create(&group, 0), 0);
	ck_assert_int_eq(weft_group_go(group, give_3, &gate), 0);
	ck_assert_int_eq(weft_group_timedwait(group, &first, &past), ETIMEDOUT);
	ck_assert_int_eq(weft_group_timedwait(group, &first, &soon), ETIMEDOUT);
	ck_assert_int_eq(first, -1);
	gate = 1;
	ck_assert_int_eq(weft_group_timedwait(group, &first, &later), 0);
	ck_assert_int_eq(first, 3);
	ck_assert_int_eq(weft_group_destroy(group), 0);
}

static void count(void *arg)
{
	(void)arg;
}

TASK_TEST(test_a_deadline_reaches_all_of_them_and_a_submit_that_waits, 2)
{
	weft_pool_t *pool = occupied();
	weft_group_t *group;
	weft_future_t *future;

	look_at_the_clock();
	ck_assert_int_eq(weft_group_create(&group, 0), 0);
	ck_assert_int_eq(weft_group_go(group, give_3, &gate), 0);
	ck_assert_int_eq(weft_pool_async(pool, &future, give_back, NULL), 0);
	ck_assert_int_eq(weft_deadline(&soon), 0);
	ck_assert_int_eq(weft_pool_wait(pool), ETIMEDOUT);
	ck_assert_int_eq(weft_pool_submit(pool, count, NULL), ETIMEDOUT);
	ck_assert_int_eq(weft_future_get(future, NULL), ETIMEDOUT);
	ck_assert_int_eq(weft_group_wait(group, NULL), ETIMEDOUT);
	ck_assert_int_eq(weft_deadline(NULL), 0);
	ck_assert_uint_eq(stats_of(pool).submitted, 2);
	gate = 1;
	ck_assert_int_eq(weft_group_wait(group, NULL), 0);
	ck_assert_int_eq(weft_group_destroy(group), 0);
	drain(pool);
	ck_assert_int_eq(weft_future_release(future), 0);
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("pool_time");

	tcase_add_test(tests, test_a_wait_for_a_pool_gives_up);
	tcase_add_test(tests, test_a_wait_for_a_future_gives_up);
	tcase_add_test(tests, test_a_wait_for_a_group_gives_up);
	tcase_add_test(tests, test_a_deadline_reaches_all_of_them_and_a_submit_that_waits);
	return tests;
}
