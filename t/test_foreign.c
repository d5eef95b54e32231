/*
 * Threads that Weft did not start: they wait in the kernel where tasks park, and
 * have a handle, errno, clean-up and an end of their own.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weft.h>

#include "suite.h"

static _Atomic int gate, ended;
static _Atomic weft_t handle;

/* --- handles ------------------------------------------------------------------ */

static void *who_am_i(void *arg)
{
	weft_t self = weft_self();

	(void)arg;
	ck_assert_uint_ne(self, 0);
	ck_assert(weft_equal(self, weft_self()));
	ck_assert_uint_ne(weft_id(self), 0);
	return (void *)self;
}

START_TEST(test_each_thread_has_a_handle_of_its_own)
{
	weft_t self, task;

	ck_assert_int_eq(weft_init(), 0);
	self = (weft_t)who_am_i(NULL);
	task = create(who_am_i, NULL);
	ck_assert(!weft_equal((weft_t)on_thread(who_am_i, NULL), self));
	ck_assert_uint_ne(weft_id(task), weft_id(self));
	ck_assert_ptr_eq(result_of(task), (void *)task);
	ck_assert(weft_equal((weft_t)who_am_i(NULL), self));
}
END_TEST

START_TEST(test_a_handle_stays_its_threads_when_the_runtime_boots)
{
	weft_t before = (weft_t)who_am_i(NULL);
	uint64_t id = weft_id(before);

	ck_assert_int_eq(weft_init(), 0);
	ck_assert(weft_equal((weft_t)who_am_i(NULL), before));
	ck_assert_uint_eq(weft_id(before), id);
}
END_TEST

static void *refused(void *thread)
{
	weft_t other = thread ? (weft_t)thread : weft_self();

	ck_assert_int_eq(weft_join(other, NULL), EINVAL);
	ck_assert_int_eq(weft_tryjoin(other, NULL), EINVAL);
	ck_assert_int_eq(weft_detach(other), EINVAL);
	ck_assert_int_eq(weft_cancel(other), EINVAL);
	return NULL;
}

START_TEST(test_a_threads_handle_is_einval_to_join_detach_and_cancel)
{
	ck_assert_int_eq(weft_init(), 0);
	refused(NULL);
	on_thread(refused, (void *)weft_self());
	result_of(create(refused, (void *)weft_self()));
	refused((void *)weft_self());
}
END_TEST

START_TEST(test_a_handle_ends_with_its_thread)
{
	ck_assert_int_eq(weft_init(), 0);
	for (int i = 0; i < 20; i++) {
		weft_t gone = (weft_t)on_thread(who_am_i, NULL);

		ck_assert_uint_eq(weft_id(gone), 0);
		ck_assert_int_eq(weft_join(gone, NULL), ESRCH);
		ck_assert_int_eq(weft_cancel(gone), ESRCH);
	}
}
END_TEST

START_TEST(test_a_thread_has_a_name)
{
	char name[WEFT_NAME_MAX + 1];

	ck_assert_int_eq(weft_init(), 0);
	ck_assert_int_eq(weft_setname(weft_self(), "a thread"), 0);
	ck_assert_int_eq(weft_getname(weft_self(), name, sizeof name), 0);
	ck_assert_str_eq(name, "a thread");
}
END_TEST

/* --- joining ------------------------------------------------------------------ */

static void *end_late(void *arg)
{
	for (int i = 0; i < 1000; i++)
		weft_yield();
	ended = 1;
	return arg;
}

START_TEST(test_a_threads_join_lasts_until_the_tasks_end)
{
	weft_t task = create(end_late, &gate);

	ck_assert_ptr_eq(result_of(task), &gate);
	ck_assert_int_eq(ended, 1);
	ck_assert_int_eq(weft_join(task, NULL), ESRCH);
	ck_assert_int_eq(weft_join(0, NULL), ESRCH);
}
END_TEST

START_TEST(test_a_thread_may_try_to_join_and_detach)
{
	weft_t task = create(wait_and_give_back, &gate), other;
	void *value = NULL;
	int error;

	ck_assert_int_eq(weft_tryjoin(task, NULL), EBUSY);
	other = create(wait_and_give_back, &gate);
	ck_assert_int_eq(weft_detach(other), 0);
	ck_assert_int_eq(weft_detach(other), EINVAL);
	ck_assert_int_eq(weft_join(other, NULL), EINVAL);
	gate = 1;
	while ((error = weft_tryjoin(task, &value)) == EBUSY)
		weft_yield();
	ck_assert_int_eq(error, 0);
	ck_assert_ptr_eq(value, &gate);
}
END_TEST

