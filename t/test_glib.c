/*
 * GThreadPool: what GLib documents. This source is built twice: with Weft's header first
 * (test_glib), and as GLib has it (test_glib_itself), so that what is asked for here is
 * what both do. What is of Weft alone stands below WEFT_COMPAT_GLIB_H.
 */
#include <stdatomic.h>

#include <weft.h>

#include "glib_suite.h"
#include "suite.h"

static _Atomic int running, most;
static char order[64];
static GThreadPool *own;

/* How many run at once, at the most. */
static void crowd(gpointer data, gpointer user_data)
{
	int now = ++running, before = most;

	while (now > before && !atomic_compare_exchange_weak(&most, &before, now))
		;
	g_usleep(200);
	running--;
	count(data, user_data);
}

static void note(gpointer data, gpointer user_data)
{
	(void)user_data;
	order[ran++] = *(char *)data;
}

/* --- how many ---------------------------------------------------------------------- */

START_TEST(test_the_public_fields_are_there)
{
	GThreadPool *pool = g_thread_pool_new(count, &user, 3, TRUE, NULL);

	ck_assert(pool->func == count);
	ck_assert_ptr_eq(pool->user_data, &user);
	ck_assert(pool->exclusive);
	ck_assert_int_eq(g_thread_pool_get_max_threads(pool), 3);
	ck_assert_uint_eq(g_thread_pool_get_num_threads(pool), 3);
	g_thread_pool_free(pool, FALSE, TRUE);
}
END_TEST

START_TEST(test_all_that_is_pushed_is_run)
{
	GThreadPool *pool = make(count, 4, _i);

	for (int i = 0; i < 10000; i++)
		push(pool, some);
	g_thread_pool_free(pool, FALSE, TRUE);
	ck_assert_int_eq(ran, 10000);
	ck_assert_int_eq(freed, 0);
}
END_TEST

START_TEST(test_max_threads_bounds_what_runs_at_once)
{
	GThreadPool *pool = make(hold, 2, FALSE);

	for (int i = 0; i < ITEMS; i++)
		push(pool, some);
	wait_for(&begun, 2);
	ck_assert_uint_eq(g_thread_pool_get_num_threads(pool), 2);
	ck_assert_uint_eq(g_thread_pool_unprocessed(pool), ITEMS - 2);
	ck_assert(g_thread_pool_set_max_threads(pool, 5, NULL));
	wait_for(&begun, 5);
	ck_assert(g_thread_pool_set_max_threads(pool, -1, NULL));
	ck_assert_int_eq(g_thread_pool_get_max_threads(pool), -1);
	wait_for(&begun, ITEMS);
	gate = 1;
	g_thread_pool_free(pool, FALSE, TRUE);
	ck_assert_int_eq(ran, ITEMS);
}
END_TEST

START_TEST(test_an_exclusive_pool_is_bounded_too)
{
	GThreadPool *pool = make(crowd, 3, TRUE);

	for (int i = 0; i < 100; i++)
		push(pool, some);
	g_thread_pool_free(pool, FALSE, TRUE);
	ck_assert_int_eq(ran, 100);
	ck_assert_int_le(most, 3);
}
END_TEST

START_TEST(test_a_lower_maximum_holds_once_what_runs_has_ended)
{
	GThreadPool *pool = make(hold, 4, _i);

	for (int i = 0; i < ITEMS; i++)
		push(pool, some);
	wait_for(&begun, 4);
	ck_assert(g_thread_pool_set_max_threads(pool, 1, NULL));
	ck_assert_int_eq(g_thread_pool_get_max_threads(pool), 1);
	ck_assert_uint_eq(g_thread_pool_get_num_threads(pool), 4);
	pool->func = crowd; /* of what begins from here on */
	gate = 1;
	g_thread_pool_free(pool, FALSE, TRUE);
	ck_assert_int_eq(ran, ITEMS);
	ck_assert_int_eq(most, 1);
}
END_TEST

