/*
 * What the tests of GThreadPool share. As they, it is built with Weft's <glib.h> and with
 * GLib's own.
 */
#ifndef T_GLIB_SUITE_H
#define T_GLIB_SUITE_H

#include <check.h>
#include <glib.h>

enum { ITEMS = 10 };

/* Items that have run and that hold has begun; what it waits for; items freed. */
extern _Atomic int ran, begun, gate, freed;
extern char some[], user; /* an item, and the pools' user_data */

void count(gpointer data, gpointer user_data); /* counts in ran */
void hold(gpointer data, gpointer user_data);  /* in begun, waits until gate is 1, in ran */

/* A pool with user, whose items are counted when they are freed. */
GThreadPool *make(GFunc func, int max, gboolean exclusive);
void push(GThreadPool *pool, char *data);

#endif
