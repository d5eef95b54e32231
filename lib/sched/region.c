/*
 * Where stacks lie: reservations of address space, each cut into stacks of one
 * class, a guard below each.
 *
 * A reservation costs no memory (MAP_NORESERVE) until its pages are touched, so
 * free stacks that were never used, or whose pages were given back, are known by
 * their number in the reservation (cold) and by nothing in their memory. Guards
 * come in batches: MADV_GUARD_INSTALL leaves the mapping whole, however many
 * there are; mprotect, where the kernel has no such thing, splits it, until the
 * map count is used up: from then on stacks go without a guard, and wf_have
 * says so.
 *
 * The tops of stacks are coloured: they would all lie in the same cache sets.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sched/region.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum { RESERVATION = 64 << 20, COLOURS = 32 };

static size_t pages(size_t size)
{
	return (size + wf_have.pagesize - 1) & ~(wf_have.pagesize - 1);
}

/* The address space of one stack: guard, what was asked for, the record at the
 * top and the room that colours take. */
static size_t stride_of(size_t size, size_t guard)
{
	return pages(guard) + pages(size) +
	       pages(sizeof(struct gtop) + COLOURS * CACHELINE + CACHELINE);
}

static struct region *region_map(size_t stride, uint32_t n)
{
	struct region *region = wf_alloc(sizeof *region + n * sizeof region->cold[0]);

	if (!region)
		return NULL;
	region->map = (uintptr_t)wf_map(stride * n);
	if (!region->map) {
		wf_free(region, sizeof *region + n * sizeof region->cold[0]);
		return NULL;
	}
	madvise((void *)region->map, stride * n, MADV_NOHUGEPAGE);
	region->stride = stride;
	region->n = n;
	return region;
}

/* As many stacks as a reservation holds; fewer when there is no room for it. */
struct region *wf_region_new(size_t size, size_t guard, bool single)
{
	size_t stride = stride_of(size, guard);
	uint32_t n = single || stride > RESERVATION / 2 ? 1 : (uint32_t)(RESERVATION / stride);
	struct region *region;

	while (!(region = region_map(stride, n)) && n > 1)
		n = n / 4 + 1 < n ? n / 4 + 1 : 1;
	if (region) {
		region->size = size;
		region->guard = pages(guard);
		region->single = single;
	}
	return region;
}

void wf_region_free(struct region *region)
{
	wf_unmap((void *)region->map, region->stride * region->n);
	wf_free(region, sizeof *region + region->n * sizeof region->cold[0]);
}

static uintptr_t stack_map(const struct region *region, uint32_t index)
{
	return region->map + region->stride * index;
}

static bool advise_all(int process, const struct iovec *guards, uint32_t n)
{
	return syscall(SYS_process_madvise, process, guards, n, MADV_GUARD_INSTALL, 0) ==
	       (long)(n * guards[0].iov_len);
}

/* All in one call, if the kernel has it: false when they are to be made one by one. */
static bool install_together(const struct iovec *guards, uint32_t n)
{
	int process = PIDFD_OF_SELF;
	bool done;

	if (wf_have.pidfdself)
		return advise_all(process, guards, n);
	process = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (process < 0)
		return false;
	done = advise_all(process, guards, n);
	close(process);
	return done;
}

/* Guards of several stacks; false where the kernel can't. */
static bool guards_install(const struct region *region, uint32_t first, uint32_t n)
{
	struct iovec guards[COLD_BATCH];

	for (uint32_t i = 0; i < n; i++)
		guards[i] = (struct iovec){(void *)stack_map(region, first + i), region->guard};
	if (n > 1 && install_together(guards, n))
		return true;
	for (uint32_t i = 0; i < n; i++)
		if (madvise(guards[i].iov_base, region->guard, MADV_GUARD_INSTALL))
			return false;
	return true;
}

static void guards_protect(const struct region *region, uint32_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n && !wf_have.noguard; i++) {
		if (!mprotect((void *)stack_map(region, first + i), region->guard, PROT_NONE))
			wf_have.guardprotect = true;
		else
			wf_have.noguard = true;
	}
}

static void guards_make(const struct region *region, uint32_t first, uint32_t n)
{
	int before = errno;

	if (region->guard && !(wf_have.guardinstall && guards_install(region, first, n))) {
		wf_have.guardinstall = false;
		guards_protect(region, first, n);
	}
	errno = before;
}

/* Stacks of a region that are the next to get their guards. */
static uint32_t unguarded(const struct region *region)
{
	uint32_t n = region->n - region->guarded;

	return n < COLD_BATCH ? n : COLD_BATCH;
}

/* The number of a cold stack, of a region that has one. */
uint32_t wf_region_take(struct region *region)
{
	if (region->ncold)
		return region->cold[--region->ncold];
	if (region->next == region->guarded) {
		uint32_t n = unguarded(region);

		guards_make(region, region->guarded, n);
		region->guarded += n;
	}
	return region->next++;
}

/* Several, for one who has none. Returns whether they have no guards yet: they are to be
 * made (wf_region_guard) before any is used. */
bool wf_region_reserve(struct region *region, struct coldstacks *cold)
{
	bool fresh = !region->ncold && region->next == region->guarded;

	cold->region = region;
	if (fresh)
		region->guarded += unguarded(region);
	while (region->ncold && cold->n < COLD_BATCH)
		cold->index[cold->n++] = region->cold[--region->ncold];
	if (cold->n)
		return fresh;
	cold->n = region->guarded - region->next;
	for (uint32_t i = cold->n; i > 0; i--) /* the last is used first */
		cold->index[i - 1] = region->next++;
	return fresh;
}

void wf_region_giveback(struct coldstacks *cold)
{
	struct region *region = cold->region;

	while (cold->n)
		region->cold[region->ncold++] = cold->index[--cold->n];
}

/* Those of wf_region_reserve that have none. */
void wf_region_guard(const struct coldstacks *cold)
{
	guards_make(cold->region, cold->index[cold->n - 1], cold->n);
}

/* A cold stack that is the caller's, with its record at its top. */
struct gtop *wf_region_heat(struct region *region, uint32_t index)
{
	uintptr_t map = stack_map(region, index);
	uintptr_t top = map + region->stride - (index * 5 + region->colour) % COLOURS * CACHELINE;
	struct gtop *record = (struct gtop *)((top - sizeof *record) & ~(uintptr_t)(CACHELINE - 1));

	record->stk.lo = map + region->guard;
	record->stk.hi = (uintptr_t)record;
	record->region = region;
	record->index = index;
	return record;
}

bool wf_region_has(const struct region *region)
{
	return region->ncold || region->next < region->n;
}

/* Give a stack's pages back; it is cold from then on. */
void wf_region_cool(struct gtop *top)
{
	struct region *region = top->region;
	uint32_t index = top->index;
	uintptr_t map = stack_map(region, index);
	int before = errno;

	madvise((void *)(map + region->guard), region->stride - region->guard, MADV_DONTNEED);
	errno = before;
	region->cold[region->ncold++] = index;
}

/* Whether all of a region is cold: nobody needs it. */
bool wf_region_unused(const struct region *region)
{
	return region->ncold == region->next;
}
