/*
 * weft_start: the calling thread becomes m0, main runs as a task.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weft.h>

#include "boot.h"
#include "boot/boot.h"
#include "child.h"
#include "debug/info.h"
#include "elsewhere.h"

static int return_argc(int argc, char **argv)
{
	ck_assert_str_eq(argv[0], "zero");
	ck_assert_str_eq(argv[1], "one");
	ck_assert_ptr_null(argv[2]);
	return argc + 40;
}

START_TEST(test_start_hands_arguments_to_main_and_returns_its_result)
{
	char zero[] = "zero", one[] = "one";
	char *argv[] = {zero, one, NULL};

	ck_assert_int_eq(weft_start(return_argc, 2, argv), 42);
	ck_assert_int_eq(weft_start(return_argc, -45, argv), -5);
}
END_TEST

START_TEST(test_start_without_main_is_einval)
{
	errno = 0;
	ck_assert_int_eq(weft_start(NULL, 0, NULL), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert(alone()); /* nothing was booted */
}
END_TEST

static int zero_main(int argc, char **argv)
{
	(void)argc, (void)argv;
	return 0;
}

static int start_within(int argc, char **argv)
{
	errno = 0;
	ck_assert_int_eq(weft_start(zero_main, argc, argv), -1);
	ck_assert_int_eq(errno, EBUSY);
	errno = 0;
	ck_assert_int_eq(weft_start(NULL, argc, argv), -1);
	ck_assert(errno == EBUSY || errno == EINVAL);
	ck_assert_int_eq(weft_init(), 0);
	return 5;
}

START_TEST(test_start_from_a_task_is_ebusy)
{
	ck_assert_int_eq(weft_start(start_within, 0, NULL), 5);
}
END_TEST

/* Main is a task like others: its stack is not the thread's, it has a handle. */
static int main_is_task(int argc, char **argv)
{
	char here;
	pthread_attr_t attr;
	void *lo;
	size_t size;

	(void)argv;
	ck_assert_int_eq(pthread_getattr_np(pthread_self(), &attr), 0);
	pthread_attr_getstack(&attr, &lo, &size);
	pthread_attr_destroy(&attr);
	ck_assert(&here < (char *)lo || &here >= (char *)lo + size);
	ck_assert_int_eq(weft_join(weft_self(), NULL), EDEADLK);
	ck_assert_uint_ne(weft_id(weft_self()), 0);
	ck_assert_int_eq(getpid(), (int)thread_id());
	return argc;
}

START_TEST(test_main_is_a_task_on_m0)
{
	ck_assert_int_eq(weft_start(main_is_task, 3, NULL), 3);
}
END_TEST

static int use_stack(int argc, char **argv)
{
	volatile char big[3 << 20];

	(void)argv;
	for (size_t i = 0; i < sizeof big; i += 1024)
		big[i] = 1;
	return big[1024] + argc;
}

START_TEST(test_mains_stack_is_as_large_as_the_limit_says)
{
	struct rlimit limit = {4 << 20, RLIM_INFINITY};

	ck_assert_int_eq(setrlimit(RLIMIT_STACK, &limit), 0);
	ck_assert_int_eq(weft_start(use_stack, 0, NULL), 1);
}
END_TEST

static _Atomic int ended;

static void end_later(void *unused)
{
	(void)unused;
	for (int i = 0; i < 1000; i++)
		weft_yield();
	ended++;
}

static int leave_tasks(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(weft_go(end_later, NULL), 0);
	return 1;
}

static int wait_for_ten(int argc, char **argv)
{
	(void)argc, (void)argv;
	while (ended < 10)
		weft_yield();
	return 2;
}

START_TEST(test_tasks_go_on_after_main_and_start_may_be_called_again)
{
	ck_assert_int_eq(weft_start(leave_tasks, 0, NULL), 1);
	while (ended < 10)
		sched_yield();
	ended = 0;
	ck_assert_int_eq(weft_start(leave_tasks, 0, NULL), 1);
	ck_assert_int_eq(weft_start(wait_for_ten, 0, NULL), 2);
	ck_assert(tasks_work()); /* as a foreign thread, too */
	for (int i = 0; i < 200; i++)
		ck_assert_int_eq(weft_start(zero_main, 0, NULL), 0);
}
END_TEST

