/*
 * Parallel loops: each index once, whoever works, however deep.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <weft.h>

#include "pool_suite.h"
#include "soak.h"
#include "suite.h"

enum { N = 20000 };

static _Atomic unsigned char seen[N];
static _Atomic int calls, gate, others, at_once, most, helped;
static weft_t caller;

static void mark(size_t lo, size_t hi, void *arg)
{
	(void)arg;
	calls += lo < hi;
	for (size_t i = lo; i < hi; i++)
		seen[i]++;
}

static void check_seen(size_t begin, size_t end, unsigned times)
{
	unsigned wrong = 0; /* a check for each would take most of the time */

	for (size_t i = 0; i < N; i++)
		wrong += seen[i] != (i >= begin && i < end ? times : 0);
	ck_assert_uint_eq(wrong, 0);
}

static void loop(weft_pool_t *pool, size_t begin, size_t end, size_t grain)
{
	memset((void *)seen, 0, sizeof seen);
	calls = 0;
	ck_assert_int_eq(weft_pool_for(pool, begin, end, grain, mark, NULL), 0);
	check_seen(begin < end ? begin : 0, begin < end ? end : 0, 1);
}

TASK_TEST(test_bad_arguments_and_empty_ranges_call_nothing, 2)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){0});

	ck_assert_int_eq(weft_pool_for(NULL, 0, 1, 0, NULL, NULL), EINVAL);
	loop(NULL, 5, 5, 0);
	loop(pool, 6, 5, 1);
	ck_assert_int_eq(calls, 0);
	drain(pool);
	ck_assert_int_eq(weft_pool_for(pool, 0, 1, 0, mark, NULL), EINVAL);
}

static void each_index_once(weft_pool_t *pool)
{
	static const size_t grains[] = {0, 1, 2, 3, 7, 64, 1000, N, (size_t)-1};

	for (unsigned i = 0; i < sizeof grains / sizeof *grains; i++) {
		loop(pool, 0, N, grains[i]);
		loop(pool, 1, 2, grains[i]);
		loop(pool, 100, 117, grains[i]);
		loop(pool, N - 1001, N, grains[i]);
	}
}

TASK_TEST(test_each_index_is_done_once_on_all_ps, 4)
{
	each_index_once(NULL);
}

TASK_TEST(test_each_index_is_done_once_in_a_pool, 2)
{
	for (unsigned workers = 0; workers < 9; workers++) {
		weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = workers});

		each_index_once(pool);
		drain(pool);
	}
}

START_TEST(test_each_index_is_done_once_for_a_thread)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 3});

	each_index_once(NULL);
	each_index_once(pool);
	drain(pool);
	ck_assert_int_eq(weft_shutdown(), 0);
}
END_TEST

static void look_at_grain(size_t lo, size_t hi, void *grain)
{
	size_t size = *(size_t *)grain;

	ck_assert_uint_eq(lo % size, 0);
	ck_assert(hi - lo == size || hi == N);
	mark(lo, hi, NULL);
}

TASK_TEST(test_a_call_is_for_one_grain, 3)
{
	for (size_t grain = 1; grain < 10; grain++) {
		memset((void *)seen, 0, sizeof seen);
		calls = 0;
		ck_assert_int_eq(weft_pool_for(NULL, 0, N, grain, look_at_grain, &grain), 0);
		check_seen(0, N, 1);
		ck_assert_uint_eq((size_t)calls, (N + grain - 1) / grain);
	}
}

TASK_TEST(test_an_automatic_grain_makes_few_calls, 1)
{
	loop(NULL, 0, N, 0);
	ck_assert_int_lt(calls, N / 20);
}

static void count_calls(size_t lo, size_t hi, void *arg)
{
	(void)arg;
	ck_assert_uint_lt(lo, hi);
	calls++;
}

TASK_TEST(test_the_ends_of_what_a_size_can_be, 2)
{
	size_t most_of = (size_t)-1;

	ck_assert_int_eq(weft_pool_for(NULL, most_of - 10, most_of, most_of, count_calls, NULL), 0);
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(weft_pool_for(NULL, most_of - 10, most_of, 3, count_calls, NULL), 0);
	ck_assert_int_eq(calls, 5);
}

/* --- who works ------------------------------------------------------------------ */

