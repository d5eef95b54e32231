/*
 * Where tasks' stacks come from: classes of them, guards below, used again while
 * they are warm, and the counts of them.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weft.h>

#include "child.h"
#include "sched/fast.h"
#include "soak.h"
#include "suite.h"

static _Atomic int gate;

static struct gtop *taken(size_t size, size_t guard)
{
	struct gtop *top = wf_stackget(size, guard);

	ck_assert_ptr_nonnull(top);
	ck_assert_ptr_eq((void *)top->stack.lo, (void *)top->stk.lo);
	ck_assert_uint_le(top->stack.hi, (uintptr_t)top);
	return top;
}

/* As an ended task gives it back. */
static void give(struct gtop *top)
{
	struct m *m = wf_enter();

	wf_stackput(wf_p(m), top);
	wf_leave(m);
}

/* --- sizes --------------------------------------------------------------------------------- */

static const size_t KIB = 1024;

TASK_TEST(test_stack_is_as_large_as_asked_for_beside_its_record, 1)
{
	const size_t sizes[] = {16 * KIB,  16 * KIB + 1, 20 * KIB,   32 * KIB,   100 * KIB,
				256 * KIB, 3000 * KIB,   8192 * KIB, 8193 * KIB, 65536 * KIB};

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct gtop *top = taken(sizes[i], 65536);

		ck_assert_uint_ge(top->stack.hi - top->stack.lo, sizes[i]);
		memset((void *)top->stack.lo, 1, 4096);
		give(top);
	}
}

TASK_TEST(test_stacks_do_not_overlap, 1)
{
	enum { STACKS = 300 };
	static struct gtop *tops[STACKS];

	for (int i = 0; i < STACKS; i++) {
		tops[i] = taken((size_t)(16 << i % 7) * KIB, i % 3 ? 65536 : 4096);
		for (int k = 0; k < i; k++)
			if (tops[i]->stack.lo < tops[k]->stack.hi &&
			    tops[k]->stack.lo < tops[i]->stack.hi)
				ck_abort_msg("stacks %d and %d overlap", k, i);
	}
	for (int i = 0; i < STACKS; i++)
		give(tops[i]);
}

/* Else their hottest lines, all in the same set, would push one another out. */
TASK_TEST(test_tops_of_stacks_lie_in_different_cache_sets, 1)
{
	enum { STACKS = 64, SETS = 64 };
	struct gtop *tops[STACKS];
	unsigned in[SETS] = {0};

	for (int i = 0; i < STACKS; i++) {
		tops[i] = taken(0, 0);
		in[(uintptr_t)tops[i] / CACHELINE % SETS]++;
	}
	for (int i = 0; i < SETS; i++)
		ck_assert_uint_le(in[i], 2 * STACKS / SETS);
	for (int i = 0; i < STACKS; i++)
		give(tops[i]);
}

/* --- guards --------------------------------------------------------------------------------- */

static const size_t stack_sizes[] = {16384, 262144, 8388608, 20000000};
static const size_t guard_sizes[] = {65536, 4096, 200000};
static size_t stack_size, guard_size, below;

static void say(const char *text)
{
	dprintf(STDERR_FILENO, "%s\n", text);
}

static void *overstep(void *unused)
{
	volatile char *low = (char *)wf_getg()->stack.lo;

	*low = 1;
	say("on the stack");
	low[-(ptrdiff_t)below] = 1;
	say("below it");
	return unused;
}

static void overstep_body(void)
{
	weft_attr_t attr;
	weft_t task;

	need(!weft_attr_init(&attr));
	need(!weft_attr_setstacksize(&attr, stack_size));
	need(!weft_attr_setguardsize(&attr, guard_size));
	need(!weft_create(&task, &attr, overstep, NULL));
	need(!weft_join(task, NULL));
}

/* A program that is to end by SIGSEGV, and leaves no core. */
static void crash(void *body)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	signal(SIGSEGV, SIG_DFL); /* not the sanitizers' */
	as_task(1, (void (*)(void))body);
}

