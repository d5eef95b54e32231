/*
 * Diagnostics: what the folder offers beside the calls that sched.h declares.
 */
#ifndef WF_DEBUG_H
#define WF_DEBUG_H

#include "sched/sched.h"

/* Write to a descriptor without stdio and malloc: the process may be in any state. */
void wf_print(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The frames of a G, innermost first, one a line. Of the calling G, or of one that
 * is parked and stays so. */
void wf_backtrace(int fd, const struct g *g);

#endif
