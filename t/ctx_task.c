/*
 * The scheduler's switch, as the tasks that it switches see it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>

#include <weft.h>

#include "ctx_layer.h"
#include "ctx_live.h"
#include "debug/debug.h"
#include "elsewhere.h"
#include "regs.h"

enum { FRAMES_MAX = 64, TASKS = 5 };

/* One P, so that who yields runs again after all others did. */
static void run_alone(int (*main)(int, char **))
{
	weft_config_t config = {.procs = 1};

	ck_assert_int_eq(weft_configure(&config), 0);
	ck_assert_int_eq(weft_start(main, 0, NULL), 0);
}

static void yield(void *unused)
{
	(void)unused;
	weft_yield();
}

static void *yield_once(void *unused)
{
	weft_yield();
	return unused;
}

/* Parks: the child has started, or is started in the caller's place. */
static void join_started(void *unused)
{
	weft_t child;

	(void)unused;
	ck_assert_int_eq(weft_create(&child, NULL, yield_once, NULL), 0);
	weft_yield();
	ck_assert_int_eq(weft_join(child, NULL), 0);
}

static void join_fresh(void *unused)
{
	weft_t child;

	(void)unused;
	ck_assert_int_eq(weft_create(&child, NULL, yield_once, NULL), 0);
	ck_assert_int_eq(weft_join(child, NULL), 0);
}

static void go_elsewhere(void *unused)
{
	(void)unused;
	elsewhere();
}

static void (*const ways[])(void *) = {yield, join_started, join_fresh};
enum { WAYS = sizeof ways / sizeof *ways };

static void *registers_in_use(void *arg)
{
	uintptr_t number = (uintptr_t)arg, changed = 0;

	for (uintptr_t i = 0; i < 60; i++)
		changed += regs_changed(ways[(number + i) % WAYS], NULL, number * 1000 + i * 7);
	return (void *)changed;
}

static int registers_main(int argc, char **argv)
{
	weft_t tasks[TASKS];
	void *changed;

	(void)argc, (void)argv;
	for (uintptr_t i = 0; i < TASKS; i++)
		ck_assert_int_eq(weft_create(&tasks[i], NULL, registers_in_use, (void *)i), 0);
	ck_assert_ptr_null(registers_in_use((void *)TASKS));
	for (unsigned i = 0; i < TASKS; i++) {
		ck_assert_int_eq(weft_join(tasks[i], &changed), 0);
		ck_assert_ptr_null(changed);
	}
	ck_assert_uint_eq(regs_changed(go_elsewhere, NULL, 12345), 0);
	return 0;
}

START_TEST(test_callee_saved_registers_survive_yield_and_join)
{
	run_alone(registers_main);
}
END_TEST

static void *live_in_task(void *arg)
{
	uintptr_t wrong = 0;

	for (int i = 0; i < WAYS; i++)
		wrong += (unsigned)live_wrong(ways[i], NULL, (int)(uintptr_t)arg + i);
	return (void *)wrong;
}

static int live_main(int argc, char **argv)
{
	weft_t tasks[TASKS];
	void *wrong;

	(void)argc, (void)argv;
	for (uintptr_t i = 0; i < TASKS; i++)
		ck_assert_int_eq(weft_create(&tasks[i], NULL, live_in_task, (void *)(i * 100)), 0);
	ck_assert_ptr_null(live_in_task((void *)7777));
	for (unsigned i = 0; i < TASKS; i++) {
		ck_assert_int_eq(weft_join(tasks[i], &wrong), 0);
		ck_assert_ptr_null(wrong);
	}
	return 0;
}

START_TEST(test_live_values_survive_yield_and_join)
{
	run_alone(live_main);
}
END_TEST