START_TEST(test_with_a_maximum_of_0_nothing_runs)
{
	GThreadPool *pool = make(count, 0, FALSE);

	push(pool, some);
	g_usleep(20000);
	ck_assert_int_eq(ran, 0);
	ck_assert_uint_eq(g_thread_pool_get_num_threads(pool), 0);
	ck_assert(g_thread_pool_set_max_threads(pool, 1, NULL));
	wait_for(&ran, 1);
	g_thread_pool_free(pool, TRUE, TRUE);
}
END_TEST

static void push_more(gpointer data, gpointer user_data)
{
	count(data, user_data);
	if (*(char *)data > 'a')
		push(own, (char *)data - 1);
}

START_TEST(test_an_item_may_push_items)
{
	static char letters[] = "abcdefgh";

	own = make(push_more, 2, FALSE);
	push(own, &letters[7]);
	wait_for(&ran, 8);
	g_thread_pool_free(own, FALSE, TRUE);
	ck_assert_int_eq(ran, 8);
}
END_TEST

/* --- order ---------------------------------------------------------------------------- */

static gint by_letter(gconstpointer a, gconstpointer b, gpointer data)
{
	ck_assert_ptr_eq(data, &gate);
	return *(const char *)a - *(const char *)b;
}

static gint by_case(gconstpointer a, gconstpointer b, gpointer unused)
{
	(void)unused;
	return !!g_ascii_islower(*(const char *)a) - !!g_ascii_islower(*(const char *)b);
}

START_TEST(test_without_a_sort_function_the_first_pushed_is_first)
{
	static char letters[] = "dbeca";
	GThreadPool *pool = make(note, 0, FALSE);

	for (int i = 0; i < 5; i++)
		push(pool, &letters[i]);
	ck_assert(g_thread_pool_set_max_threads(pool, 1, NULL));
	g_thread_pool_free(pool, FALSE, TRUE);
	ck_assert_str_eq(order, "dbeca");
}
END_TEST

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
	ck_assert(!g_thread_pool_move_to_front(pool, some));
	ck_assert_int_eq(ran, 0);
	ck_assert(g_thread_pool_set_max_threads(pool, 1, NULL));
	g_thread_pool_free(pool, FALSE, TRUE);
	ck_assert_str_eq(order, "eabcd");
}
END_TEST

START_TEST(test_equal_items_stay_in_the_order_in_which_they_were_pushed)
{
	static char letters[] = "aAbBcCdDeEfFgGhH";
	GThreadPool *pool = make(note, 0, FALSE);

	for (int i = 0; i < 10; i++)
		push(pool, &letters[i]);
	g_thread_pool_set_sort_function(pool, by_case, NULL);
	for (int i = 10; i < 14; i++)
		push(pool, &letters[i]);
	g_thread_pool_set_sort_function(pool, NULL, NULL); /* sorts no more */
	push(pool, &letters[14]);
	push(pool, &letters[15]);
	ck_assert(g_thread_pool_set_max_threads(pool, 1, NULL));
	g_thread_pool_free(pool, FALSE, TRUE);
	ck_assert_str_eq(order, "ABCDEFGabcdefghH");
}
END_TEST

START_TEST(test_many_items_are_sorted)
{
	enum { MANY = 50000 };
	static guint32 numbers[MANY];
	GThreadPool *pool = make(count, 0, FALSE);

	for (int i = 0; i < MANY; i++) {
		numbers[i] = (guint32)i * 2654435761u;
		push(pool, (char *)&numbers[i]);
	}
	g_thread_pool_set_sort_function(pool, by_letter, (void *)&gate);
	ck_assert_uint_eq(g_thread_pool_unprocessed(pool), MANY);
	ck_assert(g_thread_pool_move_to_front(pool, &numbers[MANY / 2]));
	g_thread_pool_free(pool, TRUE, TRUE);
	ck_assert_int_eq(freed, MANY);
}
END_TEST

/* --- unused threads -------------------------------------------------------------------- */

