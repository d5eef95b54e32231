/*
 * Preemption: a task that computes loses its P to those who wait, and nothing that
 * it does can tell.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

static _Atomic int stop, ended, turns;

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * (int64_t)1000000000 + t.tv_nsec;
}

static void compute_for(int64_t ns)
{
	int64_t until = now_ns() + ns;

	while (now_ns() < until)
		;
}

/* --- whether and when ------------------------------------------------------------------- */

static void (*sliced)(void);

static int enter(int argc, char **argv)
{
	(void)argc, (void)argv;
	sliced();
	return 0;
}

static void with_slice(int ms, unsigned procs, void (*body)(void))
{
	weft_config_t config = {.procs = procs, .preempt = ms};

	sliced = body;
	ck_assert_int_eq(weft_configure(&config), 0);
	ck_assert_int_eq(weft_start(enter, 0, NULL), 0);
}

static void take_turns(void *unused)
{
	(void)unused;
	while (!stop) {
		turns++;
		weft_yield();
	}
	ended++;
}

/* A loop of several slices, and what the other task got meanwhile. */
static void loop_beside_another(void)
{
	turns = stop = ended = 0;
	ck_assert_int_eq(weft_go(take_turns, NULL), 0);
	compute_for(200 * 1000000);
}

static void not_preempted(void)
{
	loop_beside_another();
	ck_assert_int_eq(turns, 0);
	ck_assert_uint_eq(runtime_stats().preemptions, 0);
	stop = 1;
	wait_for(&ended, 1);
}

START_TEST(test_without_a_slice_nothing_is_preempted)
{
	with_slice(-1, 1, not_preempted);
}
END_TEST

static void preempted(void)
{
	weft_stats_t s;

	do /* a thread that the machine keeps from running looks as if it slept */
		loop_beside_another();
	while (!turns);
	s = runtime_stats();
	ck_assert_uint_ge(s.retakes, 1);
	ck_assert_uint_le(s.preemptions, s.retakes);
	stop = 1;
	wait_for(&ended, 1);
}

/* _i: the slice in ms; 0: the default */
START_TEST(test_a_task_that_computes_for_slices_lets_others_go_on)
{
	with_slice(_i, 1, preempted);
}
END_TEST

static void *long_one(void *unused)
{
	while (!stop) {
		compute_for(3 * 1000000);
		weft_yield();
	}
	ended++;
	return unused;
}

/* Each of the long ones is behind in the second queue once it was met; of that one is
 * served a pass. The short one so goes round many times while they do once. */
static void short_beside_long(void)
{
	enum { LONG = 20, ROUNDS = 10 };
	int64_t begin, took;

	for (int i = 0; i < LONG; i++)
		create(long_one, NULL);
	compute_for(20 * 1000000);
	for (int i = 0; i < 2 * LONG; i++)
		weft_yield();
	begin = now_ns();
	for (int i = 0; i < ROUNDS; i++)
		weft_yield();
	took = now_ns() - begin;
	stop = 1;
	wait_for(&ended, LONG);
	/* in turns with all of them it would be LONG x 3 ms a round */
	if (soaking())
		ck_assert_int_lt(took, (int64_t)ROUNDS * LONG * 3 * 1000000 / 2);
}

START_TEST(test_many_long_tasks_delay_a_short_one_by_few_slices)
{
	with_slice(1, 1, short_beside_long);
}
END_TEST

/* --- what is the program's ---------------------------------------------------------------------
 */

struct signals {
	void (*handlers[NSIG])(int);
	int flags[NSIG];
	char masked[NSIG][NSIG];
	sigset_t mask;
	stack_t stack;
	struct itimerval timers[3];
};

static void read_signals(struct signals *s)
{
	struct sigaction action;

	memset(s, 0, sizeof *s);
	for (int i = 1; i < NSIG; i++) {
		if (sigaction(i, NULL, &action)) /* libc keeps two */
			continue;
		s->handlers[i] = action.sa_handler;
		s->flags[i] = action.sa_flags;
		for (int k = 1; k < NSIG; k++)
			s->masked[i][k] = (char)sigismember(&action.sa_mask, k);
	}
	pthread_sigmask(SIG_SETMASK, NULL, &s->mask);
	sigaltstack(NULL, &s->stack);
	for (int i = 0; i < 3; i++)
		getitimer(i, &s->timers[i]);
}

