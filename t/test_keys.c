/*
 * Task-specific data: keys, whose values they hold, and destructors.
 */
#include <weft.h>

#include "suite.h"

static weft_key_t keys[WEFT_KEYS_MAX + 1];
static _Atomic int destroyed;
static void *_Atomic last;

static void note(void *value)
{
	last = value;
	destroyed++;
}

static weft_key_t new_key(void (*destructor)(void *))
{
	weft_key_t key = 77777;

	ck_assert_int_eq(weft_key_create(&key, destructor), 0);
	ck_assert_uint_lt(key, WEFT_KEYS_MAX);
	ck_assert_ptr_null(weft_getspecific(key));
	return key;
}

/* After as many as there may be; the last lie beyond what a task has room for. */
static void all_keys(void (*destructor)(void *))
{
	for (int i = 0; i < WEFT_KEYS_MAX; i++)
		keys[i] = new_key(destructor);
}

START_TEST(test_1024_keys_exist_then_eagain)
{
	weft_key_t key = 77;

	all_keys(NULL);
	ck_assert_int_eq(weft_key_create(&key, NULL), EAGAIN);
	ck_assert_uint_eq(key, 77);
	ck_assert_int_eq(weft_key_delete(keys[500]), 0);
	ck_assert_uint_eq(new_key(NULL), keys[500]);
	ck_assert_int_eq(weft_key_create(&key, NULL), EAGAIN);
}
END_TEST

TASK_TEST(test_keys_that_do_not_exist_are_einval, 1)
{
	weft_key_t key = new_key(note);

	ck_assert_int_eq(weft_key_create(NULL, NULL), EINVAL);
	ck_assert_int_eq(weft_setspecific(key, &key), 0);
	ck_assert_int_eq(weft_key_delete(key), 0);
	ck_assert_int_eq(weft_key_delete(key), EINVAL);
	ck_assert_int_eq(weft_setspecific(key, &key), EINVAL);
	ck_assert_ptr_null(weft_getspecific(key));
	ck_assert_int_eq(weft_key_delete(WEFT_KEYS_MAX), EINVAL);
	ck_assert_int_eq(weft_setspecific(WEFT_KEYS_MAX, &key), EINVAL);
	ck_assert_int_eq(weft_setspecific(~0u, &key), EINVAL);
	ck_assert_ptr_null(weft_getspecific(~0u));
	ck_assert_int_eq(weft_setspecific(key + 1, NULL), EINVAL);
}

static void *set_a_value(void *arg)
{
	ck_assert_int_eq(weft_setspecific(keys[0], arg), 0);
	ck_assert_ptr_eq(weft_getspecific(keys[0]), arg);
	return arg;
}

TASK_TEST(test_destructor_gets_the_value_and_is_not_called_for_null, 1)
{
	keys[0] = new_key(note);
	result_of(create(set_a_value, &keys[7]));
	ck_assert_int_eq(destroyed, 1);
	ck_assert_ptr_eq(last, &keys[7]);
	result_of(create(set_a_value, NULL));
	result_of(create(give_back, NULL));
	ck_assert_int_eq(destroyed, 1);
	keys[0] = new_key(NULL);
	result_of(create(set_a_value, &keys[7]));
	ck_assert_int_eq(destroyed, 1);
}

static void set_again(void *value)
{
	note(value);
	ck_assert_ptr_null(weft_getspecific(keys[0]));
	ck_assert_int_eq(weft_setspecific(keys[0], value), 0);
}

TASK_TEST(test_destructors_that_set_again_are_called_4_times, 1)
{
	keys[0] = new_key(set_again);
	result_of(create(set_a_value, keys));
	ck_assert_int_eq(destroyed, WEFT_DESTRUCTOR_ITERATIONS);
	result_of(create(give_back, NULL));
	ck_assert_int_eq(destroyed, WEFT_DESTRUCTOR_ITERATIONS);
}

static void set_the_other(void *value)
{
	note(value);
	ck_assert_int_eq(weft_setspecific(keys[1], &keys[1]), 0);
}

