/*
 * weft_blocking_begin, weft_blocking_end and weft_blocking: what they return, what
 * may be done between them, and how one may leave.
 */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

static _Atomic int gate, ended;

/* --- what they return -------------------------------------------------------------------- */

TASK_TEST(test_blocking_calls_nest, 1)
{
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(weft_blocking_begin(), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(runtime_stats().blocking, 1);
		ck_assert_int_eq(weft_blocking_end(), 0);
	}
	ck_assert_uint_eq(runtime_stats().blocking, 0);
}

TASK_TEST(test_end_without_begin_is_eperm, 1)
{
	ck_assert_int_eq(weft_blocking_end(), EPERM);
	ck_assert_int_eq(weft_blocking_begin(), 0);
	ck_assert_int_eq(weft_blocking_end(), 0);
	ck_assert_int_eq(weft_blocking_end(), EPERM);
}

static void *foreign(void *unused)
{
	ck_assert_int_eq(weft_blocking_end(), 0);
	ck_assert_int_eq(weft_blocking_begin(), 0);
	ck_assert_int_eq(weft_blocking_begin(), 0);
	ck_assert_int_eq(weft_blocking_end(), 0);
	ck_assert_ptr_eq(weft_blocking(give_back, &gate), &gate);
	return unused;
}

START_TEST(test_on_a_foreign_thread_they_return_0_and_do_nothing)
{
	ck_assert_ptr_null(foreign(NULL)); /* before the runtime is up */
	ck_assert_int_eq(weft_init(), 0);
	ck_assert_ptr_null(foreign(NULL));
	ck_assert_ptr_null(on_thread(foreign, NULL));
	ck_assert_uint_eq(runtime_stats().blocking, 0);
}
END_TEST

static void *set_errno(void *value)
{
	pause_us(3000);
	errno = (int)(intptr_t)value;
	return value;
}

TASK_TEST(test_blocking_gives_the_functions_result_and_errno, 1)
{
	void *value = (void *)(intptr_t)EXDEV;

	errno = 0;
	ck_assert_ptr_eq(weft_blocking(set_errno, value), value);
	ck_assert_int_eq(errno, EXDEV);
}

TASK_TEST(test_blocking_of_null_is_einval, 1)
{
	errno = 0;
	ck_assert_ptr_null(weft_blocking(NULL, &gate));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(weft_blocking_end(), EPERM);
}

static void *busy(void *unused)
{
	while (!gate)
		weft_yield();
	return unused;
}

TASK_TEST(test_errno_is_kept_by_begin_and_end, 1)
{
	weft_t other = create(busy, NULL);

	for (int i = 0; i < 100; i++) {
		errno = i;
		ck_assert_int_eq(weft_blocking_begin(), 0);
		ck_assert_int_eq(errno, i);
		pause_us(100); /* the P goes to the other one */
		errno = i + 1000;
		ck_assert_int_eq(weft_blocking_end(), 0);
		ck_assert_int_eq(errno, i + 1000);
	}
	gate = 1;
	result_of(other);
}

/* --- leaving otherwise ------------------------------------------------------------------------ */

static void *exit_with(void *value)
{
	pause_us(1000);
	weft_exit(value);
}

static void *leave_by_exit(void *value)
{
	weft_blocking(exit_with, value);
	return NULL;
}

static void *exit_begun(void *value)
{
	ck_assert_int_eq(weft_blocking_begin(), 0);
	pause_us(1000);
	weft_exit(value);
}

static void *return_begun(void *value)
{
	ck_assert_int_eq(weft_blocking_begin(), 0);
	ck_assert_int_eq(weft_blocking_begin(), 0);
	pause_us(1000);
	return value;
}

/* The next task on that stack and thread begins anew. */
TASK_TEST(test_a_task_may_end_in_a_blocking_call, 1)
{
	static void *(*const ways[])(void *) = {leave_by_exit, exit_begun, return_begun};

	for (int i = 0; i < 30; i++) {
		ck_assert_ptr_eq(result_of(create(ways[i % 3], &gate)), &gate);
		ck_assert_uint_eq(runtime_stats().blocking, 0);
		ck_assert_int_eq(weft_blocking_end(), EPERM);
	}
}

static void end_is_eperm(void *unused)
{
	(void)unused;
	ck_assert_int_eq(weft_blocking_end(), EPERM);
	ended++;
}

