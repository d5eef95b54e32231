/*
 * Pools: what is submitted is run, so many at once and in order, by tasks that are there only
 * while there is work; and what calls answer.
 */
#include <weft.h>

#include "pool_jobs.h"
#include "suite.h"

/* --- arguments -------------------------------------------------------------- */

TASK_TEST(test_create_checks_its_arguments, 1)
{
	weft_pool_attr_t attr = {0};
	weft_pool_t *pool;

	ck_assert_int_eq(weft_pool_create(NULL, NULL), EINVAL);
	attr.overflow = 3;
	ck_assert_int_eq(weft_pool_create(&pool, &attr), EINVAL);
	attr.overflow = -1;
	ck_assert_int_eq(weft_pool_create(&pool, &attr), EINVAL);
	attr = (weft_pool_attr_t){.stack_size = WEFT_STACK_MIN - 1};
	ck_assert_int_eq(weft_pool_create(&pool, &attr), EINVAL);
	attr = (weft_pool_attr_t){.name = "a name that has more than thirty-one"};
	ck_assert_int_eq(weft_pool_create(&pool, &attr), ERANGE);
	attr = (weft_pool_attr_t){.reserved = {0, 1}};
	ck_assert_int_eq(weft_pool_create(&pool, &attr), EINVAL);
}

TASK_TEST(test_calls_check_their_arguments, 1)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.priorities = 3});
	weft_pool_stats_t stats;
	weft_future_t *future;

	ck_assert_int_eq(weft_pool_submit(NULL, count, NULL), EINVAL);
	ck_assert_int_eq(weft_pool_submit(pool, NULL, NULL), EINVAL);
	ck_assert_int_eq(weft_pool_submit_prio(pool, -1, count, NULL), EINVAL);
	ck_assert_int_eq(weft_pool_submit_prio(pool, 3, count, NULL), EINVAL);
	ck_assert_int_eq(weft_pool_async(pool, NULL, give_back, NULL), EINVAL);
	ck_assert_int_eq(weft_pool_async(pool, &future, NULL, NULL), EINVAL);
	ck_assert_int_eq(weft_pool_async(NULL, &future, give_back, NULL), EINVAL);
	ck_assert_int_eq(weft_pool_wait(NULL), EINVAL);
	ck_assert_int_eq(weft_pool_timedwait(pool, NULL), EINVAL);
	ck_assert_int_eq(weft_pool_pause(NULL), EINVAL);
	ck_assert_int_eq(weft_pool_resume(NULL), EINVAL);
	ck_assert_int_eq(weft_pool_resize(NULL, 1), EINVAL);
	ck_assert_int_eq(weft_pool_stats(NULL, &stats, sizeof stats), EINVAL);
	ck_assert_int_eq(weft_pool_stats(pool, NULL, sizeof stats), EINVAL);
	ck_assert_int_eq(weft_pool_stats(pool, &stats, 0), EINVAL);
	ck_assert_int_eq(weft_pool_destroy(NULL, WEFT_DRAIN, NULL), EINVAL);
	ck_assert_int_eq(weft_pool_destroy(pool, 2, NULL), EINVAL);
	ck_assert_int_eq(ran, 0);
	ck_assert_int_eq(weft_pool_destroy(pool, WEFT_DRAIN, NULL), 0);
	ck_assert_int_eq(weft_pool_submit(pool, count, NULL), EINVAL);
}

TASK_TEST(test_stats_fill_as_much_as_they_are_asked_for, 1)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 5});
	struct {
		weft_pool_stats_t stats;
		uint64_t more;
	} large = {.more = 1};
	weft_pool_stats_t stats = {.queued = 77};

	ck_assert_int_eq(weft_pool_stats(pool, &stats, sizeof stats.workers), 0);
	ck_assert_uint_eq(stats.workers, 5);
	ck_assert_uint_eq(stats.queued, 77);
	ck_assert_int_eq(weft_pool_stats(pool, &large.stats, sizeof large), 0);
	ck_assert_uint_eq(large.stats.workers, 5);
	ck_assert_uint_eq(large.more, 0);
	drain(pool);
}

/* --- running ------------------------------------------------------------------- */

static void run_many(void)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 3});

	for (int i = 0; i < 5000; i++)
		ck_assert_int_eq(weft_pool_submit(pool, count, NULL), 0);
	ck_assert_int_eq(weft_pool_wait(pool), 0);
	ck_assert_int_eq(ran, 5000);
	ck_assert_uint_eq(stats_of(pool).finished, 5000);
	drain(pool);
}

