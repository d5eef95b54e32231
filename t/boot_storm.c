/*
 * The ways in and out of the runtime in the middle of other things: handlers of signals
 * that post semaphores, other threads' calls, the end of other threads.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include <weft.h>

#include "boot.h"
#include "child.h"
#include "soak.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static weft_sem_t sem;
static _Atomic int handled, taken, ended, stop;

static int zero_main(int argc, char **argv)
{
	(void)argc, (void)argv;
	return 0;
}

static void post_in_handler(int sig)
{
	int before = errno;

	(void)sig;
	handled++;
	weft_sem_post(&sem);
	errno = before;
}

static void handle(int sig)
{
	struct sigaction action = {.sa_handler = post_in_handler, .sa_flags = SA_RESTART};

	ck_assert_int_eq(sigaction(sig, &action, NULL), 0);
	ck_assert_int_eq(weft_sem_init(&sem, 0, 0), 0);
}

/* A handler runs on the calling thread again and again, wherever that is just then. */
static timer_t begin_storm(long ns)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};
	struct itimerspec often = {{0, ns}, {0, ns}};
	timer_t timer;

	handle(SIGALRM);
	event.sigev_notify_thread_id = gettid();
	ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	ck_assert_int_eq(timer_settime(timer, 0, &often, NULL), 0);
	return timer;
}

/* It parks, but for a post: a handler that wakes it wants the scheduler's lock. */
static void take_posts(void *unused)
{
	(void)unused;
	while (!weft_sem_wait(&sem) && !stop)
		taken++;
	ended++;
}

enum { TAKERS = 3 };

static int make_takers(int argc, char **argv)
{
	for (int i = 0; i < TAKERS; i++)
		ck_assert_int_eq(weft_go(take_posts, NULL), 0);
	return zero_main(argc, argv);
}

static void stop_and_shut_down(void)
{
	stop = 1;
	while (ended < TAKERS)
		sched_yield();
	while (weft_shutdown() == EBUSY)
		sched_yield();
}

static void start_and_start_again(void)
{
	stop = ended = 0;
	ck_assert_int_eq(weft_start(make_takers, 0, NULL), 0);
	for (int i = 0; i < 50; i++) {
		ck_assert_int_eq(weft_start(zero_main, 0, NULL), 0);
		ck_assert_int_eq(weft_shutdown(), EBUSY);
	}
	stop_and_shut_down();
}

START_TEST(test_handlers_may_post_while_their_thread_starts_and_shuts_down)
{
	timer_t storm = begin_storm(20000);

	for (unsigned i = 0; i < rounds(30); i++)
		start_and_start_again();
	timer_delete(storm);
	ck_assert_int_gt(handled, 100);
	ck_assert_int_gt(taken, 0);
}
END_TEST

/* The same with a thread of Weft's for m0. */
START_TEST(test_handlers_may_post_while_their_thread_boots_lazily)
{
	timer_t storm = begin_storm(20000);

	for (unsigned i = 0; i < rounds(50); i++) {
		stop = ended = 0;
		for (int k = 0; k < TAKERS; k++)
			ck_assert_int_eq(weft_go(take_posts, NULL), 0);
		while (!taken)
			ck_assert_int_eq(weft_shutdown(), EBUSY);
		stop_and_shut_down();
		taken = 0;
	}
	timer_delete(storm);
}
END_TEST

static int wait_for_post(int argc, char **argv)
{
	(void)argc, (void)argv;
	return weft_sem_wait(&sem);
}

static void *signal_after_a_while(void *thread)
{
	struct timespec a_while = {0, 20000000};

	nanosleep(&a_while, NULL);
	ck_assert_int_eq(pthread_kill(*(pthread_t *)thread, SIGUSR1), 0);
	return NULL;
}

/* The caller of weft_start waits in the kernel, for a task that waits for its handler. */
START_TEST(test_a_handler_on_a_thread_that_waits_in_start_wakes_a_task)
{
	pthread_t self = pthread_self(), thread;

	handle(SIGUSR1);
	ck_assert_int_eq(weft_init(), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, signal_after_a_while, &self), 0);
	ck_assert_int_eq(weft_start(wait_for_post, 0, NULL), 0);
	pthread_join(thread, NULL);
	while (weft_shutdown() == EBUSY)
		sched_yield();
}
END_TEST

/* --- one thread shuts down, others go on -------------------------------------------------- */

