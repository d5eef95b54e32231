/*
 * Sleeps and timers, of tasks and of foreign threads.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

static _Atomic int gate, step;

static int64_t now_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t now(void)
{
	return now_of(CLOCK_MONOTONIC);
}

static struct timespec at(int64_t ns)
{
	return (struct timespec){ns / 1000000000, ns % 1000000000};
}

/* --- sleeping --------------------------------------------------------------------------- */

enum { MS = 1000000 };

static void *sleep_each_way(void *unused)
{
	struct timespec t = at(2 * MS), left = {1, 1};
	int64_t start = now();

	ck_assert_int_eq(weft_nanosleep(&t, &left), 0);
	ck_assert_int_ge(now() - start, 2 * MS);
	start = now();
	ck_assert_int_eq(weft_usleep(2000), 0);
	ck_assert_int_ge(now() - start, 2 * MS);
	start = now();
	ck_assert_int_eq(weft_clock_nanosleep(CLOCK_REALTIME, 0, &t, NULL), 0);
	ck_assert_int_ge(now() - start, 2 * MS);
	t = at(now() + 2 * MS);
	ck_assert_int_eq(weft_clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL), 0);
	ck_assert_int_ge(now(), t.tv_sec * 1000000000 + t.tv_nsec);
	t = at(now_of(CLOCK_REALTIME) + 2 * MS);
	ck_assert_int_eq(weft_clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL), 0);
	ck_assert_uint_eq(weft_sleep(0), 0);
	return unused;
}

TASK_TEST(test_tasks_sleep_at_least_as_long_as_asked, 2)
{
	sleep_each_way(NULL);
}

START_TEST(test_threads_sleep_at_least_as_long_as_asked)
{
	on_thread(sleep_each_way, NULL);
}
END_TEST

static void *misuse(void *unused)
{
	struct timespec t = {0, 1000000000}, past = {-1, 0};

	ck_assert_int_eq(weft_nanosleep(&t, NULL), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(weft_nanosleep(&past, NULL), -1);
	ck_assert_int_eq(weft_nanosleep(NULL, NULL), -1);
	ck_assert_int_eq(weft_clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL), EINVAL);
	ck_assert_int_eq(weft_clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, NULL, NULL), EINVAL);
	ck_assert_int_eq(weft_clock_nanosleep(CLOCK_MONOTONIC, 4, &(struct timespec){0, 0}, NULL),
			 EINVAL);
	ck_assert_int_eq(weft_clock_nanosleep(12345, 0, &(struct timespec){0, 0}, NULL), EINVAL);
	ck_assert_int_eq(
		weft_clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &(struct timespec){0, 0}, NULL),
		ENOTSUP);
	ck_assert_int_eq(weft_clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &past, NULL), 0);
	return unused;
}

TASK_TEST(test_times_that_are_none_are_refused, 1)
{
	misuse(NULL);
	on_thread(misuse, NULL);
}

static void *sleep_long(void *unused)
{
	(void)unused;
	step++;
	weft_sleep(1000000);
	return NULL;
}

TASK_TEST(test_a_cancelled_sleep_ends_at_once, 2)
{
	for (unsigned i = 0; i < scaled(rounds(1000)); i++) {
		weft_t task = create(sleep_long, NULL);

		if (i % 2)
			wait_for(&step, (int)i + 1);
		ck_assert_int_eq(weft_cancel(task), 0);
		ck_assert_ptr_eq(result_of(task), WEFT_CANCELED);
		step = (int)i + 1;
	}
}

static void *masked(void *unused)
{
	struct timespec t = {1000000, 0}, left = {0, 0};

	ck_assert_int_eq(weft_setcancelstate(WEFT_CANCEL_MASKED, NULL), 0);
	step++;
	ck_assert_int_eq(weft_nanosleep(&t, &left), -1);
	ck_assert_int_eq(errno, ECANCELED);
	ck_assert_int_ge(left.tv_sec, 999000);
	ck_assert_int_eq(weft_usleep(1), 0); /* its clean-up may wait */
	return unused;
}

TASK_TEST(test_a_masked_sleep_tells_what_is_left, 2)
{
	weft_t task = create(masked, NULL);

	wait_for(&step, 1);
	ck_assert_int_eq(weft_cancel(task), 0);
	ck_assert_ptr_null(result_of(task));
}

static void *sleep_locked(void *unused)
{
	ck_assert_int_eq(weft_lock_thread(), 0);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(weft_usleep(1000), 0);
	ck_assert_int_eq(weft_unlock_thread(), 0);
	return unused;
}

/* The P that such a task leaves has no M that would see its timer's time come. */
TASK_TEST(test_a_task_bound_to_its_thread_wakes_up, 2)
{
	ck_assert_ptr_null(result_of(create(sleep_locked, NULL)));
	sleep_locked(NULL);
}

