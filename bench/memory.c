/*
 * How much memory does a task take that waits to run, and one that has run and
 * waits for another?
 *
 * What the process has resident is read before and after, and divided. The page
 * tables that it takes to map the stacks are read too and shown apart: they
 * depend on how far apart the stacks lie.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weft.h>

#include "bench.h"

enum { QUEUED = 1000000, PARKED = 100000 };

struct usage {
	double resident, tables; /* bytes */
};

/* A line "NAME: 123 kB" of a file of /proc, in bytes. */
static double read_field(const char *path, const char *name)
{
	char line[256];
	double kb = -1;
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return -1;
	while (kb < 0 && fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			kb = strtod(line + strlen(name), NULL);
	fclose(f);
	return kb * 1024;
}

static struct usage usage_now(void)
{
	return (struct usage){
		.resident = read_field("/proc/self/smaps_rollup", "Rss:"),
		.tables = read_field("/proc/self/status", "VmPTE:"),
	};
}

static int set_result(struct bench_run *r, struct usage before, unsigned n)
{
	struct usage after = usage_now();

	if (before.resident < 0 || after.resident < 0)
		return ENOENT;
	r->n = n;
	r->value = (after.resident - before.resident) / n;
	r->aside = (after.tables - before.tables) / n;
	return 0;
}

static void nothing(void *arg)
{
	(void)arg;
}

/* One P, and the creator does not let go of it: none of them runs. */
static int queued(struct bench_run *r)
{
	struct usage before = usage_now();
	int err = 0;

	for (int i = 0; i < QUEUED && err == 0; i++)
		err = weft_go(nothing, NULL);
	return err != 0 ? err : set_result(r, before, QUEUED);
}

static unsigned started;

static void *join_it(void *task)
{
	started++;
	weft_join(*(weft_t *)task, NULL);
	return NULL;
}

/* A chain: the first one waits for the caller, each other for the one before. */
static int make_chain(weft_t *tasks, size_t n)
{
	tasks[0] = weft_self();
	for (size_t i = 0; i < n; i++) {
		int err = weft_create(&tasks[i + 1], NULL, join_it, &tasks[i]);

		if (err != 0)
			return err;
	}
	return 0;
}

static int parked(struct bench_run *r)
{
	weft_t *tasks = calloc(PARKED + 1, sizeof *tasks);
	struct usage before;
	int err;

	if (tasks == NULL)
		return ENOMEM;
	memset(tasks, 1, (PARKED + 1) * sizeof *tasks); /* resident before they are filled */
	before = usage_now();
	err = make_chain(tasks, PARKED);
	while (err == 0 && started < PARKED)
		weft_yield();
	if (err == 0)
		weft_yield();
	return err != 0 ? err : set_result(r, before, PARKED);
}

static const struct bench_series series[] = {
	{.name = "queued", .procs = 1, .fixed = true, .promise = 128, .run = queued},
	{.name = "parked", .procs = 1, .fixed = true, .promise = 4.5 * 1024, .run = parked},
};

const struct bench_case bench_memory = {
	.name = "memory",
	.what = "resident bytes of a queued task, and of a parked one with its stack",
	.unit = "B",
	.each = "a task",
	.series = series,
	.nseries = sizeof series / sizeof *series,
};
