/*
 * Futures: the result for whoever asks, and jobs that are taken back.
 */
#include <pthread.h>

#include <weft.h>

#include "pool_suite.h"
#include "suite.h"

static _Atomic int ran, gate, got;
static weft_pool_t *pool;
static weft_future_t *future;

static void *count(void *arg)
{
	ran++;
	return arg;
}

static void *get(void *arg)
{
	void *value = NULL;
	int error = weft_future_get(future, &value);

	got += value == &gate;
	(void)arg;
	return (void *)(intptr_t)error;
}

static void make_occupied(void)
{
	pool = make_pool((weft_pool_attr_t){.workers = 1});
	ck_assert_int_eq(weft_pool_async(pool, &future, wait_and_give_back, &gate), 0);
}

static void release(weft_future_t *f)
{
	ck_assert_int_eq(weft_future_release(f), 0);
}

TASK_TEST(test_null_is_einval, 1)
{
	ck_assert_int_eq(weft_future_get(NULL, NULL), EINVAL);
	ck_assert_int_eq(weft_future_timedget(NULL, NULL, &(struct timespec){0}), EINVAL);
	ck_assert_int_eq(weft_future_cancel(NULL), EINVAL);
	ck_assert_int_eq(weft_future_release(NULL), EINVAL);
	ck_assert_int_eq(weft_future_done(NULL), 0);
	make_occupied();
	ck_assert_int_eq(weft_future_timedget(future, NULL, NULL), EINVAL);
	ck_assert_int_eq(weft_future_timedget(future, NULL, &(struct timespec){0, -1}), EINVAL);
	gate = 1;
	release(future);
	drain(pool);
}

TASK_TEST(test_any_number_get_the_value, 2)
{
	weft_t tasks[5];
	pthread_t threads[3];

	make_occupied();
	for (int i = 0; i < 5; i++)
		tasks[i] = create(get, NULL);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, get, NULL), 0);
	wait_parked(5);
	ck_assert_int_eq(weft_future_done(future), 0);
	gate = 1;
	for (int i = 0; i < 5; i++)
		ck_assert_ptr_null(result_of(tasks[i]));
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(weft_future_done(future), 1);
	ck_assert_ptr_null(get(NULL));
	ck_assert_int_eq(got, 9);
	ck_assert_int_eq(weft_future_get(future, NULL), 0);
	release(future);
	drain(pool);
}

static void *get_masked(void *arg)
{
	weft_setcancelstate(WEFT_CANCEL_MASKED, NULL);
	return get(arg);
}

TASK_TEST(test_get_is_cancelled, 2)
{
	weft_t masked, killed;

	make_occupied();
	masked = create(get_masked, NULL);
	killed = create(get, NULL);
	wait_parked(2);
	weft_cancel(masked);
	weft_cancel(killed);
	ck_assert_int_eq((intptr_t)result_of(masked), ECANCELED);
	ck_assert_ptr_eq(result_of(killed), WEFT_CANCELED);
	gate = 1;
	ck_assert_ptr_null(get(NULL));
	release(future);
	drain(pool);
}

TASK_TEST(test_cancel_takes_a_queued_job_back, 2)
{
	weft_future_t *queued;
	weft_pool_stats_t stats;

	make_occupied();
	ck_assert_int_eq(weft_pool_async(pool, &queued, count, NULL), 0);
	ck_assert_uint_eq(stats_of(pool).queued, 1);
	ck_assert_int_eq(weft_future_done(queued), 0);
	ck_assert_int_eq(weft_future_cancel(queued), 0);
	stats = stats_of(pool);
	ck_assert_uint_eq(stats.queued, 0);
	ck_assert_uint_eq(stats.discarded, 1);
	ck_assert_int_eq(weft_future_done(queued), 1);
	ck_assert_int_eq(weft_future_get(queued, NULL), ECANCELED);
	ck_assert_int_eq(weft_future_cancel(queued), EALREADY);
	release(queued);
	ck_assert_int_eq(weft_future_cancel(future), EALREADY);
	gate = 1;
	ck_assert_ptr_null(get(NULL));
	ck_assert_int_eq(weft_future_cancel(future), EALREADY);
	release(future);
	drain(pool);
	ck_assert_int_eq(ran, 0);
}

static weft_future_t *other;

static void *get_other(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)weft_future_get(other, NULL);
}

