/*
 * Asynchronous cancellation: a task that asked for it ends at any instant while it
 * runs code of its own, and at no other.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

static _Atomic int begun, cleaned, stop, handled;

static void pause_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

static void ask_async(void)
{
	int before;

	ck_assert_int_eq(weft_setcanceltype(WEFT_CANCEL_ASYNCHRONOUS, &before), 0);
	ck_assert_int_eq(before, WEFT_CANCEL_DEFERRED);
}

static void clean(void *unused)
{
	(void)unused;
	cleaned++;
}

static void note_end(int *unused)
{
	(void)unused;
	cleaned++;
}

/* --- where it acts --------------------------------------------------------------------------- */

static void *computes(void *unused)
{
	__attribute__((cleanup(note_end))) int frame = 0;

	(void)frame;
	weft_cleanup_push(clean, NULL);
	ask_async();
	begun++;
	while (!stop)
		;
	weft_cleanup_pop(0);
	return unused;
}

static void *sleeps(void *unused)
{
	weft_cleanup_push(clean, NULL);
	weft_cleanup_push(clean, NULL);
	ask_async();
	begun++;
	while (!stop)
		pause_ms(100000);
	weft_cleanup_pop(0);
	weft_cleanup_pop(0);
	return unused;
}

static void *sleeps_said(void *unused)
{
	ck_assert_int_eq(weft_blocking_begin(), 0);
	return sleeps(unused);
}

static int ends[2];

static void *reads(void *unused)
{
	char byte;

	weft_cleanup_push(clean, NULL);
	weft_cleanup_push(clean, NULL);
	ask_async();
	begun++;
	while (!stop)
		ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	weft_cleanup_pop(0);
	weft_cleanup_pop(0);
	return unused;
}

/* On many Ms, one after the other. */
static void *moves(void *unused)
{
	weft_cleanup_push(clean, NULL);
	weft_cleanup_push(clean, NULL);
	ask_async();
	begun++;
	while (!stop)
		weft_yield();
	weft_cleanup_pop(0);
	weft_cleanup_pop(0);
	return unused;
}

/* Hardly ever outside of the runtime. */
static void *calls(void *unused)
{
	weft_cleanup_push(clean, NULL);
	weft_cleanup_push(clean, NULL);
	ask_async();
	begun++;
	while (!stop)
		weft_unlock_thread();
	weft_cleanup_pop(0);
	weft_cleanup_pop(0);
	return unused;
}

static void *(*const kinds[])(void *) = {computes, sleeps, sleeps_said, reads, moves, calls};
enum { KINDS = sizeof kinds / sizeof *kinds };

static int kind;

static void ends_body(void)
{
	enum { TASKS = 4 };
	weft_t tasks[TASKS];

	ck_assert_int_eq(pipe(ends), 0);
	for (unsigned round = 0; round < rounds(5); round++) {
		begun = cleaned = 0;
		for (int i = 0; i < TASKS; i++)
			tasks[i] = create(kinds[kind], NULL);
		wait_for(&begun, TASKS);
		for (int i = 0; i < TASKS; i++)
			ck_assert_int_eq(weft_cancel(tasks[i]), 0);
		for (int i = 0; i < TASKS; i++)
			ck_assert_ptr_eq(result_of(tasks[i]), WEFT_CANCELED);
		ck_assert_int_eq(cleaned, 2 * TASKS);
	}
}

/* _i: what it does, and on how many Ps */
START_TEST(test_it_ends_wherever_it_is_and_its_clean_ups_run)
{
	kind = _i % KINDS;
	as_task(1 + (unsigned)_i / KINDS, ends_body);
}
END_TEST

static void *asks_late(void *unused)
{
	begun = 1;
	wait_for(&stop, 1);
	ask_async();
	ck_abort_msg("went on after its type made the request due");
	return unused;
}

TASK_TEST(test_a_request_from_before_is_acted_upon_when_the_type_is_set, 1)
{
	weft_t task = create(asks_late, NULL);

	wait_for(&begun, 1);
	ck_assert_int_eq(weft_cancel(task), 0);
	stop = 1;
	ck_assert_ptr_eq(result_of(task), WEFT_CANCELED);
}

