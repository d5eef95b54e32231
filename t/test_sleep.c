/*
 * Sleeping: tasks and foreign threads.
 */
#include <time.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

static _Atomic int gate, step;

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

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("sleep");

	tcase_add_test(tests, test_tasks_sleep_at_least_as_long_as_asked);
	tcase_add_test(tests, test_threads_sleep_at_least_as_long_as_asked);
	tcase_add_test(tests, test_times_that_are_none_are_refused);
	tcase_add_test(tests, test_a_cancelled_sleep_ends_at_once);
	tcase_add_test(tests, test_a_masked_sleep_tells_what_is_left);
	tcase_add_test(tests, test_a_task_bound_to_its_thread_wakes_up);
	tcase_add_test(tests, test_a_sleeper_wakes_up_beside_tasks_that_compute);
	tcase_add_test(tests, test_sleepers_wake_up_while_the_number_of_ps_changes);
	tcase_add_test(tests, test_many_sleepers_all_wake_up);
	return tests;
}