static void *give_back(void *arg)
{
	return arg;
}

/* Handles may go with the runtime between any two calls. */
static void use_handles(void)
{
	weft_t task, self = weft_self();
	char name[32];
	void *value = NULL;
	int error;

	weft_id(self);
	weft_getname(self, name, sizeof name);
	ck_assert_int_eq(weft_create(&task, NULL, give_back, &sem), 0);
	error = weft_setname(task, "task");
	ck_assert(error == 0 || error == ESRCH);
	weft_id(task);
	error = weft_tryjoin(task, &value);
	ck_assert(error == 0 || error == ESRCH || error == EBUSY);
	if (error == EBUSY)
		error = weft_join(task, &value);
	ck_assert(error == ESRCH || (error == 0 && value == &sem));
}

static void pause_briefly(void)
{
	nanosleep(&(struct timespec){0, 50000}, NULL);
}

static void *call_again_and_again(void *unused)
{
	while (!stop) {
		use_handles();
		pause_briefly(); /* for the other to find nobody inside */
	}
	return unused;
}

static void *call_once(void *unused)
{
	use_handles();
	return unused;
}

static void *come_and_go(void *unused)
{
	while (!stop) {
		on_thread(call_once, NULL);
		pause_briefly();
	}
	return unused;
}

START_TEST(test_threads_that_call_and_end_while_another_shuts_down_are_safe)
{
	pthread_t threads[2];
	int down = 0;

	ck_assert_int_eq(pthread_create(&threads[0], NULL, call_again_and_again, NULL), 0);
	ck_assert_int_eq(pthread_create(&threads[1], NULL, come_and_go, NULL), 0);
	for (unsigned i = 0; i < scaled(rounds(2000)) || down < 10; i++) {
		int error = weft_shutdown();

		ck_assert(error == 0 || error == EBUSY);
		down += !error;
		if (i % 4 == 0)
			pause_briefly();
	}
	stop = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	while (weft_shutdown() == EBUSY)
		sched_yield();
}
END_TEST

static pthread_key_t key;

/* At the end of a thread of Weft's: it is none by then. */
static void use_weft(void *unused)
{
	(void)unused;
	weft_id(weft_self());
	weft_sem_post(&sem);
	ended++;
}

static void set_value(void *unused)
{
	(void)unused;
	ck_assert_int_eq(pthread_setspecific(key, &key), 0);
}

START_TEST(test_destructors_of_wefts_threads_may_call_while_it_shuts_down)
{
	ck_assert_int_eq(weft_sem_init(&sem, 0, 0), 0);
	ck_assert_int_eq(pthread_key_create(&key, use_weft), 0);
	for (unsigned i = 0; i < rounds(20); i++) {
		ck_assert_int_eq(weft_go(set_value, NULL), 0);
		while (weft_shutdown() == EBUSY)
			sched_yield();
	}
	ck_assert_int_ge(ended, (int)rounds(20));
}
END_TEST

static void *start_main(void *unused)
{
	while (!stop)
		ck_assert_int_eq(weft_start(zero_main, 0, NULL), 0);
	return unused;
}

START_TEST(test_mains_that_wait_for_their_turn_survive_a_shutdown)
{
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, start_main, NULL), 0);
	for (unsigned i = 0; i < scaled(rounds(2000)); i++) {
		int error = i % 3 ? weft_shutdown() : weft_init();

		ck_assert(error == 0 || error == EBUSY);
		sched_yield();
	}
	stop = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}
END_TEST

TCase *boot_storm_tests(void)
{
	TCase *tests = tcase_create("storm");

	tcase_set_timeout(tests, PATIENCE);
	tcase_add_test(tests, test_threads_that_call_and_end_while_another_shuts_down_are_safe);
	tcase_add_test(tests, test_destructors_of_wefts_threads_may_call_while_it_shuts_down);
	tcase_add_test(tests, test_mains_that_wait_for_their_turn_survive_a_shutdown);
	if (SANITIZED) /* those hold signals back until it suits them */
		return tests;
	tcase_add_test(tests, test_handlers_may_post_while_their_thread_starts_and_shuts_down);
	tcase_add_test(tests, test_handlers_may_post_while_their_thread_boots_lazily);
	tcase_add_test(tests, test_a_handler_on_a_thread_that_waits_in_start_wakes_a_task);
	return tests;
}
