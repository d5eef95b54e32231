/*
 * The runtime's own memory, apart from the program's malloc: a thread that lost
 * its P may hold a lock of that one.
 *
 * Small pieces (records of stacks, attributes, blocks of keys, names) are slabs:
 * lists of free pieces by power of two, cut from mapped pages, under one lock. What is
 * larger comes from jemalloc, where that is in the process, from an arena of the
 * runtime's own and without a thread cache; else from mmap. Small ones do not, since
 * jemalloc (5.3.0) does not survive a thread's first call when there is no memory for
 * the thread's arena, and tasks have to wait for a stack just then.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "sched/sched.h"

#if HAVE_JEMALLOC
__attribute__((weak)) void *mallocx(size_t size, int flags);
__attribute__((weak)) void sdallocx(void *p, size_t size, int flags);
__attribute__((weak)) int mallctl(const char *name, void *old, size_t *oldlen, void *new,
				  size_t newlen);
#else
static void *(*const mallocx)(size_t, int) = NULL;
static void (*const sdallocx)(void *, size_t, int) = NULL;
static int (*const mallctl)(const char *, void *, size_t *, void *, size_t) = NULL;
#endif

/* jemalloc(3): MALLOCX_ZERO, MALLOCX_TCACHE_NONE, MALLOCX_ARENA */
enum { ZERO = 0x40, TCACHE_NONE = 1 << 8, ARENA_SHIFT = 20 };

enum { SLAB_MIN = 5, SLAB_MAX = 15, SLAB_CHUNK = 256 << 10 };

struct piece {
	struct piece *next;
};

/* What was mapped for slabs, to be given back as a whole. */
struct slabchunk {
	struct slabchunk *next;
	size_t size;
};

static struct mem {
	struct lock lock;
	int flags; /* for mallocx, once the arena is there */
	unsigned arena;
	bool jemalloc;
	struct piece *free[SLAB_MAX + 1];
	struct slabchunk *chunks;
	char *next, *end;
} wf_mem;

void wf_meminit(void)
{
	size_t size = sizeof wf_mem.arena;

	if (mallocx && sdallocx && mallctl && !wf_mem.jemalloc &&
	    !mallctl("arenas.create", &wf_mem.arena, &size, NULL, 0)) {
		wf_mem.flags = (int)(wf_mem.arena + 1) << ARENA_SHIFT | TCACHE_NONE;
		wf_mem.jemalloc = true;
	}
	wf_have.jemalloc = wf_mem.jemalloc;
}

void *wf_map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void *wf_map_aligned(size_t size, size_t align)
{
	char *p = wf_map(size + align);
	size_t head;

	if (!p)
		return NULL;
	head = -(uintptr_t)p & (align - 1);
	if (head)
		munmap(p, head);
	if (align - head)
		munmap(p + head + size, align - head);
	return p + head;
}

void wf_unmap(void *p, size_t size)
{
	int before = errno;

	munmap(p, size);
	errno = before;
}

static unsigned slab_class(size_t size)
{
	unsigned class = SLAB_MIN;

	while (((size_t)1 << class) < size)
		class ++;
	return class;
}

/* With the lock held. */
static void *slab_carve(unsigned class)
{
	size_t size = (size_t)1 << class;
	struct slabchunk *chunk;
	void *p;

	if ((size_t)(wf_mem.end - wf_mem.next) < size) {
		chunk = wf_map(SLAB_CHUNK);
		if (!chunk)
			return NULL;
		chunk->next = wf_mem.chunks;
		chunk->size = SLAB_CHUNK;
		wf_mem.chunks = chunk;
		wf_mem.next = (char *)chunk + CACHELINE;
		wf_mem.end = (char *)chunk + SLAB_CHUNK;
	}
	p = wf_mem.next;
	wf_mem.next += size;
	return p;
}

static void *slab_alloc(unsigned class)
{
	struct piece *piece;

	wf_lock(&wf_mem.lock);
	piece = wf_mem.free[class];
	if (piece)
		wf_mem.free[class] = piece->next;
	else
		piece = slab_carve(class);
	wf_unlock(&wf_mem.lock);
	return piece ? memset(piece, 0, (size_t)1 << class) : NULL;
}

void *wf_alloc(size_t size)
{
	unsigned class = slab_class(size);

	if (class <= SLAB_MAX)
		return slab_alloc(class);
	return wf_mem.jemalloc ? mallocx(size, wf_mem.flags | ZERO) : wf_map(size);
}

void wf_free(void *p, size_t size)
{
	unsigned class = slab_class(size);
	struct piece *piece = p;

	if (!p)
		return;
	if (class > SLAB_MAX && wf_mem.jemalloc) {
		sdallocx(p, size, wf_mem.flags);
	} else if (class > SLAB_MAX) {
		wf_unmap(p, size);
	} else {
		wf_lock(&wf_mem.lock);
		piece->next = wf_mem.free[class];
		wf_mem.free[class] = piece;
		wf_unlock(&wf_mem.lock);
	}
}

/* The arena is kept for the next boot, empty: a destroyed one would leave its
 * description behind, and the next would need another. */
static void arena_reset(void)
{
	char name[40];

	snprintf(name, sizeof name, "arena.%u.reset", wf_mem.arena);
	mallctl(name, NULL, NULL, NULL, 0);
	snprintf(name, sizeof name, "arena.%u.purge", wf_mem.arena);
	mallctl(name, NULL, NULL, NULL, 0);
}

/* All that was allocated goes back: the runtime is down. */
void wf_memreset(void)
{
	while (wf_mem.chunks) {
		struct slabchunk *chunk = wf_mem.chunks;

		wf_mem.chunks = chunk->next;
		wf_unmap(chunk, chunk->size);
	}
	memset(wf_mem.free, 0, sizeof wf_mem.free);
	wf_mem.next = wf_mem.end = NULL;
	if (wf_mem.jemalloc)
		arena_reset();
}

/* In a forked child: what there was stays where it is. */
void wf_memforget(void)
{
	memset(&wf_mem, 0, sizeof wf_mem);
}
