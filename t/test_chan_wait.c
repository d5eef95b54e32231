/*
 * Waiting for a channel: order, hand-over, closing, cancellation and time.
 */
#include <weft.h>

#include "chan_suite.h"
#include "suite.h"

static weft_chan_t *ch;
static _Atomic int arrived;

/* --- waiting ------------------------------------------------------------------------ */

static void *send_arg(void *arg)
{
	int value = (int)(intptr_t)arg;

	return (void *)(intptr_t)weft_chan_send(ch, &value);
}

static void *recv_to(void *arg)
{
	return (void *)(intptr_t)weft_chan_recv(ch, arg);
}

TASK_TEST(test_an_unbuffered_send_ends_when_it_was_received, 1)
{
	weft_t task;

	ch = channel(sizeof(int), 0);
	task = create(send_arg, (void *)5);
	wait_parked(1);
	ck_assert_int_eq(weft_tryjoin(task, NULL), EBUSY);
	ck_assert_uint_eq(weft_chan_len(ch), 0);
	ck_assert_int_eq(recv_int(ch), 5);
	ck_assert_ptr_null(result_of(task));
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}

TASK_TEST(test_senders_that_wait_follow_the_buffer_in_order, 1)
{
	weft_t tasks[4];

	ch = channel(sizeof(int), 2);
	send_int(ch, 0);
	send_int(ch, 1);
	for (int i = 0; i < 4; i++) {
		tasks[i] = create(send_arg, (void *)(intptr_t)(i + 2));
		wait_parked((unsigned)i + 1);
	}
	for (int i = 0; i < 6; i++) {
		ck_assert_uint_eq(weft_chan_len(ch), i < 4 ? 2 : 6 - i);
		ck_assert_int_eq(recv_int(ch), i);
	}
	for (int i = 0; i < 4; i++)
		ck_assert_ptr_null(result_of(tasks[i]));
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}

TASK_TEST(test_receivers_are_served_in_the_order_they_came, 1)
{
	weft_t tasks[4];
	int got[4];

	ch = channel(sizeof(int), 2);
	for (int i = 0; i < 4; i++) {
		tasks[i] = create(recv_to, &got[i]);
		wait_parked((unsigned)i + 1);
	}
	for (int i = 0; i < 4; i++)
		send_int(ch, i);
	ck_assert_uint_eq(weft_chan_len(ch), 0);
	for (int i = 0; i < 4; i++) {
		ck_assert_ptr_null(result_of(tasks[i]));
		ck_assert_int_eq(got[i], i);
	}
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}

static void *note_arrival(void *arg)
{
	int value;

	ck_assert_int_eq(weft_chan_recv(ch, &value), 0);
	arrived++;
	return arg;
}

static void *spin_by(void *arg)
{
	while (!arrived)
		weft_yield();
	return arg;
}

TASK_TEST(test_the_receiver_runs_before_others_that_are_queued, 1)
{
	weft_t receiver, others[8];

	ch = channel(sizeof(int), 0);
	receiver = create(note_arrival, NULL);
	wait_parked(1);
	for (int i = 0; i < 8; i++)
		others[i] = create(spin_by, NULL);
	send_int(ch, 1);
	weft_yield();
	ck_assert_int_eq(arrived, 1);
	result_of(receiver);
	for (int i = 0; i < 8; i++)
		result_of(others[i]);
}

TASK_TEST(test_a_receiver_without_a_place_drops_the_element, 1)
{
	weft_t task;

	ch = channel(sizeof(int), 0);
	task = create(recv_to, NULL);
	wait_parked(1);
	send_int(ch, 1);
	ck_assert_ptr_null(result_of(task));
	task = create(send_arg, (void *)2);
	wait_parked(1);
	ck_assert_int_eq(weft_chan_recv(ch, NULL), 0);
	ck_assert_ptr_null(result_of(task));
}

