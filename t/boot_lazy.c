/*
 * Booting by a foreign thread's first call, and going down again.
 */
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weft.h>

#include "boot.h"
#include "child.h"

static _Atomic int ran;

static void count(void *unused)
{
	(void)unused;
	ran++;
}

START_TEST(test_go_from_a_plain_thread_boots)
{
	ck_assert_int_eq(weft_go(count, NULL), 0);
	while (!ran)
		sched_yield();
	ck_assert_uint_ge(thread_count(), 2);
}
END_TEST

static void *give_back(void *arg)
{
	return arg;
}

START_TEST(test_create_and_join_from_a_plain_thread)
{
	weft_t task;
	void *value;

	ck_assert_int_eq(weft_create(&task, NULL, give_back, &task), 0);
	ck_assert_int_eq(weft_join(task, &value), 0);
	ck_assert_ptr_eq(value, &task);
	ck_assert_int_eq(weft_join(task, NULL), ESRCH);
	ck_assert(tasks_work());
}
END_TEST

START_TEST(test_init_boots_once)
{
	ck_assert_int_eq(weft_init(), 0);
	ck_assert_int_eq(weft_init(), 0);
	ck_assert(info_has("booted by         a first call"));
	ck_assert(tasks_work());
}
END_TEST

/* Neither settings nor what is the caller's own needs tasks. */
START_TEST(test_calls_that_need_no_task_do_not_boot)
{
	weft_config_t config = {.procs = 2};
	weft_attr_t attr;
	weft_stats_t stats;

	ck_assert_str_eq(weft_version(), WEFT_VERSION);
	ck_assert_int_eq(weft_configure(&config), 0);
	ck_assert_int_eq(weft_attr_init(&attr), 0);
	ck_assert_int_eq(weft_stats(&stats, sizeof stats), 0);
	ck_assert_uint_eq(stats.procs + stats.threads + stats.tasks, 0);
	errno = EDOM;
	ck_assert_int_eq(errno, EDOM);
	ck_assert_int_eq(weft_yield(), 0);
	ck_assert_int_eq(weft_shutdown(), 0);
	ck_assert(alone());
}
END_TEST

static void *boot_and_work(void *unused)
{
	return weft_init() || !tasks_work() ? &ran : unused;
}

START_TEST(test_threads_that_boot_at_once_boot_once)
{
	enum { THREADS = 8 };
	pthread_t threads[THREADS];
	void *failed;

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, boot_and_work, NULL), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &failed);
		ck_assert_ptr_null(failed);
	}
	ck_assert_int_eq(weft_shutdown(), 0);
	ck_assert(alone());
}
END_TEST

/* --- down ------------------------------------------------------------------------------ */

START_TEST(test_shutdown_of_what_is_down_is_0)
{
	ck_assert_int_eq(weft_shutdown(), 0);
	ck_assert_int_eq(weft_init(), 0);
	ck_assert_int_eq(weft_shutdown(), 0);
	ck_assert_int_eq(weft_shutdown(), 0);
}
END_TEST

static void *shutdown_within(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)weft_shutdown();
}

START_TEST(test_shutdown_from_a_task_is_edeadlk)
{
	weft_t task;
	void *error;

	ck_assert_int_eq(weft_create(&task, NULL, shutdown_within, NULL), 0);
	ck_assert_int_eq(weft_join(task, &error), 0);
	ck_assert_int_eq((int)(intptr_t)error, EDEADLK);
	ck_assert_int_eq(weft_shutdown(), 0);
}
END_TEST

static void *until_told(void *told)
{
	while (!*(_Atomic bool *)told)
		weft_yield();
	return NULL;
}

static void *join_it(void *task)
{
	return (void *)(intptr_t)weft_join(*(weft_t *)task, NULL);
}

/* One runs, one is parked. */
START_TEST(test_shutdown_while_a_task_lives_is_ebusy)
{
	_Atomic bool told = false;
	weft_t running, parked;

	ck_assert_int_eq(weft_create(&running, NULL, until_told, (void *)&told), 0);
	ck_assert_int_eq(weft_create(&parked, NULL, join_it, &running), 0);
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(weft_shutdown(), EBUSY);
		sched_yield();
	}
	told = true;
	ck_assert_int_eq(weft_join(parked, NULL), 0);
	ck_assert_int_eq(weft_shutdown(), 0);
	ck_assert(alone());
	ck_assert_int_eq(weft_join(running, NULL), ESRCH);
}
END_TEST

