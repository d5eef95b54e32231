/*
 * Channels: send, receive, close. chan.h has the invariants.
 *
 * An operation takes the lock and does what can be done at once: it hands over to
 * somebody who waits on the other side, or uses the buffer. Else it queues itself
 * and parks; who comes from the other side copies the element from or to where the
 * waiter has it, so that the waiter only returns.
 *
 * Sending and receiving begin in one function that takes the way of a task that
 * nothing special is asked of, park included; the other ways are in its slow half.
 */
#include "chan/chan.h"

/* --- waiting ---------------------------------------------------------------------- */

/* Leave after a wait whose waiter is off its queue. */
static int concluded(struct m *m, const weft_chan_t *ch, const struct waiter *w, int error)
{
	wf_leave_any(m);
	if (wf_likely(!error))
		return wf_chan_outcome(w, ch);
	if (error == ECANCELED)
		wf_cancelpoint(wf_getg());
	return error;
}

/* Wait in q, with the channel locked. data is the element's place. */
static __attribute__((noinline)) int wait_in(struct m *m, weft_chan_t *ch, struct waitq *q,
					     void *data, int64_t until)
{
	struct waiter w = {.object = ch, .data = data};
	int error = wf_waitq_wait(&m, q, &ch->lock, &w, until, WAIT_CALL);

	return concluded(m, ch, &w, error);
}

/* --- by a task of which nothing special is asked, whose P is solo or is not (fast.h) ------- */

__attribute__((always_inline)) static inline void lock(weft_chan_t *ch, bool solo)
{
	if (!solo)
		wf_lock(&ch->lock);
}

/* Done: unlock, have ready run next unless it is NULL, leave. */
__attribute__((always_inline)) static inline int leave_ready(struct m *m, weft_chan_t *ch,
							     struct g *ready, int error, bool solo)
{
	if (!solo)
		wf_unlock(&ch->lock);
	if (ready && solo)
		wf_readysolo(m, ready);
	else if (ready)
		wf_readynext(m, ready);
	wf_leave(m);
	return error;
}

/* Wait in q, for ever, with the channel locked: inline, since the switch is. */
__attribute__((always_inline)) static inline int park_in(struct m *m, struct g *g, weft_chan_t *ch,
							 struct waitq *q, void *data, bool solo)
{
	struct waiter w;

	w.object = ch;
	w.data = data;
	w.g = g;
	w.woken = false;
	wf_waitq_push(q, &ch->lock, &w);
	if (solo)
		m = wf_parksolo(m, wf_p(m), g, wf_cancellable(g));
	else
		m = wf_parkunlock(m, g, &ch->lock, wf_cancellable(g));
	if (wf_unlikely(!w.woken)) {
		wf_waitq_withdraw(&w);
		return concluded(m, ch, &w, ECANCELED);
	}
	wf_leave(m);
	return wf_chan_outcome(&w, ch);
}

__attribute__((always_inline)) static inline int send_in(struct m *m, weft_chan_t *ch,
							 const void *elem, bool solo)
{
	struct g *ready;
	int error;

	lock(ch, solo);
	error = wf_chan_give(ch, elem, &ready, solo);
	if (error == EAGAIN)
		return park_in(m, m->curg, ch, &ch->senders, (void *)elem, solo);
	return leave_ready(m, ch, ready, error, solo);
}

__attribute__((always_inline)) static inline int recv_in(struct m *m, weft_chan_t *ch, void *elem,
							 bool solo)
{
	struct g *ready;
	int error;

	lock(ch, solo);
	error = wf_chan_take(ch, elem, &ready, solo);
	if (error == EAGAIN)
		return park_in(m, m->curg, ch, &ch->receivers, elem, solo);
	return leave_ready(m, ch, ready, error, solo);
}

/* Out of line, so that either way has the registers for itself. */
static __attribute__((noinline)) int send_shared(struct m *m, weft_chan_t *ch, const void *elem)
{
	return send_in(m, ch, elem, false);
}

