/*
 * Tasks: making them, who they are, their turns, names, errno, and the counters.
 */
#include <stddef.h>
#include <string.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

enum { MANY = 64, TURNS = 3 };

static _Atomic int gone;

static void count(void *step)
{
	gone += (int)(intptr_t)step;
}

TASK_TEST(test_go_runs_a_function_with_its_argument, 1)
{
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(weft_go(count, (void *)2), 0);
	ck_assert_int_eq(gone, 0); /* one P, and it is the creator's still */
	wait_for(&gone, 2 * MANY);
	weft_yield();
	ck_assert_int_eq(gone, 2 * MANY);
}

TASK_TEST(test_go_and_create_of_null_are_einval, 1)
{
	weft_t task = 77;

	ck_assert_int_eq(weft_go(NULL, NULL), EINVAL);
	ck_assert_int_eq(weft_create(NULL, NULL, give_back, NULL), EINVAL);
	ck_assert_int_eq(weft_create(&task, NULL, NULL, NULL), EINVAL);
	ck_assert_uint_eq(task, 77);
}

static void *plain_int(void *arg)
{
	return (void *)(intptr_t)++ * (int *)arg;
}

/* Without atomics: ThreadSanitizer would see a missing order. */
TASK_TEST(test_a_task_sees_what_its_creator_did_and_the_joiner_what_it_did, 4)
{
	static int numbers[MANY];
	weft_t tasks[MANY];

	for (int i = 0; i < MANY; i++) {
		numbers[i] = i;
		tasks[i] = create(plain_int, &numbers[i]);
	}
	for (int i = 0; i < MANY; i++) {
		ck_assert_ptr_eq(result_of(tasks[i]), (void *)(intptr_t)(i + 1));
		ck_assert_int_eq(numbers[i], i + 1);
	}
}

/* --- who a task is ---------------------------------------------------------------- */

static void *who_am_i(void *said)
{
	*(weft_t *)said = weft_self();
	return (void *)(uintptr_t)weft_id(weft_self());
}

TASK_TEST(test_self_is_the_handle_that_create_gave, 2)
{
	weft_t said = 0, task = create(who_am_i, &said);
	uint64_t id = weft_id(task);

	ck_assert_uint_ne(weft_self(), 0);
	ck_assert(!weft_equal(task, weft_self()));
	ck_assert_ptr_eq(result_of(task), (void *)(uintptr_t)id);
	ck_assert(weft_equal(said, task));
}

TASK_TEST(test_ids_are_never_used_twice, 2)
{
	enum { ROUNDS = 2000 };
	static uint64_t seen[ROUNDS + 1];

	seen[0] = weft_id(weft_self());
	for (int i = 1; i <= ROUNDS; i++) {
		weft_t task = create(give_back, NULL);
		int first = 0;

		seen[i] = weft_id(task);
		while (seen[first] != seen[i])
			first++;
		ck_assert_int_eq(first, i);
		result_of(task);
	}
}

TASK_TEST(test_id_of_no_task_is_0, 1)
{
	weft_t task = create(give_back, NULL);

	ck_assert_uint_ne(weft_id(task), 0);
	ck_assert_uint_ne(weft_id(weft_self()), 0);
	result_of(task);
	ck_assert_uint_eq(weft_id(task), 0);
	ck_assert_uint_eq(weft_id(0), 0);
	ck_assert_uint_eq(weft_id(~(weft_t)0), 0);
	ck_assert_uint_eq(weft_id(1), 0);
}

/* --- turns -------------------------------------------------------------------- */

static char order[MANY];

static void *note(void *letter)
{
	order[strlen(order)] = (char)(intptr_t)letter;
	return NULL;
}

static void *take_turns(void *letter)
{
	for (int i = 0; i < TURNS; i++) {
		note(letter);
		ck_assert_int_eq(weft_yield(), 0);
	}
	return NULL;
}

