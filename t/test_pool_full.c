/*
 * Pools whose queue is full, and waiting for a pool: who waits, who is refused, who runs the
 * job himself.
 */
#include <pthread.h>
#include <unistd.h>

#include <weft.h>

#include "pool_jobs.h"
#include "suite.h"

static weft_pool_t *own;

/* --- a full queue ---------------------------------------------------------------- */

TASK_TEST(test_reject_refuses_what_is_too_much, 2)
{
	weft_pool_t *pool =
		occupied((weft_pool_attr_t){.workers = 2, .capacity = 3, .overflow = WEFT_REJECT});
	weft_future_t *future;
	weft_pool_stats_t stats;

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(weft_pool_submit(pool, count, NULL), 0);
	ck_assert_int_eq(weft_pool_submit(pool, count, NULL), EAGAIN);
	ck_assert_int_eq(weft_pool_async(pool, &future, give_back, NULL), EAGAIN);
	stats = stats_of(pool);
	ck_assert_uint_eq(stats.rejected, 2);
	ck_assert_uint_eq(stats.submitted, 5);
	ck_assert_uint_eq(stats.queued, 3);
	gate = 1;
	drain(pool);
	ck_assert_int_eq(ran, 5);
}

TASK_TEST(test_block_waits_for_room, 2)
{
	weft_pool_t *pool = occupied((weft_pool_attr_t){.workers = 1, .capacity = 1});
	struct blocked of_task = {.pool = pool, .error = -1, .letter = 'b'};
	struct blocked of_thread = {.pool = pool, .error = -1, .letter = 'c'};
	pthread_t thread;
	weft_t task;

	ran = -1; /* of the job that holds the worker */
	ck_assert_int_eq(weft_pool_submit(pool, note_letter, as_arg('a')), 0);
	task = create(submit_blocked, &of_task);
	wait_parked(1);
	ck_assert_int_eq(pthread_create(&thread, NULL, submit_blocked, &of_thread), 0);
	usleep(20000);
	ck_assert_int_eq(of_task.done + of_thread.done, 0);
	ck_assert_uint_eq(stats_of(pool).queued, 1);
	gate = 1;
	result_of(task);
	pthread_join(thread, NULL);
	ck_assert_int_eq(of_task.error, 0);
	ck_assert_int_eq(of_thread.error, 0);
	drain(pool);
	ck_assert_str_eq(order, "abc");
}

static weft_t runner;

static void note_runner(void *arg)
{
	(void)arg;
	runner = weft_self();
	ran++;
}

TASK_TEST(test_caller_runs_runs_it_in_the_callers_task, 2)
{
	weft_pool_t *pool = occupied(
		(weft_pool_attr_t){.workers = 1, .capacity = 1, .overflow = WEFT_CALLER_RUNS});
	weft_future_t *future;
	void *value;

	ck_assert_int_eq(weft_pool_submit(pool, count, NULL), 0);
	ck_assert_int_eq(ran, 0);
	ck_assert_int_eq(weft_pool_submit(pool, note_runner, NULL), 0);
	ck_assert_int_eq(ran, 1);
	ck_assert(weft_equal(runner, weft_self()));
	ck_assert_int_eq(weft_pool_async(pool, &future, give_back, &ran), 0);
	ck_assert_int_eq(weft_future_done(future), 1);
	ck_assert_int_eq(weft_future_get(future, &value), 0);
	ck_assert_ptr_eq(value, &ran);
	ck_assert_int_eq(weft_future_release(future), 0);
	ck_assert_uint_eq(stats_of(pool).caller_ran, 2);
	ck_assert_uint_eq(stats_of(pool).finished, 2);
	gate = 1;
	drain(pool);
	ck_assert_int_eq(ran, 3);
}

static _Atomic int own_error = -1;

static void submit_to_own(void *arg)
{
	wait_for(&gate, 1);
	own_error = weft_pool_submit(own, arg ? note_runner : count, NULL);
	if (arg)
		ck_assert(weft_equal(runner, weft_self()));
	begun++;
	wait_for(&gate, 2);
}

TASK_TEST(test_a_job_of_the_pool_never_waits_for_room, 2)
{
	own = make_pool((weft_pool_attr_t){.workers = 1, .capacity = 1});
	ck_assert_int_eq(weft_pool_submit(own, submit_to_own, &own), 0);
	ck_assert_int_eq(weft_pool_submit(own, count, NULL), 0);
	gate = 1;
	wait_for(&begun, 1);
	ck_assert_int_eq(own_error, 0);
	ck_assert_int_eq(ran, 1);
	ck_assert_uint_eq(stats_of(own).caller_ran, 1);
	gate = 2;
	drain(own);
	ck_assert_int_eq(ran, 2);
}

