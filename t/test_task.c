/*
 * Tasks: making them, what they are called, how they end, and what is theirs.
 */
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "suite.h"

/* --- weft_go and weft_create ------------------------------------------------------- */

static _Atomic int ran;

static void count(void *by)
{
	ran += (int)(intptr_t)by;
}

static void go_runs(void)
{
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(weft_go(count, (void *)(intptr_t)1), 0);
	while (ran < 100)
		weft_yield();
}

START_TEST(test_go_runs_its_function_once_with_its_argument)
{
	as_main(go_runs);
	ck_assert_int_eq(ran, 100);
}
END_TEST

static void nulls(void)
{
	weft_t task = 7;

	ck_assert_int_eq(weft_go(NULL, NULL), EINVAL);
	ck_assert_int_eq(weft_create(NULL, NULL, give_back, NULL), EINVAL);
	ck_assert_int_eq(weft_create(&task, NULL, NULL, NULL), EINVAL);
	ck_assert_uint_eq(task, 7);
}

START_TEST(test_null_function_or_handle_is_einval)
{
	nulls();
	as_main(nulls);
}
END_TEST

static void destroyed(void)
{
	weft_attr_t attr;
	weft_t task;

	ck_assert_int_eq(weft_attr_init(&attr), 0);
	ck_assert_int_eq(weft_attr_destroy(&attr), 0);
	ck_assert_int_eq(weft_create(&task, &attr, give_back, NULL), EINVAL);
	ck_assert_int_eq(weft_attr_init(&attr), 0);
	ck_assert_int_eq(weft_create(&task, &attr, give_back, NULL), 0);
	ck_assert_int_eq(weft_join(task, NULL), 0);
}

START_TEST(test_create_with_a_destroyed_attribute_is_einval)
{
	destroyed();
	as_main(destroyed);
}
END_TEST

static int plain;

static void *read_plain(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)plain;
}

static void sees_before(void)
{
	for (int i = 0; i < 1000; i++) {
		plain = i;
		must(joined(created(read_plain, NULL)) == (void *)(intptr_t)i);
	}
}

START_TEST(test_new_task_sees_what_its_creator_did_before)
{
	on_procs(2, sees_before);
}
END_TEST

/* --- handles and numbers ------------------------------------------------------------ */

static void *tell_self(void *unused)
{
	(void)unused;
	return (void *)weft_self();
}

static void self_is_handle(void)
{
	weft_t task = created(tell_self, NULL);

	ck_assert_uint_ne(task, 0);
	ck_assert(joined(task) == (void *)task);
	ck_assert_uint_ne(weft_self(), 0);
	ck_assert(weft_equal(weft_self(), weft_self()));
	ck_assert(!weft_equal(weft_self(), task));
}

START_TEST(test_self_is_the_handle_that_create_gave)
{
	as_main(self_is_handle);
}
END_TEST

static weft_t of_go;

static void note_self(void *unused)
{
	(void)unused;
	of_go = weft_self();
	while (!ran)
		weft_yield();
}

static void self_of_go(void)
{
	must(weft_go(note_self, NULL) == 0);
	weft_yield();
	ck_assert_uint_ne(weft_id(of_go), 0);
	ck_assert_int_eq(weft_join(of_go, NULL), EINVAL);
	ck_assert_int_eq(weft_tryjoin(of_go, NULL), EINVAL);
	ck_assert_int_eq(weft_detach(of_go), EINVAL);
	ck_assert_int_eq(weft_setname(of_go, "gone"), 0);
	ran = 1;
	weft_yield();
	ck_assert_int_eq(weft_cancel(of_go), ESRCH);
	ck_assert_uint_eq(weft_id(of_go), 0);
}

START_TEST(test_self_of_a_task_made_by_go_is_a_detached_one)
{
	as_main(self_of_go);
}
END_TEST

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void ids_unique(void)
{
	enum { IDS = 5000 };
	static uint64_t id[IDS];

	for (int i = 0; i < IDS; i++) {
		weft_t task = created(give_back, NULL);

		id[i] = weft_id(task);
		must(id[i] != 0);
		joined(task);
		must(weft_id(task) == 0);
	}
	qsort(id, IDS, sizeof *id, ascending);
	for (int i = 1; i < IDS; i++)
		must(id[i] != id[i - 1]);
}

START_TEST(test_id_is_never_used_twice_and_0_when_stale)
{
	as_main(ids_unique);
}
END_TEST

START_TEST(test_id_of_no_task_is_0)
{
	ck_assert_uint_eq(weft_id(0), 0);
	ck_assert_uint_eq(weft_id(~0UL), 0);
	as_main(ids_unique);
	ck_assert_uint_eq(weft_id(0), 0);
	ck_assert_uint_eq(weft_id(~0UL), 0);
	ck_assert_uint_eq(weft_id(1UL << 32 | 0xfffff), 0);
}
END_TEST

