/*
 * The heavy side of the asymmetric barrier.
 *
 * After wf_heavy_barrier, every thread of the process has passed a full memory
 * barrier since before the call: what one of them stored before its light
 * barrier is seen, or it will see what the caller stored. membarrier(2) does
 * that; where the kernel denies it, both sides are full fences (wf_fullfence).
 */
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sched/sched.h"

bool wf_fullfence;

void wf_heavy_barrier(void)
{
	if (!wf_fullfence)
		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
	atomic_thread_fence(memory_order_seq_cst);
}

/* The light side where more than one instruction may be spent on it. */
void wf_light_barrier_slow(void)
{
	if (wf_fullfence)
		atomic_thread_fence(memory_order_seq_cst);
	else
		wf_light_barrier();
}