TASK_TEST(test_destroy_is_ebusy_while_somebody_waits, 1)
{
	weft_t task;
	int got = 0;

	ch = channel(sizeof(int), 0);
	task = create(recv_to, &got);
	wait_parked(1);
	ck_assert_int_eq(weft_chan_destroy(ch), EBUSY);
	send_int(ch, 3);
	ck_assert_ptr_null(result_of(task));
	ck_assert_int_eq(got, 3);
	task = create(send_arg, (void *)4);
	wait_parked(1);
	ck_assert_int_eq(weft_chan_destroy(ch), EBUSY);
	ck_assert_int_eq(recv_int(ch), 4);
	result_of(task);
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}

enum { WAITERS = 20 };

TASK_TEST(test_closing_wakes_all_receivers, 2)
{
	weft_t tasks[WAITERS];
	int got[WAITERS];

	ch = channel(sizeof(int), 2);
	for (int i = 0; i < WAITERS; i++) {
		got[i] = -1;
		tasks[i] = create(recv_to, &got[i]);
	}
	wait_parked(WAITERS);
	ck_assert_int_eq(weft_chan_close(ch), 0);
	for (int i = 0; i < WAITERS; i++) {
		ck_assert_int_eq((intptr_t)result_of(tasks[i]), EPIPE);
		ck_assert_int_eq(got[i], -1);
	}
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}

TASK_TEST(test_closing_wakes_all_senders_and_keeps_the_buffer, 2)
{
	weft_t tasks[WAITERS];
	int value;

	ch = channel(sizeof(int), 1);
	send_int(ch, 77);
	for (int i = 0; i < WAITERS; i++)
		tasks[i] = create(send_arg, (void *)(intptr_t)i);
	wait_parked(WAITERS);
	ck_assert_int_eq(weft_chan_close(ch), 0);
	for (int i = 0; i < WAITERS; i++)
		ck_assert_int_eq((intptr_t)result_of(tasks[i]), EPIPE);
	ck_assert_int_eq(recv_int(ch), 77);
	ck_assert_int_eq(weft_chan_recv(ch, &value), EPIPE);
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}

/* --- cancellation --------------------------------------------------------------------- */

static void *recv_masked(void *arg)
{
	int value = -1, first, second;

	weft_setcancelstate(WEFT_CANCEL_MASKED, NULL);
	first = weft_chan_recv(ch, &value);
	second = weft_chan_recv(ch, &value);
	*(int *)arg = value;
	return (void *)(intptr_t)(first * 1000 + second);
}

TASK_TEST(test_a_cancelled_wait_takes_no_element, 1)
{
	weft_t task;
	int got = 0;

	ch = channel(sizeof(int), 0);
	task = create(recv_to, &got);
	wait_parked(1);
	ck_assert_int_eq(weft_cancel(task), 0);
	ck_assert_int_eq(weft_chan_trysend(ch, &got), EAGAIN);
	ck_assert_ptr_eq(result_of(task), WEFT_CANCELED);
	task = create(send_arg, (void *)6);
	wait_parked(1);
	ck_assert_int_eq(weft_cancel(task), 0);
	ck_assert_int_eq(weft_chan_tryrecv(ch, &got), EAGAIN);
	ck_assert_ptr_eq(result_of(task), WEFT_CANCELED);
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}

TASK_TEST(test_a_masked_cancellation_is_told_once, 1)
{
	weft_t task;
	int got = 0;

	ch = channel(sizeof(int), 0);
	task = create(recv_masked, &got);
	wait_parked(1);
	ck_assert_int_eq(weft_cancel(task), 0);
	send_int(ch, 8);
	ck_assert_int_eq((intptr_t)result_of(task), ECANCELED * 1000);
	ck_assert_int_eq(got, 8);
}

static void *send_then_test(void *arg)
{
	int value = 5;

	ck_assert_int_eq(weft_chan_send(ch, &value), 0);
	arrived = 1;
	weft_testcancel();
	return arg;
}

TASK_TEST(test_an_operation_that_took_effect_is_not_undone_by_a_cancellation, 1)
{
	weft_t task;

	ch = channel(sizeof(int), 0);
	task = create(send_then_test, NULL);
	wait_parked(1);
	ck_assert_int_eq(recv_int(ch), 5); /* it is claimed from here on */
	ck_assert_int_eq(weft_cancel(task), 0);
	ck_assert_ptr_eq(result_of(task), WEFT_CANCELED);
	ck_assert_int_eq(arrived, 1);
}