TASK_TEST(test_yield_lets_the_others_run_in_their_order, 1)
{
	weft_t tasks[6];

	for (int i = 0; i < 6; i++)
		tasks[i] = create(take_turns, as_arg((char)('a' + i)));
	for (int i = 0; i <= TURNS; i++) {
		note(as_arg('|'));
		weft_yield();
	}
	ck_assert_str_eq(order, "|abcdef|abcdef|abcdef|");
	for (int i = 0; i < 6; i++)
		result_of(tasks[i]);
}

static void note_go(void *letter)
{
	note(letter);
}

TASK_TEST(test_tasks_of_go_run_in_their_order, 1)
{
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(weft_go(note_go, as_arg((char)('a' + i))), 0);
	weft_yield();
	ck_assert_str_eq(order, "abcdefghij");
}

/* --- errno -------------------------------------------------------------------- */

/* How often errno was not what the task had left there. */
static void *keep_errno(void *arg)
{
	int own = (int)(intptr_t)arg;
	intptr_t wrong = errno != 0;

	for (int i = 0; i < 500; i++) {
		errno = own + i;
		weft_yield();
		wrong += errno != own + i;
	}
	return (void *)wrong;
}

TASK_TEST(test_errno_is_the_tasks_own_over_yields_and_threads, 4)
{
	weft_t tasks[16];

	errno = EDOM;
	for (int i = 0; i < 16; i++)
		tasks[i] = create(keep_errno, (void *)(intptr_t)(1000 * i + 1000));
	for (int i = 0; i < 16; i++) {
		ck_assert_ptr_null(result_of(tasks[i]));
		ck_assert_int_eq(errno, EDOM);
	}
}

static void *soil_errno(void *arg)
{
	errno = ERANGE;
	return arg;
}

TASK_TEST(test_errno_of_a_new_task_is_0, 1)
{
	errno = EDOM;
	for (int i = 0; i < 10; i++) {
		result_of(create(soil_errno, NULL));
		ck_assert_ptr_null(result_of(create(keep_errno, NULL)));
		ck_assert_int_eq(errno, EDOM);
	}
}

/* --- names -------------------------------------------------------------------- */

TASK_TEST(test_names_are_at_most_31_bytes, 1)
{
	static const char longest[] = "1234567890123456789012345678901";
	char name[WEFT_NAME_MAX + 2];
	weft_t self = weft_self();

	ck_assert_uint_eq(strlen(longest), WEFT_NAME_MAX);
	ck_assert_int_eq(weft_setname(self, longest), 0);
	ck_assert_int_eq(weft_getname(self, name, WEFT_NAME_MAX + 1), 0);
	ck_assert_str_eq(name, longest);
	strcpy(stpcpy(name, longest), "2");
	ck_assert_int_eq(weft_setname(self, name), ERANGE);
	ck_assert_int_eq(weft_getname(self, name, sizeof name), 0);
	ck_assert_str_eq(name, longest);
}

TASK_TEST(test_getname_into_a_small_buffer_is_erange, 1)
{
	char name[8] = "before";

	ck_assert_int_eq(weft_setname(weft_self(), "abcd"), 0);
	ck_assert_int_eq(weft_getname(weft_self(), name, 4), ERANGE);
	ck_assert_int_eq(weft_getname(weft_self(), name, 0), ERANGE);
	ck_assert_str_eq(name, "before");
	ck_assert_int_eq(weft_getname(weft_self(), name, 5), 0);
	ck_assert_str_eq(name, "abcd");
}

TASK_TEST(test_a_name_ends_with_its_task, 1)
{
	for (int i = 0; i < MANY; i++) {
		weft_t task = create(give_back, NULL);
		char name[WEFT_NAME_MAX + 1] = "?";

		ck_assert_int_eq(weft_getname(task, name, 1), 0);
		ck_assert_str_eq(name, "");
		ck_assert_int_eq(weft_setname(task, "first"), 0);
		ck_assert_int_eq(weft_setname(task, "then"), 0);
		ck_assert_int_eq(weft_getname(task, name, sizeof name), 0);
		ck_assert_str_eq(name, "then");
		result_of(task);
		ck_assert_int_eq(weft_getname(task, name, sizeof name), ESRCH);
		ck_assert_int_eq(weft_setname(task, "late"), ESRCH);
	}
}

