/*
 * A forked child: its words come through a pipe, its end through waitpid.
 */
#include "child.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "debug/info.h"

static size_t read_all(int fd, char *text, size_t size)
{
	size_t at = 0;
	ssize_t n;
	char rest[512];

	while (at < size - 1 && (n = read(fd, text + at, size - 1 - at)) > 0)
		at += (size_t)n;
	while (read(fd, rest, sizeof rest) > 0)
		;
	text[at] = 0;
	return at;
}

void child_run(struct child *child, void (*fn)(void *), void *arg)
{
	int ends[2];
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	fflush(NULL);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		fn(arg);
		fflush(NULL);
		_exit(0);
	}
	close(ends[1]);
	read_all(ends[0], child->said, sizeof child->said);
	close(ends[0]);
	ck_assert_int_eq(waitpid(pid, &child->status, 0), pid);
}

void child_passes(void (*fn)(void *), void *arg)
{
	struct child child;

	child_run(&child, fn, arg);
	ck_assert_msg(child.status == 0, "the child ended with %#x and said: %s",
		      (unsigned)child.status, child.said);
}

unsigned occurrences(const char *text, const char *word)
{
	unsigned n = 0;

	for (text = strstr(text, word); text; text = strstr(text + 1, word))
		n++;
	return n;
}

void need_failed(const char *file, int line, const char *condition)
{
	dprintf(STDERR_FILENO, "%s:%d: does not hold: %s\n", file, line, condition);
	_exit(1);
}

unsigned thread_count(void)
{
	DIR *tasks = opendir("/proc/self/task");
	unsigned n = 0;

	if (!tasks)
		return 0;
	for (struct dirent *e = readdir(tasks); e; e = readdir(tasks))
		n += e->d_name[0] != '.';
	closedir(tasks);
	return n;
}

/* A thread that was joined stands in /proc for a moment more. */
bool alone(void)
{
	enum { TRIES = 10000 };

	if (SANITIZED) /* those have threads of their own */
		return true;
	for (int i = 0; i < TRIES && thread_count() != 1; i++)
		usleep(1000);
	return thread_count() == 1;
}

size_t mapped_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	size_t pages = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%zu", &pages) != 1)
		pages = 0;
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

bool info_has(const char *text)
{
	char said[SAID];
	int fd = memfd_create("info", MFD_CLOEXEC);
	bool has;

	if (fd < 0 || weft_info(fd, WEFT_INFO_BOOT) || lseek(fd, 0, SEEK_SET))
		return false;
	read_all(fd, said, sizeof said);
	close(fd);
	has = strstr(said, text);
	return has;
}
