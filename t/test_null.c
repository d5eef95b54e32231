/*
 * NULL for an object, function or place that is needed, in each call of sync.h, chan.h, time.h
 * and pool.h.
 */
#include <weft.h>

#include "misuse.h"
#include "suite.h"

static void nothing(void *arg)
{
	(void)arg;
}

static int no_error(void *arg)
{
	(void)arg;
	return 0;
}

static void attributes_of_null(void)
{
	weft_mutexattr_t mutex = {0};
	weft_condattr_t cond = {0};
	weft_rwlockattr_t rwlock = {0};
	weft_barrierattr_t barrier = {0};
	clockid_t clock;
	int value;

	is(weft_mutexattr_init(NULL), EINVAL);
	is(weft_mutexattr_destroy(NULL), EINVAL);
	is(weft_mutexattr_settype(NULL, WEFT_MUTEX_NORMAL), EINVAL);
	is(weft_mutexattr_gettype(NULL, &value), EINVAL);
	is(weft_mutexattr_gettype(&mutex, NULL), EINVAL);
	is(weft_mutexattr_setpshared(NULL, WEFT_PROCESS_PRIVATE), EINVAL);
	is(weft_mutexattr_getpshared(NULL, &value), EINVAL);
	is(weft_mutexattr_getpshared(&mutex, NULL), EINVAL);
	is(weft_mutexattr_setprotocol(NULL, WEFT_PRIO_NONE), EINVAL);
	is(weft_mutexattr_getprotocol(NULL, &value), EINVAL);
	is(weft_mutexattr_getprotocol(&mutex, NULL), EINVAL);
	is(weft_mutexattr_setrobust(NULL, WEFT_MUTEX_STALLED), EINVAL);
	is(weft_mutexattr_getrobust(NULL, &value), EINVAL);
	is(weft_mutexattr_getrobust(&mutex, NULL), EINVAL);
	is(weft_condattr_init(NULL), EINVAL);
	is(weft_condattr_destroy(NULL), EINVAL);
	is(weft_condattr_setclock(NULL, CLOCK_REALTIME), EINVAL);
	is(weft_condattr_getclock(NULL, &clock), EINVAL);
	is(weft_condattr_getclock(&cond, NULL), EINVAL);
	is(weft_condattr_setpshared(NULL, WEFT_PROCESS_PRIVATE), EINVAL);
	is(weft_condattr_getpshared(NULL, &value), EINVAL);
	is(weft_condattr_getpshared(&cond, NULL), EINVAL);
	is(weft_rwlockattr_init(NULL), EINVAL);
	is(weft_rwlockattr_destroy(NULL), EINVAL);
	is(weft_rwlockattr_setpshared(NULL, WEFT_PROCESS_PRIVATE), EINVAL);
	is(weft_rwlockattr_getpshared(NULL, &value), EINVAL);
	is(weft_rwlockattr_getpshared(&rwlock, NULL), EINVAL);
	is(weft_barrierattr_init(NULL), EINVAL);
	is(weft_barrierattr_destroy(NULL), EINVAL);
	is(weft_barrierattr_setpshared(NULL, WEFT_PROCESS_PRIVATE), EINVAL);
	is(weft_barrierattr_getpshared(NULL, &value), EINVAL);
	is(weft_barrierattr_getpshared(&barrier, NULL), EINVAL);
}