static _Atomic int passed;

static void *disables(void *unused)
{
	ask_async();
	ck_assert_int_eq(weft_setcancelstate(WEFT_CANCEL_DISABLE, NULL), 0);
	begun = 1;
	while (!stop)
		;
	for (volatile int i = 0; i < 1000000; i++)
		;
	passed = 1;
	weft_setcancelstate(WEFT_CANCEL_ENABLE, NULL);
	ck_abort_msg("went on after its state made the request due");
	return unused;
}

TASK_TEST(test_disabled_it_stays_pending_until_it_is_enabled, 1)
{
	weft_t task = create(disables, NULL);

	wait_for(&begun, 1);
	ck_assert_int_eq(weft_cancel(task), 0);
	stop = 1;
	ck_assert_ptr_eq(result_of(task), WEFT_CANCELED);
	ck_assert_int_eq(passed, 1);
}

static void *deferred_again(void *unused)
{
	int before;

	ask_async();
	ck_assert_int_eq(weft_setcanceltype(WEFT_CANCEL_DEFERRED, &before), 0);
	ck_assert_int_eq(before, WEFT_CANCEL_ASYNCHRONOUS);
	begun = 1;
	while (!stop)
		;
	passed = 1;
	weft_testcancel();
	return unused;
}

TASK_TEST(test_deferred_again_it_ends_in_a_cancellation_point, 1)
{
	weft_t task = create(deferred_again, NULL);

	wait_for(&begun, 1);
	ck_assert_int_eq(weft_cancel(task), 0);
	stop = 1;
	ck_assert_ptr_eq(result_of(task), WEFT_CANCELED);
	ck_assert_int_eq(passed, 1);
}

/* The next life of the same G and stack knows nothing of it. */
TASK_TEST(test_the_next_task_is_deferred, 1)
{
	int type;

	for (int i = 0; i < 20; i++) {
		weft_t task = create(moves, NULL);

		wait_for(&begun, i + 1);
		ck_assert_int_eq(weft_cancel(task), 0);
		ck_assert_ptr_eq(result_of(task), WEFT_CANCELED);
	}
	ck_assert_int_eq(weft_setcanceltype(WEFT_CANCEL_DEFERRED, &type), 0);
	ck_assert_int_eq(type, WEFT_CANCEL_DEFERRED);
}

/* --- the signal is one that nobody uses ---------------------------------------------------------
 */

static void on_realtime(int number)
{
	(void)number;
	handled++;
}

TASK_TEST(test_real_time_signals_of_the_program_are_left_alone, 1)
{
	struct sigaction action = {.sa_handler = on_realtime}, now;
	weft_t task;

	for (int i = SIGRTMIN; i <= SIGRTMAX; i++)
		if (i != SIGRTMIN + 3)
			ck_assert_int_eq(sigaction(i, &action, NULL), 0);
	task = create(computes, NULL);
	wait_for(&begun, 1);
	ck_assert_int_eq(weft_cancel(task), 0);
	ck_assert_ptr_eq(result_of(task), WEFT_CANCELED);
	ck_assert_int_eq(handled, 0);
	for (int i = SIGRTMIN; i <= SIGRTMAX; i++)
		if (i != SIGRTMIN + 3) {
			ck_assert_int_eq(sigaction(i, NULL, &now), 0);
			ck_assert(now.sa_handler == on_realtime);
			ck_assert_int_eq(raise(i), 0);
		}
	ck_assert_int_eq(handled, SIGRTMAX - SIGRTMIN);
}

TASK_TEST(test_without_a_free_signal_it_is_eagain, 1)
{
	struct sigaction action = {.sa_handler = on_realtime};
	int type;

	for (int i = SIGRTMIN; i <= SIGRTMAX; i++)
		ck_assert_int_eq(sigaction(i, &action, NULL), 0);
	ck_assert_int_eq(weft_setcanceltype(WEFT_CANCEL_ASYNCHRONOUS, NULL), EAGAIN);
	ck_assert_int_eq(weft_setcanceltype(WEFT_CANCEL_DEFERRED, &type), 0);
	ck_assert_int_eq(type, WEFT_CANCEL_DEFERRED);
}

