/*
 * GThreadPool freed: what GLib documents. This source is built twice: with Weft's header first
 * (test_glib_free), and as GLib has it (test_glib_free_itself), so that what is asked for here is
 * what both do. What is of Weft alone stands below WEFT_COMPAT_GLIB_H.
 */
#include <malloc.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <weft.h>

#include "child.h"
#include "glib_suite.h"
#include "suite.h"

static GThreadPool *own;

/* A pool of which one item runs, behind the gate, and the others wait. */
static GThreadPool *busy(gboolean exclusive)
{
	GThreadPool *pool = make(hold, 1, exclusive);

	for (int i = 0; i < ITEMS; i++)
		push(pool, some);
	wait_for(&begun, 1);
	ck_assert_uint_eq(g_thread_pool_unprocessed(pool), ITEMS - 1);
	return pool;
}

static gpointer open_later(gpointer nothing)
{
	g_usleep(30000);
	gate = 1;
	return nothing;
}

START_TEST(test_freeing_at_once_and_waiting_drops_what_waits_and_sees_what_runs_end)
{
	GThreadPool *pool = busy(_i);
	GThread *opener = g_thread_new("opener", open_later, NULL);

	g_thread_pool_free(pool, TRUE, TRUE);
	ck_assert_int_eq(ran, 1);
	ck_assert_int_eq(freed, ITEMS - 1);
	g_thread_join(opener);
}
END_TEST

START_TEST(test_freeing_at_once_without_waiting_drops_what_waits)
{
	g_thread_pool_free(busy(_i), TRUE, FALSE);
	ck_assert_int_eq(ran, 0);
	gate = 1;
	wait_for(&freed, ITEMS - 1);
	wait_for(&ran, 1);
	g_usleep(20000);
	ck_assert_int_eq(ran, 1);
}
END_TEST

START_TEST(test_freeing_and_waiting_runs_what_waits)
{
	GThreadPool *pool = busy(_i);
	GThread *opener = g_thread_new("opener", open_later, NULL);

	g_thread_pool_free(pool, FALSE, TRUE);
	ck_assert_int_eq(ran, ITEMS);
	ck_assert_int_eq(freed, 0);
	g_thread_join(opener);
}
END_TEST

START_TEST(test_freeing_without_waiting_runs_what_waits_later)
{
	g_thread_pool_free(busy(_i), FALSE, FALSE);
	ck_assert_int_eq(ran, 0);
	gate = 1;
	wait_for(&ran, ITEMS);
	ck_assert_int_eq(freed, 0);
}
END_TEST

static _Atomic int criticals;

static void heed(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer unused)
{
	(void)domain, (void)message, (void)unused;
	ck_assert(level & G_LOG_LEVEL_CRITICAL);
	criticals++;
}

/* Then nobody may use it, which is seen as long as it is there. */
static void free_own(gpointer data, gpointer user_data)
{
	wait_for(&gate, 1); /* the others are pushed */
	g_thread_pool_free(own, TRUE, FALSE);
	ck_assert(!g_thread_pool_push(own, some, NULL));
	ck_assert(!g_thread_pool_set_max_threads(own, 2, NULL));
	g_thread_pool_free(own, TRUE, FALSE);
	ck_assert_int_eq(criticals, 3);
	count(data, user_data);
}

START_TEST(test_an_item_may_free_its_pool)
{
	g_log_set_default_handler(heed, NULL);
	own = make(free_own, 1, FALSE);
	for (int i = 0; i < ITEMS; i++)
		push(own, some);
	gate = 1;
	wait_for(&ran, 1);
	wait_for(&freed, ITEMS - 1);
	ck_assert_int_eq(ran, 1);
}
END_TEST

/* --- of Weft alone ------------------------------------------------------------------------ */

#ifdef WEFT_COMPAT_GLIB_H

START_TEST(test_nothing_is_left_of_a_freed_pool)
{
	GThreadPool *pool = busy(FALSE);

	g_thread_pool_free(pool, _i & 1, FALSE);
	gate = 1;
	while (weft_shutdown() == EBUSY) /* until the pool is gone */
		g_usleep(1000);
	ck_assert_int_eq(ran, _i & 1 ? 1 : ITEMS);
}
END_TEST

/* Memory for items is there, in the heap of malloc; but none for jobs. */
START_TEST(test_an_item_that_no_job_could_be_had_for_is_run_all_the_same)
{
	GThreadPool *pool = make(count, 0, FALSE);
	struct rlimit before, none = {0};
	void *volatile heap; /* else the compiler leaves it out */
	GError *error = NULL;
	int pushed = 0;

	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	heap = malloc(31 << 20);
	free(heap);
	ck_assert_int_eq(getrlimit(RLIMIT_AS, &before), 0);
	none.rlim_max = before.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
	do
		pushed++;
	while (g_thread_pool_push(pool, some, &error));
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);
	ck_assert(g_error_matches(error, G_THREAD_ERROR, G_THREAD_ERROR_AGAIN));
	g_clear_error(&error);
	ck_assert_uint_eq(g_thread_pool_unprocessed(pool), (guint)pushed);
	ck_assert(g_thread_pool_set_max_threads(pool, 2, NULL));
	if (_i & 1)
		wait_for(&ran, pushed);
	g_thread_pool_free(pool, FALSE, TRUE);
	ck_assert_int_eq(ran, pushed);
}
END_TEST

#endif

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("glib_free");

	tcase_add_loop_test(
		tests, test_freeing_at_once_and_waiting_drops_what_waits_and_sees_what_runs_end,
		FALSE, TRUE + 1);
	tcase_add_loop_test(tests, test_freeing_at_once_without_waiting_drops_what_waits, FALSE,
			    TRUE + 1);
	tcase_add_loop_test(tests, test_freeing_and_waiting_runs_what_waits, FALSE, TRUE + 1);
	tcase_add_loop_test(tests, test_freeing_without_waiting_runs_what_waits_later, FALSE,
			    TRUE + 1);
	tcase_add_test(tests, test_an_item_may_free_its_pool);
#ifdef WEFT_COMPAT_GLIB_H
	tcase_add_loop_test(tests, test_nothing_is_left_of_a_freed_pool, 0, 2);
	if (!SANITIZED) /* which takes malloc's memory elsewhere */
		tcase_add_loop_test(
			tests, test_an_item_that_no_job_could_be_had_for_is_run_all_the_same, 0, 2);
#endif
	return tests;
}
