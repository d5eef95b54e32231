/*
 * Task-specific data.
 *
 * A key is its number and a sequence: odd while it exists, changed by create and
 * delete, so that a value set under a deleted key is not seen under its successor.
 * The first values lie in the task's record, others in blocks made when needed.
 */
#include <errno.h>

#include <weft/task.h>

#include "sched/sched.h"

enum { BLOCKS = WEFT_KEYS_MAX / KEYS_BLOCK };

/* seq by compare and swap; the destructor is written by who made it odd, and read
 * (relaxed, it may be late) by who ends a task with a value of that seq. */
struct key {
	_Atomic uintptr_t seq;
	void (*_Atomic destructor)(void *);
};

static struct key wf_keys[WEFT_KEYS_MAX];

static bool exists(uintptr_t seq)
{
	return seq & 1;
}

int weft_key_create(weft_key_t *key, void (*destructor)(void *))
{
	if (!key)
		return EINVAL;
	for (unsigned i = 0; i < WEFT_KEYS_MAX; i++) {
		uintptr_t seq = atomic_load_explicit(&wf_keys[i].seq, memory_order_relaxed);

		if (exists(seq) || !atomic_compare_exchange_strong(&wf_keys[i].seq, &seq, seq + 1))
			continue;
		atomic_store_explicit(&wf_keys[i].destructor, destructor, memory_order_release);
		*key = i;
		return 0;
	}
	return EAGAIN;
}

int weft_key_delete(weft_key_t key)
{
	uintptr_t seq;

	if (key >= WEFT_KEYS_MAX)
		return EINVAL;
	seq = atomic_load(&wf_keys[key].seq);
	if (!exists(seq) || !atomic_compare_exchange_strong(&wf_keys[key].seq, &seq, seq + 1))
		return EINVAL;
	return 0;
}

/* A thread's blocks are on pages of their own, which the runtime's end does not take along. */
static void *get_block(const struct keys *keys, size_t size)
{
	return keys->threads ? wf_map(size) : wf_alloc(size);
}

static void put_block(const struct keys *keys, void *block, size_t size)
{
	if (block && keys->threads)
		wf_unmap(block, size);
	else
		wf_free(block, size);
}

/* The place of a key's value; NULL when there is none (and none could be made). */
static struct keyvalue *place(struct keys *keys, weft_key_t key, bool make)
{
	struct keyvalue **block;

	if (key < KEYS_INLINE)
		return &keys->first[key];
	if (!keys->blocks && make)
		keys->blocks = get_block(keys, BLOCKS * sizeof *keys->blocks);
	if (!keys->blocks)
		return NULL;
	block = &keys->blocks[key / KEYS_BLOCK];
	if (!*block && make)
		*block = get_block(keys, KEYS_BLOCK * sizeof **block);
	return *block ? *block + key % KEYS_BLOCK : NULL;
}

static struct keys *own_keys(bool make)
{
	struct g *g = wf_getg();
	struct m *m;

	if (g)
		return &g->top->keys;
	if (!make)
		return NULL;
	m = wf_foreign_enter();
	if (m)
		wf_foreign_leave(m);
	return m ? &m->top.keys : NULL;
}

int weft_setspecific(weft_key_t key, const void *value)
{
	uintptr_t seq = key < WEFT_KEYS_MAX ? atomic_load(&wf_keys[key].seq) : 0;
	struct keys *keys = exists(seq) ? own_keys(value != NULL) : NULL;
	struct keyvalue *slot;

	if (!exists(seq))
		return EINVAL;
	if (!keys && !value)
		return 0;
	slot = keys ? place(keys, key, value != NULL) : NULL;
	if (!slot)
		return value ? ENOMEM : 0;
	slot->seq = seq;
	slot->value = (void *)value;
	if (value)
		keys->used = true;
	return 0;
}

void *weft_getspecific(weft_key_t key)
{
	struct keys *keys = key < WEFT_KEYS_MAX ? own_keys(false) : NULL;
	struct keyvalue *slot = keys ? place(keys, key, false) : NULL;

	if (!slot || slot->seq != atomic_load_explicit(&wf_keys[key].seq, memory_order_relaxed))
		return NULL;
	return slot->value;
}

/* Call the destructor of one value; whether there was one to call. */
static bool destroy(struct keys *keys, weft_key_t key)
{
	struct keyvalue *slot = place(keys, key, false);
	void (*destructor)(void *);
	void *value;

	if (!slot || !slot->value)
		return false;
	value = slot->value;
	slot->value = NULL;
	destructor = atomic_load_explicit(&wf_keys[key].destructor, memory_order_acquire);
	if (slot->seq != atomic_load(&wf_keys[key].seq) || !destructor)
		return false;
	destructor(value);
	return true;
}

void wf_keys_destroy(struct keys *keys)
{
	bool again = keys->used;

	for (int i = 0; again && i < WEFT_DESTRUCTOR_ITERATIONS; i++) {
		again = false;
		for (weft_key_t key = 0; key < (keys->blocks ? WEFT_KEYS_MAX : KEYS_INLINE); key++)
			again |= destroy(keys, key);
	}
	for (unsigned i = 0; keys->blocks && i < BLOCKS; i++)
		put_block(keys, keys->blocks[i], KEYS_BLOCK * sizeof **keys->blocks);
	put_block(keys, keys->blocks, BLOCKS * sizeof *keys->blocks);
	*keys = (struct keys){.threads = keys->threads};
}
