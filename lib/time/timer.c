/*
 * Timers whose function runs as a task.
 *
 * When a timer expires a task is made for it, unless there is one: of those who look at
 * the heaps nobody runs the program's code. A task runs fn once. What expires from then
 * on is noted, and gets a task when that one has ended.
 *
 *   F1  The timer is armed, or has expired and fn has not begun for that (in a hand, see
 *       T4 in sched/timer.c, or due), or neither; stopping it takes back either of
 *       these. A periodic one is armed anew as fn begins: so it never has more than
 *       one expiry before it, and wakes nobody up while fn takes its time.
 *   F2  There is a task (task) from when the timer is due until fn has ended, or was found
 *       not to be due any more. Nobody frees the timer while there is one, or a hand.
 *   F3  Under the timer's lock: the lock of a heap, and wf_sched.lock; and not the other way.
 */
#include <weft/time.h>

#include <errno.h>
#include <stddef.h>

#include "sched/fast.h"
#include "sched/waitq.h"

enum { NS = 1000000000, AGAIN_NS = 1000000, MAGIC = 0x77667133 };

struct weft_timer {
	uint64_t magic;   /* the first word: freeing overwrites it */
	struct lock lock; /* guards what follows */
	struct timer timer;
	void (*fn)(void *);
	void *arg;
	int64_t when;        /* it last expired, or is to */
	int64_t interval;    /* 0: once */
	uint32_t voided;     /* of the hands: what they bring was stopped */
	bool due;            /* fn is to begin */
	bool task;           /* F2 */
	bool orphan;         /* was destroyed in fn */
	struct g *runner;    /* whose fn runs */
	struct waitq leaver; /* who destroys it */
	uint64_t forks;      /* of the process that it belongs to */
};

/* In a forked child a timer of the parent's is as new: what armed it is not there. */
static void lock_timer(weft_timer_t *t)
{
	if (wf_unlikely(t->forks != wf_sched.forks))
		*t = (weft_timer_t){.magic = MAGIC,
				    .timer = {.fired = t->timer.fired},
				    .fn = t->fn,
				    .arg = t->arg,
				    .forks = wf_sched.forks};
	wf_quicklock(&t->lock);
}

/* --- expiring; all with the lock held ------------------------------------------------- */

static void run(void *arg);

/* It is due and there is no task. Without memory for one: soon. */
static void make_task(struct m *m, weft_timer_t *t)
{
	t->task = !wf_go(m, NULL, run, t);
	if (t->task)
		return;
	t->due = false;
	wf_timer_arm(m, &t->timer, wf_nanotime() + AGAIN_NS);
}

static void expire(struct m *m, weft_timer_t *t)
{
	t->due = true;
	if (!t->task)
		make_task(m, t);
}

/* Whoever waits for the last task and hand looks again. */
static void tell_leaver(struct m *m, weft_timer_t *t)
{
	struct waiter *w = wf_waitq_pop(&t->leaver);

	if (w)
		wf_goready(m, w->g);
}

/* The heap has let go of it (T4). */
static void fired(struct m *m, struct timer *timer)
{
	weft_timer_t *t = (weft_timer_t *)((char *)timer - offsetof(weft_timer_t, timer));

	wf_quicklock(&t->lock);
	atomic_fetch_sub(&timer->hands, 1);
	if (t->voided)
		t->voided--;
	else
		expire(m, t);
	tell_leaver(m, t);
	wf_quickunlock(&t->lock);
	atomic_fetch_sub(&wf_sched.firing, 1); /* the task is counted by now */
}

/* Take back what fn has not begun for; whether there was anything. */
static bool disarm(weft_timer_t *t)
{
	bool armed = wf_timer_stop(&t->timer);
	uint32_t hands = t->timer.hands; /* all that there will be: it is not armed (T4) */
	bool some = armed || t->due || hands > t->voided;

	t->voided = hands;
	t->due = false;
	return some;
}

/* The next time of its interval that is to come. */
static void rearm(struct m *m, weft_timer_t *t)
{
	int64_t now = wf_nanotime(), late = now > t->when ? now - t->when : 0;
	int64_t step = late - late % t->interval;

	t->when = t->interval > WF_FOREVER - t->when - step ? WF_FOREVER
							    : t->when + step + t->interval;
	wf_timer_arm(m, &t->timer, t->when);
}

/* --- the task ----------------------------------------------------------------------------- */

static void free_timer(weft_timer_t *t)
{
	t->magic = 0;
	wf_free(t, sizeof *t);
}

/* Whether fn is to run. */
static bool begin(weft_timer_t *t)
{
	struct m *m = wf_enter_any();
	bool due;

	lock_timer(t);
	due = t->due;
	t->due = false;
	if (due) {
		t->runner = wf_getg();
		if (t->interval)
			rearm(m, t);
	}
	wf_quickunlock(&t->lock);
	wf_leave_any(m);
	return due;
}