TASK_TEST(test_a_value_set_by_a_destructor_is_destroyed_too, 1)
{
	keys[1] = new_key(note);
	keys[0] = new_key(set_the_other);
	result_of(create(set_a_value, keys)); /* in the next round */
	ck_assert_int_eq(destroyed, 2);
	keys[1] = new_key(note);
	result_of(create(set_a_value, keys)); /* in the same */
	ck_assert_int_eq(destroyed, 4);
	ck_assert_ptr_eq(last, &keys[1]);
}

static void yield_and_join(void *value)
{
	weft_yield();
	ck_assert_ptr_eq(result_of(create(give_back, &last)), &last);
	note(value);
}

static void *set_and_exit(void *arg)
{
	set_a_value(arg);
	weft_exit(arg);
}

TASK_TEST(test_destructors_may_join_and_the_tasks_result_stays, 2)
{
	keys[0] = new_key(yield_and_join);
	ck_assert_ptr_eq(result_of(create(set_a_value, keys)), keys);
	ck_assert_int_eq(destroyed, 1);
	ck_assert_ptr_eq(result_of(create(set_and_exit, keys)), keys);
	ck_assert_int_eq(destroyed, 2);
}

static void *delete_own(void *arg)
{
	set_a_value(arg);
	ck_assert_int_eq(weft_key_delete(keys[0]), 0);
	return arg;
}

TASK_TEST(test_delete_calls_no_destructor_nor_does_the_tasks_end, 1)
{
	keys[0] = new_key(note);
	result_of(create(delete_own, keys));
	ck_assert_int_eq(destroyed, 0);
}

TASK_TEST(test_a_value_of_a_deleted_key_is_not_seen_under_its_successor, 1)
{
	for (int i = 0; i < 100; i++) {
		weft_key_t key = new_key(note);

		ck_assert_ptr_null(weft_getspecific(key));
		ck_assert_int_eq(weft_setspecific(key, &keys[i]), 0);
		ck_assert_int_eq(weft_key_delete(key), 0);
	}
	ck_assert_int_eq(destroyed, 0);
}

static void *delete_and_make_again(void *arg)
{
	weft_key_t key;

	set_a_value(arg);
	ck_assert_int_eq(weft_key_delete(keys[0]), 0);
	key = new_key(note);
	ck_assert_uint_eq(key, keys[0]);
	return arg;
}

TASK_TEST(test_a_successors_destructor_does_not_get_its_predecessors_value, 1)
{
	keys[0] = new_key(NULL);
	result_of(create(delete_and_make_again, keys));
	ck_assert_int_eq(destroyed, 0);
}

/* How many values were not the task's own. */
static void *keep_values(void *arg)
{
	intptr_t wrong = 0;
	char *own = arg;

	for (int i = 0; i < WEFT_KEYS_MAX; i += 93) {
		wrong += weft_getspecific(keys[i]) != NULL;
		wrong += weft_setspecific(keys[i], own + i) != 0;
	}
	for (int turn = 0; turn < 20; turn++) {
		weft_yield();
		for (int i = 0; i < WEFT_KEYS_MAX; i++)
			wrong += weft_getspecific(keys[i]) != (i % 93 ? NULL : own + i);
	}
	return (void *)wrong;
}

TASK_TEST(test_values_are_each_tasks_own, 4)
{
	enum { TASKS = 40, SET = (WEFT_KEYS_MAX + 92) / 93 };
	static char owners[TASKS][WEFT_KEYS_MAX + 1];
	weft_t tasks[TASKS];

	all_keys(note);
	for (int i = 0; i < TASKS; i++)
		tasks[i] = create(keep_values, owners[i]);
	for (int i = 0; i < TASKS; i++)
		ck_assert_ptr_null(result_of(tasks[i]));
	ck_assert_int_eq(destroyed, TASKS * SET);
}

static void *make_and_delete(void *unused)
{
	intptr_t wrong = 0;

	for (int i = 0; i < 300; i++) {
		weft_key_t key;

		wrong += weft_key_create(&key, note) != 0 || weft_getspecific(key) ||
			 weft_setspecific(key, &wrong);
		weft_yield();
		wrong += weft_getspecific(key) != &wrong || weft_key_delete(key);
	}
	(void)unused;
	return (void *)wrong;
}

