/*
 * How many CPUs control groups allow: read from files that stand in for the kernel's, in a
 * mount namespace of a child's own. Where that can't be had the tests say nothing.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weft.h>

#include "boot.h"
#include "boot/boot.h"
#include "child.h"

enum { FILES = 8, NO_NAMESPACE = 77 };

/* What /proc/self/cgroup says, files below /sys/fs/cgroup, and the limit that follows. */
struct tree {
	const char *self;
	struct {
		const char *path, *text;
	} files[FILES];
	unsigned limit;
};

static const struct tree trees[] = {
	{"0::/\n", {{NULL, NULL}}, 0},
	{"0::/\n", {{"cpu.max", "max 100000\n"}}, 0},
	{"0::/\n", {{"cpu.max", "200000 100000\n"}}, 2},
	{"0::/a/b\n", {{"a/b/cpu.max", "150000 100000\n"}}, 2},
	{"0::/a/b\n", {{"a/b/cpu.max", "1000 100000\n"}}, 1},
	{"0::/a/b\n", {{"a/b/cpu.max", "1600000 100000\n"}, {"a/cpu.max", "700000 100000\n"}}, 7},
	{"0::/a/b\n", {{"a/b/cpu.max", "max 100000\n"}, {"cpu.max", "300000 100000\n"}}, 3},
	{"0::/a/b\n", {{"a/b/cpu.max", "nonsense\n"}, {"a/cpu.max", ""}}, 0},
	{"0::/a/b\n", {{"a/b/cpu.max", "-5 100000\n"}, {"a/cpu.max", "5 0\n"}}, 0},
	{"9:name=systemd:/x\n4:cpu,cpuacct:/a\n0::/\n",
	 {{"cpu/a/cpu.cfs_quota_us", "400000\n"}, {"cpu/a/cpu.cfs_period_us", "100000\n"}},
	 4},
	{"4:cpuset,cpu:/a\n",
	 {{"cpu/a/cpu.cfs_quota_us", "50000\n"}, {"cpu/a/cpu.cfs_period_us", "100000\n"}},
	 1},
	{"4:cpu:/a\n",
	 {{"cpu/a/cpu.cfs_quota_us", "-1\n"}, {"cpu/a/cpu.cfs_period_us", "100000\n"}},
	 0},
	/* that of a container: the path is the host's, what is mounted its own group */
	{"4:cpu:/docker/12ab\n",
	 {{"cpu/cpu.cfs_quota_us", "250000\n"}, {"cpu/cpu.cfs_period_us", "100000\n"}},
	 3},
	{"4:cpuset:/a\n5:cpuacct:/a\n",
	 {{"cpu/a/cpu.cfs_quota_us", "50000\n"}, {"cpu/a/cpu.cfs_period_us", "100000\n"}},
	 0},
	{"no group at all\n", {{"cpu.max", "200000 100000\n"}}, 0},
	{"", {{"cpu.max", "200000 100000\n"}}, 0},
};

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ssize_t n = (ssize_t)strlen(text);

	need(fd >= 0);
	need(write(fd, text, (size_t)n) == n);
	close(fd);
}

/* Below the current directory, with the folders that it lies in. */
static void make_file(const char *path, const char *text)
{
	char folder[128];

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
		mkdir(folder, 0755);
	}
	write_file(path, text);
}

/* From here on this process sees the tree in the place of the kernel's. */
static void stand_in(const struct tree *tree)
{
	if (unshare(CLONE_NEWNS) && unshare(CLONE_NEWUSER | CLONE_NEWNS))
		_exit(NO_NAMESPACE);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/sys/fs/cgroup", "tmpfs", 0, NULL) || chdir("/sys/fs/cgroup"))
		_exit(NO_NAMESPACE);
	for (int i = 0; i < FILES && tree->files[i].path; i++)
		make_file(tree->files[i].path, tree->files[i].text);
	write_file("self", tree->self);
	if (mount("self", "/proc/self/cgroup", NULL, MS_BIND, NULL))
		_exit(NO_NAMESPACE);
}

static void limited(void *arg)
{
	const struct tree *tree = arg;
	unsigned limit;

	stand_in(tree);
	limit = wf_cgroup_limit();
	if (limit == tree->limit)
		return;
	printf("a limit of %u and not of %u by %s", limit, tree->limit, tree->self);
	fflush(stdout);
	_exit(1);
}

/* Run in a child with a tree; true when that could be had, and all was well. */
static bool with_tree(void (*fn)(void *), const struct tree *tree)
{
	struct child child;

	child_run(&child, fn, (void *)tree);
	if (WIFEXITED(child.status) && WEXITSTATUS(child.status) == NO_NAMESPACE)
		return false;
	ck_assert_msg(child.status == 0, "the child ended with %#x and said: %s",
		      (unsigned)child.status, child.said);
	return true;
}

START_TEST(test_the_cpu_limit_is_the_lowest_of_the_group_and_those_above)
{
	with_tree(limited, &trees[_i]);
}
END_TEST

static void one_p(void *tree)
{
	stand_in(tree);
	unsetenv("WEFT_PROCS");
	need(weft_procs(0) == 1);
	need(wf_have.ncpu == 1);
	need(tasks_work());
}

START_TEST(test_as_many_procs_as_the_control_group_allows)
{
	static const struct tree half = {"0::/\n", {{"cpu.max", "50000 100000\n"}}, 1};

	with_tree(one_p, &half);
}
END_TEST

TCase *boot_limits_tests(void)
{
	TCase *tests = tcase_create("limits");

	tcase_set_timeout(tests, PATIENCE);
	tcase_add_loop_test(tests, test_the_cpu_limit_is_the_lowest_of_the_group_and_those_above, 0,
			    sizeof trees / sizeof *trees);
	tcase_add_test(tests, test_as_many_procs_as_the_control_group_allows);
	return tests;
}
