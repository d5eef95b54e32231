/*
 * Select: what each case and call answers, which of the ready ones is chosen, and
 * many selects over the same channels.
 */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

static const struct timespec past;
static weft_chan_t *a, *b;
static _Atomic int arrived;

static weft_chan_t *channel(size_t size, size_t capacity)
{
	weft_chan_t *made;

	ck_assert_int_eq(weft_chan_create(&made, size, capacity), 0);
	return made;
}

static weft_case_t sending(weft_chan_t *ch, int *value)
{
	return (weft_case_t){.chan = ch, .op = WEFT_SEND, .buf = value, .error = -7};
}

static weft_case_t receiving(weft_chan_t *ch, int *value)
{
	return (weft_case_t){.chan = ch, .op = WEFT_RECV, .buf = value, .error = -7};
}

/* --- errors and the trivial ------------------------------------------------------ */

START_TEST(test_bad_cases_are_einval_and_nothing_happens)
{
	struct timespec bad = {0, 1000000000};
	int value = 1;
	weft_case_t cases[2];

	a = channel(sizeof value, 1);
	b = channel(sizeof value, 1);
	ck_assert_int_eq(weft_select(NULL, 1, &past), -EINVAL);
	cases[0] = sending(a, &value);
	cases[1] = (weft_case_t){.chan = a, .op = 0, .buf = &value};
	ck_assert_int_eq(weft_select(cases, 2, NULL), -EINVAL);
	cases[1].chan = NULL;
	ck_assert_int_eq(weft_select(cases, 2, NULL), -EINVAL);
	cases[1] = sending(a, NULL);
	ck_assert_int_eq(weft_select(cases, 2, NULL), -EINVAL);
	ck_assert_int_eq(weft_select(cases, 1, &bad), -EINVAL);
	ck_assert_int_eq(weft_chan_destroy(b), 0);
	cases[1] = receiving(b, &value);
	ck_assert_int_eq(weft_select(cases, 2, NULL), -EINVAL);
	ck_assert_int_eq(cases[0].error, -7);
	ck_assert_uint_eq(weft_chan_len(a), 0);
}
END_TEST

START_TEST(test_without_a_ready_case_and_time_is_eagain)
{
	int value = 1;
	weft_case_t cases[3];

	a = channel(sizeof value, 0);
	ck_assert_int_eq(weft_select(NULL, 0, &past), -EAGAIN);
	cases[0] = receiving(a, &value);
	cases[1] = sending(a, &value); /* must not meet itself */
	cases[2] = sending(NULL, NULL);
	ck_assert_int_eq(weft_select(cases, 3, &past), -EAGAIN);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(cases[i].error, -7);
	ck_assert_int_eq(weft_chan_destroy(a), 0);
}
END_TEST

START_TEST(test_the_ready_case_happens_and_no_other)
{
	int in = 0, out = 5;
	weft_case_t cases[3];

	a = channel(sizeof in, 1);
	b = channel(sizeof in, 1);
	cases[0] = receiving(a, &in);
	cases[1] = sending(b, &out);
	cases[2] = receiving(NULL, &in);
	ck_assert_int_eq(weft_select(cases, 3, NULL), 1);
	ck_assert_int_eq(cases[1].error, 0);
	ck_assert_int_eq(cases[0].error, -7);
	ck_assert_int_eq(weft_select(cases, 3, &past), -EAGAIN);
	cases[0].chan = b;
	cases[1].chan = a;
	cases[1].error = -7;
	cases[1].op = WEFT_RECV;
	ck_assert_int_eq(weft_select(cases, 3, NULL), 0);
	ck_assert_int_eq(in, 5);
	ck_assert_int_eq(cases[0].error, 0);
	ck_assert_int_eq(cases[1].error, -7);
}
END_TEST

START_TEST(test_a_closed_channel_is_ready_with_epipe)
{
	int value = 9;
	weft_case_t cases[2];

	a = channel(sizeof value, 1);
	b = channel(sizeof value, 0);
	ck_assert_int_eq(weft_chan_close(a), 0);
	cases[0] = receiving(b, &value);
	cases[1] = receiving(a, &value);
	ck_assert_int_eq(weft_select(cases, 2, NULL), 1);
	ck_assert_int_eq(cases[1].error, EPIPE);
	ck_assert_int_eq(value, 9);
	cases[1] = sending(a, &value);
	ck_assert_int_eq(weft_select(cases, 2, &past), 1);
	ck_assert_int_eq(cases[1].error, EPIPE);
}
END_TEST

