/*
 * Pools that are paused, resized, drained and discarded.
 */
#include <weft.h>

#include "pool_jobs.h"
#include "suite.h"

static weft_pool_t *own;
static _Atomic int own_error = -1;

/* --- pausing and resizing --------------------------------------------------------- */

static void *wait_for_pool(void *pool)
{
	ck_assert_int_eq(weft_pool_wait(pool), 0);
	ck_assert_int_eq(ran, 2);
	return pool;
}

TASK_TEST(test_a_paused_pool_starts_nothing, 2)
{
	weft_pool_t *pool = occupied((weft_pool_attr_t){.workers = 1});
	weft_t waiter;

	ck_assert_int_eq(weft_pool_pause(pool), 0);
	ck_assert_int_eq(weft_pool_pause(pool), 0);
	ck_assert_int_eq(weft_pool_submit(pool, count, NULL), 0);
	gate = 1;
	wait_for(&ran, 1);
	waiter = create(wait_for_pool, pool);
	wait_parked(1);
	ck_assert_int_eq(ran, 1);
	ck_assert_uint_eq(stats_of(pool).queued, 1);
	ck_assert_uint_eq(stats_of(pool).running, 0);
	ck_assert_int_eq(weft_tryjoin(waiter, NULL), EBUSY);
	ck_assert_int_eq(weft_pool_resume(pool), 0);
	result_of(waiter);
	ck_assert_int_eq(ran, 2);
	drain(pool);
}

TASK_TEST(test_resume_starts_as_many_as_may_run, 2)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 20});

	ck_assert_int_eq(weft_pool_pause(pool), 0);
	for (int i = 0; i < 30; i++)
		ck_assert_int_eq(weft_pool_submit(pool, hold, NULL), 0);
	ck_assert_int_eq(weft_pool_resume(pool), 0);
	wait_for(&begun, 20);
	gate = 1;
	drain(pool);
	ck_assert_int_eq(ran, 30);
}

TASK_TEST(test_a_larger_pool_starts_more, 2)
{
	weft_pool_t *pool = occupied((weft_pool_attr_t){.workers = 1});

	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(weft_pool_submit(pool, hold, NULL), 0);
	ck_assert_int_eq(weft_pool_resize(pool, 10), 0);
	wait_for(&begun, 10);
	ck_assert_uint_eq(stats_of(pool).workers, 10);
	gate = 1;
	drain(pool);
	ck_assert_int_eq(ran, 21);
}

TASK_TEST(test_a_smaller_pool_runs_less_at_once, 2)
{
	weft_pool_t *pool = occupied((weft_pool_attr_t){.workers = 8});

	ck_assert_int_eq(weft_pool_resize(pool, 2), 0);
	for (int i = 0; i < 300; i++)
		ck_assert_int_eq(weft_pool_submit(pool, count_at_once, NULL), 0);
	gate = 1;
	while (stats_of(pool).running > 2)
		weft_yield();
	most = 0;
	ck_assert_int_eq(weft_pool_wait(pool), 0);
	ck_assert_int_le(most, 2);
	ck_assert_int_eq(ran, 308);
	drain(pool);
}

TASK_TEST(test_zero_workers_are_as_many_as_ps, 2)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){0});

	ck_assert_uint_eq(stats_of(pool).workers, 2);
	weft_procs(5);
	ck_assert_uint_eq(stats_of(pool).workers, 5);
	ck_assert_int_eq(weft_pool_resize(pool, 3), 0);
	ck_assert_uint_eq(stats_of(pool).workers, 3);
	ck_assert_int_eq(weft_pool_resize(pool, 0), 0);
	weft_procs(4);
	ck_assert_uint_eq(stats_of(pool).workers, 4);
	drain(pool);
}

TASK_TEST(test_more_ps_start_what_is_queued, 1)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){0});

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(weft_pool_submit(pool, hold, NULL), 0);
	wait_for(&begun, 1);
	weft_procs(3);
	wait_for(&begun, 3);
	gate = 1;
	drain(pool);
}

/* --- destroying --------------------------------------------------------------------- */

TASK_TEST(test_draining_a_paused_pool_runs_what_is_queued, 2)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 2});
	size_t discarded = 99;

	ck_assert_int_eq(weft_pool_pause(pool), 0);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(weft_pool_submit(pool, count, NULL), 0);
	ck_assert_int_eq(weft_pool_destroy(pool, WEFT_DRAIN, &discarded), 0);
	ck_assert_int_eq(ran, 100);
	ck_assert_uint_eq(discarded, 0);
}

