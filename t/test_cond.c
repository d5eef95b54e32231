/*
 * Condition variables: whom a signal and a broadcast wake, and what ends a wait besides.
 */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

static weft_mutex_t mutex = WEFT_MUTEX_INITIALIZER;
static weft_cond_t cond = WEFT_COND_INITIALIZER;
static int tokens, waiting; /* not atomic: the mutex guards them */
static _Atomic int woken, cleaned;

static void lock(void)
{
	ck_assert_int_eq(weft_mutex_lock(&mutex), 0);
}

static void unlock(void)
{
	ck_assert_int_eq(weft_mutex_unlock(&mutex), 0);
}

START_TEST(test_attributes_have_the_values_that_can_be_had)
{
	weft_condattr_t attr;
	clockid_t clock;
	int value;

	ck_assert_int_eq(weft_condattr_init(&attr), 0);
	ck_assert_int_eq(weft_condattr_getclock(&attr, &clock), 0);
	ck_assert_int_eq(clock, CLOCK_REALTIME);
	ck_assert_int_eq(weft_condattr_setclock(&attr, CLOCK_MONOTONIC), 0);
	ck_assert_int_eq(weft_condattr_getclock(&attr, &clock), 0);
	ck_assert_int_eq(clock, CLOCK_MONOTONIC);
	ck_assert_int_eq(weft_condattr_setclock(&attr, CLOCK_PROCESS_CPUTIME_ID), EINVAL);
	ck_assert_int_eq(weft_condattr_setclock(&attr, -1), EINVAL);
	ck_assert_int_eq(weft_condattr_setpshared(&attr, WEFT_PROCESS_PRIVATE), 0);
	ck_assert_int_eq(weft_condattr_setpshared(&attr, WEFT_PROCESS_SHARED), ENOTSUP);
	ck_assert_int_eq(weft_condattr_getpshared(&attr, &value), 0);
	ck_assert_int_eq(value, WEFT_PROCESS_PRIVATE);
	ck_assert_int_eq(weft_cond_init(&cond, &attr), 0);
	ck_assert_int_eq(weft_condattr_destroy(&attr), 0);
	ck_assert_int_eq(weft_cond_init(&cond, &attr), EINVAL);
	ck_assert_int_eq(weft_condattr_init(NULL), EINVAL);
}
END_TEST

START_TEST(test_misuse_is_answered)
{
	weft_mutex_t other = WEFT_MUTEX_INITIALIZER;

	ck_assert_int_eq(weft_cond_init(NULL, NULL), EINVAL);
	ck_assert_int_eq(weft_cond_wait(NULL, &mutex), EINVAL);
	ck_assert_int_eq(weft_cond_wait(&cond, NULL), EINVAL);
	ck_assert_int_eq(weft_cond_wait(&cond, &mutex), EPERM);
	ck_assert_int_eq(weft_mutex_lock(&other), 0);
	ck_assert_int_eq(weft_cond_wait(&cond, &mutex), EPERM);
	ck_assert_int_eq(weft_cond_signal(NULL), EINVAL);
	ck_assert_int_eq(weft_cond_broadcast(NULL), EINVAL);
	ck_assert_int_eq(weft_cond_signal(&cond), 0);
	ck_assert_int_eq(weft_cond_broadcast(&cond), 0);
	ck_assert_int_eq(weft_cond_destroy(&cond), 0);
	ck_assert_int_eq(weft_cond_signal(&cond), EINVAL);
	ck_assert_int_eq(weft_cond_wait(&cond, &other), EINVAL);
	ck_assert_int_eq(weft_cond_destroy(&cond), EINVAL);
	ck_assert_int_eq(weft_cond_destroy(NULL), EINVAL);
}
END_TEST

/* Wait for a token, as programs do. */
static void *take_token(void *arg)
{
	lock();
	while (!tokens) {
		waiting++;
		ck_assert_int_eq(weft_cond_wait(&cond, &mutex), 0);
		waiting--;
		woken++;
	}
	tokens--;
	unlock();
	return arg;
}

