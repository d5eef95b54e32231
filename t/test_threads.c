/*
 * The threads that blocking takes: never more than allowed, whatever the kernel
 * refuses; nothing that was accepted is lost.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <weft.h>

#include "deny.h"
#include "soak.h"
#include "suite.h"

enum { THREADS = 16 };

static _Atomic int ended, begun, asked;
static unsigned most; /* threads that were seen at once */

static void see_threads(void)
{
	weft_stats_t s = runtime_stats();

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
	ck_assert_int_eq((int)runtime_stats().blocking, 0);
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
	ck_assert_int_eq((int)runtime_stats().blocking, THREADS - 1);
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

static weft_sem_t turn;

static void wait_and_block_until_gate(void *unused)
{
	(void)unused;
	ck_assert_int_eq(weft_blocking_begin(), 0);
	asked++;
	ck_assert_int_eq(weft_sem_wait(&turn), 0); /* others have the thread meanwhile */
	begun++;
	while (!gate)
		pause_us(1000);
	ck_assert_int_eq(weft_blocking_end(), 0);
	ended++;
}

/* Whoever parked within a blocking call waits for a thread to go back to it. */
static int others_go_on_too(void)
{
	enum { TASKS = 3 * THREADS };

	ck_assert_int_eq(weft_sem_init(&turn, 0, 0), 0);
	for (int i = 0; i < TASKS; i++)
		ck_assert_int_eq(weft_go(wait_and_block_until_gate, NULL), 0);
	wait_for(&asked, TASKS);
	for (int i = 0; i < TASKS; i++)
		ck_assert_int_eq(weft_sem_post(&turn), 0);
	while (begun < THREADS - 1)
		weft_yield();
	for (int i = 0; i < 100; i++)
		ck_assert_ptr_eq(result_of(create(give_back, &gate)), &gate);
	ck_assert_int_eq(begun, THREADS - 1);
	ck_assert_int_eq((int)runtime_stats().blocking, THREADS - 1);
	gate = 1;
	wait_ended(TASKS);
	ck_assert_uint_le(most, THREADS);
	return 0;
}

START_TEST(test_who_waited_within_a_blocking_call_does_not_go_back_on_the_last_thread)
{
	with_threads((unsigned)_i, THREADS, others_go_on_too);
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

/* --- what the kernel refuses -------------------------------------------------------------- */

enum { ENOUGH = 6 };

static bool no_more_threads(void)
{
	return deny(&(struct denial){SYS_clone3, EAGAIN, ANY, 0, 0}) &&
	       deny(&(struct denial){SYS_clone, EAGAIN, 0, CLONE_THREAD, 0});
}

static int refused_body(void)
{
	enum { TASKS = 200 };
	bool refused = false;

	for (int i = 0; i < TASKS; i++)
		ck_assert_int_eq(weft_go(block_briefly, i % 2 ? &ended : NULL), 0);
	while (ended < TASKS) {
		if (!refused && runtime_stats().threads >= ENOUGH)
			refused = no_more_threads();
		see_threads();
		weft_yield();
	}
	return 0;
}

START_TEST(test_clone_refused_after_some_threads_all_end)
{
	with_threads((unsigned)_i, 1000, refused_body);
}
END_TEST

static void compute_briefly(void *unused)
{
	struct timespec begin, now;

	(void)unused;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < 50);
	ended++;
}

static int fenced_body(void)
{
	enum { BLOCK = 100, COMPUTE = 4 };

	for (int i = 0; i < BLOCK; i++)
		ck_assert_int_eq(weft_go(block_briefly, i % 2 ? &ended : NULL), 0);
	for (int i = 0; i < COMPUTE; i++)
		ck_assert_int_eq(weft_go(compute_briefly, NULL), 0);
	wait_ended(BLOCK + COMPUTE);
	ck_assert_uint_ge(runtime_stats().retakes, COMPUTE);
	return 0;
}

START_TEST(test_without_membarrier_ps_are_retaken_too)
{
	if (deny(&(struct denial){SYS_membarrier, ENOSYS, ANY, 0, 0}))
		with_threads((unsigned)_i, 1000, fenced_body);
}
END_TEST

/* --- when all is over ----------------------------------------------------------------------- */

static weft_t burst[64];

static void *block_for_a_while(void *said)
{
	if (said)
		ck_assert_int_eq(weft_blocking_begin(), 0);
	pause_us(50000);
	return said;
}

/* A burst takes threads; two seconds later all but a few have ended. */
START_TEST(test_threads_of_a_burst_end_within_two_seconds)
{
	enum { BURST = 64, PROCS = 2, TRIES = 100 };
	int tries = 0;

	ck_assert_int_gt(weft_procs(PROCS), 0);
	for (int i = 0; i < BURST; i++)
		burst[i] = create(block_for_a_while, i % 2 ? &gate : NULL);
	for (int i = 0; i < BURST; i++)
		result_of(burst[i]);
	ck_assert_uint_gt(runtime_stats().threads, PROCS + 1);
	pause_us(2000000);
	while (SANITIZED && runtime_stats().threads > PROCS + 1 && tries++ < TRIES)
		pause_us(100000);
	ck_assert_uint_le(runtime_stats().threads, PROCS + 1);
	ck_assert_uint_eq(runtime_stats().idle_procs, PROCS);
}
END_TEST

/* A thread that the program makes in a task is a foreign one. */
static void *is_foreign(void *unused)
{
	void *value = NULL;

	ck_assert_int_eq(weft_join(weft_self(), &value), EINVAL);
	ck_assert_int_eq(weft_blocking_end(), 0);
	ck_assert_ptr_eq(result_of(create(give_back, &gate)), &gate);
	return unused;
}

TASK_TEST(test_a_thread_made_in_a_task_is_foreign, 1)
{
	pthread_t thread;
	void *value = &gate;

	ck_assert_int_eq(pthread_create(&thread, NULL, is_foreign, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, &value), 0); /* its tasks need the P meanwhile */
	ck_assert_ptr_null(value);
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("threads");

	tcase_add_loop_test(
		tests, test_more_tasks_that_block_than_threads_all_end_and_begin_in_order, 1, 4);
	tcase_add_loop_test(tests, test_more_tasks_that_block_without_a_word_than_threads_all_end,
			    1, 3);
	tcase_add_loop_test(tests, test_the_last_thread_is_not_one_to_block_on, 1, 3);
	tcase_add_loop_test(
		tests, test_who_waited_within_a_blocking_call_does_not_go_back_on_the_last_thread,
		1, 3);
	tcase_add_test(tests, test_blocking_tasks_that_return_at_once_let_all_others_in);
	tcase_add_test(tests, test_threads_of_a_burst_end_within_two_seconds);
	tcase_add_test(tests, test_a_thread_made_in_a_task_is_foreign);
	if (SANITIZED) /* which are refused things of their own */
		return tests;
	tcase_add_loop_test(tests, test_clone_refused_after_some_threads_all_end, 1, 3);
	tcase_add_loop_test(tests, test_without_membarrier_ps_are_retaken_too, 1, 3);
	return tests;
}
