/*
 * Pools under everything at once: tasks, foreign threads and jobs submit, others pause,
 * resume, resize, wait and ask, and then the pool is destroyed. What was run, refused and
 * discarded has to be what was submitted, exactly, and the counts have to add up at any
 * moment.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include <weft.h>

#include "pool_suite.h"
#include "soak.h"
#include "suite.h"

enum { TASKS = 4, THREADS = 2, PRIORITIES = 3 };

static _Atomic unsigned tried, ran, accepted, refused, cancelled, too_late, stop, inside;
static weft_pool_t *pool;

static unsigned roll(unsigned *dice)
{
	*dice = *dice * 1103515245 + 12345;
	return *dice >> 16;
}

static void small(void *arg)
{
	(void)arg;
	ran++;
}

static void yielding(void *arg)
{
	weft_yield();
	small(arg);
}

static void leaving(void *arg)
{
	small(arg);
	weft_exit(NULL);
}

static void *future_job(void *arg)
{
	small(arg);
	return arg;
}

static void count(int error)
{
	if (!error)
		accepted++;
	else if (error == EAGAIN)
		refused++;
	else if (error == ECANCELED)
		too_late++;
	else
		ck_abort_msg("error %d", error);
}

static void nested(void *arg)
{
	tried++;
	count(weft_pool_submit_prio(pool, PRIORITIES - 1, small, arg));
	small(arg);
}

static void submit_future(unsigned dice)
{
	weft_future_t *f;
	int error = weft_pool_async(pool, &f, future_job, NULL);

	count(error);
	if (error)
		return;
	if (dice % 4 == 0 && weft_future_cancel(f) == 0)
		cancelled++;
	if (dice % 4 == 1)
		weft_future_done(f);
	ck_assert_int_eq(weft_future_release(f), 0);
}

/* A submitter that runs a job in place may be ended by it: no job leaves there. */
static void submit(unsigned dice, int overflow)
{
	void (*const fns[])(void *) = {small, yielding, nested,
				       overflow == WEFT_CALLER_RUNS ? small : leaving};

	tried++;
	if (dice % 8 < 6)
		count(weft_pool_submit_prio(pool, (int)(dice / 8 % PRIORITIES), fns[dice / 64 % 4],
					    NULL));
	else
		submit_future(dice / 8);
}

static void *submitter(void *overflow)
{
	unsigned dice = (unsigned)++inside;

	while (!stop) {
		submit(roll(&dice), (int)(intptr_t)overflow);
		if (dice % 1024 == 0)
			weft_yield();
	}
	inside--;
	return NULL;
}

/* Something that others do to a pool in use. */
static void disturb(unsigned dice)
{
	switch (dice % 5) {
	case 0:
		ck_assert_int_eq(weft_pool_pause(pool), 0);
		stats_of(pool);
		ck_assert_int_eq(weft_pool_resume(pool), 0);
		break;
	case 1:
		ck_assert_int_eq(weft_pool_resize(pool, dice / 5 % 6), 0);
		break;
	case 2:
		usleep(dice % 64);
		break;
	default:
		stats_of(pool);
	}
}

static void begin_round(weft_pool_attr_t attr)
{
	tried = ran = accepted = refused = cancelled = too_late = 0;
	stop = 0;
	pool = make_pool(attr);
}

/* The pool is gone: nothing is lost, and nothing ran twice. */
static void end_round(size_t discarded)
{
	ck_assert_uint_eq(ran + cancelled + discarded, accepted);
	ck_assert_uint_eq(accepted + refused + too_late, tried);
}

/* Nobody submits any more: what the pool says of itself is what happened. */
static void at_rest(void)
{
	weft_pool_stats_t s;

	ck_assert_int_eq(weft_pool_wait(pool), 0);
	s = stats_of(pool);
	ck_assert_uint_eq(s.submitted, accepted);
	ck_assert_uint_eq(s.rejected, refused);
	ck_assert_uint_eq(s.finished, ran);
	ck_assert_uint_eq(s.discarded, cancelled);
	ck_assert_uint_eq(s.running + s.queued, 0);
}

/* All submitters but those that are the pool's own jobs stop before it is destroyed. */
static void round_of(unsigned *dice)
{
	weft_pool_attr_t attr = {.workers = roll(dice) % 5,
				 .capacity = roll(dice) % 3 * 7,
				 .overflow = (int)(roll(dice) % 3),
				 .priorities = PRIORITIES};
	size_t discarded = 0;
	pthread_t threads[THREADS];
	weft_t tasks[TASKS];

	begin_round(attr);
	for (int i = 0; i < TASKS; i++)
		tasks[i] = create(submitter, (void *)(intptr_t)attr.overflow);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, submitter,
						(void *)(intptr_t)attr.overflow),
				 0);
	for (unsigned i = roll(dice) % 30; i > 0; i--)
		disturb(roll(dice));
	stop = 1;
	for (int i = 0; i < TASKS; i++)
		result_of(tasks[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	if (roll(dice) % 3 == 0)
		at_rest();
	if (roll(dice) % 2)
		ck_assert_int_eq(weft_pool_pause(pool), 0);
	stats_of(pool);
	ck_assert_int_eq(weft_pool_destroy(pool, (int)(roll(dice) % 2), &discarded), 0);
	end_round(discarded);
}

START_TEST(test_nothing_is_lost_or_run_twice)
{
	unsigned dice = 1;

	for (unsigned i = 0; i < rounds(scaled(500)); i++)
		round_of(&dice);
	ck_assert_int_eq(weft_shutdown(), 0);
}
END_TEST

TASK_TEST(test_nor_for_a_task_on_more_ps_than_cpus, 5)
{
	unsigned dice = 7;

	for (unsigned i = 0; i < rounds(scaled(500)); i++)
		round_of(&dice);
}

/* The pool is discarded under its submitters, who wait for room. */
static void *submit_some(void *arg)
{
	for (int i = 0; i < 5; i++) {
		int error;

		tried++;
		error = weft_pool_submit(pool, nested, arg);
		count(error);
		if (error) /* the pool goes */
			break;
	}
	return NULL;
}

START_TEST(test_nothing_is_lost_when_it_is_destroyed_under_its_submitters)
{
	unsigned dice = 3;

	for (unsigned i = 0; i < rounds(scaled(1000)); i++) {
		size_t discarded = 0;
		weft_t tasks[TASKS];
		int how = roll(&dice) % 4 ? WEFT_DISCARD : WEFT_DRAIN;

		begin_round((weft_pool_attr_t){
			.workers = 1 + roll(&dice) % 2, .capacity = 2, .priorities = PRIORITIES});
		ck_assert_int_eq(weft_pool_pause(pool), 0);
		for (int k = 0; k < TASKS; k++)
			tasks[k] = create(submit_some, NULL);
		wait_parked(TASKS);
		if (how == WEFT_DRAIN) { /* who comes later may not find it any more */
			ck_assert_int_eq(weft_pool_resume(pool), 0);
			for (int k = 0; k < TASKS; k++)
				result_of(tasks[k]);
		}
		ck_assert_int_eq(weft_pool_destroy(pool, how, &discarded), 0);
		for (int k = 0; how == WEFT_DISCARD && k < TASKS; k++)
			result_of(tasks[k]);
		end_round(discarded);
	}
}
END_TEST

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("pool_stress");

	tcase_add_test(tests, test_nothing_is_lost_or_run_twice);
	tcase_add_test(tests, test_nor_for_a_task_on_more_ps_than_cpus);
	tcase_add_test(tests, test_nothing_is_lost_when_it_is_destroyed_under_its_submitters);
	return tests;
}
