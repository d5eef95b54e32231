/*
 * The public context layer: what weft/ctx.h promises, whichever layer it stands
 * for. ctx_portable.c has the same for the portable one.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

#include <weft/ctx.h>

#include "ctx_layer.h"
#include "ctx_live.h"
#include "regs.h"

#if WEFT_CTX_DEFAULT_AMD64 && !defined WEFT_CTX_PORTABLE
#define NAME "amd64"
#else
#define NAME "ucontext"
#endif

enum { STACK = 64 * 1024, DEEP = 8 << 20, FRAMES_MAX = 64 };

/* A context and whoever switches to it. */
struct other {
	weft_ctx_t here, there;
	void *stack;
	size_t size;
	void *arg;
};

static void *stacks_new(size_t size)
{
	void *stack = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	ck_assert_ptr_ne(stack, MAP_FAILED);
	return stack;
}

static void open_other(struct other *o, size_t size, void (*fn)(void *), void *arg)
{
	memset(o, 0, sizeof *o);
	o->stack = stacks_new(size);
	o->size = size;
	o->arg = arg;
	ck_assert_int_eq(weft_ctx_make(&o->there, o->stack, size, fn, o), 0);
}

static void close_other(struct other *o)
{
	weft_ctx_free(&o->there);
	munmap(o->stack, o->size);
}

static void there(void *arg)
{
	struct other *o = arg;

	weft_ctx_switch(&o->here, &o->there);
}

static void back(void *arg)
{
	struct other *o = arg;

	weft_ctx_switch(&o->there, &o->here);
}

static void only_back(void *o)
{
	for (;;)
		back(o);
}

START_TEST(test_backend_tells_its_name)
{
	ck_assert_str_eq(weft_ctx_backend(), NAME);
}
END_TEST

START_TEST(test_make_refuses_bad_arguments)
{
	weft_ctx_t ctx;
	void *stack = stacks_new(WEFT_STACK_MIN);

	ck_assert_int_eq(weft_ctx_make(NULL, stack, WEFT_STACK_MIN, only_back, NULL), EINVAL);
	ck_assert_int_eq(weft_ctx_make(&ctx, NULL, WEFT_STACK_MIN, only_back, NULL), EINVAL);
	ck_assert_int_eq(weft_ctx_make(&ctx, stack, WEFT_STACK_MIN, NULL, NULL), EINVAL);
	ck_assert_int_eq(weft_ctx_make(&ctx, stack, WEFT_STACK_MIN - 1, only_back, NULL), EINVAL);
	ck_assert_int_eq(weft_ctx_make(&ctx, stack, 0, only_back, NULL), EINVAL);
	weft_ctx_free(NULL);
	munmap(stack, WEFT_STACK_MIN);
}
END_TEST

static void set_answer(void *arg)
{
	struct other *o = arg;

	*(int *)o->arg = 42;
	only_back(o);
}

START_TEST(test_least_stack_runs_a_function_with_its_argument)
{
	struct other o;
	int answer = 0;

	open_other(&o, WEFT_STACK_MIN, set_answer, &answer);
	ck_assert_int_eq(answer, 0);
	there(&o);
	ck_assert_int_eq(answer, 42);
	close_other(&o);
}
END_TEST

/* Any stack will do: of an odd size, at an odd address. */
START_TEST(test_stack_is_aligned_and_direction_clear_at_entry)
{
	static char room[2 * STACK];

	for (unsigned odd = 0; odd < 64; odd += 7) {
		struct other o = {.here = {{0}}};
		struct entry entry = {.fn = NULL, .arg = &o};
		void (*const fn)(void *) = only_back;

		memcpy(&entry.fn, &fn, sizeof fn);
		ck_assert_int_eq(
			weft_ctx_make(&o.there, room + odd, STACK + 3 * odd, entry_of_ctx, &entry),
			0);
		there(&o);
		ck_assert_uint_eq((entry.sp + sizeof(void *)) % STACK_ALIGN, 0);
		ck_assert_uint_eq(entry.flags & FLAG_DIRECTION, 0);
		ck_assert_uint_ge(entry.sp, (uintptr_t)room + odd);
		ck_assert_uint_lt(entry.sp, (uintptr_t)room + odd + STACK + 3 * odd);
		weft_ctx_free(&o.there);
	}
}
END_TEST

/* Has all callee-saved registers in use whenever it switches. */
static void registers_in_use(void *arg)
{
	struct other *o = arg;

	for (uintptr_t seed = 1000;; seed += 10)
		*(unsigned *)o->arg += regs_changed(back, o, seed);
}

