/*
 * Channels, and select over several.
 *
 * A channel hands elements of one size from those who send to those who receive,
 * in the order in which they were sent. One without a buffer (capacity 0) is a
 * meeting: a send ends when its element was received. Semantics and memory model
 * are Go's:
 *
 *   - a send happens before the return of the receive that got its element;
 *   - closing happens before the return of a call that found the channel closed;
 *   - a receive happens before the return of the send that it made room for: of the
 *     same element without a buffer, else of the one sent capacity elements later.
 *
 * All calls may be made from tasks and from other (foreign) threads, mixed on one
 * channel; a foreign thread blocks where a task parks. Those that wait are
 * cancellation points and end at the task's deadline. An operation that had taken
 * effect reports that, and not the cancellation or the time. Where a call names no source,
 * its semantics are those of the one that it is a form of, or Weft's own.
 */
#ifndef WEFT_CHAN_H
#define WEFT_CHAN_H

#include <stddef.h>
#include <time.h>

#include <weft/attribute.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** A channel; made by weft_chan_create. */
typedef struct weft_chan weft_chan_t;

/** What a case of weft_select does. */
enum { WEFT_SEND = 1, WEFT_RECV = 2 };

/** A case of weft_select. */
typedef struct {
	weft_chan_t *chan; /**< NULL: never ready */
	int op;            /**< WEFT_SEND or WEFT_RECV */
	void *buf;         /**< the element, or where it goes; NULL for WEFT_RECV: dropped */
	int error; /**< of the case that happened: 0 or EPIPE; others are left as they were */
} weft_case_t;

/**
 * Make a channel.
 *
 * @param ch        where it goes; not NULL
 * @param elem_size bytes of an element; 0 for channels that only signal
 * @param capacity  elements that wait in the channel; 0: none, a send waits for its receiver
 * @return 0; EINVAL (ch is NULL), EOVERFLOW (elem_size times capacity is more than
 *         memory can be), ENOMEM
 * Never parks, and does not boot the runtime. weft_chan_destroy gives it back;
 * so does weft_shutdown. Semantics: Go, "Making slices, maps and channels".
 */
int weft_chan_create(weft_chan_t **ch, size_t elem_size, size_t capacity);

/**
 * Send an element, waiting until a receiver or the buffer has taken it.
 *
 * @param ch   a channel
 * @param elem the element, elem_size bytes; may be NULL if that is 0
 * @return 0; EPIPE when the channel is closed, also while waiting: the element was
 *         not sent; EINVAL; ETIMEDOUT at the task's deadline; ECANCELED under
 *         WEFT_CANCEL_MASKED; ENOMEM (a foreign thread's first call)
 * A cancellation point; parks. Semantics: Go, "Send statements".
 */
WEFT_NOPLT int weft_chan_send(weft_chan_t *ch, const void *elem);

/**
 * Receive the oldest element, waiting until there is one.
 *
 * @param ch   a channel
 * @param elem where it goes, elem_size bytes; NULL drops it
 * @return 0; EPIPE when the channel is closed and drained (*elem is untouched);
 *         EINVAL; ETIMEDOUT at the task's deadline; ECANCELED under
 *         WEFT_CANCEL_MASKED; ENOMEM (a foreign thread's first call)
 * A cancellation point; parks. Semantics: Go, "Receive operator".
 */
WEFT_NOPLT int weft_chan_recv(weft_chan_t *ch, void *elem);

/**
 * Send an element if that need not wait.
 *
 * @param ch   a channel
 * @param elem as for weft_chan_send
 * @return 0; EAGAIN when it would have to wait; EPIPE, EINVAL, ENOMEM as for
 *         weft_chan_send
 * Never parks, and is no cancellation point.
 */
WEFT_NOPLT int weft_chan_trysend(weft_chan_t *ch, const void *elem);

/**
 * Receive the oldest element if there is one.
 *
 * @param ch   a channel
 * @param elem as for weft_chan_recv
 * @return 0; EAGAIN when it would have to wait; EPIPE, EINVAL, ENOMEM as for
 *         weft_chan_recv
 * Never parks, and is no cancellation point.
 */
WEFT_NOPLT int weft_chan_tryrecv(weft_chan_t *ch, void *elem);

/**
 * Send an element, waiting no longer than until a time.
 *
 * @param ch   a channel
 * @param elem as for weft_chan_send
 * @param abs  absolute time of CLOCK_MONOTONIC; in the past: does not wait
 * @return as weft_chan_send; ETIMEDOUT when the time came first; EINVAL when abs is
 *         NULL or its nanoseconds are not in 0 to 999,999,999
 * A cancellation point; parks.
 */
int weft_chan_timedsend(weft_chan_t *ch, const void *elem, const struct timespec *abs);

/**
 * Receive the oldest element, waiting for one no longer than until a time.
 *
 * @param ch   a channel
 * @param elem as for weft_chan_recv
 * @param abs  absolute time of CLOCK_MONOTONIC; in the past: does not wait
 * @return as weft_chan_recv; ETIMEDOUT when the time came first; EINVAL when abs is
 *         NULL or its nanoseconds are not in 0 to 999,999,999
 * A cancellation point; parks.
 */
int weft_chan_timedrecv(weft_chan_t *ch, void *elem, const struct timespec *abs);

/**
 * Close a channel: nothing can be sent any more. What is in its buffer can still be
 * received. All who wait are woken, with EPIPE.
 *
 * @param ch a channel
 * @return 0; EPIPE when it is closed already; EINVAL, ENOMEM
 * Never parks. Semantics: Go, "Close"; what panics there gives EPIPE here.
 */
int weft_chan_close(weft_chan_t *ch);

/**
 * How many elements are in a channel's buffer. Others may change that meanwhile.
 *
 * @param ch a channel
 * @return the number; 0 without a buffer, and for NULL
 * Never parks. Semantics: Go, "Length and capacity".
 */
size_t weft_chan_len(weft_chan_t *ch);

/**
 * How many elements a channel's buffer holds at most.
 *
 * @param ch a channel
 * @return its capacity; 0 for NULL
 * Never parks.
 */
size_t weft_chan_cap(weft_chan_t *ch);

/**
 * End a channel, and what is in its buffer.
 *
 * @param ch a channel that nobody uses any more
 * @return 0; EBUSY while somebody waits in a call for it; EINVAL, ENOMEM
 * Never parks. Later uses of ch get EINVAL as long as nothing else lies there.
 */
int weft_chan_destroy(weft_chan_t *ch);

/**
 * Do one of several sends and receives: one that need not wait, chosen at random if
 * there are more; when there is none, the first that becomes possible.
 *
 * A closed channel's cases are ready: its error says EPIPE when one of them is
 * chosen. A case whose channel is NULL is never ready. A channel may be in any
 * number of cases, to send and to receive; a select never receives what it sends.
 *
 * @param cases what may happen; NULL only if n is 0
 * @param n     how many; with 0 the call waits for the time only
 * @param abs   absolute time of CLOCK_MONOTONIC until which to wait; NULL: for ever; in
 *              the past: do not wait, as a select with a default
 * @return the index of the case that happened; -EAGAIN when abs is in the past and no
 *         case is ready; -ETIMEDOUT when abs or the task's deadline came first;
 *         -ECANCELED under WEFT_CANCEL_MASKED; -EINVAL for an op that is none, a
 *         buffer that is missing, a channel that was destroyed, a bad abs; -ENOMEM
 * A cancellation point; parks. Semantics: Go, "Select statements".
 */
int weft_select(weft_case_t *cases, size_t n, const struct timespec *abs);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
