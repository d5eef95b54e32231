/*
 * Select: one of several sends and receives.
 *
 * First all cases are looked at without a lock. Of those that look as if they could be done
 * one is chosen, each with the same chance, and tried under the lock of its channel alone:
 * most selects end here, and it does not matter that the others may have changed since,
 * as any of those that are ready will do. When none looks ready, or the one that was
 * chosen is not, the select begins anew in earnest:
 *
 * Each case whose channel is not NULL is an arm. All channels are locked, each once
 * and in the order of their addresses, so that two selects cannot wait for each
 * other. With all locks held the arms are tried in random order: the first that can
 * be done is chosen, each of those with the same chance. When there is none, every
 * arm is queued at its channel, and the locks are released once the caller is off
 * its stack.
 *
 *   L1  The caller has a waiter in several queues, so several may want to wake it: it
 *       waits in a status that is left by compare and swap only (wf_wait). Who wins
 *       has completed its arm; the others find the wait over (C4).
 *   L2  From the first lock that is released on, the caller may have been woken. It
 *       takes its other arms off their queues, each under its channel's lock, before
 *       the arms go: so they are there until the last lock is released, and are not
 *       looked at any more after that.
 */
#include <limits.h>

#include "chan/chan.h"

enum { ARMS = 16 }; /* for which there is room on the stack */

struct arm {
	struct waiter w;
	size_t which; /* case */
};

struct selection {
	weft_case_t *cases;
	size_t n;            /* arms */
	struct arm *arms;    /* by case until they were shuffled */
	weft_chan_t **chans; /* of the arms, by address */
};

static int check(const weft_case_t *cases, size_t n)
{
	if ((n && !cases) || n > INT_MAX)
		return EINVAL;
	for (size_t i = 0; i < n; i++) {
		const weft_case_t *c = &cases[i];

		if (c->op != WEFT_SEND && c->op != WEFT_RECV)
			return EINVAL;
		if (!c->chan)
			continue;
		if (!wf_chan_valid(c->chan) || (c->op == WEFT_SEND && !c->buf && c->chan->size))
			return EINVAL;
	}
	return 0;
}

static bool sorted(weft_chan_t **chans, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if ((uintptr_t)chans[i - 1] > (uintptr_t)chans[i])
			return false;
	return true;
}

/* Shellsort: short for few channels, and good for thousands. */
static void sort(weft_chan_t **chans, size_t n)
{
	size_t gap = 1;

	if (sorted(chans, n)) /* as who made them one after the other has them */
		return;

	while (gap < n / 3)
		gap = 3 * gap + 1;
	for (; gap; gap /= 3)
		for (size_t i = gap; i < n; i++) {
			weft_chan_t *ch = chans[i];
			size_t j = i;

			for (; j >= gap && (uintptr_t)chans[j - gap] > (uintptr_t)ch; j -= gap)
				chans[j] = chans[j - gap];
			chans[j] = ch;
		}
}

static void lock_all(weft_chan_t **chans, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (i == 0 || chans[i] != chans[i - 1])
			wf_lock(&chans[i]->lock);
}

/* Backwards, and by the first of equal ones: the last lock is released last (L2). */
static void unlock_all(weft_chan_t **chans, size_t n)
{
	while (n-- > 0)
		if (n == 0 || chans[n] != chans[n - 1])
			wf_unlock(&chans[n]->lock);
}

/* The arms of the cases, and their channels. */
static void arm(struct selection *s, size_t n)
{
	s->n = 0;
	for (size_t i = 0; i < n; i++)
		if (s->cases[i].chan) {
			s->arms[s->n].which = i;
			s->chans[s->n++] = s->cases[i].chan;
		}
	sort(s->chans, s->n);
}

static int try_case(const weft_case_t *c, struct g **ready)
{
	return c->op == WEFT_SEND ? wf_chan_give(c->chan, c->buf, ready, false)
				  : wf_chan_take(c->chan, c->buf, ready, false);
}

/* Try the arms in an order of which each is as likely: the case that was done, or -1. */
static int try_arms(struct m *m, struct selection *s, struct g **ready)
{
	for (size_t left = s->n; left; left--) {
		struct arm *last = &s->arms[left - 1];
		struct arm *chosen = &s->arms[wf_random(m, (uint32_t)left)];
		size_t which = chosen->which;
		int error = try_case(&s->cases[which], ready);

		if (error != EAGAIN) {
			s->cases[which].error = error;
			return (int)which;
		}
		chosen->which = last->which;
		last->which = which;
	}
	return -1;
}

/* Commit: the waiters are queued. Nothing of the caller's after the last lock (L2). */
static bool release(struct g *g, void *arg)
{
	struct selection *s = arg;

	wf_parked(g);
	unlock_all(s->chans, s->n);
	return true;
}