static void *exit_within(void *value)
{
	weft_cleanup_push(end_is_eperm, NULL);
	weft_blocking(exit_with, value);
	weft_cleanup_pop(0);
	return NULL;
}

TASK_TEST(test_weft_exit_ends_the_blocking_call_before_outer_clean_ups_run, 1)
{
	ck_assert_ptr_eq(result_of(create(exit_within, &gate)), &gate);
	ck_assert_int_eq(ended, 1);
}

/* --- calls of Weft in between -------------------------------------------------------------------
 */

static void *yields_within(void *unused)
{
	ck_assert_int_eq(weft_blocking_begin(), 0);
	for (int i = 0; i < 100; i++) {
		pause_us(50);
		weft_yield();
		ck_assert_ptr_eq(result_of(create(give_back, &ended)), &ended);
	}
	ck_assert_int_eq(weft_blocking_end(), 0);
	ck_assert_int_eq(weft_blocking_end(), EPERM);
	return unused;
}

/* _i: Ps */
static void within_body(void)
{
	weft_t tasks[8];

	for (int i = 0; i < 8; i++)
		tasks[i] = create(yields_within, NULL);
	for (int i = 0; i < 8; i++)
		ck_assert_ptr_null(result_of(tasks[i]));
	ck_assert_uint_eq(runtime_stats().blocking, 0);
}

START_TEST(test_calls_of_weft_between_begin_and_end_may_park)
{
	as_task((unsigned)_i, within_body);
}
END_TEST

static void *parks_within(void *child)
{
	ck_assert_int_eq(weft_blocking_begin(), 0);
	result_of((weft_t)child);
	ck_assert_uint_eq(runtime_stats().blocking, 1);
	pause_us(1000);
	ck_assert_uint_eq(runtime_stats().blocking, 1);
	ck_assert_int_eq(weft_blocking_end(), 0);
	return NULL;
}

TASK_TEST(test_a_blocking_call_goes_on_after_a_wait_in_it, 1)
{
	weft_t child = create(busy, NULL);
	weft_t task = create(parks_within, (void *)child);

	wait_parked(1);
	ck_assert_uint_eq(runtime_stats().blocking, 0); /* it waits as a task, on no thread */
	gate = 1;
	ck_assert_ptr_null(result_of(task));
}

/* --- what others see -----------------------------------------------------------------------------
 */

static void *until_gate(void *said)
{
	if (said)
		ck_assert_int_eq(weft_blocking_begin(), 0);
	ended++;
	while (!gate)
		pause_us(500);
	if (said)
		ck_assert_int_eq(weft_blocking_end(), 0);
	return said;
}

TASK_TEST(test_stats_tell_how_many_block_now, 2)
{
	enum { TASKS = 20 };
	weft_t tasks[TASKS];

	for (int i = 0; i < TASKS; i++)
		tasks[i] = create(until_gate, &gate);
	wait_for(&ended, TASKS);
	ck_assert_uint_eq(runtime_stats().blocking, TASKS);
	ck_assert_uint_eq(runtime_stats().tasks, TASKS + 1);
	gate = 1;
	for (int i = 0; i < TASKS; i++)
		ck_assert_ptr_eq(result_of(tasks[i]), &gate);
	ck_assert_uint_eq(runtime_stats().blocking, 0);
}

/* Their retakes count, and not as preemptions: nobody computed. */
TASK_TEST(test_retakes_are_counted, 1)
{
	uint64_t before = runtime_stats().retakes;
	weft_t tasks[4];

	for (int i = 0; i < 4; i++)
		tasks[i] = create(until_gate, i % 2 ? &gate : NULL);
	wait_for(&ended, 4);
	gate = 1;
	for (int i = 0; i < 4; i++)
		result_of(tasks[i]);
	ck_assert_uint_ge(runtime_stats().retakes, before + 4);
}

/* A begin alone takes no P away, and an end that finds it is no switch. */
TASK_TEST(test_begin_and_end_alone_keep_the_p, 1)
{
	uint64_t before = runtime_stats().switches;

	for (int i = 0; i < 100000; i++) {
		ck_assert_int_eq(weft_blocking_begin(), 0);
		ck_assert_int_eq(weft_blocking_end(), 0);
	}
	ck_assert_uint_le(runtime_stats().switches - before, 1000);
}