TASK_TEST(test_names_of_nothing_are_einval_or_esrch, 1)
{
	char name[WEFT_NAME_MAX + 1];

	ck_assert_int_eq(weft_setname(weft_self(), NULL), EINVAL);
	ck_assert_int_eq(weft_getname(weft_self(), NULL, 8), EINVAL);
	ck_assert_int_eq(weft_setname(0, "nobody"), ESRCH);
	ck_assert_int_eq(weft_getname(0, name, sizeof name), ESRCH);
}

/* --- counters ----------------------------------------------------------------- */

TASK_TEST(test_stats_count_what_was_done, 1)
{
	weft_stats_t before, during, after;
	weft_t tasks[MANY];

	ck_assert_int_eq(weft_stats(&before, sizeof before), 0);
	ck_assert_uint_eq(before.procs, 1);
	ck_assert_uint_eq(before.tasks, 1);
	for (int i = 0; i < MANY; i++)
		tasks[i] = create(give_back, NULL);
	ck_assert_int_eq(weft_stats(&during, sizeof during), 0);
	ck_assert_uint_eq(during.created, before.created + MANY);
	ck_assert_uint_eq(during.runnable, MANY);
	ck_assert_uint_eq(during.tasks, MANY + 1);
	for (int i = 0; i < MANY; i++)
		result_of(tasks[i]);
	ck_assert_int_eq(weft_stats(&after, sizeof after), 0);
	ck_assert_uint_eq(after.finished, before.finished + MANY);
	ck_assert_uint_ge(after.switches, before.switches + MANY);
	ck_assert_uint_ge(after.parks, before.parks + 1);
	ck_assert_uint_eq(after.tasks, 1);
	ck_assert_uint_eq(after.runnable + after.parked + after.steals, 0);
	ck_assert_uint_ge(after.stacks, 1);
}

TASK_TEST(test_stats_write_as_much_as_the_caller_knows, 1)
{
	struct {
		weft_stats_t stats;
		uint64_t later[4];
	} wide;

	memset(&wide, 0xff, sizeof wide);
	ck_assert_int_eq(weft_stats(&wide.stats, offsetof(weft_stats_t, threads)), 0);
	ck_assert_uint_eq(wide.stats.procs, 1);
	ck_assert_uint_eq(wide.stats.threads, UINT64_MAX);
	ck_assert_int_eq(weft_stats(&wide.stats, sizeof wide), 0);
	ck_assert_uint_ge(wide.stats.threads, 1);
	ck_assert_uint_eq(wide.later[0] + wide.later[3], 0);
	ck_assert_int_eq(weft_stats(NULL, sizeof wide), EINVAL);
	ck_assert_int_eq(weft_stats(&wide.stats, 0), EINVAL);
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("task");

	suite_slice = -1;
	if (!disturbed())
		tcase_add_test(tests, test_go_runs_a_function_with_its_argument);
	tcase_add_test(tests, test_go_and_create_of_null_are_einval);
	tcase_add_test(tests, test_a_task_sees_what_its_creator_did_and_the_joiner_what_it_did);
	tcase_add_test(tests, test_self_is_the_handle_that_create_gave);
	tcase_add_test(tests, test_ids_are_never_used_twice);
	tcase_add_test(tests, test_id_of_no_task_is_0);
	if (!disturbed())
		tcase_add_test(tests, test_yield_lets_the_others_run_in_their_order);
	tcase_add_test(tests, test_tasks_of_go_run_in_their_order);
	tcase_add_test(tests, test_errno_is_the_tasks_own_over_yields_and_threads);
	tcase_add_test(tests, test_errno_of_a_new_task_is_0);
	tcase_add_test(tests, test_names_are_at_most_31_bytes);
	tcase_add_test(tests, test_getname_into_a_small_buffer_is_erange);
	tcase_add_test(tests, test_a_name_ends_with_its_task);
	tcase_add_test(tests, test_names_of_nothing_are_einval_or_esrch);
	if (!disturbed())
		tcase_add_test(tests, test_stats_count_what_was_done);
	tcase_add_test(tests, test_stats_write_as_much_as_the_caller_knows);
	return tests;
}