static __attribute__((noinline)) int recv_shared(struct m *m, weft_chan_t *ch, void *elem)
{
	return recv_in(m, ch, elem, false);
}

/* --- sending ------------------------------------------------------------------------ */

static bool sendable(const weft_chan_t *ch, const void *elem)
{
	return wf_chan_valid(ch) && (elem || !ch->size);
}

/* Do it at once, or fail with EAGAIN, which leaves the channel locked. */
static int send_now(struct m *m, weft_chan_t *ch, const void *elem)
{
	struct g *ready;
	int error;

	wf_lock(&ch->lock);
	error = wf_chan_give(ch, elem, &ready, false);
	if (error == EAGAIN)
		return error;
	wf_unlock(&ch->lock);
	if (ready)
		wf_goready(m, ready);
	return error;
}

static __attribute__((noinline)) int send_until(weft_chan_t *ch, const void *elem, int64_t until)
{
	struct m *m;
	int error = sendable(ch, elem) ? wf_waitcall() : EINVAL;

	if (error)
		return error;
	m = wf_enter_any();
	if (!m)
		return ENOMEM;
	error = send_now(m, ch, elem);
	if (error == EAGAIN)
		return wait_in(m, ch, &ch->senders, (void *)elem, until);
	wf_leave_any(m);
	return error;
}

int weft_chan_send(weft_chan_t *ch, const void *elem)
{
	struct m *m = wf_getm();
	struct p *p;

	if (wf_unlikely(!m) || wf_unlikely(!sendable(ch, elem)))
		return send_until(ch, elem, WF_FOREVER);
	p = wf_enter_plain(m);
	if (wf_unlikely(!p || wf_wait_special(m->curg))) {
		wf_leave(m); /* what the slow half begins with may end the task */
		return send_until(ch, elem, WF_FOREVER);
	}
	return p->solo ? send_in(m, ch, elem, true) : send_shared(m, ch, elem);
}

int weft_chan_trysend(weft_chan_t *ch, const void *elem)
{
	struct m *m;
	int error;

	if (!sendable(ch, elem))
		return EINVAL;
	m = wf_enter_any();
	if (!m)
		return ENOMEM;
	error = send_now(m, ch, elem);
	if (error == EAGAIN)
		wf_unlock(&ch->lock);
	wf_leave_any(m);
	return error;
}

int weft_chan_timedsend(weft_chan_t *ch, const void *elem, const struct timespec *abs)
{
	int64_t until;
	int error = wf_until(abs, CLOCK_MONOTONIC, &until);

	return error ? error : send_until(ch, elem, until);
}

/* --- receiving ---------------------------------------------------------------------- */

/* As send_now. */
static int recv_now(struct m *m, weft_chan_t *ch, void *elem)
{
	struct g *ready;
	int error;

	wf_lock(&ch->lock);
	error = wf_chan_take(ch, elem, &ready, false);
	if (error == EAGAIN)
		return error;
	wf_unlock(&ch->lock);
	if (ready)
		wf_goready(m, ready);
	return error;
}

static __attribute__((noinline)) int recv_until(weft_chan_t *ch, void *elem, int64_t until)
{
	struct m *m;
	int error = wf_chan_valid(ch) ? wf_waitcall() : EINVAL;

	if (error)
		return error;
	m = wf_enter_any();
	if (!m)
		return ENOMEM;
	error = recv_now(m, ch, elem);
	if (error == EAGAIN)
		return wait_in(m, ch, &ch->receivers, elem, until);
	wf_leave_any(m);
	return error;
}

int weft_chan_recv(weft_chan_t *ch, void *elem)
{
	struct m *m = wf_getm();
	struct p *p;

	if (wf_unlikely(!m) || wf_unlikely(!wf_chan_valid(ch)))
		return recv_until(ch, elem, WF_FOREVER);
	p = wf_enter_plain(m);
	if (wf_unlikely(!p || wf_wait_special(m->curg))) {
		wf_leave(m); /* what the slow half begins with may end the task */
		return recv_until(ch, elem, WF_FOREVER);
	}
	return p->solo ? recv_in(m, ch, elem, true) : recv_shared(m, ch, elem);
}

