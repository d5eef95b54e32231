/*
 * What is refused, one thing at a time: another way is taken and weft_info says
 * which, or an error number comes back; what was accepted runs all the same.
 *
 * Each test is a forked child, whose refusals end with it. Those of memory are left
 * out where a sanitizer needs more of it than the test allows.
 */
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>
#include <weft.h>

#include "child.h"
#include "deny.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum { PATIENCE = 120, TASKS = 3000, NO_SECCOMP = 77 };

/* As in test_boot.c. */
const char *__lsan_default_options(void);

const char *__lsan_default_options(void)
{
	return "detect_leaks=0";
}

static _Atomic int ran;

static void *yield_and_count(void *arg)
{
	weft_yield();
	weft_yield();
	ran++;
	return arg;
}

static void count(void *unused)
{
	yield_and_count(unused);
}

/* Tasks that park, are joined, are cancelled while parked, and a live resize. */
static void work(void)
{
	static weft_t tasks[TASKS];
	void *value;

	ran = 0;
	for (uintptr_t i = 0; i < TASKS; i++)
		need(!weft_create(&tasks[i], NULL, yield_and_count, (void *)i));
	for (int n = 3; n > 0; n--)
		need(weft_procs(n) > 0);
	for (uintptr_t i = 0; i < TASKS; i++)
		need(!weft_join(tasks[i], &value) && value == (void *)i);
	need(ran == TASKS);
}

static void *join_it(void *task)
{
	return (void *)(intptr_t)weft_join(*(weft_t *)task, NULL);
}

static void *until_told(void *told)
{
	while (!*(_Atomic bool *)told)
		weft_yield();
	return NULL;
}

static void cancel_a_parked_task(void)
{
	_Atomic bool told = false;
	weft_t running, parked;
	void *value;

	need(!weft_create(&running, NULL, until_told, (void *)&told));
	need(!weft_create(&parked, NULL, join_it, &running));
	for (int i = 0; i < 10; i++)
		weft_yield();
	need(!weft_cancel(parked));
	need(!weft_join(parked, &value) && value == WEFT_CANCELED);
	told = true;
	need(!weft_join(running, NULL));
}

static void refuse(const struct denial *denial)
{
	if (!deny(denial))
		_exit(NO_SECCOMP);
}

/* The child passes, or there is no seccomp here. */
static void passes(void (*fn)(void *))
{
	struct child child;

	child_run(&child, fn, NULL);
	if (WIFEXITED(child.status) && WEXITSTATUS(child.status) == NO_SECCOMP)
		return;
	ck_assert_msg(child.status == 0, "ended with %#x and said: %s", (unsigned)child.status,
		      child.said);
}

/* --- features ------------------------------------------------------------------------- */

static int all_work(int argc, char **argv)
{
	(void)argc, (void)argv;
	work();
	cancel_a_parked_task();
	return 0;
}

/* As m0 and as a foreign thread. */
static void both_ways(void)
{
	need(!weft_start(all_work, 0, NULL));
	need(!weft_shutdown());
	need(!weft_init());
	all_work(0, NULL);
	need(!weft_shutdown());
}

static void without_membarrier(void *unused)
{
	(void)unused;
	refuse(&(struct denial){SYS_membarrier, ENOSYS, ANY, 0, 0});
	both_ways();
	need(info_has("barrier           full fences (no membarrier)"));
}

START_TEST(test_membarrier_denied_full_fences_serve)
{
	passes(without_membarrier);
}
END_TEST

static void without_guard_install(void *unused)
{
	(void)unused;
	refuse(&(struct denial){SYS_madvise, EINVAL, 2, 0, MADV_GUARD_INSTALL});
	refuse(&(struct denial){SYS_process_madvise, EPERM, ANY, 0, 0});
	both_ways();
	need(info_has("guards            mprotect"));
}

START_TEST(test_guard_install_denied_mprotect_serves)
{
	passes(without_guard_install);
}
END_TEST

static void without_process_madvise(void *unused)
{
	(void)unused;
	refuse(&(struct denial){SYS_process_madvise, EPERM, ANY, 0, 0});
	both_ways();
}

START_TEST(test_process_madvise_denied_guards_come_singly)
{
	passes(without_process_madvise);
}
END_TEST

/* Guards that only mprotect could make, which is denied too once tasks run. */
static int work_unguarded(int argc, char **argv)
{
	(void)argc, (void)argv;
	refuse(&(struct denial){SYS_mprotect, ENOMEM, 2, 0, PROT_NONE});
	work();
	need(info_has("guards            none") || info_has("until the map count was used up"));
	return 0;
}

static void without_guards(void *unused)
{
	(void)unused;
	refuse(&(struct denial){SYS_madvise, EINVAL, 2, 0, MADV_GUARD_INSTALL});
	refuse(&(struct denial){SYS_process_madvise, EPERM, ANY, 0, 0});
	need(!weft_start(work_unguarded, 0, NULL));
}