static void dies_below_its_stack(void (*body)(void))
{
	struct child child;

	child_run(&child, crash, (void *)body);
	ck_assert_uint_eq(occurrences(child.said, "on the stack"), 1);
	ck_assert_uint_eq(occurrences(child.said, "below it"), 0);
	ck_assert(WIFSIGNALED(child.status));
	ck_assert_int_eq(WTERMSIG(child.status), SIGSEGV);
}

/* The byte below the stack, and the guard's last page. */
START_TEST(test_access_below_a_stack_is_sigsegv)
{
	stack_size = stack_sizes[_i / 3];
	guard_size = guard_sizes[_i % 3];
	below = 1;
	dies_below_its_stack(overstep_body);
	below = guard_size;
	dies_below_its_stack(overstep_body);
}
END_TEST

static unsigned descend(unsigned depth)
{
	volatile char frame[2048];

	frame[0] = (char)depth;
	return depth ? descend(depth - 1) + (unsigned char)frame[0] : 0;
}

static void *descend_for_ever(void *unused)
{
	say("on the stack");
	return descend(1 << 30) ? unused : &gate;
}

static void descend_body(void)
{
	result_of(create(descend_for_ever, NULL));
	say("below it");
}

START_TEST(test_endless_recursion_is_sigsegv)
{
	dies_below_its_stack(descend_body);
}
END_TEST

/* --- what is kept, and what goes ------------------------------------------------------------ */

static uint64_t stacks(void)
{
	weft_stats_t s;

	ck_assert_int_eq(weft_stats(&s, sizeof s), 0);
	return s.stacks;
}

static void run_many(unsigned n, const weft_attr_t *attr)
{
	weft_t tasks[100];

	gate = 0;
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(weft_create(&tasks[i], attr, wait_and_give_back, &gate), 0);
	weft_yield();
	gate = 1;
	for (unsigned i = 0; i < n; i++)
		result_of(tasks[i]);
}

TASK_TEST(test_ended_tasks_leave_their_stacks_to_the_next, 1)
{
	uint64_t after_one;

	run_many(100, NULL);
	after_one = stacks();
	for (int i = 0; i < 10; i++)
		run_many(100, NULL);
	ck_assert_uint_eq(stacks(), after_one);
}

TASK_TEST(test_stacks_of_an_odd_size_or_guard_go_with_their_tasks, 1)
{
	uint64_t before = stacks();
	weft_attr_t attr;

	ck_assert_int_eq(weft_attr_init(&attr), 0);
	ck_assert_int_eq(weft_attr_setguardsize(&attr, 4096), 0);
	run_many(20, &attr);
	ck_assert_int_eq(weft_attr_setguardsize(&attr, 0), 0);
	ck_assert_int_eq(weft_attr_setstacksize(&attr, 16 * 1024 * KIB), 0);
	run_many(5, &attr);
	ck_assert_uint_eq(stacks(), before);
}

static void end_at_once(void *unused)
{
	(void)unused;
}

/* Tasks that follow one another need one stack. */
TASK_TEST(test_fresh_tasks_take_over_the_stack_of_who_ended, 1)
{
	uint64_t before = stacks();

	for (int i = 0; i < 1000; i++)
		result_of(create(give_back, NULL));
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(weft_go(end_at_once, NULL), 0);
	weft_yield();
	ck_assert_uint_le(stacks(), before + 2);
}

/* Their pages are gone, and with them what lay at their tops. */
TASK_TEST(test_trimmed_stacks_serve_again, 1)
{
	struct m *m;

	for (int i = 0; i < 10; i++) {
		run_many(100, NULL);
		ck_assert_uint_ge(stacks(), 100);
		m = wf_enter();
		wf_stackflush(wf_p(m));
		wf_stacktrim();
		wf_leave(m);
		ck_assert_uint_eq(stacks(), 1); /* main's */
	}
}

/* --- many Ps --------------------------------------------------------------------------------- */

static void *fill(void *arg)
{
	volatile unsigned char mine[3000];
	unsigned char mark = (unsigned char)(uintptr_t)arg;

	for (size_t i = 0; i < sizeof mine; i++)
		mine[i] = mark;
	for (int turn = 0; turn < 3; turn++) {
		weft_yield();
		for (size_t i = 0; i < sizeof mine; i++)
			if (mine[i] != mark)
				return &gate;
	}
	return NULL;
}

