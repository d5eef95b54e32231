/*
 * Peers that are programs of their own, since they come in other languages or
 * bring a runtime along: weft-bench-NAME below libexec, or in the folder that
 * WEFT_BENCH_PEERS names. Asked with a number of operations and what to measure
 * they print one line, "OPERATIONS NS CPU_NS VALUE"; asked with --version, one
 * with their version and one with the command that built them.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../bench.h"

enum { PROGRAMS_MAX = 16 };

static const char *program_path(const struct bench_series *s)
{
	const char *dir = getenv("WEFT_BENCH_PEERS");
	static char path[4096];

	snprintf(path, sizeof path, "%s/weft-bench-%s", dir != NULL ? dir : PEERS_DIR, s->program);
	return path;
}

/* Dies with the run that asks: a run that takes too long is ended by a signal. */
static void become_program(const char *path, const char *n, const char *call, int out)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(127);
	execl(path, path, n, call, (char *)NULL);
	_exit(127);
}

/* Its output up to the buffer's size, ended by 0; 0 or an error number. */
static int ask(const struct bench_series *s, const char *n, const char *call, char *text,
	       size_t size)
{
	const char *path = program_path(s);
	int ends[2], status = -1;
	size_t got = 0;
	ssize_t k;
	pid_t pid;

	if (pipe(ends) != 0)
		return errno;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become_program(path, n, call, ends[1]);
	close(ends[1]);
	while (pid > 0 && got < size - 1 && (k = read(ends[0], text + got, size - 1 - got)) > 0)
		got += (size_t)k;
	text[got] = '\0';
	close(ends[0]);
	if (pid < 0)
		return EAGAIN;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status))
		return EIO;
	return WEXITSTATUS(status) == 0 ? 0 : EPROTO;
}

int program_run(const struct bench_series *s, struct bench_run *r)
{
	unsigned long long ops;
	char n[24], line[160];
	double cpu;
	int err;

	snprintf(n, sizeof n, "%llu", (unsigned long long)r->n);
	err = ask(s, n, s->call, line, sizeof line);
	if (err != 0)
		return err;
	if (sscanf(line, "%llu %lf %lf %lf", &ops, &r->ns, &cpu, &r->value) != 4 || ops == 0)
		return EPROTO;
	r->n = ops;
	r->cpu = cpu / (double)ops;
	return 0;
}

const char *program_absent(const struct bench_series *s)
{
	return access(program_path(s), X_OK) == 0 ? NULL : "its program was not built or installed";
}

struct answer {
	const char *program;
	char version[64], flags[512];
};

static void read_answer(const struct bench_series *s, struct answer *a)
{
	char text[1024], *flags;

	if (ask(s, "--version", NULL, text, sizeof text) != 0)
		text[0] = '\0';
	flags = text + strcspn(text, "\n");
	if (*flags != '\0')
		*flags++ = '\0';
	flags[strcspn(flags, "\n")] = '\0';
	snprintf(a->version, sizeof a->version, "%.*s", (int)sizeof a->version - 1, text);
	snprintf(a->flags, sizeof a->flags, "%.*s", (int)sizeof a->flags - 1, flags);
	a->program = s->program;
}

/* Each program is asked once. */
static const struct answer *answer_of(const struct bench_series *s)
{
	static struct answer answers[PROGRAMS_MAX];
	size_t i = 0;

	while (i < PROGRAMS_MAX - 1 && answers[i].program != NULL &&
	       strcmp(answers[i].program, s->program) != 0)
		i++;
	if (answers[i].program == NULL || strcmp(answers[i].program, s->program) != 0)
		read_answer(s, &answers[i]);
	return &answers[i];
}

const char *program_version(const struct bench_series *s)
{
	return program_absent(s) == NULL ? answer_of(s)->version : NULL;
}

const char *program_flags(const struct bench_series *s)
{
	return program_absent(s) == NULL ? answer_of(s)->flags : NULL;
}
