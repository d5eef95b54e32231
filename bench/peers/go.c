/*
 * Go: a program of its own (peers/go/), which is told a test and how many operations to
 * make, and answers with the nanoseconds that they took.
 */
#include <config.h>

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peers.h"

#ifdef HAVE_GO

/* What the program is told for each: the test, its Ps, and how many channels or goroutines. */
static const struct {
	const char *name;
	int procs, size;
} tests[] = {
	[GO_TRIP_1P] = {"trip", 1, 0},       [GO_TRIP_2P] = {"trip", 2, 0},
	[GO_WAY_1P] = {"way", 1, 0},         [GO_ALONE] = {"alone", 1, 1},
	[GO_BUFFER_1P] = {"way", 1, 100},    [GO_BUFFER_2P] = {"way", 2, 100},
	[GO_READY_2] = {"ready", 1, 2},      [GO_READY_100] = {"ready", 1, 100},
	[GO_WAITS_2] = {"waits", 1, 2},      [GO_WAITS_100] = {"waits", 1, 100},
	[GO_MUTEX] = {"mutex", 1, 1},        [GO_MUTEX_2] = {"mutex", 2, 2},
	[GO_MUTEX_10] = {"mutex", 2, 10},    [GO_MUTEX_100] = {"mutex", 2, 100},
	[GO_MUTEX_1000] = {"mutex", 2, 1000}, [GO_COND] = {"cond", 1, 2},
	[GO_TIMER] = {"timer", 1, 0},        [GO_TIMER_MANY] = {"timer", 1, 10000},
};

/* The environment says where it is in a build folder, where it isn't installed. */
static void find_program(char *path, size_t size)
{
	const char *dir = getenv("WEFT_BENCH_PEERS");

	snprintf(path, size, "%s/weft-bench-go", dir != NULL ? dir : PEERS_DIR);
}

/* Its standard output goes to `out`. */
static int start(pid_t *pid, char *const argv[], int out)
{
	posix_spawn_file_actions_t actions;
	int err = posix_spawn_file_actions_init(&actions);

	if (err != 0)
		return err;
	err = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (err == 0)
		err = posix_spawn(pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return err;
}

static int read_answer(int in, struct bench_run *r)
{
	unsigned long long ops, ns;
	FILE *f = fdopen(in, "r");
	int got;

	if (f == NULL)
		return errno;
	got = fscanf(f, "%llu %llu", &ops, &ns);
	fclose(f);
	if (got != 2 || ops == 0)
		return EPROTO;
	r->n = ops;
	r->ns = (double)ns;
	r->value = r->ns / (double)ops;
	return 0;
}

int peer_go(struct bench_run *r)
{
	char path[PATH_MAX], procs[16], size[16], n[24];
	char *argv[] = {path, (char *)tests[r->arg].name, procs, size, n, NULL};
	int ends[2], err, status;
	pid_t pid;

	find_program(path, sizeof path);
	snprintf(procs, sizeof procs, "%d", tests[r->arg].procs);
	snprintf(size, sizeof size, "%d", tests[r->arg].size);
	snprintf(n, sizeof n, "%llu", (unsigned long long)r->n);
	if (pipe(ends) != 0)
		return errno;
	err = start(&pid, argv, ends[1]);
	close(ends[1]);
	if (err != 0) {
		close(ends[0]);
		return err;
	}
	err = read_answer(ends[0], r);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return err;
}

const char *peer_go_absent(void)
{
	char path[PATH_MAX];

	find_program(path, sizeof path);
	return access(path, X_OK) == 0 ? NULL : "its program is not installed (WEFT_BENCH_PEERS)";
}

const char *peer_go_version(void)
{
	return GO_VERSION;
}

#else

int peer_go(struct bench_run *r)
{
	(void)r;
	return ENOSYS;
}

const char *peer_go_absent(void)
{
	return "configure did not find it";
}

const char *peer_go_version(void)
{
	return NULL;
}

#endif
