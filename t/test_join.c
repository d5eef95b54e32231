/*
 * Joining, trying to, and detaching: whose, when, and in whose place a child runs.
 */
#include <string.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

static _Atomic int gate, step;

TASK_TEST(test_join_gives_the_value_or_drops_it, 1)
{
	static int value;
	weft_t task = create(give_back, &value);

	ck_assert_ptr_eq(result_of(task), &value);
	ck_assert_int_eq(weft_join(create(give_back, &value), NULL), 0);
	ck_assert_ptr_null(result_of(create(give_back, NULL)));
	task = create(give_back, &value);
	weft_yield(); /* it has ended */
	ck_assert_ptr_eq(result_of(task), &value);
}

static void no_such_task(weft_t handle)
{
	void *value = &gate;

	ck_assert_uint_eq(weft_id(handle), 0);
	ck_assert_int_eq(weft_tryjoin(handle, &value), ESRCH);
	ck_assert_int_eq(weft_detach(handle), ESRCH);
	ck_assert_int_eq(weft_cancel(handle), ESRCH);
	ck_assert_int_eq(weft_join(handle, &value), ESRCH);
	ck_assert_ptr_eq(value, &gate);
}

TASK_TEST(test_a_joined_task_is_esrch, 2)
{
	weft_t task = create(give_back, NULL), next;

	result_of(task);
	no_such_task(task);
	next = create(give_back, NULL); /* in the same memory, perhaps */
	ck_assert(!weft_equal(task, next));
	no_such_task(task);
	result_of(next);
}

TASK_TEST(test_handles_that_nobody_was_given_are_esrch, 1)
{
	const weft_t turn = (weft_t)1 << 32;

	no_such_task(0);
	no_such_task(1);
	no_such_task(UINT32_MAX);
	no_such_task(~(weft_t)0);
	no_such_task(turn << 31 | 12345);
	for (weft_t i = 1; i < 40; i++)
		no_such_task(i * turn); /* no task has the first index */
	no_such_task(weft_self() - turn);
	no_such_task(weft_self() + turn);
	no_such_task(weft_self() & UINT32_MAX);
}

/* There may be memory for them already. */
TASK_TEST(test_handles_of_tasks_to_come_are_esrch, 1)
{
	const weft_t turn = (weft_t)1 << 32;
	weft_t self = weft_self(), task = create(give_back, NULL);

	for (weft_t i = task - 10; i < task + 10; i++)
		if (i != self && i != task)
			no_such_task(i);
	result_of(task);
	no_such_task(task + turn);
}

static void wait_at_gate(void *unused)
{
	(void)unused;
	wait_for(&gate, 1);
	step = 1;
}

/* In the memory of the task before, for whose handle alone the next is made. */
TASK_TEST(test_a_guessed_handle_of_a_task_of_go_is_esrch, 1)
{
	const weft_t turn = (weft_t)1 << 32;
	weft_t task = create(give_back, NULL), guess = task + turn;

	result_of(task);
	ck_assert_int_eq(weft_go(wait_at_gate, NULL), 0);
	no_such_task(guess); /* queued */
	for (weft_t i = guess - 200; i < guess + 200; i++)
		ck_assert_int_eq(weft_tryjoin(i, NULL), ESRCH);
	weft_yield();
	no_such_task(guess); /* it runs */
	gate = 1;
	wait_for(&step, 1);
	task = create(give_back, &gate);
	ck_assert_ptr_eq(result_of(task), &gate);
}

static void *join_handle(void *handle)
{
	return (void *)(intptr_t)weft_join((weft_t)handle, NULL);
}

TASK_TEST(test_join_of_self_is_edeadlk, 1)
{
	ck_assert_int_eq(weft_join(weft_self(), NULL), EDEADLK);
	ck_assert_int_eq(weft_tryjoin(weft_self(), NULL), EDEADLK);
}

/* Joins a task that joins the caller by now, since that is all that is parked. */
static void *join_my_joiner(void *handle)
{
	wait_parked(1);
	return join_handle(handle);
}

