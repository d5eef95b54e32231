/*
 * What the scheduler itself waits on: its mutex, and the note.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <check.h>

#include "sched/lock.h"

enum { PATIENCE = 120, THREADS = 6 };

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void start(pthread_t *thread, void *(*fn)(void *), void *arg)
{
	ck_assert_int_eq(pthread_create(thread, NULL, fn, arg), 0);
}

/* --- the mutex --------------------------------------------------------------------- */

static struct lock lock;
static unsigned counter;    /* plain: the lock guards it */
static _Atomic int holders; /* how many believe that they hold it */
static _Atomic bool two;    /* so did two at once */

static void hold_once(bool linger)
{
	wf_lock(&lock);
	if (atomic_fetch_add(&holders, 1))
		two = true;
	counter++;
	if (linger)
		sched_yield(); /* the others spin in vain, and sleep */
	atomic_fetch_sub(&holders, 1);
	wf_unlock(&lock);
}

static void *hold_often(void *times)
{
	for (uintptr_t i = 0; i < (uintptr_t)times; i++)
		hold_once(i % 64 == 0);
	return NULL;
}

START_TEST(test_lock_is_held_by_one_thread_at_a_time)
{
	enum { TIMES = 50000 };
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		start(&threads[i], hold_often, (void *)TIMES);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert(!two);
	ck_assert_uint_eq(counter, THREADS * TIMES);
	ck_assert_uint_eq(lock.word, 0);
}
END_TEST

/* All sleep on it at once: whoever unlocks wakes one, and that one the next. */
START_TEST(test_lock_wakes_all_who_sleep_on_it_one_after_the_other)
{
	pthread_t threads[THREADS];

	wf_lock(&lock);
	for (int i = 0; i < THREADS; i++)
		start(&threads[i], hold_often, (void *)1);
	while (lock.word != 2)
		sched_yield();
	usleep(10000);
	ck_assert_uint_eq(counter, 0);
	wf_unlock(&lock);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(counter, THREADS);
	ck_assert_uint_eq(lock.word, 0);
}
END_TEST

static void *keep_errno(void *unused)
{
	errno = EDOM;
	wf_lock(&lock);
	wf_unlock(&lock);
	return errno == EDOM ? unused : &lock;
}

START_TEST(test_lock_leaves_errno_alone)
{
	pthread_t thread;
	void *failed;

	wf_lock(&lock);
	start(&thread, keep_errno, NULL);
	while (lock.word != 2)
		sched_yield();
	wf_unlock(&lock);
	pthread_join(thread, &failed);
	ck_assert_ptr_null(failed);
}
END_TEST

/* --- the note ----------------------------------------------------------------------- */

START_TEST(test_note_set_before_does_not_sleep)
{
	struct note note = {0};

	wf_notewakeup(&note);
	wf_notesleep(&note);
	wf_noteclear(&note);
	wf_notewakeup(&note);
	ck_assert(wf_notetsleep(&note, 0));
}
END_TEST

/* Two notes, handed to and fro: a wake-up too many or too few shows in the count. */
struct pair {
	struct note ping, pong;
	unsigned turns; /* plain: the notes order it */
};

enum { TURNS = 20000 };

static void *answer(void *arg)
{
	struct pair *pair = arg;

	for (unsigned i = 0; i < TURNS; i++) {
		wf_notesleep(&pair->ping);
		wf_noteclear(&pair->ping);
		if (pair->turns != 2 * i + 1)
			return pair;
		pair->turns++;
		wf_notewakeup(&pair->pong);
	}
	return NULL;
}

START_TEST(test_note_wakes_its_owner_once_a_wakeup)
{
	struct pair pair = {0};
	pthread_t thread;
	void *failed;

	start(&thread, answer, &pair);
	for (unsigned i = 0; i < TURNS; i++) {
		ck_assert_uint_eq(pair.turns, 2 * i);
		pair.turns++;
		wf_notewakeup(&pair.ping);
		wf_notesleep(&pair.pong);
		wf_noteclear(&pair.pong);
	}
	pthread_join(thread, &failed);
	ck_assert_ptr_null(failed);
	ck_assert_uint_eq(pair.turns, 2 * TURNS);
}
END_TEST

START_TEST(test_timed_note_ends_by_itself_and_not_before)
{
	struct note note = {0};
	int64_t before = now_ns(), ns = 20000000;

	ck_assert(!wf_notetsleep(&note, ns));
	ck_assert_int_ge(now_ns() - before, ns);
	ck_assert_uint_eq(note.word, 0);
	ck_assert(!wf_notetsleep(&note, 1000)); /* and can be slept on again */
}
END_TEST

static void *wake_later(void *note)
{
	usleep(10000);
	wf_notewakeup(note);
	return NULL;
}

START_TEST(test_timed_note_is_woken_before_its_time)
{
	struct note note = {0};
	pthread_t thread;

	start(&thread, wake_later, &note);
	ck_assert(wf_notetsleep(&note, (int64_t)PATIENCE * 1000000000));
	pthread_join(thread, NULL);
}
END_TEST

/* The time is up just when the wake-up comes: either way it is not lost. */
START_TEST(test_timed_note_keeps_a_wakeup_that_comes_as_the_time_is_up)
{
	enum { ROUNDS = 100 };

	for (int i = 0; i < ROUNDS; i++) {
		struct note note = {0};
		pthread_t thread;

		start(&thread, wake_later, &note);
		if (!wf_notetsleep(&note, 9900000 + i * 5000))
			wf_notesleep(&note);
		pthread_join(thread, NULL);
		ck_assert_uint_eq(note.word, 1);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lock");
	TCase *tests = tcase_create("lock");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, PATIENCE);
	tcase_add_test(tests, test_lock_is_held_by_one_thread_at_a_time);
	tcase_add_test(tests, test_lock_wakes_all_who_sleep_on_it_one_after_the_other);
	tcase_add_test(tests, test_lock_leaves_errno_alone);
	tcase_add_test(tests, test_note_set_before_does_not_sleep);
	tcase_add_test(tests, test_note_wakes_its_owner_once_a_wakeup);
	tcase_add_test(tests, test_timed_note_ends_by_itself_and_not_before);
	tcase_add_test(tests, test_timed_note_is_woken_before_its_time);
	tcase_add_test(tests, test_timed_note_keeps_a_wakeup_that_comes_as_the_time_is_up);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
