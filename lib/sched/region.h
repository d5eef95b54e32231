/*
 * Reservations of address space for stacks; for stack.c alone, and under its lock but for
 * wf_region_guard and wf_region_heat, which touch only what is the caller's.
 */
#ifndef WF_REGION_H
#define WF_REGION_H

#include "sched/sched.h"

struct region {
	struct region *link, *prev; /* in its class's list */
	uintptr_t map;
	size_t stride, size, guard;
	uint32_t n;       /* stacks */
	uint32_t next;    /* the first that was never taken */
	uint32_t guarded; /* those below have their guards, or who took them makes them */
	uint32_t colour;
	bool single; /* holds one stack of a size or guard of its own */
	uint32_t ncold;
	uint32_t cold[]; /* free stacks without pages, below next */
};

struct region *wf_region_new(size_t size, size_t guard, bool single);
void wf_region_free(struct region *region);
uint32_t wf_region_take(struct region *region);
bool wf_region_reserve(struct region *region, struct coldstacks *cold);
void wf_region_giveback(struct coldstacks *cold);
void wf_region_guard(const struct coldstacks *cold);
struct gtop *wf_region_heat(struct region *region, uint32_t index);
bool wf_region_has(const struct region *region);
bool wf_region_unused(const struct region *region);
void wf_region_cool(struct gtop *top);

#endif
