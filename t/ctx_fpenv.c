/*
 * The floating-point control words: a thread's, or a task's own under the fpenv
 * attribute.
 */
#include <stdbool.h>
#include <string.h>

#include <weft.h>

#include "ctx_layer.h"
#include "elsewhere.h"
#include "regs.h"

/* The words of the thread, and two that differ in how they round. */
struct three {
	struct fpwords plain, up, down;
};

static struct three three_words(void)
{
	struct three w;

	fpwords_get(&w.plain);
	w.up = (struct fpwords){w.plain.mxcsr | 0x4000, w.plain.x87 | 0x0800};
	w.down = (struct fpwords){w.plain.mxcsr | 0x2000, w.plain.x87 | 0x0400};
	return w;
}

static bool words_are(const struct fpwords *words)
{
	struct fpwords now;

	fpwords_get(&now);
	return !memcmp(&now, words, sizeof now);
}

static weft_t create(int own, void *(*fn)(void *), void *arg)
{
	weft_attr_t attr;
	weft_t task;

	ck_assert_int_eq(weft_attr_init(&attr), 0);
	ck_assert_int_eq(weft_attr_setfpenv(&attr, own), 0);
	ck_assert_int_eq(weft_create(&task, &attr, fn, arg), 0);
	weft_attr_destroy(&attr);
	return task;
}

static void run_alone(int (*main)(int, char **))
{
	weft_config_t config = {.procs = 1};

	ck_assert_int_eq(weft_configure(&config), 0);
	ck_assert_int_eq(weft_start(main, 0, NULL), 0);
}

static void *note_words(void *words)
{
	fpwords_get(words);
	return NULL;
}

static int inherit_main(int argc, char **argv)
{
	struct three w = three_words();
	struct fpwords seen[2];
	weft_t tasks[2];

	(void)argc, (void)argv;
	fpwords_set(&w.up);
	tasks[0] = create(1, note_words, &seen[0]);
	tasks[1] = create(1, note_words, &seen[1]);
	fpwords_set(&w.plain);
	ck_assert_int_eq(weft_join(tasks[1], NULL), 0);
	ck_assert_int_eq(weft_join(tasks[0], NULL), 0);
	ck_assert_mem_eq(&seen[0], &w.up, sizeof w.up);
	ck_assert_mem_eq(&seen[1], &w.up, sizeof w.up);
	ck_assert(words_are(&w.plain));
	return 0;
}

START_TEST(test_fpenv_begins_as_the_creators_was)
{
	run_alone(inherit_main);
}
END_TEST

static void *keep_words(void *words)
{
	fpwords_set(words);
	for (int i = 0; i < 20; i++) {
		weft_yield();
		ck_assert(words_are(words));
		if (i % 5 == 0)
			elsewhere();
		ck_assert(words_are(words));
	}
	return NULL;
}

static void *see_words(void *words)
{
	for (int i = 0; i < 20; i++) {
		ck_assert(words_are(words));
		weft_yield();
	}
	return NULL;
}

static int keep_main(int argc, char **argv)
{
	struct three w = three_words();
	weft_t tasks[] = {create(1, keep_words, &w.up), create(0, see_words, &w.plain),
			  create(1, keep_words, &w.down), create(1, see_words, &w.plain)};

	(void)argc, (void)argv;
	see_words(&w.plain);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(weft_join(tasks[i], NULL), 0);
	ck_assert(words_are(&w.plain));
	return 0;
}

START_TEST(test_fpenv_is_kept_over_switches_and_threads_and_others_do_not_see_it)
{
	run_alone(keep_main);
}
END_TEST

static void *return_with_words(void *words)
{
	fpwords_set(words);
	return NULL;
}

static void *exit_with_words(void *words)
{
	fpwords_set(words);
	weft_yield();
	weft_exit(NULL);
}

static int end_main(int argc, char **argv)
{
	struct three w = three_words();
	void *(*const fns[])(void *) = {return_with_words, exit_with_words};

	(void)argc, (void)argv;
	for (int i = 0; i < 8; i++) {
		weft_t task = create(1, fns[i % 2], &w.up);
		weft_t plain = create(0, see_words, &w.plain);

		if (i & 2)
			weft_yield();
		ck_assert_int_eq(weft_join(task, NULL), 0);
		ck_assert(words_are(&w.plain));
		ck_assert_int_eq(weft_join(plain, NULL), 0);
	}
	return 0;
}

START_TEST(test_fpenv_ends_with_its_task)
{
	run_alone(end_main);
}
END_TEST

static int shared_main(int argc, char **argv)
{
	struct three w = three_words();
	struct fpwords seen = {0, 0};
	weft_t task;

	(void)argc, (void)argv;
	fpwords_set(&w.down);
	task = create(0, note_words, &seen);
	ck_assert_int_eq(weft_join(task, NULL), 0);
	fpwords_set(&w.plain);
	ck_assert_mem_eq(&seen, &w.down, sizeof seen);
	return 0;
}

START_TEST(test_without_fpenv_the_words_are_the_threads)
{
	run_alone(shared_main);
}
END_TEST

TCase *ctx_fpenv_tests(void)
{
	TCase *tests = tcase_create("fpenv");

	tcase_set_timeout(tests, PATIENCE);
	tcase_add_test(tests, test_fpenv_begins_as_the_creators_was);
	tcase_add_test(tests,
		       test_fpenv_is_kept_over_switches_and_threads_and_others_do_not_see_it);
	tcase_add_test(tests, test_fpenv_ends_with_its_task);
	tcase_add_test(tests, test_without_fpenv_the_words_are_the_threads);
	return tests;
}
