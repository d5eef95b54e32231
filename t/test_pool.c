/*
 * Pools: what is submitted is run, so many at once, in order; what happens when the queue
 * is full, the pool is paused, resized or destroyed; and that its counts are right at any
 * moment.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <weft.h>

#include "pool_suite.h"
#include "soak.h"
#include "suite.h"

static _Atomic int ran, begun, gate, at_once, most;

static void count(void *arg)
{
	(void)arg;
	ran++;
}

static void hold(void *arg)
{
	(void)arg;
	begun++;
	wait_for(&gate, 1);
	ran++;
}

/* A pool of so many workers, each of which runs a job that waits for the gate. */
static weft_pool_t *occupied(weft_pool_attr_t attr)
{
	weft_pool_t *pool = make_pool(attr);

	for (unsigned i = 0; i < attr.workers; i++)
		ck_assert_int_eq(weft_pool_submit(pool, hold, NULL), 0);
	wait_for(&begun, (int)attr.workers);
	return pool;
}

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

static void count_at_once(void *arg)
{
	int now = ++at_once, before = most;

	(void)arg;
	while (now > before && !atomic_compare_exchange_weak(&most, &before, now))
		;
	for (int i = 0; i < 3; i++)
		weft_yield();
	at_once--;
	ran++;
}

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

static char order[64];

static void note_letter(void *letter)
{
	order[ran++] = (char)(intptr_t)letter;
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

struct blocked {
	weft_pool_t *pool;
	_Atomic int error, done;
	char letter;
};

static void *submit_blocked(void *arg)
{
	struct blocked *b = arg;

	b->error = weft_pool_submit(b->pool, note_letter, as_arg(b->letter));
	b->done = 1;
	return NULL;
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

static weft_pool_t *own;
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

/* --- pausing and resizing --------------------------------------------------------- */

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

/* --- what a job leaves behind ----------------------------------------------------------- */

static weft_key_t key;
static _Atomic int destroyed;

static void destructor(void *value)
{
	(void)value;
	destroyed++;
}

static void leave_traces(void *arg)
{
	(void)arg;
	ck_assert_int_eq(errno, 0);
	ck_assert_ptr_null(weft_getspecific(key));
	ck_assert_int_eq(destroyed, ran);
	errno = EDOM;
	weft_setspecific(key, &key);
	ran++;
}

TASK_TEST(test_errno_and_keys_are_the_jobs_own, 1)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 1});

	ck_assert_int_eq(weft_key_create(&key, destructor), 0);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(weft_pool_submit(pool, leave_traces, NULL), 0);
	ck_assert_int_eq(weft_pool_wait(pool), 0);
	ck_assert_int_eq(destroyed, 20);
	drain(pool);
}

static void change_state(void *arg)
{
	int state, type;

	(void)arg;
	weft_setcancelstate(WEFT_CANCEL_DISABLE, &state);
	weft_setcanceltype(WEFT_CANCEL_ASYNCHRONOUS, &type);
	ck_assert_int_eq(state, WEFT_CANCEL_ENABLE);
	ck_assert_int_eq(type, WEFT_CANCEL_DEFERRED);
	weft_lock_thread();
	ran++;
}

TASK_TEST(test_cancellation_state_and_binding_are_the_jobs_own, 2)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 1});

	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(weft_pool_submit(pool, change_state, NULL), 0);
	drain(pool);
	ck_assert_int_eq(ran, 20);
}

static void leave(void *value)
{
	ran++;
	weft_exit(value);
}

static void cancel_itself(void *arg)
{
	(void)arg;
	ran++;
	weft_cancel(weft_self());
	weft_testcancel();
	ck_abort();
}

static void cancel_late(void *arg)
{
	(void)arg;
	ran++;
	weft_cancel(weft_self()); /* and ends before it is acted upon */
}

static void wait_a_little(void *arg)
{
	(void)arg;
	weft_testcancel();
	ran++;
}

TASK_TEST(test_a_job_that_exits_or_is_cancelled_takes_no_other_along, 2)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 2});
	static void (*const fns[])(void *) = {leave, cancel_itself, cancel_late, wait_a_little,
					      count};

	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(weft_pool_submit(pool, fns[i % 5], NULL), 0);
	ck_assert_int_eq(weft_pool_wait(pool), 0);
	ck_assert_int_eq(ran, 1000);
	ck_assert_uint_eq(stats_of(pool).finished, 1000);
	drain(pool);
}

static char letter[] = "x";

static void look_at_itself(void *arg)
{
	char room[100000], name[32];

	memset(room, *(char *)arg, sizeof room);
	ck_assert_int_eq(weft_getname(weft_self(), name, sizeof name), 0);
	ck_assert_str_eq(name, "pool's");
	ran += room[5000] == *(char *)arg;
}

TASK_TEST(test_its_tasks_have_the_name_and_the_stack_that_was_asked_for, 1)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.name = "pool's", .stack_size = 1 << 20});

	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(weft_pool_submit(pool, look_at_itself, letter), 0);
	drain(pool);
	ck_assert_int_eq(ran, 10);
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
	tcase_add_test(tests, test_reject_refuses_what_is_too_much);
	tcase_add_test(tests, test_block_waits_for_room);
	tcase_add_test(tests, test_caller_runs_runs_it_in_the_callers_task);
	tcase_add_test(tests, test_a_job_of_the_pool_never_waits_for_room);
	tcase_add_test(tests, test_a_job_of_the_pool_is_refused_where_others_are);
	tcase_add_test(tests, test_waiting_for_its_own_pool_is_edeadlk);
	tcase_add_test(tests, test_so_is_it_in_a_job_that_its_submitter_runs);
	tcase_add_test(tests, test_any_number_may_wait);
	tcase_add_test(tests, test_waiting_and_blocked_submitting_are_cancelled);
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
	tcase_add_test(tests, test_errno_and_keys_are_the_jobs_own);
	tcase_add_test(tests, test_cancellation_state_and_binding_are_the_jobs_own);
	tcase_add_test(tests, test_a_job_that_exits_or_is_cancelled_takes_no_other_along);
	tcase_add_test(tests, test_its_tasks_have_the_name_and_the_stack_that_was_asked_for);
	tcase_add_test(tests, test_shutdown_is_ebusy_while_a_pool_exists);
	tcase_add_test(tests, test_idle_pools_have_no_tasks);
	return tests;
}