TASK_TEST(test_join_of_ones_joiner_is_edeadlk, 1)
{
	weft_t task = create(join_my_joiner, (void *)weft_self());

	ck_assert_ptr_eq(result_of(task), (void *)(intptr_t)EDEADLK);
}

static _Atomic weft_t other[2];

static void *join_the_other(void *arg)
{
	intptr_t own = (intptr_t)arg, error;

	while (!other[!own])
		weft_yield();
	error = weft_join(other[!own], NULL);
	step += error == EDEADLK;
	return (void *)error;
}

/* The other one waits for the end of who is told, or comes when that is over. */
TASK_TEST(test_one_of_two_that_join_each_other_at_once_is_told, 4)
{
	for (unsigned i = 0; i < rounds(200); i++) {
		weft_t a, b;

		step = 0;
		other[0] = other[1] = 0;
		a = create(join_the_other, (void *)0);
		b = create(join_the_other, (void *)1);
		other[0] = a;
		other[1] = b;
		while (weft_id(a) && weft_tryjoin(a, NULL))
			weft_yield();
		while (weft_id(b) && weft_tryjoin(b, NULL))
			weft_yield();
		ck_assert_int_eq(step, 1);
	}
}

TASK_TEST(test_a_second_joiner_is_einval, 1)
{
	weft_t task = create(wait_and_give_back, &gate), first;

	first = create(join_handle, (void *)task);
	wait_parked(1);
	ck_assert_int_eq(weft_join(task, NULL), EINVAL);
	ck_assert_int_eq(weft_tryjoin(task, NULL), EINVAL);
	gate = 1;
	ck_assert_ptr_null(result_of(first));
	ck_assert_int_eq(weft_join(task, NULL), ESRCH);
}

TASK_TEST(test_a_cancelled_joiner_leaves_the_task_joinable, 1)
{
	weft_t task = create(wait_and_give_back, &gate), first;

	first = create(join_handle, (void *)task);
	wait_parked(1);
	ck_assert_int_eq(weft_cancel(first), 0);
	ck_assert_ptr_eq(result_of(first), WEFT_CANCELED);
	ck_assert_int_eq(weft_tryjoin(task, NULL), EBUSY);
	gate = 1;
	ck_assert_ptr_eq(result_of(task), &gate);
}

/* --- who runs when ------------------------------------------------------------ */

static char order[64];

static void *note(void *letter)
{
	order[strlen(order)] = (char)(intptr_t)letter;
	return letter;
}

static void *note_twice(void *letter)
{
	note(letter);
	weft_yield();
	return note(letter);
}

TASK_TEST(test_an_unstarted_child_runs_at_once, 1)
{
	weft_t first = create(note, as_arg('a')), second = create(note, as_arg('b')),
	       child = create(note, as_arg('c'));

	result_of(child);
	ck_assert_str_eq(order, "c");
	note(as_arg('|'));
	result_of(first);
	result_of(second);
	ck_assert_str_eq(order, "c|ab");
}

TASK_TEST(test_a_started_child_at_the_queues_tail_is_joined, 1)
{
	weft_t before = create(note_twice, as_arg('a')), child = create(note_twice, as_arg('b'));

	weft_yield();
	ck_assert_str_eq(order, "ab");
	ck_assert_ptr_eq(result_of(child), as_arg('b'));
	ck_assert_ptr_eq(result_of(before), as_arg('a'));
	ck_assert_uint_eq(strlen(order), 4);
}

static void *tell_and_wait_parked(void *arg)
{
	gate = 1;
	wait_parked(1);
	return arg;
}

/* The caller computes until another P has the child, then waits for it. */
TASK_TEST(test_a_child_that_another_p_stole_is_joined, 2)
{
	for (int i = 0; i < 100; i++) {
		weft_t child;

		gate = 0;
		child = create(tell_and_wait_parked, &order[i % 8]);
		while (!gate)
			;
		ck_assert_ptr_eq(result_of(child), &order[i % 8]);
	}
}

static void *tree(void *depth)
{
	uintptr_t n = (uintptr_t)depth;
	weft_t left, right;

	if (n == 0)
		return (void *)1;
	left = create(tree, (void *)(n - 1));
	right = create(tree, (void *)(n - 1));
	return (void *)((uintptr_t)result_of(left) + (uintptr_t)result_of(right));
}

