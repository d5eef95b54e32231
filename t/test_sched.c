/*
 * The scheduler's promises to tasks: that turns are shared out, that nobody starves,
 * and what a thread bound to a task is.
 */
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include <weft.h>

#include "elsewhere.h"
#include "sched/fast.h"
#include "soak.h"
#include "suite.h"

static _Atomic int gate, step;

/* --- weft_yield ---------------------------------------------------------------------------- */

TASK_TEST(test_yield_without_others_returns_0, 2)
{
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(weft_yield(), 0);
}

static void *count_turns(void *turns)
{
	while (!gate) {
		++*(unsigned *)turns;
		weft_yield();
	}
	return NULL;
}

TASK_TEST(test_yielders_have_equally_many_turns, 1)
{
	enum { TASKS = 10, PASSES = 1000 };
	static unsigned turns[TASKS];
	weft_t tasks[TASKS];

	for (int i = 0; i < TASKS; i++)
		tasks[i] = create(count_turns, &turns[i]);
	for (int i = 0; i < PASSES; i++)
		weft_yield();
	gate = 1;
	for (int i = 0; i < TASKS; i++) {
		result_of(tasks[i]);
		ck_assert_uint_ge(turns[i], PASSES - PASSES / 10);
		ck_assert_uint_le(turns[i], PASSES + PASSES / 10);
	}
}

static char said[64];

static void *say_and_yield(void *letter)
{
	for (int i = 0; i < 4; i++) {
		said[step++] = (char)(intptr_t)letter;
		weft_yield();
	}
	return NULL;
}

TASK_TEST(test_yielders_take_turns_in_the_order_in_which_they_came, 1)
{
	weft_t tasks[3];

	for (int i = 0; i < 3; i++)
		tasks[i] = create(say_and_yield, as_arg((char)('a' + i)));
	wait_for(&step, 12);
	ck_assert_str_eq(said, "abcabcabcabc");
	for (int i = 0; i < 3; i++)
		result_of(tasks[i]);
}

/* --- weft_lock_thread ---------------------------------------------------------------------- */

static _Atomic long lockers_thread;

/* Runs everywhere but on the thread of who locked it. */
static void *stay_off(void *unused)
{
	for (int i = 0; i < 300; i++) {
		if (thread_id() == lockers_thread)
			return &gate;
		weft_yield();
	}
	return unused;
}

static void *locks(void *unused)
{
	long thread;

	ck_assert_int_eq(weft_unlock_thread(), EPERM);
	ck_assert_int_eq(weft_lock_thread(), 0);
	lockers_thread = thread = thread_id();
	step = 1;
	for (int i = 0; i < 300; i++) {
		if (i % 5 == 0)
			result_of(create(give_back, NULL));
		else
			weft_yield();
		ck_assert_int_eq(thread_id(), thread);
	}
	lockers_thread = 0;
	ck_assert_int_eq(weft_unlock_thread(), 0);
	ck_assert_int_eq(weft_unlock_thread(), EPERM);
	return unused;
}

static void lock_body(void)
{
	enum { TASKS = 8 };
	weft_t tasks[TASKS], locker = create(locks, NULL);

	wait_for(&step, 1);
	for (int i = 0; i < TASKS; i++)
		tasks[i] = create(stay_off, NULL);
	ck_assert_ptr_null(result_of(locker));
	for (int i = 0; i < TASKS; i++)
		ck_assert_ptr_null(result_of(tasks[i]));
}

START_TEST(test_locked_task_keeps_its_thread_and_nobody_else_has_it)
{
	as_task(_i, lock_body);
}
END_TEST

TASK_TEST(test_lock_nests, 2)
{
	ck_assert_int_eq(weft_lock_thread(), 0);
	ck_assert_int_eq(weft_lock_thread(), 0);
	ck_assert_int_eq(weft_unlock_thread(), 0);
	lockers_thread = thread_id();
	ck_assert_ptr_null(result_of(create(stay_off, NULL)));
	ck_assert_int_eq(weft_unlock_thread(), 0);
	ck_assert_int_eq(weft_unlock_thread(), EPERM);
}

static void *end_locked(void *unused)
{
	(void)unused;
	ck_assert_int_eq(weft_lock_thread(), 0);
	return (void *)thread_id();
}

static bool thread_exists(long thread)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/task/%ld", thread);
	return !access(path, F_OK);
}

