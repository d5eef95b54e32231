/*
 * Ending a task from anywhere in it: clean-up handlers and cleanup attributes run
 * innermost first, then the keys' destructors. Compiled with -fexceptions.
 */
#include <string.h>

#include <weft.h>

#include "ctx_layer.h"

/* What ran, in its order: a letter each. */
struct record {
	char ran[32];
};

struct mark {
	struct record *record;
	char letter;
};

static void ran(void *arg)
{
	struct mark *mark = arg;
	size_t n = strlen(mark->record->ran);

	mark->record->ran[n] = mark->letter;
	weft_yield();
}

static void left(struct mark *mark)
{
	ran(mark);
}

#define ON_LEAVING(name, letter)                                                                   \
	__attribute__((cleanup(left), unused)) struct mark name = {record, letter}

typedef void ending(void);

__attribute__((noinline)) static void attribute_alone(struct record *record, ending *end)
{
	ON_LEAVING(mark, 'a');

	end();
}

__attribute__((noinline)) static void handler_alone(struct record *record, ending *end)
{
	struct mark mark = {record, 'b'};

	weft_cleanup_push(ran, &mark);
	attribute_alone(record, end);
	weft_cleanup_pop(0);
}

__attribute__((noinline)) static void attribute_again(struct record *record, ending *end)
{
	ON_LEAVING(mark, 'c');

	handler_alone(record, end);
}

__attribute__((noinline)) static void handlers_nested(struct record *record, ending *end)
{
	struct mark outer = {record, 'e'}, inner = {record, 'd'}, popped = {record, '!'};

	weft_cleanup_push(ran, &outer);
	weft_cleanup_push(ran, &inner);
	weft_cleanup_push(ran, &popped);
	weft_cleanup_pop(0);
	attribute_again(record, end);
	weft_cleanup_pop(1);
	weft_cleanup_pop(1);
}

static void by_exit(void)
{
	weft_exit((void *)77);
}

static void by_cancel(void)
{
	weft_cancel(weft_self());
	weft_testcancel();
}

static weft_key_t key;

static void destroyed(void *arg)
{
	ran(arg);
}

static struct mark keyed;

static void *exit_below(void *record)
{
	keyed = (struct mark){record, 'k'};
	weft_setspecific(key, &keyed);
	handlers_nested(record, by_exit);
	return NULL;
}

static void *cancel_below(void *record)
{
	keyed = (struct mark){record, 'k'};
	weft_setspecific(key, &keyed);
	handlers_nested(record, by_cancel);
	return NULL;
}

static int order_main(int argc, char **argv)
{
	struct record exited = {""}, cancelled = {""};
	weft_t task;
	void *value;

	(void)argc, (void)argv;
	ck_assert_int_eq(weft_key_create(&key, destroyed), 0);
	ck_assert_int_eq(weft_create(&task, NULL, exit_below, &exited), 0);
	ck_assert_int_eq(weft_join(task, &value), 0);
	ck_assert_ptr_eq(value, (void *)77);
	ck_assert_str_eq(exited.ran, "abcdek");
	ck_assert_int_eq(weft_create(&task, NULL, cancel_below, &cancelled), 0);
	ck_assert_int_eq(weft_join(task, &value), 0);
	ck_assert_ptr_eq(value, WEFT_CANCELED);
	ck_assert_str_eq(cancelled.ran, "abcdek");
	return 0;
}

START_TEST(test_exit_and_cancel_clean_up_innermost_first_then_destroy_keys)
{
	ck_assert_int_eq(weft_start(order_main, 0, NULL), 0);
}
END_TEST

/* The same in one frame, as an inlining compiler makes one of many. */
static void *exit_in_one_frame(void *arg)
{
	struct record *record = arg;
	struct mark inner = {record, 'b'}, outer = {record, 'd'};

	weft_cleanup_push(ran, &outer);
	{
		ON_LEAVING(mark, 'c');

		weft_cleanup_push(ran, &inner);
		{
			ON_LEAVING(last, 'a');

			weft_exit(NULL);
		}
		weft_cleanup_pop(0);
	}
	weft_cleanup_pop(0);
	return NULL;
}

static int one_frame_main(int argc, char **argv)
{
	struct record record = {""};
	weft_t task;

	(void)argc, (void)argv;
	ck_assert_int_eq(weft_create(&task, NULL, exit_in_one_frame, &record), 0);
	ck_assert_int_eq(weft_join(task, NULL), 0);
	ck_assert_str_eq(record.ran, "abcd");
	return 0;
}

START_TEST(test_exit_cleans_up_innermost_first_within_a_frame)
{
	ck_assert_int_eq(weft_start(one_frame_main, 0, NULL), 0);
}
END_TEST

static struct record main_record;

static int exit_main(int argc, char **argv)
{
	(void)argc, (void)argv;
	handlers_nested(&main_record, by_exit);
	return 1;
}

START_TEST(test_exit_of_main_cleans_up_too)
{
	ck_assert_int_eq(weft_start(exit_main, 0, NULL), 0);
	ck_assert_str_eq(main_record.ran, "abcde");
}
END_TEST

TCase *ctx_exit_tests(void)
{
	TCase *tests = tcase_create("exit");

	tcase_set_timeout(tests, PATIENCE);
	tcase_add_test(tests, test_exit_and_cancel_clean_up_innermost_first_then_destroy_keys);
	tcase_add_test(tests, test_exit_cleans_up_innermost_first_within_a_frame);
	tcase_add_test(tests, test_exit_of_main_cleans_up_too);
	return tests;
}