TASK_TEST(test_a_tree_of_joins_adds_up, 4)
{
	ck_assert_ptr_eq(result_of(create(tree, (void *)10)), (void *)1024);
}

/* --- tryjoin and detach ------------------------------------------------------- */

TASK_TEST(test_tryjoin_is_ebusy_until_the_end, 1)
{
	weft_t task = create(wait_and_give_back, &gate);
	void *value = NULL;
	int error;

	ck_assert_int_eq(weft_tryjoin(task, &value), EBUSY);
	weft_yield();
	ck_assert_int_eq(weft_tryjoin(task, &value), EBUSY);
	ck_assert_ptr_null(value);
	gate = 1;
	while ((error = weft_tryjoin(task, &value)) == EBUSY)
		weft_yield();
	ck_assert_int_eq(error, 0);
	ck_assert_ptr_eq(value, &gate);
	ck_assert_int_eq(weft_tryjoin(task, &value), ESRCH);
}

TASK_TEST(test_a_detached_task_is_einval_then_esrch, 1)
{
	weft_t task = create(wait_and_give_back, &gate);

	ck_assert_int_eq(weft_detach(task), 0);
	ck_assert_int_eq(weft_detach(task), EINVAL);
	ck_assert_int_eq(weft_join(task, NULL), EINVAL);
	ck_assert_int_eq(weft_tryjoin(task, NULL), EINVAL);
	gate = 1;
	while (weft_id(task))
		weft_yield();
	no_such_task(task);
}

TASK_TEST(test_detach_of_an_ended_task_ends_its_handle, 1)
{
	weft_t task = create(give_back, NULL);

	weft_yield();
	ck_assert_uint_ne(weft_id(task), 0);
	ck_assert_int_eq(weft_detach(task), 0);
	no_such_task(task);
}

static void tell_own_handle(void *handle)
{
	*(_Atomic weft_t *)handle = weft_self();
	wait_for(&gate, 1);
}

TASK_TEST(test_a_task_of_go_can_not_be_joined, 1)
{
	static _Atomic weft_t handle;

	ck_assert_int_eq(weft_go(tell_own_handle, &handle), 0);
	while (!handle)
		weft_yield();
	ck_assert_int_eq(weft_join(handle, NULL), EINVAL);
	ck_assert_int_eq(weft_detach(handle), EINVAL);
	gate = 1;
	while (weft_id(handle))
		weft_yield();
	no_such_task(handle);
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("join");

	suite_slice = -1;
	tcase_add_test(tests, test_join_gives_the_value_or_drops_it);
	tcase_add_test(tests, test_a_joined_task_is_esrch);
	tcase_add_test(tests, test_handles_that_nobody_was_given_are_esrch);
	tcase_add_test(tests, test_handles_of_tasks_to_come_are_esrch);
	tcase_add_test(tests, test_a_guessed_handle_of_a_task_of_go_is_esrch);
	tcase_add_test(tests, test_join_of_self_is_edeadlk);
	tcase_add_test(tests, test_join_of_ones_joiner_is_edeadlk);
	tcase_add_test(tests, test_one_of_two_that_join_each_other_at_once_is_told);
	tcase_add_test(tests, test_a_second_joiner_is_einval);
	tcase_add_test(tests, test_a_cancelled_joiner_leaves_the_task_joinable);
	if (!disturbed()) { /* what has run after a yield is told */
		tcase_add_test(tests, test_an_unstarted_child_runs_at_once);
		tcase_add_test(tests, test_a_started_child_at_the_queues_tail_is_joined);
		tcase_add_test(tests, test_detach_of_an_ended_task_ends_its_handle);
	}
	tcase_add_test(tests, test_a_child_that_another_p_stole_is_joined);
	tcase_add_test(tests, test_a_tree_of_joins_adds_up);
	tcase_add_test(tests, test_tryjoin_is_ebusy_until_the_end);
	tcase_add_test(tests, test_a_detached_task_is_einval_then_esrch);
	tcase_add_test(tests, test_a_task_of_go_can_not_be_joined);
	return tests;
}