static void handler(int number)
{
	(void)number;
}

static void *many_slices(void *unused)
{
	(void)unused;
	for (int i = 0; i < 20; i++) {
		compute_for(3 * 1000000);
		weft_yield();
	}
	return NULL;
}

/* The program's settings as they were, after retakes of all sorts. */
static void signals_body(void)
{
	static char stack[1 << 16];
	static struct signals before, after;
	stack_t ours = {.ss_sp = stack, .ss_size = sizeof stack};
	struct sigaction action = {.sa_handler = handler};
	weft_t tasks[4];

	ck_assert_int_eq(weft_lock_thread(), 0); /* mask and stack are the thread's */
	sigaction(SIGURG, &action, NULL);
	sigaction(SIGPROF, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	sigaltstack(&ours, NULL);
	read_signals(&before);
	for (int i = 0; i < 4; i++)
		tasks[i] = create(many_slices, NULL);
	for (int i = 0; i < 4; i++)
		result_of(tasks[i]);
	ck_assert_uint_ge(runtime_stats().retakes, 1);
	read_signals(&after);
	ck_assert_mem_eq(&before, &after, sizeof before);
	ours.ss_flags = SS_DISABLE;
	sigaltstack(&ours, NULL);
	weft_unlock_thread();
}

START_TEST(test_the_programs_signals_timers_and_stacks_are_untouched)
{
	with_slice(1, 1, signals_body);
}
END_TEST

static int ends[2];

static void *late_byte(void *unused)
{
	struct timespec t = {0, 300 * 1000000};

	do
		nanosleep(&t, NULL);
	while (!turns);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	return unused;
}

/* Handlers without SA_RESTART are there for any signal that might be sent. */
static void eintr_body(void)
{
	struct sigaction action = {.sa_handler = handler};
	pthread_t writer;
	char byte;

	for (int i = 1; i < NSIG; i++)
		if (i != SIGSEGV && i != SIGABRT && i != SIGALRM && i != SIGTERM)
			sigaction(i, &action, NULL);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(weft_go(take_turns, NULL), 0);
	pthread_create(&writer, NULL, late_byte, NULL);
	ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	ck_assert_int_gt(turns, 0);
	stop = 1;
	wait_for(&ended, 1);
	pthread_join(writer, NULL);
}

START_TEST(test_a_read_whose_p_is_retaken_sees_no_eintr)
{
	with_slice(1, 1, eintr_body);
}
END_TEST

/* --- results ------------------------------------------------------------------------------------
 */

static uint64_t mix(uint64_t x)
{
	x ^= x >> 31;
	x *= 0x9e3779b97f4a7c15;
	return x ^ x >> 29;
}

/* Blocks of random sizes, filled and looked at. */
static uint64_t use_malloc(uint64_t seed)
{
	enum { SLOTS = 64 };
	unsigned char *slots[SLOTS] = {0};
	uint64_t x = seed, sum = 0;

	for (int i = 0; i < 20000; i++) {
		unsigned slot = (x = mix(x + 1)) % SLOTS;
		size_t size = x >> 20 & 0xfff;

		if (slots[slot])
			sum = mix(sum + slots[slot][0]);
		free(slots[slot]);
		slots[slot] = malloc(size + 1);
		memset(slots[slot], (int)(x & 0xff), size + 1);
	}
	for (int i = 0; i < SLOTS; i++)
		free(slots[i]);
	return sum;
}

/* Sums in vectors, as wide as the compiler may make them. */
static uint64_t use_vectors(uint64_t seed)
{
	enum { N = 4096 };
	float a[N];
	double sum = 0;
	uint64_t bits;

	for (int i = 0; i < N; i++)
		a[i] = (float)(mix(seed + (uint64_t)i) >> 40);
	for (int round = 0; round < 300; round++)
		for (int i = 0; i < N; i++)
			a[i] = a[i] * 0.75f + (float)i;
	for (int i = 0; i < N; i++)
		sum += (double)a[i];
	memcpy(&bits, &sum, sizeof bits);
	return bits;
}

static FILE *shared;
static long lines_each;

/* Whole lines to one FILE by all at once; what they sum up to is looked at later. */
static uint64_t use_printf(uint64_t seed)
{
	for (long i = 0; i < lines_each; i++)
		ck_assert_int_gt(fprintf(shared, "%llx %ld %.6f\n", (unsigned long long)seed, i,
					 (double)i / 3),
				 0);
	return seed;
}

static uint64_t (*const uses[])(uint64_t) = {use_malloc, use_vectors, use_printf};
enum { USES = sizeof uses / sizeof *uses, USERS = 12 };

static uint64_t expected[USERS];

static void *user(void *number)
{
	uintptr_t n = (uintptr_t)number;

	return (void *)(uintptr_t)uses[n % USES](n);
}

/* Every line came out whole, and once. */
static void check_lines(unsigned rounds)
{
	char line[128], want[128];
	long count[USERS] = {0}, i;
	unsigned long long seed;

	rewind(shared);
	while (fgets(line, sizeof line, shared)) {
		ck_assert_int_eq(sscanf(line, "%llx %ld", &seed, &i), 2);
		ck_assert_uint_lt(seed, USERS);
		snprintf(want, sizeof want, "%llx %ld %.6f\n", seed, i, (double)i / 3);
		ck_assert_str_eq(line, want);
		ck_assert_int_eq(i, count[seed]++ % lines_each);
	}
	for (int n = 2; n < USERS; n += USES)
		ck_assert_int_eq(count[n], lines_each * (long)rounds);
}

static void results_body(void)
{
	int64_t until = now_ns() + (soaking() ? 60 : 1) * (int64_t)1000000000;
	weft_t tasks[USERS];
	unsigned done = 0;

	do {
		for (uintptr_t n = 0; n < USERS; n++)
			tasks[n] = create(user, (void *)n);
		for (int n = 0; n < USERS; n++)
			ck_assert_uint_eq((uintptr_t)result_of(tasks[n]), expected[n]);
		done++;
	} while (now_ns() < until);
	ck_assert_uint_ge(runtime_stats().retakes, 1);
	check_lines(done);
}

/* With a slice of a millisecond the P is taken in the middle of anything. _i: Ps */
START_TEST(test_results_are_those_of_an_undisturbed_run)
{
	shared = tmpfile();
	lines_each = 3000;
	for (uintptr_t n = 0; n < USERS; n++)
		expected[n] = (uintptr_t)uses[n % USES](n);
	fclose(shared);
	shared = tmpfile();
	with_slice(1, (unsigned)_i, results_body);
}
END_TEST

/* --- threads -------------------------------------------------------------------------------------
 */

static void *locked_computes(void *unused)
{
	pid_t tid;

	ck_assert_int_eq(weft_lock_thread(), 0);
	tid = gettid();
	for (int i = 0; i < 10; i++) {
		compute_for(3 * 1000000);
		weft_yield();
		ck_assert_int_eq(gettid(), tid);
	}
	if (!unused) /* else it ends locked */
		ck_assert_int_eq(weft_unlock_thread(), 0);
	return unused;
}

static void locked_body(void)
{
	weft_t tasks[6];

	ck_assert_int_eq(weft_go(take_turns, NULL), 0);
	for (int i = 0; i < 6; i++)
		tasks[i] = create(locked_computes, i % 2 ? (void *)&stop : NULL);
	for (int i = 0; i < 6; i++)
		ck_assert_ptr_eq(result_of(tasks[i]), i % 2 ? (void *)&stop : NULL);
	ck_assert_uint_ge(runtime_stats().retakes, 1);
	stop = 1;
	wait_for(&ended, 1);
}

START_TEST(test_locked_tasks_that_compute_stay_on_their_threads)
{
	with_slice(1, (unsigned)_i, locked_body);
}
END_TEST

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("preempt");

	if (!disturbed())
		tcase_add_test(tests, test_without_a_slice_nothing_is_preempted);
	tcase_add_loop_test(tests, test_a_task_that_computes_for_slices_lets_others_go_on, 0, 3);
	tcase_add_test(tests, test_many_long_tasks_delay_a_short_one_by_few_slices);
	tcase_add_test(tests, test_the_programs_signals_timers_and_stacks_are_untouched);
	tcase_add_test(tests, test_a_read_whose_p_is_retaken_sees_no_eintr);
	tcase_add_loop_test(tests, test_results_are_those_of_an_undisturbed_run, 1, 3);
	tcase_add_loop_test(tests, test_locked_tasks_that_compute_stay_on_their_threads, 1, 3);
	return tests;
}