/* main keeps m0 for itself, which goes on to the end. */
TASK_TEST(test_task_that_ends_locked_ends_its_thread, 2)
{
	ck_assert_int_eq(weft_lock_thread(), 0);
	ck_assert_int_eq(thread_id(), getpid());
	for (int i = 0; i < 20; i++) {
		long thread = (long)result_of(create(end_locked, NULL));

		ck_assert_int_ne(thread, thread_id());
		while (thread_exists(thread))
			usleep(100);
	}
}

static void *join_one_that_ends_locked(void *unused)
{
	long thread = (long)result_of(create(end_locked, NULL));

	return thread == thread_id() ? &gate : unused;
}

/* Not even a joiner that had handed its thread to the child. */
TASK_TEST(test_nobody_runs_on_a_thread_after_a_task_has_ended_locked_to_it, 2)
{
	ck_assert_int_eq(weft_lock_thread(), 0);
	for (int i = 0; i < 20; i++)
		ck_assert_ptr_null(result_of(create(join_one_that_ends_locked, NULL)));
}

TASK_TEST(test_main_may_end_locked, 2)
{
	ck_assert_int_eq(weft_lock_thread(), 0);
}

/* --- nobody starves, whatever others do among themselves --------------------------------- */

enum { EXCHANGES = 5000, YIELDERS = 10, PASSES = 500 };

static struct player {
	struct g *g;
	struct player *other;
	_Atomic unsigned turns;
} players[2] = {{.other = &players[1]}, {.other = &players[0]}};

static bool now_parked(struct g *g, void *unused)
{
	(void)unused;
	wf_parked(g);
	return true;
}

/* Wake the other, wait to be woken: each runs next whenever the other waits. */
static void *play(void *arg)
{
	struct player *self = arg;
	struct m *m = wf_enter();

	self->g = m->curg;
	for (bool opening = self == &players[0]; !gate; opening = false) {
		self->turns++;
		if (!opening)
			wf_goready(m, self->other->g);
		m = wf_gopark(m, self->g, now_parked, NULL, false);
		wf_leave(m); /* as a call does: who stops the world waits for that */
		m = wf_enter();
	}
	wf_leave(m);
	return NULL;
}

/* The first to see the gate leaves the other parked. */
static void stop_playing(const weft_t tasks[2])
{
	struct m *m;

	gate = 1;
	while (weft_tryjoin(tasks[0], NULL) && weft_tryjoin(tasks[1], NULL))
		weft_yield();
	m = wf_enter();
	wf_goready(m, weft_id(tasks[0]) ? players[0].g : players[1].g);
	wf_leave(m);
	result_of(weft_id(tasks[0]) ? tasks[0] : tasks[1]);
}

static void start_playing(weft_t tasks[2])
{
	for (int i = 0; i < 2; i++)
		tasks[i] = create(play, &players[i]);
	while (players[1].turns < 10)
		weft_yield();
}

/* Whoever is in a queue has a turn before the two have had EXCHANGES. */
static void turn_before_they_tire(void)
{
	unsigned before = players[0].turns;

	for (int i = 0; i < 100; i++, before = players[0].turns) {
		weft_yield();
		ck_assert_uint_le(players[0].turns - before, EXCHANGES);
	}
}

TASK_TEST(test_two_that_wake_each_other_starve_nobody_in_the_ring, 1)
{
	weft_t tasks[2];

	start_playing(tasks);
	turn_before_they_tire();
	stop_playing(tasks);
}

static _Atomic int queued_at, ran_at; /* in turns of the first player */

static void note_turn(void *unused)
{
	(void)unused;
	ran_at = (int)players[0].turns;
	step = 1;
}

static void *go_from_thread(void *unused)
{
	void *failed = weft_go(note_turn, NULL) ? &gate : unused;

	queued_at = (int)players[0].turns; /* at the latest */
	return failed;
}

TASK_TEST(test_two_that_wake_each_other_starve_nobody_in_the_global_queue, 1)
{
	weft_t tasks[2];

	start_playing(tasks);
	ck_assert_ptr_null(on_thread(go_from_thread, NULL));
	wait_for(&step, 1);
	ck_assert_int_le(ran_at - queued_at, EXCHANGES);
	stop_playing(tasks);
}

/* A child that is run in its joiner's place takes no turn from others. */
TASK_TEST(test_one_that_creates_and_joins_without_end_starves_nobody, 1)
{
	int n = 0;

	ck_assert_int_eq(weft_go(note_turn, NULL), 0);
	while (!step && n++ < EXCHANGES)
		result_of(create(give_back, NULL));
	ck_assert_int_eq(step, 1);
}

