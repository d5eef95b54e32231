/*
 * Channels: what chan.c and select.c share. doc/chan.md tells the rules.
 *
 *   C1  All of a channel but what never changes is guarded by its lock. What is read
 *       without it is atomic: magic, count (by weft_chan_len), and what a select looks
 *       at before it locks (count, closed, whether somebody waits).
 *   C2  A receiver waits only while the buffer is empty and no sender waits; a
 *       sender only while the buffer is full and no receiver waits. So a sender
 *       that finds a receiver may hand its element over past the buffer.
 *   C3  Whoever ends a wait has claimed the waiter under the lock, and has left the
 *       element where it belongs before the waiter is readied.
 *   C4  A waiter whose wait was ended otherwise stays in the queue until it takes
 *       itself off; who meets it passes over it. So a channel with empty queues is
 *       in no waiting call, and may be destroyed.
 */
#ifndef WF_CHAN_H
#define WF_CHAN_H

#include <errno.h>
#include <string.h>

#include <weft/chan.h>

#include "sched/fast.h"
#include "sched/timer.h"
#include "sched/waitq.h"

enum { CHAN_MAGIC = 0x6e616863 }; /* of a channel that was created and not destroyed */

struct weft_chan {
	struct lock lock; /* C1 */
	_Atomic uint32_t magic;
	struct waitq senders,
		receivers; /* data: the element's place; the channel once it is closed */
	_Atomic bool closed;
	_Atomic size_t count; /* elements in the buffer */
	size_t head;          /* the slot of the oldest */
	size_t size, capacity;
	unsigned char *slots;
};

/* Use after destroy is seen as long as the record is not used for something else. */
static inline bool wf_chan_valid(const weft_chan_t *ch)
{
	/* relaxed: a race with destroy is the program's mistake */
	return wf_likely(ch != NULL) &&
	       wf_likely(atomic_load_explicit(&ch->magic, memory_order_relaxed) == CHAN_MAGIC);
}

/* Copy an element; the common sizes without a call. */
static inline void wf_chan_copy(void *to, const void *from, size_t size)
{
	switch (size) {
	case 4:
		memcpy(to, from, 4);
		break;
	case 8:
		memcpy(to, from, 8);
		break;
	case 16:
		memcpy(to, from, 16);
		break;
	default:
		if (size)
			memcpy(to, from, size);
	}
}

/* Whether w's wait goes on; it is the caller's then. Solo nobody else could claim it, unless
 * it has a timer, which sysmon may fire. */
__attribute__((always_inline)) static inline bool wf_chan_claim(struct waiter *w, bool solo)
{
	if (!solo || wf_status(w->g) != G_WAITINGC || w->g->flags & GF_TIMER)
		return wf_claim_waiter(w->g);
	wf_setstatus(w->g, G_WAITINGC, G_RUNNABLE);
	return true;
}

/* The first whose wait goes on, claimed and taken off q (C3, C4); NULL when there is none. */
__attribute__((always_inline)) static inline struct waiter *wf_chan_pop(struct waitq *q, bool solo)
{
	struct waiter *w = wf_waitq_first(q);

	while (w && wf_unlikely(!wf_chan_claim(w, solo)))
		w = w->next;
	if (w) {
		w->woken = true;
		wf_waitq_remove(w);
	}
	return w;
}

static inline size_t wf_chan_count(const weft_chan_t *ch)
{
	return atomic_load_explicit(&ch->count, memory_order_relaxed); /* C1 */
}

static inline void wf_chan_setcount(weft_chan_t *ch, size_t count)
{
	atomic_store_explicit(&ch->count, count, memory_order_relaxed); /* C1 */
}

static inline bool wf_chan_closed(const weft_chan_t *ch)
{
	return atomic_load_explicit(&ch->closed, memory_order_relaxed); /* C1 */
}

/* The i-th slot after the oldest's, i at most the capacity. */
static inline unsigned char *wf_chan_slot(const weft_chan_t *ch, size_t i)
{
	size_t slot = ch->head + i;

	return ch->slots + (slot < ch->capacity ? slot : slot - ch->capacity) * ch->size;
}

/*
 * What sending and receiving are, under the lock (or solo, see fast.h): 0 when done; EPIPE; EAGAIN
 * when it has to wait. *ready is who is to be readied once the lock is released, or NULL.
 */
__attribute__((always_inline)) static inline int wf_chan_give(weft_chan_t *ch, const void *elem,
							      struct g **ready, bool solo)
{
	size_t count = wf_chan_count(ch);
	struct waiter *w;

	*ready = NULL;
	if (wf_unlikely(wf_chan_closed(ch)))
		return EPIPE;
	w = wf_chan_pop(&ch->receivers, solo);
	if (w) {
		*ready = w->g;
		if (w->data)
			wf_chan_copy(w->data, elem, ch->size);
		return 0;
	}
	if (count == ch->capacity)
		return EAGAIN;
	wf_chan_copy(wf_chan_slot(ch, count), elem, ch->size);
	wf_chan_setcount(ch, count + 1);
	return 0;
}

__attribute__((always_inline)) static inline int wf_chan_take(weft_chan_t *ch, void *elem,
							      struct g **ready, bool solo)
{
	size_t count = wf_chan_count(ch);
	unsigned char *oldest;
	struct waiter *w;

	*ready = NULL;
	if (!count) {
		w = wf_chan_pop(&ch->senders, solo);
		if (!w)
			return wf_unlikely(wf_chan_closed(ch)) ? EPIPE : EAGAIN;
		*ready = w->g;
		if (elem)
			wf_chan_copy(elem, w->data, ch->size);
		return 0;
	}
	oldest = wf_chan_slot(ch, 0);
	if (elem)
		wf_chan_copy(elem, oldest, ch->size);
	ch->head = ch->head + 1 == ch->capacity ? 0 : ch->head + 1;
	w = wf_chan_pop(&ch->senders, solo);
	if (!w) {
		wf_chan_setcount(ch, count - 1);
		return 0;
	}
	*ready = w->g; /* its element is the newest now, in the slot just freed */
	wf_chan_copy(oldest, w->data, ch->size);
	return 0;
}

/* How a wait ended whose waiter was woken. */
static inline int wf_chan_outcome(const struct waiter *w, const weft_chan_t *ch)
{
	return wf_unlikely(w->data == ch) ? EPIPE : 0;
}

#endif
