/*
 * Read-write locks: who is let in, who waits, and that nobody waits for ever.
 */
#include <pthread.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

static weft_rwlock_t rwlock = WEFT_RWLOCK_INITIALIZER;
static _Atomic int inside, order, stop;
static long value, copy; /* not atomic: the lock guards them */

static void unlock(void)
{
	ck_assert_int_eq(weft_rwlock_unlock(&rwlock), 0);
}

static void *try_read(void *arg)
{
	int error = weft_rwlock_tryrdlock(&rwlock);

	(void)arg;
	if (!error)
		unlock();
	return (void *)(intptr_t)error;
}

static void *try_write(void *arg)
{
	int error = weft_rwlock_trywrlock(&rwlock);

	(void)arg;
	if (!error)
		unlock();
	return (void *)(intptr_t)error;
}

static void *try_unlock(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)weft_rwlock_unlock(&rwlock);
}

static int others(void *(*fn)(void *))
{
	return (int)(intptr_t)on_thread(fn, NULL);
}

START_TEST(test_misuse_is_answered)
{
	weft_rwlockattr_t attr;
	int value_of;

	ck_assert_int_eq(weft_rwlockattr_init(&attr), 0);
	ck_assert_int_eq(weft_rwlockattr_setpshared(&attr, WEFT_PROCESS_SHARED), ENOTSUP);
	ck_assert_int_eq(weft_rwlockattr_setpshared(&attr, 7), EINVAL);
	ck_assert_int_eq(weft_rwlockattr_getpshared(&attr, &value_of), 0);
	ck_assert_int_eq(value_of, WEFT_PROCESS_PRIVATE);
	ck_assert_int_eq(weft_rwlock_init(&rwlock, &attr), 0);
	ck_assert_int_eq(weft_rwlockattr_destroy(&attr), 0);
	ck_assert_int_eq(weft_rwlock_init(&rwlock, &attr), EINVAL);
	ck_assert_int_eq(weft_rwlock_init(NULL, NULL), EINVAL);
	ck_assert_int_eq(weft_rwlock_rdlock(NULL), EINVAL);
	ck_assert_int_eq(weft_rwlock_wrlock(NULL), EINVAL);
	ck_assert_int_eq(weft_rwlock_unlock(NULL), EINVAL);
	ck_assert_int_eq(weft_rwlock_unlock(&rwlock), EPERM);
	ck_assert_int_eq(weft_rwlock_destroy(&rwlock), 0);
	ck_assert_int_eq(weft_rwlock_destroy(&rwlock), EINVAL);
	ck_assert_int_eq(weft_rwlock_rdlock(&rwlock), EINVAL);
	ck_assert_int_eq(weft_rwlock_trywrlock(&rwlock), EINVAL);
	ck_assert_int_eq(weft_rwlock_unlock(&rwlock), EINVAL);
}
END_TEST

static void who_gets_in(void)
{
	ck_assert_int_eq(weft_rwlock_rdlock(&rwlock), 0);
	ck_assert_int_eq(weft_rwlock_rdlock(&rwlock), 0);
	ck_assert_int_eq(others(try_read), 0);
	ck_assert_int_eq(others(try_write), EBUSY);
	ck_assert_int_eq(weft_rwlock_destroy(&rwlock), EBUSY);
	unlock();
	ck_assert_int_eq(others(try_write), EBUSY);
	unlock();
	ck_assert_int_eq(weft_rwlock_unlock(&rwlock), EPERM);
	ck_assert_int_eq(weft_rwlock_wrlock(&rwlock), 0);
	ck_assert_int_eq(weft_rwlock_wrlock(&rwlock), EDEADLK);
	ck_assert_int_eq(weft_rwlock_rdlock(&rwlock), EDEADLK);
	ck_assert_int_eq(weft_rwlock_tryrdlock(&rwlock), EBUSY);
	ck_assert_int_eq(others(try_read), EBUSY);
	ck_assert_int_eq(others(try_write), EBUSY);
	ck_assert_int_eq(others(try_unlock), EPERM);
	ck_assert_int_eq(weft_rwlock_destroy(&rwlock), EBUSY);
	unlock();
	ck_assert_int_eq(others(try_write), 0);
	ck_assert_int_eq(weft_rwlock_destroy(&rwlock), 0);
}

START_TEST(test_readers_share_it_and_a_writer_does_not_on_threads)
{
	who_gets_in();
}
END_TEST

