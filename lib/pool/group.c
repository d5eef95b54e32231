/*
 * Groups: tasks that are waited for together.
 *
 * A member is the record of one task, from weft_group_go until the task's end.
 *
 *   M1  A member's task writes its handle into it, then looks whether the group is
 *       cancelled; who cancels sets cancelled, then looks at the handles. Both sequentially
 *       consistent: a task is asked to end, or is skipped.
 *   M2  The group is touched by no task that is not counted in tasks, and by nobody who
 *       waited and was woken.
 */
#include <errno.h>
#include <stdlib.h>

#include "pool/pool.h"
#include "sched/fast.h"
#include "sched/timer.h"

enum { ASKED_AT_ONCE = 32 };

struct member {
	struct link link;
	struct weft_group *group;
	int (*fn)(void *);
	void *arg;
	_Atomic weft_t task; /* its handle once it runs; 0 before, and when it is over */
	struct scope scope;
};

struct weft_group {
	struct object object;
	bool cancelonerror;
	bool skipped;           /* a task never started */
	_Atomic bool cancelled; /* M1 */
	int first;              /* result that was not 0 */
	uint64_t tasks;
	unsigned users;             /* who waits and was not woken */
	struct link members, asked; /* asked: have been told to end */
	struct depot depot;
	struct waitq idle;
};

static int make(struct weft_group **made, unsigned flags)
{
	struct weft_group *group = wf_alloc(sizeof *group);

	if (!group)
		return ENOMEM;
	group->cancelonerror = flags & WEFT_GROUP_CANCEL_ON_ERROR;
	wf_link_init(&group->members);
	wf_link_init(&group->asked);
	group->object.magic = wf_magic(GROUP);
	atomic_fetch_add(&wf_sched.objects, 1);
	*made = group;
	return 0;
}

int weft_group_create(weft_group_t **group, unsigned flags)
{
	struct m *m;
	int error;

	if (!group || flags & ~(unsigned)WEFT_GROUP_CANCEL_ON_ERROR)
		return EINVAL;
	m = wf_enter_any();
	if (!m)
		return ENOMEM;
	error = m->foreign ? wf_boot() : 0;
	if (!error)
		error = make(group, flags);
	wf_leave_any(m);
	return error;
}

int weft_group_destroy(weft_group_t *group)
{
	int error;
	struct m *m = wf_object_lock(group, GROUP, &error);
	bool busy;

	if (!m)
		return error;
	busy = group->tasks || group->users;
	if (!busy)
		group->object.magic = 0;
	wf_unlock(&group->object.lock);
	if (!busy) {
		wf_depot_free(&group->depot, sizeof(struct member));
		wf_free(group, sizeof *group);
		atomic_fetch_sub(&wf_sched.objects, 1);
	}
	wf_leave_any(m);
	return busy ? EBUSY : 0;
}

/* --- cancelling --------------------------------------------------------------------- */

/* Handles of running tasks that were not asked to end; at most so many. With the lock
 * held. */
static unsigned to_ask(struct weft_group *group, weft_t tasks[ASKED_AT_ONCE])
{
	unsigned n = 0;

	while (n < ASKED_AT_ONCE && !wf_link_empty(&group->members)) {
		struct member *member = (struct member *)group->members.next;

		wf_link_remove(&member->link);
		wf_link_append(&group->asked, &member->link);
		tasks[n] = atomic_load(&member->task); /* M1 */
		if (tasks[n])
			n++;
	}
	return n;
}

int weft_group_cancel(weft_group_t *group)
{
	weft_t tasks[ASKED_AT_ONCE];
	unsigned n;

	do {
		int error;
		struct m *m = wf_object_lock(group, GROUP, &error);

		if (!m)
			return error;
		atomic_store(&group->cancelled, true); /* M1 */
		n = to_ask(group, tasks);
		wf_unlock(&group->object.lock);
		wf_leave_any(m);
		for (unsigned i = 0; i < n; i++)
			weft_cancel(tasks[i]); /* one that has ended meanwhile is not found */
	} while (n == ASKED_AT_ONCE);
	return 0;
}

/* --- the tasks ------------------------------------------------------------------------- */

/* Both with the lock held, and no task left. */

static int outcome(const struct weft_group *group)
{
	return group->first ? group->first : group->skipped ? ECANCELED : 0;
}

static void renew(struct weft_group *group)
{
	group->first = 0;
	group->skipped = false;
	atomic_store(&group->cancelled, false);
}

/* All have ended: tell who waits, and begin anew if somebody does. With the lock held. */
static void now_idle(struct weft_group *group, struct wakelist *wake)
{
	struct waiter *w;

	wf_depot_trim(&group->depot, sizeof(struct member));
	while ((w = wf_waitq_pop(&group->idle))) {
		*(int *)w->data = outcome(group);
		group->users--;
		wf_wakelist_add(wake, w);
	}
	if (wake->n)
		renew(group);
}

/* The first error of a group that is to be cancelled by it: before its task counts as
 * ended, so that the group stays. */
static void fail(struct member *member, int result)
{
	struct weft_group *group = member->group;
	struct m *m = wf_enter();
	bool cancel;

	if (!m)
		exit(0);
	wf_lock(&group->object.lock);
	cancel = !group->first && !atomic_load_explicit(&group->cancelled, memory_order_relaxed);
	if (!group->first)
		group->first = result;
	atomic_store(&member->task, 0); /* not itself */
	wf_unlock(&group->object.lock);
	wf_leave(m);
	if (cancel)
		weft_group_cancel(group);
}

