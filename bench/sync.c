/*
 * What do locks and waiting cost?
 *
 * `mutex`: lock and unlock that nobody disputes. `contend`: 2 to 1,000 tasks on two Ps, or
 * threads on all CPUs, that do nothing but count under one mutex. `cond`: two that take
 * turns by a condition variable, counted once a turn. `barrier`: counted once a wait.
 * `sem`: a post and a wait by one alone, and two that take turns by two semaphores.
 * Tasks on one P stand beside threads on one CPU. How fair a mutex is to those who wait
 * is not measured, nor are read-write locks.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>

#include <weft.h>

#include "bench.h"
#include "crew.h"
#include "peers/peers.h"

/* `counted` is what the mutexes guard. */
static struct {
	uint64_t n, counted;
	unsigned crew;
	int turn;
} game;

static void new_game(struct bench_run *r, unsigned crew)
{
	game.n = r->n;
	game.counted = 0;
	game.crew = crew;
	game.turn = 0;
}

/* How many of the n operations are a member's to make. */
static uint64_t share(unsigned which)
{
	return game.n / game.crew + (which < game.n % game.crew);
}

static int check(int err)
{
	return err != 0 ? err : game.counted == game.n ? 0 : EPROTO;
}

/* --- mutex, contend ----------------------------------------------------------------- */

static weft_mutex_t task_mutex = WEFT_MUTEX_INITIALIZER;
static pthread_mutex_t thread_mutex = PTHREAD_MUTEX_INITIALIZER;

static void lock_tasks(void *unused, unsigned which)
{
	(void)unused;
	for (uint64_t i = share(which); i > 0; i--) {
		weft_mutex_lock(&task_mutex);
		game.counted++;
		weft_mutex_unlock(&task_mutex);
	}
}

static void lock_threads(void *unused, unsigned which)
{
	(void)unused;
	for (uint64_t i = share(which); i > 0; i--) {
		pthread_mutex_lock(&thread_mutex);
		game.counted++;
		pthread_mutex_unlock(&thread_mutex);
	}
}

static int mutex_of_tasks(struct bench_run *r)
{
	new_game(r, r->arg);
	return check(crew_of_tasks(r, game.n, game.crew, lock_tasks, NULL));
}

/* A crew even of one is a thread beside the first: libc's lock is cheaper before there is any. */
static int mutex_of_threads(struct bench_run *r)
{
	new_game(r, r->arg);
	return check(crew_of_threads(r, game.n, game.crew, lock_threads, NULL));
}

/* --- cond -------------------------------------------------------------------------------- */

static weft_cond_t changed[2] = {WEFT_COND_INITIALIZER, WEFT_COND_INITIALIZER};

static void take_turns(void *unused, unsigned which)
{
	(void)unused;
	for (uint64_t i = share(which); i > 0; i--) {
		weft_mutex_lock(&task_mutex);
		while (game.turn != (int)which)
			weft_cond_wait(&changed[which], &task_mutex);
		game.turn = !which;
		game.counted++;
		weft_mutex_unlock(&task_mutex);
		weft_cond_signal(&changed[!which]);
	}
}

static int cond_of_tasks(struct bench_run *r)
{
	new_game(r, 2);
	return check(crew_of_tasks(r, game.n, 2, take_turns, NULL));
}

/* --- barrier -------------------------------------------------------------------------------- */

static weft_barrier_t task_barrier;
static pthread_barrier_t thread_barrier;

/* One of each round counts it for all: nobody else writes until the next round. */
static void meet_tasks(void *unused, unsigned which)
{
	(void)unused;
	(void)which;
	for (uint64_t i = game.n / game.crew; i > 0; i--)
		if (weft_barrier_wait(&task_barrier) == WEFT_BARRIER_SERIAL_THREAD)
			game.counted += game.crew;
}

