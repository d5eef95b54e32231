/* Crews of tasks and of threads, and a count that both can keep. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <weft.h>

#include "crew.h"

enum { COUNTERS = 64, LINE = 64 };

/*
 * All meet the starter at the gate twice: at the first meeting everybody exists, and the
 * second lets them go once the starter has begun the clock.
 */
struct crew {
	crew_fn *fn;
	void *arg;
	weft_barrier_t task_gate;
	pthread_barrier_t thread_gate;
};

struct member {
	struct crew *crew;
	unsigned which;
	weft_t task;
	pthread_t thread;
};

static struct member *members_of(struct crew *c, unsigned n)
{
	struct member *m = calloc(n, sizeof *m);

	for (unsigned i = 0; m != NULL && i < n; i++)
		m[i] = (struct member){.crew = c, .which = i};
	return m;
}

/* --- tasks --------------------------------------------------------------------- */

static void *task_member(void *member)
{
	struct member *m = member;

	weft_barrier_wait(&m->crew->task_gate);
	weft_barrier_wait(&m->crew->task_gate);
	m->crew->fn(m->crew->arg, m->which);
	return NULL;
}

int crew_of_tasks(struct bench_run *r, uint64_t ops, unsigned n, crew_fn *fn, void *arg)
{
	struct crew crew = {.fn = fn, .arg = arg};
	struct member *m = members_of(&crew, n);
	int err = m == NULL ? ENOMEM : weft_barrier_init(&crew.task_gate, NULL, n + 1);

	for (unsigned i = 0; i < n && err == 0; i++)
		err = weft_create(&m[i].task, NULL, task_member, &m[i]);
	if (err != 0)
		return err; /* the process ends with it: those who wait at the gate do too */
	weft_barrier_wait(&crew.task_gate);
	bench_begin(r);
	weft_barrier_wait(&crew.task_gate);
	for (unsigned i = 0; i < n && err == 0; i++)
		err = weft_join(m[i].task, NULL);
	bench_end(r, ops);
	free(m);
	return err;
}

/* --- threads ------------------------------------------------------------------- */

static void *thread_member(void *member)
{
	struct member *m = member;

	pthread_barrier_wait(&m->crew->thread_gate);
	pthread_barrier_wait(&m->crew->thread_gate);
	m->crew->fn(m->crew->arg, m->which);
	return NULL;
}

int crew_of_threads(struct bench_run *r, uint64_t ops, unsigned n, crew_fn *fn, void *arg)
{
	struct crew crew = {.fn = fn, .arg = arg};
	struct member *m = members_of(&crew, n);
	int err = m == NULL ? ENOMEM : pthread_barrier_init(&crew.thread_gate, NULL, n + 1);

	for (unsigned i = 0; i < n && err == 0; i++)
		err = pthread_create(&m[i].thread, NULL, thread_member, &m[i]);
	if (err != 0)
		return err;
	pthread_barrier_wait(&crew.thread_gate);
	bench_begin(r);
	pthread_barrier_wait(&crew.thread_gate);
	for (unsigned i = 0; i < n && err == 0; i++)
		err = pthread_join(m[i].thread, NULL);
	bench_end(r, ops);
	pthread_barrier_destroy(&crew.thread_gate);
	free(m);
	return err;
}

/* --- a count --------------------------------------------------------------------- */

static struct {
	_Alignas(LINE) _Atomic uint64_t count;
} counters[COUNTERS];
static atomic_uint claimed;
static _Thread_local _Atomic uint64_t *mine;

/* Relaxed: one thread writes a counter, and waiting for the jobs orders what is read. */
void tally_add(void)
{
	if (mine == NULL)
		mine = &counters[atomic_fetch_add(&claimed, 1) % COUNTERS].count;
	atomic_store_explicit(mine, atomic_load_explicit(mine, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

uint64_t tally_sum(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < COUNTERS; i++)
		sum += atomic_load_explicit(&counters[i].count, memory_order_relaxed);
	return sum;
}
