/*
 * Futures. One is the job and its result in one record; the lock is its pool's, whose
 * memory stays as long as the future's does (J4).
 */
#include <errno.h>

#include "pool/future.h"
#include "sched/fast.h"
#include "sched/timer.h"

static bool valid(const struct weft_future *f)
{
	return f && f->magic == wf_magic(FUTURE);
}

static enum future_state state_of(const struct weft_future *f)
{
	/* acquire: pairs with wf_future_settle: the value, and what the job did */
	return atomic_load_explicit(&f->state, memory_order_acquire);
}

static bool settled(enum future_state state)
{
	return state == FUTURE_DONE || state == FUTURE_CANCELED;
}

struct weft_future *wf_future_new(struct weft_pool *pool, void *(*fn)(void *), void *arg)
{
	struct weft_future *f = wf_alloc(sizeof *f);

	if (!f)
		return NULL;
	f->magic = wf_magic(FUTURE);
	f->pool = pool;
	f->fn = fn;
	f->arg = arg;
	f->refs = 2; /* the handle, the job */
	return f;
}

void wf_future_free(struct weft_future *f)
{
	wf_free(f, sizeof *f);
}

/* With the lock held. */
static void unref(struct weft_future *f)
{
	if (--f->refs)
		return;
	f->pool->refs--; /* not the last: who calls has another */
	wf_future_free(f);
}

/* What a waiter is to be told; in its frame. */
struct get {
	struct waiter w;
	int error;
	void *value;
};

void wf_future_settle(struct weft_future *f, enum future_state state, struct wakelist *wake)
{
	struct waiter *w;

	/* release: pairs with state_of */
	atomic_store_explicit(&f->state, state, memory_order_release);
	while ((w = wf_waitq_pop(&f->waiting))) {
		struct get *get = w->data;

		get->error = state == FUTURE_CANCELED ? ECANCELED : 0;
		get->value = f->value;
		f->refs--; /* the last that it has to do with f */
		wf_wakelist_add(wake, w);
	}
	unref(f);
}

/* With the lock held, which goes. */
static void release(struct weft_future *f)
{
	struct weft_pool *pool = f->pool;

	pool->refs++; /* so that the last one goes outside of the lock */
	unref(f);
	wf_pool_unref(pool);
}

static int result(const struct weft_future *f, void **value)
{
	if (state_of(f) == FUTURE_CANCELED)
		return ECANCELED;
	if (value)
		*value = f->value;
	return 0;
}

/* The lock is held, and is not when this returns. */
static int wait_settled(struct m **m, struct weft_future *f, int64_t until, struct get *get)
{
	struct lock *lock = &f->pool->object.lock;
	int error;

	get->w.data = get;
	f->refs++;
	error = wf_waitq_wait(m, &f->waiting, lock, &get->w, until, WAIT_CALL);
	if (error) {
		wf_lock(lock);
		release(f);
	}
	return error;
}

static int get_slow(struct weft_future *f, void **value, int64_t until)
{
	struct m *m = wf_enter_any();
	struct get get = {.value = NULL};
	int error;

	if (!m)
		return ENOMEM;
	if (!valid(f)) {
		wf_leave_any(m);
		return EINVAL;
	}
	wf_lock(&f->pool->object.lock);
	if (settled(state_of(f))) {
		wf_unlock(&f->pool->object.lock);
		wf_leave_any(m);
		return result(f, value);
	}
	error = wait_settled(&m, f, until, &get);
	wf_leave_any(m);
	if (error == ECANCELED)
		wf_cancelpoint(wf_getg());
	if (error || get.error)
		return error ? error : get.error;
	if (value)
		*value = get.value;
	return 0;
}

static int get(struct weft_future *f, void **value, int64_t until)
{
	int error = f ? wf_waitcall() : EINVAL;

	if (error)
		return error;
	return valid(f) && settled(state_of(f)) ? result(f, value) : get_slow(f, value, until);
}

int weft_future_get(weft_future_t *f, void **value)
{
	return get(f, value, WF_FOREVER);
}

int weft_future_timedget(weft_future_t *f, void **value, const struct timespec *abstime)
{
	int64_t until;
	int error = wf_until(abstime, CLOCK_MONOTONIC, &until);

	return error ? error : get(f, value, until);
}

int weft_future_done(weft_future_t *f)
{
	return valid(f) && settled(state_of(f));
}

int weft_future_cancel(weft_future_t *f)
{
	struct m *m = wf_enter_any();
	WF_WAKELIST(wake);
	struct weft_pool *pool;
	bool queued;

	if (!m || !valid(f)) {
		if (m)
			wf_leave_any(m);
		return m ? EINVAL : ENOMEM;
	}
	pool = f->pool;
	wf_lock(&pool->object.lock);
	queued = state_of(f) == FUTURE_QUEUED;
	if (queued) {
		wf_jobs_remove(pool, &f->job);
		pool->discarded++;
		wf_future_settle(f, FUTURE_CANCELED, &wake);
		if (pool->senders.first)
			wf_jobs_admit(pool, &wake);
		wf_pool_settle(pool, &wake);
	}
	wf_unlock(&pool->object.lock);
	wf_waitq_wake(m, wake.first);
	wf_leave_any(m);
	return queued ? 0 : EALREADY;
}

int weft_future_release(weft_future_t *f)
{
	struct m *m = wf_enter_any();
	bool is = m && valid(f);

	if (is) {
		wf_lock(&f->pool->object.lock);
		release(f);
	}
	if (m)
		wf_leave_any(m);
	return is ? 0 : m ? EINVAL : ENOMEM;
}
