/*
 * What the objects of this folder share.
 */
#include "sync/sync.h"

#include <sched.h>

/* In a waitpoint's life: somebody is about to begin that life. */
enum { BEGINNING = 1u << 31 };

void wf_waitpoint_renew(struct waitpoint *at, void (*forget)(struct waitpoint *))
{
	uint32_t now = (uint32_t)wf_sched.forks & ~(uint32_t)BEGINNING;
	uint32_t seen = atomic_load_explicit(&at->life, memory_order_acquire);

	while (seen != now) {
		if (seen == (now | BEGINNING)) {
			sched_yield();
			seen = atomic_load_explicit(&at->life, memory_order_acquire);
		} else if (atomic_compare_exchange_weak_explicit(&at->life, &seen, now | BEGINNING,
								 memory_order_acquire,
								 memory_order_acquire)) {
			wf_waitq_setfirst(&at->queue, NULL);
			at->lock = (struct lock){0};
			forget(at);
			/* release: pairs with wf_waitpoint_lock's acquire */
			atomic_store_explicit(&at->life, now, memory_order_release);
			return;
		}
	}
}

struct g *wf_caller(void)
{
	struct g *g = wf_getg();
	struct m *m;

	if (!g && (m = wf_enter_any())) {
		wf_leave_any(m);
		g = wf_getg();
	}
	return g;
}