static void end(struct member *member, int result, bool skipped)
{
	struct weft_group *group = member->group;
	WF_WAKELIST(wake);
	struct m *m;

	if (result && group->cancelonerror)
		fail(member, result);
	m = wf_enter();
	if (!m) /* in a forked child this was the last thread */
		exit(0);
	wf_lock(&group->object.lock);
	if (!group->first)
		group->first = result;
	group->skipped |= skipped;
	wf_link_remove(&member->link);
	wf_depot_put(&group->depot, member);
	if (--group->tasks == 0)
		now_idle(group, &wake);
	wf_leaving(m->curg);
	wf_unlock(&group->object.lock); /* the group may be gone */
	wf_waitq_wake(m, wake.first);
	wf_leave(m);
}

/* Values under keys are the task's, which counts as running until they are gone. */
static void drop_keys(void)
{
	if (wf_unlikely(wf_getg()->top->keys.used))
		wf_keys_destroy(&wf_getg()->top->keys);
}

static void exited(void *arg)
{
	struct member *member = arg;
	void *value = (void *)wf_getg()->top->value;

	wf_scope_leave(&member->scope);
	drop_keys();
	end(member, value == WEFT_CANCELED ? ECANCELED : 0, false);
}

static void work(void *arg)
{
	struct member *member = arg;
	int result = 0;

	if (atomic_load(&member->group->cancelled)) {
		end(member, 0, true);
		return;
	}
	atomic_store(&member->task, weft_self());
	if (atomic_load(&member->group->cancelled)) { /* M1 */
		end(member, 0, true);
		return;
	}
	weft_cleanup_push(exited, member);
	weft_setcancelstate(WEFT_CANCEL_MASKED, NULL);
	wf_scope_enter(&member->scope, member->group);
	result = member->fn(member->arg);
	wf_scope_leave(&member->scope);
	drop_keys();
	weft_cleanup_pop(0);
	end(member, result, false);
}

/* A record for a task that counts from here on; NULL without memory. With the lock held. */
static struct member *make_member(struct weft_group *group, int (*fn)(void *), void *arg)
{
	struct member *member = wf_depot_get(&group->depot);

	if (!member && wf_depot_fill(&group->depot, sizeof *member))
		member = wf_depot_get(&group->depot);
	if (!member)
		return NULL;
	member->group = group;
	member->fn = fn;
	member->arg = arg;
	atomic_store_explicit(&member->task, 0, memory_order_relaxed);
	wf_link_append(&group->members, &member->link);
	group->tasks++;
	return member;
}

/* No task could be had for it. */
static void unmake(struct m *m, struct member *member)
{
	struct weft_group *group = member->group;
	WF_WAKELIST(wake);

	wf_lock(&group->object.lock);
	wf_link_remove(&member->link);
	wf_depot_put(&group->depot, member);
	if (--group->tasks == 0)
		now_idle(group, &wake);
	wf_unlock(&group->object.lock);
	wf_waitq_wake(m, wake.first);
}

int weft_group_go(weft_group_t *group, int (*fn)(void *), void *arg)
{
	int error = fn ? 0 : EINVAL;
	struct m *m = error ? NULL : wf_object_lock(group, GROUP, &error);
	struct member *member;

	if (!m)
		return error;
	member = make_member(group, fn, arg);
	wf_unlock(&group->object.lock);
	error = member ? wf_go(m, NULL, work, member) : ENOMEM;
	if (member && error)
		unmake(m, member);
	wf_leave_any(m);
	return error;
}

/* --- waiting -------------------------------------------------------------------------------- */

/* The lock is held, and is not when this returns. */
static int wait_idle(struct m **m, struct weft_group *group, int *first, int64_t until)
{
	struct waiter w = {.data = first};
	int error;

	group->users++;
	error = wf_waitq_wait(m, &group->idle, &group->object.lock, &w, until, WAIT_CALL);
	if (error) { /* else the group may be gone */
		wf_lock(&group->object.lock);
		group->users--;
		wf_unlock(&group->object.lock);
	}
	return error;
}

/* So it is here. */
static int wait_locked(struct m **m, struct weft_group *group, int *first, int64_t until)
{
	int error = 0;

	if (wf_within(group)) {
		error = EDEADLK;
	} else if (group->tasks) {
		return wait_idle(m, group, first, until);
	} else {
		*first = outcome(group);
		renew(group);
	}
	wf_unlock(&group->object.lock);
	return error;
}

static int wait(struct weft_group *group, int *first, int64_t until)
{
	int error = group ? wf_waitcall() : EINVAL, result = 0;
	struct m *m = error ? NULL : wf_object_lock(group, GROUP, &error);

	if (!m)
		return error;
	error = wait_locked(&m, group, &result, until);
	wf_leave_any(m);
	if (error == ECANCELED)
		wf_cancelpoint(wf_getg());
	if (!error && first)
		*first = result;
	return error;
}

int weft_group_wait(weft_group_t *group, int *first)
{
	return wait(group, first, WF_FOREVER);
}

int weft_group_timedwait(weft_group_t *group, int *first, const struct timespec *abstime)
{
	int64_t until;
	int error = wf_until(abstime, CLOCK_MONOTONIC, &until);

	return error ? error : wait(group, first, until);
}
