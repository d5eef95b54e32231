/*
 * The run queues, on Ps that no runtime has: R1 to R3 as their callers see them.
 */
#include <pthread.h>
#include <stdlib.h>

#include <check.h>

#include "sched/fast.h"
#include "soak.h"

enum { PATIENCE = 120, GS = 4 * RUNQ_SIZE };

static struct g gs[GS];

/* A P as procresize makes it. */
static struct p *pnew(void)
{
	struct p *p = aligned_alloc(_Alignof(struct p), sizeof *p);
	sigset_t before;

	wf_signals_hold(&before); /* nobody is an M here: D4 (post.c) */
	ck_assert_ptr_nonnull(p);
	*p = (struct p){.pass = GLOBAL_TICK, .alone = wf_sched.nprocs == 1};
	wf_timers_init(&p->timers);
	return p;
}

/* The same whose counters start at from. */
static struct p *pnew_at(uint32_t from)
{
	struct p *p = pnew();

	p->runqhead = p->runqtail = from;
	return p;
}

/* Who is no M holds signals back when it takes the scheduler's lock. */
static void have_ps(unsigned procs)
{
	sigset_t before;

	wf_signals_hold(&before);
	wf_sched.nprocs = procs;
}

/* One P has its queue for itself; of several it does not matter which are there. */
static void setup_one(void)
{
	have_ps(1);
}

static void setup_several(void)
{
	have_ps(3);
}

/* --- one thread ----------------------------------------------------------------------- */

START_TEST(test_empty_gives_nothing)
{
	struct p *p = pnew(), *thief = pnew();

	ck_assert_ptr_null(wf_runqget(p));
	ck_assert_ptr_null(wf_pick(p));
	ck_assert_ptr_null(wf_runqsteal(thief, p, true));
	ck_assert(!wf_runqtake(p, &gs[0]));
	ck_assert(wf_runqempty(p));
	ck_assert_uint_eq(wf_runqlen(p), 0);
	ck_assert_ptr_null(wf_runqget(p)); /* and the attempts left no trace */
	wf_runqput(p, &gs[0]);
	ck_assert_ptr_eq(wf_runqget(p), &gs[0]);
	free(p);
	free(thief);
}
END_TEST

START_TEST(test_first_in_first_out_round_the_ring_and_past_2_to_the_32)
{
	struct p *p = pnew_at((uint32_t)-3 * RUNQ_SIZE);

	for (unsigned i = 0; i < 6 * RUNQ_SIZE; i += 3) {
		for (unsigned j = 0; j < 3; j++)
			wf_runqput(p, &gs[(i + j) % GS]);
		ck_assert_uint_eq(wf_runqlen(p), 3);
		for (unsigned j = 0; j < 3; j++)
			ck_assert_ptr_eq(wf_runqget(p), &gs[(i + j) % GS]);
		ck_assert_ptr_null(wf_runqget(p));
	}
	ck_assert_uint_eq(p->runqtail, 3 * RUNQ_SIZE);
	free(p);
}
END_TEST

START_TEST(test_full_ring_holds_its_size_and_not_one_less)
{
	struct p *p = pnew_at((uint32_t)-RUNQ_SIZE / 2);

	for (unsigned i = 0; i < RUNQ_SIZE; i++)
		wf_runqput(p, &gs[i]);
	ck_assert_uint_eq(wf_runqlen(p), RUNQ_SIZE);
	ck_assert_uint_eq(wf_sched.runq.n, 0);
	for (unsigned i = 0; i < RUNQ_SIZE; i++)
		ck_assert_ptr_eq(wf_runqget(p), &gs[i]);
	ck_assert(wf_runqempty(p));
	free(p);
}
END_TEST

/* Half of it goes, the oldest, and the newcomer behind them. */
START_TEST(test_overflow_goes_to_the_global_queue_in_order_and_nothing_is_lost)
{
	struct p *p = pnew_at((uint32_t)-RUNQ_SIZE / 2);

	for (unsigned i = 0; i <= RUNQ_SIZE; i++)
		wf_runqput(p, &gs[i]);
	ck_assert_uint_eq(wf_sched.runq.n, RUNQ_SIZE / 2 + 1);
	ck_assert_uint_eq(wf_runqlen(p), RUNQ_SIZE / 2);
	for (unsigned i = 0; i < RUNQ_SIZE / 2; i++)
		ck_assert_ptr_eq(wf_gqpop(&wf_sched.runq), &gs[i]);
	ck_assert_ptr_eq(wf_gqpop(&wf_sched.runq), &gs[RUNQ_SIZE]);
	ck_assert_ptr_null(wf_gqpop(&wf_sched.runq));
	for (unsigned i = RUNQ_SIZE / 2; i < RUNQ_SIZE; i++)
		ck_assert_ptr_eq(wf_runqget(p), &gs[i]);
	ck_assert_ptr_null(wf_runqget(p));
	free(p);
}
END_TEST

