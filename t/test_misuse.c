/*
 * Misuse of synchronisation objects, channels, timers, groups and pools: what was destroyed,
 * what somebody else holds or waits on, another mutex, counts that overflow. What each
 * object answers besides is in its own test; see test_null and test_never too.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <weft.h>

#include "misuse.h"
#include "soak.h"
#include "suite.h"
#include "sync/sync.h"

static void nothing(void *arg)
{
	(void)arg;
}

static void no_body(size_t lo, size_t hi, void *arg)
{
	(void)lo, (void)hi, (void)arg;
}

/* --- after the end ------------------------------------------------------------------ */

TASK_TEST(test_destroyed_attributes_are_einval, 1)
{
	weft_mutexattr_t mutex = {0};
	weft_condattr_t cond = {0};
	weft_rwlockattr_t rwlock = {0};
	weft_barrierattr_t barrier = {0};
	weft_mutex_t m;
	weft_cond_t c;
	weft_rwlock_t r;
	weft_barrier_t b;

	is(weft_mutexattr_destroy(&mutex), 0);
	is(weft_mutexattr_destroy(&mutex), EINVAL);
	is(weft_mutexattr_settype(&mutex, WEFT_MUTEX_NORMAL), EINVAL);
	is(weft_mutexattr_setpshared(&mutex, WEFT_PROCESS_PRIVATE), EINVAL);
	is(weft_mutexattr_setprotocol(&mutex, WEFT_PRIO_NONE), EINVAL);
	is(weft_mutexattr_setrobust(&mutex, WEFT_MUTEX_STALLED), EINVAL);
	is(weft_mutex_init(&m, &mutex), EINVAL);
	is(weft_condattr_destroy(&cond), 0);
	is(weft_condattr_setclock(&cond, CLOCK_REALTIME), EINVAL);
	is(weft_condattr_setpshared(&cond, WEFT_PROCESS_PRIVATE), EINVAL);
	is(weft_cond_init(&c, &cond), EINVAL);
	is(weft_rwlockattr_destroy(&rwlock), 0);
	is(weft_rwlockattr_setpshared(&rwlock, WEFT_PROCESS_PRIVATE), EINVAL);
	is(weft_rwlock_init(&r, &rwlock), EINVAL);
	is(weft_barrierattr_destroy(&barrier), 0);
	is(weft_barrierattr_setpshared(&barrier, WEFT_PROCESS_PRIVATE), EINVAL);
	is(weft_barrier_init(&b, &barrier, 1), EINVAL);
}

TASK_TEST(test_destroyed_objects_are_einval, 1)
{
	weft_mutex_t mutex = WEFT_MUTEX_INITIALIZER, held = WEFT_MUTEX_INITIALIZER;
	weft_cond_t cond = WEFT_COND_INITIALIZER, other = WEFT_COND_INITIALIZER;
	weft_rwlock_t rwlock = WEFT_RWLOCK_INITIALIZER;
	weft_waitgroup_t wg = WEFT_WAITGROUP_INITIALIZER;
	weft_sem_t sem;
	int value;

	is(weft_mutex_destroy(&mutex), 0);
	is(weft_mutex_timedlock(&mutex, &never), EINVAL);
	is(weft_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &never), EINVAL);
	is(weft_cond_wait(&other, &mutex), EINVAL);
	is(weft_mutex_lock(&held), 0);
	is(weft_cond_destroy(&cond), 0);
	is(weft_cond_wait(&cond, &held), EINVAL);
	is(weft_cond_timedwait(&cond, &held, &never), EINVAL);
	is(weft_cond_clockwait(&cond, &held, CLOCK_MONOTONIC, &never), EINVAL);
	is(weft_cond_signal(&cond), EINVAL);
	is(weft_cond_broadcast(&cond), EINVAL);
	is(weft_mutex_unlock(&held), 0);
	is(weft_rwlock_destroy(&rwlock), 0);
	is(weft_rwlock_destroy(&rwlock), EINVAL);
	is(weft_rwlock_wrlock(&rwlock), EINVAL);
	is(weft_rwlock_tryrdlock(&rwlock), EINVAL);
	is(weft_rwlock_timedrdlock(&rwlock, &never), EINVAL);
	is(weft_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, &never), EINVAL);
	is(weft_waitgroup_destroy(&wg), 0);
	is(weft_waitgroup_timedwait(&wg, &never), EINVAL);
	is(weft_waitgroup_done(&wg), EINVAL);
	is(weft_sem_init(&sem, 0, 1), 0);
	is(weft_sem_destroy(&sem), 0);
	fails(weft_sem_timedwait(&sem, &never), EINVAL);
	fails(weft_sem_clockwait(&sem, CLOCK_MONOTONIC, &never), EINVAL);
	fails(weft_sem_getvalue(&sem, &value), EINVAL);
}