static void *join_handle(void *unused)
{
	int error = weft_join(handle, NULL);

	(void)unused;
	ck_assert(error == 0 || error == EINVAL || error == ESRCH);
	return (void *)(intptr_t)(error == 0);
}

START_TEST(test_of_threads_and_tasks_that_join_one_task_one_gets_it)
{
	for (int i = 0; i < 100; i++) {
		pthread_t thread;
		weft_t joiner;
		void *first;
		intptr_t got;

		gate = i & 1;
		handle = create(wait_and_give_back, &gate);
		joiner = create(join_handle, NULL);
		ck_assert_int_eq(pthread_create(&thread, NULL, join_handle, NULL), 0);
		gate = 1;
		got = (intptr_t)join_handle(NULL);
		pthread_join(thread, &first);
		got += (intptr_t)first + (intptr_t)result_of(joiner);
		ck_assert_int_eq(got, 1);
	}
}
END_TEST

static void *create_and_join(void *arg)
{
	enum { ROUNDS = 200, AT_ONCE = 4 };
	char values[AT_ONCE];
	intptr_t wrong = 0;

	for (int i = 0; i < ROUNDS; i++) {
		weft_t tasks[AT_ONCE];
		void *value;

		for (int k = 0; k < AT_ONCE; k++)
			wrong += weft_create(&tasks[k], NULL, give_back, &values[k]) != 0;
		for (int k = 0; k < AT_ONCE; k++)
			wrong += weft_join(tasks[k], &value) != 0 || value != &values[k];
	}
	(void)arg;
	return (void *)wrong;
}

START_TEST(test_threads_and_tasks_create_and_join_at_once)
{
	pthread_t threads[3];
	weft_t tasks[3];
	void *wrong;

	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(pthread_create(&threads[i], NULL, create_and_join, NULL), 0);
		tasks[i] = create(create_and_join, NULL);
	}
	for (int i = 0; i < 3; i++) {
		ck_assert_ptr_null(result_of(tasks[i]));
		ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
		ck_assert_ptr_null(wrong);
	}
}
END_TEST

static void *join_given(void *task)
{
	weft_join((weft_t)task, NULL);
	return NULL;
}

START_TEST(test_a_thread_cancels_a_task_that_waits)
{
	weft_t target = create(wait_and_give_back, &gate);
	weft_t task = create(join_given, (void *)target);

	wait_parked(1);
	ck_assert_int_eq(weft_cancel(task), 0);
	ck_assert_ptr_eq(result_of(task), WEFT_CANCELED);
	gate = 1;
	ck_assert_ptr_eq(result_of(target), &gate);
	ck_assert_int_eq(weft_cancel(target), ESRCH);
}
END_TEST

static void *join_and_tell(void *task)
{
	gate = 1;
	ck_assert_ptr_eq(result_of((weft_t)task), &ended);
	return task;
}

START_TEST(test_a_task_joins_a_task_that_a_thread_made)
{
	weft_t task = create(end_late, &ended), joiner = create(join_and_tell, (void *)task);

	wait_for(&gate, 1);
	ck_assert_ptr_eq(result_of(joiner), (void *)task);
}
END_TEST

/* --- what is the thread's own ------------------------------------------------- */

static void *soil_errno(void *arg)
{
	for (int i = 0; i < 100; i++) {
		errno = ERANGE;
		weft_yield();
	}
	return arg;
}

START_TEST(test_a_threads_errno_is_the_plain_one_and_survives)
{
	for (int i = 0; i < 50; i++) {
		errno = EDOM;
		result_of(create(soil_errno, NULL));
		ck_assert_int_eq(errno, EDOM);
		ck_assert_ptr_eq(weft_errno_location(), __errno_location());
	}
}
END_TEST

START_TEST(test_a_thread_has_cancel_states_and_testcancel_returns)
{
	int old = -1;

	ck_assert_int_eq(weft_setcancelstate(WEFT_CANCEL_MASKED, &old), 0);
	ck_assert_int_eq(old, WEFT_CANCEL_ENABLE);
	weft_testcancel();
	ck_assert_int_eq(weft_setcancelstate(77, NULL), EINVAL);
	ck_assert_int_eq(weft_setcancelstate(WEFT_CANCEL_ENABLE, &old), 0);
	ck_assert_int_eq(old, WEFT_CANCEL_MASKED);
	ck_assert_int_eq(weft_setcanceltype(77, NULL), EINVAL);
	ck_assert_int_eq(weft_setcanceltype(WEFT_CANCEL_DEFERRED, &old), 0);
	ck_assert_int_eq(old, WEFT_CANCEL_DEFERRED);
	ck_assert_int_eq(weft_yield(), 0);
}
END_TEST

