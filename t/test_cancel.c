/*
 * Ending a task from within and from outside: weft_exit, the clean-up that it
 * brings, cancellation and its states.
 */
#include <string.h>

#include <weft.h>

#include "suite.h"

static _Atomic int gate, begun;
static char ran[32];

static void note(void *letter)
{
	ran[strlen(ran)] = (char)(intptr_t)letter;
}

/* --- exit --------------------------------------------------------------------- */

static weft_key_t key;

static void exit_deeper(int levels, void (*end)(void *))
{
	weft_cleanup_push(note, as_arg((char)('a' + levels)));
	if (levels > 0)
		exit_deeper(levels - 1, end);
	else
		end(ran);
	weft_cleanup_pop(1);
}

static void *exit_with_a_key(void *arg)
{
	ck_assert_int_eq(weft_setspecific(key, as_arg('k')), 0);
	weft_cleanup_push(note, as_arg('x'));
	weft_cleanup_push(note, as_arg('y'));
	weft_cleanup_pop(0);
	exit_deeper(2, weft_exit);
	weft_cleanup_pop(1);
	return arg;
}

TASK_TEST(test_exit_runs_handlers_innermost_first_then_key_destructors, 1)
{
	ck_assert_int_eq(weft_key_create(&key, note), 0);
	ck_assert_ptr_eq(result_of(create(exit_with_a_key, NULL)), ran);
	ck_assert_str_eq(ran, "abcxk");
}

static void *pop_and_return(void *arg)
{
	weft_cleanup_push(note, as_arg('1'));
	weft_cleanup_push(note, as_arg('0'));
	weft_cleanup_pop(0);
	weft_cleanup_pop(1);
	note(as_arg('r'));
	return arg;
}

TASK_TEST(test_pop_runs_a_handler_only_when_told_to, 1)
{
	ck_assert_ptr_eq(result_of(create(pop_and_return, &gate)), &gate);
	ck_assert_str_eq(ran, "1r");
}

static void join_child(void *value)
{
	weft_t child = create(wait_and_give_back, &gate);

	gate = 1;
	ck_assert_int_eq(weft_join(child, value), 0);
}

static void *wait_for_cancel(void *arg)
{
	weft_cleanup_push(join_child, arg);
	begun = 1;
	while (begun) {
		weft_testcancel();
		weft_yield();
	}
	weft_cleanup_pop(0);
	return NULL;
}

TASK_TEST(test_handlers_of_a_cancelled_task_may_join_and_it_stays_cancelled, 1)
{
	static void *value;
	weft_t task = create(wait_for_cancel, &value);

	wait_for(&begun, 1);
	ck_assert_int_eq(weft_cancel(task), 0);
	ck_assert_ptr_eq(result_of(task), WEFT_CANCELED);
	ck_assert_ptr_eq(value, &gate);
}

static void *join_main(void *main)
{
	void *value;

	ck_assert_int_eq(weft_join((weft_t)main, &value), 0);
	ck_assert_ptr_eq(value, ran);
	begun = 1;
	return NULL;
}

static void main_exits(void)
{
	ck_assert_int_eq(weft_detach(create(join_main, (void *)weft_self())), 0);
	wait_parked(1);
	weft_exit(ran);
}

START_TEST(test_main_that_exits_leaves_its_value_to_a_joiner)
{
	as_task(2, main_exits);
	ck_assert_int_eq(begun, 1);
}
END_TEST

/* --- cancellation ------------------------------------------------------------- */

static void *join_it(void *task)
{
	weft_cleanup_push(note, as_arg('c'));
	begun = 1;
	weft_join((weft_t)task, NULL);
	note(as_arg('!'));
	weft_cleanup_pop(0);
	return NULL;
}

TASK_TEST(test_cancel_ends_a_task_in_join, 1)
{
	weft_t target = create(wait_and_give_back, &gate);
	weft_t task = create(join_it, (void *)target);

	wait_parked(1);
	ck_assert_int_eq(weft_cancel(task), 0);
	ck_assert_int_eq(weft_cancel(task), 0);
	ck_assert_ptr_eq(result_of(task), WEFT_CANCELED);
	ck_assert_str_eq(ran, "c");
	gate = 1;
	result_of(target);
}

