/*
 * Making a future; for future.c and submit.c.
 */
#ifndef WF_POOL_FUTURE_H
#define WF_POOL_FUTURE_H

#include "pool/pool.h"

/* One with its two references, whose job is in nobody's hands but the caller's. NULL
 * without memory. The pool's reference to be counted is the caller's business. */
struct weft_future *wf_future_new(struct weft_pool *pool, void *(*fn)(void *), void *arg);
void wf_future_free(struct weft_future *f); /* one that was never submitted */

#endif