/* Wait without a predicate: woken by a signal alone. */
static void *wait_once(void *arg)
{
	lock();
	ck_assert_int_eq(weft_cond_wait(&cond, &mutex), 0);
	woken++;
	unlock();
	return arg;
}

TASK_TEST(test_a_signal_wakes_one_and_a_broadcast_the_others, 1)
{
	weft_t task[5];

	for (int i = 0; i < 5; i++)
		task[i] = create(wait_once, NULL);
	wait_parked(5);
	ck_assert_int_eq(weft_cond_destroy(&cond), EBUSY);
	ck_assert_int_eq(weft_cond_signal(&cond), 0);
	result_of(task[0]); /* the first */
	for (int i = 0; i < 10; i++)
		weft_yield();
	ck_assert_int_eq(woken, 1);
	ck_assert_int_eq(weft_cond_broadcast(&cond), 0);
	ck_assert_int_eq(weft_cond_destroy(&cond), 0);
	for (int i = 1; i < 5; i++)
		result_of(task[i]);
	ck_assert_int_eq(woken, 5);
}

TASK_TEST(test_a_broadcast_under_the_mutex_lets_one_after_the_other_in, 2)
{
	enum { N = 50 };
	weft_t task[N];
	weft_stats_t before, after;

	for (int i = 0; i < N; i++)
		task[i] = create(wait_once, NULL);
	wait_parked(N);
	lock();
	ck_assert_int_eq(weft_cond_broadcast(&cond), 0);
	ck_assert_int_eq(weft_stats(&before, sizeof before), 0);
	for (int i = 0; i < 20; i++)
		weft_yield();
	ck_assert_int_eq(weft_stats(&after, sizeof after), 0);
	ck_assert_int_eq(woken, 0);
	ck_assert_uint_ge(after.parked,
			  N); /* no stampede: they wait for the mutex where they are */
	unlock();
	for (int i = 0; i < N; i++)
		result_of(task[i]);
	ck_assert_int_eq(woken, N);
}

static weft_mutex_t another = WEFT_MUTEX_INITIALIZER;

TASK_TEST(test_waiting_with_another_mutex_is_einval, 1)
{
	weft_t task = create(wait_once, NULL);

	wait_parked(1);
	ck_assert_int_eq(weft_mutex_lock(&another), 0);
	ck_assert_int_eq(weft_cond_wait(&cond, &another), EINVAL);
	ck_assert_int_eq(weft_mutex_unlock(&another), 0);
	ck_assert_int_eq(weft_cond_signal(&cond), 0);
	result_of(task);
}

/* As glibc: of a mutex locked twice, one lock is undone. */
static weft_mutex_t recursive = WEFT_RECURSIVE_MUTEX_INITIALIZER;

static void *wait_nested(void *arg)
{
	ck_assert_int_eq(weft_mutex_lock(&recursive), 0);
	ck_assert_int_eq(weft_mutex_lock(&recursive), 0);
	ck_assert_int_eq(weft_cond_wait(&cond, &recursive), 0);
	ck_assert_int_eq(weft_mutex_unlock(&recursive), 0);
	ck_assert_int_eq(weft_mutex_unlock(&recursive), 0);
	ck_assert_int_eq(weft_mutex_unlock(&recursive), EPERM);
	return arg;
}

TASK_TEST(test_a_recursive_mutex_gives_one_lock_up, 1)
{
	weft_t task = create(wait_nested, NULL);

	wait_parked(1);
	ck_assert_int_eq(weft_mutex_trylock(&recursive), EBUSY);
	ck_assert_int_eq(weft_cond_signal(&cond), 0);
	result_of(task);
	task = create(wait_nested, NULL);
	wait_parked(1);
	ck_assert_int_eq(weft_cond_broadcast(&cond), 0);
	result_of(task);
	ck_assert_int_eq(weft_mutex_destroy(&recursive), 0);
}

/* --- cancellation ---------------------------------------------------------------- */