static int exit_main(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(weft_go(end_later, NULL), 0);
	weft_exit((void *)9);
}

START_TEST(test_main_that_exits_returns_0_after_the_last_task)
{
	ck_assert_int_eq(weft_start(exit_main, 0, NULL), 0);
	ck_assert_int_eq(ended, 10);
	ck_assert_int_eq(weft_start(exit_main, 0, NULL), 0);
	ck_assert_int_eq(ended, 20);
}
END_TEST

static _Atomic int bound;

/* On m0's thread, as the only P is m0's when it begins. */
static void stay_bound(void *unused)
{
	(void)unused;
	ck_assert_int_eq(weft_lock_thread(), 0);
	bound = 1;
	for (int i = 0; i < 1000; i++)
		weft_yield();
	ended++;
	ck_assert_int_eq(weft_unlock_thread(), 0);
}

static int leave_a_bound_task(int argc, char **argv)
{
	(void)argc, (void)argv;
	ck_assert_int_eq(weft_go(stay_bound, NULL), 0);
	while (!bound)
		weft_yield();
	return 3;
}

START_TEST(test_a_task_bound_to_the_first_thread_goes_on_after_main)
{
	weft_config_t config = {.procs = 1};

	ck_assert_int_eq(weft_configure(&config), 0);
	for (int i = 1; i <= 20; i++) {
		bound = 0;
		ck_assert_int_eq(weft_start(leave_a_bound_task, 0, NULL), 3);
		while (ended < i) /* it may have been another thread's */
			sched_yield();
	}
}
END_TEST

/* --- more than one thread ------------------------------------------------------------ */

static int main_on_any_thread(int argc, char **argv)
{
	char *end = argv[0];

	(void)argc;
	for (int i = 0; i < 100; i++)
		weft_yield();
	return *end;
}

static void *start_further(void *unused)
{
	char seven = 7;
	char *argv[] = {&seven, NULL};

	(void)unused;
	return (void *)(intptr_t)weft_start(main_on_any_thread, 1, argv);
}

static void *thread_in_task(void *unused)
{
	return on_thread(start_further, unused);
}

/* Waits for the thread without holding up its own P. */
static int start_from_another_thread(int argc, char **argv)
{
	(void)argc, (void)argv;
	weft_procs(2);
	return (int)(intptr_t)thread_in_task(NULL);
}

START_TEST(test_start_while_another_thread_is_m0_runs_main_as_a_further_task)
{
	ck_assert_int_eq(weft_start(start_from_another_thread, 0, NULL), 7);
}
END_TEST

START_TEST(test_start_after_a_lazy_boot_runs_main_as_a_further_task)
{
	char three = 3;
	char *argv[] = {&three, NULL};

	ck_assert_int_eq(weft_init(), 0);
	ck_assert_int_eq(weft_start(main_on_any_thread, 1, argv), 3);
	ck_assert_int_eq((int)(intptr_t)on_thread(start_further, NULL), 7);
	ck_assert_int_eq(weft_start(exit_main, 0, NULL), 0);
	ck_assert_int_eq(ended, 10);
	ck_assert_int_eq(weft_shutdown(), 0);
}
END_TEST

static void *start_on_thread(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)weft_start(zero_main, 0, NULL);
}

START_TEST(test_every_thread_may_be_m0_in_turn)
{
	for (int i = 0; i < 20; i++) {
		ck_assert_ptr_null(on_thread(start_on_thread, NULL));
		ck_assert_int_eq(weft_start(zero_main, 0, NULL), 0);
	}
}
END_TEST

static void *start_and_count(void *arg)
{
	for (int i = 0; i < 50; i++)
		if (weft_start(zero_main, 0, NULL) || !tasks_work())
			return arg;
	return NULL;
}

START_TEST(test_threads_that_start_at_once_all_get_their_turn)
{
	enum { THREADS = 4 };
	pthread_t threads[THREADS];
	void *failed;

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, start_and_count, &threads), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &failed);
		ck_assert_ptr_null(failed);
	}
}
END_TEST