TASK_TEST(test_cancelling_wakes_who_waits_and_makes_room, 2)
{
	weft_t waiter;

	pool = make_pool((weft_pool_attr_t){.workers = 1, .capacity = 1, .overflow = WEFT_REJECT});
	ck_assert_int_eq(weft_pool_async(pool, &future, wait_and_give_back, &gate), 0);
	ck_assert_int_eq(weft_pool_async(pool, &other, count, NULL), 0);
	waiter = create(get_other, NULL);
	wait_parked(1);
	ck_assert_int_eq(weft_future_cancel(other), 0);
	ck_assert_int_eq((intptr_t)result_of(waiter), ECANCELED);
	release(other);
	ck_assert_int_eq(weft_pool_async(pool, &other, count, NULL), 0);
	gate = 1;
	drain(pool);
	ck_assert_int_eq(ran, 1);
	release(other);
	release(future);
}

TASK_TEST(test_a_released_future_is_run_all_the_same, 2)
{
	pool = make_pool((weft_pool_attr_t){.workers = 1});
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(weft_pool_async(pool, &future, count, NULL), 0);
		release(future);
	}
	drain(pool);
	ck_assert_int_eq(ran, 100);
}

static void *leave(void *value)
{
	weft_exit(value);
}

TASK_TEST(test_the_value_may_come_from_exit, 2)
{
	void *value;

	pool = make_pool((weft_pool_attr_t){.workers = 1});
	ck_assert_int_eq(weft_pool_async(pool, &future, leave, &gate), 0);
	ck_assert_int_eq(weft_future_get(future, &value), 0);
	ck_assert_ptr_eq(value, &gate);
	release(future);
	ck_assert_int_eq(weft_pool_async(pool, &future, leave, WEFT_CANCELED), 0);
	ck_assert_int_eq(weft_future_get(future, &value), ECANCELED);
	release(future);
	drain(pool);
}

TASK_TEST(test_a_future_outlives_its_pool, 2)
{
	void *value;

	pool = make_pool((weft_pool_attr_t){.workers = 1});
	ck_assert_int_eq(weft_pool_async(pool, &future, give_back, &gate), 0);
	drain(pool);
	ck_assert_int_eq(weft_future_get(future, &value), 0);
	ck_assert_ptr_eq(value, &gate);
	release(future);
}

/* Rounds of: queued jobs that some take back, some wait for and some let go of. */
static void *take_back(void *arg)
{
	int *taken = arg;

	for (int i = 0; i < 2000; i++) {
		weft_future_t *f;

		if (weft_pool_async(pool, &f, count, NULL))
			continue;
		if (i % 3 == 0)
			*taken += weft_future_cancel(f) == 0;
		else if (i % 3 == 1)
			ck_assert_int_eq(weft_future_get(f, NULL), 0);
		release(f);
	}
	return arg;
}

START_TEST(test_what_is_taken_back_and_what_ran_add_up)
{
	enum { TASKS = 6, THREADS = 2 };
	int taken[TASKS + THREADS] = {0}, sum = 0;
	pthread_t threads[THREADS];
	weft_t tasks[TASKS];

	pool = make_pool((weft_pool_attr_t){.workers = 2, .capacity = 10});
	for (int i = 0; i < TASKS; i++)
		tasks[i] = create(take_back, &taken[i]);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, take_back, &taken[TASKS + i]),
				 0);
	for (int i = 0; i < 500; i++) {
		stats_of(pool);
		sched_yield();
	}
	for (int i = 0; i < TASKS; i++)
		result_of(tasks[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < TASKS + THREADS; i++)
		sum += taken[i];
	ck_assert_int_eq(weft_pool_wait(pool), 0);
	ck_assert_uint_eq(stats_of(pool).discarded, (uint64_t)sum);
	ck_assert_int_eq(ran + sum, 2000 * (TASKS + THREADS));
	drain(pool);
	ck_assert_int_eq(weft_shutdown(), 0);
}
END_TEST

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("future");

	tcase_add_test(tests, test_null_is_einval);
	tcase_add_test(tests, test_any_number_get_the_value);
	tcase_add_test(tests, test_get_is_cancelled);
	tcase_add_test(tests, test_cancel_takes_a_queued_job_back);
	tcase_add_test(tests, test_cancelling_wakes_who_waits_and_makes_room);
	tcase_add_test(tests, test_a_released_future_is_run_all_the_same);
	tcase_add_test(tests, test_the_value_may_come_from_exit);
	tcase_add_test(tests, test_a_future_outlives_its_pool);
	tcase_add_test(tests, test_what_is_taken_back_and_what_ran_add_up);
	return tests;
}
