/*
 * GThreadPool on Weft: what GLib documents.
 */
#include <glib.h>
#include <string.h>

#include <weft.h>

#include "suite.h"

static _Atomic int ran, begun, gate, freed;
static char order[64], user;

static void count(gpointer data, gpointer user_data)
{
	ck_assert_ptr_eq(user_data, &user);
	ck_assert_ptr_nonnull(data);
	ran++;
}

static void hold(gpointer data, gpointer user_data)
{
	begun++;
	wait_for(&gate, 1);
	count(data, user_data);
}

static void note(gpointer data, gpointer user_data)
{
	(void)user_data;
	order[ran++] = *(char *)data;
}

static void free_item(gpointer data)
{
	(void)data;
	freed++;
}

static GThreadPool *make(GFunc func, int max, gboolean exclusive)
{
	GError *error = NULL;
	GThreadPool *pool = g_thread_pool_new_full(func, &user, free_item, max, exclusive, &error);

	ck_assert_ptr_nonnull(pool);
	ck_assert_ptr_null(error);
	return pool;
}

static void push(GThreadPool *pool, char *data)
{
	GError *error = NULL;

	ck_assert(g_thread_pool_push(pool, data, &error));
	ck_assert_ptr_null(error);
}

START_TEST(test_the_public_fields_are_there)
{
	GThreadPool *pool = g_thread_pool_new(count, &user, 3, TRUE, NULL);

	ck_assert(pool->func == count);
	ck_assert_ptr_eq(pool->user_data, &user);
	ck_assert(pool->exclusive);
	ck_assert_int_eq(g_thread_pool_get_max_threads(pool), 3);
	ck_assert_uint_eq(g_thread_pool_get_num_threads(pool), 3);
	g_thread_pool_free(pool, FALSE, TRUE);
	ck_assert_int_eq(weft_shutdown(), 0);
}
END_TEST

START_TEST(test_all_that_is_pushed_is_run)
{
	GThreadPool *pool = make(count, 4, FALSE);

	for (int i = 0; i < 10000; i++)
		push(pool, order);
	g_thread_pool_free(pool, FALSE, TRUE);
	ck_assert_int_eq(ran, 10000);
	ck_assert_int_eq(freed, 0);
}
END_TEST

START_TEST(test_max_threads_bounds_what_runs_at_once)
{
	GThreadPool *pool = make(hold, 2, FALSE);

	for (int i = 0; i < 10; i++)
		push(pool, order);
	wait_for(&begun, 2);
	ck_assert_uint_eq(g_thread_pool_get_num_threads(pool), 2);
	ck_assert_uint_eq(g_thread_pool_unprocessed(pool), 8);
	ck_assert(g_thread_pool_set_max_threads(pool, 5, NULL));
	wait_for(&begun, 5);
	ck_assert(g_thread_pool_set_max_threads(pool, -1, NULL));
	ck_assert_int_eq(g_thread_pool_get_max_threads(pool), -1);
	wait_for(&begun, 10);
	gate = 1;
	g_thread_pool_free(pool, FALSE, TRUE);
	ck_assert_int_eq(ran, 10);
}
END_TEST

START_TEST(test_freeing_at_once_drops_and_frees_what_waits)
{
	GThreadPool *pool = make(hold, 1, TRUE);

	for (int i = 0; i < 5; i++)
		push(pool, order);
	wait_for(&begun, 1);
	g_thread_pool_free(pool, TRUE, FALSE);
	ck_assert_int_eq(freed, 4);
	gate = 1;
	wait_for(&ran, 1);
	while (weft_shutdown() == EBUSY) /* until the pool is gone */
		g_usleep(1000);
	ck_assert_int_eq(ran, 1);
}
END_TEST

START_TEST(test_freeing_without_waiting_runs_what_waits)
{
	GThreadPool *pool = make(hold, 1, FALSE);

	for (int i = 0; i < 5; i++)
		push(pool, order);
	g_thread_pool_free(pool, FALSE, FALSE);
	gate = 1;
	wait_for(&ran, 5);
	while (weft_shutdown() == EBUSY)
		g_usleep(1000);
	ck_assert_int_eq(freed, 0);
}
END_TEST

static gint by_letter(gconstpointer a, gconstpointer b, gpointer data)
{
	ck_assert_ptr_eq(data, &gate);
	return *(const char *)a - *(const char *)b;
}

START_TEST(test_a_sort_function_orders_what_waits)
{
	static char letters[] = "dbeca";
	GThreadPool *pool = make(note, 0, FALSE);

	for (int i = 0; i < 3; i++)
		push(pool, &letters[i]);
	g_thread_pool_set_sort_function(pool, by_letter, (void *)&gate);
	for (int i = 3; i < 5; i++)
		push(pool, &letters[i]);
	ck_assert_uint_eq(g_thread_pool_unprocessed(pool), 5);
	ck_assert(g_thread_pool_move_to_front(pool, &letters[2]));
	ck_assert(!g_thread_pool_move_to_front(pool, order));
	ck_assert_int_eq(ran, 0);
	ck_assert(g_thread_pool_set_max_threads(pool, 1, NULL));
	g_thread_pool_free(pool, FALSE, TRUE);
	ck_assert_str_eq(order, "eabcd");
}
END_TEST

START_TEST(test_unused_threads_are_told_as_set)
{
	ck_assert_int_eq(g_thread_pool_get_max_unused_threads(), 8);
	ck_assert_uint_eq(g_thread_pool_get_max_idle_time(), 15000);
	g_thread_pool_set_max_unused_threads(-1);
	g_thread_pool_set_max_idle_time(7);
	ck_assert_int_eq(g_thread_pool_get_max_unused_threads(), -1);
	ck_assert_uint_eq(g_thread_pool_get_max_idle_time(), 7);
	ck_assert_uint_eq(g_thread_pool_get_num_unused_threads(), 0);
	g_thread_pool_stop_unused_threads();
}
END_TEST

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("glib");

	tcase_add_test(tests, test_the_public_fields_are_there);
	tcase_add_test(tests, test_all_that_is_pushed_is_run);
	tcase_add_test(tests, test_max_threads_bounds_what_runs_at_once);
	tcase_add_test(tests, test_freeing_at_once_drops_and_frees_what_waits);
	tcase_add_test(tests, test_freeing_without_waiting_runs_what_waits);
	tcase_add_test(tests, test_a_sort_function_orders_what_waits);
	tcase_add_test(tests, test_unused_threads_are_told_as_set);
	return tests;
}
