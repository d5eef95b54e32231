/*
 * Times that are none, that passed long ago, or that never come, in every call that takes one.
 */
#include <weft.h>

#include "misuse.h"
#include "suite.h"

static const struct timespec long_past = {LONG_MIN, 0};
static const struct timespec bad[] = {{0, -1}, {0, 1000000000}, {LONG_MAX, LONG_MAX}};
enum { BAD = sizeof bad / sizeof *bad };

static weft_mutex_t mutex = WEFT_MUTEX_INITIALIZER, another = WEFT_MUTEX_INITIALIZER;
static weft_cond_t cond = WEFT_COND_INITIALIZER;
static weft_rwlock_t rwlock = WEFT_RWLOCK_INITIALIZER;
static weft_sem_t sem;
static weft_waitgroup_t wg = WEFT_WAITGROUP_INITIALIZER;
static weft_chan_t *ch;
static weft_group_t *group;
static _Atomic int gate;

static int until_gate(void *arg)
{
	wait_for(&gate, 1);
	return arg != NULL;
}

static weft_pool_t *pool;
static weft_future_t *future;
static weft_t joined;

static void *hold_another(void *arg)
{
	is(weft_mutex_lock(&another), 0);
	return arg;
}

/* Nothing of all this is to be had before the gate opens. */
static void make_scarce(void)
{
	gate = 0;
	is(weft_sem_init(&sem, 0, 0), 0);
	is(weft_waitgroup_init(&wg), 0);
	is(weft_waitgroup_add(&wg, 1), 0);
	ch = channel(0, 0);
	is(weft_group_create(&group, 0), 0);
	is(weft_group_go(group, until_gate, NULL), 0);
	pool = make_pool((weft_pool_attr_t){.workers = 1});
	is(weft_pool_async(pool, &future, wait_and_give_back, &gate), 0);
	joined = create(wait_and_give_back, &gate);
	is(weft_rwlock_init(&rwlock, NULL), 0);
	is(weft_rwlock_rdlock(&rwlock), 0);
}

static void end_scarce(void)
{
	gate = 1;
	result_of(joined);
	is(weft_future_release(future), 0);
	drain(pool);
	is(weft_group_wait(group, NULL), 0);
	is(weft_group_destroy(group), 0);
	is(weft_chan_destroy(ch), 0);
}

/* All timed calls, where each would have to wait. */
static void all_end(const struct timespec *t, int error)
{
	weft_case_t receive = {.chan = ch, .op = WEFT_RECV};
	int selected = error == ETIMEDOUT ? EAGAIN : error;

	is(weft_mutex_timedlock(&another, t), error);
	is(weft_mutex_clocklock(&another, CLOCK_MONOTONIC, t), error);
	is(weft_mutex_lock(&mutex), 0);
	is(weft_cond_timedwait(&cond, &mutex, t), error);
	is(weft_cond_clockwait(&cond, &mutex, CLOCK_MONOTONIC, t), error);
	is(weft_mutex_unlock(&mutex), 0);
	is(weft_rwlock_timedwrlock(&rwlock, t), error);
	is(weft_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, t), error);
	fails(weft_sem_timedwait(&sem, t), error);
	fails(weft_sem_clockwait(&sem, CLOCK_MONOTONIC, t), error);
	is(weft_waitgroup_timedwait(&wg, t), error);
	is(weft_chan_timedsend(ch, NULL, t), error);
	is(weft_chan_timedrecv(ch, NULL, t), error);
	is(weft_select(&receive, 1, t), -selected);
	is(weft_select(NULL, 0, t), -selected);
	is(weft_group_timedwait(group, NULL, t), error);
	is(weft_pool_timedwait(pool, t), error);
	is(weft_future_timedget(future, NULL, t), error);
	is(weft_timedjoin(joined, NULL, t), error);
	is(weft_clockjoin(joined, NULL, CLOCK_MONOTONIC, t), error);
}

static void times_that_end_at_once(void)
{
	make_scarce();
	result_of(create(hold_another, NULL));
	for (int i = 0; i < BAD; i++)
		all_end(&bad[i], EINVAL);
	all_end(&past, ETIMEDOUT);
	all_end(&long_past, ETIMEDOUT);
	is(weft_clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &past, NULL), 0);
	is(weft_clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &long_past, NULL), 0);
	for (int i = 0; i < BAD; i++)
		is(weft_clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &bad[i], NULL), EINVAL);
	fails(weft_nanosleep(&past, NULL), EINVAL);
	fails(weft_nanosleep(&long_past, NULL), EINVAL);
	end_scarce();
}

TASK_TEST(test_times_that_are_none_or_past_end_a_tasks_wait_at_once, 2)
{
	times_that_end_at_once();
}

START_TEST(test_times_that_are_none_or_past_end_a_threads_wait_at_once)
{
	times_that_end_at_once();
}
END_TEST

/* Each waits for longer than anybody lives, and gets what it waits for. */

static void *never_mutex(void *arg)
{
	is(weft_mutex_timedlock(&another, arg), 0);
	is(weft_mutex_unlock(&another), 0);
	return NULL;
}

static void *never_mutex_monotonic(void *arg)
{
	is(weft_mutex_clocklock(&another, CLOCK_MONOTONIC, arg), 0);
	is(weft_mutex_unlock(&another), 0);
	return NULL;
}

static void *never_cond(void *arg)
{
	is(weft_mutex_lock(&mutex), 0);
	is(weft_cond_timedwait(&cond, &mutex, arg), 0);
	is(weft_mutex_unlock(&mutex), 0);
	return NULL;
}

