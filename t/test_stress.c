/*
 * Everything at once: tasks and plain threads that create, join, detach, cancel,
 * name and yield at random while the number of Ps changes. WEFT_SEED says which
 * random.
 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

enum { ACTORS = 16, THREADS = 3, STEPS = 400, HELD = 8 };

static _Atomic unsigned started, ended, cancelled;
static uint64_t seed = 20260101;

static unsigned random_below(uint64_t *state, unsigned n)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((*state >> 33) % n);
}

static void note_end(void *unused)
{
	(void)unused;
	ended++;
}

/* A task that takes a few turns, may be cancelled in any, and makes children. */
static void *grow(void *arg)
{
	uint64_t state = (uintptr_t)arg;
	unsigned depth = (unsigned)(state & 3);

	started++;
	weft_cleanup_push(note_end, NULL);
	for (unsigned i = random_below(&state, 4); i > 0; i--) {
		weft_yield();
		weft_testcancel();
	}
	if (depth) {
		void *below = (void *)(uintptr_t)((state & ~(uint64_t)3) | (depth - 1));
		weft_t child = create(grow, below);
		int old;

		/* joined whatever happens: nobody else will */
		weft_setcancelstate(WEFT_CANCEL_DISABLE, &old);
		ck_assert_int_eq(weft_join(child, &below), 0);
		weft_setcancelstate(old, NULL);
		weft_testcancel();
	}
	weft_cleanup_pop(1);
	return arg;
}

/* The same bound to a thread, which it ends with now and then. */
static void *grow_bound(void *arg)
{
	ck_assert_int_eq(weft_lock_thread(), 0);
	grow(arg);
	if ((uintptr_t)arg & 4)
		ck_assert_int_eq(weft_unlock_thread(), 0);
	return arg;
}

struct held {
	weft_t task;
	void *arg;
};

static void let_go(struct held *h, uint64_t *state)
{
	void *value;

	switch (random_below(state, 4)) {
	case 0:
		ck_assert_int_eq(weft_detach(h->task), 0);
		break;
	case 1:
		while (weft_tryjoin(h->task, &value) == EBUSY)
			weft_yield();
		break;
	default:
		ck_assert_int_eq(weft_join(h->task, &value), 0);
		if (value != h->arg && value != WEFT_CANCELED)
			ck_abort_msg("%p is the result of %p", value, h->arg);
		cancelled += value == WEFT_CANCELED;
	}
	h->task = 0;
}

static void one_step(struct held held[HELD], uint64_t *state)
{
	struct held *h = &held[random_below(state, HELD)];

	switch (h->task ? random_below(state, 6) : 0) {
	case 0:
		if (h->task)
			let_go(h, state);
		random_below(state, 2);
		h->arg = (void *)(uintptr_t)(*state >> 8);
		h->task = create(random_below(state, 10) ? grow : grow_bound, h->arg);
		break;
	case 1:
		ck_assert_int_eq(weft_cancel(h->task), 0);
		break;
	case 2:
		ck_assert_int_eq(weft_setname(h->task, "stressed"), 0);
		break;
	case 3:
		let_go(h, state);
		break;
	case 4:
		if (random_below(state, 8) == 0)
			ck_assert_int_gt(weft_procs((int)random_below(state, 6) + 1), 0);
		break;
	default:
		weft_yield();
	}
}

static void *act(void *number)
{
	uint64_t state = seed + (uintptr_t)number * 7919;
	struct held held[HELD] = {0};

	for (unsigned i = 0; i < scaled(STEPS); i++)
		one_step(held, &state);
	for (int i = 0; i < HELD; i++)
		if (held[i].task)
			let_go(&held[i], &state);
	return NULL;
}

static void read_seed(void)
{
	const char *text = getenv("WEFT_SEED");

	if (text)
		seed = strtoull(text, NULL, 0);
	else if (soaking())
		seed = (uint64_t)time(NULL);
	printf("WEFT_SEED=%llu\n", (unsigned long long)seed);
}

/* What was detached may be under way still. */
static void all_ended(void)
{
	weft_stats_t s;

	do {
		weft_yield();
		ck_assert_int_eq(weft_stats(&s, sizeof s), 0);
	} while (s.tasks);
	ck_assert_uint_eq(ended, started);
	ck_assert_uint_eq(s.created, s.finished);
	ck_assert_uint_eq(s.parked, 0);
	ck_assert_uint_eq(s.runnable, 0);
}

static void one_round(void)
{
	pthread_t threads[THREADS];
	weft_t actors[ACTORS];

	for (uintptr_t i = 0; i < ACTORS; i++)
		actors[i] = create(act, (void *)i);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, act, (void *)(i + ACTORS));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < ACTORS; i++)
		result_of(actors[i]);
	all_ended();
}

START_TEST(test_tasks_and_threads_do_everything_at_once)
{
	read_seed();
	for (unsigned i = 0; i < rounds(20); i++, seed++)
		one_round();
	ck_assert_uint_gt(cancelled, 0);
	ck_assert_int_eq(weft_shutdown(), 0);
}
END_TEST

/* Down and up again, with what was before forgotten. */
START_TEST(test_runtimes_follow_one_another)
{
	for (unsigned i = 0; i < rounds(20); i++, seed++) {
		weft_t task = create(give_back, NULL);

		result_of(task);
		act((void *)0);
		all_ended();
		ck_assert_int_eq(weft_shutdown(), 0);
		ck_assert_int_eq(weft_join(task, NULL), ESRCH);
	}
}
END_TEST

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("stress");

	tcase_add_test(tests, test_tasks_and_threads_do_everything_at_once);
	tcase_add_test(tests, test_runtimes_follow_one_another);
	return tests;
}
