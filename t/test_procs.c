/*
 * How many Ps there are: asking, changing, and changing under load. Whatever the
 * number does meanwhile, each task runs exactly once.
 */
#include <pthread.h>
#include <string.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

static _Atomic int gate;

TASK_TEST(test_procs_tells_the_number_before, 2)
{
	ck_assert_int_eq(weft_procs(0), 2);
	ck_assert_int_eq(weft_procs(-1), 2);
	ck_assert_int_eq(weft_procs(5), 2);
	ck_assert_int_eq(weft_procs(0), 5);
	ck_assert_int_eq(weft_procs(5), 5);
	ck_assert_int_eq(weft_procs(1), 5);
	ck_assert_int_eq(weft_procs(0), 1);
}

TASK_TEST(test_procs_above_1024_is_einval_and_changes_nothing, 2)
{
	errno = 0;
	ck_assert_int_eq(weft_procs(WEFT_PROCS_MAX + 1), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(weft_procs(0), 2);
	ck_assert_int_eq(weft_procs(WEFT_PROCS_MAX), 2);
	ck_assert_int_eq(weft_procs(2), WEFT_PROCS_MAX);
}

START_TEST(test_procs_works_from_a_plain_thread)
{
	weft_stats_t s;

	ck_assert_int_ge(weft_procs(0), 1);
	ck_assert_int_ge(weft_procs(3), 1);
	ck_assert_int_eq(weft_procs(0), 3);
	ck_assert_int_eq(weft_stats(&s, sizeof s), 0);
	ck_assert_uint_eq(s.procs, 3);
}
END_TEST

/* --- under load -------------------------------------------------------------------------- */

enum { SPAWNERS = 8, EACH = 250, TASKS = SPAWNERS * EACH };
static _Atomic unsigned char runs[TASKS];
static _Atomic unsigned nrun;

static void *run_once(void *slot)
{
	if ((uintptr_t)slot % 3 == 0)
		weft_yield();
	runs[(uintptr_t)slot]++;
	nrun++;
	return NULL;
}

static void run_once_alone(void *slot)
{
	run_once(slot);
}

/* Half are joined, some of these directly; others are on their own. */
static void *spawn(void *first)
{
	uintptr_t from = (uintptr_t)first;

	for (uintptr_t i = from; i < from + EACH; i++)
		if (i % 2)
			result_of(create(run_once, (void *)i));
		else
			ck_assert_int_eq(weft_go(run_once_alone, (void *)i), 0);
	return NULL;
}

static void resize(unsigned round)
{
	static const int sizes[] = {8, 2, 1};

	for (int i = 0; i < 3; i++) {
		ck_assert_int_gt(weft_procs(sizes[i]), 0);
		for (unsigned k = 0; k < round % 7; k++)
			weft_yield();
	}
}

static void *resize_a_few(void *round)
{
	for (int i = 0; i < 5; i++)
		resize((unsigned)(uintptr_t)round + i);
	return NULL;
}

static void each_ran_once(void)
{
	while (nrun < TASKS)
		weft_yield();
	for (int i = 0; i < TASKS; i++)
		if (runs[i] != 1)
			ck_abort_msg("task %d ran %d times", i, runs[i]);
	memset((void *)runs, 0, sizeof runs);
	nrun = 0;
}

static void round_of(unsigned round)
{
	weft_t spawners[SPAWNERS];

	for (uintptr_t i = 0; i < SPAWNERS; i++)
		spawners[i] = create(spawn, (void *)(i * EACH));
	resize(round);
	for (int i = 0; i < SPAWNERS; i++)
		result_of(spawners[i]);
	each_ran_once();
}

static uint64_t steals(void)
{
	weft_stats_t s;

	ck_assert_int_eq(weft_stats(&s, sizeof s), 0);
	return s.steals;
}

TASK_TEST(test_each_task_runs_once_while_ps_come_and_go, 1)
{
	unsigned n = scaled(rounds(100));

	for (unsigned i = 0; i < n || !steals(); i++)
		round_of(i);
}

static void *resize_on_thread(void *unused)
{
	for (unsigned i = 0; !gate; i++)
		resize(i);
	return unused;
}

/* The number is changed by two tasks and a plain thread at once. */
TASK_TEST(test_each_task_runs_once_while_many_resize_at_once, 2)
{
	unsigned n = scaled(rounds(30));
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, resize_on_thread, NULL), 0);
	for (unsigned i = 0; i < n; i++) {
		weft_t one = create(resize_a_few, NULL), two = create(resize_a_few, (void *)3);

		round_of(i);
		result_of(one);
		result_of(two);
	}
	gate = 1;
	weft_procs(2);
	pthread_join(thread, NULL);
}

static _Atomic int computing;

static void *compute(void *unused)
{
	computing = 1;
	while (!gate)
		;
	return unused;
}

/* Its P is taken from who computes; it goes on without, and gets one afterwards. */
TASK_TEST(test_resize_does_not_wait_for_who_computes, 2)
{
	weft_t task = create(compute, NULL);

	wait_for(&computing, 1);
	for (int i = 0; i < 20; i++) {
		weft_procs(1 + i % 3);
		weft_yield();
	}
	gate = 1;
	result_of(task);
}

static void *lock_and_yield(void *unused)
{
	ck_assert_int_eq(weft_lock_thread(), 0);
	while (!gate)
		weft_yield();
	ck_assert_int_eq(weft_unlock_thread(), 0);
	return unused;
}

TASK_TEST(test_locked_tasks_go_on_while_ps_come_and_go, 2)
{
	enum { LOCKED = 4 };
	weft_t tasks[LOCKED];

	for (int i = 0; i < LOCKED; i++)
		tasks[i] = create(lock_and_yield, NULL);
	for (unsigned i = 0; i < scaled(20); i++)
		round_of(i);
	gate = 1;
	for (int i = 0; i < LOCKED; i++)
		result_of(tasks[i]);
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("procs");

	tcase_add_test(tests, test_procs_tells_the_number_before);
	tcase_add_test(tests, test_procs_above_1024_is_einval_and_changes_nothing);
	tcase_add_test(tests, test_procs_works_from_a_plain_thread);
	tcase_add_test(tests, test_each_task_runs_once_while_ps_come_and_go);
	tcase_add_test(tests, test_each_task_runs_once_while_many_resize_at_once);
	tcase_add_test(tests, test_resize_does_not_wait_for_who_computes);
	tcase_add_test(tests, test_locked_tasks_go_on_while_ps_come_and_go);
	return tests;
}