TASK_TEST(test_no_two_that_make_keys_at_once_get_the_same, 4)
{
	weft_t tasks[8];

	for (int i = 0; i < 8; i++)
		tasks[i] = create(make_and_delete, NULL);
	for (int i = 0; i < 8; i++)
		ck_assert_ptr_null(result_of(tasks[i]));
	ck_assert_int_eq(destroyed, 0);
}

/* --- foreign threads ---------------------------------------------------------- */

START_TEST(test_a_foreign_thread_has_values_and_destructors_at_its_end)
{
	static char owner[WEFT_KEYS_MAX + 1];

	keys[0] = new_key(note);
	ck_assert_int_eq(weft_setspecific(keys[0], &keys[1]), 0);
	ck_assert_ptr_eq(on_thread(set_a_value, owner), owner);
	ck_assert_int_eq(destroyed, 1);
	ck_assert_ptr_eq(last, owner);
	ck_assert_ptr_eq(weft_getspecific(keys[0]), &keys[1]);
	for (int i = 1; i < WEFT_KEYS_MAX; i++)
		keys[i] = new_key(note);
	destroyed = 0;
	ck_assert_int_eq(weft_setspecific(keys[0], NULL), 0);
	ck_assert_ptr_null(on_thread(keep_values, owner));
	ck_assert_int_eq(destroyed, (WEFT_KEYS_MAX + 92) / 93);
}
END_TEST

START_TEST(test_a_foreign_threads_values_outlive_the_runtime)
{
	static char values[100];

	ck_assert_int_eq(weft_init(), 0);
	for (int i = 0; i < 100; i++) {
		keys[i] = new_key(note);
		ck_assert_int_eq(weft_setspecific(keys[i], &values[i]), 0);
	}
	for (int round = 0; round < 3; round++) {
		ck_assert_int_eq(weft_shutdown(), 0);
		for (int i = 0; i < 100; i++)
			ck_assert_ptr_eq(weft_getspecific(keys[i]), &values[i]);
		ck_assert_ptr_null(result_of(create(give_back, NULL)));
	}
}
END_TEST

START_TEST(test_a_foreign_threads_destructors_are_called_up_to_4_times_and_may_wait)
{
	keys[0] = new_key(set_again);
	on_thread(set_a_value, keys);
	ck_assert_int_eq(destroyed, WEFT_DESTRUCTOR_ITERATIONS);
	keys[0] = new_key(yield_and_join);
	on_thread(set_a_value, keys);
	ck_assert_int_eq(destroyed, WEFT_DESTRUCTOR_ITERATIONS + 1);
}
END_TEST

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("keys");

	tcase_add_test(tests, test_1024_keys_exist_then_eagain);
	tcase_add_test(tests, test_keys_that_do_not_exist_are_einval);
	tcase_add_test(tests, test_destructor_gets_the_value_and_is_not_called_for_null);
	tcase_add_test(tests, test_destructors_that_set_again_are_called_4_times);
	tcase_add_test(tests, test_a_value_set_by_a_destructor_is_destroyed_too);
	tcase_add_test(tests, test_destructors_may_join_and_the_tasks_result_stays);
	tcase_add_test(tests, test_delete_calls_no_destructor_nor_does_the_tasks_end);
	tcase_add_test(tests, test_a_value_of_a_deleted_key_is_not_seen_under_its_successor);
	tcase_add_test(tests, test_a_successors_destructor_does_not_get_its_predecessors_value);
	tcase_add_test(tests, test_values_are_each_tasks_own);
	tcase_add_test(tests, test_no_two_that_make_keys_at_once_get_the_same);
	tcase_add_test(tests, test_a_foreign_thread_has_values_and_destructors_at_its_end);
	tcase_add_test(tests, test_a_foreign_threads_values_outlive_the_runtime);
	tcase_add_test(tests,
		       test_a_foreign_threads_destructors_are_called_up_to_4_times_and_may_wait);
	return tests;
}
