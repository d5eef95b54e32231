/*
 * A pool's queue of jobs, and those who wait for room in it. All with the pool's lock held.
 *
 * There is a ring for each priority, and a map of those that may have jobs: a bit is
 * cleared by who looks there for a job and finds none.
 */
#include "pool/submit.h"

void wf_jobs_remove(struct weft_pool *pool, struct job *job)
{
	wf_link_remove(&job->link);
	wf_count(&pool->queued, (uint64_t)-1);
}

/* The highest level that may have jobs, in a word of the map that is not 0. */
static unsigned highest(const struct weft_pool *pool, unsigned word)
{
	return word * LEVELS_A_WORD + (LEVELS_A_WORD - 1) -
	       (unsigned)__builtin_clzll(pool->levelmap[word]);
}

struct job *wf_jobs_pop(struct weft_pool *pool)
{
	unsigned word = (pool->nlevels - 1) / LEVELS_A_WORD;

	if (!wf_pool_queued(pool))
		return NULL;
	for (;;) {
		unsigned level;

		while (!pool->levelmap[word])
			word--; /* something is queued: there is one */
		level = highest(pool, word);
		if (!wf_link_empty(&pool->level[level])) {
			struct job *job = (struct job *)pool->level[level].next;

			wf_jobs_remove(pool, job);
			return job;
		}
		pool->levelmap[word] &= ~((uint64_t)1 << level % LEVELS_A_WORD);
	}
}

void wf_jobs_end(struct weft_pool *pool, struct job *job, enum future_state state,
		 struct wakelist *wake)
{
	if (job->fn)
		wf_depot_put(&pool->depot, job);
	else
		wf_future_settle(wf_future_of(job), state, wake);
}

uint64_t wf_jobs_discard(struct weft_pool *pool, struct wakelist *wake)
{
	uint64_t n = 0;
	struct job *job;

	for (; (job = wf_jobs_pop(pool)); n++)
		wf_jobs_end(pool, job, FUTURE_CANCELED, wake);
	pool->discarded += n;
	return n;
}

void wf_jobs_admit(struct weft_pool *pool, struct wakelist *wake)
{
	struct waiter *w;

	while (wf_pool_queued(pool) < pool->capacity && (w = wf_waitq_pop(&pool->senders))) {
		struct offer *offer = w->data;

		wf_jobs_push(pool, offer->prio, offer->job);
		pool->submitted++;
		pool->users--;
		wf_wakelist_add(wake, w);
	}
}