static void sync_of_null(void)
{
	weft_mutex_t mutex = WEFT_MUTEX_INITIALIZER;
	weft_cond_t cond = WEFT_COND_INITIALIZER;

	is(weft_mutex_init(NULL, NULL), EINVAL);
	is(weft_mutex_destroy(NULL), EINVAL);
	is(weft_mutex_lock(NULL), EINVAL);
	is(weft_mutex_trylock(NULL), EINVAL);
	is(weft_mutex_timedlock(NULL, &never), EINVAL);
	is(weft_mutex_clocklock(NULL, CLOCK_MONOTONIC, &never), EINVAL);
	is(weft_mutex_unlock(NULL), EINVAL);
	is(weft_cond_init(NULL, NULL), EINVAL);
	is(weft_cond_destroy(NULL), EINVAL);
	is(weft_cond_signal(NULL), EINVAL);
	is(weft_cond_broadcast(NULL), EINVAL);
	is(weft_cond_wait(NULL, &mutex), EINVAL);
	is(weft_cond_wait(&cond, NULL), EINVAL);
	is(weft_cond_timedwait(NULL, &mutex, &never), EINVAL);
	is(weft_cond_timedwait(&cond, NULL, &never), EINVAL);
	is(weft_cond_clockwait(NULL, &mutex, CLOCK_MONOTONIC, &never), EINVAL);
	is(weft_cond_clockwait(&cond, NULL, CLOCK_MONOTONIC, &never), EINVAL);
	is(weft_rwlock_init(NULL, NULL), EINVAL);
	is(weft_rwlock_destroy(NULL), EINVAL);
	is(weft_rwlock_rdlock(NULL), EINVAL);
	is(weft_rwlock_wrlock(NULL), EINVAL);
	is(weft_rwlock_tryrdlock(NULL), EINVAL);
	is(weft_rwlock_trywrlock(NULL), EINVAL);
	is(weft_rwlock_timedrdlock(NULL, &never), EINVAL);
	is(weft_rwlock_timedwrlock(NULL, &never), EINVAL);
	is(weft_rwlock_clockrdlock(NULL, CLOCK_MONOTONIC, &never), EINVAL);
	is(weft_rwlock_clockwrlock(NULL, CLOCK_MONOTONIC, &never), EINVAL);
	is(weft_rwlock_unlock(NULL), EINVAL);
	is(weft_barrier_init(NULL, NULL, 1), EINVAL);
	is(weft_barrier_destroy(NULL), EINVAL);
	is(weft_barrier_wait(NULL), EINVAL);
	is(weft_spin_init(NULL, WEFT_PROCESS_PRIVATE), EINVAL);
	is(weft_spin_destroy(NULL), EINVAL);
	is(weft_spin_lock(NULL), EINVAL);
	is(weft_spin_trylock(NULL), EINVAL);
	is(weft_spin_unlock(NULL), EINVAL);
	is(weft_waitgroup_init(NULL), EINVAL);
	is(weft_waitgroup_destroy(NULL), EINVAL);
	is(weft_waitgroup_add(NULL, 1), EINVAL);
	is(weft_waitgroup_done(NULL), EINVAL);
	is(weft_waitgroup_wait(NULL), EINVAL);
	is(weft_waitgroup_timedwait(NULL, &never), EINVAL);
}

static void semaphores_of_null(void)
{
	weft_sem_t sem;
	int value;

	fails(weft_sem_init(NULL, 0, 0), EINVAL);
	fails(weft_sem_destroy(NULL), EINVAL);
	fails(weft_sem_wait(NULL), EINVAL);
	fails(weft_sem_trywait(NULL), EINVAL);
	fails(weft_sem_timedwait(NULL, &never), EINVAL);
	fails(weft_sem_clockwait(NULL, CLOCK_MONOTONIC, &never), EINVAL);
	fails(weft_sem_post(NULL), EINVAL);
	fails(weft_sem_getvalue(NULL, &value), EINVAL);
	is(weft_sem_init(&sem, 0, 0), 0);
	fails(weft_sem_getvalue(&sem, NULL), EINVAL);
	is(weft_sem_destroy(&sem), 0);
}

static void channels_of_null(void)
{
	weft_chan_t *ch = channel(1, 1);
	char byte = 0;

	is(weft_chan_create(NULL, 1, 1), EINVAL);
	is(weft_chan_destroy(NULL), EINVAL);
	is(weft_chan_close(NULL), EINVAL);
	is(weft_chan_send(NULL, &byte), EINVAL);
	is(weft_chan_recv(NULL, &byte), EINVAL);
	is(weft_chan_trysend(NULL, &byte), EINVAL);
	is(weft_chan_tryrecv(NULL, &byte), EINVAL);
	is(weft_chan_timedsend(NULL, &byte, &never), EINVAL);
	is(weft_chan_timedrecv(NULL, &byte, &never), EINVAL);
	is(weft_chan_send(ch, NULL), EINVAL);
	is(weft_chan_trysend(ch, NULL), EINVAL);
	is(weft_chan_timedsend(ch, NULL, &never), EINVAL);
	ck_assert_uint_eq(weft_chan_len(NULL), 0);
	ck_assert_uint_eq(weft_chan_cap(NULL), 0);
	is(weft_select(NULL, 1, &past), -EINVAL);
	is(weft_chan_destroy(ch), 0);
}