int weft_chan_tryrecv(weft_chan_t *ch, void *elem)
{
	struct m *m;
	int error;

	if (!wf_chan_valid(ch))
		return EINVAL;
	m = wf_enter_any();
	if (!m)
		return ENOMEM;
	error = recv_now(m, ch, elem);
	if (error == EAGAIN)
		wf_unlock(&ch->lock);
	wf_leave_any(m);
	return error;
}

int weft_chan_timedrecv(weft_chan_t *ch, void *elem, const struct timespec *abs)
{
	int64_t until;
	int error = wf_until(abs, CLOCK_MONOTONIC, &until);

	return error ? error : recv_until(ch, elem, until);
}

/* --- its life ----------------------------------------------------------------------- */

/* The channel and its buffer, which need not be near each other. */
static weft_chan_t *chan_alloc(size_t bytes)
{
	weft_chan_t *ch = wf_alloc(sizeof *ch);

	if (ch && bytes && !(ch->slots = wf_alloc(bytes))) {
		wf_free(ch, sizeof *ch);
		return NULL;
	}
	return ch;
}

int weft_chan_create(weft_chan_t **chp, size_t elem_size, size_t capacity)
{
	size_t bytes;
	struct m *m;
	weft_chan_t *ch;

	if (!chp)
		return EINVAL;
	if (__builtin_mul_overflow(elem_size, capacity, &bytes) || bytes > PTRDIFF_MAX)
		return EOVERFLOW;
	m = wf_enter_any();
	if (!m)
		return ENOMEM;
	ch = chan_alloc(bytes);
	if (ch) {
		ch->size = elem_size;
		ch->capacity = capacity;
		atomic_store_explicit(&ch->magic, CHAN_MAGIC, memory_order_relaxed);
		*chp = ch;
	}
	wf_leave_any(m);
	return ch ? 0 : ENOMEM;
}

/* Claim all who wait in q, and tell them: appended to the list that ends at end. */
static struct waiter **evict(weft_chan_t *ch, struct waitq *q, struct waiter **end)
{
	struct waiter *w;

	while ((w = wf_chan_pop(q, false))) {
		w->data = ch;
		w->next = NULL;
		*end = w;
		end = &w->next;
	}
	return end;
}

int weft_chan_close(weft_chan_t *ch)
{
	struct waiter *list = NULL;
	struct m *m;
	bool closed;

	if (!wf_chan_valid(ch))
		return EINVAL;
	m = wf_enter_any();
	if (!m)
		return ENOMEM;
	wf_lock(&ch->lock);
	closed = ch->closed;
	if (!closed) {
		ch->closed = true;
		evict(ch, &ch->senders, evict(ch, &ch->receivers, &list));
	}
	wf_unlock(&ch->lock);
	wf_waitq_wake(m, list);
	wf_leave_any(m);
	return closed ? EPIPE : 0;
}

size_t weft_chan_len(weft_chan_t *ch)
{
	return wf_chan_valid(ch) ? wf_chan_count(ch) : 0;
}

size_t weft_chan_cap(weft_chan_t *ch)
{
	return wf_chan_valid(ch) ? ch->capacity : 0;
}

int weft_chan_destroy(weft_chan_t *ch)
{
	struct m *m;
	bool busy;

	if (!wf_chan_valid(ch))
		return EINVAL;
	m = wf_enter_any();
	if (!m)
		return ENOMEM;
	wf_lock(&ch->lock);
	busy = ch->senders.first || ch->receivers.first; /* C4 */
	if (!busy)
		atomic_store_explicit(&ch->magic, 0, memory_order_relaxed);
	wf_unlock(&ch->lock);
	if (!busy) {
		wf_free(ch->slots, ch->size * ch->capacity);
		wf_free(ch, sizeof *ch);
	}
	wf_leave_any(m);
	return busy ? EBUSY : 0;
}