/* --- together with the rest
 * ------------------------------------------------------------------------ */

static _Atomic long counted;

static void *block_and_count(void *said)
{
	for (unsigned i = 0; i < 100; i++) {
		if (said)
			ck_assert_int_eq(weft_blocking_begin(), 0);
		pause_us(20);
		if (said)
			ck_assert_int_eq(weft_blocking_end(), 0);
		counted++;
	}
	return said;
}

static void resize_body(void)
{
	enum { TASKS = 16 };
	weft_t tasks[TASKS];

	for (int i = 0; i < TASKS; i++)
		tasks[i] = create(block_and_count, i % 2 ? &gate : NULL);
	for (int i = 0; counted < TASKS * 100; i++) {
		ck_assert_int_gt(weft_procs(i % 4 + 1), 0);
		weft_yield();
	}
	for (int i = 0; i < TASKS; i++)
		result_of(tasks[i]);
}

START_TEST(test_ps_come_and_go_while_tasks_block)
{
	as_task(2, resize_body);
}
END_TEST

START_TEST(test_shutdown_is_ebusy_while_a_task_blocks_and_works_after)
{
	weft_t task;

	for (int round = 0; round < 5; round++) {
		gate = ended = 0;
		task = create(until_gate, round % 2 ? &gate : NULL);
		while (!ended)
			pause_us(100);
		ck_assert_int_eq(weft_shutdown(), EBUSY);
		gate = 1;
		result_of(task);
		while (weft_shutdown() == EBUSY)
			pause_us(100);
	}
}
END_TEST

/* Without Check, whose lock another thread may have held. Which check failed; 0: none. */
static int in_child(void)
{
	void *value = NULL;
	weft_t task;

	if (weft_blocking_end()) /* it is a foreign thread there */
		return 1;
	if (weft_create(&task, NULL, give_back, &gate) || weft_join(task, &value) || value != &gate)
		return 2;
	return weft_blocking(give_back, &gate) == &gate ? 0 : 3;
}

static void *forks(void *said)
{
	int status;
	pid_t pid;

	if (said)
		ck_assert_int_eq(weft_blocking_begin(), 0);
	pid = fork();
	if (!pid)
		_exit(in_child());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	if (said)
		ck_assert_int_eq(weft_blocking_end(), 0);
	return said;
}

TASK_TEST(test_a_task_may_fork_while_it_and_others_block, 2)
{
	weft_t tasks[6];

	for (int i = 0; i < 6; i++)
		tasks[i] = create(until_gate, i % 2 ? &gate : NULL);
	wait_for(&ended, 6);
	for (int i = 0; i < 4; i++)
		result_of(create(forks, i % 2 ? &gate : NULL));
	gate = 1;
	for (int i = 0; i < 6; i++)
		result_of(tasks[i]);
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("blocking");

	tcase_add_test(tests, test_blocking_calls_nest);
	tcase_add_test(tests, test_end_without_begin_is_eperm);
	tcase_add_test(tests, test_on_a_foreign_thread_they_return_0_and_do_nothing);
	tcase_add_test(tests, test_blocking_gives_the_functions_result_and_errno);
	tcase_add_test(tests, test_blocking_of_null_is_einval);
	tcase_add_test(tests, test_errno_is_kept_by_begin_and_end);
	tcase_add_test(tests, test_a_task_may_end_in_a_blocking_call);
	tcase_add_test(tests, test_weft_exit_ends_the_blocking_call_before_outer_clean_ups_run);
	tcase_add_loop_test(tests, test_calls_of_weft_between_begin_and_end_may_park, 1, 4);
	tcase_add_test(tests, test_a_blocking_call_goes_on_after_a_wait_in_it);
	tcase_add_test(tests, test_stats_tell_how_many_block_now);
	tcase_add_test(tests, test_retakes_are_counted);
	tcase_add_test(tests, test_begin_and_end_alone_keep_the_p);
	tcase_add_test(tests, test_ps_come_and_go_while_tasks_block);
	tcase_add_test(tests, test_shutdown_is_ebusy_while_a_task_blocks_and_works_after);
	if (!SANITIZED)
		tcase_add_test(tests, test_a_task_may_fork_while_it_and_others_block);
	return tests;
}
