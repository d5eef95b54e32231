/*
 * What the tests of GThreadPool share.
 */
#include "glib_suite.h"

#include "suite.h"

_Atomic int ran, begun, gate, freed;
char some[] = "some", user;

void count(gpointer data, gpointer user_data)
{
	ck_assert_ptr_eq(user_data, &user);
	ck_assert_ptr_nonnull(data);
	ran++;
}

void hold(gpointer data, gpointer user_data)
{
	begun++;
	wait_for(&gate, 1);
	count(data, user_data);
}

static void free_item(gpointer data)
{
	ck_assert_ptr_nonnull(data);
	freed++;
}

GThreadPool *make(GFunc func, int max, gboolean exclusive)
{
	GError *error = NULL;
	GThreadPool *pool = g_thread_pool_new_full(func, &user, free_item, max, exclusive, &error);

	ck_assert_ptr_nonnull(pool);
	ck_assert_ptr_null(error);
	return pool;
}

void push(GThreadPool *pool, char *data)
{
	GError *error = NULL;

	ck_assert(g_thread_pool_push(pool, data, &error));
	ck_assert_ptr_null(error);
}