static void meet_threads(void *unused, unsigned which)
{
	(void)unused;
	(void)which;
	for (uint64_t i = game.n / game.crew; i > 0; i--)
		if (pthread_barrier_wait(&thread_barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
			game.counted += game.crew;
}

static int barrier_of_tasks(struct bench_run *r)
{
	int err = weft_barrier_init(&task_barrier, NULL, r->arg);

	if (err != 0)
		return err;
	new_game(r, r->arg);
	game.n = (r->n / r->arg + 1) * r->arg;
	err = check(crew_of_tasks(r, game.n, game.crew, meet_tasks, NULL));
	return err != 0 ? err : weft_barrier_destroy(&task_barrier);
}

static int barrier_of_threads(struct bench_run *r)
{
	int err = pthread_barrier_init(&thread_barrier, NULL, r->arg);

	if (err == 0)
		err = bench_one_cpu();
	if (err != 0)
		return err;
	new_game(r, r->arg);
	game.n = (r->n / r->arg + 1) * r->arg;
	err = check(crew_of_threads(r, game.n, game.crew, meet_threads, NULL));
	return err != 0 ? err : pthread_barrier_destroy(&thread_barrier);
}

/* --- sem ------------------------------------------------------------------------------------ */

static weft_sem_t task_sem[2];
static sem_t thread_sem[2];

/* A semaphore is waited for and another posted: with one member, its own. */
static void pass_tasks(void *unused, unsigned which)
{
	weft_sem_t *mine = &task_sem[which], *next = &task_sem[(which + 1) % game.crew];

	(void)unused;
	for (uint64_t i = share(which); i > 0; i--) {
		weft_sem_wait(mine);
		game.counted++;
		weft_sem_post(next);
	}
}

static void pass_threads(void *unused, unsigned which)
{
	sem_t *mine = &thread_sem[which], *next = &thread_sem[(which + 1) % game.crew];

	(void)unused;
	for (uint64_t i = share(which); i > 0; i--) {
		while (sem_wait(mine) != 0)
			;
		game.counted++;
		sem_post(next);
	}
}

static int sem_of_tasks(struct bench_run *r)
{
	new_game(r, r->arg);
	if (weft_sem_init(&task_sem[0], 0, 1) != 0 || weft_sem_init(&task_sem[1], 0, 0) != 0)
		return errno;
	return check(crew_of_tasks(r, game.n, game.crew, pass_tasks, NULL));
}

static int sem_of_threads(struct bench_run *r)
{
	int err = bench_one_cpu();

	new_game(r, r->arg);
	if (err != 0)
		return err;
	if (sem_init(&thread_sem[0], 0, 1) != 0 || sem_init(&thread_sem[1], 0, 0) != 0)
		return errno;
	return check(crew_of_threads(r, game.n, game.crew, pass_threads, NULL));
}

/* --- cases ------------------------------------------------------------------------------ */

static const struct bench_series mutex_series[] = {
	{.name = "1 P",
	 .procs = 1,
	 .arg = 1,
	 .bounds = {{"pthread_mutex", 1}, {"Go, sync.Mutex", 1}, {"Boost.Fiber", 1}},
	 .run = mutex_of_tasks},
	{.name = "pthread_mutex",
	 .peer = true,
	 .arg = 1,
	 .run = mutex_of_threads,
	 .version = peer_libc_version},
	{.name = "Go, sync.Mutex", .peer = true, .program = "go", .call = "mutex 1 1"},
	{.name = "Boost.Fiber", .peer = true, .program = "fiber", .call = "mutex 1"},
};

const struct bench_case bench_mutex = {
	.name = "mutex",
	.what = "weft_mutex_lock and weft_mutex_unlock that nobody disputes",
	.unit = "ns",
	.each = "a lock and unlock",
	.series = mutex_series,
	.nseries = sizeof mutex_series / sizeof *mutex_series,
};

static const struct bench_series contend_series[] = {
	{.name = "2 tasks, 2 Ps",
	 .procs = 2,
	 .arg = 2,
	 .bounds = {{"2 threads", 1}, {"Go, 2 goroutines", 1}, {"Boost.Fiber, 2", 1}},
	 .run = mutex_of_tasks},
	{.name = "10 tasks, 2 Ps",
	 .procs = 2,
	 .arg = 10,
	 .bounds = {{"10 threads", 1}, {"Go, 10 goroutines", 1}, {"Boost.Fiber, 10", 1}},
	 .run = mutex_of_tasks},
	{.name = "100 tasks, 2 Ps",
	 .procs = 2,
	 .arg = 100,
	 .bounds = {{"100 threads", 1}, {"Go, 100 goroutines", 1}, {"Boost.Fiber, 100", 1}},
	 .run = mutex_of_tasks},
	{.name = "1,000 tasks, 2 Ps",
	 .procs = 2,
	 .arg = 1000,
	 .bounds = {{"Go, 1,000 goroutines", 1}, {"Boost.Fiber, 1,000", 1}},
	 .run = mutex_of_tasks},
	{.name = "2 threads",
	 .peer = true,
	 .arg = 2,
	 .run = mutex_of_threads,
	 .version = peer_libc_version},
	{.name = "10 threads",
	 .peer = true,
	 .arg = 10,
	 .run = mutex_of_threads,
	 .version = peer_libc_version},
	{.name = "100 threads",
	 .peer = true,
	 .arg = 100,
	 .run = mutex_of_threads,
	 .version = peer_libc_version},
	{.name = "Go, 2 goroutines", .peer = true, .program = "go", .call = "mutex 2 2"},
	{.name = "Go, 10 goroutines", .peer = true, .program = "go", .call = "mutex 2 10"},
	{.name = "Go, 100 goroutines", .peer = true, .program = "go", .call = "mutex 2 100"},
	{.name = "Go, 1,000 goroutines", .peer = true, .program = "go", .call = "mutex 2 1000"},
	{.name = "Boost.Fiber, 2", .peer = true, .program = "fiber", .call = "mutex 2"},
	{.name = "Boost.Fiber, 10", .peer = true, .program = "fiber", .call = "mutex 10"},
	{.name = "Boost.Fiber, 100", .peer = true, .program = "fiber", .call = "mutex 100"},
	{.name = "Boost.Fiber, 1,000", .peer = true, .program = "fiber", .call = "mutex 1000"},
};

const struct bench_case bench_contend = {
	.name = "contend",
	.what = "one mutex that 2, 10, 100 and 1,000 tasks or threads lock, count and unlock",
	.unit = "ns",
	.each = "a lock and unlock",
	.series = contend_series,
	.nseries = sizeof contend_series / sizeof *contend_series,
};

static const struct bench_series cond_series[] = {
	{.name = "1 P",
	 .procs = 1,
	 .bounds = {{"threads on one CPU", 1}, {"Go, sync.Cond", 1}, {"Boost.Fiber", 1}},
	 .run = cond_of_tasks},
	{.name = "2 Ps",
	 .procs = 2,
	 .bounds = {{"Boost.Fiber, 2 threads", 1}, {"Go, sync.Cond, 2 Ps", 1}},
	 .run = cond_of_tasks},
	{.name = "threads on one CPU",
	 .peer = true,
	 .run = peer_cond,
	 .version = peer_libc_version},
	{.name = "Go, sync.Cond", .peer = true, .program = "go", .call = "cond 1 2"},
	{.name = "Go, sync.Cond, 2 Ps", .peer = true, .program = "go", .call = "cond 2 2"},
	{.name = "Boost.Fiber", .peer = true, .program = "fiber", .call = "cond 1"},
	{.name = "Boost.Fiber, 2 threads", .peer = true, .program = "fiber", .call = "cond 2"},
};

const struct bench_case bench_cond = {
	.name = "cond",
	.what = "two tasks that take turns by a condition variable",
	.unit = "ns",
	.each = "a turn",
	.series = cond_series,
	.nseries = sizeof cond_series / sizeof *cond_series,
};

static const struct bench_series barrier_series[] = {
	{.name = "2 tasks, 1 P",
	 .procs = 1,
	 .arg = 2,
	 .bounds = {{"2 threads, 1 CPU", 1}, {"Boost.Fiber, 2", 1}},
	 .run = barrier_of_tasks},
	{.name = "10 tasks, 1 P",
	 .procs = 1,
	 .arg = 10,
	 .bounds = {{"10 threads, 1 CPU", 1}, {"Boost.Fiber, 10", 1}},
	 .run = barrier_of_tasks},
	{.name = "100 tasks, 1 P",
	 .procs = 1,
	 .arg = 100,
	 .bounds = {{"100 threads, 1 CPU", 1}, {"Boost.Fiber, 100", 1}},
	 .run = barrier_of_tasks},
	{.name = "2 threads, 1 CPU",
	 .peer = true,
	 .arg = 2,
	 .run = barrier_of_threads,
	 .version = peer_libc_version},
	{.name = "10 threads, 1 CPU",
	 .peer = true,
	 .arg = 10,
	 .run = barrier_of_threads,
	 .version = peer_libc_version},
	{.name = "100 threads, 1 CPU",
	 .peer = true,
	 .arg = 100,
	 .run = barrier_of_threads,
	 .version = peer_libc_version},
	{.name = "Boost.Fiber, 2", .peer = true, .program = "fiber", .call = "barrier 2"},
	{.name = "Boost.Fiber, 10", .peer = true, .program = "fiber", .call = "barrier 10"},
	{.name = "Boost.Fiber, 100", .peer = true, .program = "fiber", .call = "barrier 100"},
};

const struct bench_case bench_barrier = {
	.name = "barrier",
	.what = "a barrier of 2, 10 and 100 tasks or threads",
	.unit = "ns",
	.each = "a wait",
	.series = barrier_series,
	.nseries = sizeof barrier_series / sizeof *barrier_series,
};

static const struct bench_series sem_series[] = {
	{.name = "alone, 1 P",
	 .procs = 1,
	 .arg = 1,
	 .bounds = {{"sem_t, alone", 1}},
	 .run = sem_of_tasks},
	{.name = "turns, 1 P",
	 .procs = 1,
	 .arg = 2,
	 .bounds = {{"sem_t, turns", 1}},
	 .run = sem_of_tasks},
	{.name = "sem_t, alone",
	 .peer = true,
	 .arg = 1,
	 .run = sem_of_threads,
	 .version = peer_libc_version},
	{.name = "sem_t, turns",
	 .peer = true,
	 .arg = 2,
	 .run = sem_of_threads,
	 .version = peer_libc_version},
};

const struct bench_case bench_sem = {
	.name = "sem",
	.what = "a semaphore taken and given by one alone, and two that take turns by two of them",
	.unit = "ns",
	.each = "a wait and post",
	.series = sem_series,
	.nseries = sizeof sem_series / sizeof *sem_series,
};