static void clean_up(void *arg)
{
	cleaned++;
	ck_assert_int_eq(weft_mutex_trylock(arg), EBUSY);
	ck_assert_int_eq(weft_mutex_unlock(arg), 0); /* it is the cancelled task's */
}

static void *wait_cancelled(void *arg)
{
	lock();
	weft_cleanup_push(clean_up, &mutex);
	weft_cond_wait(&cond, &mutex);
	woken++;
	weft_cleanup_pop(0);
	unlock();
	return arg;
}

TASK_TEST(test_a_cancelled_wait_holds_the_mutex_in_its_clean_up, 2)
{
	weft_t task = create(wait_cancelled, NULL);

	wait_parked(1);
	lock();
	ck_assert_int_eq(weft_cancel(task), 0);
	for (int i = 0; i < 10; i++)
		weft_yield();
	ck_assert_int_eq(cleaned, 0); /* it waits for the mutex first */
	unlock();
	ck_assert_ptr_eq(result_of(task), WEFT_CANCELED);
	ck_assert_int_eq(cleaned, 1);
	ck_assert_int_eq(woken, 0);
	ck_assert_int_eq(weft_cond_destroy(&cond), 0);
}

static void *wait_masked(void *arg)
{
	ck_assert_int_eq(weft_setcancelstate(WEFT_CANCEL_MASKED, NULL), 0);
	lock();
	ck_assert_int_eq(weft_cond_wait(&cond, &mutex), ECANCELED);
	unlock();
	return arg;
}

TASK_TEST(test_a_masked_cancellation_is_told_with_the_mutex_held, 1)
{
	weft_t task = create(wait_masked, NULL);

	wait_parked(1);
	ck_assert_int_eq(weft_cancel(task), 0);
	ck_assert_ptr_null(result_of(task));
}

/* A signal and a cancellation at once: one of the two waiters reports the signal. */
TASK_TEST(test_a_cancelled_wait_takes_no_signal_from_others, 4)
{
	for (unsigned i = 0; i < scaled(rounds(2000)); i++) {
		weft_t victim, other;

		woken = 0;
		victim = create(wait_cancelled, NULL);
		wait_parked(1);
		other = create(wait_once, NULL);
		wait_parked(2);
		ck_assert_int_eq(weft_cancel(victim), 0);
		ck_assert_int_eq(weft_cond_signal(&cond), 0);
		if (result_of(victim) == WEFT_CANCELED && !woken) {
			result_of(other);
			continue;
		}
		ck_assert_int_eq(weft_cond_signal(&cond), 0);
		result_of(other);
	}
}

/* --- under load -------------------------------------------------------------------- */

enum { TAKERS = 8 };
static unsigned turns;

static void *take_many(void *arg)
{
	for (unsigned i = 0; i < turns; i++)
		take_token(NULL);
	return arg;
}

static void *give_many(void *arg)
{
	for (unsigned i = 0; i < turns; i++) {
		lock();
		tokens++;
		if (i & 1)
			ck_assert_int_eq(weft_cond_signal(&cond), 0);
		unlock();
		if (!(i & 1))
			ck_assert_int_eq(
				i % 64 ? weft_cond_signal(&cond) : weft_cond_broadcast(&cond), 0);
	}
	return arg;
}

static void exchange(int tasks, int threads)
{
	weft_t task[2 * TAKERS];
	pthread_t thread[2 * TAKERS];

	turns = scaled(rounds(3000));
	for (int i = 0; i < 2 * threads; i++)
		ck_assert_int_eq(
			pthread_create(&thread[i], NULL, i & 1 ? give_many : take_many, NULL), 0);
	for (int i = 0; i < 2 * tasks; i++)
		task[i] = create(i & 1 ? give_many : take_many, NULL);
	for (int i = 0; i < 2 * tasks; i++)
		result_of(task[i]);
	for (int i = 0; i < 2 * threads; i++)
		pthread_join(thread[i], NULL);
	ck_assert_int_eq(tokens, 0);
	ck_assert_int_eq(waiting, 0);
	ck_assert_int_eq(weft_cond_destroy(&cond), 0);
}

