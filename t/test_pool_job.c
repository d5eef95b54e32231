/*
 * Jobs of a pool find their task as new, whatever the one before them did to it.
 */
#include <string.h>

#include <weft.h>

#include "pool_jobs.h"
#include "suite.h"

/* --- what a job leaves behind ----------------------------------------------------------- */

static weft_key_t key;
static _Atomic int destroyed;

static void destructor(void *value)
{
	(void)value;
	destroyed++;
}

static void leave_traces(void *arg)
{
	(void)arg;
	ck_assert_int_eq(errno, 0);
	ck_assert_ptr_null(weft_getspecific(key));
	ck_assert_int_eq(destroyed, ran);
	errno = EDOM;
	weft_setspecific(key, &key);
	ran++;
}

TASK_TEST(test_errno_and_keys_are_the_jobs_own, 1)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 1});

	ck_assert_int_eq(weft_key_create(&key, destructor), 0);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(weft_pool_submit(pool, leave_traces, NULL), 0);
	ck_assert_int_eq(weft_pool_wait(pool), 0);
	ck_assert_int_eq(destroyed, 20);
	drain(pool);
}

static void change_state(void *arg)
{
	int state, type;

	(void)arg;
	weft_setcancelstate(WEFT_CANCEL_DISABLE, &state);
	weft_setcanceltype(WEFT_CANCEL_ASYNCHRONOUS, &type);
	ck_assert_int_eq(state, WEFT_CANCEL_ENABLE);
	ck_assert_int_eq(type, WEFT_CANCEL_DEFERRED);
	weft_lock_thread();
	ran++;
}

TASK_TEST(test_cancellation_state_and_binding_are_the_jobs_own, 2)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 1});

	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(weft_pool_submit(pool, change_state, NULL), 0);
	drain(pool);
	ck_assert_int_eq(ran, 20);
}

static void leave(void *value)
{
	ran++;
	weft_exit(value);
}

static void cancel_itself(void *arg)
{
	(void)arg;
	ran++;
	weft_cancel(weft_self());
	weft_testcancel();
	ck_abort();
}

static void cancel_late(void *arg)
{
	(void)arg;
	ran++;
	weft_cancel(weft_self()); /* and ends before it is acted upon */
}

static void wait_a_little(void *arg)
{
	(void)arg;
	weft_testcancel();
	ran++;
}

TASK_TEST(test_a_job_that_exits_or_is_cancelled_takes_no_other_along, 2)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.workers = 2});
	static void (*const fns[])(void *) = {leave, cancel_itself, cancel_late, wait_a_little,
					      count};

	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(weft_pool_submit(pool, fns[i % 5], NULL), 0);
	ck_assert_int_eq(weft_pool_wait(pool), 0);
	ck_assert_int_eq(ran, 1000);
	ck_assert_uint_eq(stats_of(pool).finished, 1000);
	drain(pool);
}

static char letter[] = "x";

static void look_at_itself(void *arg)
{
	char room[100000], name[32];

	memset(room, *(char *)arg, sizeof room);
	ck_assert_int_eq(weft_getname(weft_self(), name, sizeof name), 0);
	ck_assert_str_eq(name, "pool's");
	ran += room[5000] == *(char *)arg;
}

TASK_TEST(test_its_tasks_have_the_name_and_the_stack_that_was_asked_for, 1)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){.name = "pool's", .stack_size = 1 << 20});

	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(weft_pool_submit(pool, look_at_itself, letter), 0);
	drain(pool);
	ck_assert_int_eq(ran, 10);
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("pool_job");

	tcase_add_test(tests, test_errno_and_keys_are_the_jobs_own);
	tcase_add_test(tests, test_cancellation_state_and_binding_are_the_jobs_own);
	tcase_add_test(tests, test_a_job_that_exits_or_is_cancelled_takes_no_other_along);
	tcase_add_test(tests, test_its_tasks_have_the_name_and_the_stack_that_was_asked_for);
	return tests;
}