START_TEST(test_no_guard_to_be_had_tasks_run_without)
{
	if (!SANITIZED)
		passes(without_guards);
}
END_TEST

static void *give_back(void *arg)
{
	return arg;
}

static int fork_in_task(int argc, char **argv)
{
	weft_t self = weft_self(), old;
	int status;
	pid_t pid;

	(void)argc, (void)argv;
	need(!weft_create(&old, NULL, give_back, NULL));
	pid = fork();
	if (!pid) {
		need(weft_self() == self);
		need(weft_join(old, NULL) == ESRCH);
		work();
		return 8;
	}
	need(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 8);
	need(!weft_join(old, NULL));
	return 0;
}

static void without_wipe_on_fork(void *unused)
{
	pid_t pid;
	int status;

	(void)unused;
	refuse(&(struct denial){SYS_madvise, EINVAL, 2, 0, MADV_WIPEONFORK});
	both_ways();
	need(!weft_start(fork_in_task, 0, NULL));
	need(info_has("fork              pthread_atfork"));
	pid = fork();
	if (!pid) {
		work();
		_exit(9);
	}
	need(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 9);
	work();
}

START_TEST(test_wipe_on_fork_denied_atfork_serves)
{
	if (!SANITIZED)
		passes(without_wipe_on_fork);
}
END_TEST

/* --- threads ---------------------------------------------------------------------------- */

/* New threads, not new processes. */
static void refuse_threads(void)
{
	refuse(&(struct denial){SYS_clone3, EAGAIN, ANY, 0, 0});
	refuse(&(struct denial){SYS_clone, EAGAIN, 0, CLONE_THREAD, 0});
}

static void *compute(void *arg)
{
	for (volatile int i = 0; i < 100000; i++)
		;
	return arg;
}

/* There is work for more threads than there are. */
static void compute_at_once(void)
{
	enum { AT_ONCE = 64 };
	weft_t tasks[AT_ONCE];

	for (int i = 0; i < AT_ONCE; i++)
		need(!weft_create(&tasks[i], NULL, compute, NULL));
	for (int i = 0; i < AT_ONCE; i++)
		need(!weft_join(tasks[i], NULL));
}

static int work_on_few_threads(int argc, char **argv)
{
	enum { ROUNDS = 200 };

	(void)argv;
	if (argc) { /* some threads are there */
		weft_procs(4);
		compute_at_once();
	}
	refuse_threads();
	weft_procs(32);
	for (int i = 0; i < ROUNDS && !info_has("threads refused   yes"); i++)
		compute_at_once();
	need(info_has("threads refused   yes"));
	work();
	return 0;
}

static void threads_run_out(void *some)
{
	need(weft_start(work_on_few_threads, some != NULL, NULL) == 0);
}

static void no_further_thread(void *unused)
{
	(void)unused;
	threads_run_out(NULL);
}

static void no_more_threads(void *unused)
{
	threads_run_out(&unused);
}

START_TEST(test_clone_denied_after_boot_what_was_accepted_runs)
{
	passes(no_further_thread);
	passes(no_more_threads);
}
END_TEST

static void no_thread_at_boot(void *unused)
{
	weft_t task;

	refuse_threads();
	need(weft_init() == EAGAIN);
	need(weft_go(free, NULL) == EAGAIN);
	need(weft_create(&task, NULL, give_back, unused) == EAGAIN);
	errno = 0;
	need(weft_procs(3) == -1 && errno == EAGAIN);
	need(!weft_start(all_work, 0, NULL)); /* needs no thread but the caller's */
	need(!weft_shutdown());
	need(weft_init() == EAGAIN);
	need(!weft_start(all_work, 0, NULL));
}

START_TEST(test_clone_denied_at_boot_is_eagain_and_start_needs_none)
{
	passes(no_thread_at_boot);
}
END_TEST

/* --- memory ------------------------------------------------------------------------------- */

/* No more address space than there is now and this. */
static void allow_memory(size_t more)
{
	struct rlimit limit = {mapped_bytes() + more, RLIM_INFINITY};

	need(!setrlimit(RLIMIT_AS, &limit));
}

/* Creates until that fails, then all that were accepted run. */
static int exhaust_tasks(int argc, char **argv)
{
	enum { MOST = 10000000 };
	int error = 0, n = 0;

	(void)argc, (void)argv;
	work();
	weft_procs(1);
	ran = 0;
	allow_memory(8 << 20);
	while (n < MOST && !(error = weft_go(count, NULL)))
		n++;
	need(error == ENOMEM);
	need(n > 1000);
	while (ran < n)
		weft_yield();
	need(!weft_go(count, NULL));
	while (ran < n + 1)
		weft_yield();
	return 0;
}

static void no_memory_for_a_task(void *unused)
{
	(void)unused;
	need(!weft_start(exhaust_tasks, 0, NULL));
}

START_TEST(test_no_memory_for_a_task_is_enomem_and_the_accepted_run)
{
	if (!SANITIZED)
		passes(no_memory_for_a_task);
}
END_TEST

