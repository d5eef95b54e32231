/*
 * Idle Ps and idle Ms, and who is woken.
 *
 * wf_sched.pidle and midle are guarded by wf_sched.lock. An idle M sleeps on its
 * note until somebody leaves it a P in nextp, or wants it for something else.
 *
 * The last M to go to sleep looks up once more: what was quiet for a second gives
 * its free stacks' pages back, and Ms beyond the number of Ps end. From then on
 * nothing wakes up.
 */
#include "sched/retake.h"

enum { QUIET_NS = 1000000000 };

/* With wf_sched.lock held; p is nobody's. */
void wf_pidleput(struct p *p)
{
	atomic_store_explicit(&p->status, P_IDLE, memory_order_relaxed);
	if (wf_sched.nstackwait && p->nstacks) {
		wf_stackflush(p);
		wf_stackwake();
	}
	p->link = wf_sched.pidle;
	wf_sched.pidle = p;
	atomic_fetch_add(&wf_sched.npidle, 1); /* W1 */
}

struct p *wf_pidleget(void)
{
	struct p *p = wf_sched.pidle;

	if (!p)
		return NULL;
	wf_sched.pidle = p->link;
	atomic_fetch_sub(&wf_sched.npidle, 1);
	if (wf_sched.sysmonwait)
		wf_sysmon_awake();
	return p;
}

static void mput(struct m *m)
{
	m->schedlink = wf_sched.midle;
	wf_sched.midle = m;
	wf_sched.nmidle++;
}

static void off_midle(struct m **at)
{
	struct m *m = *at;

	*at = m->schedlink;
	wf_sched.nmidle--;
	if (m->keeper)
		wf_sched.keeper_until = 0;
	m->keeper = false;
}

/* Rather one that does not keep the time. */
struct m *wf_mget(void)
{
	struct m **at = &wf_sched.midle, *m = *at;

	if (m && m->keeper && m->schedlink) {
		at = &m->schedlink;
		m = *at;
	}
	if (m)
		off_midle(at);
	return m;
}

bool wf_midle_remove(struct m *m)
{
	for (struct m **at = &wf_sched.midle; *at; at = &(*at)->schedlink)
		if (*at == m) {
			off_midle(at);
			return true;
		}
	return false;
}

/* All Ps are idle: what they and the stacks' lists keep is of no use now. */
static void trim(void)
{
	wf_lock(&wf_sched.lock);
	if (wf_sched.npidle == wf_sched.nprocs) {
		for (struct p *p = wf_sched.pidle; p; p = p->link)
			wf_stackflush(p);
		wf_stacktrim();
	}
	wf_unlock(&wf_sched.lock);
}

/* A second of quiet passed on m's sleep: false when m is to go on sleeping. */
static bool surplus(struct m *m)
{
	bool ends;

	trim();
	wf_lock(&wf_sched.lock);
	ends = wf_sched.nm > wf_sched.nprocs + 1 && m != &wf_m0 && wf_midle_remove(m);
	wf_unlock(&wf_sched.lock);
	return ends;
}

/* With wf_sched.lock held: whether m need not sleep after all. Without a thread to
 * be had, who made work may have found nobody asleep and left its P idle. */
static bool needed(struct m *m, struct p **p)
{
	*p = NULL;
	if (wf_sched.dying || m->ending || (m == &wf_m0 && wf_sched.m0exit))
		return true;
	if (wf_sched.nothread && wf_sched.npidle && !wf_sched.gcwaiting && wf_work_anywhere())
		*p = wf_pidleget();
	return *p;
}

/* With wf_sched.lock held: until when m is to sleep at the longest, so that somebody
 * sees the first timer's time come. */
static int64_t keep_time(struct m *m)
{
	int64_t next = wf_timers_next(); /* W2: after npidle was raised */

	if (next == WF_FOREVER || (wf_sched.keeper_until && wf_sched.keeper_until <= next))
		return WF_FOREVER;
	for (struct m *other = wf_sched.midle; other; other = other->schedlink)
		other->keeper = false;
	m->keeper = true;
	wf_sched.keeper_until = next;
	return next;
}

/* Its time has come: m takes a P, if there is an idle one, to look at the timers. False
 * when somebody has given it one meanwhile, or wants it. */
static bool time_came(struct m *m, struct p **p)
{
	bool off;

	wf_lock(&wf_sched.lock);
	off = wf_midle_remove(m);
	*p = off && !wf_sched.gcwaiting ? wf_pidleget() : NULL;
	wf_unlock(&wf_sched.lock);
	return off;
}

/* Until somebody leaves a P in nextp, or wants the M, or the time comes. */
static struct p *sleep_on_note(struct m *m, int64_t until)
{
	int64_t quiet = wf_nanotime() + QUIET_NS;
	struct p *p;