static void *destroy_draining(void *pool)
{
	ck_assert_int_eq(weft_pool_destroy(pool, WEFT_DRAIN, NULL), 0);
	return pool;
}

static void *destroy_discarding(void *arg)
{
	size_t discarded = 0;

	(void)arg;
	ck_assert_int_eq(weft_pool_destroy(own, WEFT_DISCARD, &discarded), 0);
	return (void *)discarded;
}

static void spread(void *depth)
{
	if (depth) {
		wait_for(&gate, 1);
		for (int i = 0; i < 2; i++)
			ck_assert_int_eq(
				weft_pool_submit(own, spread, (void *)((intptr_t)depth - 1)), 0);
	}
	ran++;
}

TASK_TEST(test_while_a_pool_drains_its_jobs_may_submit_and_others_not, 2)
{
	weft_t destroyer;

	own = make_pool((weft_pool_attr_t){.workers = 2, .capacity = 3});
	ck_assert_int_eq(weft_pool_submit(own, spread, (void *)(intptr_t)6), 0);
	destroyer = create(destroy_draining, own);
	wait_parked(1);
	ck_assert_int_eq(weft_pool_submit(own, count, NULL), ECANCELED);
	ck_assert_int_eq(weft_pool_pause(own), EINVAL);
	ck_assert_int_eq(weft_pool_destroy(own, WEFT_DRAIN, NULL), EINVAL);
	gate = 1;
	result_of(destroyer);
	ck_assert_int_eq(ran, 127);
}

TASK_TEST(test_discarding_drops_what_is_queued, 2)
{
	struct blocked blocked = {.error = -1};
	weft_future_t *queued, *running;
	weft_t destroyer, submitter;
	size_t discarded;

	own = make_pool((weft_pool_attr_t){.workers = 1, .capacity = 3});
	ck_assert_int_eq(weft_pool_async(own, &running, wait_and_give_back, &gate), 0);
	ck_assert_int_eq(weft_pool_async(own, &queued, give_back, NULL), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(weft_pool_submit(own, count, NULL), 0);
	blocked.pool = own;
	submitter = create(submit_blocked, &blocked);
	wait_parked(1);
	destroyer = create(destroy_discarding, NULL);
	result_of(submitter);
	ck_assert_int_eq(blocked.error, ECANCELED);
	ck_assert_int_eq(weft_future_get(queued, NULL), ECANCELED);
	ck_assert_int_eq(weft_future_done(running), 0);
	ck_assert_int_eq(weft_tryjoin(destroyer, NULL), EBUSY);
	gate = 1;
	discarded = (size_t)result_of(destroyer);
	ck_assert_uint_eq(discarded, 3);
	ck_assert_int_eq(ran, 0);
	ck_assert_int_eq(weft_future_get(running, NULL), 0);
	ck_assert_int_eq(weft_future_release(queued), 0);
	ck_assert_int_eq(weft_future_release(running), 0);
}

static weft_future_t *behind;

static void submit_when_discarded(void *arg)
{
	(void)arg;
	wait_for(&gate, 1);
	ck_assert_int_eq(weft_future_get(behind, NULL), ECANCELED);
	own_error = weft_pool_submit(own, count, NULL);
}

TASK_TEST(test_jobs_of_a_discarding_pool_submit_in_vain, 2)
{
	own = make_pool((weft_pool_attr_t){.workers = 1});
	ck_assert_int_eq(weft_pool_submit(own, submit_when_discarded, NULL), 0);
	ck_assert_int_eq(weft_pool_async(own, &behind, give_back, NULL), 0);
	gate = 1;
	ck_assert_uint_eq((size_t)destroy_discarding(NULL), 1);
	ck_assert_int_eq(own_error, ECANCELED);
	ck_assert_int_eq(ran, 0);
	ck_assert_int_eq(weft_future_release(behind), 0);
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("pool_change");

	tcase_add_test(tests, test_a_paused_pool_starts_nothing);
	tcase_add_test(tests, test_resume_starts_as_many_as_may_run);
	tcase_add_test(tests, test_a_larger_pool_starts_more);
	tcase_add_test(tests, test_a_smaller_pool_runs_less_at_once);
	tcase_add_test(tests, test_zero_workers_are_as_many_as_ps);
	tcase_add_test(tests, test_more_ps_start_what_is_queued);
	tcase_add_test(tests, test_draining_a_paused_pool_runs_what_is_queued);
	tcase_add_test(tests, test_while_a_pool_drains_its_jobs_may_submit_and_others_not);
	tcase_add_test(tests, test_discarding_drops_what_is_queued);
	tcase_add_test(tests, test_jobs_of_a_discarding_pool_submit_in_vain);
	return tests;
}
