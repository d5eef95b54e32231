/*
 * A runtime with nothing to do: it sleeps, and within two seconds of the last task
 * has given back what it no longer needs; and the opposite, many tasks at once.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

static _Atomic int gate, step;

/* --- what the kernel tells ---------------------------------------------------------------- */

static unsigned long number_after(const char *path, const char *word)
{
	FILE *f = fopen(path, "re");
	unsigned long sum = 0, n;
	char line[256];

	if (!f)
		return 0;
	while (fgets(line, sizeof line, f)) {
		if (!strncmp(line, word, strlen(word)) &&
		    sscanf(line + strlen(word), "%lu", &n) == 1)
			sum += n;
	}
	fclose(f);
	return sum;
}

static bool of_weft(const char *task)
{
	char path[300], name[16] = "";
	FILE *f;

	snprintf(path, sizeof path, "/proc/self/task/%s/comm", task);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(name, sizeof name, f))
		*name = 0;
	fclose(f);
	return !strncmp(name, "weft", 4);
}

/* How often Weft's threads went to sleep, and how many there are. */
static unsigned long switches(unsigned *threads)
{
	DIR *tasks = opendir("/proc/self/task");
	unsigned long sum = 0;
	char path[300];

	*threads = 0;
	for (struct dirent *e = readdir(tasks); e; e = readdir(tasks)) {
		if (!of_weft(e->d_name))
			continue;
		++*threads;
		snprintf(path, sizeof path, "/proc/self/task/%s/status", e->d_name);
		sum += number_after(path, "voluntary_ctxt_switches:");
	}
	closedir(tasks);
	return sum;
}

static unsigned long resident_kib(void)
{
	return number_after("/proc/self/status", "VmRSS:");
}

static void pause_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&t, &t))
		;
}

/* --- idle ---------------------------------------------------------------------------------- */

static void work(int procs)
{
	weft_t tasks[500];

	weft_procs(procs);
	for (int i = 0; i < 500; i++)
		tasks[i] = create(wait_and_give_back, &gate);
	gate = 1;
	for (int i = 0; i < 500; i++)
		result_of(tasks[i]);
	gate = 0;
}

START_TEST(test_idle_runtime_wakes_up_for_nothing)
{
	unsigned threads;
	unsigned long before;

	work(_i);
	pause_ms(2000);
	before = switches(&threads);
	ck_assert_uint_ge(threads, 1);
	pause_ms(soaking() ? 10000 : 2000);
	ck_assert_uint_eq(switches(&threads), before);
	work(_i); /* and is not dead */
}
END_TEST

static void *sleep_three(void *unused)
{
	ck_assert_uint_eq(weft_sleep(3), 0);
	return unused;
}

/* One sleeper: the wake-ups of a second of quiet, and that of its timer. */
START_TEST(test_a_sleeper_wakes_nobody_up_but_itself)
{
	unsigned threads;
	unsigned long before;
	weft_t task;

	work(_i);
	task = create(sleep_three, NULL);
	pause_ms(2000);
	before = switches(&threads);
	pause_ms(500);
	ck_assert_uint_eq(switches(&threads), before);
	ck_assert_ptr_null(result_of(task));
	ck_assert_uint_le(switches(&threads), before + 40); /* sysmon's rounds among them */
}
END_TEST

static void *lock_and_wait(void *child)
{
	ck_assert_int_eq(weft_lock_thread(), 0);
	step++;
	result_of((weft_t)child);
	return (void *)(intptr_t)weft_unlock_thread();
}