TASK_TEST(test_cancel_before_the_start_acts_at_the_first_waiting_call, 1)
{
	weft_t target = create(wait_and_give_back, &gate);
	weft_t task = create(join_it, (void *)target);

	ck_assert_int_eq(weft_cancel(task), 0);
	ck_assert_int_eq(begun, 0);
	ck_assert_ptr_eq(result_of(task), WEFT_CANCELED);
	ck_assert_int_eq(begun, 1);
	ck_assert_str_eq(ran, "c");
	gate = 1;
	result_of(target);
}

static void *cancel_self(void *arg)
{
	ck_assert_int_eq(weft_cancel(weft_self()), 0);
	weft_yield(); /* neither is a waiting call */
	ck_assert_int_eq(weft_tryjoin((weft_t)arg, NULL), EBUSY);
	note(as_arg('t'));
	weft_testcancel();
	note(as_arg('!'));
	return NULL;
}

TASK_TEST(test_testcancel_acts_and_calls_that_do_not_wait_do_not, 1)
{
	weft_t target = create(wait_and_give_back, &gate);

	ck_assert_ptr_eq(result_of(create(cancel_self, (void *)target)), WEFT_CANCELED);
	ck_assert_str_eq(ran, "t");
	gate = 1;
	result_of(target);
}

static void *join_disabled(void *task)
{
	int old = -1;

	ck_assert_int_eq(weft_setcancelstate(WEFT_CANCEL_DISABLE, &old), 0);
	ck_assert_int_eq(old, WEFT_CANCEL_ENABLE);
	ck_assert_ptr_eq(result_of((weft_t)task), &gate);
	weft_testcancel();
	note(as_arg('d'));
	ck_assert_int_eq(weft_setcancelstate(WEFT_CANCEL_ENABLE, &old), 0);
	ck_assert_int_eq(old, WEFT_CANCEL_DISABLE);
	note(as_arg('e'));
	weft_testcancel();
	note(as_arg('!'));
	return NULL;
}

TASK_TEST(test_a_request_under_disable_stays_pending_and_join_gets_its_result, 2)
{
	weft_t task = create(join_disabled, (void *)create(wait_and_give_back, &gate));

	wait_parked(1);
	ck_assert_int_eq(weft_cancel(task), 0);
	for (int i = 0; i < 10; i++)
		weft_yield();
	ck_assert_int_eq(weft_tryjoin(task, NULL), EBUSY);
	gate = 1;
	ck_assert_ptr_eq(result_of(task), WEFT_CANCELED);
	ck_assert_str_eq(ran, "de");
}

/* ECANCELED comes once, testcancel does nothing, and then clean-up may wait. */
static void *join_masked(void *task)
{
	int old = -1;

	ck_assert_int_eq(weft_setcancelstate(WEFT_CANCEL_MASKED, NULL), 0);
	begun = 1;
	while (gate < 0) {
		weft_testcancel();
		weft_yield();
	}
	ck_assert_int_eq(weft_join((weft_t)task, NULL), ECANCELED);
	gate = 1;
	ck_assert_ptr_eq(result_of((weft_t)task), &gate);
	ck_assert_int_eq(weft_setcancelstate(WEFT_CANCEL_MASKED, &old), 0);
	ck_assert_int_eq(old, WEFT_CANCEL_DISABLE);
	return ran;
}

TASK_TEST(test_masked_a_join_that_meets_a_request_is_ecanceled_once, 2)
{
	weft_t task;

	gate = -1;
	task = create(join_masked, (void *)create(wait_and_give_back, &gate));
	wait_for(&begun, 1);
	ck_assert_int_eq(weft_cancel(task), 0);
	gate = 0;
	ck_assert_ptr_eq(result_of(task), ran);
}

TASK_TEST(test_masked_a_task_in_join_is_woken_with_ecanceled_once, 2)
{
	weft_t task = create(join_masked, (void *)create(wait_and_give_back, &gate));

	wait_parked(1);
	ck_assert_int_eq(weft_cancel(task), 0);
	ck_assert_ptr_eq(result_of(task), ran);
}

static void *ended(void *arg)
{
	note(as_arg('z'));
	return arg;
}