TASK_TEST(test_a_job_of_the_pool_is_refused_where_others_are, 2)
{
	own = make_pool((weft_pool_attr_t){.workers = 1, .capacity = 1, .overflow = WEFT_REJECT});
	ck_assert_int_eq(weft_pool_submit(own, submit_to_own, NULL), 0);
	ck_assert_int_eq(weft_pool_submit(own, count, NULL), 0);
	gate = 1;
	wait_for(&begun, 1);
	ck_assert_int_eq(own_error, EAGAIN);
	gate = 2;
	drain(own);
}

/* --- waiting --------------------------------------------------------------------- */

static _Atomic int wait_error = -1, timed_error = -1, destroy_error = -1;

static void misuse(void *arg)
{
	struct timespec past = {0, 0};

	wait_error = weft_pool_wait(own);
	timed_error = weft_pool_timedwait(own, &past);
	destroy_error = weft_pool_destroy(own, WEFT_DRAIN, NULL);
	if (arg)
		ck_assert_int_eq(weft_pool_wait(arg), 0);
	ran++;
}

TASK_TEST(test_waiting_for_its_own_pool_is_edeadlk, 2)
{
	weft_pool_t *other = make_pool((weft_pool_attr_t){0});

	own = make_pool((weft_pool_attr_t){.workers = 1});
	ck_assert_int_eq(weft_pool_submit(own, misuse, other), 0);
	ck_assert_int_eq(weft_pool_wait(own), 0);
	ck_assert_int_eq(wait_error, EDEADLK);
	ck_assert_int_eq(timed_error, EDEADLK);
	ck_assert_int_eq(destroy_error, EDEADLK);
	ck_assert_int_eq(ran, 1);
	drain(own);
	drain(other);
}

TASK_TEST(test_so_is_it_in_a_job_that_its_submitter_runs, 2)
{
	gate = 1;
	own = make_pool(
		(weft_pool_attr_t){.workers = 1, .capacity = 1, .overflow = WEFT_CALLER_RUNS});
	ck_assert_int_eq(weft_pool_pause(own), 0);
	ck_assert_int_eq(weft_pool_submit(own, count, NULL), 0);
	ck_assert_int_eq(weft_pool_submit(own, misuse, NULL), 0);
	ck_assert_int_eq(wait_error, EDEADLK);
	ck_assert_int_eq(destroy_error, EDEADLK);
	drain(own);
	ck_assert_int_eq(ran, 2);
}

static void *wait_for_pool(void *pool)
{
	ck_assert_int_eq(weft_pool_wait(pool), 0);
	ck_assert_int_eq(ran, 2);
	return pool;
}

TASK_TEST(test_any_number_may_wait, 2)
{
	weft_pool_t *pool = occupied((weft_pool_attr_t){.workers = 2});
	weft_t tasks[4];
	pthread_t threads[2];

	for (int i = 0; i < 4; i++)
		tasks[i] = create(wait_for_pool, pool);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, wait_for_pool, pool), 0);
	wait_parked(4);
	gate = 1;
	for (int i = 0; i < 4; i++)
		ck_assert_ptr_eq(result_of(tasks[i]), pool);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	drain(pool);
}

static void *wait_masked(void *pool)
{
	weft_setcancelstate(WEFT_CANCEL_MASKED, NULL);
	return (void *)(intptr_t)weft_pool_wait(pool);
}

static void *submit_masked(void *pool)
{
	weft_setcancelstate(WEFT_CANCEL_MASKED, NULL);
	return (void *)(intptr_t)weft_pool_submit(pool, count, NULL);
}

TASK_TEST(test_waiting_and_blocked_submitting_are_cancelled, 2)
{
	weft_pool_t *pool = occupied((weft_pool_attr_t){.workers = 1, .capacity = 1});
	weft_t waiter, killed, submitter;

	ck_assert_int_eq(weft_pool_submit(pool, count, NULL), 0);
	waiter = create(wait_masked, pool);
	killed = create(wait_for_pool, pool);
	submitter = create(submit_masked, pool);
	wait_parked(3);
	weft_cancel(waiter);
	weft_cancel(killed);
	weft_cancel(submitter);
	ck_assert_int_eq((intptr_t)result_of(waiter), ECANCELED);
	ck_assert_ptr_eq(result_of(killed), WEFT_CANCELED);
	ck_assert_int_eq((intptr_t)result_of(submitter), ECANCELED);
	gate = 1;
	drain(pool);
	ck_assert_int_eq(ran, 2);
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("pool_full");

	tcase_add_test(tests, test_reject_refuses_what_is_too_much);
	tcase_add_test(tests, test_block_waits_for_room);
	tcase_add_test(tests, test_caller_runs_runs_it_in_the_callers_task);
	tcase_add_test(tests, test_a_job_of_the_pool_never_waits_for_room);
	tcase_add_test(tests, test_a_job_of_the_pool_is_refused_where_others_are);
	tcase_add_test(tests, test_waiting_for_its_own_pool_is_edeadlk);
	tcase_add_test(tests, test_so_is_it_in_a_job_that_its_submitter_runs);
	tcase_add_test(tests, test_any_number_may_wait);
	tcase_add_test(tests, test_waiting_and_blocked_submitting_are_cancelled);
	return tests;
}
