/*
 * fork: the child has the caller and no other thread; the runtime is down there, and
 * boots afresh when it is needed.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weft.h>

#include "boot.h"
#include "child.h"

/* How a child ended: its status when it exited, else -1. */
static int end_of(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void *give_back(void *arg)
{
	return arg;
}

/* In the child: handles of before are stale, the caller's own is not, all works. */
static void child_uses_weft(weft_t self, weft_t old)
{
	signal(SIGALRM, SIG_DFL);
	alarm(PATIENCE / 2); /* nobody waits for a grandchild for ever */
	need(weft_self() == self);
	need(weft_join(old, NULL) == ESRCH);
	need(weft_detach(old) == ESRCH);
	need(weft_cancel(old) == ESRCH);
	need(weft_id(old) == 0);
	need(alone());
	need(tasks_work());
	need(weft_self() == self);
	need(weft_join(old, NULL) == ESRCH);
	need(weft_procs(0) >= 1);
	weft_yield();
	need(!weft_shutdown());
	need(alone());
	need(tasks_work());
}

static int fork_in_main(int argc, char **argv)
{
	weft_t self = weft_self(), old;
	pid_t pid;

	(void)argc, (void)argv;
	ck_assert_int_eq(weft_create(&old, NULL, give_back, NULL), 0);
	pid = fork();
	if (!pid) {
		child_uses_weft(self, old);
		return 33; /* the child's exit status */
	}
	ck_assert_int_eq(end_of(pid), 33);
	ck_assert_int_eq(weft_join(old, NULL), 0); /* nothing has changed here */
	ck_assert(tasks_work());
	return 44;
}

START_TEST(test_child_of_main_uses_weft_and_ends_by_returning)
{
	ck_assert_int_eq(weft_start(fork_in_main, 0, NULL), 44);
}
END_TEST

static void *fork_and_return(void *old)
{
	weft_t self = weft_self();
	pid_t pid = fork();

	if (!pid) {
		child_uses_weft(self, *(weft_t *)old);
		return (void *)5; /* as a pthread's: status 0 */
	}
	return (void *)(intptr_t)end_of(pid);
}

static void *fork_and_exit(void *old)
{
	weft_t self = weft_self();
	pid_t pid = fork();

	if (!pid) {
		child_uses_weft(self, *(weft_t *)old);
		weft_exit((void *)5);
	}
	return (void *)(intptr_t)end_of(pid);
}

static void *(*forks)(void *);

static int fork_in_tasks(int argc, char **argv)
{
	weft_t old = weft_self(), task;
	void *status;

	(void)argc, (void)argv;
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(weft_create(&task, NULL, forks, &old), 0);
		if (i & 1)
			weft_yield();
		ck_assert_int_eq(weft_join(task, &status), 0);
		ck_assert_int_eq((int)(intptr_t)status, 0);
	}
	return 0;
}

START_TEST(test_child_of_a_task_uses_weft_and_ends_by_returning)
{
	forks = fork_and_return;
	ck_assert_int_eq(weft_start(fork_in_tasks, 0, NULL), 0);
}
END_TEST

START_TEST(test_child_of_a_task_uses_weft_and_ends_by_exit)
{
	forks = fork_and_exit;
	ck_assert_int_eq(weft_start(fork_in_tasks, 0, NULL), 0);
}
END_TEST

START_TEST(test_child_of_a_foreign_thread_uses_weft)
{
	weft_t self, old;
	pid_t pid;

	ck_assert_int_eq(weft_create(&old, NULL, give_back, NULL), 0);
	self = weft_self();
	pid = fork();
	if (!pid) {
		child_uses_weft(self, old);
		_exit(3);
	}
	ck_assert_int_eq(end_of(pid), 3);
	ck_assert_int_eq(weft_self(), self);
	ck_assert_int_eq(weft_join(old, NULL), 0);
}
END_TEST

static int return_argc(int argc, char **argv)
{
	(void)argv;
	return argc;
}

START_TEST(test_child_may_start_configure_and_shut_down)
{
	weft_config_t config = {.procs = 3};
	pid_t pid;

	ck_assert_int_eq(weft_start(return_argc, 1, NULL), 1);
	ck_assert_int_eq(weft_configure(&config), EBUSY);
	pid = fork();
	if (!pid) {
		need(!weft_configure(&config));
		need(weft_start(return_argc, 9, NULL) == 9);
		need(weft_procs(0) == 3);
		need(!weft_shutdown());
		need(!weft_shutdown());
		_exit(0);
	}
	ck_assert_int_eq(end_of(pid), 0);
}
END_TEST

static int fork_twice(int argc, char **argv)
{
	weft_t self = weft_self(), old;
	pid_t pid = fork();

	(void)argc, (void)argv;
	if (!pid) {
		need(tasks_work());
		need(!weft_create(&old, NULL, give_back, NULL));
		pid = fork();
		if (!pid) {
			child_uses_weft(self, old);
			return 6;
		}
		need(end_of(pid) == 6);
		need(!weft_join(old, NULL));
		return 7;
	}
	return end_of(pid);
}

START_TEST(test_child_of_a_child)
{
	ck_assert_int_eq(weft_start(fork_twice, 0, NULL), 7);
}
END_TEST

/* --- while others are in the middle of things ------------------------------------------- */

static _Atomic bool enough;

static void *create_and_join(void *unused)
{
	weft_t child;

	while (!enough)
		if (!weft_create(&child, NULL, give_back, NULL)) {
			weft_yield();
			weft_join(child, NULL);
		}
	return unused;
}

static int fork_under_load(int argc, char **argv)
{
	enum { TASKS = 8, FORKS = 30 };
	weft_t tasks[TASKS];

	(void)argc, (void)argv;
	weft_procs(3);
	for (int i = 0; i < TASKS; i++)
		ck_assert_int_eq(weft_create(&tasks[i], NULL, create_and_join, NULL), 0);
	for (int i = 0; i < FORKS; i++) {
		weft_t self = weft_self();
		pid_t pid;

		weft_yield();
		pid = fork();
		if (!pid) {
			need(weft_self() == self);
			need(tasks_work());
			_exit(0);
		}
		ck_assert_int_eq(end_of(pid), 0);
	}
	enough = true;
	for (int i = 0; i < TASKS; i++)
		ck_assert_int_eq(weft_join(tasks[i], NULL), 0);
	return 0;
}

START_TEST(test_fork_while_other_tasks_run)
{
	ck_assert_int_eq(weft_start(fork_under_load, 0, NULL), 0);
}
END_TEST

TCase *boot_fork_tests(void)
{
	TCase *tests = tcase_create("fork");

	tcase_set_timeout(tests, PATIENCE);
	if (SANITIZED)
		return tests;
	tcase_add_test(tests, test_child_of_main_uses_weft_and_ends_by_returning);
	tcase_add_test(tests, test_child_of_a_task_uses_weft_and_ends_by_returning);
	tcase_add_test(tests, test_child_of_a_task_uses_weft_and_ends_by_exit);
	tcase_add_test(tests, test_child_of_a_foreign_thread_uses_weft);
	tcase_add_test(tests, test_child_may_start_configure_and_shut_down);
	tcase_add_test(tests, test_child_of_a_child);
	tcase_add_test(tests, test_fork_while_other_tasks_run);
	return tests;
}
