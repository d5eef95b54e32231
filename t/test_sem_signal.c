/*
 * Semaphores posted in handlers of signals.
 */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

static weft_sem_t sem;
static _Atomic int taken;

static _Atomic int posts, stop;
static _Atomic pid_t storming;

static void post_in_handler(int sig)
{
	int before = errno;

	(void)sig;
	if (stop < 2) {
		posts++;
		if (weft_sem_post(&sem))
			abort();
	}
	errno = before;
}

static void handle(void)
{
	struct sigaction action = {.sa_handler = post_in_handler, .sa_flags = SA_RESTART};

	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
	ck_assert_int_eq(weft_sem_init(&sem, 0, 0), 0);
}

/* A signal to a thread that sleeps in the kernel on behalf of whoever waits. */
static void *signal_after_a_while(void *arg)
{
	struct timespec a_while = {0, 50000000};

	nanosleep(&a_while, NULL);
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}

static void wait_for_own_handler(void)
{
	pthread_t self = pthread_self(), thread;

	handle();
	ck_assert_int_eq(pthread_create(&thread, NULL, signal_after_a_while, &self), 0);
	ck_assert_int_eq(weft_sem_wait(&sem), 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(weft_sem_trywait(&sem), -1);
	ck_assert_int_eq(weft_sem_destroy(&sem), 0);
}

START_TEST(test_a_handler_on_the_thread_that_waits_ends_its_wait)
{
	wait_for_own_handler();
}
END_TEST

TASK_TEST(test_a_handler_on_an_idle_ms_thread_wakes_its_task, 1)
{
	wait_for_own_handler();
}

TASK_TEST(test_a_handler_on_a_locked_tasks_thread_wakes_it, 1)
{
	ck_assert_int_eq(weft_lock_thread(), 0);
	wait_for_own_handler();
	ck_assert_int_eq(weft_unlock_thread(), 0);
}

/* Signals to all threads of the process but this one, as fast as they are taken. */
static void *storm(void *arg)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	storming = gettid();
	while (!stop) {
		DIR *dir = opendir("/proc/self/task");
		struct dirent *entry;

		ck_assert_ptr_nonnull(dir);
		while ((entry = readdir(dir))) {
			pid_t tid = atoi(entry->d_name);

			if (tid > 0 && tid != storming)
				syscall(SYS_tgkill, getpid(), tid, SIGUSR1);
		}
		closedir(dir);
	}
	return arg;
}

static weft_mutex_t mutex = WEFT_MUTEX_INITIALIZER;

static void *take_until_told(void *arg)
{
	while (!weft_sem_wait(&sem) && stop < 2)
		taken++;
	return arg;
}

static void *keep_busy(void *arg)
{
	weft_stats_t stats;

	while (!stop) {
		ck_assert_int_eq(weft_mutex_lock(&mutex), 0);
		weft_yield();
		ck_assert_int_eq(weft_mutex_unlock(&mutex), 0);
		result_of(create(give_back, NULL));
		ck_assert_int_eq(weft_stats(&stats, sizeof stats), 0);
	}
	return arg;
}

static void weather_a_storm(void)
{
	enum { TASKS = 4, BUSY = 3 };
	struct timespec a_while = {soaking() ? 10 : 1, 0};
	pthread_t stormer, thread[2];
	weft_t task[TASKS + BUSY];

	handle();
	ck_assert_int_eq(pthread_create(&stormer, NULL, storm, NULL), 0);
	ck_assert_int_eq(pthread_create(&thread[0], NULL, take_until_told, NULL), 0);
	ck_assert_int_eq(pthread_create(&thread[1], NULL, keep_busy, NULL), 0);
	for (int i = 0; i < TASKS + BUSY; i++)
		task[i] = create(i < TASKS ? take_until_told : keep_busy, NULL);
	for (struct timespec end = time_of(CLOCK_MONOTONIC, a_while.tv_sec * 1000), now; !stop;) {
		now = time_of(CLOCK_MONOTONIC, 0);
		if (now.tv_sec > end.tv_sec ||
		    (now.tv_sec == end.tv_sec && now.tv_nsec > end.tv_nsec))
			stop = 1;
		weft_yield();
	}
	pthread_join(stormer, NULL);
	nanosleep(&a_while, NULL); /* the last signals come */
	while (taken < posts)      /* or it hangs */
		weft_yield();
	for (int i = TASKS; i < TASKS + BUSY; i++)
		result_of(task[i]);
	pthread_join(thread[1], NULL);
	ck_assert_int_eq(taken, posts);
	ck_assert_int_gt(posts, 100);
	stop = 2;
	for (int i = 0; i <= TASKS; i++)
		ck_assert_int_eq(weft_sem_post(&sem), 0);
	for (int i = 0; i < TASKS; i++)
		result_of(task[i]);
	pthread_join(thread[0], NULL);
	ck_assert_int_eq(weft_sem_destroy(&sem), 0);
}

TASK_TEST(test_no_post_in_a_storm_of_signals_is_lost_on_one_p, 1)
{
	weather_a_storm();
}

TASK_TEST(test_no_post_in_a_storm_of_signals_is_lost_on_several_ps, 4)
{
	weather_a_storm();
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("sem_signal");

	if (!SANITIZED) { /* they hold signals back until it suits them */
		tcase_add_test(tests, test_a_handler_on_the_thread_that_waits_ends_its_wait);
		tcase_add_test(tests, test_a_handler_on_an_idle_ms_thread_wakes_its_task);
		tcase_add_test(tests, test_a_handler_on_a_locked_tasks_thread_wakes_it);
		tcase_add_test(tests, test_no_post_in_a_storm_of_signals_is_lost_on_one_p);
		tcase_add_test(tests, test_no_post_in_a_storm_of_signals_is_lost_on_several_ps);
	}
	return tests;
}