static char ran[8];

static void note(void *letter)
{
	ran[strlen(ran)] = (char)(intptr_t)letter;
}

static void *exit_nested(void *value)
{
	weft_cleanup_push(note, as_arg('c'));
	weft_cleanup_push(note, as_arg('b'));
	weft_cleanup_push(note, as_arg('a'));
	weft_cleanup_pop(1);
	weft_exit(value);
	weft_cleanup_pop(0);
	weft_cleanup_pop(0);
	return NULL;
}

static void *end_locked(void *unused)
{
	(void)unused;
	ck_assert_int_eq(weft_lock_thread(), 0);
	return (void *)(intptr_t)gettid();
}

static bool thread_exists(int thread)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/task/%d", thread);
	return !access(path, F_OK);
}

/* Nobody called weft_start: m0's thread is like any other. */
START_TEST(test_a_task_that_ends_locked_ends_its_thread_be_it_m0s)
{
	for (int i = 0; i < 5; i++) {
		int thread = (int)(intptr_t)result_of(create(end_locked, NULL));

		for (int tries = 0; thread_exists(thread); tries++) {
			ck_assert_int_lt(tries, 10000);
			usleep(1000);
		}
	}
	ck_assert_int_eq(weft_shutdown(), 0);
	result_of(create(give_back, NULL));
}
END_TEST

static void *lock_twice(void *unused)
{
	ck_assert_int_eq(weft_unlock_thread(), EPERM);
	ck_assert_int_eq(weft_lock_thread(), 0);
	ck_assert_int_eq(weft_lock_thread(), 0);
	ck_assert_int_eq(weft_unlock_thread(), 0);
	ck_assert_int_eq(weft_unlock_thread(), 0);
	ck_assert_int_eq(weft_unlock_thread(), EPERM);
	return unused;
}

START_TEST(test_lock_thread_nests_on_a_thread_too)
{
	on_thread(lock_twice, NULL);
}
END_TEST

START_TEST(test_exit_of_a_thread_runs_its_handlers_and_gives_its_value)
{
	ck_assert_ptr_eq(on_thread(exit_nested, &gate), &gate);
	ck_assert_str_eq(ran, "abc");
}
END_TEST

static void nothing(void)
{
}

START_TEST(test_who_called_start_is_a_foreign_thread_afterwards)
{
	as_task(2, nothing);
	refused(NULL);
	ck_assert_ptr_null(create_and_join(NULL));
	ck_assert_ptr_eq(result_of(create(end_late, &gate)), &gate);
}
END_TEST

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("foreign");

	tcase_add_test(tests, test_each_thread_has_a_handle_of_its_own);
	tcase_add_test(tests, test_a_handle_stays_its_threads_when_the_runtime_boots);
	tcase_add_test(tests, test_a_threads_handle_is_einval_to_join_detach_and_cancel);
	tcase_add_test(tests, test_a_handle_ends_with_its_thread);
	tcase_add_test(tests, test_a_thread_has_a_name);
	tcase_add_test(tests, test_a_threads_join_lasts_until_the_tasks_end);
	tcase_add_test(tests, test_a_thread_may_try_to_join_and_detach);
	tcase_add_test(tests, test_of_threads_and_tasks_that_join_one_task_one_gets_it);
	tcase_add_test(tests, test_threads_and_tasks_create_and_join_at_once);
	tcase_add_test(tests, test_a_thread_cancels_a_task_that_waits);
	tcase_add_test(tests, test_a_task_joins_a_task_that_a_thread_made);
	tcase_add_test(tests, test_a_threads_errno_is_the_plain_one_and_survives);
	tcase_add_test(tests, test_a_thread_has_cancel_states_and_testcancel_returns);
	tcase_add_test(tests, test_lock_thread_nests_on_a_thread_too);
	tcase_add_test(tests, test_a_task_that_ends_locked_ends_its_thread_be_it_m0s);
	tcase_add_test(tests, test_exit_of_a_thread_runs_its_handlers_and_gives_its_value);
	tcase_add_test(tests, test_who_called_start_is_a_foreign_thread_afterwards);
	return tests;
}
