/*
 * Select: what each case and call answers, and which of the ready ones is chosen.
 */
#include <math.h>
#include <string.h>

#include <weft.h>

#include "chan_suite.h"
#include "soak.h"
#include "suite.h"

static const struct timespec past;
static weft_chan_t *a, *b;
static _Atomic int arrived;

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

static void wait_out(void)
{
	struct timespec soon;
	int value = 1, result;
	weft_case_t cases[2];

	a = channel(sizeof value, 0);
	cases[0] = receiving(a, &value);
	cases[1] = receiving(NULL, &value);
	do { /* the time may have come before the call */
		soon = time_of(CLOCK_MONOTONIC, 20);
		result = weft_select(cases, 2, &soon);
	} while (result == -EAGAIN);
	ck_assert_int_eq(result, -ETIMEDOUT);
	do {
		soon = time_of(CLOCK_MONOTONIC, 20);
		result = weft_select(NULL, 0, &soon);
	} while (result == -EAGAIN);
	ck_assert_int_eq(result, -ETIMEDOUT);
	ck_assert(passed(&soon));
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
	struct timespec soon = time_of(CLOCK_MONOTONIC, 20);
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
	tcase_add_test(tests, test_a_task_waits_no_longer_than_until_the_time);
	tcase_add_test(tests, test_a_thread_waits_no_longer_than_until_the_time);
	tcase_add_test(tests, test_a_task_waits_no_longer_than_its_deadline);
	return tests;
}
