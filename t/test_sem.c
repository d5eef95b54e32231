/*
 * Semaphores.
 */
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

static weft_sem_t sem;
static _Atomic int taken;

/* Fails, with that errno. */
#define ck_fails(call, error)                                                                      \
	do {                                                                                       \
		errno = 0;                                                                         \
		ck_assert_int_eq(call, -1);                                                        \
		ck_assert_int_eq(errno, error);                                                    \
	} while (0)

static int value(void)
{
	int now;

	ck_assert_int_eq(weft_sem_getvalue(&sem, &now), 0);
	return now;
}

START_TEST(test_misuse_is_answered)
{
	ck_fails(weft_sem_init(NULL, 0, 0), EINVAL);
	ck_fails(weft_sem_init(&sem, 0, (unsigned)INT_MAX + 1), EINVAL);
	ck_fails(weft_sem_init(&sem, 1, 0), ENOSYS);
	ck_fails(weft_sem_wait(NULL), EINVAL);
	ck_fails(weft_sem_trywait(NULL), EINVAL);
	ck_fails(weft_sem_post(NULL), EINVAL);
	ck_fails(weft_sem_getvalue(NULL, NULL), EINVAL);
	ck_fails(weft_sem_destroy(NULL), EINVAL);
	ck_assert_int_eq(weft_sem_init(&sem, 0, INT_MAX), 0);
	ck_assert_int_eq(value(), INT_MAX);
	ck_fails(weft_sem_post(&sem), EOVERFLOW);
	ck_assert_int_eq(weft_sem_wait(&sem), 0);
	ck_assert_int_eq(weft_sem_post(&sem), 0);
	ck_assert_int_eq(value(), INT_MAX);
	ck_assert_int_eq(weft_sem_destroy(&sem), 0);
	ck_fails(weft_sem_destroy(&sem), EINVAL);
	ck_fails(weft_sem_post(&sem), EINVAL);
	ck_fails(weft_sem_wait(&sem), EINVAL);
	ck_fails(weft_sem_trywait(&sem), EINVAL);
}
END_TEST

static void counts(void)
{
	ck_assert_int_eq(weft_sem_init(&sem, 0, 2), 0);
	ck_assert_int_eq(weft_sem_wait(&sem), 0);
	ck_assert_int_eq(weft_sem_trywait(&sem), 0);
	ck_fails(weft_sem_trywait(&sem), EAGAIN);
	ck_assert_int_eq(weft_sem_post(&sem), 0);
	ck_assert_int_eq(value(), 1);
	ck_assert_int_eq(weft_sem_wait(&sem), 0);
	ck_assert_int_eq(weft_sem_destroy(&sem), 0);
}

START_TEST(test_a_thread_counts)
{
	weft_stats_t stats;

	counts();
	ck_assert_int_eq(weft_stats(&stats, sizeof stats), 0);
	ck_assert_uint_eq(stats.threads, 0); /* nothing was booted for it */
}
END_TEST

TASK_TEST(test_a_task_counts, 1)
{
	counts();
}

static void *take(void *arg)
{
	ck_assert_int_eq(weft_sem_wait(&sem), 0);
	*(int *)arg = ++taken;
	return NULL;
}

TASK_TEST(test_who_waits_is_served_in_order, 1)
{
	enum { N = 10 };
	weft_t task[N];
	int at[N] = {0};

	ck_assert_int_eq(weft_sem_init(&sem, 0, 0), 0);
	for (int i = 0; i < N; i++) {
		task[i] = create(take, &at[i]);
		wait_parked((unsigned)i + 1);
	}
	ck_fails(weft_sem_destroy(&sem), EBUSY);
	for (int i = 0; i < N; i++) {
		ck_assert_int_eq(weft_sem_post(&sem), 0);
		ck_assert_int_eq(value(), 0);
		ck_fails(weft_sem_trywait(&sem), EAGAIN); /* it went to who waited */
		result_of(task[i]);
		ck_assert_int_eq(at[i], i + 1);
	}
	ck_assert_int_eq(weft_sem_destroy(&sem), 0);
}

static _Atomic int gate;

static void *take_after_gate(void *arg)
{
	wait_for(&gate, 1);
	return take(arg);
}

