/*
 * A P that is alone, and the first foreign thread that comes in: what went without locks
 * goes with them from then on, and nothing is lost between the two. And children that run in
 * their joiners' place while others cancel, detach and join them.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

enum { EACH = 200 };

static weft_chan_t *ch;
static _Atomic long sum;
static unsigned seed;

/* One P, and no foreign thread until one comes. */
static void alone_again(void)
{
	ck_assert_int_ge(weft_procs(2), 1);
	ck_assert_int_eq(weft_procs(1), 2);
}

static void linger(void)
{
	for (unsigned n = rand_r(&seed) % 2000; n; n--)
		__asm__ volatile("");
}

static void *send_each(void *arg)
{
	for (int i = 1; i <= EACH; i++)
		ck_assert_int_eq(weft_chan_send(ch, &i), 0);
	return arg;
}

static void *receive_all(void *arg)
{
	int number;

	while (!weft_chan_recv(ch, &number))
		sum += number;
	return arg;
}

static void *come_and_send(void *arg)
{
	linger();
	return send_each(arg);
}

TASK_TEST(test_a_channel_loses_nothing_when_the_first_foreign_thread_comes, 1)
{
	for (unsigned round = 0; round < scaled(rounds(300)); round++) {
		weft_t senders[2], receivers[2];
		pthread_t thread;

		alone_again();
		sum = 0;
		ck_assert_int_eq(weft_chan_create(&ch, sizeof(int), round % 3), 0);
		ck_assert_int_eq(pthread_create(&thread, NULL, come_and_send, NULL), 0);
		for (int i = 0; i < 2; i++) {
			receivers[i] = create(receive_all, NULL);
			senders[i] = create(send_each, NULL);
		}
		for (int i = 0; i < 2; i++)
			result_of(senders[i]);
		pthread_join(thread, NULL);
		ck_assert_int_eq(weft_chan_close(ch), 0);
		for (int i = 0; i < 2; i++)
			result_of(receivers[i]);
		ck_assert_int_eq(sum, 3 * EACH * (EACH + 1) / 2);
		ck_assert_int_eq(weft_chan_destroy(ch), 0);
	}
}

/* Whether the element came, or the time; the caller says what it told the other side. */
static void *receive_until(void *arg)
{
	struct timespec until = *(struct timespec *)arg;
	int number = 0, error = weft_chan_timedrecv(ch, &number, &until);

	ck_assert(error == ETIMEDOUT || (!error && number == 1));
	return (void *)(intptr_t)error;
}

/* sysmon fires the timer, since the only P computes; about then an element is sent. */
TASK_TEST(test_a_timed_receive_ends_once_whoever_ends_it, 1)
{
	const int one = 1;

	alone_again();
	ck_assert_int_eq(weft_chan_create(&ch, sizeof(int), 0), 0);
	for (unsigned round = 0; round < scaled(rounds(200)); round++) {
		struct timespec until = time_of(CLOCK_MONOTONIC, 1);
		int64_t end = now_of(CLOCK_MONOTONIC) + 1000000 + rand_r(&seed) % 10000000;
		weft_t task = create(receive_until, &until);
		int error;

		weft_yield();
		while (now_of(CLOCK_MONOTONIC) < end)
			;
		error = weft_chan_trysend(ch, &one);
		ck_assert_ptr_eq(result_of(task), error ? (void *)(intptr_t)ETIMEDOUT : NULL);
	}
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}

/* --- a joiner whose child runs in its place ---------------------------------------------- */

static _Atomic weft_t child, joiner;
static _Atomic int go_on, may_look;

static void *yield_until_told(void *arg)
{
	may_look = 1;
	while (!go_on)
		weft_yield();
	return arg;
}

static void *join_child(void *arg)
{
	void *result;
	weft_t task = create(yield_until_told, as_arg('c'));

	(void)arg;
	child = task;
	ck_assert_int_eq(weft_join(task, &result), 0);
	return result;
}

