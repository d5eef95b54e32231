/*
 * The common part of the task API's tests.
 */
#include "suite.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include <weft.h>

#include "soak.h"

/* A forked child of a program with threads may have threads of its own. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "die_after_fork=0:atexit_sleep_ms=0";
}

static void (*main_body)(void);

static int main_task(int argc, char **argv)
{
	(void)argc, (void)argv;
	main_body();
	return 0;
}

int suite_slice;

void as_task(unsigned procs, void (*body)(void))
{
	weft_config_t config = {.procs = procs, .preempt = suite_slice};

	main_body = body;
	ck_assert_int_eq(weft_configure(&config), 0);
	ck_assert_int_eq(weft_start(main_task, 0, NULL), 0);
}

void wait_for(_Atomic int *counter, int value)
{
	while (*counter < value)
		weft_yield();
}

weft_stats_t runtime_stats(void)
{
	weft_stats_t stats;

	ck_assert_int_eq(weft_stats(&stats, sizeof stats), 0);
	return stats;
}

void wait_parked(unsigned n)
{
	do
		weft_yield();
	while (runtime_stats().parked < n);
}

weft_t create(void *(*fn)(void *), void *arg)
{
	weft_t task;

	ck_assert_int_eq(weft_create(&task, NULL, fn, arg), 0);
	return task;
}

void *result_of(weft_t task)
{
	void *value;

	ck_assert_int_eq(weft_join(task, &value), 0);
	return value;
}

void *on_thread(void *(*fn)(void *), void *arg)
{
	pthread_t thread;
	void *value;

	ck_assert_int_eq(pthread_create(&thread, NULL, fn, arg), 0);
	ck_assert_int_eq(pthread_join(thread, &value), 0);
	return value;
}

struct timespec time_of(clockid_t clock, long ms)
{
	struct timespec t;

	ck_assert_int_eq(clock_gettime(clock, &t), 0);
	t.tv_nsec += ms % 1000 * 1000000;
	t.tv_sec += ms / 1000;
	if (t.tv_nsec < 0) {
		t.tv_nsec += 1000000000;
		t.tv_sec--;
	} else if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	return t;
}

int64_t now_of(clockid_t clock)
{
	struct timespec t;

	ck_assert_int_eq(clock_gettime(clock, &t), 0);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void pause_us(long us)
{
	struct timespec t = {us / 1000000, us % 1000000 * 1000};

	ck_assert_int_eq(nanosleep(&t, NULL), 0);
}

void *give_back(void *arg)
{
	return arg;
}

void *wait_and_give_back(void *arg)
{
	wait_for(arg, 1);
	return arg;
}

int main(void)
{
	TCase *tests = suite_tests();
	Suite *suite = suite_create(program_invocation_short_name);
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, PATIENCE * (soaking() ? SOAK : 1));
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
