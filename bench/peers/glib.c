/* GLib's GThreadPool, exclusive: its threads are its own. */
#include <config.h>

#include <errno.h>
#include <stdio.h>

#include "../crew.h"
#include "peers.h"

#ifdef HAVE_GLIB

#include <glib.h>

static void job(gpointer data, gpointer unused)
{
	(void)data;
	(void)unused;
	tally_add();
}

static void *make(unsigned workers)
{
	return g_thread_pool_new(job, NULL, (gint)workers, TRUE, NULL);
}

/* Any pointer but NULL is a job. */
static int submit(void *pool)
{
	return g_thread_pool_push(pool, pool, NULL) ? 0 : EAGAIN;
}

static int finish(void *pool)
{
	g_thread_pool_free(pool, FALSE, TRUE);
	return 0;
}

const struct peer_pool peer_pool_glib = {make, submit, finish};

const char *peer_glib_absent(void)
{
	return NULL;
}

const char *peer_glib_version(void)
{
	static char version[32];

	snprintf(version, sizeof version, "%u.%u.%u", glib_major_version, glib_minor_version,
		 glib_micro_version);
	return version;
}

#else

const struct peer_pool peer_pool_glib = {NULL, NULL, NULL};

const char *peer_glib_absent(void)
{
	return "configure did not find it";
}

const char *peer_glib_version(void)
{
	return NULL;
}

#endif