/* What has taken effect is told, not the request. */
TASK_TEST(test_cancel_of_an_ended_task_changes_nothing, 1)
{
	weft_t task = create(ended, ran);

	weft_yield();
	ck_assert_str_eq(ran, "z");
	ck_assert_int_eq(weft_cancel(task), 0);
	ck_assert_ptr_eq(result_of(task), ran);
	ck_assert_int_eq(weft_cancel(task), ESRCH);
	ck_assert_int_eq(weft_cancel(0), ESRCH);
	ck_assert_ptr_eq(result_of(create(join_it, (void *)create(ended, NULL))), NULL);
}

static void *note_states(void *arg)
{
	int state = -1, type = -1;

	ck_assert_int_eq(weft_setcancelstate(WEFT_CANCEL_DISABLE, &state), 0);
	ck_assert_int_eq(weft_setcanceltype(WEFT_CANCEL_ASYNCHRONOUS, &type), 0);
	ck_assert_int_eq(state, WEFT_CANCEL_ENABLE);
	ck_assert_int_eq(type, WEFT_CANCEL_DEFERRED);
	ck_assert_int_eq(weft_setcanceltype(WEFT_CANCEL_DEFERRED, &type), 0);
	ck_assert_int_eq(type, WEFT_CANCEL_ASYNCHRONOUS);
	return arg;
}

/* Nor does a task inherit them from who was on its stack, or made it. */
TASK_TEST(test_states_and_types_are_the_tasks_own_and_unknown_ones_einval, 1)
{
	int old = -1;

	ck_assert_int_eq(weft_setcancelstate(WEFT_CANCEL_MASKED, &old), 0);
	for (int i = 0; i < 4; i++)
		result_of(create(note_states, NULL));
	ck_assert_int_eq(weft_setcancelstate(3, &old), EINVAL);
	ck_assert_int_eq(weft_setcancelstate(-1, &old), EINVAL);
	ck_assert_int_eq(old, WEFT_CANCEL_ENABLE);
	ck_assert_int_eq(weft_setcancelstate(WEFT_CANCEL_ENABLE, &old), 0);
	ck_assert_int_eq(old, WEFT_CANCEL_MASKED);
	ck_assert_int_eq(weft_setcanceltype(2, &old), EINVAL);
	ck_assert_int_eq(weft_setcanceltype(WEFT_CANCEL_DEFERRED, NULL), 0);
}

/* Each gets the child's result or is cancelled, and then the child is joinable. */
TASK_TEST(test_a_cancel_and_an_end_at_once_give_one_of_the_two, 4)
{
	for (int i = 0; i < 300; i++) {
		weft_t child, task;
		void *value;

		gate = begun = 0;
		memset(ran, 0, sizeof ran);
		child = create(wait_and_give_back, &gate);
		task = create(join_it, (void *)child);
		wait_for(&begun, 1);
		gate = 1;
		ck_assert_int_eq(weft_cancel(task), 0);
		value = result_of(task);
		ck_assert_str_eq(ran, value ? "c" : "!");
		ck_assert_ptr_eq(value, value ? WEFT_CANCELED : NULL);
		ck_assert_int_eq(weft_join(child, NULL), value ? 0 : ESRCH);
	}
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("cancel");

	tcase_add_test(tests, test_exit_runs_handlers_innermost_first_then_key_destructors);
	tcase_add_test(tests, test_pop_runs_a_handler_only_when_told_to);
	tcase_add_test(tests, test_handlers_of_a_cancelled_task_may_join_and_it_stays_cancelled);
	tcase_add_test(tests, test_main_that_exits_leaves_its_value_to_a_joiner);
	tcase_add_test(tests, test_cancel_ends_a_task_in_join);
	tcase_add_test(tests, test_cancel_before_the_start_acts_at_the_first_waiting_call);
	tcase_add_test(tests, test_testcancel_acts_and_calls_that_do_not_wait_do_not);
	tcase_add_test(tests, test_a_request_under_disable_stays_pending_and_join_gets_its_result);
	tcase_add_test(tests, test_masked_a_join_that_meets_a_request_is_ecanceled_once);
	tcase_add_test(tests, test_masked_a_task_in_join_is_woken_with_ecanceled_once);
	tcase_add_test(tests, test_cancel_of_an_ended_task_changes_nothing);
	tcase_add_test(tests, test_states_and_types_are_the_tasks_own_and_unknown_ones_einval);
	tcase_add_test(tests, test_a_cancel_and_an_end_at_once_give_one_of_the_two);
	return tests;
}