static void meet(size_t lo, size_t hi, void *arg)
{
	int now = ++at_once, before = most;

	(void)arg;
	while (now > before && !atomic_compare_exchange_weak(&most, &before, now))
		;
	others += !weft_equal(weft_self(), caller);
	for (size_t i = lo; i < hi; i++)
		for (int k = 0; k < 20; k++)
			weft_yield();
	at_once--;
}

TASK_TEST(test_workers_help_up_to_the_bound, 2)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 5});

	caller = weft_self();
	ck_assert_int_eq(weft_pool_for(pool, 0, 2000, 1, meet, NULL), 0);
	ck_assert_int_gt(others, 0);
	ck_assert_int_le(most, 5);
	ck_assert_int_gt(most, 1);
	drain(pool);
}

TASK_TEST(test_in_a_pool_of_one_the_caller_works_alone, 2)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 1});

	caller = weft_self();
	ck_assert_int_eq(weft_pool_for(pool, 0, 100, 1, meet, NULL), 0);
	ck_assert_int_eq(others, 0);
	ck_assert_int_eq(most, 1);
	drain(pool);
}

static void hold(void *arg)
{
	(void)arg;
	helped++;
	wait_for(&gate, 1);
}

TASK_TEST(test_a_loop_needs_no_worker, 2)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 2});

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(weft_pool_submit(pool, hold, NULL), 0);
	wait_for(&helped, 2);
	loop(pool, 0, N, 0);
	ck_assert_int_eq(weft_pool_pause(pool), 0);
	loop(pool, 0, N, 10);
	gate = 1;
	drain(pool);
}

TASK_TEST(test_a_loop_counts_as_no_job, 2)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 3});
	weft_pool_stats_t stats;

	loop(pool, 0, N, 1);
	stats = stats_of(pool);
	ck_assert_uint_eq(stats.submitted + stats.finished + stats.running + stats.queued, 0);
	drain(pool);
}

/* --- nesting --------------------------------------------------------------------- */

struct nest {
	weft_pool_t *pool;
	int depth;
};

static _Atomic int leaves;

static void descend(size_t lo, size_t hi, void *arg)
{
	struct nest *above = arg, nest = *above;

	for (size_t i = lo; i < hi; i++) {
		if (!nest.depth) {
			leaves++;
			continue;
		}
		nest.depth = above->depth - 1;
		ck_assert_int_eq(weft_pool_for(nest.pool, 0, 6, 1, descend, &nest), 0);
		nest.depth = above->depth;
	}
}

TASK_TEST(test_loops_nest, 3)
{
	struct nest nest = {.depth = 4};

	ck_assert_int_eq(weft_pool_for(NULL, 0, 6, 0, descend, &nest), 0);
	ck_assert_int_eq(leaves, 7776);
	nest.pool = make_pool((weft_pool_attr_t){.workers = 2});
	ck_assert_int_eq(weft_pool_for(nest.pool, 0, 6, 0, descend, &nest), 0);
	ck_assert_int_eq(leaves, 2 * 7776);
	drain(nest.pool);
}

static void loop_in_job(void *arg)
{
	struct nest nest = {.pool = arg, .depth = 2};

	ck_assert_int_eq(weft_pool_for(arg, 0, 6, 1, descend, &nest), 0);
	ck_assert_int_eq(weft_pool_for(NULL, 0, 6, 0, descend, &nest), 0);
}

TASK_TEST(test_jobs_of_all_workers_may_loop_at_once, 2)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 3});

	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(weft_pool_submit(pool, loop_in_job, pool), 0);
	drain(pool);
	ck_assert_int_eq(leaves, 20 * 2 * 216);
}

static _Atomic int errors[3];

static void misuse(size_t lo, size_t hi, void *pool)
{
	(void)lo, (void)hi;
	errors[0] = weft_pool_wait(pool);
	errors[1] = weft_pool_destroy(pool, WEFT_DRAIN, NULL);
}

TASK_TEST(test_a_body_is_in_the_pool, 2)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 1});

	ck_assert_int_eq(weft_pool_for(pool, 0, 1, 1, misuse, pool), 0);
	ck_assert_int_eq(errors[0], EDEADLK);
	ck_assert_int_eq(errors[1], EDEADLK);
	drain(pool);
}

