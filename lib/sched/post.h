/*
 * What handlers of signals may ask of the scheduler; post.c tells how.
 */
#ifndef WF_POST_H
#define WF_POST_H

#include <signal.h>

#include "sched/sched.h"

void wf_post_defer(struct m *m, struct deferred *d, void (*see_to)(struct m *, struct deferred *));
bool wf_post_begin(struct m **m, sigset_t *before);
void wf_post_end(struct m *m, const sigset_t *before);
void wf_post_ready(struct m *m, struct g *g);

#endif