/* Bound tasks that wait have as many threads, which nobody needs afterwards. */
START_TEST(test_surplus_threads_end_within_two_seconds)
{
	enum { TASKS = 20, PROCS = 2 };
	weft_t tasks[TASKS];
	weft_stats_t s;
	unsigned threads;

	weft_procs(PROCS);
	for (int i = 0; i < TASKS; i++)
		tasks[i] = create(lock_and_wait, (void *)create(wait_and_give_back, &gate));
	while (step < TASKS)
		pause_ms(1);
	gate = 1;
	for (int i = 0; i < TASKS; i++)
		ck_assert_ptr_null(result_of(tasks[i]));
	pause_ms(2000);
	switches(&threads);
	ck_assert_uint_le(threads, PROCS + 2); /* sysmon beside the Ms */
	ck_assert_int_eq(weft_stats(&s, sizeof s), 0);
	ck_assert_uint_le(s.threads, PROCS + 1);
}
END_TEST

static void *dig(void *unused)
{
	char deep[200 * 1024];

	memset(deep, 1, sizeof deep);
	while (!gate)
		weft_yield();
	return deep[*(volatile int *)&gate] ? unused : &gate;
}

START_TEST(test_idle_stacks_give_their_pages_back_within_two_seconds)
{
	enum { TASKS = 200, TOUCHED = TASKS * 200 };
	weft_t tasks[TASKS];
	unsigned long before, used;

	weft_procs(2);
	result_of(create(give_back, NULL));
	before = resident_kib();
	for (int i = 0; i < TASKS; i++)
		tasks[i] = create(dig, NULL);
	do
		pause_ms(1);
	while ((used = resident_kib()) < before + TOUCHED / 10 * 9);
	gate = 1;
	for (int i = 0; i < TASKS; i++)
		ck_assert_ptr_null(result_of(tasks[i]));
	pause_ms(2000);
	ck_assert_uint_lt(resident_kib(), before + TOUCHED / 10);
}
END_TEST

/* --- many ---------------------------------------------------------------------------------- */

enum { MAP_COUNT = 65530 }; /* vm.max_map_count where nobody changed it */
static unsigned many;

/* ThreadSanitizer holds 8,128 contexts, of a megabyte each. */
static unsigned how_many(void)
{
	return SANITIZED ? 1000 : soaking() ? 1000000 : 100000;
}

static unsigned mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned n = 0;

	for (int c = getc(f); c != EOF; c = getc(f))
		n += c == '\n';
	fclose(f);
	return n;
}

static void see_many(void)
{
	weft_stats_t s;

	do {
		weft_yield();
		ck_assert_int_eq(weft_stats(&s, sizeof s), 0);
	} while (s.parked < many - 1);
	ck_assert_uint_lt(mappings(), MAP_COUNT);
}

static weft_once_t once;
static _Atomic unsigned woken;

/* Runs until all others wait for it. */
static void first(void)
{
	see_many();
}

static void wait_once(void *unused)
{
	(void)unused;
	weft_once(&once, first);
	woken++;
}

TASK_TEST(test_many_tasks_wait_for_one_and_all_are_woken, 2)
{
	many = how_many();
	for (unsigned i = 0; i < many; i++)
		ck_assert_int_eq(weft_go(wait_once, NULL), 0);
	while (woken < many)
		weft_yield();
}

static void *chain(void *left)
{
	if ((uintptr_t)left == 1)
		see_many();
	else
		return (char *)result_of(create(chain, (void *)((uintptr_t)left - 1))) + 1;
	return (void *)1;
}

TASK_TEST(test_many_tasks_join_one_another_in_a_chain, 2)
{
	many = how_many();
	ck_assert_uint_eq((uintptr_t)result_of(create(chain, (void *)(uintptr_t)many)), many);
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("idle");

	tcase_add_loop_test(tests, test_idle_runtime_wakes_up_for_nothing, 1, 3);
	tcase_add_loop_test(tests, test_a_sleeper_wakes_nobody_up_but_itself, 1, 3);
	tcase_add_test(tests, test_surplus_threads_end_within_two_seconds);
	if (!SANITIZED) /* which has pages of its own */
		tcase_add_test(tests, test_idle_stacks_give_their_pages_back_within_two_seconds);
	tcase_add_test(tests, test_many_tasks_wait_for_one_and_all_are_woken);
	tcase_add_test(tests, test_many_tasks_join_one_another_in_a_chain);
	return tests;
}