/* Whose memory is the runtime's, and has not been used again. */
TASK_TEST(test_destroyed_handles_are_einval, 1)
{
	weft_pool_t *pool = make_pool((weft_pool_attr_t){0});
	weft_chan_t *ch = channel(1, 1);
	struct itimerspec unset = {{0}, {0}};
	weft_group_t *group;
	weft_timer_t *timer;
	weft_case_t closed;
	char byte;

	drain(pool);
	is(weft_pool_wait(pool), EINVAL);
	is(weft_pool_resume(pool), EINVAL);
	is(weft_pool_for(pool, 0, 1, 0, no_body, NULL), EINVAL);
	is(weft_pool_destroy(pool, WEFT_DRAIN, NULL), EINVAL);
	is(weft_group_create(&group, 0), 0);
	is(weft_group_destroy(group), 0);
	is(weft_group_wait(group, NULL), EINVAL);
	is(weft_group_destroy(group), EINVAL);
	is(weft_timer_create(&timer, nothing, NULL), 0);
	is(weft_timer_destroy(timer), 0);
	is(weft_timer_settime(timer, 0, &unset, NULL), EINVAL);
	is(weft_timer_stop(timer), EINVAL);
	is(weft_timer_destroy(timer), EINVAL);
	is(weft_chan_destroy(ch), 0);
	is(weft_chan_timedrecv(ch, &byte, &never), EINVAL);
	is(weft_chan_timedsend(ch, &byte, &never), EINVAL);
	closed = (weft_case_t){.chan = ch, .op = WEFT_RECV, .buf = &byte};
	is(weft_select(&closed, 1, NULL), -EINVAL);
}

/* --- what others hold or wait on ------------------------------------------------------- */

static weft_mutex_t mutex = WEFT_MUTEX_INITIALIZER, another = WEFT_MUTEX_INITIALIZER;
static weft_cond_t cond = WEFT_COND_INITIALIZER;
static weft_rwlock_t rwlock = WEFT_RWLOCK_INITIALIZER;
static weft_barrier_t barrier;
static weft_sem_t sem;
static weft_waitgroup_t wg = WEFT_WAITGROUP_INITIALIZER;
static weft_chan_t *ch;
static weft_group_t *group;
static _Atomic int gate;

static void *wait_cond(void *arg)
{
	is(weft_mutex_lock(&mutex), 0);
	is(weft_cond_wait(&cond, &mutex), 0);
	is(weft_mutex_unlock(&mutex), 0);
	return arg;
}

static void *wait_mutex(void *arg)
{
	is(weft_mutex_lock(&another), 0);
	is(weft_mutex_unlock(&another), 0);
	return arg;
}

static void *write_lock(void *arg)
{
	is(weft_rwlock_wrlock(&rwlock), 0);
	is(weft_rwlock_unlock(&rwlock), 0);
	return arg;
}

static void *wait_barrier(void *arg)
{
	weft_barrier_wait(&barrier);
	return arg;
}

