/*
 * Attributes: their defaults and bounds, and the tasks that they make.
 */
#include <alloca.h>
#include <signal.h>
#include <string.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <weft.h>

#include "child.h"
#include "suite.h"

enum { KIB = 1024, MIB = 1024 * KIB, GIB = 1024 * MIB };

static _Atomic int gate;

static weft_attr_t fresh(void)
{
	weft_attr_t attr;

	memset(&attr, 0xa5, sizeof attr);
	ck_assert_int_eq(weft_attr_init(&attr), 0);
	return attr;
}

static void sizes_are(const weft_attr_t *attr, size_t stack, size_t guard)
{
	size_t size = 77;

	ck_assert_int_eq(weft_attr_getstacksize(attr, &size), 0);
	ck_assert_uint_eq(size, stack);
	ck_assert_int_eq(weft_attr_getguardsize(attr, &size), 0);
	ck_assert_uint_eq(size, guard);
}

START_TEST(test_defaults)
{
	weft_attr_t attr = fresh();
	char name[WEFT_NAME_MAX + 1] = "?";
	int detached = 77, own = 77;

	unsetenv("WEFT_STACK");
	sizes_are(&attr, 256 * KIB, 64 * KIB);
	ck_assert_int_eq(weft_attr_getdetachstate(&attr, &detached), 0);
	ck_assert_int_eq(detached, WEFT_CREATE_JOINABLE);
	ck_assert_int_eq(weft_attr_getfpenv(&attr, &own), 0);
	ck_assert_int_eq(own, 0);
	ck_assert_int_eq(weft_attr_getname(&attr, name, 1), 0);
	ck_assert_str_eq(name, "");
}
END_TEST

START_TEST(test_default_sizes_are_what_was_configured)
{
	weft_config_t config = {.stack_size = 3 * MIB, .guard_size = 128 * KIB};
	weft_attr_t attr = fresh();

	ck_assert_int_eq(weft_configure(&config), 0);
	sizes_are(&attr, 3 * MIB, 128 * KIB);
}
END_TEST

START_TEST(test_stacks_are_16_kib_to_1_gib)
{
	weft_attr_t attr = fresh();

	ck_assert_int_eq(WEFT_STACK_MIN, 16 * KIB);
	ck_assert_int_eq(weft_attr_setstacksize(&attr, GIB), 0);
	sizes_are(&attr, GIB, 64 * KIB);
	ck_assert_int_eq(weft_attr_setstacksize(&attr, WEFT_STACK_MIN), 0);
	ck_assert_int_eq(weft_attr_setstacksize(&attr, WEFT_STACK_MIN - 1), EINVAL);
	ck_assert_int_eq(weft_attr_setstacksize(&attr, (size_t)GIB + 1), EINVAL);
	ck_assert_int_eq(weft_attr_setstacksize(&attr, 0), EINVAL);
	sizes_are(&attr, WEFT_STACK_MIN, 64 * KIB);
}
END_TEST

START_TEST(test_guards_are_0_to_1_gib)
{
	weft_attr_t attr = fresh();

	ck_assert_int_eq(weft_attr_setguardsize(&attr, GIB), 0);
	sizes_are(&attr, 256 * KIB, GIB);
	ck_assert_int_eq(weft_attr_setguardsize(&attr, 0), 0);
	ck_assert_int_eq(weft_attr_setguardsize(&attr, (size_t)GIB + 1), EINVAL);
	ck_assert_int_eq(weft_attr_setguardsize(&attr, SIZE_MAX), EINVAL);
	sizes_are(&attr, 256 * KIB, 0);
}
END_TEST

START_TEST(test_flags_are_one_of_two)
{
	weft_attr_t attr = fresh();
	int value = 77;

	ck_assert_int_eq(weft_attr_setdetachstate(&attr, WEFT_CREATE_DETACHED), 0);
	ck_assert_int_eq(weft_attr_setdetachstate(&attr, 2), EINVAL);
	ck_assert_int_eq(weft_attr_setdetachstate(&attr, -1), EINVAL);
	ck_assert_int_eq(weft_attr_getfpenv(&attr, &value), 0);
	ck_assert_int_eq(value, 0);
	ck_assert_int_eq(weft_attr_setfpenv(&attr, 1), 0);
	ck_assert_int_eq(weft_attr_setfpenv(&attr, 2), EINVAL);
	ck_assert_int_eq(weft_attr_setdetachstate(&attr, WEFT_CREATE_JOINABLE), 0);
	ck_assert_int_eq(weft_attr_getfpenv(&attr, &value), 0);
	ck_assert_int_eq(value, 1);
	ck_assert_int_eq(weft_attr_getdetachstate(&attr, &value), 0);
	ck_assert_int_eq(value, WEFT_CREATE_JOINABLE);
}
END_TEST