static void stale_calls(void)
{
	weft_t task = created(give_back, NULL);
	char name[32];

	joined(task);
	ck_assert_int_eq(weft_join(task, NULL), ESRCH);
	ck_assert_int_eq(weft_tryjoin(task, NULL), ESRCH);
	ck_assert_int_eq(weft_detach(task), ESRCH);
	ck_assert_int_eq(weft_cancel(task), ESRCH);
	ck_assert_int_eq(weft_setname(task, "x"), ESRCH);
	ck_assert_int_eq(weft_getname(task, name, sizeof name), ESRCH);
	ck_assert_int_eq(weft_join(0, NULL), ESRCH);
	ck_assert_int_eq(weft_cancel(~0UL), ESRCH);
}

START_TEST(test_every_call_with_a_stale_handle_is_esrch)
{
	as_main(stale_calls);
	ck_assert_int_eq(weft_cancel(0), ESRCH);
}
END_TEST

/* --- names --------------------------------------------------------------------------- */

static const char longest[] = "0123456789012345678901234567890"; /* 31 bytes */

static void names(void)
{
	char name[64];
	weft_t task = created(yield_once, NULL);

	memset(name, 'x', sizeof name);
	ck_assert_int_eq(weft_getname(task, name, sizeof name), 0);
	ck_assert_str_eq(name, "");
	ck_assert_int_eq(weft_setname(task, longest), 0);
	ck_assert_int_eq(weft_getname(task, name, sizeof longest), 0);
	ck_assert_str_eq(name, longest);
	ck_assert_int_eq(weft_setname(task, "01234567890123456789012345678901"), ERANGE);
	ck_assert_int_eq(weft_getname(task, name, sizeof longest - 1), ERANGE);
	ck_assert_int_eq(weft_getname(task, name, 0), ERANGE);
	ck_assert_int_eq(weft_setname(task, NULL), EINVAL);
	ck_assert_int_eq(weft_getname(task, NULL, 10), EINVAL);
	ck_assert_int_eq(weft_setname(task, "b"), 0);
	ck_assert_int_eq(weft_getname(task, name, 2), 0);
	ck_assert_str_eq(name, "b");
	ck_assert_int_eq(weft_setname(task, ""), 0);
	ck_assert_int_eq(weft_getname(task, name, 1), 0);
	ck_assert_str_eq(name, "");
	joined(task);
}

START_TEST(test_name_has_31_bytes_at_most_and_erange_beyond)
{
	as_main(names);
}
END_TEST

/* Slots are used again: the next task has not the name of the one before. */
static void names_end(void)
{
	char name[32];

	for (int i = 0; i < 300; i++) {
		weft_t task = created(give_back, NULL);

		must(weft_getname(task, name, sizeof name) == 0 && !*name);
		must(weft_setname(task, "mine") == 0);
		joined(task);
	}
}

START_TEST(test_name_ends_with_its_task)
{
	as_main(names_end);
}
END_TEST

static void *change_names(void *arg)
{
	char name[32];

	for (int i = 0; i < 500; i++) {
		must(weft_setname((weft_t)arg, i % 2 ? "odd" : "even") == 0);
		must(weft_getname((weft_t)arg, name, sizeof name) == 0);
		must(!strcmp(name, "odd") || !strcmp(name, "even"));
		weft_yield();
	}
	return NULL;
}

static void names_shared(void)
{
	enum { TASKS = 8 };
	weft_t tasks[TASKS];

	for (int i = 0; i < TASKS; i++)
		tasks[i] = created(change_names, (void *)weft_self());
	for (int i = 0; i < TASKS; i++)
		joined(tasks[i]);
}

START_TEST(test_name_is_whole_whoever_sets_it_meanwhile)
{
	on_procs(2, names_shared);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("task");
	TCase *make = suite_case(suite, "make"), *handle = suite_case(suite, "handle");
	TCase *name = suite_case(suite, "name");

	tcase_add_test(make, test_go_runs_its_function_once_with_its_argument);
	tcase_add_test(make, test_null_function_or_handle_is_einval);
	tcase_add_test(make, test_create_with_a_destroyed_attribute_is_einval);
	tcase_add_test(make, test_new_task_sees_what_its_creator_did_before);
	tcase_add_test(handle, test_self_is_the_handle_that_create_gave);
	tcase_add_test(handle, test_self_of_a_task_made_by_go_is_a_detached_one);
	tcase_add_test(handle, test_id_is_never_used_twice_and_0_when_stale);
	tcase_add_test(handle, test_id_of_no_task_is_0);
	tcase_add_test(handle, test_every_call_with_a_stale_handle_is_esrch);
	tcase_add_test(name, test_name_has_31_bytes_at_most_and_erange_beyond);
	tcase_add_test(name, test_name_ends_with_its_task);
	tcase_add_test(name, test_name_is_whole_whoever_sets_it_meanwhile);
	return suite_run(suite);
}