TASK_TEST(test_no_wake_up_is_lost_among_tasks_of_one_p, 1)
{
	exchange(TAKERS, 0);
}

TASK_TEST(test_no_wake_up_is_lost_among_tasks_and_threads, 4)
{
	exchange(TAKERS / 2, TAKERS / 2);
}

/* --- times ---------------------------------------------------------------------- */

static void *wait_timed(void *arg)
{
	struct timespec bad = {0, 1000000000}, past = {0, 0};
	struct timespec soon = time_of(CLOCK_REALTIME, 20), mono = time_of(CLOCK_MONOTONIC, 20);

	ck_assert_int_eq(weft_cond_timedwait(&cond, &mutex, &soon), EPERM);
	lock();
	ck_assert_int_eq(weft_cond_timedwait(&cond, &mutex, &bad), EINVAL);
	ck_assert_int_eq(weft_cond_timedwait(&cond, &mutex, NULL), EINVAL);
	ck_assert_int_eq(weft_cond_clockwait(&cond, &mutex, CLOCK_PROCESS_CPUTIME_ID, &mono),
			 EINVAL);
	ck_assert_int_eq(weft_cond_timedwait(&cond, &mutex, &past), ETIMEDOUT);
	ck_assert_int_eq(weft_cond_timedwait(&cond, &mutex, &soon), ETIMEDOUT);
	ck_assert_int_eq(weft_cond_clockwait(&cond, &mutex, CLOCK_MONOTONIC, &mono), ETIMEDOUT);
	unlock(); /* it holds it */
	return arg;
}

START_TEST(test_a_threads_timed_wait_ends_at_its_time)
{
	wait_timed(NULL);
	ck_assert_int_eq(weft_cond_destroy(&cond), 0);
}
END_TEST

TASK_TEST(test_a_tasks_timed_wait_ends_at_its_time, 2)
{
	wait_timed(NULL);
	ck_assert_int_eq(weft_cond_destroy(&cond), 0);
}

TASK_TEST(test_a_timed_wait_takes_the_clock_of_the_attribute, 1)
{
	struct timespec start = time_of(CLOCK_MONOTONIC, 0), soon, end;
	weft_condattr_t attr;

	ck_assert_int_eq(weft_condattr_init(&attr), 0);
	ck_assert_int_eq(weft_condattr_setclock(&attr, CLOCK_MONOTONIC), 0);
	ck_assert_int_eq(weft_cond_init(&cond, &attr), 0);
	lock();
	soon = time_of(CLOCK_MONOTONIC, 10);
	ck_assert_int_eq(weft_cond_timedwait(&cond, &mutex, &soon), ETIMEDOUT);
	end = time_of(CLOCK_MONOTONIC, 0);
	ck_assert((end.tv_sec - start.tv_sec) * 1000000000L + end.tv_nsec - start.tv_nsec >=
		  10000000);
	unlock();
}

/* Tokens are given one by one; who gives up takes none along. */
static _Atomic int took;

static void *take_or_give_up(void *arg)
{
	for (unsigned i = 0; i < *(unsigned *)arg; i++) {
		struct timespec t = time_of(CLOCK_MONOTONIC, i % 3);
		int error = 0;

		lock();
		while (!tokens && !error)
			error = weft_cond_clockwait(&cond, &mutex, CLOCK_MONOTONIC, &t);
		if (tokens) {
			tokens--;
			if (++took == 4 * *(int *)arg) /* who takes to the last waits */
				ck_assert_int_eq(weft_cond_broadcast(&cond), 0);
		}
		unlock();
	}
	return NULL;
}

static void *take_to_the_last(void *arg)
{
	int last = *(int *)arg;

	while (took < last) {
		lock();
		while (!tokens && took < last)
			ck_assert_int_eq(weft_cond_wait(&cond, &mutex), 0);
		if (tokens) {
			tokens--;
			took++;
		}
		unlock();
	}
	return NULL;
}