/* A job that was accepted before there was no memory, while the pool was paused. */
static int exhaust_workers(int argc, char **argv)
{
	weft_pool_attr_t attr = {.workers = 1};
	weft_pool_t *pool;
	int n = 0;

	(void)argc, (void)argv;
	work();
	weft_procs(1);
	ran = 0;
	need(!weft_pool_create(&pool, &attr));
	need(!weft_pool_pause(pool));
	need(!weft_pool_submit(pool, count, NULL));
	allow_memory(8 << 20);
	while (!weft_go(count, NULL))
		n++;
	need(weft_pool_resume(pool) == ENOMEM);
	while (ran < n + 1)
		weft_yield();
	need(!weft_pool_destroy(pool, WEFT_DRAIN, NULL));
	return 0;
}

static void no_memory_for_a_worker(void *unused)
{
	(void)unused;
	need(!weft_start(exhaust_workers, 0, NULL));
}

START_TEST(test_no_memory_for_a_worker_the_accepted_jobs_run_later)
{
	if (!SANITIZED)
		passes(no_memory_for_a_worker);
}
END_TEST

/* More tasks that hold a stack while they wait than there is room for stacks. */
static int exhaust_stacks(int argc, char **argv)
{
	enum { MANY = 20000 };
	weft_attr_t attr;
	weft_t task;

	(void)argc;
	weft_procs(1);
	need(!weft_create(&task, NULL, yield_and_count, NULL));
	need(!weft_join(task, NULL));
	ran = 0;
	weft_attr_init(&attr);
	for (int i = 0; i < MANY; i++) {
		weft_attr_setstacksize(&attr, i % 16 == 15 ? 512 << 10 : 256 << 10);
		need(!weft_create(&task, &attr, yield_and_count, NULL));
		need(!weft_detach(task));
	}
	allow_memory(12 << 20);
	weft_procs(argv ? 3 : 1);
	while (ran < MANY)
		weft_yield();
	return 0;
}

static void no_memory_for_a_stack(void *many)
{
	char *argv[] = {NULL};

	need(!weft_start(exhaust_stacks, 0, many ? argv : NULL));
}

static void on_one_p(void *unused)
{
	(void)unused;
	no_memory_for_a_stack(NULL);
}

static void on_many_ps(void *unused)
{
	no_memory_for_a_stack(&unused);
}

START_TEST(test_no_memory_for_a_stack_tasks_wait_for_one)
{
	if (SANITIZED)
		return;
	passes(on_one_p);
	passes(on_many_ps);
}
END_TEST

static void unlimited(void)
{
	const struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

	need(!setrlimit(RLIMIT_AS, &limit));
}

/* From nothing to what a boot takes: an error number or a boot, and then again. */
static void no_memory_to_boot(void *unused)
{
	int failed = 0;

	(void)unused;
	for (size_t more = 0; more < 40 << 20; more += 64 << 10) {
		int error;

		allow_memory(more);
		error = weft_start(all_work, 0, NULL) ? errno : 0;
		unlimited();
		need(!error || error == ENOMEM || error == EAGAIN);
		failed += error != 0;
		if (!error)
			break;
		need(alone());
	}
	need(failed > 0);
	need(!weft_start(all_work, 0, NULL));
	need(!weft_shutdown());
	failed = 0;
	for (size_t more = 0; more < 40 << 20; more += 64 << 10) {
		int error;

		allow_memory(more);
		error = weft_init();
		unlimited();
		need(!error || error == ENOMEM || error == EAGAIN);
		failed += error != 0;
		if (!error)
			break;
		need(alone());
	}
	need(failed > 0);
	all_work(0, NULL);
}

START_TEST(test_no_memory_to_boot_is_an_error_number)
{
	if (!SANITIZED)
		passes(no_memory_to_boot);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("denied");
	TCase *tests = tcase_create("denied");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, PATIENCE);
	tcase_add_test(tests, test_membarrier_denied_full_fences_serve);
	tcase_add_test(tests, test_guard_install_denied_mprotect_serves);
	tcase_add_test(tests, test_process_madvise_denied_guards_come_singly);
	tcase_add_test(tests, test_no_guard_to_be_had_tasks_run_without);
	tcase_add_test(tests, test_wipe_on_fork_denied_atfork_serves);
	tcase_add_test(tests, test_clone_denied_after_boot_what_was_accepted_runs);
	tcase_add_test(tests, test_clone_denied_at_boot_is_eagain_and_start_needs_none);
	tcase_add_test(tests, test_no_memory_for_a_task_is_enomem_and_the_accepted_run);
	tcase_add_test(tests, test_no_memory_for_a_worker_the_accepted_jobs_run_later);
	tcase_add_test(tests, test_no_memory_for_a_stack_tasks_wait_for_one);
	tcase_add_test(tests, test_no_memory_to_boot_is_an_error_number);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