static void *wait_sem(void *arg)
{
	is(weft_sem_wait(&sem), 0);
	return arg;
}

static void *wait_wg(void *arg)
{
	is(weft_waitgroup_wait(&wg), 0);
	return arg;
}

static void *wait_chan(void *arg)
{
	is(weft_chan_recv(ch, NULL), 0);
	return arg;
}

static void *wait_group(void *arg)
{
	is(weft_group_wait(group, NULL), 0);
	return arg;
}

static int until_gate(void *arg)
{
	wait_for(&gate, 1);
	return arg != NULL;
}

static void *(*const waits[])(void *) = {wait_cond, wait_mutex, write_lock, wait_barrier,
					 wait_sem,  wait_wg,    wait_chan,  wait_group};
enum { WAITS = sizeof waits / sizeof *waits };

static void held_and_waited_on(void)
{
	is(weft_mutex_destroy(&another), EBUSY);
	is(weft_cond_destroy(&cond), EBUSY);
	is(weft_rwlock_destroy(&rwlock), EBUSY);
	is(weft_barrier_destroy(&barrier), EBUSY);
	fails(weft_sem_destroy(&sem), EBUSY);
	is(weft_waitgroup_destroy(&wg), EBUSY);
	is(weft_chan_destroy(ch), EBUSY);
	is(weft_group_destroy(group), EBUSY);
}

static void make_all(void)
{
	is(weft_barrier_init(&barrier, NULL, 2), 0);
	is(weft_sem_init(&sem, 0, 0), 0);
	is(weft_waitgroup_add(&wg, 1), 0);
	ch = channel(0, 0);
	is(weft_group_create(&group, 0), 0);
	is(weft_group_go(group, until_gate, NULL), 0);
	is(weft_mutex_lock(&another), 0);
	is(weft_rwlock_rdlock(&rwlock), 0);
}

static void let_all_go(void)
{
	is(weft_cond_signal(&cond), 0);
	is(weft_mutex_unlock(&another), 0);
	is(weft_rwlock_unlock(&rwlock), 0);
	weft_barrier_wait(&barrier);
	is(weft_sem_post(&sem), 0);
	is(weft_waitgroup_done(&wg), 0);
	is(weft_chan_send(ch, NULL), 0);
	gate = 1;
}

static void destroy_all(void)
{
	is(weft_mutex_destroy(&another), 0);
	is(weft_cond_destroy(&cond), 0);
	is(weft_rwlock_destroy(&rwlock), 0);
	is(weft_barrier_destroy(&barrier), 0);
	is(weft_sem_destroy(&sem), 0);
	is(weft_waitgroup_destroy(&wg), 0);
	is(weft_chan_destroy(ch), 0);
	is(weft_group_destroy(group), 0);
}

TASK_TEST(test_destroying_what_a_task_waits_on_is_ebusy_and_harmless, 2)
{
	weft_t task[WAITS];

	make_all();
	for (int i = 0; i < WAITS; i++)
		task[i] = create(waits[i], NULL);
	wait_parked(WAITS);
	held_and_waited_on();
	let_all_go();
	for (int i = 0; i < WAITS; i++)
		result_of(task[i]);
	destroy_all();
}

/* A thread that has nothing to do but one of those waits. */
struct waiter_thread {
	pthread_t thread;
	void *(*fn)(void *);
	_Atomic pid_t tid;
};

static void *wait_on_thread(void *arg)
{
	struct waiter_thread *t = arg;

	weft_self(); /* what stands for the thread is there: nothing else is waited for */
	t->tid = gettid();
	return t->fn(NULL);
}

/* Whether the kernel has it asleep. */
static bool asleep(pid_t tid)
{
	char path[64], state = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)tid);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%*d (%*[^)]) %c", &state), 1);
	fclose(f);
	return state == 'S';
}

