/*
 * Idle Ps and idle Ms, and who is woken.
 *
 * wf_sched.pidle and midle are guarded by wf_sched.lock. An idle M sleeps on its
 * note until somebody leaves it a P in nextp, or wants it for something else.
 *
 *   W2  While a P is idle, the first timer of all is somebody's to look after: of an M
 *       that spins, and will look; of one that runs tasks and is to look before the next
 *       (p->armed); or of the keeper, the idle M that sleeps until keeper_until only. Who
 *       arms a timer unlocks its heap, a full barrier, then looks at npidle, nmspinning and
 *       keeper_until, and wakes an M if the time is nobody's; that one is the keeper once it
 *       found nothing else to do. Who makes a P idle, says that he spins no more, or takes
 *       the keeper away passes a full barrier, then looks at the heaps: as he goes to sleep,
 *       under wf_sched.lock, where he becomes the keeper, or before he goes on to run a
 *       task. As in W1 (proc.c), one of the two sees the other. While no P is idle, the
 *       timers are those of who has the Ps, and sysmon's. t/model/keeper.pml is the model.
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
	if (wf_sched.nstackwait && wf_stacksheld(p)) {
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
	ends = wf_sched.nm > wf_sched.nprocs + 1 && m != &wf_m0 && !m->keeper && wf_midle_remove(m);
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

/* W2: whether a time is nobody's to look after, unless somebody spins. */
static bool unkept(int64_t when)
{
	int64_t until = wf_sched.keeper_until;

	return wf_sched.npidle && when != WF_FOREVER && (!until || when < until);
}

bool wf_timers_unkept(void)
{
	return unkept(wf_timers_next());
}

/* With wf_sched.lock held: until when m is to sleep at the longest, so that somebody
 * sees the first timer's time come. Without an idle P it could do nothing then. */
static int64_t keep_time(struct m *m)
{
	int64_t next = wf_timers_next();

	if (wf_sched.gcwaiting || !unkept(next))
		return WF_FOREVER;
	for (struct m *other = wf_sched.midle; other; other = other->schedlink)
		other->keeper = false;
	m->keeper = true;
	wf_sched.keeper_until = next;
	return next;
}

/* The time has come that m slept until: it is idle no more, and has a P to look at the
 * timers with. NULL when it is to sleep on, until *until at the longest: it was given a
 * P meanwhile, others have them all or keep the time, or the timer was stopped. */
static struct p *time_came(struct m *m, int64_t *until)
{
	struct p *p = NULL;

	*until = WF_FOREVER;
	wf_lock(&wf_sched.lock);
	if (m->keeper) {
		m->keeper = false;
		wf_sched.keeper_until = 0;
		if (!wf_sched.gcwaiting && wf_timers_next() <= wf_nanotime())
			p = wf_pidleget();
		if (p)
			wf_midle_remove(m);
		else
			*until = keep_time(m);
	}
	wf_unlock(&wf_sched.lock);
	if (p)
		p->armed = true;
	return p;
}

/* Until somebody leaves a P in nextp, or wants the M, or the time comes. */
static struct p *sleep_on_note(struct m *m, int64_t until)
{
	int64_t quiet = wf_nanotime() + QUIET_NS;
	struct p *p;

	while (!wf_msleep(m, quiet < until ? quiet : until)) {
		if (until <= quiet) {
			p = time_came(m, &until);
			if (p)
				return p;
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

void wf_timer_armed(int64_t when)
{
	if (unkept(when))
		wf_wakep();
}

/* It may have been the keeper: who runs p sees to it that there is another (W2). */
static void give(struct m *m, struct p *p, bool spinning)
{
	p->armed = true;
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
	if (wf_work_anywhere() || wf_timers_unkept())
		wf_wake();
}

/* Give p, which its M can't use now, to another M if there is work for it. False when
 * no M could be had for it. */
bool wf_handoffp(struct p *p)
{
	if (!wf_sched.gcwaiting && wf_work_for(p))
		return wf_startm(p, false);
	wf_leaveidle(p);
	return true;
}