START_TEST(test_callee_saved_registers_survive_a_switch)
{
	struct other o;
	unsigned changed = 0;

	open_other(&o, STACK, registers_in_use, &changed);
	for (uintptr_t seed = 1; seed < 100; seed++)
		ck_assert_uint_eq(regs_changed(there, &o, seed << 32), 0);
	ck_assert_uint_eq(changed, 0);
	close_other(&o);
}
END_TEST

static void live_there(void *arg)
{
	struct other *o = arg;

	for (int seed = 7;; seed += 4)
		*(int *)o->arg += live_wrong(back, o, seed);
}

START_TEST(test_live_values_survive_a_switch)
{
	struct other o;
	int wrong = 0;

	open_other(&o, STACK, live_there, &wrong);
	for (int seed = 100; seed < 110; seed++)
		ck_assert(!live_wrong(there, &o, seed));
	ck_assert_int_eq(wrong, 0);
	close_other(&o);
}
END_TEST

/* The switch itself inlined between live values, as a scheduler would have it. */
START_TEST(test_live_values_survive_the_inline_switch)
{
	struct other o;
	volatile long opaque = 5;
	long a = opaque, b = a * 3, c = b * 3, d = c * 3, e = d * 3, f = e * 3, g = f * 3;
	vec4 v = {(double)a, (double)b, (double)c, (double)d};

	open_other(&o, STACK, only_back, NULL);
	for (int i = 0; i < 10; i++) {
		weft_ctx_switch(&o.here, &o.there);
		v += (vec4){(double)a, (double)b, (double)c, (double)d};
	}
	ck_assert(a == 5 && b == 15 && c == 45 && d == 135 && e == 405 && f == 1215 && g == 3645);
	ck_assert(v[0] == 55 && v[1] == 165 && v[2] == 495 && v[3] == 1485);
	close_other(&o);
}
END_TEST

static void note_words(void *arg)
{
	struct other *o = arg;

	for (;; back(o))
		fpwords_get(o->arg);
}

START_TEST(test_control_words_are_the_threads)
{
	struct other o;
	struct fpwords before, up, seen = {0, 0};

	fpwords_get(&before);
	up = (struct fpwords){before.mxcsr | 0x4000, before.x87 | 0x0800};
	open_other(&o, STACK, note_words, &seen);
	fpwords_set(&up);
	there(&o);
	fpwords_set(&before);
	ck_assert_mem_eq(&seen, &up, sizeof up);
	there(&o);
	ck_assert_mem_eq(&seen, &before, sizeof before);
	close_other(&o);
}
END_TEST

__attribute__((noinline)) static unsigned long down(struct other *o, unsigned n)
{
	volatile char frame[200];

	frame[n % sizeof frame] = 1;
	if (!n) {
		back(o);
		return 0;
	}
	return down(o, n - 1) + n + (unsigned)frame[n % sizeof frame] - 1;
}

static void deep(void *arg)
{
	struct other *o = arg;

	*(unsigned long *)o->arg = down(o, 10000);
	only_back(o);
}

START_TEST(test_deep_recursion_is_resumed_at_its_bottom)
{
	struct other o;
	unsigned long sum = 0;

	open_other(&o, DEEP, deep, &sum);
	there(&o);
	ck_assert_uint_eq(sum, 0);
	there(&o);
	ck_assert_uint_eq(sum, 10000UL * 10001 / 2);
	close_other(&o);
}
END_TEST

/* Contexts in a ring; each hands on to the next, the last to home. */
struct ring {
	weft_ctx_t home;
	struct seat {
		struct ring *ring;
		weft_ctx_t ctx;
		unsigned visits;
	} seat[MANY];
};

static void sit(void *arg)
{
	struct seat *seat = arg;
	struct ring *ring = seat->ring;
	bool last = seat == &ring->seat[MANY - 1];

	for (;;) {
		seat->visits++;
		weft_ctx_switch(&seat->ctx, last ? &ring->home : &seat[1].ctx);
	}
}

START_TEST(test_million_switches_between_many_contexts)
{
	enum { ROUNDS = SWITCHES / MANY };
	struct ring *ring = calloc(1, sizeof *ring);
	char *stacks = stacks_new((size_t)MANY * WEFT_STACK_MIN);

	ck_assert_ptr_nonnull(ring);
	for (unsigned i = 0; i < MANY; i++) {
		ring->seat[i].ring = ring;
		ck_assert_int_eq(weft_ctx_make(&ring->seat[i].ctx,
					       stacks + (size_t)i * WEFT_STACK_MIN, WEFT_STACK_MIN,
					       sit, &ring->seat[i]),
				 0);
	}
	for (unsigned round = 0; round < ROUNDS; round++)
		weft_ctx_switch(&ring->home, &ring->seat[0].ctx);
	for (unsigned i = 0; i < MANY; i++) {
		ck_assert_uint_eq(ring->seat[i].visits, ROUNDS);
		weft_ctx_free(&ring->seat[i].ctx);
	}
	munmap(stacks, (size_t)MANY * WEFT_STACK_MIN);
	free(ring);
}
END_TEST