/* Every call on an attribute that is none. */
static void refused(weft_attr_t *attr)
{
	char name[WEFT_NAME_MAX + 1];
	size_t size;
	int value;

	ck_assert_int_eq(weft_attr_destroy(attr), EINVAL);
	ck_assert_int_eq(weft_attr_setstacksize(attr, MIB), EINVAL);
	ck_assert_int_eq(weft_attr_getstacksize(attr, &size), EINVAL);
	ck_assert_int_eq(weft_attr_setguardsize(attr, MIB), EINVAL);
	ck_assert_int_eq(weft_attr_getguardsize(attr, &size), EINVAL);
	ck_assert_int_eq(weft_attr_setdetachstate(attr, WEFT_CREATE_DETACHED), EINVAL);
	ck_assert_int_eq(weft_attr_getdetachstate(attr, &value), EINVAL);
	ck_assert_int_eq(weft_attr_setfpenv(attr, 1), EINVAL);
	ck_assert_int_eq(weft_attr_getfpenv(attr, &value), EINVAL);
	ck_assert_int_eq(weft_attr_setname(attr, "name"), EINVAL);
	ck_assert_int_eq(weft_attr_getname(attr, name, sizeof name), EINVAL);
}

START_TEST(test_null_is_einval)
{
	weft_attr_t attr = fresh();

	ck_assert_int_eq(weft_attr_init(NULL), EINVAL);
	refused(NULL);
	ck_assert_int_eq(weft_attr_getstacksize(&attr, NULL), EINVAL);
	ck_assert_int_eq(weft_attr_getguardsize(&attr, NULL), EINVAL);
	ck_assert_int_eq(weft_attr_getdetachstate(&attr, NULL), EINVAL);
	ck_assert_int_eq(weft_attr_getfpenv(&attr, NULL), EINVAL);
	ck_assert_int_eq(weft_attr_setname(&attr, NULL), EINVAL);
	ck_assert_int_eq(weft_attr_getname(&attr, NULL, 8), EINVAL);
}
END_TEST

TASK_TEST(test_destroyed_attributes_are_einval_until_init, 1)
{
	weft_attr_t attr = fresh();
	weft_t task = 77;

	ck_assert_int_eq(weft_attr_destroy(&attr), 0);
	refused(&attr);
	ck_assert_int_eq(weft_create(&task, &attr, give_back, NULL), EINVAL);
	ck_assert_uint_eq(task, 77);
	ck_assert_int_eq(weft_attr_init(&attr), 0);
	ck_assert_int_eq(weft_create(&task, &attr, give_back, NULL), 0);
	result_of(task);
}

/* --- names -------------------------------------------------------------------- */

static void *own_name_is(void *name)
{
	char own[WEFT_NAME_MAX + 1];

	ck_assert_int_eq(weft_getname(weft_self(), own, sizeof own), 0);
	return (void *)(intptr_t)!strcmp(own, name);
}

TASK_TEST(test_a_task_has_its_attributes_name_from_its_start, 1)
{
	char longest[] = "1234567890123456789012345678901", name[WEFT_NAME_MAX + 1];
	weft_attr_t attr = fresh();
	weft_t task;

	ck_assert_int_eq(weft_attr_setname(&attr, longest), 0);
	ck_assert_int_eq(weft_attr_setname(&attr, "12345678901234567890123456789012"), ERANGE);
	ck_assert_int_eq(weft_attr_getname(&attr, name, sizeof name - 1), ERANGE);
	ck_assert_int_eq(weft_attr_getname(&attr, name, sizeof name), 0);
	ck_assert_str_eq(name, longest);
	ck_assert_int_eq(weft_create(&task, &attr, own_name_is, longest), 0);
	ck_assert_int_eq(weft_attr_setname(&attr, "later"), 0);
	ck_assert_int_eq(weft_getname(task, name, sizeof name), 0);
	ck_assert_str_eq(name, longest);
	ck_assert_ptr_nonnull(result_of(task));
	ck_assert_ptr_nonnull(result_of(create(own_name_is, name + WEFT_NAME_MAX)));
}

/* --- what tasks they make ----------------------------------------------------- */