static void time_of_null(void)
{
	struct itimerspec unset = {{0}, {0}};
	weft_timer_t *timer;

	fails(weft_nanosleep(NULL, NULL), EINVAL);
	is(weft_clock_nanosleep(CLOCK_MONOTONIC, 0, NULL, NULL), EINVAL);
	is(weft_clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, NULL, NULL), EINVAL);
	is(weft_timer_create(NULL, nothing, NULL), EINVAL);
	is(weft_timer_create(&timer, NULL, NULL), EINVAL);
	is(weft_timer_settime(NULL, 0, &unset, NULL), EINVAL);
	is(weft_timer_stop(NULL), EINVAL);
	is(weft_timer_destroy(NULL), EINVAL);
	is(weft_timer_create(&timer, nothing, NULL), 0);
	is(weft_timer_settime(timer, 0, NULL, NULL), EINVAL);
	is(weft_timer_destroy(timer), 0);
}

static void pools_of_null(void)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){0});
	weft_pool_stats_t stats;
	weft_group_t *group;
	weft_future_t *future;

	is(weft_group_create(NULL, 0), EINVAL);
	is(weft_group_go(NULL, no_error, NULL), EINVAL);
	is(weft_group_wait(NULL, NULL), EINVAL);
	is(weft_group_timedwait(NULL, NULL, &never), EINVAL);
	is(weft_group_cancel(NULL), EINVAL);
	is(weft_group_destroy(NULL), EINVAL);
	is(weft_group_create(&group, 0), 0);
	is(weft_group_go(group, NULL, NULL), EINVAL);
	is(weft_group_timedwait(group, NULL, NULL), EINVAL);
	is(weft_group_destroy(group), 0);
	is(weft_pool_create(NULL, NULL), EINVAL);
	is(weft_pool_submit(NULL, nothing, NULL), EINVAL);
	is(weft_pool_submit(pool, NULL, NULL), EINVAL);
	is(weft_pool_submit_prio(NULL, 0, nothing, NULL), EINVAL);
	is(weft_pool_submit_prio(pool, 0, NULL, NULL), EINVAL);
	is(weft_pool_async(NULL, &future, give_back, NULL), EINVAL);
	is(weft_pool_async(pool, NULL, give_back, NULL), EINVAL);
	is(weft_pool_async(pool, &future, NULL, NULL), EINVAL);
	is(weft_pool_for(pool, 0, 1, 0, NULL, NULL), EINVAL);
	is(weft_pool_wait(NULL), EINVAL);
	is(weft_pool_timedwait(NULL, &never), EINVAL);
	is(weft_pool_timedwait(pool, NULL), EINVAL);
	is(weft_pool_pause(NULL), EINVAL);
	is(weft_pool_resume(NULL), EINVAL);
	is(weft_pool_resize(NULL, 1), EINVAL);
	is(weft_pool_stats(NULL, &stats, sizeof stats), EINVAL);
	is(weft_pool_stats(pool, NULL, sizeof stats), EINVAL);
	is(weft_pool_destroy(NULL, WEFT_DRAIN, NULL), EINVAL);
	is(weft_future_get(NULL, NULL), EINVAL);
	is(weft_future_timedget(NULL, NULL, &never), EINVAL);
	is(weft_future_done(NULL), 0);
	is(weft_future_cancel(NULL), EINVAL);
	is(weft_future_release(NULL), EINVAL);
	drain(pool);
}

static void *null_everywhere(void *arg)
{
	attributes_of_null();
	sync_of_null();
	semaphores_of_null();
	channels_of_null();
	time_of_null();
	pools_of_null();
	return arg;
}

START_TEST(test_null_where_something_is_needed_is_einval_on_a_thread)
{
	null_everywhere(NULL);
}
END_TEST

TASK_TEST(test_null_where_something_is_needed_is_einval_in_a_task, 1)
{
	null_everywhere(NULL);
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("null");

	tcase_add_test(tests, test_null_where_something_is_needed_is_einval_on_a_thread);
	tcase_add_test(tests, test_null_where_something_is_needed_is_einval_in_a_task);
	return tests;
}