static int entry_main(int argc, char **argv)
{
	struct entry entries[4];
	weft_t tasks[4];

	(void)argc, (void)argv;
	for (int i = 0; i < 4; i++) {
		entries[i] = (struct entry){.fn = yield_once, .arg = &entries[i], .sp = 1};
		ck_assert_int_eq(weft_create(&tasks[i], NULL, entry_of_task, &entries[i]), 0);
		if (i % 2)
			weft_yield();
	}
	for (int i = 0; i < 4; i++) {
		void *result;

		ck_assert_int_eq(weft_join(tasks[i], &result), 0);
		ck_assert_ptr_eq(result, &entries[i]);
		ck_assert_uint_eq((entries[i].sp + sizeof(void *)) % STACK_ALIGN, 0);
		ck_assert_uint_eq(entries[i].flags & FLAG_DIRECTION, 0);
	}
	return 0;
}

START_TEST(test_stack_is_aligned_and_direction_clear_at_a_tasks_entry)
{
	run_alone(entry_main);
}
END_TEST

__attribute__((noinline)) static unsigned long down(unsigned n)
{
	volatile char frame[200];

	frame[n % sizeof frame] = 1;
	if (!n) {
		weft_yield();
		return 0;
	}
	return down(n - 1) + n + (unsigned)frame[n % sizeof frame] - 1;
}

static void *deep(void *unused)
{
	(void)unused;
	return (void *)down(10000);
}

static int deep_main(int argc, char **argv)
{
	weft_attr_t attr;
	weft_t tasks[TASKS];
	void *sum;

	(void)argc, (void)argv;
	weft_attr_init(&attr);
	ck_assert_int_eq(weft_attr_setstacksize(&attr, 8 << 20), 0);
	for (int i = 0; i < TASKS; i++)
		ck_assert_int_eq(weft_create(&tasks[i], &attr, deep, NULL), 0);
	for (int i = 0; i < TASKS; i++) {
		ck_assert_int_eq(weft_join(tasks[i], &sum), 0);
		ck_assert_uint_eq((uintptr_t)sum, 10000UL * 10001 / 2);
	}
	return 0;
}

START_TEST(test_deep_recursion_in_tasks)
{
	run_alone(deep_main);
}
END_TEST

enum { ROUNDS = SWITCHES / MANY };

static void *yield_often(void *arg)
{
	for (unsigned *visits = arg; *visits < ROUNDS; weft_yield())
		++*visits;
	return NULL;
}

static int many_main(int argc, char **argv)
{
	static unsigned visits[MANY];
	static weft_t tasks[MANY];

	(void)argc, (void)argv;
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(weft_create(&tasks[i], NULL, yield_often, &visits[i]), 0);
	for (int i = 0; i < MANY; i++)
		while (!visits[i])
			weft_yield();
	/* none has ended, and all have a stack */
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(weft_join(tasks[i], NULL), 0);
	for (int i = 0; i < MANY; i++)
		ck_assert_uint_eq(visits[i], ROUNDS);
	return 0;
}

START_TEST(test_million_switches_between_many_tasks)
{
	run_alone(many_main);
}
END_TEST

static int elsewhere_main(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (int i = 0; i < 10; i++) {
		long before = thread_id();

		errno = 1000 + i;
		ck_assert_int_ne(elsewhere(), before);
		ck_assert_int_eq(errno, 1000 + i);
	}
	return 0;
}

START_TEST(test_task_stopped_on_one_thread_goes_on_on_another)
{
	run_alone(elsewhere_main);
}
END_TEST

/* --- backtraces --------------------------------------------------------------------- */

/* A task that parks some frames below its function. */
struct sleeper {
	struct g *g;
	weft_t child;
	bool wake;
};

static void *until_woken(void *arg)
{
	struct sleeper *sleeper = arg;

	while (!sleeper->wake)
		weft_yield();
	return NULL;
}

__attribute__((noinline)) static void sleep_below(struct sleeper *sleeper, unsigned n)
{
	if (n)
		sleep_below(sleeper, n - 1);
	else
		ck_assert_int_eq(weft_join(sleeper->child, NULL), 0);
	__asm__ __volatile__("");
}

static void *sleep_deep(void *arg)
{
	struct sleeper *sleeper = arg;

	sleeper->g = wf_getg();
	ck_assert_int_eq(weft_create(&sleeper->child, NULL, until_woken, sleeper), 0);
	sleep_below(sleeper, 5);
	return NULL;
}