/* It may sleep for a moment on a lock of the library's own. */
static void until_asleep(struct waiter_thread *t)
{
	while (!t->tid)
		usleep(1000);
	for (int in_a_row = 0; in_a_row < 5; usleep(2000))
		in_a_row = asleep(t->tid) ? in_a_row + 1 : 0;
}

START_TEST(test_destroying_what_a_thread_waits_on_is_ebusy_and_harmless)
{
	struct waiter_thread t[WAITS] = {0};

	make_all();
	for (int i = 0; i < WAITS; i++) {
		t[i].fn = waits[i];
		is(pthread_create(&t[i].thread, NULL, wait_on_thread, &t[i]), 0);
	}
	for (int i = 0; i < WAITS; i++)
		until_asleep(&t[i]);
	held_and_waited_on();
	let_all_go();
	for (int i = 0; i < WAITS; i++)
		is(pthread_join(t[i].thread, NULL), 0);
	destroy_all();
}
END_TEST

/* --- whose lock it is ------------------------------------------------------------------- */

static void *unlock_all(void *arg)
{
	struct timespec soon = time_of(CLOCK_REALTIME, 1);

	is(weft_mutex_unlock(&mutex), EPERM);
	is(weft_rwlock_unlock(&rwlock), EPERM);
	is(weft_cond_wait(&cond, &mutex), EPERM);
	is(weft_cond_timedwait(&cond, &mutex, &soon), EPERM);
	is(weft_cond_clockwait(&cond, &mutex, CLOCK_REALTIME, &soon), EPERM);
	is(weft_mutex_trylock(&mutex), EBUSY);
	is(weft_mutex_timedlock(&mutex, &past), ETIMEDOUT);
	is(weft_rwlock_trywrlock(&rwlock), EBUSY);
	is(weft_rwlock_timedrdlock(&rwlock, &past), ETIMEDOUT);
	return arg;
}

/* A task's locks are no other task's, and no thread's; a thread's no task's. */
static void own_what_others_unlock(void)
{
	is(weft_mutex_lock(&mutex), 0);
	is(weft_rwlock_wrlock(&rwlock), 0);
	result_of(create(unlock_all, NULL));
	on_thread(unlock_all, NULL);
	is(weft_mutex_unlock(&mutex), 0);
	is(weft_rwlock_unlock(&rwlock), 0);
	is(weft_mutex_unlock(&mutex), EPERM);
	is(weft_rwlock_unlock(&rwlock), EPERM);
}

TASK_TEST(test_what_a_task_has_locked_is_nobody_elses_to_unlock, 2)
{
	own_what_others_unlock();
}

START_TEST(test_what_a_thread_has_locked_is_nobody_elses_to_unlock)
{
	own_what_others_unlock();
}
END_TEST

/* All the ways to wait with another mutex than those who wait already. */
static void *wait_with_another(void *arg)
{
	struct timespec soon = time_of(CLOCK_REALTIME, 20);

	is(weft_mutex_lock(&another), 0);
	is(weft_cond_wait(&cond, &another), EINVAL);
	is(weft_cond_timedwait(&cond, &another, &soon), EINVAL);
	is(weft_cond_clockwait(&cond, &another, CLOCK_REALTIME, &soon), EINVAL);
	is(weft_mutex_unlock(&another), 0); /* it is held */
	return arg;
}

TASK_TEST(test_waiting_with_another_mutex_is_einval_and_keeps_it, 2)
{
	weft_t task = create(wait_cond, NULL);

	wait_parked(1);
	wait_with_another(NULL);
	on_thread(wait_with_another, NULL);
	is(weft_cond_signal(&cond), 0);
	result_of(task);
	is(weft_mutex_lock(&another), 0); /* with nobody there any mutex will do */
	is(weft_cond_timedwait(&cond, &another, &past), ETIMEDOUT);
	is(weft_mutex_unlock(&another), 0);
}

/* --- what is too much ------------------------------------------------------------------------ */