static void *compute_till(void *flag)
{
	while (!*(_Atomic int *)flag)
		;
	return NULL;
}

TASK_TEST(test_a_sleeper_wakes_up_beside_tasks_that_compute, 2)
{
	weft_t busy[2] = {create(compute_till, &gate), create(compute_till, &gate)};

	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(weft_usleep(1000), 0);
	gate = 1;
	result_of(busy[0]);
	result_of(busy[1]);
}

static void *nap(void *arg)
{
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(weft_usleep(500 + (unsigned)(uintptr_t)arg % 1000), 0);
	return NULL;
}

TASK_TEST(test_sleepers_wake_up_while_the_number_of_ps_changes, 4)
{
	enum { SLEEPERS = 40 };
	weft_t task[SLEEPERS];

	for (int i = 0; i < SLEEPERS; i++)
		task[i] = create(nap, (void *)(uintptr_t)(i * 37));
	for (int i = 0; i < 40; i++) {
		weft_procs(1 + i % 4);
		weft_usleep(1000);
	}
	for (int i = 0; i < SLEEPERS; i++)
		result_of(task[i]);
}

/* --- many sleepers -------------------------------------------------------------------------- */

static unsigned many;
static int64_t base;
static _Atomic unsigned asleep, awake;

static unsigned how_many(void)
{
	return SANITIZED ? 1000 : soaking() ? 1000000 : 100000;
}

static void sleep_till(void *i)
{
	int64_t when = base + (int64_t)((uintptr_t)i * 7919 % many) * 1000;
	struct timespec t = at(when);

	asleep++;
	ck_assert_int_eq(weft_clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL), 0);
	ck_assert_int_ge(now(), when);
	awake++;
}

TASK_TEST(test_many_sleepers_all_wake_up, 2)
{
	weft_stats_t s;

	many = how_many();
	base = now() + many * INT64_C(20000);
	for (unsigned i = 0; i < many; i++)
		ck_assert_int_eq(weft_go(sleep_till, (void *)(uintptr_t)i), 0);
	while (asleep < many)
		weft_yield();
	ck_assert_int_eq(weft_stats(&s, sizeof s), 0);
	ck_assert_uint_le(s.timers, many);
	if (now() < base) /* else the machine is too slow for all to sleep at once */
		ck_assert_uint_ge(s.timers, many - 2);
	while (awake < many)
		weft_usleep(1000);
	ck_assert_int_eq(weft_stats(&s, sizeof s), 0);
	ck_assert_uint_eq(s.timers, 0);
}

/* --- timers ------------------------------------------------------------------------------ */

static _Atomic int runs, within, most;
static weft_timer_t *timer;

static void once_only(void *arg)
{
	ck_assert_ptr_eq(arg, &runs);
	ck_assert_uint_ne(weft_self(), 0);
	runs++;
}

static void set(weft_timer_t *t, int64_t value, int64_t interval)
{
	struct itimerspec is = {.it_value = at(value), .it_interval = at(interval)};

	ck_assert_int_eq(weft_timer_settime(t, 0, &is, NULL), 0);
}

static void until_runs(int n)
{
	while (runs < n)
		weft_usleep(200);
}

static void *one_shot(void *unused)
{
	weft_timer_t *t;

	runs = 0;
	ck_assert_int_eq(weft_timer_create(&t, once_only, &runs), 0);
	ck_assert_int_eq(weft_timer_stop(t), EALREADY);
	set(t, MS, 0);
	until_runs(1);
	ck_assert_int_eq(weft_timer_stop(t), EALREADY);
	weft_usleep(3000);
	ck_assert_int_eq(runs, 1);
	set(t, INT64_C(1000000) * MS, 0);
	ck_assert_int_eq(weft_timer_stop(t), 0);
	ck_assert_int_eq(weft_timer_stop(t), EALREADY);
	set(t, MS, MS);
	until_runs(6);
	ck_assert_int_eq(weft_timer_stop(t), 0);
	ck_assert_int_eq(weft_timer_destroy(t), 0);
	return unused;
}

TASK_TEST(test_a_timer_runs_its_function_as_a_task, 2)
{
	one_shot(NULL);
}

START_TEST(test_timers_of_foreign_threads)
{
	on_thread(one_shot, NULL);
	while (weft_shutdown() == EBUSY)
		sched_yield();
}
END_TEST

static void slow(void *unused)
{
	int n = ++within;

	(void)unused;
	if (n > most)
		most = n;
	weft_usleep(5000);
	runs++;
	within--;
}