static void note_thread(void *arg)
{
	struct other *o = arg;

	for (;; back(o))
		*(long *)o->arg = syscall(SYS_gettid);
}

static void *resume(void *arg)
{
	there(arg);
	return NULL;
}

START_TEST(test_context_stopped_on_one_thread_goes_on_on_another)
{
	struct other o;
	long here = syscall(SYS_gettid), seen = 0;
	pthread_t thread;

	open_other(&o, STACK, note_thread, &seen);
	there(&o);
	ck_assert_int_eq(seen, here);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(pthread_create(&thread, NULL, resume, &o), 0);
		pthread_join(thread, NULL);
		ck_assert_int_ne(seen, here);
		there(&o);
		ck_assert_int_eq(seen, here);
	}
	close_other(&o);
}
END_TEST

struct walk {
	void *entry;
	unsigned frames;
	bool found, ended;
};

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *arg)
{
	struct walk *walk = arg;
	void *pc = (void *)(_Unwind_GetIP(context) - 1);

	walk->frames++;
	walk->found |= _Unwind_FindEnclosingFunction(pc) == walk->entry;
	return walk->frames < FRAMES_MAX ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static void walk_here(struct walk *walk)
{
	walk->frames = 0;
	walk->found = false;
	walk->ended =
		_Unwind_Backtrace(step, walk) == _URC_END_OF_STACK && walk->frames < FRAMES_MAX;
}

__attribute__((noinline)) static void walk_below(struct other *o, unsigned n)
{
	struct walk *walk = o->arg;

	if (n) {
		walk_below(o, n - 1);
	} else {
		do {
			walk_here(walk);
			back(o);
		} while (walk->frames);
	}
	__asm__ __volatile__("");
}

static void walker(void *o)
{
	walk_below(o, 5);
	__asm__ __volatile__("");
}

static void *frames_from_another_thread(void *o)
{
	there(o);
	return NULL;
}

START_TEST(test_backtrace_reaches_the_entry_and_ends_after_a_park)
{
	struct other o;
	struct walk walk = {.frames = 0};
	void (*const entry)(void *) = walker;
	pthread_t thread;
	unsigned first;

	memcpy(&walk.entry, &entry, sizeof entry);
	open_other(&o, STACK, walker, &walk);
	there(&o);
	first = walk.frames;
	ck_assert(walk.found && walk.ended);
	ck_assert_uint_gt(first, 5);
	there(&o);
	ck_assert(walk.found && walk.ended && walk.frames == first);
	ck_assert_int_eq(pthread_create(&thread, NULL, frames_from_another_thread, &o), 0);
	pthread_join(thread, NULL);
	ck_assert(walk.found && walk.ended && walk.frames == first);
	close_other(&o);
}
END_TEST

/* More than any watcher could hold of them at once. */
START_TEST(test_freed_contexts_leave_nothing_behind)
{
	struct other o;

	for (int i = 0; i < 20000; i++) {
		weft_ctx_t ctx;

		if (i == 0)
			open_other(&o, STACK, only_back, NULL);
		else
			ck_assert(!weft_ctx_make(&o.there, o.stack, o.size, only_back, &o));
		there(&o);
		ctx = o.there;
		weft_ctx_free(&ctx);
	}
	munmap(o.stack, o.size);
}
END_TEST

#ifdef WEFT_CTX_PORTABLE
TCase *ctx_portable_tests(void)
#else
TCase *ctx_default_tests(void)
#endif
{
	TCase *tests = tcase_create("layer " NAME);

	tcase_set_timeout(tests, PATIENCE);
	tcase_add_test(tests, test_backend_tells_its_name);
	tcase_add_test(tests, test_make_refuses_bad_arguments);
	tcase_add_test(tests, test_least_stack_runs_a_function_with_its_argument);
	tcase_add_test(tests, test_stack_is_aligned_and_direction_clear_at_entry);
	tcase_add_test(tests, test_callee_saved_registers_survive_a_switch);
	tcase_add_test(tests, test_live_values_survive_a_switch);
	tcase_add_test(tests, test_live_values_survive_the_inline_switch);
	tcase_add_test(tests, test_control_words_are_the_threads);
	tcase_add_test(tests, test_deep_recursion_is_resumed_at_its_bottom);
	tcase_add_test(tests, test_million_switches_between_many_contexts);
	tcase_add_test(tests, test_context_stopped_on_one_thread_goes_on_on_another);
	tcase_add_test(tests, test_backtrace_reaches_the_entry_and_ends_after_a_park);
	tcase_add_test(tests, test_freed_contexts_leave_nothing_behind);
	return tests;
}