TASK_TEST(test_readers_share_it_and_a_writer_does_not_in_tasks, 1)
{
	who_gets_in();
}

static void *read_in_turn(void *arg)
{
	ck_assert_int_eq(weft_rwlock_rdlock(&rwlock), 0);
	inside++;
	*(int *)arg = ++order;
	while (inside < 2 && !stop)
		weft_yield(); /* until the other reader is in, too */
	unlock();
	return NULL;
}

static void *write_in_turn(void *arg)
{
	ck_assert_int_eq(weft_rwlock_wrlock(&rwlock), 0);
	inside = 0;
	*(int *)arg = ++order;
	unlock();
	return NULL;
}

/* A reader holds it; then come a writer, a reader, a writer, a reader. */
TASK_TEST(test_readers_and_writers_take_turns, 1)
{
	int at[4] = {0};
	weft_t task[4];

	ck_assert_int_eq(weft_rwlock_rdlock(&rwlock), 0);
	for (int i = 0; i < 4; i++) {
		task[i] = create(i & 1 ? read_in_turn : write_in_turn, &at[i]);
		wait_parked((unsigned)i + 1);
	}
	ck_assert_int_eq(weft_rwlock_tryrdlock(&rwlock), EBUSY); /* behind the writer */
	ck_assert_int_eq(order, 0);
	unlock();
	for (int i = 0; i < 4; i++)
		result_of(task[i]);
	ck_assert_int_eq(at[0], 1);
	ck_assert_int_eq(at[1] + at[3], 5); /* both readers after the first writer */
	ck_assert_int_eq(at[2], 4);
	ck_assert_int_eq(weft_rwlock_destroy(&rwlock), 0);
}

static void *read_all_the_time(void *arg)
{
	while (!stop) {
		ck_assert_int_eq(weft_rwlock_rdlock(&rwlock), 0);
		inside++;
		weft_yield(); /* so that some reader is always in */
		inside--;
		unlock();
	}
	return arg;
}

TASK_TEST(test_readers_do_not_starve_a_writer, 1)
{
	weft_t task[3];

	for (int i = 0; i < 3; i++)
		task[i] = create(read_all_the_time, NULL);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(weft_rwlock_wrlock(&rwlock), 0);
		ck_assert_int_eq(inside, 0);
		unlock();
		weft_yield();
	}
	stop = 1;
	for (int i = 0; i < 3; i++)
		result_of(task[i]);
}

static void *write_all_the_time(void *arg)
{
	while (!stop) {
		ck_assert_int_eq(weft_rwlock_wrlock(&rwlock), 0);
		weft_yield();
		unlock();
	}
	return arg;
}

TASK_TEST(test_writers_do_not_starve_a_reader, 1)
{
	weft_t task[3];

	for (int i = 0; i < 3; i++)
		task[i] = create(write_all_the_time, NULL);
	for (int i = 0; i < 100; i++) {
		weft_yield();
		ck_assert_int_eq(weft_rwlock_rdlock(&rwlock), 0);
		unlock();
	}
	stop = 1;
	for (int i = 0; i < 3; i++)
		result_of(task[i]);
}

/* --- times ---------------------------------------------------------------------- */

static void *lock_timed(void *arg)
{
	struct timespec bad = {0, -1}, past = {0, 0};
	struct timespec soon = time_of(CLOCK_REALTIME, 10), mono = time_of(CLOCK_MONOTONIC, 10);

	ck_assert_int_eq(weft_rwlock_timedwrlock(&rwlock, &bad), EINVAL);
	ck_assert_int_eq(weft_rwlock_timedwrlock(&rwlock, NULL), EINVAL);
	ck_assert_int_eq(weft_rwlock_timedwrlock(&rwlock, &past), ETIMEDOUT);
	ck_assert_int_eq(weft_rwlock_timedwrlock(&rwlock, &soon), ETIMEDOUT);
	ck_assert_int_eq(weft_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, &mono), ETIMEDOUT);
	ck_assert_int_eq(weft_rwlock_clockwrlock(&rwlock, -3, &mono), EINVAL);
	ck_assert_int_eq(weft_rwlock_clockrdlock(&rwlock, -3, &mono), EINVAL);
	if (arg) { /* a writer holds it */
		ck_assert_int_eq(weft_rwlock_timedrdlock(&rwlock, &bad), EINVAL);
		ck_assert_int_eq(weft_rwlock_timedrdlock(&rwlock, &past), ETIMEDOUT);
		ck_assert_int_eq(weft_rwlock_clockrdlock(&rwlock, CLOCK_MONOTONIC, &mono),
				 ETIMEDOUT);
	} else {
		ck_assert_int_eq(weft_rwlock_timedrdlock(&rwlock, &bad), 0);
		unlock();
	}
	return NULL;
}