START_TEST(test_newest_is_taken_back_and_no_other)
{
	struct p *p = pnew_at((uint32_t)-2);

	for (unsigned i = 0; i < 4; i++)
		wf_runqput(p, &gs[i]);
	ck_assert(!wf_runqtake(p, &gs[0]));
	ck_assert(!wf_runqtake(p, &gs[2]));
	ck_assert(wf_runqtake(p, &gs[3]));
	ck_assert(!wf_runqtake(p, &gs[3]));
	ck_assert(wf_runqtake(p, &gs[2])); /* the newest by now */
	ck_assert_ptr_eq(wf_runqget(p), &gs[0]);
	ck_assert_ptr_eq(wf_runqget(p), &gs[1]);
	ck_assert_ptr_null(wf_runqget(p));
	free(p);
}
END_TEST

START_TEST(test_only_element_is_taken_back_once_and_the_ring_goes_on)
{
	struct p *p = pnew_at((uint32_t)-2);

	for (unsigned i = 0; i < 5; i++) {
		wf_runqput(p, &gs[i]);
		ck_assert(wf_runqtake(p, &gs[i]));
		ck_assert(!wf_runqtake(p, &gs[i]));
		ck_assert_ptr_null(wf_runqget(p));
		ck_assert(wf_runqempty(p));
	}
	wf_runqput(p, &gs[9]);
	ck_assert_uint_eq(wf_runqlen(p), 1);
	ck_assert_ptr_eq(wf_runqget(p), &gs[9]);
	free(p);
}
END_TEST

START_TEST(test_stolen_element_is_not_taken_back)
{
	struct p *p = pnew(), *thief = pnew();

	wf_runqput(p, &gs[0]);
	ck_assert_ptr_eq(wf_runqsteal(thief, p, false), &gs[0]);
	ck_assert(!wf_runqtake(p, &gs[0])); /* its slot holds it still */
	ck_assert_uint_eq(wf_runqlen(p), 0);
	wf_runqput(p, &gs[1]);
	ck_assert_ptr_eq(wf_runqget(p), &gs[1]);
	free(p);
	free(thief);
}
END_TEST

START_TEST(test_thief_takes_the_older_half_and_one_of_one)
{
	struct p *p = pnew_at((uint32_t)-3), *thief = pnew_at((uint32_t)-1);

	for (unsigned i = 0; i < 7; i++)
		wf_runqput(p, &gs[i]);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_ptr_eq(i ? wf_runqget(thief) : wf_runqsteal(thief, p, false), &gs[i]);
	ck_assert_ptr_null(wf_runqget(thief));
	ck_assert_uint_eq(thief->stats.steals, 4);
	ck_assert_uint_eq(wf_runqlen(p), 3);
	for (unsigned i = 4; i < 7; i++)
		ck_assert_ptr_eq(wf_runqget(p), &gs[i]);
	free(p);
	free(thief);
}
END_TEST

START_TEST(test_what_is_to_run_next_is_stolen_last)
{
	struct p *p = pnew(), *thief = pnew();

	wf_runqput(p, &gs[0]);
	wf_runqputnext(p, &gs[1]);
	ck_assert_ptr_eq(wf_runqsteal(thief, p, true), &gs[0]);
	ck_assert_ptr_null(wf_runqsteal(thief, p, false));
	ck_assert_ptr_eq(wf_runqsteal(thief, p, true), &gs[1]);
	ck_assert(wf_runqempty(p));
	free(p);
	free(thief);
}
END_TEST

START_TEST(test_who_was_to_run_next_is_queued_behind_all)
{
	struct p *p = pnew();

	wf_runqput(p, &gs[0]);
	wf_runqputnext(p, &gs[1]);
	wf_runqputnext(p, &gs[2]);
	ck_assert_ptr_eq(wf_pick(p), &gs[2]);
	ck_assert_ptr_eq(wf_pick(p), &gs[0]);
	ck_assert_ptr_eq(wf_pick(p), &gs[1]);
	ck_assert_ptr_null(wf_pick(p));
	free(p);
}
END_TEST