START_TEST(test_what_is_set_for_unused_threads_is_told)
{
	ck_assert_int_eq(g_thread_pool_get_max_unused_threads(),
			 glib_check_version(2, 84, 0) ? 2 : 8);
	ck_assert_uint_eq(g_thread_pool_get_max_idle_time(), 15000);
	g_thread_pool_set_max_unused_threads(-1);
	g_thread_pool_set_max_idle_time(7);
	ck_assert_int_eq(g_thread_pool_get_max_unused_threads(), -1);
	ck_assert_uint_eq(g_thread_pool_get_max_idle_time(), 7);
	g_thread_pool_set_max_unused_threads(0);
	g_thread_pool_set_max_idle_time(0);
	ck_assert_int_eq(g_thread_pool_get_max_unused_threads(), 0);
	ck_assert_uint_eq(g_thread_pool_get_max_idle_time(), 0);
}
END_TEST

/* What a program can count on: soon there are no more than the maximum, and once they are
 * stopped there are none. */
START_TEST(test_unused_threads_are_no_more_than_the_maximum)
{
	GThreadPool *pool;

	g_thread_pool_set_max_unused_threads(3);
	pool = make(crowd, 8, FALSE);
	for (int i = 0; i < 200; i++)
		push(pool, some);
	wait_for(&ran, 200);
	g_thread_pool_free(pool, FALSE, TRUE);
	while (g_thread_pool_get_num_unused_threads() > 3) /* GLib's count before they end */
		g_usleep(1000);
	g_thread_pool_stop_unused_threads();
	while (g_thread_pool_get_num_unused_threads())
		g_usleep(1000);
}
END_TEST

START_TEST(test_a_shared_pool_without_items_gives_its_threads_up)
{
	GThreadPool *pool = make(count, 4, FALSE);

	for (int i = 0; i < 100; i++)
		push(pool, some);
	while (g_thread_pool_get_num_threads(pool)) /* GLib keeps them for half a second */
		g_usleep(1000);
	ck_assert_int_eq(ran, 100);
	push(pool, some);
	g_thread_pool_free(pool, FALSE, TRUE);
	ck_assert_int_eq(ran, 101);
}
END_TEST

/* --- misuse ------------------------------------------------------------------------------- */

static int criticals;

static void heed(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer unused)
{
	(void)domain, (void)message, (void)unused;
	ck_assert(level & G_LOG_LEVEL_CRITICAL);
	criticals++;
}

START_TEST(test_misuse_is_a_critical_warning_and_nothing_else)
{
	GThreadPool *pool;

	g_log_set_default_handler(heed, NULL);
	ck_assert_ptr_null(g_thread_pool_new(NULL, NULL, 1, FALSE, NULL));
	ck_assert_ptr_null(g_thread_pool_new(count, NULL, -1, TRUE, NULL));
	ck_assert_ptr_null(g_thread_pool_new(count, NULL, -2, FALSE, NULL));
	ck_assert(!g_thread_pool_push(NULL, some, NULL));
	ck_assert(!g_thread_pool_set_max_threads(NULL, 1, NULL));
	ck_assert_int_eq(g_thread_pool_get_max_threads(NULL), 0);
	ck_assert_uint_eq(g_thread_pool_get_num_threads(NULL), 0);
	ck_assert_uint_eq(g_thread_pool_unprocessed(NULL), 0);
	g_thread_pool_set_sort_function(NULL, by_case, NULL);
	g_thread_pool_free(NULL, TRUE, TRUE);
	g_thread_pool_set_max_unused_threads(-2);
	ck_assert_int_eq(criticals, 11);

	pool = make(count, 1, TRUE);
	ck_assert(!g_thread_pool_set_max_threads(pool, -1, NULL));
	ck_assert(!g_thread_pool_set_max_threads(pool, -2, NULL));
	ck_assert_int_eq(g_thread_pool_get_max_threads(pool), 1);
	ck_assert_int_eq(criticals, 13);
	g_thread_pool_free(pool, FALSE, TRUE);
}
END_TEST

