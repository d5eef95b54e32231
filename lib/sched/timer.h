/*
 * Time: the clock, and the timers that end waits and start functions.
 *
 * Each P has a heap of timers, guarded by a lock of its own. A timer lies in the
 * frame of who waits, or in a weft_timer_t: arming, stopping and firing allocate
 * nothing. timer.c has the invariants.
 */
#ifndef WF_TIMER_H
#define WF_TIMER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "sched/lock.h"

struct g;
struct m;
struct p;
struct timers;
struct gqueue;

static const int64_t WF_FOREVER = INT64_MAX; /* the time that never comes; CLOCK_MONOTONIC, ns */

enum { TIMER_RANKS = 48 };

struct timer {
	int64_t when;
	struct timer *child, *next,
		*prev;                 /* first child; siblings; the first's prev is the parent */
	_Atomic(struct timers *) heap; /* T1; NULL: not armed */
	struct g *g;                   /* whose wait it ends; NULL: fired is called */
	void (*fired)(struct m *m, struct timer *t);
	uint32_t rank;
	_Atomic uint32_t hands; /* how often it fired and fired was not called yet (T4) */
};

struct timers {
	struct lock lock;   /* guards all here, and the links of the timers in it */
	_Atomic uint32_t n; /* read without the lock to count */
	_Atomic int64_t
		next; /* when the first is due; WF_FOREVER: there is none; read without the lock */
	struct timer *first;
	struct timer *second; /* the first of the others; NULL: not known */
	uint64_t roots;       /* which of root are there */
	struct timer *root[TIMER_RANKS];
};

/* CLOCK_MONOTONIC, in ns. */
int64_t wf_nanotime(void);

/*
 * An absolute time of a clock as one of CLOCK_MONOTONIC: EINVAL for NULL, a nanosecond
 * field out of range, and a clock other than CLOCK_MONOTONIC and CLOCK_REALTIME, which
 * is converted here and now. What is out of range is WF_FOREVER, or 0 when past.
 */
int wf_until(const struct timespec *abs, clockid_t clock, int64_t *until);

/* An interval added to a time; negative ones count as 0. */
int64_t wf_later(int64_t now, const struct timespec *interval);

void wf_timers_init(struct timers *heap);

/* Arm a timer that is not armed, to be fired from when on, in the heap of the caller's
 * P or of any. m is the caller's. */
void wf_timer_arm(struct m *m, struct timer *t, int64_t when);

/* Stop it: false when it was not armed, or has fired. */
bool wf_timer_stop(struct timer *t);

/* Fire what is due in a heap, but not without end: whether there was something. The
 * Gs go to the end of m's P's queue, or to the global one. */
bool wf_timers_fire(struct m *m, struct timers *heap, int64_t now);

/* The same for all Ps, of what is due and a foreign eye sees; for who has no P, too. */
void wf_timers_overdue(struct m *m, int64_t now);

/* Ready the Gs of a queue, which are claimed already. */
void wf_readyall(struct m *m, struct gqueue *ready);

/* A timer that comes first in its heap was armed by who goes on running. */
void wf_timer_armed(int64_t when);

/* Fire what is due in the heap of p, which is the caller's; whether there was something. */
bool wf_timers_look(struct p *p);

/* g, off its stack, waits from now on; see wf_parked. */
void wf_parkedtimed(struct g *g);

/* When the first timer of all Ps is due. */
int64_t wf_timers_next(void);

/* A P goes: its timers become another's. */
void wf_timers_move(struct timers *from, struct timers *to);

#endif
