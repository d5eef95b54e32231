/*
 * How many CPUs the process may use: its affinity mask, and the CPU limit of its
 * control group (cgroup v2: cpu.max; v1: cpu.cfs_quota_us), which a container has.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <weft/task.h>

#include "boot/boot.h"

enum { PATH_SIZE = 4096, MASK_CPUS = 8192 };

/* The text of a small file; false without one. No stdio: this runs before
 * main may want to set it up. */
static bool read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, size - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = 0;
	return true;
}

static unsigned affinity(void)
{
	cpu_set_t *set = CPU_ALLOC(MASK_CPUS);
	size_t size = CPU_ALLOC_SIZE(MASK_CPUS);
	int n = 0;

	if (set && !sched_getaffinity(0, size, set))
		n = CPU_COUNT_S(size, set);
	CPU_FREE(set);
	return n > 0 ? (unsigned)n : 1;
}

/* Whole CPUs that a quota of a period allows, at least one; 0 for no limit. */
static unsigned whole(long long quota, long long period)
{
	if (quota <= 0 || period <= 0)
		return 0;
	return quota < period ? 1 : (unsigned)((quota + period - 1) / period);
}

static unsigned smaller(unsigned a, unsigned b)
{
	return !a || (b && b < a) ? b : a;
}

static unsigned limit_v2(const char *group)
{
	char path[PATH_SIZE + 64], line[64];
	long long quota, period;

	snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group);
	if (read_file(path, line, sizeof line) && sscanf(line, "%lld %lld", &quota, &period) == 2)
		return whole(quota, period);
	return 0;
}

static unsigned limit_v1(const char *group)
{
	char path[PATH_SIZE + 64], line[64];
	long long quota = 0, period = 0;

	snprintf(path, sizeof path, "/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us", group);
	if (read_file(path, line, sizeof line))
		quota = atoll(line);
	snprintf(path, sizeof path, "/sys/fs/cgroup/cpu%s/cpu.cfs_period_us", group);
	if (read_file(path, line, sizeof line))
		period = atoll(line);
	return whole(quota, period);
}

/* The limit of a group and of those above it, up to the root of what is mounted: in a
 * container that is the only one there, whatever the group's path says. */
static unsigned lowest(char *group, unsigned (*limit_of)(const char *group))
{
	unsigned limit = 0;

	for (;;) {
		char *slash = strrchr(group, '/');

		if (slash && !slash[1]) { /* the root, or an odd path */
			*slash = 0;
			continue;
		}
		limit = smaller(limit, limit_of(group));
		if (!slash)
			return limit;
		*slash = 0;
	}
}

/* Whether a word is one of a list with commas. */
static bool listed(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (; *list; list += strcspn(list, ","), list += *list == ',')
		if (!strncmp(list, word, n) && (!list[n] || list[n] == ','))
			return true;
	return false;
}

unsigned wf_cgroup_limit(void)
{
	char groups[PATH_SIZE], *line, *rest;
	unsigned limit = 0;

	if (!read_file("/proc/self/cgroup", groups, sizeof groups))
		return 0;
	for (line = strtok_r(groups, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *controllers = strchr(line, ':');
		char *group = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!group)
			continue;
		*group++ = 0;
		if (!controllers[1])
			limit = smaller(limit, lowest(group, limit_v2));
		else if (listed(controllers + 1, "cpu"))
			limit = smaller(limit, lowest(group, limit_v1));
	}
	return limit;
}

unsigned wf_getncpu(void)
{
	return smaller(affinity(), wf_cgroup_limit());
}

size_t wf_mainstack(void)
{
	enum { UNLIMITED = 8 << 20, MOST = 1 << 30 };
	struct rlimit limit;
	size_t size = UNLIMITED;

	if (!getrlimit(RLIMIT_STACK, &limit) && limit.rlim_cur != RLIM_INFINITY)
		size = limit.rlim_cur;
	if (size < WEFT_STACK_MIN)
		size = WEFT_STACK_MIN;
	return size > MOST ? MOST : size;
}