static void *never_cond_monotonic(void *arg)
{
	is(weft_mutex_lock(&mutex), 0);
	is(weft_cond_clockwait(&cond, &mutex, CLOCK_MONOTONIC, arg), 0);
	is(weft_mutex_unlock(&mutex), 0);
	return NULL;
}

static void *never_write(void *arg)
{
	is(weft_rwlock_timedwrlock(&rwlock, arg), 0);
	is(weft_rwlock_unlock(&rwlock), 0);
	return NULL;
}

static void *never_write_monotonic(void *arg)
{
	is(weft_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, arg), 0);
	is(weft_rwlock_unlock(&rwlock), 0);
	return NULL;
}

static void *never_sem(void *arg)
{
	is(weft_sem_timedwait(&sem, arg), 0);
	return NULL;
}

static void *never_sem_monotonic(void *arg)
{
	is(weft_sem_clockwait(&sem, CLOCK_MONOTONIC, arg), 0);
	return NULL;
}

static void *never_deadline(void *arg)
{
	is(weft_deadline(arg), 0);
	is(weft_sem_wait(&sem), 0);
	return NULL;
}

static void *never_wg(void *arg)
{
	is(weft_waitgroup_timedwait(&wg, arg), 0);
	return NULL;
}

static void *never_recv(void *arg)
{
	is(weft_chan_timedrecv(ch, NULL, arg), 0);
	return NULL;
}

static void *never_select(void *arg)
{
	weft_case_t receive = {.chan = ch, .op = WEFT_RECV};

	is(weft_select(&receive, 1, arg), 0);
	return NULL;
}

static void *never_group(void *arg)
{
	is(weft_group_timedwait(group, NULL, arg), 0);
	return NULL;
}

static void *never_pool(void *arg)
{
	is(weft_pool_timedwait(pool, arg), 0);
	return NULL;
}

static void *never_future(void *arg)
{
	is(weft_future_timedget(future, NULL, arg), 0);
	return NULL;
}

static void *never_join(void *arg)
{
	is(weft_timedjoin(joined, NULL, arg), 0);
	return NULL;
}

static void *never_sleep(void *arg)
{
	weft_nanosleep(arg, NULL);
	ck_abort();
}

static void *never_sleep_monotonic(void *arg)
{
	weft_clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, arg, NULL);
	ck_abort();
}

static void *(*const nevers[])(void *) = {never_mutex,    never_mutex_monotonic,
					  never_cond,     never_cond_monotonic,
					  never_write,    never_write_monotonic,
					  never_sem,      never_sem_monotonic,
					  never_deadline, never_wg,
					  never_recv,     never_select,
					  never_group,    never_pool,
					  never_future,   never_join,
					  never_sleep,    never_sleep_monotonic};
enum { NEVERS = sizeof nevers / sizeof *nevers, SLEEPERS = 2 };

static void fires_never(void *arg)
{
	(void)arg;
	ck_abort();
}

/* Armed for that time, with such an interval, a timer is armed and does not fire. */
static void timer_at(const struct timespec *t)
{
	struct itimerspec is_at = {.it_value = *t, .it_interval = *t}, old;
	weft_timer_t *timer;

	is(weft_timer_create(&timer, fires_never, NULL), 0);
	is(weft_timer_settime(timer, TIMER_ABSTIME, &is_at, NULL), 0);
	is(weft_timer_settime(timer, 0, &is_at, &old), 0);
	ck_assert_int_gt(old.it_value.tv_sec, 1000000000);
	weft_usleep(1000);
	is(weft_timer_stop(timer), 0);
	is(weft_timer_destroy(timer), 0);
}

static void wait_for_ever(struct timespec *t)
{
	weft_t task[NEVERS];

	make_scarce();
	is(weft_mutex_lock(&another), 0);
	for (int i = 0; i < NEVERS; i++)
		task[i] = create(nevers[i], t);
	wait_parked(NEVERS);
	timer_at(t);
	is(weft_mutex_unlock(&another), 0);
	is(weft_cond_broadcast(&cond), 0);
	is(weft_rwlock_unlock(&rwlock), 0);
	for (int i = 0; i < 3; i++)
		is(weft_sem_post(&sem), 0);
	is(weft_waitgroup_done(&wg), 0);
	for (int i = 0; i < 2; i++)
		is(weft_chan_send(ch, NULL), 0);
	gate = 1;
	for (int i = NEVERS - SLEEPERS; i < NEVERS; i++)
		is(weft_cancel(task[i]), 0);
	for (int i = 0; i < NEVERS; i++)
		result_of(task[i]);
	is(weft_future_release(future), 0);
	drain(pool);
	is(weft_group_destroy(group), 0);
	is(weft_chan_destroy(ch), 0);
}

/* The last of them are the last that are told from forever, and a second before. */
TASK_TEST(test_a_time_that_never_comes_does_not_end_a_wait, 2)
{
	struct timespec late[] = {never,
				  {LONG_MAX / 1000000000 + 1, 0},
				  {LONG_MAX / 1000000000, 999999999},
				  {LONG_MAX / 1000000000 - 1, 999999999}};

	for (int i = 0; i < 4; i++)
		wait_for_ever(&late[i]);
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("never");

	tcase_add_test(tests, test_times_that_are_none_or_past_end_a_tasks_wait_at_once);
	tcase_add_test(tests, test_times_that_are_none_or_past_end_a_threads_wait_at_once);
	tcase_add_test(tests, test_a_time_that_never_comes_does_not_end_a_wait);
	return tests;
}