TASK_TEST(test_who_gives_up_takes_no_signal_from_others, 4)
{
	unsigned n = scaled(rounds(500));
	int total = (int)n * 4;
	weft_t task[6];
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, take_or_give_up, &n), 0);
	for (int i = 0; i < 6; i++)
		task[i] = create(i < 4 ? take_or_give_up : take_to_the_last,
				 i < 4 ? (void *)&n : &total);
	for (int i = 0; i < total; i++) {
		lock();
		tokens++;
		ck_assert_int_eq(weft_cond_signal(&cond), 0);
		unlock();
		weft_yield();
	}
	wait_for(&took, total); /* or it hangs */
	lock();
	ck_assert_int_eq(weft_cond_broadcast(&cond), 0);
	unlock();
	for (int i = 0; i < 6; i++)
		result_of(task[i]);
	pthread_join(thread, NULL);
	ck_assert_int_eq(took, total);
	ck_assert_int_eq(weft_cond_destroy(&cond), 0);
}

/* --- an object that goes as soon as all were woken ------------------------------------ */

struct event {
	weft_mutex_t mutex;
	weft_cond_t cond;
	int set, users;
};

static void *wait_event(void *arg)
{
	struct event *event = arg;
	int left;

	ck_assert_int_eq(weft_mutex_lock(&event->mutex), 0);
	while (!event->set)
		ck_assert_int_eq(weft_cond_wait(&event->cond, &event->mutex), 0);
	left = --event->users;
	ck_assert_int_eq(weft_mutex_unlock(&event->mutex), 0);
	if (!left) {
		memset(event, 0xff, sizeof *event);
		free(event);
	}
	return NULL;
}

TASK_TEST(test_it_may_go_as_soon_as_all_were_woken, 4)
{
	enum { USERS = 4 };

	for (unsigned i = 0; i < scaled(rounds(3000)); i++) {
		struct event *event = calloc(1, sizeof *event);
		weft_t task[USERS];

		ck_assert_ptr_nonnull(event);
		event->users = USERS;
		for (int j = 0; j < USERS; j++)
			task[j] = create(wait_event, event);
		if (i & 1)
			weft_yield();
		ck_assert_int_eq(weft_mutex_lock(&event->mutex), 0);
		event->set = 1;
		ck_assert_int_eq(weft_cond_broadcast(&event->cond), 0);
		ck_assert_int_eq(weft_cond_destroy(&event->cond), 0);
		ck_assert_int_eq(weft_mutex_unlock(&event->mutex), 0);
		for (int j = 0; j < USERS; j++)
			result_of(task[j]);
	}
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("cond");

	tcase_add_test(tests, test_attributes_have_the_values_that_can_be_had);
	tcase_add_test(tests, test_misuse_is_answered);
	tcase_add_test(tests, test_a_signal_wakes_one_and_a_broadcast_the_others);
	tcase_add_test(tests, test_a_broadcast_under_the_mutex_lets_one_after_the_other_in);
	tcase_add_test(tests, test_waiting_with_another_mutex_is_einval);
	tcase_add_test(tests, test_a_recursive_mutex_gives_one_lock_up);
	tcase_add_test(tests, test_a_cancelled_wait_holds_the_mutex_in_its_clean_up);
	tcase_add_test(tests, test_a_masked_cancellation_is_told_with_the_mutex_held);
	tcase_add_test(tests, test_a_cancelled_wait_takes_no_signal_from_others);
	tcase_add_test(tests, test_no_wake_up_is_lost_among_tasks_of_one_p);
	tcase_add_test(tests, test_no_wake_up_is_lost_among_tasks_and_threads);
	tcase_add_test(tests, test_it_may_go_as_soon_as_all_were_woken);
	tcase_add_test(tests, test_a_threads_timed_wait_ends_at_its_time);
	tcase_add_test(tests, test_a_tasks_timed_wait_ends_at_its_time);
	tcase_add_test(tests, test_a_timed_wait_takes_the_clock_of_the_attribute);
	tcase_add_test(tests, test_who_gives_up_takes_no_signal_from_others);
	return tests;
}