/* fn has returned, or was left by weft_exit; or did not run. */
static void conclude(weft_timer_t **at)
{
	weft_timer_t *t = *at;
	struct m *m = wf_enter_any();
	bool orphan;

	lock_timer(t);
	t->runner = NULL;
	t->task = false;
	orphan = t->orphan;
	if (t->due)
		make_task(m, t);
	if (!m->foreign) /* it makes no more tasks, and nobody has been told yet */
		wf_leaving(wf_getg());
	tell_leaver(m, t);
	wf_quickunlock(&t->lock);
	if (orphan)
		free_timer(t);
	wf_leave_any(m);
}

static void run(void *arg)
{
	__attribute__((cleanup(conclude))) weft_timer_t *t = arg;

	if (begin(t))
		t->fn(t->arg);
}

/* --- the interface -------------------------------------------------------------------------- */

int weft_timer_create(weft_timer_t **timer, void (*fn)(void *), void *arg)
{
	struct m *m;
	int error;

	if (!timer || !fn)
		return EINVAL;
	m = wf_enter_any();
	if (!m)
		return ENOMEM;
	error = m->foreign ? wf_boot() : 0;
	if (!error) {
		weft_timer_t *t = wf_alloc(sizeof *t);

		error = t ? 0 : ENOMEM;
		if (t) {
			t->magic = MAGIC;
			t->timer.fired = fired;
			t->fn = fn;
			t->arg = arg;
			t->forks = wf_sched.forks;
			*timer = t;
		}
	}
	wf_leave_any(m);
	return error;
}

/* The caller's M, inside, for a call on a timer; NULL and why not. */
static struct m *enter(weft_timer_t *t, int *error)
{
	struct m *m = wf_enter_any();

	*error = m ? t && t->magic == MAGIC ? 0 : EINVAL : ENOMEM;
	if (m && *error)
		wf_leave_any(m);
	return *error ? NULL : m;
}

static bool valid(const struct timespec *t)
{
	return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < NS;
}

/* At least 1 ns as long as it is to expire: 0 says that it is not. */
static struct itimerspec setting(const weft_timer_t *t, int64_t now)
{
	struct itimerspec is = {{0}, {0}};
	bool armed = atomic_load_explicit(&t->timer.heap, memory_order_relaxed);
	int64_t left = armed && t->timer.when > now ? t->timer.when - now : 1;

	is.it_interval = (struct timespec){t->interval / NS, t->interval % NS};
	if (armed || t->due || t->timer.hands > t->voided)
		is.it_value = (struct timespec){left / NS, left % NS};
	return is;
}

static void set(struct m *m, weft_timer_t *t, int flags, const struct itimerspec *value,
		int64_t now)
{
	t->interval = 0;
	if (!value->it_value.tv_sec && !value->it_value.tv_nsec)
		return;
	t->interval = wf_later(0, &value->it_interval);
	t->when = wf_later(flags & TIMER_ABSTIME ? 0 : now, &value->it_value);
	wf_timer_arm(m, &t->timer, t->when);
}

int weft_timer_settime(weft_timer_t *t, int flags, const struct itimerspec *value,
		       struct itimerspec *old)
{
	struct itimerspec before;
	struct m *m;
	int64_t now;
	int error;

	if (!value || flags & ~TIMER_ABSTIME || !valid(&value->it_value) ||
	    !valid(&value->it_interval))
		return EINVAL;
	m = enter(t, &error);
	if (!m)
		return error;
	now = wf_nanotime();
	lock_timer(t);
	if (old)
		before = setting(t, now);
	disarm(t);
	set(m, t, flags, value, now);
	wf_quickunlock(&t->lock);
	wf_leave_any(m);
	if (old) /* which may be value */
		*old = before;
	return 0;
}

int weft_timer_stop(weft_timer_t *t)
{
	int error;
	struct m *m = enter(t, &error);
	bool some;

	if (!m)
		return error;
	lock_timer(t);
	some = disarm(t);
	t->interval = 0;
	wf_quickunlock(&t->lock);
	wf_leave_any(m);
	return some ? 0 : EALREADY;
}

int weft_timer_destroy(weft_timer_t *t)
{
	int error;
	struct m *m = enter(t, &error);
	bool own;

	if (!m)
		return error;
	lock_timer(t);
	own = t->runner == wf_getg();
	disarm(t);
	t->interval = 0;
	while (t->timer.hands || (t->task && !own)) { /* F2 */
		struct waiter w = {.object = t};

		wf_waitq_wait(&m, &t->leaver, &t->lock, &w, WF_FOREVER, WAIT_LOCK);
		wf_quicklock(&t->lock);
	}
	t->orphan = own;
	wf_quickunlock(&t->lock);
	if (!own)
		free_timer(t);
	wf_leave_any(m);
	return 0;
}