/* What wf_backtrace says of g. */
static void backtrace_of(const struct g *g, char *text, size_t size)
{
	int fd = memfd_create("frames", MFD_CLOEXEC);
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	wf_backtrace(fd, g);
	lseek(fd, 0, SEEK_SET);
	n = read(fd, text, size - 1);
	ck_assert_int_ge(n, 0);
	text[n] = 0;
	close(fd);
}

/* All frames of a text; whether fn is one of the last few. */
static unsigned frames_in(char *text, void *(*fn)(void *), bool *reached)
{
	unsigned n = 0, at = 0;
	void *entry;

	memcpy(&entry, &fn, sizeof entry);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		unsigned long pc;

		ck_assert_msg(sscanf(line, " #%*u %lx", &pc) == 1, "a frame's line: %s", line);
		n++;
		if (_Unwind_FindEnclosingFunction((void *)(pc - 1)) == entry)
			at = n;
	}
	*reached = at && at + 4 > n;
	return n;
}

static int backtrace_main(int argc, char **argv)
{
	struct sleeper sleeper = {.g = NULL};
	char text[16384];
	bool reached;
	weft_t task;
	unsigned n;

	(void)argc, (void)argv;
	ck_assert_int_eq(weft_create(&task, NULL, sleep_deep, &sleeper), 0);
	weft_yield();
	ck_assert_ptr_nonnull(sleeper.g);
	backtrace_of(sleeper.g, text, sizeof text);
	if (wf_have.libunwind) {
		n = frames_in(text, sleep_deep, &reached);
		ck_assert_uint_gt(n, 5);
		ck_assert_uint_lt(n, FRAMES_MAX);
		ck_assert(reached);
	} else {
		ck_assert_ptr_nonnull(strstr(text, "no libunwind"));
	}
	sleeper.wake = true;
	return weft_join(task, NULL);
}

START_TEST(test_backtrace_of_a_parked_task_reaches_its_function_and_ends)
{
	run_alone(backtrace_main);
}
END_TEST

__attribute__((noinline)) static unsigned own_frames(unsigned n, bool *reached, void *(*fn)(void *))
{
	char text[16384];

	if (n) {
		n = own_frames(n - 1, reached, fn);
		__asm__ __volatile__("");
		return n;
	}
	backtrace_of(wf_getg(), text, sizeof text);
	return frames_in(text, fn, reached);
}

static void *walk_myself(void *arg)
{
	unsigned n = own_frames(5, arg, walk_myself);

	return (void *)(uintptr_t)n;
}

static int own_main(int argc, char **argv)
{
	bool reached = false;
	weft_t task;
	void *n;

	(void)argc, (void)argv;
	ck_assert_int_eq(weft_create(&task, NULL, walk_myself, &reached), 0);
	ck_assert_int_eq(weft_join(task, &n), 0);
	ck_assert_uint_gt((uintptr_t)n, 5);
	ck_assert_uint_lt((uintptr_t)n, FRAMES_MAX);
	ck_assert(reached);
	return 0;
}

START_TEST(test_backtrace_of_the_caller_reaches_its_function_and_ends)
{
	run_alone(own_main);
}
END_TEST

TCase *ctx_task_tests(void)
{
	TCase *tests = tcase_create("tasks");

	tcase_set_timeout(tests, PATIENCE);
	tcase_add_test(tests, test_callee_saved_registers_survive_yield_and_join);
	tcase_add_test(tests, test_live_values_survive_yield_and_join);
	tcase_add_test(tests, test_stack_is_aligned_and_direction_clear_at_a_tasks_entry);
	tcase_add_test(tests, test_deep_recursion_in_tasks);
	tcase_add_test(tests, test_million_switches_between_many_tasks);
	tcase_add_test(tests, test_task_stopped_on_one_thread_goes_on_on_another);
	tcase_add_test(tests, test_backtrace_of_a_parked_task_reaches_its_function_and_ends);
	tcase_add_test(tests, test_backtrace_of_the_caller_reaches_its_function_and_ends);
	return tests;
}
