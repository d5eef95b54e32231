/*
 * Many selects of tasks and threads over the same channels.
 */
#include <pthread.h>

#include <weft.h>

#include "chan_suite.h"
#include "soak.h"
#include "suite.h"

static weft_chan_t *a, *b;
static _Atomic int arrived;

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
	TCase *tests = tcase_create("select_stress");

	tcase_add_loop_test(tests, test_nothing_is_lost_or_twice_among_selects_of_tasks_and_threads,
			    0, 2);
	tcase_add_test(tests, test_selects_that_send_and_receive_on_one_channel_stay_in_balance);
	return tests;
}
