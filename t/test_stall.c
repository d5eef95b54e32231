/*
 * What blocks in the kernel or computes does not stall the pool: on one P, 64 tasks
 * block at once, having said so or not, and everything ends in the time of one while
 * another task goes on counting.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

enum {
	BLOCKERS = 64,
	AT_ONCE = 20, /* times one's time is still not one after the other */
	GAP_MS = 50,
	RUNS = 5,
};

static _Atomic int ended;
static int saying; /* the blockers say that they block */

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * (int64_t)1000000000 + t.tv_nsec;
}

/* How long one blocks. */
static long unit_ms(void)
{
	return soaking() ? 1000 : 200;
}

static void pause_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	ck_assert_int_eq(nanosleep(&t, NULL), 0); /* no EINTR either */
}

/* --- ways to block ------------------------------------------------------------------- */

static void *do_sleep(void *unused)
{
	pause_ms(unit_ms());
	return unused;
}

static int empty[2];

static void *fill_pipe(void *unused)
{
	char bytes[BLOCKERS] = "";

	pause_ms(unit_ms());
	ck_assert_int_eq(write(empty[1], bytes, sizeof bytes), sizeof bytes);
	return unused;
}

static void *do_read(void *unused)
{
	char byte;

	ck_assert_int_eq(read(empty[0], &byte, 1), 1);
	return unused;
}

static pthread_mutex_t libc_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t held;

static void *hold_mutex(void *unused)
{
	pthread_mutex_lock(&libc_mutex);
	pthread_barrier_wait(&held);
	pause_ms(unit_ms());
	pthread_mutex_unlock(&libc_mutex);
	return unused;
}

static void *do_mutex(void *unused)
{
	pthread_mutex_lock(&libc_mutex);
	pthread_mutex_unlock(&libc_mutex);
	return unused;
}

static char locked_file[] = "/tmp/weft-stall-XXXXXX";

/* In a process of its own; says so once it has the lock. */
static void hold_file(int ready)
{
	int fd = open(locked_file, O_RDWR | O_CLOEXEC);
	int failed = fd < 0 || flock(fd, LOCK_EX) || write(ready, "", 1) != 1;
	struct timespec t = {unit_ms() / 1000, unit_ms() % 1000 * 1000000};

	nanosleep(&t, NULL);
	_exit(failed);
}

static void *do_flock(void *unused)
{
	int fd = open(locked_file, O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	close(fd);
	return unused;
}

/* --- what goes on beside it -------------------------------------------------------------- */

static void *(*way)(void *);

static void blocker(void *unused)
{
	if (saying)
		ck_assert_ptr_null(weft_blocking(way, unused));
	else
		way(unused);
	ended++;
}

/* The calling task counts until all others have ended; its longest gap. */
static int64_t count_meanwhile(int64_t *took)
{
	int64_t begin = now_ns(), last = begin, longest = 0, now;

	for (int i = 0; i < BLOCKERS; i++)
		ck_assert_int_eq(weft_go(blocker, NULL), 0);
	do {
		weft_yield();
		now = now_ns();
		if (now - last > longest)
			longest = now - last;
		last = now;
	} while (ended < BLOCKERS);
	*took = now - begin;
	return longest;
}

static int64_t median(int64_t *v, int n)
{
	for (int i = 1; i < n; i++)
		for (int k = i; k > 0 && v[k - 1] > v[k]; k--) {
			int64_t t = v[k];

			v[k] = v[k - 1];
			v[k - 1] = t;
		}
	return v[n / 2];
}

static void (*prepare)(void);

static void stall_body(void)
{
	int64_t gaps[RUNS], took;
	int runs = soaking() ? RUNS : 1;

	for (int i = 0; i < runs; i++) {
		ended = 0;
		if (prepare)
			prepare();
		gaps[i] = count_meanwhile(&took);
		ck_assert_int_lt(took, AT_ONCE * unit_ms() * 1000000);
	}
	if (getenv("WEFT_TEST_GAPS"))
		fprintf(stderr, "gap %.1f ms, took %.0f ms\n", (double)median(gaps, runs) / 1e6,
			(double)took / 1e6);
	if (soaking() && !SANITIZED)
		ck_assert_int_lt(median(gaps, runs), (int64_t)GAP_MS * 1000000);
}

static void stall(void *(*how)(void *), void (*before)(void))
{
	way = how;
	prepare = before;
	as_task(1, stall_body);
}

/* _i: whether they say so */
START_TEST(test_sleepers_end_in_the_time_of_one)
{
	saying = _i;
	stall(do_sleep, NULL);
}
END_TEST

static pthread_t helper;

static void begin_reading(void)
{
	pthread_create(&helper, NULL, fill_pipe, NULL);
	pthread_detach(helper);
}

START_TEST(test_readers_of_an_empty_pipe_end_in_the_time_of_one)
{
	saying = _i;
	ck_assert_int_eq(pipe(empty), 0);
	stall(do_read, begin_reading);
}
END_TEST

static void begin_locking(void)
{
	pthread_create(&helper, NULL, hold_mutex, NULL);
	pthread_detach(helper);
	pthread_barrier_wait(&held);
}

START_TEST(test_waiters_for_a_libc_mutex_end_in_the_time_of_one)
{
	saying = _i;
	pthread_barrier_init(&held, NULL, 2);
	stall(do_mutex, begin_locking);
}
END_TEST

static void begin_flock(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (!pid)
		hold_file(ready[1]);
	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
}

START_TEST(test_waiters_for_a_file_lock_of_another_process_end_in_the_time_of_one)
{
	int fd = mkstemp(locked_file), status;

	ck_assert_int_ge(fd, 0);
	close(fd);
	saying = _i;
	stall(do_flock, begin_flock);
	ck_assert_int_eq(unlink(locked_file), 0);
	while (wait(&status) > 0)
		ck_assert_int_eq(status, 0);
}
END_TEST

/* --- loops ------------------------------------------------------------------------------ */

static _Atomic int stop;

static void compute(void *unused)
{
	(void)unused;
	while (!stop)
		;
	ended++;
}

static int loops;

static void loops_body(void)
{
	ended = 0;
	for (int i = 0; i < loops; i++)
		ck_assert_int_eq(weft_go(compute, NULL), 0);
	for (int i = 0; i < 1000; i++) /* each has been met once by then */
		weft_yield();
	stop = 1;
	wait_for(&ended, loops);
}

START_TEST(test_endless_loops_on_one_p_do_not_stop_others)
{
	static const int some[] = {1, 8, 64};

	loops = some[_i];
	as_task(1, loops_body);
}
END_TEST

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("stall");

	tcase_add_loop_test(tests, test_sleepers_end_in_the_time_of_one, 0, 2);
	tcase_add_loop_test(tests, test_readers_of_an_empty_pipe_end_in_the_time_of_one, 0, 2);
	tcase_add_loop_test(tests, test_waiters_for_a_libc_mutex_end_in_the_time_of_one, 0, 2);
	tcase_add_loop_test(tests,
			    test_waiters_for_a_file_lock_of_another_process_end_in_the_time_of_one,
			    0, 2);
	tcase_add_loop_test(tests, test_endless_loops_on_one_p_do_not_stop_others, 0, 3);
	return tests;
}
