/*
 * The threads that blocking takes: never more than allowed, whatever the kernel
 * refuses; nothing that was accepted is lost.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <weft.h>

#include "deny.h"
#include "soak.h"
#include "suite.h"

enum { THREADS = 16 };

static _Atomic int ended, begun, asked;
static unsigned most; /* threads that were seen at once */

static void pause_us(long us)
{
	struct timespec t = {us / 1000000, us % 1000000 * 1000};

	ck_assert_int_eq(nanosleep(&t, NULL), 0);
}

static weft_stats_t stats(void)
{
	weft_stats_t s;

	ck_assert_int_eq(weft_stats(&s, sizeof s), 0);
	return s;
}

static void see_threads(void)
{
	weft_stats_t s = stats();

	if (s.threads > most)
		most = (unsigned)s.threads;
}

/* Let others run until so many have ended, and look at the threads meanwhile. */
static void wait_ended(int n)
{
	while (ended < n) {
		see_threads();
		weft_yield();
	}
}

/* main with so many Ps and threads, and a slice of a millisecond. */
static int (*bounded_main)(void);

static int enter(int argc, char **argv)
{
	(void)argc, (void)argv;
	return bounded_main();
}

static void with_threads(unsigned procs, unsigned threads, int (*body)(void))
{
	weft_config_t config = {.procs = procs, .max_threads = threads};

	bounded_main = body;
	ck_assert_int_eq(weft_configure(&config), 0);
	ck_assert_int_eq(weft_start(enter, 0, NULL), 0);
}

/* --- the bound ----------------------------------------------------------------------------- */

static int how_many(void)
{
	return (int)scaled(soaking() ? 10000 : 3000);
}

static _Atomic int first_behind; /* by how much who began was behind the order of asking */

static void block_briefly(void *said)
{
	int mine = asked++, turn;

	if (said)
		ck_assert_int_eq(weft_blocking_begin(), 0);
	turn = begun++;
	if (turn - mine > first_behind)
		first_behind = turn - mine;
	pause_us(200);
	if (said)
		ck_assert_int_eq(weft_blocking_end(), 0);
	ended++;
}

static int many_said(void)
{
	int n = how_many();

	for (int i = 0; i < n; i++)
		ck_assert_int_eq(weft_go(block_briefly, &ended), 0);
	wait_ended(n);
	ck_assert_uint_le(most, THREADS);
	ck_assert_int_eq((int)stats().blocking, 0);
	return 0;
}

/* _i: Ps */
START_TEST(test_more_tasks_that_block_than_threads_all_end_and_begin_in_order)
{
	with_threads((unsigned)_i, THREADS, many_said);
	/* who was let in and who notes it first is the kernel's to say, but for as many as
	 * there are threads */
	if (_i == 1 && !disturbed())
		ck_assert_int_le(first_behind, 2 * THREADS);
}
END_TEST

static int many_unsaid(void)
{
	int n = how_many();

	for (int i = 0; i < n; i++)
		ck_assert_int_eq(weft_go(block_briefly, NULL), 0);
	wait_ended(n);
	ck_assert_uint_le(most, THREADS);
	return 0;
}

START_TEST(test_more_tasks_that_block_without_a_word_than_threads_all_end)
{
	with_threads((unsigned)_i, THREADS, many_unsaid);
}
END_TEST

static _Atomic int gate;

static void block_until_gate(void *unused)
{
	(void)unused;
	asked++;
	ck_assert_int_eq(weft_blocking_begin(), 0);
	begun++;
	while (!gate)
		pause_us(1000);
	ck_assert_int_eq(weft_blocking_end(), 0);
	ended++;
}

/* What blocks leaves one thread to the others, however many would. */
static int others_go_on(void)
{
	enum { TASKS = 3 * THREADS };

	for (int i = 0; i < TASKS; i++)
		ck_assert_int_eq(weft_go(block_until_gate, NULL), 0);
	wait_for(&asked, TASKS);
	while (begun < THREADS - 1)
		weft_yield();
	for (int i = 0; i < 100; i++)
		ck_assert_ptr_eq(result_of(create(give_back, &gate)), &gate);
	ck_assert_int_eq(begun, THREADS - 1);
	ck_assert_int_eq((int)stats().blocking, THREADS - 1);
	gate = 1;
	wait_ended(TASKS);
	ck_assert_uint_le(most, THREADS);
	return 0;
}

START_TEST(test_the_last_thread_is_not_one_to_block_on)
{
	with_threads((unsigned)_i, THREADS, others_go_on);
}
END_TEST

/* All come back at the same time, and find the P taken: the threads they leave idle are
 * free for those who wait. */
static int all_come_back_at_once(void)
{
	enum { TASKS = 4 * THREADS };

	for (unsigned round = 0; round < rounds(20); round++) {
		ended = asked = begun = gate = 0;
		for (int i = 0; i < TASKS; i++)
			ck_assert_int_eq(weft_go(block_until_gate, NULL), 0);
		wait_for(&asked, TASKS);
		gate = 1;
		pause_us(3000); /* keeps the P for them all to find it taken */
		wait_ended(TASKS);
	}
	return 0;
}

START_TEST(test_blocking_tasks_that_return_at_once_let_all_others_in)
{
	with_threads(1, THREADS, all_come_back_at_once);
}
END_TEST

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("threads");

	tcase_add_loop_test(tests, test_more_tasks_that_block_than_threads_all_end_and_begin_in_order,
			    1, 4);
	tcase_add_loop_test(tests, test_more_tasks_that_block_without_a_word_than_threads_all_end, 1,
			    3);
	tcase_add_loop_test(tests, test_the_last_thread_is_not_one_to_block_on, 1, 3);
	tcase_add_test(tests, test_blocking_tasks_that_return_at_once_let_all_others_in);
	return tests;
}