TASK_TEST(test_timed_locks_end_at_their_time, 2)
{
	ck_assert_int_eq(weft_rwlock_wrlock(&rwlock), 0);
	result_of(create(lock_timed, &rwlock));
	on_thread(lock_timed, &rwlock);
	unlock();
	ck_assert_int_eq(weft_rwlock_rdlock(&rwlock), 0);
	result_of(create(lock_timed, NULL));
	on_thread(lock_timed, NULL);
	unlock();
	ck_assert_int_eq(weft_rwlock_destroy(&rwlock), 0);
}

static void *give_up_writing(void *arg)
{
	struct timespec soon = time_of(CLOCK_REALTIME, 50);

	ck_assert_int_eq(weft_rwlock_timedwrlock(&rwlock, &soon), ETIMEDOUT);
	return arg;
}

static void *read_once(void *arg)
{
	ck_assert_int_eq(weft_rwlock_rdlock(&rwlock), 0);
	unlock();
	return arg;
}

TASK_TEST(test_a_writer_that_gives_up_lets_the_readers_behind_it_in, 1)
{
	weft_t writer, reader[3];

	ck_assert_int_eq(weft_rwlock_rdlock(&rwlock), 0);
	writer = create(give_up_writing, NULL);
	wait_parked(1);
	for (int i = 0; i < 3; i++)
		reader[i] = create(read_once, NULL);
	wait_parked(4);
	result_of(writer);
	for (int i = 0; i < 3; i++)
		result_of(reader[i]);
	unlock();
}

/* --- under load --------------------------------------------------------------------- */

static unsigned turns;

static void *use(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg + 1;

	for (unsigned i = 0; i < turns; i++) {
		seed = seed * 1103515245 + 12345;
		if ((seed >> 16) % 4) {
			ck_assert_int_eq(weft_rwlock_rdlock(&rwlock), 0);
			ck_assert_int_eq(value, copy);
		} else {
			ck_assert_int_eq(weft_rwlock_wrlock(&rwlock), 0);
			value++;
			if (i % 8 == 0)
				weft_yield();
			copy++;
		}
		if (i % 16 == 0)
			weft_yield();
		unlock();
	}
	return arg;
}

static void use_all(uintptr_t tasks, uintptr_t threads)
{
	weft_t task[8];
	pthread_t thread[8];

	turns = scaled(rounds(10000));
	for (uintptr_t i = 0; i < threads; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, use, (void *)i), 0);
	for (uintptr_t i = 0; i < tasks; i++)
		task[i] = create(use, (void *)(i + 100));
	for (uintptr_t i = 0; i < tasks; i++)
		result_of(task[i]);
	for (uintptr_t i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	ck_assert_int_eq(value, copy);
	ck_assert_int_eq(weft_rwlock_destroy(&rwlock), 0);
}

TASK_TEST(test_tasks_of_one_p_see_whole_writes, 1)
{
	use_all(8, 0);
}

TASK_TEST(test_tasks_and_threads_see_whole_writes, 4)
{
	use_all(4, 4);
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("rwlock");

	tcase_add_test(tests, test_misuse_is_answered);
	tcase_add_test(tests, test_readers_share_it_and_a_writer_does_not_on_threads);
	tcase_add_test(tests, test_readers_share_it_and_a_writer_does_not_in_tasks);
	tcase_add_test(tests, test_readers_and_writers_take_turns);
	tcase_add_test(tests, test_readers_do_not_starve_a_writer);
	tcase_add_test(tests, test_writers_do_not_starve_a_reader);
	tcase_add_test(tests, test_tasks_of_one_p_see_whole_writes);
	tcase_add_test(tests, test_tasks_and_threads_see_whole_writes);
	tcase_add_test(tests, test_timed_locks_end_at_their_time);
	tcase_add_test(tests, test_a_writer_that_gives_up_lets_the_readers_behind_it_in);
	return tests;
}