START_TEST(test_a_pool_whose_items_may_not_run_is_not_freed_by_running_them)
{
	GThreadPool *pool = make(count, 0, FALSE);

	g_log_set_default_handler(heed, NULL);
	push(pool, some);
	g_thread_pool_free(pool, FALSE, FALSE);
	ck_assert_int_eq(criticals, 1);
	g_usleep(10000);
	ck_assert_int_eq(ran, 0);
	g_thread_pool_free(pool, TRUE, TRUE);
	ck_assert_int_eq(criticals, 1);
	ck_assert_int_eq(ran, 0);
	ck_assert_int_eq(freed, 1);
}
END_TEST

/* --- of Weft alone ------------------------------------------------------------------------ */

#ifdef WEFT_COMPAT_GLIB_H

START_TEST(test_there_are_no_unused_threads)
{
	GThreadPool *pool = make(count, 4, TRUE);

	for (int i = 0; i < 1000; i++) {
		push(pool, some);
		ck_assert_uint_eq(g_thread_pool_get_num_unused_threads(), 0);
	}
	g_thread_pool_free(pool, FALSE, TRUE);
	ck_assert_uint_eq(g_thread_pool_get_num_unused_threads(), 0);
}
END_TEST

static gint once_another_waits(gconstpointer a, gconstpointer b, gpointer unused)
{
	(void)a, (void)b, (void)unused;
	wait_parked(1);
	return 0;
}

static void *push_one(void *pool)
{
	push(pool, some);
	return NULL;
}

/* The sort function runs with the pool's lock held. */
TASK_TEST(test_who_waits_for_the_pools_lock_leaves_the_p_to_others, 1)
{
	GThreadPool *pool = make(count, 0, FALSE);
	weft_t pusher;

	push(pool, some);
	push(pool, some);
	pusher = create(push_one, pool);
	g_thread_pool_set_sort_function(pool, once_another_waits, NULL);
	g_thread_pool_set_sort_function(pool, NULL, NULL);
	result_of(pusher);
	ck_assert_uint_eq(g_thread_pool_unprocessed(pool), 3);
	g_thread_pool_free(pool, TRUE, TRUE);
}

#endif

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("glib");

	tcase_add_test(tests, test_the_public_fields_are_there);
	tcase_add_loop_test(tests, test_all_that_is_pushed_is_run, FALSE, TRUE + 1);
	tcase_add_test(tests, test_max_threads_bounds_what_runs_at_once);
	tcase_add_test(tests, test_an_exclusive_pool_is_bounded_too);
	tcase_add_loop_test(tests, test_a_lower_maximum_holds_once_what_runs_has_ended, FALSE,
			    TRUE + 1);
	tcase_add_test(tests, test_with_a_maximum_of_0_nothing_runs);
	tcase_add_test(tests, test_an_item_may_push_items);
	tcase_add_test(tests, test_without_a_sort_function_the_first_pushed_is_first);
	tcase_add_test(tests, test_a_sort_function_orders_what_waits);
	tcase_add_test(tests, test_equal_items_stay_in_the_order_in_which_they_were_pushed);
	tcase_add_test(tests, test_many_items_are_sorted);
	tcase_add_test(tests, test_what_is_set_for_unused_threads_is_told);
	tcase_add_test(tests, test_unused_threads_are_no_more_than_the_maximum);
	tcase_add_test(tests, test_a_shared_pool_without_items_gives_its_threads_up);
	tcase_add_test(tests, test_misuse_is_a_critical_warning_and_nothing_else);
	tcase_add_test(tests, test_a_pool_whose_items_may_not_run_is_not_freed_by_running_them);
#ifdef WEFT_COMPAT_GLIB_H
	tcase_add_test(tests, test_there_are_no_unused_threads);
	tcase_add_test(tests, test_who_waits_for_the_pools_lock_leaves_the_p_to_others);
#endif
	return tests;
}
