/*
 * Ends of waits that come together: deadlines, joins with a time, cancellation, wake-ups.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

enum { MS = 1000000 };

static _Atomic int gate, step;

static struct timespec in(clockid_t clock, int64_t ns)
{
	ns += now_of(clock);
	return (struct timespec){ns / 1000000000, ns % 1000000000};
}

static void deadline_in(int64_t ns)
{
	struct timespec t = in(CLOCK_MONOTONIC, ns);

	ck_assert_int_eq(weft_deadline(&t), 0);
}

/* --- joining -------------------------------------------------------------------------------- */

static void *join_with_times(void *unused)
{
	weft_t task = create(wait_and_give_back, &gate);
	struct timespec t = in(CLOCK_REALTIME, 3 * MS);
	int64_t start = now_of(CLOCK_MONOTONIC);
	void *value = unused;

	ck_assert_int_eq(weft_timedjoin(task, &value, &t), ETIMEDOUT);
	ck_assert_int_ge(now_of(CLOCK_MONOTONIC) - start, 2 * MS);
	t = in(CLOCK_MONOTONIC, 3 * MS);
	ck_assert_int_eq(weft_clockjoin(task, &value, CLOCK_MONOTONIC, &t), ETIMEDOUT);
	ck_assert_int_eq(weft_clockjoin(task, &value, CLOCK_MONOTONIC, &t), ETIMEDOUT); /* past */
	ck_assert_int_eq(weft_clockjoin(task, &value, CLOCK_PROCESS_CPUTIME_ID, &t), EINVAL);
	ck_assert_int_eq(weft_timedjoin(task, &value, NULL), EINVAL);
	t.tv_nsec = 1000000000;
	ck_assert_int_eq(weft_timedjoin(task, &value, &t), EINVAL);
	ck_assert_ptr_eq(value, unused);
	gate = 1;
	t = in(CLOCK_REALTIME, INT64_C(1000000) * MS);
	ck_assert_int_eq(weft_timedjoin(task, &value, &t), 0);
	ck_assert_ptr_eq(value, &gate);
	ck_assert_int_eq(weft_timedjoin(task, &value, &t), ESRCH);
	gate = 0;
	return NULL;
}

TASK_TEST(test_a_join_ends_at_its_time_and_may_be_tried_again, 2)
{
	join_with_times(NULL);
}

START_TEST(test_a_threads_join_ends_at_its_time_and_may_be_tried_again)
{
	on_thread(join_with_times, NULL);
}
END_TEST

TASK_TEST(test_a_past_time_joins_who_has_ended, 2)
{
	weft_t task = create(give_back, &gate);
	struct timespec past = {0, 0};
	void *value;
	int error;

	while ((error = weft_timedjoin(task, &value, &past)) == ETIMEDOUT)
		weft_yield();
	ck_assert_int_eq(error, 0);
	ck_assert_ptr_eq(value, &gate);
	ck_assert_int_eq(weft_timedjoin(weft_self(), NULL, &past), EDEADLK);
}

/* A child that ends at about the time is joined exactly once. */
static void *nap_and_give_back(void *arg)
{
	ck_assert_int_eq(weft_usleep((unsigned)(uintptr_t)arg), 0);
	return arg;
}

static void *join_at_about_the_time(void *unused)
{
	for (unsigned i = 0; i < scaled(rounds(400)); i++) {
		uintptr_t us = 1 + i % 9 * 20;
		weft_t task = create(nap_and_give_back, (void *)us);
		struct timespec t = in(CLOCK_MONOTONIC, (int64_t)us * 1000);
		void *value = NULL;
		int error = weft_clockjoin(task, &value, CLOCK_MONOTONIC, &t);

		if (error == ETIMEDOUT)
			value = result_of(task);
		else
			ck_assert_int_eq(error, 0);
		ck_assert_uint_eq((uintptr_t)value, us);
		ck_assert_int_eq(weft_join(task, NULL), ESRCH);
	}
	return unused;
}

TASK_TEST(test_a_child_that_ends_at_the_time_is_joined_once, 4)
{
	weft_t task[3];
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, join_at_about_the_time, NULL), 0);
	for (int i = 0; i < 3; i++)
		task[i] = create(join_at_about_the_time, NULL);
	for (int i = 0; i < 3; i++)
		result_of(task[i]);
	pthread_join(thread, NULL);
}

/* --- deadlines ---------------------------------------------------------------------------------
 */

