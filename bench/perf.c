/*
 * Instructions and cycles in user space, from the kernel's performance events.
 *
 * Opened before the runtime starts its threads, which inherit them. Many
 * machines, most virtual ones among them, have none to give: then nothing is
 * known and the tables show a dash.
 */
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

static int insns_fd = -1, cycles_fd = -1;

static int open_event(uint64_t config)
{
	struct perf_event_attr attr = {
		.size = sizeof attr,
		.type = PERF_TYPE_HARDWARE,
		.config = config,
		.disabled = 1,
		.inherit = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

void perf_open(void)
{
	insns_fd = open_event(PERF_COUNT_HW_INSTRUCTIONS);
	cycles_fd = open_event(PERF_COUNT_HW_CPU_CYCLES);
}

static void start_event(int fd)
{
	if (fd < 0)
		return;
	ioctl(fd, PERF_EVENT_IOC_RESET, 0);
	ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
}

void perf_begin(void)
{
	start_event(insns_fd);
	start_event(cycles_fd);
}

static double stop_event(int fd)
{
	uint64_t count;

	if (fd < 0)
		return -1;
	ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	return read(fd, &count, sizeof count) == (ssize_t)sizeof count ? (double)count : -1;
}

struct perf_sample perf_end(void)
{
	struct perf_sample p;

	p.cycles = stop_event(cycles_fd);
	p.insns = stop_event(insns_fd);
	return p;
}
