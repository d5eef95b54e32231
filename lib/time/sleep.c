/*
 * Sleeping: a wait that nobody but the time ends, or a cancellation.
 *
 * A task's timer wakes it. A foreign thread sleeps in the kernel, not longer than its
 * deadline lets it.
 */
#include <weft/runtime.h>
#include <weft/time.h>

#include <errno.h>
#include <stddef.h>

#include "sched/fast.h"
#include "sched/waitq.h"

enum { NS = 1000000000 };

static struct timespec timespec_of(int64_t ns)
{
	return (struct timespec){ns / NS, ns % NS};
}

/* A sleeper is in no queue, and holds nothing: its commit has only to say that it waits. */
static bool sleeps(struct g *g, void *unused)
{
	(void)unused;
	wf_parked(g);
	return true;
}

/* until is not later than the deadline. */
static int sleep_task(struct m *m, int64_t until)
{
	int error = wf_wait(&m, sleeps, NULL, until, WAIT_CALL);

	wf_leave(m);
	if (error == ECANCELED)
		wf_cancelpoint(wf_getg());
	return error == ECANCELED ? error : 0;
}

static int sleep_foreign(int64_t until)
{
	struct timespec time = timespec_of(until);

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
		;
	return 0;
}

static int64_t deadline(void)
{
	struct g *g = wf_getg();

	return g ? wf_endsat(g, WF_FOREVER) : WF_FOREVER;
}

/* Sleep until then: 0, ETIMEDOUT or ECANCELED. */
static int sleep_until(int64_t until)
{
	int64_t last = deadline(), end = last < until ? last : until;
	int error = wf_waitcall();
	struct m *m;

	if (!error && end > wf_nanotime()) {
		m = wf_enter();
		error = m ? sleep_task(m, end) : sleep_foreign(end);
	}
	/* a sleep that the time has come for is done, whatever the deadline */
	return error ? error : last < until && wf_nanotime() < until ? ETIMEDOUT : 0;
}

static bool valid(const struct timespec *t)
{
	return t && t->tv_nsec >= 0 && t->tv_nsec < NS;
}

static int sleep_for(const struct timespec *interval, struct timespec *left)
{
	int64_t until, now;
	int error;

	if (!valid(interval) || interval->tv_sec < 0)
		return EINVAL;
	until = wf_later(wf_nanotime(), interval);
	error = sleep_until(until);
	if (error && left) {
		now = wf_nanotime();
		*left = timespec_of(until > now ? until - now : 0);
	}
	return error;
}

static int known(clockid_t clock)
{
	if (clock == CLOCK_MONOTONIC || clock == CLOCK_REALTIME)
		return 0;
	return clock_getres(clock, NULL) ? EINVAL : ENOTSUP;
}

int weft_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
			 struct timespec *left)
{
	int64_t until;
	int error = valid(time) && !(flags & ~TIMER_ABSTIME) ? known(clock) : EINVAL;

	if (error)
		return error;
	if (!(flags & TIMER_ABSTIME))
		return sleep_for(time, left);
	error = wf_until(time, clock, &until);
	return error ? error : sleep_until(until);
}

/* As the calls do that tell an error by errno. */
static int told_by_errno(int error)
{
	if (!error)
		return 0;
	*weft_errno_location() = error;
	return -1;
}

int weft_nanosleep(const struct timespec *interval, struct timespec *left)
{
	return told_by_errno(sleep_for(interval, left));
}

int weft_usleep(unsigned microseconds)
{
	struct timespec interval = timespec_of((int64_t)microseconds * 1000);

	return told_by_errno(sleep_for(&interval, NULL));
}

unsigned weft_sleep(unsigned seconds)
{
	struct timespec interval = {.tv_sec = seconds}, left = {0};

	if (!sleep_for(&interval, &left))
		return 0;
	return (unsigned)left.tv_sec + (left.tv_nsec > 0);
}
