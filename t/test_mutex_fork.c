/*
 * A mutex that is held over a fork.
 */
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

static weft_mutex_t mutex = WEFT_MUTEX_INITIALIZER;
static _Atomic int reached;

static void *lock_it(void *arg)
{
	ck_assert_int_eq(weft_mutex_lock(arg), 0);
	ck_assert_int_eq(weft_mutex_unlock(arg), 0);
	return NULL;
}

/* In the child: the lock is the caller's still, and those who waited are not there. */
static void in_child(void)
{
	for (int i = 0; i < 3; i++) {
		if (weft_mutex_unlock(&mutex) || weft_mutex_lock(&mutex))
			_exit(1);
	}
	if (weft_mutex_unlock(&mutex) || weft_mutex_unlock(&mutex) != EPERM)
		_exit(2);
	on_thread(lock_it, &mutex);
	if (weft_mutex_destroy(&mutex))
		_exit(3);
	_exit(0);
}

static void fork_holding(void)
{
	int status;
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (!child)
		in_child();
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(weft_mutex_unlock(&mutex), 0);
}

TASK_TEST(test_a_lock_held_over_a_fork_is_the_childs_to_unlock, 2)
{
	weft_t waiter;

	ck_assert_int_eq(weft_mutex_lock(&mutex), 0);
	waiter = create(lock_it, &mutex);
	wait_parked(1);
	fork_holding();
	result_of(waiter);
}

static void *wait_on_thread(void *arg)
{
	reached = 1;
	return lock_it(arg);
}

START_TEST(test_a_threads_lock_held_over_a_fork_is_the_childs_to_unlock)
{
	struct timespec a_while = {0, 100000000};
	pthread_t thread;

	ck_assert_int_eq(weft_mutex_lock(&mutex), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, wait_on_thread, &mutex), 0);
	wait_for(&reached, 1);
	nanosleep(&a_while, NULL); /* by now it waits, most likely */
	fork_holding();
	pthread_join(thread, NULL);
}
END_TEST

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("mutex_fork");

	if (!SANITIZED) {
		tcase_add_test(tests, test_a_lock_held_over_a_fork_is_the_childs_to_unlock);
		tcase_add_test(tests, test_a_threads_lock_held_over_a_fork_is_the_childs_to_unlock);
	}
	return tests;
}