/* --- which ------------------------------------------------------------------------ */

enum { TEN = 10, DRAWS = 100000 };

static void draw(unsigned seed)
{
	weft_chan_t *ch[TEN];
	weft_case_t cases[TEN];
	unsigned count[TEN] = {0}, draws = scaled(DRAWS);
	double expected = draws / (double)TEN, deviation = sqrt(draws * 0.1 * 0.9);
	int value = (int)seed;

	for (int i = 0; i < TEN; i++) {
		ch[i] = channel(sizeof value, 1);
		ck_assert_int_eq(weft_chan_send(ch[i], &value), 0);
		cases[i] = receiving(ch[i], &value);
	}
	for (unsigned i = 0; i < draws; i++) {
		int chosen = weft_select(cases, TEN, NULL);

		ck_assert(chosen >= 0 && chosen < TEN);
		count[chosen]++;
		ck_assert_int_eq(weft_chan_send(ch[chosen], &value), 0);
	}
	for (int i = 0; i < TEN; i++)
		ck_assert(fabs(count[i] - expected) < 5 * deviation);
}

TASK_TEST(test_a_task_chooses_evenly_among_the_ready, 1)
{
	draw(1);
}

START_TEST(test_a_thread_chooses_evenly_among_the_ready)
{
	draw(2);
}
END_TEST

TASK_TEST(test_the_ready_ones_among_many_are_chosen_evenly, 1)
{
	enum { MANY = 60 };
	static const int ready[3] = {7, 8, 47}; /* not as far from one to the next */
	weft_case_t cases[MANY];
	unsigned count[3] = {0}, draws = scaled(30000);
	int value = 1;

	b = channel(sizeof value, 0);
	a = channel(sizeof value, 1);
	for (int i = 0; i < MANY; i++)
		cases[i] = receiving(i % 2 ? b : NULL, &value);
	for (int i = 0; i < 3; i++)
		cases[ready[i]].chan = a;
	for (unsigned i = 0; i < draws; i++) {
		int chosen;

		ck_assert_int_eq(weft_chan_send(a, &value), 0);
		chosen = weft_select(cases, MANY, NULL);
		ck_assert(chosen == 7 || chosen == 8 || chosen == 47);
		count[chosen == 7 ? 0 : chosen == 8 ? 1 : 2]++;
	}
	for (int i = 0; i < 3; i++)
		ck_assert(fabs(count[i] - draws / 3.0) < 5 * sqrt(draws * 2 / 9.0));
}

/* --- waiting ---------------------------------------------------------------------- */

struct waiting {
	weft_case_t *cases;
	size_t n;
	int chosen;
};

static void *select_waiting(void *arg)
{
	struct waiting *w = arg;

	w->chosen = weft_select(w->cases, w->n, NULL);
	arrived++;
	return arg;
}

static void *wait_parked_then_give(void *arg)
{
	int value = 42;

	wait_parked(1);
	ck_assert_int_eq(weft_chan_send(arg, &value), 0);
	return arg;
}

TASK_TEST(test_the_first_that_becomes_ready_ends_the_wait, 1)
{
	int got[3] = {0};
	weft_case_t cases[3];
	weft_t task;
	int chosen;

	a = channel(sizeof(int), 0);
	b = channel(sizeof(int), 2);
	for (int round = 0; round < 100; round++) {
		cases[0] = receiving(a, &got[0]);
		cases[1] = receiving(b, &got[1]);
		cases[2] = receiving(a, &got[2]); /* twice the same */
		task = create(wait_parked_then_give, round % 2 ? a : b);
		memset(got, 0, sizeof got);
		chosen = weft_select(cases, 3, NULL);
		ck_assert(round % 2 ? chosen == 0 || chosen == 2 : chosen == 1);
		ck_assert_int_eq(cases[chosen].error, 0);
		ck_assert_int_eq(got[chosen], 42);
		ck_assert_int_eq(got[0] + got[1] + got[2], 42);
		result_of(task);
	}
	ck_assert_int_eq(weft_chan_destroy(a), 0);
	ck_assert_int_eq(weft_chan_destroy(b), 0);
}

