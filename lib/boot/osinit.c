/*
 * What the machine and the kernel have: asked once, and again in a forked child.
 * Common code asks wf_have, and takes another way where something is missing.
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

static void find(void)
{
	int before = errno;

	wf_have.pagesize = (size_t)sysconf(_SC_PAGESIZE);
	wf_have.ncpu = wf_getncpu();
	wf_have.membarrier = find_membarrier();
	wf_have.guardinstall = advice(MADV_GUARD_INSTALL);
	wf_have.pidfdself = wf_have.guardinstall && find_pidfdself();
	wf_have.wipeonfork = advice(MADV_WIPEONFORK);
	wf_have.libunwind = wf_find_unwinder();
	wf_fullfence = !wf_have.membarrier;
	wf_hooks_find();
	wf_meminit();
	errno = before;
}

static pthread_once_t wf_os_once = PTHREAD_ONCE_INIT;

void wf_osinit(void)
{
	pthread_once(&wf_os_once, find);
}

/* The next wf_osinit asks again. */
void wf_osreset(void)
{
	wf_have = (struct features){0};
	wf_os_once = (pthread_once_t)PTHREAD_ONCE_INIT;
}
