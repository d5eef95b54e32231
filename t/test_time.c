/*
 * Timers, of tasks and of foreign threads.
 */
#include <stdlib.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

enum { MS = 1000000 };

static int64_t now(void)
{
	return now_of(CLOCK_MONOTONIC);
}

static struct timespec at(int64_t ns)
{
	return (struct timespec){ns / 1000000000, ns % 1000000000};
}

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