TASK_TEST(test_two_selects_of_one_channel_meet_each_other, 1)
{
	int got[2] = {0}, given[2] = {1, 2};
	weft_case_t one[2], two[2];
	struct waiting w = {one, 2, -1};
	weft_t task;
	int chosen;

	a = channel(sizeof(int), 0);
	one[0] = sending(a, &given[0]);
	one[1] = receiving(a, &got[0]);
	task = create(select_waiting, &w);
	wait_parked(1);
	two[0] = sending(a, &given[1]);
	two[1] = receiving(a, &got[1]);
	chosen = weft_select(two, 2, NULL);
	result_of(task);
	ck_assert_int_eq(chosen + w.chosen, 1);
	ck_assert_int_eq(got[0], chosen == 0 ? 2 : 0);
	ck_assert_int_eq(got[1], chosen == 1 ? 1 : 0);
	ck_assert_int_eq(weft_chan_destroy(a), 0);
}

TASK_TEST(test_closing_ends_the_wait_with_epipe, 1)
{
	int value = 3;
	weft_case_t cases[2];
	struct waiting w = {cases, 2, -1};
	weft_t task;

	for (int i = 0; i < 2; i++) {
		a = channel(sizeof value, 0);
		b = channel(sizeof value, 0);
		cases[0] = receiving(a, &value);
		cases[1] = sending(b, &value);
		task = create(select_waiting, &w);
		wait_parked(1);
		ck_assert_int_eq(weft_chan_destroy(a), EBUSY);
		ck_assert_int_eq(weft_chan_close(i ? a : b), 0);
		result_of(task);
		ck_assert_int_eq(w.chosen, !i);
		ck_assert_int_eq(cases[!i].error, EPIPE);
		ck_assert_int_eq(cases[i].error, -7);
		ck_assert_int_eq(value, 3);
		ck_assert_int_eq(weft_chan_destroy(a), 0);
		ck_assert_int_eq(weft_chan_destroy(b), 0);
	}
}

TASK_TEST(test_a_loser_leaves_nothing_behind, 1)
{
	int value = 1;
	weft_case_t cases[40];
	struct waiting w = {cases, 40, -1};
	weft_t task;

	a = channel(sizeof value, 0);
	b = channel(sizeof value, 0);
	for (int i = 0; i < 40; i++)
		cases[i] = receiving(i == 33 ? b : a, &value);
	task = create(select_waiting, &w);
	wait_parked(1);
	ck_assert_int_eq(weft_chan_send(b, &value), 0);
	ck_assert_int_eq(weft_chan_trysend(a, &value), EAGAIN); /* its wait is over */
	result_of(task);
	ck_assert_int_eq(w.chosen, 33);
	ck_assert_int_eq(weft_chan_trysend(a, &value), EAGAIN);
	ck_assert_int_eq(weft_chan_destroy(a), 0);
	ck_assert_int_eq(weft_chan_destroy(b), 0);
}

static void *select_cancelled(void *arg)
{
	int value = 1;
	weft_case_t cases[2] = {receiving(a, &value), sending(b, &value)};

	weft_setcancelstate(arg ? WEFT_CANCEL_MASKED : WEFT_CANCEL_ENABLE, NULL);
	return (void *)(intptr_t)weft_select(cases, 2, NULL);
}

TASK_TEST(test_a_cancellation_ends_the_wait, 1)
{
	int value = 1;

	a = channel(sizeof(int), 0);
	b = channel(sizeof(int), 0);
	for (int masked = 0; masked < 2; masked++) {
		weft_t task = create(select_cancelled, masked ? &a : NULL);
		void *result;

		wait_parked(1);
		ck_assert_int_eq(weft_cancel(task), 0);
		ck_assert_int_eq(weft_chan_trysend(a, &value), EAGAIN);
		result = result_of(task);
		if (masked)
			ck_assert_int_eq((intptr_t)result, -ECANCELED);
		else
			ck_assert_ptr_eq(result, WEFT_CANCELED);
	}
	ck_assert_int_eq(weft_chan_destroy(a), 0);
	ck_assert_int_eq(weft_chan_destroy(b), 0);
}

static void *select_undisturbed(void *arg)
{
	int value = 1;
	weft_case_t cases[2] = {receiving(a, &value), receiving(b, &value)};

	weft_setcancelstate(WEFT_CANCEL_DISABLE, NULL);
	(void)arg;
	return (void *)(intptr_t)weft_select(cases, 2, NULL);
}