TASK_TEST(test_a_detached_task_can_not_be_joined_and_its_handle_ends_with_it, 1)
{
	weft_attr_t attr = fresh();
	weft_t task;

	ck_assert_int_eq(weft_attr_setdetachstate(&attr, WEFT_CREATE_DETACHED), 0);
	ck_assert_int_eq(weft_create(&task, &attr, wait_and_give_back, &gate), 0);
	ck_assert_int_eq(weft_join(task, NULL), EINVAL);
	ck_assert_int_eq(weft_detach(task), EINVAL);
	gate = 1;
	weft_yield();
	ck_assert_int_eq(weft_join(task, NULL), ESRCH);
}

/* A task on a stack of such a size, and how far down it is to write. */
struct use {
	size_t stack, guard, depth;
};

/* What stands above the first byte written: this frame, and what the calls that a
 * sanitizer adds need below it. */
enum { FRAMES = SANITIZED ? 6 * KIB : 512, PAGE = 4 * KIB };

/* Write to each page from the function's frame to the depth. */
static void *use_stack(void *arg)
{
	const struct use *use = arg;
	size_t size = use->depth - FRAMES;
	volatile char *low = alloca(size);
	intptr_t right = 1;

	for (size_t down = 0; down < size; down += PAGE) /* no page is left out */
		low[size - 1 - down] = (char)(down / PAGE);
	low[0] = 77;
	for (size_t down = 0; down < size - 1; down += PAGE)
		right &= low[size - 1 - down] == (char)(down / PAGE);
	return (void *)(intptr_t)(right && low[0] == 77);
}

static weft_t create_use(struct use *use)
{
	weft_attr_t attr = fresh();
	weft_t task;

	ck_assert_int_eq(weft_attr_setstacksize(&attr, use->stack), 0);
	ck_assert_int_eq(weft_attr_setguardsize(&attr, use->guard), 0);
	ck_assert_int_eq(weft_create(&task, &attr, use_stack, use), 0);
	return task;
}

static size_t stack_sizes[] = {16 * KIB, 20000, 256 * KIB, 8 * MIB, 64 * MIB};
enum { SIZES = sizeof stack_sizes / sizeof *stack_sizes };

static void use_all(size_t guard)
{
	struct use uses[SIZES];
	weft_t tasks[SIZES];

	for (int i = 0; i < SIZES; i++) {
		uses[i] = (struct use){stack_sizes[i], guard, stack_sizes[i]};
		tasks[i] = create_use(&uses[i]);
	}
	for (int i = 0; i < SIZES; i++)
		ck_assert_msg(result_of(tasks[i]), "of %zu bytes", stack_sizes[i]);
}

TASK_TEST(test_stacks_are_wholly_usable, 2)
{
	for (int i = 0; i < 3; i++)
		use_all(64 * KIB);
}

TASK_TEST(test_stacks_without_guard_are_wholly_usable, 2)
{
	for (int i = 0; i < 3; i++)
		use_all(0);
}

static struct use beyond;

static void use_beyond(void)
{
	result_of(create_use(&beyond));
}

static void write_beyond(void *unused)
{
	(void)unused;
	as_task(1, use_beyond);
}

static void faults(size_t stack, size_t guard, size_t depth)
{
	struct child child;

	beyond = (struct use){stack, guard, depth + FRAMES};
	child_run(&child, write_beyond, NULL);
	ck_assert_msg(SANITIZED ? child.status != 0 : WTERMSIG(child.status) == SIGSEGV,
		      "a stack of %zu bytes, a guard of %zu: %#x, and said: %s", stack, guard,
		      (unsigned)child.status, child.said);
}

START_TEST(test_a_write_beyond_the_stack_faults)
{
	faults(16 * KIB, 64 * KIB, 16 * KIB + 2 * PAGE);
	faults(16 * KIB, 1, 16 * KIB + 2 * PAGE); /* rounded up to a page */
	faults(256 * KIB, 8 * MIB, 8 * MIB);
}
END_TEST

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("attr");

	tcase_add_test(tests, test_defaults);
	tcase_add_test(tests, test_default_sizes_are_what_was_configured);
	tcase_add_test(tests, test_stacks_are_16_kib_to_1_gib);
	tcase_add_test(tests, test_guards_are_0_to_1_gib);
	tcase_add_test(tests, test_flags_are_one_of_two);
	tcase_add_test(tests, test_null_is_einval);
	tcase_add_test(tests, test_destroyed_attributes_are_einval_until_init);
	tcase_add_test(tests, test_a_task_has_its_attributes_name_from_its_start);
	tcase_add_test(tests, test_a_detached_task_can_not_be_joined_and_its_handle_ends_with_it);
	tcase_add_test(tests, test_stacks_are_wholly_usable);
	tcase_add_test(tests, test_stacks_without_guard_are_wholly_usable);
	tcase_add_test(tests, test_a_write_beyond_the_stack_faults);
	return tests;
}