/* --- the steps --------------------------------------------------------------------------- */

static int print_steps(int argc, char **argv)
{
	(void)argc, (void)argv;
	return weft_info(STDOUT_FILENO, WEFT_INFO_BOOT);
}

static void start_printing(void *unused)
{
	(void)unused;
	_exit(weft_start(print_steps, 0, NULL));
}

START_TEST(test_steps_are_taken_in_the_designs_order)
{
	static const char *const steps[] = {"rt0_go",    "check",         "args",   "osinit",
					    "schedinit", "newproc(main)", "mstart", "main"};
	struct child child;
	const char *at;
	long long before = -1;

	child_run(&child, start_printing, NULL);
	ck_assert_int_eq(child.status, 0);
	at = strstr(child.said, "booted by");
	ck_assert_ptr_nonnull(at);
	ck_assert_ptr_nonnull(strstr(at, "weft_start\n"));
	for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
		char line[32];
		long long ns;

		snprintf(line, sizeof line, "\n%s ", steps[i]);
		at = strstr(at, line);
		ck_assert_msg(at, "%s in its place in %s", steps[i], child.said);
		ck_assert_int_eq(sscanf(at + strlen(line), "%lld ns", &ns), 1);
		ck_assert_int_ge(ns, before);
		before = ns;
	}
}
END_TEST

START_TEST(test_check_passes_on_a_thread_that_never_saw_the_runtime)
{
	wf_check();
}
END_TEST

/* A P that has work before there was anybody who could have queued it. */
static void boot_with_work(void *unused)
{
	struct rlimit none = {0, 0};
	struct g g = {.flags = 0};
	weft_config_t config = {.procs = 2};

	(void)unused;
	setrlimit(RLIMIT_CORE, &none);
	signal(SIGABRT, SIG_DFL);
	need(!weft_configure(&config));
	wf_osinit();
	for (int i = 0; i < 2; i++) {
		need(wf_allp[i] = wf_map((sizeof(struct p) + PAGE - 1) & ~(size_t)(PAGE - 1)));
		wf_allp[i]->id = i;
	}
	wf_sched.nps = 2;
	wf_allp[1]->runq[0] = &g;
	wf_allp[1]->runqtail = 1;
	weft_start(zero_main, 0, NULL);
}

START_TEST(test_runnable_task_during_bootstrap_is_fatal)
{
	struct child child;

	child_run(&child, boot_with_work, NULL);
	ck_assert_msg(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT,
		      "ended with %#x, said %s", (unsigned)child.status, child.said);
	ck_assert_ptr_nonnull(
		strstr(child.said, "weft: fatal: unknown runnable task during bootstrap"));
}
END_TEST

TCase *boot_start_tests(void)
{
	TCase *tests = tcase_create("start");

	tcase_set_timeout(tests, PATIENCE);
	tcase_add_test(tests, test_start_hands_arguments_to_main_and_returns_its_result);
	tcase_add_test(tests, test_start_without_main_is_einval);
	tcase_add_test(tests, test_start_from_a_task_is_ebusy);
	tcase_add_test(tests, test_main_is_a_task_on_m0);
	tcase_add_test(tests, test_mains_stack_is_as_large_as_the_limit_says);
	tcase_add_test(tests, test_tasks_go_on_after_main_and_start_may_be_called_again);
	tcase_add_test(tests, test_main_that_exits_returns_0_after_the_last_task);
	tcase_add_test(tests, test_a_task_bound_to_the_first_thread_goes_on_after_main);
	tcase_add_test(tests, test_start_while_another_thread_is_m0_runs_main_as_a_further_task);
	tcase_add_test(tests, test_start_after_a_lazy_boot_runs_main_as_a_further_task);
	tcase_add_test(tests, test_every_thread_may_be_m0_in_turn);
	tcase_add_test(tests, test_threads_that_start_at_once_all_get_their_turn);
	tcase_add_test(tests, test_steps_are_taken_in_the_designs_order);
	tcase_add_test(tests, test_check_passes_on_a_thread_that_never_saw_the_runtime);
	tcase_add_test(tests, test_runnable_task_during_bootstrap_is_fatal);
	return tests;
}
