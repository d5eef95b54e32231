/*
 * A program written for GLib's GThreadPool, unchanged: words are measured, the longest
 * first.
 *
 * Prints:
 *	11 perspective
 *	9 processor
 *	6 thread
 *	4 weft
 *	4 jobs in all, 0 left
 */
#include <glib.h>
#include <stdio.h>
#include <string.h>

static int done;

static void measure(gpointer word, gpointer format)
{
	printf(format, (int)strlen(word), (const char *)word);
	done++;
}

static gint longer_first(gconstpointer a, gconstpointer b, gpointer unused)
{
	(void)unused;
	return (gint)strlen(b) - (gint)strlen(a);
}

int main(void)
{
	static char words[][16] = {"weft", "perspective", "thread", "processor"};
	static char format[] = "%d %s\n";
	GError *error = NULL;
	GThreadPool *pool = g_thread_pool_new(measure, format, 0, FALSE, &error);
	guint left;

	if (!pool) {
		fprintf(stderr, "%s\n", error->message);
		return 1;
	}
	g_thread_pool_set_sort_function(pool, longer_first, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
		if (!g_thread_pool_push(pool, words[i], &error))
			return 1;
	if (!g_thread_pool_set_max_threads(pool, 1, &error)) /* so far none was to run */
		return 1;
	while (g_thread_pool_unprocessed(pool))
		g_usleep(100);
	left = g_thread_pool_unprocessed(pool);
	g_thread_pool_free(pool, FALSE, TRUE);
	printf("%d jobs in all, %u left\n", done, left);
	return 0;
}