static void *try_when_cancelled(void *arg)
{
	int value = 1;

	weft_cancel(weft_self());
	arrived += weft_chan_trysend(ch, &value) == 0;
	arrived += weft_chan_trysend(ch, &value) == EAGAIN;
	arrived += weft_chan_tryrecv(ch, &value) == 0;
	weft_chan_send(ch, &value); /* need not wait, but is a waiting call */
	arrived += 100;
	return arg;
}

TASK_TEST(test_trying_is_no_cancellation_point_and_the_others_are, 1)
{
	ch = channel(sizeof(int), 1);
	ck_assert_ptr_eq(result_of(create(try_when_cancelled, NULL)), WEFT_CANCELED);
	ck_assert_int_eq(arrived, 3);
	ck_assert_uint_eq(weft_chan_len(ch), 0);
}

/* --- time ------------------------------------------------------------------------------- */

static void wait_out(void)
{
	struct timespec past = {0}, soon = time_of(CLOCK_MONOTONIC, 20);
	int value = 1;

	ch = channel(sizeof value, 1);
	ck_assert_int_eq(weft_chan_timedrecv(ch, &value, &past), ETIMEDOUT);
	ck_assert_int_eq(weft_chan_timedrecv(ch, &value, &soon), ETIMEDOUT);
	ck_assert(passed(&soon));
	ck_assert_int_eq(weft_chan_timedsend(ch, &value, &past), 0);
	ck_assert_int_eq(weft_chan_timedsend(ch, &value, &past), ETIMEDOUT);
	soon = time_of(CLOCK_MONOTONIC, 20);
	ck_assert_int_eq(weft_chan_timedsend(ch, &value, &soon), ETIMEDOUT);
	ck_assert(passed(&soon));
	ck_assert_int_eq(weft_chan_timedrecv(ch, &value, &past), 0);
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}

TASK_TEST(test_a_task_waits_no_longer_than_until_the_time, 1)
{
	wait_out();
}

START_TEST(test_a_thread_waits_no_longer_than_until_the_time)
{
	wait_out();
}
END_TEST

TASK_TEST(test_a_task_waits_no_longer_than_its_deadline, 1)
{
	struct timespec soon = time_of(CLOCK_MONOTONIC, 20);
	int value = 1;

	ch = channel(sizeof value, 0);
	ck_assert_int_eq(weft_deadline(&soon), 0);
	ck_assert_int_eq(weft_chan_recv(ch, &value), ETIMEDOUT);
	ck_assert(passed(&soon));
	ck_assert_int_eq(weft_chan_send(ch, &value), ETIMEDOUT);
	ck_assert_int_eq(weft_deadline(NULL), 0);
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("chan_wait");

	tcase_add_test(tests, test_an_unbuffered_send_ends_when_it_was_received);
	tcase_add_test(tests, test_senders_that_wait_follow_the_buffer_in_order);
	tcase_add_test(tests, test_receivers_are_served_in_the_order_they_came);
	tcase_add_test(tests, test_the_receiver_runs_before_others_that_are_queued);
	tcase_add_test(tests, test_a_receiver_without_a_place_drops_the_element);
	tcase_add_test(tests, test_destroy_is_ebusy_while_somebody_waits);
	tcase_add_test(tests, test_closing_wakes_all_receivers);
	tcase_add_test(tests, test_closing_wakes_all_senders_and_keeps_the_buffer);
	tcase_add_test(tests, test_a_cancelled_wait_takes_no_element);
	tcase_add_test(tests, test_a_masked_cancellation_is_told_once);
	tcase_add_test(tests, test_an_operation_that_took_effect_is_not_undone_by_a_cancellation);
	tcase_add_test(tests, test_trying_is_no_cancellation_point_and_the_others_are);
	tcase_add_test(tests, test_a_task_waits_no_longer_than_until_the_time);
	tcase_add_test(tests, test_a_thread_waits_no_longer_than_until_the_time);
	tcase_add_test(tests, test_a_task_waits_no_longer_than_its_deadline);
	return tests;
}