static void *meet_deadline(void *unused)
{
	weft_t task = create(wait_and_give_back, &gate);
	struct timespec t = {1000000, 0}, left = {0, 0};
	int64_t start = now_of(CLOCK_MONOTONIC);
	weft_sem_t sem;
	weft_chan_t *ch;

	ck_assert_int_eq(weft_sem_init(&sem, 0, 1), 0);
	ck_assert_int_eq(weft_chan_create(&ch, 0, 0), 0);
	deadline_in(3 * MS);
	ck_assert_int_eq(weft_nanosleep(&t, &left), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	ck_assert_int_ge(left.tv_sec, 999900);
	ck_assert_int_ge(now_of(CLOCK_MONOTONIC) - start, 3 * MS);
	/* which has passed now: what would wait fails, what would not does not */
	ck_assert_int_eq(weft_join(task, NULL), ETIMEDOUT);
	ck_assert_uint_ge(weft_sleep(100), 99);
	ck_assert_int_eq(weft_clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL), ETIMEDOUT);
	ck_assert_int_eq(weft_sem_wait(&sem), 0);
	ck_assert_int_eq(weft_sem_wait(&sem), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	ck_assert_int_eq(weft_chan_recv(ch, NULL), ETIMEDOUT);
	ck_assert_int_eq(weft_deadline(NULL), 0);
	ck_assert_int_eq(weft_usleep(1), 0);
	gate = 1;
	ck_assert_ptr_eq(result_of(task), &gate);
	gate = 0;
	deadline_in(INT64_C(1000000) * MS);
	task = create(give_back, &gate);
	ck_assert_ptr_eq(result_of(task), &gate);
	ck_assert_int_eq(weft_usleep(1000), 0);
	ck_assert_int_eq(weft_deadline(NULL), 0);
	ck_assert_int_eq(weft_sem_destroy(&sem), 0);
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
	return unused;
}

TASK_TEST(test_waiting_calls_end_at_the_deadline, 2)
{
	meet_deadline(NULL);
}

START_TEST(test_a_threads_waiting_calls_end_at_its_deadline)
{
	on_thread(meet_deadline, NULL);
}
END_TEST

static void *wait_without(void *unused)
{
	ck_assert_int_eq(weft_usleep(2000), 0);
	return unused;
}

TASK_TEST(test_a_deadline_is_not_inherited, 2)
{
	struct timespec bad = {0, -1};
	weft_t task;

	deadline_in(0);
	task = create(wait_without, NULL);
	ck_assert_int_eq(weft_deadline(&bad), EINVAL);
	ck_assert_uint_eq(weft_sleep(1), 1);
	ck_assert_int_eq(weft_deadline(NULL), 0);
	ck_assert_ptr_null(result_of(task));
}

static weft_mutex_t mutex = WEFT_MUTEX_INITIALIZER;

TASK_TEST(test_locks_do_not_heed_the_deadline, 2)
{
	deadline_in(0);
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(weft_mutex_lock(&mutex), 0);
		ck_assert_int_eq(weft_mutex_unlock(&mutex), 0);
	}
}

/* --- all at once: exactly one of them ends the wait ------------------------------------------ */

static weft_sem_t tokens;
static _Atomic int taken, late, cancelled;

static void *take(void *arg)
{
	struct timespec t = in(CLOCK_MONOTONIC, (int64_t)(uintptr_t)arg);

	ck_assert_int_eq(weft_setcancelstate(WEFT_CANCEL_MASKED, NULL), 0);
	if (!weft_sem_clockwait(&tokens, CLOCK_MONOTONIC, &t))
		taken++;
	else if (errno == ETIMEDOUT)
		late++;
	else if (errno == ECANCELED)
		cancelled++;
	return NULL;
}

TASK_TEST(test_a_waker_a_timer_and_a_canceller_end_a_wait_once, 4)
{
	enum { TASKS = 8 };
	int posts = 0, left, waits = 0;

	ck_assert_int_eq(weft_sem_init(&tokens, 0, 0), 0);
	for (unsigned i = 0; i < scaled(rounds(400)); i++) {
		weft_t task[TASKS];

		for (unsigned k = 0; k < TASKS; k++, waits++)
			task[k] = create(take, (void *)(uintptr_t)((i + k) % 10 * 10000));
		for (unsigned k = 0; k < TASKS; k++) {
			if (k % 3 == 0) {
				ck_assert_int_eq(weft_sem_post(&tokens), 0);
				posts++;
			}
			if (k % 2)
				weft_cancel(task[k]);
			weft_yield();
		}
		for (unsigned k = 0; k < TASKS; k++)
			ck_assert_ptr_null(result_of(task[k]));
		ck_assert_int_eq(taken + late + cancelled, waits);
		ck_assert_int_eq(weft_sem_getvalue(&tokens, &left), 0);
		ck_assert_int_eq(taken + left, posts);
	}
	ck_assert_int_eq(weft_sem_destroy(&tokens), 0);
}

static void *sleep_or_be_cancelled(void *arg)
{
	step++;
	ck_assert_int_eq(weft_usleep((unsigned)(uintptr_t)arg), 0);
	return arg;
}

TASK_TEST(test_a_sleep_that_is_cancelled_at_its_time_ends_once, 4)
{
	for (unsigned i = 0; i < scaled(rounds(4000)); i++) {
		uintptr_t us = 1 + i % 7 * 10;
		weft_t task = create(sleep_or_be_cancelled, (void *)us);
		void *value;

		if (i % 5)
			weft_usleep((unsigned)(us + i % 3));
		weft_cancel(task);
		value = result_of(task);
		ck_assert(value == WEFT_CANCELED || value == (void *)us);
	}
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("deadline");

	tcase_add_test(tests, test_a_join_ends_at_its_time_and_may_be_tried_again);
	tcase_add_test(tests, test_a_threads_join_ends_at_its_time_and_may_be_tried_again);
	tcase_add_test(tests, test_a_past_time_joins_who_has_ended);
	tcase_add_test(tests, test_a_child_that_ends_at_the_time_is_joined_once);
	tcase_add_test(tests, test_waiting_calls_end_at_the_deadline);
	tcase_add_test(tests, test_a_threads_waiting_calls_end_at_its_deadline);
	tcase_add_test(tests, test_a_deadline_is_not_inherited);
	tcase_add_test(tests, test_locks_do_not_heed_the_deadline);
	tcase_add_test(tests, test_a_waker_a_timer_and_a_canceller_end_a_wait_once);
	tcase_add_test(tests, test_a_sleep_that_is_cancelled_at_its_time_ends_once);
	return tests;
}