static bool to_slow_queue(struct g *g, void *unused)
{
	(void)unused;
	wf_setstatus(g, G_RUNNING, G_RUNNABLE);
	wf_slowqput(g);
	return true;
}

/* As one that uses up whole slices: it waits in the second queue for each turn. */
static void *be_slow(void *turns)
{
	while (!gate) {
		struct m *m = wf_enter();

		++*(unsigned *)turns;
		wf_leave(wf_gopark(m, m->curg, to_slow_queue, NULL, false));
	}
	return NULL;
}

static void pass_by(weft_t *slow, unsigned *turns, unsigned n)
{
	static unsigned fast[YIELDERS];
	weft_t tasks[YIELDERS];

	for (unsigned i = 0; i < n; i++)
		slow[i] = create(be_slow, &turns[i]);
	for (int i = 0; i < YIELDERS; i++)
		tasks[i] = create(count_turns, &fast[i]);
	for (int i = 0; i < PASSES; i++)
		weft_yield();
	gate = 1;
	for (int i = 0; i < YIELDERS; i++)
		result_of(tasks[i]);
	for (unsigned i = 0; i < n; i++)
		result_of(slow[i]);
}

TASK_TEST(test_one_of_the_second_queue_is_served_a_pass, 1)
{
	enum { SLOW = 5 };
	static unsigned turns[SLOW], sum;
	weft_t slow[SLOW];

	pass_by(slow, turns, SLOW);
	for (int i = 0; i < SLOW; i++) {
		sum += turns[i];
		ck_assert_uint_ge(turns[i], PASSES / SLOW / 2);
	}
	ck_assert_uint_ge(sum, PASSES / 2);
	ck_assert_uint_le(sum, PASSES + PASSES / 5);
}

/* A program that never has two runnable tasks needs one thread. */
TASK_TEST(test_main_alone_never_has_a_second_thread, 2)
{
	weft_stats_t s;

	for (int i = 0; i < 10000; i++)
		weft_yield();
	ck_assert_int_eq(weft_stats(&s, sizeof s), 0);
	ck_assert_uint_eq(s.procs, 2);
	ck_assert_uint_eq(s.threads, 1);
}

TASK_TEST(test_more_ps_give_main_alone_no_second_thread, 1)
{
	weft_stats_t s;

	weft_procs(4);
	for (int i = 0; i < 10000; i++)
		weft_yield();
	ck_assert_int_eq(weft_stats(&s, sizeof s), 0);
	ck_assert_uint_eq(s.threads, 1);
}

TASK_TEST(test_one_p_needs_one_thread_however_many_tasks, 1)
{
	enum { TASKS = 1000 };
	weft_t tasks[TASKS];
	weft_stats_t s;

	for (int i = 0; i < TASKS; i++)
		tasks[i] = create(wait_and_give_back, &gate);
	gate = 1;
	for (int i = 0; i < TASKS; i++)
		result_of(tasks[i]);
	ck_assert_int_eq(weft_stats(&s, sizeof s), 0);
	ck_assert_uint_eq(s.threads, 1);
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("sched");

	suite_slice = -1;
	tcase_add_test(tests, test_yield_without_others_returns_0);
	tcase_add_test(tests, test_yielders_have_equally_many_turns);
	if (!disturbed())
		tcase_add_test(tests, test_yielders_take_turns_in_the_order_in_which_they_came);
	tcase_add_loop_test(tests, test_locked_task_keeps_its_thread_and_nobody_else_has_it, 1, 5);
	tcase_add_test(tests, test_lock_nests);
	tcase_add_test(tests, test_task_that_ends_locked_ends_its_thread);
	if (!disturbed())
		tcase_add_test(tests,
			       test_nobody_runs_on_a_thread_after_a_task_has_ended_locked_to_it);
	tcase_add_test(tests, test_main_may_end_locked);
	tcase_add_test(tests, test_two_that_wake_each_other_starve_nobody_in_the_ring);
	tcase_add_test(tests, test_two_that_wake_each_other_starve_nobody_in_the_global_queue);
	tcase_add_test(tests, test_one_that_creates_and_joins_without_end_starves_nobody);
	tcase_add_test(tests, test_one_of_the_second_queue_is_served_a_pass);
	if (!disturbed())
		tcase_add_test(tests, test_main_alone_never_has_a_second_thread);
	if (!disturbed())
		tcase_add_test(tests, test_more_ps_give_main_alone_no_second_thread);
	if (!disturbed())
		tcase_add_test(tests, test_one_p_needs_one_thread_however_many_tasks);
	return tests;
}