static void *cancel_joiner(void *arg)
{
	while (!may_look)
		sched_yield();
	linger();
	ck_assert_int_eq(weft_cancel(joiner), 0);
	return arg;
}

/* The canceller is the first foreign thread, or a task on another P. */
static void cancel_the_joiner(void *(*begin)(void), void (*end)(void *))
{
	for (unsigned round = 0; round < scaled(rounds(500)); round++) {
		void *canceller;

		go_on = may_look = 0;
		joiner = create(join_child, NULL);
		canceller = begin();
		ck_assert_ptr_eq(result_of(joiner), WEFT_CANCELED);
		go_on = 1;
		ck_assert_ptr_eq(result_of(child), as_arg('c')); /* it is nobody's any more */
		end(canceller);
	}
}

static pthread_t thread;

static void *begin_thread(void)
{
	alone_again();
	ck_assert_int_eq(pthread_create(&thread, NULL, cancel_joiner, NULL), 0);
	return NULL;
}

static void end_thread(void *unused)
{
	(void)unused;
	pthread_join(thread, NULL);
}

static void *begin_task(void)
{
	return (void *)create(cancel_joiner, NULL);
}

static void end_task(void *task)
{
	result_of((weft_t)task);
}

TASK_TEST(test_a_joiner_is_cancelled_while_its_child_runs_in_its_place_by_a_foreign_thread, 1)
{
	cancel_the_joiner(begin_thread, end_thread);
}

TASK_TEST(test_a_joiner_is_cancelled_while_its_child_runs_in_its_place_by_a_task, 3)
{
	cancel_the_joiner(begin_task, end_task);
}

/* --- others meddle ------------------------------------------------------------------------- */

static _Atomic int over;

/* Lock a life that may be about to be joined, to begin or to end. */
static void *meddle(void *arg)
{
	while (!over) {
		weft_t task = child;
		int error = task ? weft_setname(task, "meddled") : ESRCH;

		ck_assert(!error || error == ESRCH);
		if (!weft_id(task))
			weft_yield();
	}
	return arg;
}

static void *tell_and_fib(void *arg)
{
	long n = (long)(intptr_t)arg;
	weft_t task;
	void *result;

	if (n < 2)
		return arg;
	task = create(tell_and_fib, (void *)(intptr_t)(n - 1));
	child = task;
	n = (long)(intptr_t)tell_and_fib((void *)(intptr_t)(n - 2));
	ck_assert_int_eq(weft_join(task, &result), 0);
	return (void *)(intptr_t)(n + (long)(intptr_t)result);
}

static void fib_while_others_meddle(void)
{
	pthread_t meddler;
	weft_t task = create(meddle, NULL);

	ck_assert_int_eq(pthread_create(&meddler, NULL, meddle, NULL), 0);
	for (unsigned round = 0; round < scaled(rounds(20)); round++)
		ck_assert_ptr_eq(tell_and_fib((void *)16), (void *)987);
	over = 1;
	result_of(task);
	pthread_join(meddler, NULL);
}

TASK_TEST(test_results_reach_the_joiners_while_others_lock_the_childrens_lives_on_one_p, 1)
{
	fib_while_others_meddle();
}

TASK_TEST(test_results_reach_the_joiners_while_others_lock_the_childrens_lives_on_three_ps, 3)
{
	fib_while_others_meddle();
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("solo");

	tcase_add_test(tests, test_a_channel_loses_nothing_when_the_first_foreign_thread_comes);
	tcase_add_test(tests, test_a_timed_receive_ends_once_whoever_ends_it);
	tcase_add_test(
		tests,
		test_a_joiner_is_cancelled_while_its_child_runs_in_its_place_by_a_foreign_thread);
	tcase_add_test(tests,
		       test_a_joiner_is_cancelled_while_its_child_runs_in_its_place_by_a_task);
	tcase_add_test(
		tests,
		test_results_reach_the_joiners_while_others_lock_the_childrens_lives_on_one_p);
	tcase_add_test(
		tests,
		test_results_reach_the_joiners_while_others_lock_the_childrens_lives_on_three_ps);
	return tests;
}
