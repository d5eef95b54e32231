/*
 * From the runs of a series to its figures, and from those to verdicts.
 *
 * Promises are made for a core of BENCH_GHZ: each run's time is scaled by the
 * multiplications measured around it, and the median of that is what a promise
 * is held against. Ratios compare medians as they were measured.
 */
#include <stdlib.h>
#include <string.h>

#include <weft/ctx.h>

#include "bench.h"

static double scale_of(const struct bench_result *res, const struct bench_run *r)
{
	if (strcmp(res->c->unit, "ns") != 0 || r->mul_ns <= 0)
		return 1;
	return BENCH_MUL_CYCLES / BENCH_GHZ / r->mul_ns;
}

static double run_value(const struct bench_run *r)
{
	return r->value;
}

static double run_insns(const struct bench_run *r)
{
	return r->insns;
}

static double run_cycles(const struct bench_run *r)
{
	return r->cycles;
}

static double run_aside(const struct bench_run *r)
{
	return r->aside;
}

static double run_cpu(const struct bench_run *r)
{
	return r->cpu;
}

static double run_mul_ns(const struct bench_run *r)
{
	return r->mul_ns;
}

static struct stats stats_by(const struct bench_result *res,
			     double (*get)(const struct bench_run *), bool scaled)
{
	double *values = calloc(res->nruns, sizeof *values);
	struct stats s = {0};

	if (values == NULL)
		return s;
	for (size_t i = 0; i < res->nruns; i++)
		values[i] = get(&res->runs[i]) * (scaled ? scale_of(res, &res->runs[i]) : 1);
	s = stats_of(values, res->nruns);
	free(values);
	return s;
}

void result_finish(struct bench_result *res)
{
	if (res->absent != NULL || res->nruns == 0)
		return;
	res->raw = stats_by(res, run_value, false);
	res->scaled = stats_by(res, run_value, true);
	res->insns = stats_by(res, run_insns, false).median;
	res->cycles = stats_by(res, run_cycles, false).median;
	res->aside = stats_by(res, run_aside, false).median;
	res->cpu = stats_by(res, run_cpu, false).median;
	res->mul_ns = stats_by(res, run_mul_ns, false).median;
}

const struct bench_result *result_find(const struct bench_result *all, size_t n,
				       const struct bench_case *c, const char *series)
{
	for (size_t i = 0; i < n; i++)
		if (all[i].c == c && strcmp(all[i].s->name, series) == 0)
			return &all[i];
	return NULL;
}

const char *result_version(const struct bench_result *res)
{
	if (res->s->program != NULL)
		return program_version(res->s);
	return res->s->version != NULL ? res->s->version() : NULL;
}

const char *result_flags(const struct bench_result *res)
{
	return res->s->program != NULL ? program_flags(res->s) : NULL;
}

static bool binds(const struct bench_series *s, const char *peer)
{
	for (const struct bench_bound *b = s->bounds; b->series != NULL; b++)
		if (strcmp(b->series, peer) == 0)
			return true;
	return false;
}

const struct bench_result *result_base(const struct bench_result *res,
				       const struct bench_result *all, size_t n)
{
	const struct bench_result *first = NULL;
	bool peers = false;

	for (size_t i = 0; i < n; i++) {
		if (all[i].c != res->c)
			continue;
		if (res->s->peer && all[i].absent == NULL && binds(all[i].s, res->s->name))
			return &all[i];
		peers |= all[i].s->peer;
		if (first == NULL && !all[i].s->peer && all[i].absent == NULL)
			first = &all[i];
	}
	return peers ? first : NULL;
}

/* Times of tasks are promised for the context layer in assembly: the portable one is slower by
 * itself. */
bool result_has_promise(const struct bench_result *res)
{
	if (res->absent != NULL || res->s->promise <= 0)
		return false;
	return strcmp(res->c->unit, "ns") != 0 || strcmp(weft_ctx_backend(), "amd64") == 0;
}

bool result_keeps(const struct bench_result *res)
{
	return res->scaled.median <= res->s->promise;
}

struct bench_verdict result_bound(const struct bench_result *res, const struct bench_bound *b,
				  const struct bench_result *all, size_t n)
{
	struct bench_verdict v = {.at_most = b->ratio};
	const struct bench_result *other = result_find(all, n, res->c, b->series);

	if (res->absent != NULL || other == NULL || other->absent != NULL || other->raw.median <= 0)
		return v;
	v.other = other;
	v.ratio = res->raw.median / other->raw.median;
	v.keeps = v.ratio <= v.at_most;
	return v;
}

double result_mul_ns(const struct bench_result *all, size_t n)
{
	double *values = calloc(n != 0 ? n : 1, sizeof *values), median;
	size_t k = 0;

	if (values == NULL)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (all[i].absent == NULL)
			values[k++] = all[i].mul_ns;
	median = stats_of(values, k).median;
	free(values);
	return median;
}