TASK_TEST(test_a_disabled_cancellation_does_not_end_the_wait, 1)
{
	weft_t task;
	int value = 1;

	a = channel(sizeof(int), 0);
	b = channel(sizeof(int), 0);
	task = create(select_undisturbed, NULL);
	wait_parked(1);
	ck_assert_int_eq(weft_cancel(task), 0);
	weft_yield();
	ck_assert_int_eq(weft_tryjoin(task, NULL), EBUSY);
	ck_assert_int_eq(weft_chan_trysend(b, &value), 0);
	ck_assert_int_eq((intptr_t)result_of(task), 1);
}

/* --- time ------------------------------------------------------------------------- */

static struct timespec in_ms(long ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += ms * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

static void wait_out(void)
{
	struct timespec soon = in_ms(20), now;
	int value = 1;
	weft_case_t cases[2];

	a = channel(sizeof value, 0);
	cases[0] = receiving(a, &value);
	cases[1] = receiving(NULL, &value);
	ck_assert_int_eq(weft_select(cases, 2, &soon), -ETIMEDOUT);
	soon = in_ms(20);
	ck_assert_int_eq(weft_select(NULL, 0, &soon), -ETIMEDOUT);
	now = in_ms(0);
	ck_assert(now.tv_sec > soon.tv_sec ||
		  (now.tv_sec == soon.tv_sec && now.tv_nsec >= soon.tv_nsec));
	ck_assert_int_eq(cases[0].error, -7);
	ck_assert_int_eq(weft_chan_destroy(a), 0);
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
	struct timespec soon = in_ms(20);
	int value = 1;
	weft_case_t cases[1];

	a = channel(sizeof value, 0);
	cases[0] = receiving(a, &value);
	ck_assert_int_eq(weft_deadline(&soon), 0);
	ck_assert_int_eq(weft_select(cases, 1, NULL), -ETIMEDOUT);
	ck_assert_int_eq(weft_select(NULL, 0, NULL), -ETIMEDOUT);
	ck_assert_int_eq(weft_select(cases, 1, &past), -EAGAIN);
	ck_assert_int_eq(weft_deadline(NULL), 0);
	ck_assert_int_eq(weft_chan_destroy(a), 0);
}

/* --- many ------------------------------------------------------------------------- */

enum { CHANNELS = 5, TASKS = 6, THREADS = 2 };

static weft_chan_t *chans[CHANNELS];
static unsigned each;
static _Atomic long sent, received;
static _Atomic int senders;

/* The cases of one call, the channels in an order of the caller's own. */
static void fill(weft_case_t *cases, int op, int *value, unsigned shift)
{
	for (unsigned i = 0; i < CHANNELS; i++)
		cases[i] = (weft_case_t){chans[(i * (shift % 4 + 1) + shift) % CHANNELS], op, value,
					 0};
}

static void *send_many(void *arg)
{
	unsigned id = (unsigned)(intptr_t)arg;
	weft_case_t cases[CHANNELS];
	int value;

	for (unsigned i = 0; i < each; i++) {
		value = (int)i + 1;
		fill(cases, WEFT_SEND, &value, id + i);
		if (id % 3 == 0) {
			ck_assert_int_eq(weft_chan_send(cases[0].chan, &value), 0);
		} else {
			int chosen = weft_select(cases, CHANNELS, NULL);

			ck_assert_int_ge(chosen, 0);
			ck_assert_int_eq(cases[chosen].error, 0);
		}
		sent += value;
	}
	if (--senders == 0)
		for (int i = 0; i < CHANNELS; i++)
			ck_assert_int_eq(weft_chan_close(chans[i]), 0);
	return NULL;
}

/* Until all are closed. */
static void *recv_many(void *arg)
{
	unsigned id = (unsigned)(intptr_t)arg, open = CHANNELS;
	weft_case_t cases[CHANNELS];
	int value;

	fill(cases, WEFT_RECV, &value, id);
	while (open) {
		int chosen = weft_select(cases, CHANNELS, NULL);

		ck_assert_int_ge(chosen, 0);
		if (cases[chosen].error) {
			ck_assert_int_eq(cases[chosen].error, EPIPE);
			cases[chosen].chan = NULL;
			open--;
		} else {
			received += value;
			arrived++;
		}
	}
	return NULL;
}

START_TEST(test_nothing_is_lost_or_twice_among_selects_of_tasks_and_threads)
{
	pthread_t threads[2 * THREADS];
	weft_t tasks[2 * TASKS];
	intptr_t n = 0;

	each = scaled(rounds(2000));
	senders = TASKS + THREADS;
	for (int i = 0; i < CHANNELS; i++)
		chans[i] = channel(sizeof(int), _i ? (size_t)i : 0);
	for (intptr_t i = 0; i < 2 * TASKS; i++)
		tasks[i] = create(i % 2 ? send_many : recv_many, (void *)n++);
	for (int i = 0; i < 2 * THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, i % 2 ? send_many : recv_many,
						(void *)n++),
				 0);
	for (int i = 0; i < 2 * TASKS; i++)
		result_of(tasks[i]);
	for (int i = 0; i < 2 * THREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	ck_assert_int_eq(arrived, (int)each * (TASKS + THREADS));
	ck_assert_int_eq(sent, received);
	for (int i = 0; i < CHANNELS; i++)
		ck_assert_int_eq(weft_chan_destroy(chans[i]), 0);
}
END_TEST

/* Each passes on what comes, either way, by the same select. */
static void *exchange(void *arg)
{
	int mine = 1, got = 0, balance = 0;

	for (unsigned i = 0; i < each; i++) {
		weft_case_t cases[] = {sending(a, &mine), receiving(a, &got), receiving(b, NULL)};
		int chosen = weft_select(cases, 3, NULL);

		if (chosen == 2)
			break;
		balance += chosen == 0 ? 1 : -1;
	}
	arrived += balance;
	return arg;
}

TASK_TEST(test_selects_that_send_and_receive_on_one_channel_stay_in_balance, 4)
{
	weft_t tasks[8];

	each = scaled(rounds(5000));
	a = channel(sizeof(int), 0);
	b = channel(sizeof(int), 0);
	for (int i = 0; i < 8; i++)
		tasks[i] = create(exchange, NULL);
	for (int i = 0; i < 7; i++) { /* who is left alone meets nobody any more */
		weft_t first = tasks[i];

		while (weft_tryjoin(first, NULL) == EBUSY) {
			weft_stats_t stats;

			weft_yield();
			weft_stats(&stats, sizeof stats);
			if (stats.tasks == 2 && stats.parked == 1)
				weft_chan_close(b);
		}
	}
	weft_chan_close(b);
	result_of(tasks[7]);
	ck_assert_int_eq(arrived, 0);
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("select");

	tcase_add_test(tests, test_bad_cases_are_einval_and_nothing_happens);
	tcase_add_test(tests, test_without_a_ready_case_and_time_is_eagain);
	tcase_add_test(tests, test_the_ready_case_happens_and_no_other);
	tcase_add_test(tests, test_a_closed_channel_is_ready_with_epipe);
	tcase_add_test(tests, test_a_task_chooses_evenly_among_the_ready);
	tcase_add_test(tests, test_a_thread_chooses_evenly_among_the_ready);
	tcase_add_test(tests, test_the_ready_ones_among_many_are_chosen_evenly);
	tcase_add_test(tests, test_the_first_that_becomes_ready_ends_the_wait);
	tcase_add_test(tests, test_two_selects_of_one_channel_meet_each_other);
	tcase_add_test(tests, test_closing_ends_the_wait_with_epipe);
	tcase_add_test(tests, test_a_loser_leaves_nothing_behind);
	tcase_add_test(tests, test_a_cancellation_ends_the_wait);
	tcase_add_test(tests, test_a_disabled_cancellation_does_not_end_the_wait);
	tcase_add_loop_test(tests, test_nothing_is_lost_or_twice_among_selects_of_tasks_and_threads,
			    0, 2);
	tcase_add_test(tests, test_selects_that_send_and_receive_on_one_channel_stay_in_balance);
	tcase_add_test(tests, test_a_task_waits_no_longer_than_until_the_time);
	tcase_add_test(tests, test_a_thread_waits_no_longer_than_until_the_time);
	tcase_add_test(tests, test_a_task_waits_no_longer_than_its_deadline);
	return tests;
}