static int spin_a_little(int argc, char **argv)
{
	(void)argc, (void)argv;
	return tasks_work();
}

START_TEST(test_shutdown_after_start_and_start_after_shutdown)
{
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(weft_start(spin_a_little, 0, NULL), 1);
		ck_assert_int_eq(weft_shutdown(), 0);
		ck_assert(alone());
	}
}
END_TEST

static weft_t of_before;

START_TEST(test_handles_and_ids_of_before_a_shutdown_are_not_used_again)
{
	weft_t task;
	uint64_t id;

	ck_assert_int_eq(weft_create(&of_before, NULL, give_back, NULL), 0);
	id = weft_id(of_before);
	ck_assert_int_eq(weft_join(of_before, NULL), 0);
	ck_assert_int_eq(weft_shutdown(), 0);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(weft_create(&task, NULL, give_back, NULL), 0);
		ck_assert_uint_ne(weft_id(task), id);
		ck_assert_uint_ne(task, of_before);
		ck_assert_int_eq(weft_join(task, NULL), 0);
	}
	ck_assert_int_eq(weft_join(of_before, NULL), ESRCH);
}
END_TEST

static void up_and_down(void)
{
	ck_assert_int_eq(weft_init(), 0);
	ck_assert(tasks_work());
	weft_procs(3);
	ck_assert(tasks_work());
	ck_assert_int_eq(weft_shutdown(), 0);
	ck_assert(alone());
}

START_TEST(test_a_hundred_boots_leave_no_thread_and_no_memory)
{
	enum { SLACK = 4 << 20 }; /* what jemalloc may keep, once */
	size_t before;

	mallopt(M_ARENA_MAX, 1); /* those of libc stay */
	for (int i = 0; i < 20; i++)
		up_and_down();
	before = mapped_bytes();
	for (int i = 0; i < 100; i++)
		up_and_down();
	if (!SANITIZED) /* those keep what they like */
		ck_assert_uint_le(mapped_bytes(), before + SLACK);
}
END_TEST

static void *work_and_leave(void *unused)
{
	(void)unused;
	weft_self();
	return tasks_work() ? NULL : &ran;
}

START_TEST(test_threads_that_come_and_go_leave_nothing)
{
	weft_config_t config = {.procs = 1}; /* one cache of stacks */
	size_t before;

	mallopt(M_ARENA_MAX, 1);
	ck_assert_int_eq(weft_configure(&config), 0);
	for (int i = 0; i < 20; i++)
		ck_assert_ptr_null(on_thread(work_and_leave, NULL));
	before = mapped_bytes();
	for (int i = 0; i < 100; i++)
		ck_assert_ptr_null(on_thread(work_and_leave, NULL));
	if (!SANITIZED)
		ck_assert_uint_le(mapped_bytes(), before + (1 << 20));
	ck_assert_int_eq(weft_shutdown(), 0);
}
END_TEST

TCase *boot_lazy_tests(void)
{
	TCase *tests = tcase_create("lazy");

	tcase_set_timeout(tests, PATIENCE);
	tcase_add_test(tests, test_go_from_a_plain_thread_boots);
	tcase_add_test(tests, test_create_and_join_from_a_plain_thread);
	tcase_add_test(tests, test_init_boots_once);
	tcase_add_test(tests, test_calls_that_need_no_task_do_not_boot);
	tcase_add_test(tests, test_threads_that_boot_at_once_boot_once);
	tcase_add_test(tests, test_shutdown_of_what_is_down_is_0);
	tcase_add_test(tests, test_shutdown_from_a_task_is_edeadlk);
	tcase_add_test(tests, test_shutdown_while_a_task_lives_is_ebusy);
	tcase_add_test(tests, test_shutdown_after_start_and_start_after_shutdown);
	tcase_add_test(tests, test_handles_and_ids_of_before_a_shutdown_are_not_used_again);
	tcase_add_test(tests, test_a_hundred_boots_leave_no_thread_and_no_memory);
	tcase_add_test(tests, test_threads_that_come_and_go_leave_nothing);
	return tests;
}
