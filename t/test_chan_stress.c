/*
 * Many tasks and threads on the same channels: nothing is lost, nothing arrives twice.
 */
#include <pthread.h>
#include <string.h>

#include <weft.h>

#include "chan_suite.h"
#include "soak.h"
#include "suite.h"

static weft_chan_t *ch;
static _Atomic int arrived;

/* --- many ----------------------------------------------------------------------------- */

enum { SENDERS = 6, RECEIVERS = 6, THREADS = 2 }; /* of each, those that are threads */

struct message {
	int sender, number;
};

static unsigned each;
static _Atomic long sum;
static _Atomic int closed_on;

static void *produce(void *arg)
{
	struct message message = {.sender = (int)(intptr_t)arg};

	for (unsigned i = 0; i < each; i++) {
		message.number = (int)i;
		ck_assert_int_eq(weft_chan_send(ch, &message), 0);
	}
	return NULL;
}

/* Of each sender the numbers rise, whoever gets them. */
static void *consume(void *arg)
{
	int last[SENDERS], error;
	struct message message;

	memset(last, -1, sizeof last);
	while (!(error = weft_chan_recv(ch, &message))) {
		ck_assert_int_gt(message.number, last[message.sender]);
		last[message.sender] = message.number;
		sum += message.number + 1;
		arrived++;
	}
	ck_assert_int_eq(error, EPIPE);
	closed_on++;
	return arg;
}

static void start_all(pthread_t *threads, weft_t *tasks, void *(*fn)(void *), intptr_t n)
{
	for (intptr_t i = 0; i < n; i++)
		if (i < THREADS)
			ck_assert_int_eq(pthread_create(&threads[i], NULL, fn, (void *)i), 0);
		else
			tasks[i] = create(fn, (void *)i);
}

static void join_all(pthread_t *threads, weft_t *tasks, int n)
{
	for (int i = THREADS; i < n; i++)
		result_of(tasks[i]);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

static void many_to_many(size_t capacity)
{
	pthread_t sending[THREADS], receiving[THREADS];
	weft_t senders[SENDERS], receivers[RECEIVERS];

	each = scaled(rounds(3000));
	sum = 0;
	arrived = closed_on = 0;
	ch = channel(sizeof(struct message), capacity);
	start_all(receiving, receivers, consume, RECEIVERS);
	start_all(sending, senders, produce, SENDERS);
	join_all(sending, senders, SENDERS);
	ck_assert_int_eq(weft_chan_close(ch), 0);
	join_all(receiving, receivers, RECEIVERS);
	ck_assert_int_eq(arrived, SENDERS * (int)each);
	ck_assert_int_eq(sum, SENDERS * (long)each * (each + 1) / 2);
	ck_assert_int_eq(closed_on, RECEIVERS);
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}

START_TEST(test_nothing_is_lost_or_twice_between_tasks_and_threads)
{
	static const size_t capacities[] = {0, 1, 7, 100};

	many_to_many(capacities[_i]);
}
END_TEST

static _Atomic int sent, received;

static void *send_until_closed(void *arg)
{
	int value = 1;

	while (weft_chan_send(ch, &value) == 0)
		sent++;
	return arg;
}

static void *recv_until_closed(void *arg)
{
	int value;

	while (weft_chan_recv(ch, &value) == 0)
		received++;
	return arg;
}

TASK_TEST(test_what_was_sent_before_a_close_is_received, 4)
{
	weft_t tasks[8];

	for (unsigned round = 0; round < scaled(rounds(500)); round++) {
		sent = received = 0;
		ch = channel(sizeof(int), round % 4);
		for (int i = 0; i < 8; i++)
			tasks[i] = create(i % 2 ? send_until_closed : recv_until_closed, NULL);
		for (unsigned i = 0; i < round % 16; i++)
			weft_yield();
		ck_assert_int_eq(weft_chan_close(ch), 0);
		for (int i = 0; i < 8; i++)
			result_of(tasks[i]);
		ck_assert_int_eq(sent, received);
		ck_assert_int_eq(weft_chan_destroy(ch), 0);
	}
}

static void *send_counting(void *arg)
{
	int value = 1;

	weft_setcancelstate(WEFT_CANCEL_MASKED, NULL);
	while (weft_chan_send(ch, &value) == 0)
		sent++;
	return arg;
}

TASK_TEST(test_cancelling_senders_loses_nothing_and_sends_nothing_twice, 4)
{
	weft_t receiver, senders[4];

	for (unsigned round = 0; round < scaled(rounds(500)); round++) {
		sent = received = 0;
		ch = channel(sizeof(int), round % 3);
		receiver = create(recv_until_closed, NULL);
		for (int i = 0; i < 4; i++)
			senders[i] = create(send_counting, NULL);
		for (unsigned i = 0; i < round % 16; i++)
			weft_yield();
		for (int i = 0; i < 4; i++)
			ck_assert_int_eq(weft_cancel(senders[i]), 0);
		for (int i = 0; i < 4; i++)
			result_of(senders[i]);
		ck_assert_int_eq(weft_chan_close(ch), 0);
		result_of(receiver);
		ck_assert_int_eq(sent, received);
		ck_assert_int_eq(weft_chan_destroy(ch), 0);
	}
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("chan_stress");

	tcase_add_loop_test(tests, test_nothing_is_lost_or_twice_between_tasks_and_threads, 0, 4);
	tcase_add_test(tests, test_what_was_sent_before_a_close_is_received);
	tcase_add_test(tests, test_cancelling_senders_loses_nothing_and_sends_nothing_twice);
	return tests;
}