TASK_TEST(test_a_slow_function_runs_one_at_a_time_and_does_not_pile_up, 4)
{
	int seen;

	ck_assert_int_eq(weft_timer_create(&timer, slow, NULL), 0);
	set(timer, 1, 100000);
	until_runs(5);
	ck_assert_int_eq(weft_timer_stop(timer), 0);
	while (within)
		weft_usleep(500);
	seen = runs;
	weft_usleep(20000);
	ck_assert_int_eq(runs, seen); /* of the 50 that each missed */
	ck_assert_int_eq(most, 1);
	ck_assert_int_eq(weft_timer_destroy(timer), 0);
}

static void again(void *unused)
{
	(void)unused;
	if (++runs < 5)
		set(timer, 1, 0);
}

TASK_TEST(test_a_timer_armed_in_its_function_fires_again, 2)
{
	ck_assert_int_eq(weft_timer_create(&timer, again, NULL), 0);
	set(timer, MS, 0);
	until_runs(5);
	ck_assert_int_eq(weft_timer_destroy(timer), 0);
	ck_assert_int_eq(runs, 5);
}

static void destroy_itself(void *unused)
{
	(void)unused;
	ck_assert_int_eq(weft_timer_destroy(timer), 0);
	weft_usleep(1000);
	runs++;
}

TASK_TEST(test_a_timer_destroyed_in_its_function, 2)
{
	ck_assert_int_eq(weft_timer_create(&timer, destroy_itself, NULL), 0);
	set(timer, MS, MS);
	until_runs(1);
	weft_usleep(5000);
	ck_assert_int_eq(runs, 1);
}

static void leave(void *unused)
{
	(void)unused;
	runs++;
	weft_exit(NULL);
}

TASK_TEST(test_a_function_that_ends_its_task_is_run_again, 2)
{
	ck_assert_int_eq(weft_timer_create(&timer, leave, NULL), 0);
	set(timer, MS, MS);
	until_runs(3);
	ck_assert_int_eq(weft_timer_destroy(timer), 0);
}

TASK_TEST(test_destroying_waits_for_the_function, 4)
{
	for (unsigned i = 0; i < scaled(rounds(100)); i++) {
		ck_assert_int_eq(weft_timer_create(&timer, slow, NULL), 0);
		set(timer, 1 + i % 7 * 20000, 50000);
		weft_usleep(i % 5 * 100);
		ck_assert_int_eq(weft_timer_destroy(timer), 0);
		ck_assert_int_eq(within, 0);
	}
}

static void count_run(void *unused)
{
	(void)unused;
	runs++;
}

/* Either it was stopped, or it runs: never both, never neither. */
TASK_TEST(test_stop_tells_truly, 4)
{
	int stopped = 0, total = (int)scaled(rounds(20000));

	ck_assert_int_eq(weft_timer_create(&timer, count_run, NULL), 0);
	for (int i = 0; i < total; i++) {
		int error;

		set(timer, 1 + i % 50 * 100, 0);
		for (int k = 0; k < i % 5; k++)
			weft_yield();
		error = weft_timer_stop(timer);
		ck_assert(error == 0 || error == EALREADY);
		stopped += !error;
		while (runs + stopped <= i)
			weft_yield();
		ck_assert_int_eq(runs + stopped, i + 1);
	}
	ck_assert_int_eq(weft_timer_destroy(timer), 0);
}

TASK_TEST(test_settime_tells_what_was_set, 1)
{
	struct itimerspec is = {.it_value = {100, 0}, .it_interval = {7, 5}}, old;

	ck_assert_int_eq(weft_timer_create(&timer, count_run, NULL), 0);
	ck_assert_int_eq(weft_timer_settime(timer, 0, &is, &old), 0);
	ck_assert(!old.it_value.tv_sec && !old.it_value.tv_nsec);
	is.it_value = at(now() + INT64_C(50000) * MS);
	ck_assert_int_eq(weft_timer_settime(timer, TIMER_ABSTIME, &is, &old), 0);
	ck_assert(old.it_value.tv_sec >= 90 && old.it_value.tv_sec <= 100);
	ck_assert(old.it_interval.tv_sec == 7 && old.it_interval.tv_nsec == 5);
	is.it_value = (struct timespec){0, 0};
	ck_assert_int_eq(weft_timer_settime(timer, 0, &is, &old), 0);
	ck_assert(old.it_value.tv_sec >= 40 && old.it_value.tv_sec <= 50);
	ck_assert_int_eq(weft_timer_stop(timer), EALREADY);
	ck_assert_int_eq(weft_timer_destroy(timer), 0);
}