/* --- amid handlers that post ------------------------------------------------------------ */

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static weft_sem_t posts;
static timer_t storm;

static void post_in_handler(int number)
{
	(void)number;
	for (int i = 0; i < 20; i++)
		weft_sem_post(&posts);
}

static void *takes_posts(void *unused)
{
	while (!weft_sem_wait(&posts) && !stop)
		handled++;
	return unused;
}

static void *computes_amid_posts(void *unused)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};
	struct itimerspec often = {{0, 10000}, {0, 10000}};

	event.sigev_notify_thread_id = gettid();
	ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, &event, &storm), 0);
	ck_assert_int_eq(timer_settime(storm, 0, &often, NULL), 0);
	return computes(unused);
}

/* The signal that cancels may come while the thread is in such a post. */
TASK_TEST(test_it_ends_an_endless_loop_amid_posts_of_handlers, 2)
{
	struct sigaction action = {.sa_handler = post_in_handler, .sa_flags = SA_RESTART};
	weft_t taker, task;

	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ck_assert_int_eq(weft_sem_init(&posts, 0, 0), 0);
	taker = create(takes_posts, NULL);
	for (unsigned i = 0; i < rounds(300); i++) {
		begun = 0;
		task = create(computes_amid_posts, NULL);
		wait_for(&begun, 1);
		nanosleep(&(struct timespec){0, 20000 + i % 100 * 1000}, NULL);
		ck_assert_int_eq(weft_cancel(task), 0);
		ck_assert_ptr_eq(result_of(task), WEFT_CANCELED);
		ck_assert_int_eq(timer_delete(storm), 0);
	}
	stop = 1;
	ck_assert_int_eq(weft_sem_post(&posts), 0);
	result_of(taker);
	ck_assert_int_gt(handled, 0);
}

/* --- foreign threads
 * ------------------------------------------------------------------------------- */

static void *thread_computes(void *unused)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	weft_self();
	begun++;
	for (;;)
		;
	return unused;
}

TASK_TEST(test_pthread_cancel_of_a_threads_own_is_libcs, 1)
{
	weft_t task = create(computes, NULL);
	pthread_t thread;
	void *value;

	wait_for(&begun, 1);
	ck_assert_int_eq(pthread_create(&thread, NULL, thread_computes, NULL), 0);
	wait_for(&begun, 2);
	ck_assert_int_eq(weft_cancel(task), 0);
	ck_assert_ptr_eq(result_of(task), WEFT_CANCELED);
	ck_assert_int_eq(pthread_cancel(thread), 0);
	ck_assert_int_eq(pthread_join(thread, &value), 0);
	ck_assert_ptr_eq(value, PTHREAD_CANCELED);
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("async");

	tcase_add_test(tests, test_a_request_from_before_is_acted_upon_when_the_type_is_set);
	tcase_add_test(tests, test_disabled_it_stays_pending_until_it_is_enabled);
	tcase_add_test(tests, test_deferred_again_it_ends_in_a_cancellation_point);
	tcase_add_test(tests, test_the_next_task_is_deferred);
	tcase_add_test(tests, test_without_a_free_signal_it_is_eagain);
	if (SANITIZED) /* ThreadSanitizer keeps signals back until the next call into libc */
		return tests;
	tcase_add_loop_test(tests, test_it_ends_wherever_it_is_and_its_clean_ups_run, 0, 2 * KINDS);
	tcase_add_test(tests, test_real_time_signals_of_the_program_are_left_alone);
	tcase_add_test(tests, test_it_ends_an_endless_loop_amid_posts_of_handlers);
	tcase_add_test(tests, test_pthread_cancel_of_a_threads_own_is_libcs);
	return tests;
}