/* Who is to run next is there at every pick: the ring has its turn all the same. */
START_TEST(test_runnext_does_not_starve_the_ring_nor_this_the_global_queue)
{
	struct p *p = pnew();
	bool ring = false, global = false;

	wf_globrunqput(&gs[2]);
	for (unsigned i = 0; i < 2 * GLOBAL_TICK; i++) {
		struct g *g;

		wf_runqputnext(p, &gs[0]);
		if (i == 0)
			wf_runqput(p, &gs[1]);
		g = wf_pick(p);
		ring |= g == &gs[1];
		global |= g == &gs[2];
		atomic_store(&p->runnext, NULL);
	}
	ck_assert(ring);
	ck_assert(global);
	free(p);
}
END_TEST

START_TEST(test_share_of_the_global_queue_fills_the_ring_and_no_more)
{
	struct p *p = pnew();
	unsigned left = 0;

	for (unsigned i = 0; i < RUNQ_SIZE; i++)
		wf_runqput(p, &gs[i]);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_ptr_eq(wf_runqget(p), &gs[i]); /* room for four */
	for (unsigned i = RUNQ_SIZE; i < GS; i++)
		wf_gqpush(&wf_sched.runq, &gs[i]);
	ck_assert_ptr_eq(wf_globrunqget(p, RUNQ_SIZE), &gs[RUNQ_SIZE]);
	ck_assert_uint_eq(wf_runqlen(p) + wf_sched.runq.n, RUNQ_SIZE - 4 + GS - RUNQ_SIZE - 1);
	for (; wf_runqget(p); left++)
		;
	while (wf_gqpop(&wf_sched.runq))
		left++;
	ck_assert_uint_eq(left, GS - 5);
	free(p);
}
END_TEST

START_TEST(test_drained_queue_is_in_the_global_one_whole)
{
	struct p *p = pnew();

	wf_runqputnext(p, &gs[0]);
	for (unsigned i = 1; i < 9; i++)
		wf_runqput(p, &gs[i]);
	wf_runqdrain(p);
	ck_assert(wf_runqempty(p));
	for (unsigned i = 0; i < 9; i++)
		ck_assert_ptr_eq(wf_gqpop(&wf_sched.runq), &gs[i]);
	ck_assert_ptr_null(wf_gqpop(&wf_sched.runq));
	free(p);
}
END_TEST

/* --- one owner, two thieves -------------------------------------------------------------- */

enum { OUT, QUEUED, THIEVES = 2 };

static _Atomic unsigned char where[GS];
static unsigned items;
static _Atomic unsigned got; /* of these somebody took */
static _Atomic bool twice, over;
static struct p *owner;

/* Somebody has g in hand. */
static void receive(struct g *g)
{
	if (atomic_exchange(&where[g - gs], OUT) != QUEUED)
		twice = true;
	atomic_fetch_add(&got, 1);
}

static void *steal_all(void *unused)
{
	struct p *p = pnew_at((uint32_t)-RUNQ_SIZE);
	bool last = true;

	(void)unused;
	while (!over) {
		struct g *g = wf_runqsteal(p, owner, last = !last);

		for (; g; g = wf_runqget(p))
			receive(g);
	}
	free(p);
	return NULL;
}

static void receive_global(void)
{
	for (;;) {
		struct g *g;

		wf_lock(&wf_sched.lock);
		g = wf_gqpop(&wf_sched.runq);
		wf_unlock(&wf_sched.lock);
		if (!g)
			return;
		receive(g);
	}
}

/* Put a free G, and take back what was put, get the oldest, or leave it to others. */
static bool act(unsigned dice)
{
	static unsigned at;
	struct g *g = &gs[at % GS];

	if (atomic_load(&where[at % GS]) != OUT)
		return false;
	at++;
	atomic_store(&where[g - gs], QUEUED);
	if (dice % 16 == 5)
		wf_runqputnext(owner, g);
	else
		wf_runqput(owner, g);
	if (dice % 4 == 1 && wf_runqtake(owner, g))
		receive(g);
	else if (dice % 4 == 2 && (g = wf_runqget(owner)))
		receive(g);
	return true;
}