TASK_TEST(test_misused_timers_are_einval, 1)
{
	struct itimerspec is = {.it_value = {0, 1000000000}};

	ck_assert_int_eq(weft_timer_create(NULL, count_run, NULL), EINVAL);
	ck_assert_int_eq(weft_timer_create(&timer, NULL, NULL), EINVAL);
	ck_assert_int_eq(weft_timer_stop(NULL), EINVAL);
	ck_assert_int_eq(weft_timer_destroy(NULL), EINVAL);
	ck_assert_int_eq(weft_timer_create(&timer, count_run, NULL), 0);
	ck_assert_int_eq(weft_timer_settime(timer, 0, &is, NULL), EINVAL);
	is.it_value = (struct timespec){-1, 0};
	ck_assert_int_eq(weft_timer_settime(timer, 0, &is, NULL), EINVAL);
	is.it_value = (struct timespec){1, 0};
	is.it_interval.tv_nsec = -1;
	ck_assert_int_eq(weft_timer_settime(timer, 0, &is, NULL), EINVAL);
	is.it_interval.tv_nsec = 0;
	ck_assert_int_eq(weft_timer_settime(timer, 8, &is, NULL), EINVAL);
	ck_assert_int_eq(weft_timer_settime(timer, 0, NULL, NULL), EINVAL);
	ck_assert_int_eq(weft_timer_settime(NULL, 0, &is, NULL), EINVAL);
	ck_assert_int_eq(weft_timer_destroy(timer), 0);
}

START_TEST(test_an_armed_timer_keeps_the_runtime_up)
{
	ck_assert_int_eq(weft_timer_create(&timer, count_run, NULL), 0);
	set(timer, INT64_C(1000000) * MS, 0);
	ck_assert_int_eq(weft_shutdown(), EBUSY);
	ck_assert_int_eq(weft_timer_destroy(timer), 0);
	ck_assert_int_eq(weft_shutdown(), 0);
}
END_TEST

/* A forked child has the timer, but nothing that was armed. */
START_TEST(test_a_timer_in_a_forked_child_is_not_armed)
{
	int status;
	pid_t child;

	ck_assert_int_eq(weft_timer_create(&timer, count_run, NULL), 0);
	set(timer, INT64_C(1000000) * MS, MS);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (!child) {
		bool fine = weft_timer_stop(timer) == EALREADY && !weft_init();

		set(timer, MS, 0);
		while (!runs)
			weft_usleep(1000);
		_exit(fine && weft_timer_stop(timer) == EALREADY && !weft_timer_destroy(timer) ? 0
											       : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status) && !WEXITSTATUS(status));
	ck_assert_int_eq(weft_timer_stop(timer), 0);
	ck_assert_int_eq(weft_timer_destroy(timer), 0);
}
END_TEST

/* A runtime in which all sleep looks at a timer that somebody outside arms. */
START_TEST(test_an_idle_runtime_sees_a_timer_that_a_thread_arms)
{
	struct timespec pause = {0, 20000000};

	ck_assert_int_eq(weft_timer_create(&timer, count_run, NULL), 0);
	for (int i = 1; i <= 10; i++) {
		nanosleep(&pause, NULL);
		set(timer, 1 + i % 3 * MS, 0);
		while (runs < i)
			nanosleep(&pause, NULL);
	}
	ck_assert_int_eq(weft_timer_destroy(timer), 0);
}
END_TEST

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("time");

	tcase_add_test(tests, test_tasks_sleep_at_least_as_long_as_asked);
	tcase_add_test(tests, test_threads_sleep_at_least_as_long_as_asked);
	tcase_add_test(tests, test_times_that_are_none_are_refused);
	tcase_add_test(tests, test_a_cancelled_sleep_ends_at_once);
	tcase_add_test(tests, test_a_masked_sleep_tells_what_is_left);
	tcase_add_test(tests, test_a_task_bound_to_its_thread_wakes_up);
	tcase_add_test(tests, test_a_sleeper_wakes_up_beside_tasks_that_compute);
	tcase_add_test(tests, test_sleepers_wake_up_while_the_number_of_ps_changes);
	tcase_add_test(tests, test_many_sleepers_all_wake_up);
	tcase_add_test(tests, test_a_timer_runs_its_function_as_a_task);
	tcase_add_test(tests, test_timers_of_foreign_threads);
	tcase_add_test(tests, test_a_slow_function_runs_one_at_a_time_and_does_not_pile_up);
	tcase_add_test(tests, test_a_timer_armed_in_its_function_fires_again);
	tcase_add_test(tests, test_a_timer_destroyed_in_its_function);
	tcase_add_test(tests, test_a_function_that_ends_its_task_is_run_again);
	tcase_add_test(tests, test_destroying_waits_for_the_function);
	tcase_add_test(tests, test_stop_tells_truly);
	tcase_add_test(tests, test_settime_tells_what_was_set);
	tcase_add_test(tests, test_misused_timers_are_einval);
	tcase_add_test(tests, test_an_armed_timer_keeps_the_runtime_up);
	tcase_add_test(tests, test_a_timer_in_a_forked_child_is_not_armed);
	tcase_add_test(tests, test_an_idle_runtime_sees_a_timer_that_a_thread_arms);
	return tests;
}