/* --- bodies that do not return ------------------------------------------------------ */

static void leave_helper(size_t lo, size_t hi, void *arg)
{
	mark(lo, hi, arg);
	weft_yield();
	if (!weft_equal(weft_self(), caller) && lo % 3 == 0) {
		helped++;
		weft_exit(NULL);
	}
}

TASK_TEST(test_a_helper_that_exits_loses_no_index, 3)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 4});

	caller = weft_self();
	for (int i = 0; i < 20; i++) {
		memset((void *)seen, 0, sizeof seen);
		ck_assert_int_eq(weft_pool_for(pool, 0, 1000, 1, leave_helper, NULL), 0);
		check_seen(0, 1000, 1);
	}
	ck_assert_int_gt(helped, 0);
	drain(pool);
}

static void leave_caller(size_t lo, size_t hi, void *arg)
{
	mark(lo, hi, arg);
	weft_yield();
	if (weft_equal(weft_self(), caller) && calls > 50)
		weft_exit(&calls);
}

static void *loop_and_leave(void *pool)
{
	caller = weft_self();
	weft_pool_for(pool, 0, N, 1, leave_caller, NULL);
	return NULL;
}

TASK_TEST(test_a_caller_that_exits_leaves_an_idle_pool, 3)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 4});
	int before;

	for (int i = 0; i < 20; i++) {
		memset((void *)seen, 0, sizeof seen);
		calls = 0;
		ck_assert_ptr_eq(result_of(create(loop_and_leave, pool)), &calls);
		before = calls;
		weft_yield();
		ck_assert_int_eq(calls, before);
	}
	drain(pool);
}

/* --- all at once ------------------------------------------------------------------------ */

static void add(size_t lo, size_t hi, void *sum)
{
	*(_Atomic size_t *)sum += (hi - lo) * (lo + hi - 1) / 2;
}

static void *loop_often(void *pool)
{
	for (size_t n = 1; n < scaled(1500); n++) {
		_Atomic size_t sum = 0;

		ck_assert_int_eq(weft_pool_for(pool, 0, n, n % 5, add, &sum), 0);
		ck_assert_uint_eq(sum, n * (n - 1) / 2);
	}
	return NULL;
}

static void loop_as_job(void *pool)
{
	loop_often(pool);
}

START_TEST(test_loops_of_tasks_threads_and_jobs_at_once)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 3});
	pthread_t threads[2];
	weft_t tasks[4];

	weft_procs(3);
	for (int i = 0; i < 4; i++)
		tasks[i] = create(loop_often, i % 2 ? pool : NULL);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, loop_often, i % 2 ? pool : NULL),
				 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(weft_pool_submit(pool, loop_as_job, pool), 0);
	for (int i = 0; i < 4; i++)
		result_of(tasks[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	drain(pool);
	ck_assert_int_eq(weft_shutdown(), 0);
}
END_TEST

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("pool_for");

	tcase_add_test(tests, test_bad_arguments_and_empty_ranges_call_nothing);
	tcase_add_test(tests, test_each_index_is_done_once_on_all_ps);
	tcase_add_test(tests, test_each_index_is_done_once_in_a_pool);
	tcase_add_test(tests, test_each_index_is_done_once_for_a_thread);
	tcase_add_test(tests, test_a_call_is_for_one_grain);
	tcase_add_test(tests, test_an_automatic_grain_makes_few_calls);
	tcase_add_test(tests, test_the_ends_of_what_a_size_can_be);
	tcase_add_test(tests, test_workers_help_up_to_the_bound);
	tcase_add_test(tests, test_in_a_pool_of_one_the_caller_works_alone);
	tcase_add_test(tests, test_a_loop_needs_no_worker);
	tcase_add_test(tests, test_a_loop_counts_as_no_job);
	tcase_add_test(tests, test_loops_nest);
	tcase_add_test(tests, test_jobs_of_all_workers_may_loop_at_once);
	tcase_add_test(tests, test_a_body_is_in_the_pool);
	tcase_add_test(tests, test_a_helper_that_exits_loses_no_index);
	tcase_add_test(tests, test_a_caller_that_exits_leaves_an_idle_pool);
	tcase_add_test(tests, test_loops_of_tasks_threads_and_jobs_at_once);
	return tests;
}
