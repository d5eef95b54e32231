/*
 * What the machine and the kernel have: asked once in a process, for good, since foreign
 * threads look at it whenever they like; and again in a forked child, whose caller is alone.
 * What may be another time by time is asked at each boot (wf_osboot), and is atomic. Common
 * code asks wf_have, and takes another way where something is missing.
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "boot/boot.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

struct features wf_have;

/* Of the kind whose heavy side pairs with the light barriers (barrier.c). */
static bool find_membarrier(void)
{
	long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	return commands > 0 && commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED &&
	       !syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) &&
	       !syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

/* Whether the kernel takes an advice: tried on a page. */
static bool advice(int advice)
{
	void *page = wf_map(wf_have.pagesize);
	bool known = page && !madvise(page, wf_have.pagesize, advice);

	if (page)
		wf_unmap(page, wf_have.pagesize);
	return known;
}

/* Whether advice may be given of several ranges at once without a descriptor: of none, here. */
static bool find_pidfdself(void)
{
	return !syscall(SYS_process_madvise, PIDFD_OF_SELF, NULL, 0, MADV_GUARD_INSTALL, 0);
}

/* relaxed: read as hints */
static void find_changing(void)
{
	atomic_store_explicit(&wf_have.ncpu, wf_getncpu(), memory_order_relaxed);
	atomic_store_explicit(&wf_have.guardinstall, advice(MADV_GUARD_INSTALL),
			      memory_order_relaxed);
	atomic_store_explicit(&wf_have.guardprotect, false, memory_order_relaxed);
	atomic_store_explicit(&wf_have.noguard, false, memory_order_relaxed);
	atomic_store_explicit(&wf_have.threadlimit, false, memory_order_relaxed);
}

static void find(void)
{
	int before = errno;

	wf_have.pagesize = (size_t)sysconf(_SC_PAGESIZE);
	wf_have.membarrier = find_membarrier();
	wf_have.pidfdself = find_pidfdself();
	wf_have.wipeonfork = advice(MADV_WIPEONFORK);
	wf_have.libunwind = wf_find_unwinder();
	wf_fullfence = !wf_have.membarrier;
	wf_hooks_find();
	wf_meminit();
	find_changing();
	errno = before;
}

static pthread_once_t wf_os_once = PTHREAD_ONCE_INIT;

void wf_osinit(void)
{
	pthread_once(&wf_os_once, find);
}

void wf_osboot(void)
{
	wf_osinit();
	find_changing();
}

void wf_osforget(void)
{
	wf_have = (struct features){0};
	wf_os_once = (pthread_once_t)PTHREAD_ONCE_INIT;
	wf_osinit();
}