TASK_TEST(test_counts_do_not_overflow, 1)
{
	union {
		weft_mutex_t it;
		struct mutex inside;
	} recursive = {WEFT_RECURSIVE_MUTEX_INITIALIZER};
	weft_pool_attr_t many = {.priorities = (unsigned)INT_MAX + 1};
	weft_chan_t *none = NULL;
	weft_pool_t *pool, *unmade = NULL;

	is(weft_mutex_lock(&recursive.it), 0);
	recursive.inside.nested = UINT_MAX; /* as if it was locked so often */
	is(weft_mutex_lock(&recursive.it), EAGAIN);
	is(weft_mutex_trylock(&recursive.it), EAGAIN);
	is(weft_mutex_timedlock(&recursive.it, &never), EAGAIN);
	is(weft_sem_init(&sem, 0, INT_MAX), 0);
	fails(weft_sem_post(&sem), EOVERFLOW);
	fails(weft_sem_init(&sem, 0, (unsigned)INT_MAX + 1), EINVAL);
	is(weft_waitgroup_add(&wg, INT_MAX), 0);
	is(weft_waitgroup_add(&wg, 1), EOVERFLOW);
	is(weft_waitgroup_add(&wg, INT_MAX), EOVERFLOW);
	is(weft_waitgroup_add(&wg, -INT_MAX), 0);
	is(weft_waitgroup_done(&wg), EINVAL);
	is(weft_chan_create(&none, SIZE_MAX / 2, 3), EOVERFLOW);
	is(weft_chan_create(&none, (size_t)1 << 32, (size_t)1 << 32), EOVERFLOW);
	ck_assert_ptr_null(none);
	is(weft_pool_create(&unmade, &many), EINVAL);
	ck_assert_ptr_null(unmade);
	pool = make_pool((weft_pool_attr_t){.workers = UINT_MAX, .capacity = SIZE_MAX});
	is(weft_pool_submit(pool, nothing, NULL), 0);
	drain(pool);
}

static _Atomic size_t indexes;

static void add_length(size_t lo, size_t hi, void *last)
{
	ck_assert_uint_lt(lo, hi);
	if (hi == SIZE_MAX)
		*(_Atomic int *)last += 1;
	indexes += hi - lo;
}

/* Wherever it is split, a loop over all numbers there are does each once. */
TASK_TEST(test_a_loop_over_all_numbers_does_each_once, 2)
{
	static const size_t grains[] = {0, SIZE_MAX / 3, SIZE_MAX / 2, SIZE_MAX - 1, SIZE_MAX};

	for (unsigned i = 0; i < sizeof grains / sizeof *grains; i++) {
		_Atomic int last = 0;

		indexes = 0;
		is(weft_pool_for(NULL, 0, SIZE_MAX, grains[i], add_length, &last), 0);
		ck_assert_uint_eq(indexes, SIZE_MAX);
		ck_assert_int_eq(last, 1);
	}
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("misuse");

	tcase_add_test(tests, test_destroyed_attributes_are_einval);
	tcase_add_test(tests, test_destroyed_objects_are_einval);
	if (!SANITIZED) /* which see the look at what was freed */
		tcase_add_test(tests, test_destroyed_handles_are_einval);
	tcase_add_test(tests, test_destroying_what_a_task_waits_on_is_ebusy_and_harmless);
	tcase_add_test(tests, test_destroying_what_a_thread_waits_on_is_ebusy_and_harmless);
	tcase_add_test(tests, test_what_a_task_has_locked_is_nobody_elses_to_unlock);
	tcase_add_test(tests, test_what_a_thread_has_locked_is_nobody_elses_to_unlock);
	tcase_add_test(tests, test_waiting_with_another_mutex_is_einval_and_keeps_it);
	tcase_add_test(tests, test_counts_do_not_overflow);
	tcase_add_test(tests, test_a_loop_over_all_numbers_does_each_once);
	return tests;
}
