/*
 * Gs: where they come from, and the handles that stand for them.
 *
 * Gs lie in chunks of pages that are never given back before the runtime goes
 * down, so a G's memory is always a G's (type-stable): a stale pointer finds
 * another life, never something else. A handle is the G's index below and its
 * generation above; the generation changes when a G ends whose handle was known
 * to anybody (GF_EXPOSED). Until a life's handle is known the G is its own joiner, and
 * who guesses it is told that there is no such task. A slot whose generations are spent
 * is retired.
 *
 * Free Gs move in batches: each P (and each foreign thread) has a list and a
 * full batch beside it, the scheduler has a list of batches.
 */
#include <string.h>

#include "sched/fast.h"

/* Stored under wf_sched.lock; read by anybody who has a handle (acquire). */
_Atomic(struct chunk *) wf_chunks[CHUNKS];
static uint32_t wf_nchunks;
static uint32_t wf_forgotten; /* chunks that only handles of before a fork know */
static uint64_t wf_epoch = 1; /* first generation of a new slot */

uint64_t wf_lifelock_slow(struct g *g)
{
	uint64_t word = atomic_load_explicit(&g->life, memory_order_relaxed);

	for (;;) {
		if (word & LIFE_LOCK) {
			wf_relax();
			word = atomic_load_explicit(&g->life, memory_order_relaxed);
		} else if (atomic_compare_exchange_weak_explicit(&g->life, &word, word | LIFE_LOCK,
								 memory_order_acquire,
								 memory_order_relaxed)) {
			return word;
		}
	}
}

/* A life is over that had a name, or was cancelled. */
void wf_cancelword_clear(struct g *g)
{
	if (atomic_load_explicit(&g->cancel, memory_order_relaxed) & GC_NAMED)
		wf_name_drop(g);
	atomic_store_explicit(&g->cancel, 0, memory_order_relaxed);
}

/* What is rare at the end of a life: that, or its slot's generations are spent (the next
 * one is 0 again, which is no life's): such a slot is left where it is, for ever. */
void wf_lifeend_slow(struct m *m, struct g *g, uint64_t next)
{
	wf_cancelword_clear(g);
	wf_lifeunlock(g, next);
	if (wf_generation(next))
		wf_gput(wf_gcache(m), g);
}

/* Both with wf_sched.lock held. */
static struct chunk *chunk_new(void)
{
	struct chunk *chunk;

	if (wf_nchunks == CHUNKS)
		return NULL;
	chunk = wf_map_aligned(CHUNK_SIZE, CHUNK_SIZE);
	if (!chunk)
		return NULL;
	chunk->base = wf_nchunks << CHUNK_BITS;
	chunk->used = 1;
	atomic_store_explicit(&wf_chunks[wf_nchunks++], chunk, memory_order_release);
	return chunk;
}

static struct g *batch_carve(void)
{
	struct chunk *chunk = wf_nchunks ? wf_chunks[wf_nchunks - 1] : NULL;
	struct g *list = NULL;
	unsigned n = 0;

	if (!chunk || chunk->used == CHUNK_GS)
		chunk = chunk_new();
	if (!chunk)
		return NULL;
	while (n < GCACHE_BATCH && chunk->used < CHUNK_GS) {
		uint32_t k = chunk->used++;
		struct g *g = (struct g *)chunk + k;

		g->sched.g = g;
		g->joiner = g;
		atomic_store_explicit(&g->life, wf_life(wf_epoch, chunk->base + k),
				      memory_order_relaxed);
		g->schedlink = list;
		list = g;
		n++;
	}
	list->sched.ret = n;
	return list;
}

/* Fill an empty list: from its spare batch, from the global list, from new memory. */
struct g *wf_gfill(struct gcache *cache)
{
	struct g *batch = cache->spare;

	cache->spare = NULL;
	if (!batch) {
		wf_lock(&wf_sched.lock);
		batch = wf_sched.gfree;
		if (batch)
			wf_sched.gfree = batch->joiner;
		else
			batch = batch_carve();
		wf_unlock(&wf_sched.lock);
	}
	if (!batch)
		return NULL;
	batch->joiner = batch;
	cache->n = (unsigned)batch->sched.ret;
	cache->list = batch;
	return batch;
}

/* With wf_sched.lock held. */
static void batch_put(struct g *list, unsigned n)
{
	list->sched.ret = n;
	list->joiner = wf_sched.gfree;
	wf_sched.gfree = list;
}

/* The list is a full batch: it becomes the spare one, and that goes to all. */
void wf_gspill(struct gcache *cache)
{
	if (cache->spare) {
		wf_lock(&wf_sched.lock);
		batch_put(cache->spare, GCACHE_BATCH);
		wf_unlock(&wf_sched.lock);
	}
	cache->spare = cache->list;
	cache->spare->sched.ret = GCACHE_BATCH;
	cache->list = NULL;
	cache->n = 0;
}

/* All of a cache to the global list: its P or thread goes. */
void wf_gflush(struct gcache *cache)
{
	if (cache->spare)
		batch_put(cache->spare, GCACHE_BATCH);
	if (cache->list)
		batch_put(cache->list, cache->n);
	*cache = (struct gcache){0};
}

/* Whether a task lives that does not say that it is about to end. */
bool wf_anyliving(void)
{
	for (uint32_t i = wf_forgotten; i < wf_nchunks; i++)
		for (uint32_t k = 1; k < wf_chunks[i]->used; k++) {
			struct g *g = (struct g *)wf_chunks[i] + k;

			/* acquire: pairs with wf_leaving */
			if (wf_status(g) != G_DEAD &&
			    !(atomic_load_explicit(&g->cancel, memory_order_acquire) & GC_LEAVING))
				return true;
		}
	return false;
}

/* Begin anew, in a forked child: no handle of before is good any more, but
 * keep's. The chunks stay with the memory of the parent's tasks, which the
 * child does not use. */
void wf_gforget(struct g *keep)
{
	struct chunk *kept = keep ? wf_chunk_of(keep) : NULL;

	for (uint32_t i = 0; i < wf_nchunks; i++)
		if (wf_chunks[i] != kept)
			atomic_store_explicit(&wf_chunks[i], NULL, memory_order_relaxed);
	if (kept)
		for (uint32_t i = 1; i < kept->used; i++)
			if ((struct g *)kept + i != keep)
				atomic_store_explicit(&((struct g *)kept + i)->life, 0,
						      memory_order_relaxed);
	if (kept)
		kept->used = CHUNK_GS;
	wf_forgotten = wf_nchunks;
}

/* The runtime is down and all of its memory goes back. Indexes are used again,
 * so generations go on above all that there were; while half of them are left. */
void wf_greset(void)
{
	uint64_t last = wf_epoch;

	for (uint32_t i = wf_forgotten; i < wf_nchunks; i++) {
		struct chunk *chunk = wf_chunks[i];

		for (uint32_t k = 1; k < chunk->used; k++) {
			uint64_t generation = wf_generation(((struct g *)chunk + k)->life);

			if (generation > last)
				last = generation;
		}
		atomic_store_explicit(&wf_chunks[i], NULL, memory_order_relaxed);
		wf_unmap(chunk, CHUNK_SIZE);
	}
	if (last >= (uint64_t)1 << (GENERATION_BITS - 1)) {
		wf_forgotten = wf_nchunks;
		last = 0;
	}
	wf_nchunks = wf_forgotten;
	wf_epoch = last + 1;
}