static void queue_arms(struct selection *s)
{
	struct g *g = wf_getg();

	for (size_t i = 0; i < s->n; i++) {
		const weft_case_t *c = &s->cases[s->arms[i].which];
		struct waiter *w = &s->arms[i].w;

		*w = (struct waiter){.g = g, .object = c->chan, .data = c->buf};
		wf_waitq_push(c->op == WEFT_SEND ? &c->chan->senders : &c->chan->receivers,
			      &c->chan->lock, w);
	}
}

/* Take all arms off their queues, but the one that was woken: its case, or -1. */
static int withdraw_arms(struct selection *s)
{
	int woken = -1;

	for (size_t i = 0; i < s->n; i++) {
		weft_case_t *c = &s->cases[s->arms[i].which];

		if (s->arms[i].w.woken) {
			c->error = wf_chan_outcome(&s->arms[i].w, c->chan);
			woken = (int)s->arms[i].which;
		} else {
			wf_waitq_withdraw(&s->arms[i].w);
		}
	}
	return woken;
}

static bool past(int64_t until)
{
	return until != WF_FOREVER && until <= wf_nanotime();
}

/* Inside, with memory for the arms: a case, or an error below 0. */
static int choose(struct m **m, struct selection *s, int64_t until)
{
	struct g *ready = NULL;
	int chosen, error;

	lock_all(s->chans, s->n);
	chosen = try_arms(*m, s, &ready);
	if (chosen >= 0 || past(until)) {
		unlock_all(s->chans, s->n);
		if (ready)
			wf_goready(*m, ready);
		return chosen >= 0 ? chosen : -EAGAIN;
	}
	queue_arms(s);
	error = wf_wait(m, release, s, until, WAIT_CALL);
	chosen = withdraw_arms(s);
	return chosen >= 0 ? chosen : -error;
}

/* --- without all the locks --------------------------------------------------------- */

/* Whether a case can be done, as it looks. relaxed: the lock tells. */
static bool looks_ready(const weft_case_t *c)
{
	const weft_chan_t *ch = c->chan;

	if (!ch)
		return false;
	if (wf_chan_closed(ch))
		return true;
	if (c->op == WEFT_SEND)
		return wf_chan_count(ch) < ch->capacity || wf_waitq_first(&ch->receivers);
	return wf_chan_count(ch) || wf_waitq_first(&ch->senders);
}

/* One of those that look ready, each of which is as likely; NULL when none does. */
static weft_case_t *look(struct m *m, weft_case_t *cases, size_t n)
{
	weft_case_t *chosen = NULL;
	uint32_t ready = 0;

	for (size_t i = 0; i < n; i++)
		if (looks_ready(&cases[i]) && (++ready == 1 || wf_random(m, ready) == 0))
			chosen = &cases[i];
	return chosen;
}

/* Do one that looks ready: it, or -1. */
static int choose_looking(struct m *m, weft_case_t *cases, size_t n)
{
	weft_case_t *c = look(m, cases, n);
	struct g *ready;
	int error;

	if (!c)
		return -1;
	wf_lock(&c->chan->lock);
	error = try_case(c, &ready);
	wf_unlock(&c->chan->lock);
	if (error == EAGAIN)
		return -1;
	c->error = error;
	if (ready)
		wf_goready(m, ready);
	return (int)(c - cases);
}

/* --- with them ------------------------------------------------------------------------ */

static int select_few(struct m **m, weft_case_t *cases, size_t n, int64_t until)
{
	struct arm arms[ARMS];
	weft_chan_t *chans[ARMS];
	struct selection s = {.cases = cases, .arms = arms, .chans = chans};

	arm(&s, n);
	return choose(m, &s, until);
}

static int select_many(struct m **m, weft_case_t *cases, size_t n, int64_t until)
{
	size_t size = n * (sizeof(struct arm) + sizeof(weft_chan_t *));
	struct arm *arms = wf_alloc(size);
	struct selection s = {.cases = cases, .arms = arms, .chans = (void *)(arms + n)};
	int chosen;

	if (!arms)
		return -ENOMEM;
	arm(&s, n);
	chosen = choose(m, &s, until);
	wf_free(arms, size);
	return chosen;
}

int weft_select(weft_case_t *cases, size_t n, const struct timespec *abs)
{
	int64_t until = WF_FOREVER;
	struct m *m;
	int chosen, error = check(cases, n);

	if (!error && abs)
		error = wf_until(abs, CLOCK_MONOTONIC, &until);
	if (!error)
		error = wf_waitcall();
	if (error)
		return -error;
	m = wf_enter_any();
	if (!m)
		return -ENOMEM;
	chosen = choose_looking(m, cases, n);
	if (chosen < 0)
		chosen = n > ARMS ? select_many(&m, cases, n, until)
				  : select_few(&m, cases, n, until);
	wf_leave_any(m);
	if (chosen == -ECANCELED)
		wf_cancelpoint(wf_getg());
	return chosen;
}
