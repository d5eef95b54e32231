/*
 * A process for each run: this program again, told which series to run and how
 * many operations to make. What it found comes back through a pipe.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { LIMIT_S = 30 };

static const struct bench_series *find_series(const char *case_name, const char *series_name)
{
	for (const struct bench_case *const *c = bench_cases; *c != NULL; c++)
		for (size_t i = 0; strcmp((*c)->name, case_name) == 0 && i < (*c)->nseries; i++)
			if (strcmp((*c)->series[i].name, series_name) == 0)
				return &(*c)->series[i];
	return NULL;
}

/* _exit: tasks that are parked or queued to be counted need not end first. */
int bench_child_main(const char *case_name, const char *series_name, const char *n)
{
	const struct bench_series *s = find_series(case_name, series_name);
	struct bench_run r = {.n = strtoull(n, NULL, 10)};

	if (s == NULL)
		return 2;
	r.error = bench_run_here(s, &r);
	_exit(write(STDOUT_FILENO, &r, sizeof r) == (ssize_t)sizeof r ? 0 : 1);
}

static void become_child(int out, const char *case_name, const char *series_name, uint64_t n)
{
	char count[24];

	snprintf(count, sizeof count, "%llu", (unsigned long long)n);
	if (dup2(out, STDOUT_FILENO) < 0)
		_exit(127);
	alarm(LIMIT_S);
	execl("/proc/self/exe", "weft", "bench", "--child", case_name, series_name, count,
	      (char *)NULL);
	_exit(127);
}

static pid_t start_child(const struct bench_case *c, const struct bench_series *s, uint64_t n,
			 int *in)
{
	int ends[2];
	pid_t pid;

	if (pipe(ends) != 0)
		return -1;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		become_child(ends[1], c->name, s->name, n);
	}
	close(ends[1]);
	if (pid < 0)
		close(ends[0]);
	*in = ends[0];
	return pid;
}

static size_t read_whole(int fd, void *to, size_t size)
{
	size_t got = 0;

	while (got < size) {
		ssize_t k = read(fd, (char *)to + got, size - got);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			break;
		got += (size_t)k;
	}
	return got;
}

static void say_why(int status, int error, char *why, size_t size)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		snprintf(why, size, "took longer than %d s", LIMIT_S);
	else if (WIFSIGNALED(status))
		snprintf(why, size, "died: %s", strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		snprintf(why, size, "ended with status %d", WEXITSTATUS(status));
	else
		snprintf(why, size, "failed: %s", strerror(error));
}

/* 0; or an error number, with its reason in why. */
int bench_run_child(const struct bench_case *c, const struct bench_series *s, struct bench_run *r,
		    char *why, size_t size)
{
	struct bench_run found = {.error = EIO};
	int in, status = 0;
	pid_t pid = start_child(c, s, r->n, &in);

	if (pid < 0) {
		snprintf(why, size, "no process for it: %s", strerror(errno));
		return errno;
	}
	if (read_whole(in, &found, sizeof found) != sizeof found)
		found.error = EIO;
	close(in);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status == 0 && found.error == 0) {
		*r = found;
		return 0;
	}
	say_why(status, found.error, why, size);
	return found.error != 0 ? found.error : EIO;
}