static void *take_masked(void *arg)
{
	ck_assert_int_eq(weft_setcancelstate(WEFT_CANCEL_MASKED, NULL), 0);
	ck_fails(weft_sem_wait(&sem), ECANCELED);
	return arg;
}

TASK_TEST(test_waiting_is_a_cancellation_point, 1)
{
	int at;
	weft_t task, masked;

	ck_assert_int_eq(weft_sem_init(&sem, 0, 0), 0);
	task = create(take, &at);
	masked = create(take_masked, NULL);
	wait_parked(2);
	ck_assert_int_eq(weft_cancel(task), 0);
	ck_assert_int_eq(weft_cancel(masked), 0);
	ck_assert_ptr_eq(result_of(task), WEFT_CANCELED);
	ck_assert_ptr_null(result_of(masked));
	ck_assert_int_eq(weft_sem_post(&sem), 0);
	ck_assert_int_eq(value(), 1); /* they took nothing */
	task = create(take_after_gate, &at);
	/* before it comes to the wait, which need not wait */
	ck_assert_int_eq(weft_cancel(task), 0);
	gate = 1;
	ck_assert_ptr_eq(result_of(task), WEFT_CANCELED);
	ck_assert_int_eq(value(), 1);
}

static void *take_or_be_cancelled(void *arg)
{
	weft_sem_wait(&sem);
	taken++;
	weft_setcancelstate(WEFT_CANCEL_DISABLE, NULL);
	return arg;
}

TASK_TEST(test_a_cancelled_wait_takes_no_post, 4)
{
	ck_assert_int_eq(weft_sem_init(&sem, 0, 0), 0);
	for (unsigned i = 0; i < scaled(rounds(3000)); i++) {
		weft_t task = create(take_or_be_cancelled, NULL);
		void *result;

		taken = 0;
		wait_parked(1);
		if (i & 1)
			weft_cancel(task);
		ck_assert_int_eq(weft_sem_post(&sem), 0);
		if (!(i & 1))
			weft_cancel(task);
		result = result_of(task);
		ck_assert_int_eq(value(), result == WEFT_CANCELED && !taken);
		weft_sem_trywait(&sem);
	}
}

/* --- under load ------------------------------------------------------------------- */

static unsigned turns;

static void *take_many(void *arg)
{
	for (unsigned i = 0; i < turns; i++) {
		ck_assert_int_eq(weft_sem_wait(&sem), 0);
		taken++;
	}
	return arg;
}

static void *post_many(void *arg)
{
	for (unsigned i = 0; i < turns; i++) {
		ck_assert_int_eq(weft_sem_post(&sem), 0);
		if (i % 32 == 0)
			weft_yield();
	}
	return arg;
}

static void exchange(int tasks, int threads)
{
	weft_t task[16];
	pthread_t thread[16];

	turns = scaled(rounds(10000));
	ck_assert_int_eq(weft_sem_init(&sem, 0, 0), 0);
	for (int i = 0; i < 2 * threads; i++)
		ck_assert_int_eq(
			pthread_create(&thread[i], NULL, i & 1 ? post_many : take_many, NULL), 0);
	for (int i = 0; i < 2 * tasks; i++)
		task[i] = create(i & 1 ? post_many : take_many, NULL);
	for (int i = 0; i < 2 * tasks; i++)
		result_of(task[i]);
	for (int i = 0; i < 2 * threads; i++)
		pthread_join(thread[i], NULL);
	ck_assert_int_eq(taken, (int)turns * (tasks + threads));
	ck_assert_int_eq(value(), 0);
	ck_assert_int_eq(weft_sem_destroy(&sem), 0);
}

TASK_TEST(test_no_post_is_lost_among_tasks_of_one_p, 1)
{
	exchange(8, 0);
}

TASK_TEST(test_no_post_is_lost_among_tasks_and_threads, 4)
{
	exchange(4, 4);
}

/* --- times ---------------------------------------------------------------------- */