TASK_TEST(test_jobs_of_a_task_are_all_run, 2)
{
	run_many();
}

START_TEST(test_jobs_of_a_thread_are_all_run)
{
	run_many();
	ck_assert_int_eq(weft_shutdown(), 0);
}
END_TEST

TASK_TEST(test_as_many_jobs_run_at_once_as_there_are_workers, 2)
{
	weft_pool_t *pool = occupied((weft_pool_attr_t){.workers = 7});

	ck_assert_int_eq(weft_pool_submit(pool, hold, NULL), 0);
	ck_assert_int_eq(begun, 7);
	ck_assert_uint_eq(stats_of(pool).running, 7);
	ck_assert_uint_eq(stats_of(pool).queued, 1);
	gate = 1;
	ck_assert_int_eq(weft_pool_wait(pool), 0);
	ck_assert_int_eq(ran, 8);
	for (int i = 0; i < 500; i++)
		ck_assert_int_eq(weft_pool_submit(pool, count_at_once, NULL), 0);
	ck_assert_int_eq(weft_pool_wait(pool), 0);
	ck_assert_int_le(most, 7);
	drain(pool);
}

TASK_TEST(test_jobs_of_one_worker_run_in_order, 2)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 1});

	for (const char *c = "abcdefghijklmnopqrstuvwxyz"; *c; c++)
		ck_assert_int_eq(weft_pool_submit(pool, note_letter, as_arg(*c)), 0);
	drain(pool);
	ck_assert_str_eq(order, "abcdefghijklmnopqrstuvwxyz");
}

TASK_TEST(test_greater_priorities_go_first, 2)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 1, .priorities = 130});
	static const int prio[] = {0, 2, 1, 129, 2, 64, 0, 63, 129, 64};
	static const char name[] = "ABCDEFGHIJ";

	ck_assert_int_eq(weft_pool_pause(pool), 0);
	for (int i = 0; name[i]; i++)
		ck_assert_int_eq(weft_pool_submit_prio(pool, prio[i], note_letter, as_arg(name[i])),
				 0);
	ck_assert_int_eq(weft_pool_resume(pool), 0);
	drain(pool);
	ck_assert_str_eq(order, "DIFJHBECAG");
}

/* --- the runtime ------------------------------------------------------------------------ */

START_TEST(test_shutdown_is_ebusy_while_a_pool_exists)
{
	for (int i = 0; i < 30; i++) {
		weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 4});

		ck_assert_int_eq(weft_shutdown(), EBUSY);
		for (int k = 0; k < 20; k++)
			ck_assert_int_eq(weft_pool_submit(pool, count, NULL), 0);
		drain(pool);
		ck_assert_int_eq(weft_shutdown(), 0);
	}
	ck_assert_int_eq(ran, 600);
}
END_TEST

TASK_TEST(test_idle_pools_have_no_tasks, 2)
{
	weft_pool_t *pools[1000];
	weft_stats_t stats;

	for (int i = 0; i < 1000; i++) {
		pools[i] = make_pool((weft_pool_attr_t){.workers = 8});
		ck_assert_int_eq(weft_pool_submit(pools[i], count, NULL), 0);
	}
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(weft_pool_wait(pools[i]), 0);
	do {
		weft_yield();
		ck_assert_int_eq(weft_stats(&stats, sizeof stats), 0);
	} while (stats.tasks > 1); /* those that are about to end */
	for (int i = 0; i < 1000; i++)
		drain(pools[i]);
	ck_assert_int_eq(ran, 1000);
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("pool");

	tcase_add_test(tests, test_create_checks_its_arguments);
	tcase_add_test(tests, test_calls_check_their_arguments);
	tcase_add_test(tests, test_stats_fill_as_much_as_they_are_asked_for);
	tcase_add_test(tests, test_jobs_of_a_task_are_all_run);
	tcase_add_test(tests, test_jobs_of_a_thread_are_all_run);
	tcase_add_test(tests, test_as_many_jobs_run_at_once_as_there_are_workers);
	tcase_add_test(tests, test_jobs_of_one_worker_run_in_order);
	tcase_add_test(tests, test_greater_priorities_go_first);
	tcase_add_test(tests, test_shutdown_is_ebusy_while_a_pool_exists);
	tcase_add_test(tests, test_idle_pools_have_no_tasks);
	return tests;
}