	for (;;) {
		int64_t end = quiet < until ? quiet : until, now;

		if (end == WF_FOREVER) {
			wf_msleep(m, -1);
			break;
		}
		now = wf_nanotime();
		if (wf_msleep(m, end > now ? end - now : 0))
			break;
		if (end == until && time_came(m, &p))
			return p;
		if (end == until) { /* soon */
			until = WF_FOREVER;
			continue;
		}
		quiet = WF_FOREVER;
		if (surplus(m)) {
			m->ending = true;
			return NULL;
		}
	}
	wf_noteclear(&m->park);
	p = m->nextp;
	m->nextp = NULL;
	return p;
}

/* Sleep without a P until there is one, or the M is wanted. */
void wf_stopm(void)
{
	struct m *m = wf_getg()->m;
	int64_t until = WF_FOREVER;
	bool stays;
	struct p *p;

	wf_lock(&wf_sched.lock);
	stays = needed(m, &p);
	if (!stays) {
		until = keep_time(m);
		mput(m);
	}
	wf_unlock(&wf_sched.lock);
	if (!stays)
		p = sleep_on_note(m, until);
	if (p)
		wf_acquirep(p);
}

/*
 * A timer was armed that comes first in its heap, by who does not look for work next.
 *
 *   W2  Who arms stores when the first timer is due, passes a full barrier (the heap's
 *       unlocking), and looks at whether a P is idle and who keeps the time. An M that
 *       sleeps has its P put on the idle list, which is a full barrier, then looks at
 *       when the first timers are due, with wf_sched.lock held. One sees the other.
 */
void wf_timer_armed(int64_t when)
{
	if (wf_sched.npidle && (!wf_sched.keeper_until || when < wf_sched.keeper_until))
		wf_wakep();
}

static void give(struct m *m, struct p *p, bool spinning)
{
	m->spinning = spinning;
	m->nextp = p;
	wf_notewakeup(&m->park);
}

/* There is no thread for p: somebody who went to sleep meanwhile gets it, or it is
 * idle and counts as spinning no more. What it has is for those who run then: they look at
 * the global queue when they yield, but steal only when they have nothing to do. */
static bool give_late(struct p *p, bool spinning)
{
	struct m *m;

	wf_lock(&wf_sched.lock);
	m = wf_mget();
	if (!m) {
		if (spinning)
			atomic_fetch_sub(&wf_sched.nmspinning, 1);
		wf_runqdrain(p);
		wf_pidleput(p);
	}
	wf_unlock(&wf_sched.lock);
	if (m)
		give(m, p, spinning);
	return m;
}

/* Have an M run p, or an idle P when p is NULL. False when there was none, or no
 * M and no thread for a new one; p is idle then. What counts as spinning for it
 * is taken back under the lock: else an M could give its P up meanwhile, and who
 * makes work would see an idle P and trust in somebody who does not spin. */
bool wf_startm(struct p *p, bool spinning)
{
	struct m *m;

	wf_lock(&wf_sched.lock);
	if (!p && !wf_sched.gcwaiting)
		p = wf_pidleget();
	if (!p && spinning)
		atomic_fetch_sub(&wf_sched.nmspinning, 1);
	m = p ? wf_mget() : NULL;
	wf_unlock(&wf_sched.lock);
	if (m)
		give(m, p, spinning);
	else if (p && wf_newm(spinning ? wf_mspinning : NULL, p))
		return give_late(p, spinning);
	return p;
}

/* Somebody made work and some P is idle: wake one M for it, unless one is being
 * woken already. */
void wf_wakep(void)
{
	uint32_t none = 0;

	if (atomic_compare_exchange_strong(&wf_sched.nmspinning, &none, 1))
		wf_startm(NULL, true);
}

/* For who must not start a thread. */
bool wf_wakep_asleep(void)
{
	uint32_t none = 0;
	struct p *p = NULL;
	struct m *m = NULL;
	bool want;

	if (!atomic_compare_exchange_strong(&wf_sched.nmspinning, &none, 1))
		return true;
	wf_lock(&wf_sched.lock);
	want = wf_sched.pidle && !wf_sched.gcwaiting;
	if (want && (m = wf_mget()))
		p = wf_pidleget();
	if (!m)
		atomic_fetch_sub(&wf_sched.nmspinning, 1);
	wf_unlock(&wf_sched.lock);
	if (m)
		give(m, p, true);
	return m || !want;
}

/* p is nobody's; whoever made work meanwhile may have seen no idle P. */
void wf_leaveidle(struct p *p)
{
	wf_lock(&wf_sched.lock);
	if (wf_sched.gcwaiting)
		atomic_store_explicit(&p->status, P_STOPPED, memory_order_relaxed);
	else
		wf_pidleput(p);
	wf_unlock(&wf_sched.lock);
	if (wf_work_anywhere())
		wf_wake();
}

/* Give p, which its M can't use now, to another M if there is work for it. False when
 * no M could be had for it. */
bool wf_handoffp(struct p *p)
{
	if (!wf_sched.gcwaiting && (!wf_runqempty(p) || wf_sched.runq.n || wf_sched.slowq.n))
		return wf_startm(p, false);
	wf_leaveidle(p);
	return true;
}