static void act_often(unsigned seed)
{
	unsigned idle = 0;

	for (unsigned done = 0; done < items;) {
		bool acted = act((unsigned)rand_r(&seed) >> 3);

		done += acted;
		if (acted || ++idle % 64)
			continue;
		/* all are queued: empty the ring as the scheduler would */
		for (struct g *g = wf_pick(owner); g; g = wf_pick(owner))
			receive(g);
		receive_global();
	}
	for (struct g *g = wf_pick(owner); g; g = wf_pick(owner))
		receive(g);
	receive_global();
}

START_TEST(test_every_item_reaches_one_of_the_owner_and_two_thieves)
{
	pthread_t thieves[THIEVES];

	items = scaled(rounds(1000000));
	owner = pnew_at(-items / 2);
	for (int i = 0; i < THIEVES; i++)
		ck_assert_int_eq(pthread_create(&thieves[i], NULL, steal_all, NULL), 0);
	act_often(12345);
	over = true;
	for (int i = 0; i < THIEVES; i++)
		pthread_join(thieves[i], NULL);
	ck_assert(!twice);
	ck_assert(wf_runqempty(owner));
	ck_assert_uint_eq(got, items);
	free(owner);
}
END_TEST

/* Nothing but the last element, which all are after: R3. */
START_TEST(test_last_element_goes_to_the_owner_or_to_a_thief)
{
	pthread_t thieves[THIEVES];

	items = scaled(rounds(300000));
	owner = pnew_at(-items / 2);
	for (int i = 0; i < THIEVES; i++)
		ck_assert_int_eq(pthread_create(&thieves[i], NULL, steal_all, NULL), 0);
	for (unsigned i = 0; i < items; i++) {
		struct g *g = &gs[i % GS];

		while (atomic_load(&where[g - gs]) != OUT)
			sched_yield();
		atomic_store(&where[g - gs], QUEUED);
		wf_runqput(owner, g);
		if (wf_runqtake(owner, g))
			receive(g);
	}
	while (got < items && !twice)
		sched_yield();
	over = true;
	for (int i = 0; i < THIEVES; i++)
		pthread_join(thieves[i], NULL);
	ck_assert(!twice);
	ck_assert_uint_eq(got, items);
	free(owner);
}
END_TEST

/* By one thread, of the only P or of one of several. */
static TCase *alone_tests(const char *name, SFun setup)
{
	TCase *tests = tcase_create(name);

	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, test_empty_gives_nothing);
	tcase_add_test(tests, test_first_in_first_out_round_the_ring_and_past_2_to_the_32);
	tcase_add_test(tests, test_full_ring_holds_its_size_and_not_one_less);
	tcase_add_test(tests, test_overflow_goes_to_the_global_queue_in_order_and_nothing_is_lost);
	tcase_add_test(tests, test_newest_is_taken_back_and_no_other);
	tcase_add_test(tests, test_only_element_is_taken_back_once_and_the_ring_goes_on);
	tcase_add_test(tests, test_stolen_element_is_not_taken_back);
	tcase_add_test(tests, test_thief_takes_the_older_half_and_one_of_one);
	tcase_add_test(tests, test_what_is_to_run_next_is_stolen_last);
	tcase_add_test(tests, test_who_was_to_run_next_is_queued_behind_all);
	tcase_add_test(tests, test_runnext_does_not_starve_the_ring_nor_this_the_global_queue);
	tcase_add_test(tests, test_share_of_the_global_queue_fills_the_ring_and_no_more);
	tcase_add_test(tests, test_drained_queue_is_in_the_global_one_whole);
	return tests;
}

static TCase *thieves_tests(void)
{
	TCase *tests = tcase_create("thieves");

	tcase_set_timeout(tests, PATIENCE * (soaking() ? SOAK : 1));
	tcase_add_checked_fixture(tests, setup_several, NULL);
	tcase_add_test(tests, test_every_item_reaches_one_of_the_owner_and_two_thieves);
	tcase_add_test(tests, test_last_element_goes_to_the_owner_or_to_a_thief);
	return tests;
}

int main(void)
{
	Suite *suite = suite_create("runq");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, alone_tests("one P", setup_one));
	suite_add_tcase(suite, alone_tests("several", setup_several));
	suite_add_tcase(suite, thieves_tests());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