static void of_attribute(weft_attr_t *attr, unsigned i)
{
	ck_assert_int_eq(weft_attr_init(attr), 0);
	if (i % 4 == 0)
		ck_assert_int_eq(weft_attr_setstacksize(attr, (size_t)(32 << i % 5) * KIB), 0);
	if (i % 7 == 0)
		ck_assert_int_eq(weft_attr_setguardsize(attr, 8192), 0);
}

TASK_TEST(test_nobody_writes_to_a_stack_that_is_anothers, 4)
{
	enum { TASKS = 100 };

	for (unsigned round = 0; round < scaled(rounds(20)); round++) {
		weft_t tasks[TASKS];
		weft_attr_t attr;

		for (unsigned i = 0; i < TASKS; i++) {
			of_attribute(&attr, i + round);
			ck_assert_int_eq(weft_create(&tasks[i], &attr, fill, (void *)(uintptr_t)i),
					 0);
		}
		for (unsigned i = 0; i < TASKS; i++)
			ck_assert_ptr_null(result_of(tasks[i]));
	}
}

/* --- guards of many ------------------------------------------------------------------------- */

enum { GUARDED = 500 };

/* Whether the page at an address can be read, as the kernel sees it. */
static bool readable(int nowhere[2], uintptr_t at)
{
	char byte;

	if (write(nowhere[1], (void *)at, 1) != 1) {
		ck_assert_int_eq(errno, EFAULT);
		return false;
	}
	ck_assert_int_eq(read(nowhere[0], &byte, 1), 1);
	return true;
}

static void *wait_on_a_stack(void *arg)
{
	atomic_store((_Atomic uintptr_t *)arg, wf_getg()->stack.lo);
	while (!gate)
		weft_yield();
	return NULL;
}

static void park_many(_Atomic uintptr_t *lows, weft_t *tasks)
{
	gate = 0;
	for (int i = 0; i < GUARDED; i++) {
		lows[i] = 0;
		ck_assert_int_eq(weft_create(&tasks[i], NULL, wait_on_a_stack, &lows[i]), 0);
	}
	for (int i = 0; i < GUARDED; i++)
		while (!lows[i])
			weft_yield();
}

/* Cold stacks that a P took and did not use serve again, too: with one guard each. */
TASK_TEST(test_each_of_many_stacks_made_on_several_Ps_has_its_guard, 4)
{
	static _Atomic uintptr_t lows[GUARDED];
	static weft_t tasks[GUARDED];
	int nowhere[2];

	ck_assert_int_eq(pipe(nowhere), 0);
	for (int round = 0; round < 3; round++) {
		struct m *m;

		park_many(lows, tasks);
		for (int i = 0; i < GUARDED; i++) {
			ck_assert(readable(nowhere, lows[i]));
			ck_assert(!readable(nowhere, lows[i] - 1));
			ck_assert(!readable(nowhere, lows[i] - 64 * KIB));
		}
		gate = 1;
		for (int i = 0; i < GUARDED; i++)
			ck_assert_ptr_null(result_of(tasks[i]));
		m = wf_enter();
		wf_stackflush(wf_p(m));
		wf_stacktrim();
		wf_leave(m);
	}
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("stack");

	tcase_add_test(tests, test_stack_is_as_large_as_asked_for_beside_its_record);
	tcase_add_test(tests, test_stacks_do_not_overlap);
	tcase_add_test(tests, test_tops_of_stacks_lie_in_different_cache_sets);
	tcase_add_loop_test(tests, test_access_below_a_stack_is_sigsegv, 0, 12);
	tcase_add_test(tests, test_endless_recursion_is_sigsegv);
	tcase_add_test(tests, test_ended_tasks_leave_their_stacks_to_the_next);
	tcase_add_test(tests, test_stacks_of_an_odd_size_or_guard_go_with_their_tasks);
	tcase_add_test(tests, test_fresh_tasks_take_over_the_stack_of_who_ended);
	tcase_add_test(tests, test_trimmed_stacks_serve_again);
	tcase_add_test(tests, test_nobody_writes_to_a_stack_that_is_anothers);
	tcase_add_test(tests, test_each_of_many_stacks_made_on_several_Ps_has_its_guard);
	return tests;
}
