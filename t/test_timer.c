/*
 * The heap of timers, beside a plain list: by itself, without a runtime that looks at it.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "sched/fast.h"
#include "soak.h"

enum { TIMERS = 300 };

static struct p heaps[2];
static struct m owner; /* of the first; its thread has no task */
static struct timer timers[TIMERS];
static _Atomic int64_t last; /* when the one was to fire that fired last */
static int fired;
static uint64_t rng = 88172645463325252;

static int random_below(int n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (int)((rng >> 32) * (uint32_t)n >> 32);
}

static void count(struct m *m, struct timer *t)
{
	ck_assert_ptr_eq(m, &owner);
	ck_assert_int_ge(t->when, last);
	last = t->when;
	fired++;
	atomic_fetch_sub(&t->hands, 1);
	atomic_fetch_sub(&wf_sched.firing, 1);
}

static void setup(void)
{
	wf_sched.nprocs = 2;
	for (int i = 0; i < 2; i++) {
		heaps[i] = (struct p){.id = i};
		wf_allp[i] = &heaps[i];
		wf_timers_init(&heaps[i].timers);
	}
	owner.p = &heaps[0];
	last = 0;
	fired = 0;
	for (int i = 0; i < TIMERS; i++)
		timers[i] = (struct timer){.fired = count};
}

static void arm_at(int i, int64_t when)
{
	wf_timer_arm(&owner, &timers[i], when);
}

/* Fire all that is due; how many. */
static int fire_until(struct timers *heap, int64_t now)
{
	int before = fired;

	last = 0;
	while (wf_timers_fire(&owner, heap, now))
		;
	return fired - before;
}

static bool armed(int i)
{
	return timers[i].heap != NULL;
}

/* What the heap says of itself, against all there is. */
static void compare(const struct timers *heap)
{
	int64_t first = WF_FOREVER;
	unsigned n = 0;

	for (int i = 0; i < TIMERS; i++) {
		if (timers[i].heap != heap)
			continue;
		n++;
		if (timers[i].when < first)
			first = timers[i].when;
	}
	ck_assert_uint_eq(heap->n, n);
	ck_assert_int_eq(heap->next, first);
}

START_TEST(test_timers_fire_in_the_order_of_their_times)
{
	for (int i = 0; i < TIMERS; i++)
		arm_at(i, _i == 0 ? i + 1 : _i == 1 ? TIMERS - i : 1 + random_below(TIMERS));
	compare(&heaps[0].timers);
	ck_assert_int_eq(fire_until(&heaps[0].timers, TIMERS), TIMERS);
	compare(&heaps[0].timers);
}
END_TEST

START_TEST(test_nothing_fires_before_its_time)
{
	for (int i = 0; i < TIMERS; i++)
		arm_at(i, i + 1);
	ck_assert_int_eq(fire_until(&heaps[0].timers, 0), 0);
	for (int i = 1; i <= TIMERS; i++)
		ck_assert_int_eq(fire_until(&heaps[0].timers, i), 1);
}
END_TEST

START_TEST(test_a_stopped_timer_does_not_fire)
{
	int stopped = 0;

	for (int i = 0; i < TIMERS; i++)
		arm_at(i, 1 + random_below(1000));
	for (int i = 0; i < TIMERS; i += 1 + random_below(3), stopped++) {
		ck_assert(wf_timer_stop(&timers[i]));
		ck_assert(!wf_timer_stop(&timers[i]));
		compare(&heaps[0].timers);
	}
	ck_assert_int_eq(fire_until(&heaps[0].timers, 1000), TIMERS - stopped);
	ck_assert(!wf_timer_stop(&timers[0])); /* all have fired */
}
END_TEST

START_TEST(test_arming_and_stopping_at_random_is_as_a_list)
{
	int64_t now = 0;

	for (unsigned round = 0; round < scaled(rounds(100000)); round++) {
		int i = random_below(TIMERS), due = 0;

		if (armed(i))
			ck_assert(wf_timer_stop(&timers[i]));
		else
			arm_at(i, now + 1 + random_below(1000));
		if (random_below(8))
			continue;
		now += random_below(100);
		for (int k = 0; k < TIMERS; k++)
			due += armed(k) && timers[k].when <= now;
		ck_assert_int_eq(fire_until(&heaps[0].timers, now), due);
		compare(&heaps[0].timers);
	}
}
END_TEST

START_TEST(test_timers_move_with_their_times)
{
	for (int i = 0; i < TIMERS; i++) {
		owner.p = &heaps[i % 2];
		arm_at(i, 1 + random_below(1000));
	}
	owner.p = &heaps[0];
	wf_timers_move(&heaps[1].timers, &heaps[0].timers);
	compare(&heaps[0].timers);
	compare(&heaps[1].timers);
	ck_assert_uint_eq(heaps[0].timers.n, TIMERS);
	for (int i = 0; i < TIMERS; i += 3)
		ck_assert(wf_timer_stop(&timers[i]));
	ck_assert_int_eq(fire_until(&heaps[0].timers, 1000), TIMERS - TIMERS / 3);
}
END_TEST

START_TEST(test_times_of_clocks_are_converted_or_refused)
{
	struct timespec t = {5, 7};
	int64_t until, now;

	ck_assert_int_eq(wf_until(&t, CLOCK_MONOTONIC, &until), 0);
	ck_assert_int_eq(until, 5000000007);
	ck_assert_int_eq(wf_until(NULL, CLOCK_MONOTONIC, &until), EINVAL);
	ck_assert_int_eq(wf_until(&t, CLOCK_PROCESS_CPUTIME_ID, &until), EINVAL);
	t.tv_nsec = 1000000000;
	ck_assert_int_eq(wf_until(&t, CLOCK_MONOTONIC, &until), EINVAL);
	t.tv_nsec = -1;
	ck_assert_int_eq(wf_until(&t, CLOCK_REALTIME, &until), EINVAL);
	t = (struct timespec){INT64_MAX, 0};
	ck_assert_int_eq(wf_until(&t, CLOCK_MONOTONIC, &until), 0);
	ck_assert_int_eq(until, WF_FOREVER);
	ck_assert_int_eq(wf_until(&t, CLOCK_REALTIME, &until), 0);
	ck_assert_int_eq(until, WF_FOREVER);
	t = (struct timespec){INT64_MIN, 0};
	ck_assert_int_eq(wf_until(&t, CLOCK_REALTIME, &until), 0);
	ck_assert_int_eq(until, 0);
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += 100;
	now = wf_nanotime();
	ck_assert_int_eq(wf_until(&t, CLOCK_REALTIME, &until), 0);
	ck_assert_int_ge(until, now + 99000000000);
	ck_assert_int_le(until, wf_nanotime() + 101000000000);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("timer");
	Suite *suite = suite_create("test_timer");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_set_timeout(tests, 60 * (soaking() ? SOAK : 1));
	tcase_add_loop_test(tests, test_timers_fire_in_the_order_of_their_times, 0, 3);
	tcase_add_test(tests, test_nothing_fires_before_its_time);
	tcase_add_test(tests, test_a_stopped_timer_does_not_fire);
	tcase_add_test(tests, test_arming_and_stopping_at_random_is_as_a_list);
	tcase_add_test(tests, test_timers_move_with_their_times);
	tcase_add_test(tests, test_times_of_clocks_are_converted_or_refused);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
