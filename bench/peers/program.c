#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "program.h"

static double read_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

double peer_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void peer_begin(struct peer_run *r)
{
	r->cpu_begun = read_clock(CLOCK_PROCESS_CPUTIME_ID);
	r->begun = peer_now();
}

void peer_end(struct peer_run *r, uint64_t ops)
{
	r->ns = peer_now() - r->begun;
	r->cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID) - r->cpu_begun;
	r->value = r->ns / (double)ops;
	r->n = ops;
}

int peer_one_cpu(void)
{
	int cpu = sched_getcpu();
	cpu_set_t set;

	if (cpu < 0)
		return errno;
	CPU_ZERO(&set);
	CPU_SET((unsigned)cpu, &set);
	return sched_setaffinity(0, sizeof set, &set) != 0 ? errno : 0;
}

static int carry_out(const struct peer_call *call, uint64_t n)
{
	struct peer_run r = {.n = n / 10 + 1, .arg = call->arg, .threads = call->threads};
	int err = call->run(&r);

	if (err == 0) {
		r.n = n;
		err = call->run(&r);
	}
	if (err != 0) {
		fprintf(stderr, "%s: %s\n", call->name, strerror(err));
		return 1;
	}
	printf("%llu %.17g %.17g %.17g\n", (unsigned long long)r.n, r.ns, r.cpu, r.value);
	return 0;
}

/* _Exit: what a library does at the end of its program is not asked for. */
int peer_main(int argc, char **argv, const char *version, const struct peer_call *calls, size_t n)
{
	int status = 2;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("%s\n%s\n", version, PEER_FLAGS);
		return 0;
	}
	for (size_t i = 0; i < n && argc == 3; i++)
		if (strcmp(calls[i].name, argv[2]) == 0)
			status = carry_out(&calls[i], strtoull(argv[1], NULL, 10));
	if (status == 2)
		fprintf(stderr, "%s: asked by weft bench: N CALL, or --version\n", argv[0]);
	fflush(stdout);
	_Exit(status);
}