static void times(void)
{
	struct timespec bad = {0, 1000000000}, past = {0, 0};
	struct timespec soon = time_of(CLOCK_REALTIME, 10), mono = time_of(CLOCK_MONOTONIC, 20);

	ck_assert_int_eq(weft_sem_init(&sem, 0, 1), 0);
	ck_assert_int_eq(weft_sem_timedwait(&sem, &bad), 0); /* it need not wait */
	ck_fails(weft_sem_timedwait(&sem, &bad), EINVAL);
	ck_fails(weft_sem_timedwait(&sem, NULL), EINVAL);
	ck_fails(weft_sem_timedwait(&sem, &past), ETIMEDOUT);
	ck_fails(weft_sem_timedwait(&sem, &soon), ETIMEDOUT);
	ck_fails(weft_sem_clockwait(&sem, CLOCK_MONOTONIC, &mono), ETIMEDOUT);
	ck_fails(weft_sem_clockwait(&sem, CLOCK_PROCESS_CPUTIME_ID, &mono), EINVAL);
	ck_assert_int_eq(weft_sem_post(&sem), 0);
	ck_assert_int_eq(value(), 1);
	ck_assert_int_eq(weft_sem_destroy(&sem), 0);
}

START_TEST(test_a_threads_timed_wait_ends_at_its_time)
{
	times();
}
END_TEST

TASK_TEST(test_a_tasks_timed_wait_ends_at_its_time, 1)
{
	times();
}

static _Atomic int gave_up, posted;

static void *take_or_give_up(void *arg)
{
	for (unsigned i = 0; i < *(unsigned *)arg; i++) {
		struct timespec t = time_of(CLOCK_MONOTONIC, i % 2);

		if (!weft_sem_clockwait(&sem, CLOCK_MONOTONIC, &t))
			taken++;
		else
			gave_up++;
	}
	return NULL;
}

TASK_TEST(test_who_gives_up_takes_no_post, 4)
{
	unsigned n = scaled(rounds(1000));
	weft_t task[4];
	pthread_t thread;

	ck_assert_int_eq(weft_sem_init(&sem, 0, 0), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, take_or_give_up, &n), 0);
	for (int i = 0; i < 4; i++)
		task[i] = create(take_or_give_up, &n);
	while (taken + gave_up < (int)n * 5) {
		ck_assert_int_eq(weft_sem_post(&sem), 0);
		posted++;
		for (int i = 0; i < 20; i++)
			weft_yield();
	}
	for (int i = 0; i < 4; i++)
		result_of(task[i]);
	pthread_join(thread, NULL);
	ck_assert_int_eq(taken + value(), posted);
	ck_assert_int_eq(weft_sem_destroy(&sem), 0);
}

/* --- an object that goes as soon as the wait is over ------------------------------------ */

static void *post_it(void *arg)
{
	ck_assert_int_eq(weft_sem_post(arg), 0);
	return NULL;
}

TASK_TEST(test_it_may_go_as_soon_as_the_wait_is_over, 4)
{
	for (unsigned i = 0; i < scaled(rounds(5000)); i++) {
		weft_sem_t *it = malloc(sizeof *it);
		weft_t task;

		ck_assert_ptr_nonnull(it);
		ck_assert_int_eq(weft_sem_init(it, 0, 0), 0);
		task = create(post_it, it);
		if (i & 1)
			weft_yield();
		ck_assert_int_eq(weft_sem_wait(it), 0);
		memset(it, 0xff, sizeof *it);
		free(it);
		result_of(task);
	}
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("sem");

	tcase_add_test(tests, test_misuse_is_answered);
	tcase_add_test(tests, test_a_thread_counts);
	tcase_add_test(tests, test_a_task_counts);
	tcase_add_test(tests, test_who_waits_is_served_in_order);
	tcase_add_test(tests, test_waiting_is_a_cancellation_point);
	tcase_add_test(tests, test_a_cancelled_wait_takes_no_post);
	tcase_add_test(tests, test_no_post_is_lost_among_tasks_of_one_p);
	tcase_add_test(tests, test_no_post_is_lost_among_tasks_and_threads);
	tcase_add_test(tests, test_it_may_go_as_soon_as_the_wait_is_over);
	tcase_add_test(tests, test_a_threads_timed_wait_ends_at_its_time);
	tcase_add_test(tests, test_a_tasks_timed_wait_ends_at_its_time);
	tcase_add_test(tests, test_who_gives_up_takes_no_post);
	return tests;
}
