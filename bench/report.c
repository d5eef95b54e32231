/*
 * The tables: a block for each case, a line for each series, and under them the
 * promises that are made as ratios.
 */
#include <math.h>
#include <string.h>

#include <weft.h>
#include <weft/ctx.h>

#include "bench.h"

enum { NAME_WIDTH = 36 };

/* Three significant digits, however large. */
static int digits(double v)
{
	double size = fabs(v);

	return size < 10 ? 2 : size < 100 ? 1 : 0;
}

static void number(FILE *out, double v, bool known)
{
	if (known)
		fprintf(out, " %9.*f", digits(v), v);
	else
		fprintf(out, " %9s", "-");
}

static void print_machine(FILE *out, const struct machine *m, double mul_ns)
{
	fprintf(out, "weft %s (%s)  %s, %d CPU%s  %s  %s\n", weft_version(), weft_ctx_backend(),
		m->cpu, m->cpus, m->cpus == 1 ? "" : "s", m->kernel, m->compiler);
	if (mul_ns > 0)
		fprintf(out, "a dependent multiplication takes %.3f ns: %.2f GHz\n", mul_ns,
			BENCH_MUL_CYCLES / mul_ns);
}

static bool is_time(const struct bench_case *c)
{
	return strcmp(c->unit, "ns") == 0;
}

/* Then a peer's ratio is to the series that is bound by it. */
static bool has_bounds(const struct bench_case *c)
{
	for (size_t i = 0; i < c->nseries; i++)
		if (c->series[i].bounds[0].series != NULL)
			return true;
	return false;
}

static void print_head(FILE *out, const struct bench_case *c, const struct bench_result *base)
{
	char title[64], ratio[64] = "";

	snprintf(title, sizeof title, "%s (%s %s)", c->name, c->unit, c->each);
	if (base != NULL)
		snprintf(ratio, sizeof ratio, "/ %s", has_bounds(c) ? "Weft" : base->s->name);
	fprintf(out, "\n%-*s %9s %9s %9s", NAME_WIDTH, title, "min", "median", "spread");
	if (is_time(c))
		fprintf(out, " %9s %9s %9s %9s", "3.7 GHz", "CPU", "insns", "cycles");
	else
		fprintf(out, " %9s", "tables");
	fprintf(out, " %9s", "promise");
	if (base != NULL)
		fprintf(out, " %6s %9s", "", ratio);
	fprintf(out, "\n");
}

static void print_name(FILE *out, const struct bench_result *res)
{
	const char *version = res->s->program == NULL ? result_version(res) : NULL;
	char name[NAME_WIDTH + 1];

	if (version != NULL)
		snprintf(name, sizeof name, "  %s (%s)", res->s->name, version);
	else
		snprintf(name, sizeof name, "  %s", res->s->name);
	fprintf(out, "%-*s", NAME_WIDTH, name);
}

static void print_promise(FILE *out, const struct bench_result *res)
{
	bool made = result_has_promise(res);

	number(out, res->s->promise, made);
	if (made)
		fprintf(out, " %6s", result_keeps(res) ? "keeps" : "misses");
}

static void print_row(FILE *out, const struct bench_result *res, const struct bench_result *base)
{
	print_name(out, res);
	if (res->absent != NULL) {
		fprintf(out, "   not measured: %s\n", res->absent);
		return;
	}
	number(out, res->raw.min, true);
	number(out, res->raw.median, true);
	number(out, res->raw.max - res->raw.min, true);
	if (is_time(res->c)) {
		number(out, res->scaled.median, true);
		number(out, res->cpu, res->cpu > 0);
		number(out, res->insns, res->insns >= 0);
		number(out, res->cycles, res->cycles >= 0);
	} else {
		number(out, res->aside, true);
	}
	print_promise(out, res);
	if (base != NULL && !result_has_promise(res))
		fprintf(out, " %6s", "");
	if (base != NULL)
		number(out, res->raw.median / base->raw.median, true);
	fprintf(out, "\n");
}

static void print_bounds(FILE *out, const struct bench_result *res, const struct bench_result *all,
			 size_t n)
{
	for (const struct bench_bound *b = res->s->bounds; b->series != NULL; b++) {
		struct bench_verdict v = result_bound(res, b, all, n);

		if (v.other == NULL)
			continue;
		fprintf(out, "  %s takes %.3g of %s, at most %.3g promised: %s\n", res->s->name,
			v.ratio, b->series, v.at_most, v.keeps ? "keeps" : "misses");
	}
}

static void print_case(FILE *out, const struct bench_case *c, const struct bench_result *all,
		       size_t n)
{
	const struct bench_result *base = NULL;

	for (size_t i = 0; i < n && base == NULL; i++)
		if (all[i].c == c)
			base = result_base(&all[i], all, n);
	print_head(out, c, base);
	for (size_t i = 0; i < n; i++)
		if (all[i].c == c)
			print_row(out, &all[i], result_base(&all[i], all, n));
	for (size_t i = 0; i < n; i++)
		if (all[i].c == c)
			print_bounds(out, &all[i], all, n);
}

/* The first of those that are the same program. */
static bool is_first_of_program(const struct bench_result *all, size_t i)
{
	if (all[i].s->program == NULL || all[i].absent != NULL)
		return false;
	for (size_t k = 0; k < i; k++)
		if (all[k].s->program != NULL && all[k].absent == NULL &&
		    strcmp(all[k].s->program, all[i].s->program) == 0)
			return false;
	return true;
}

static void print_programs(FILE *out, const struct bench_result *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_first_of_program(all, i))
			fprintf(out, "peer %s: %s, built by %s\n", all[i].s->program,
				result_version(&all[i]), result_flags(&all[i]));
}

void report_table(FILE *out, const struct machine *m, const struct bench_result *all, size_t n)
{
	print_machine(out, m, result_mul_ns(all, n));
	print_programs(out, all, n);
	for (const struct bench_case *const *c = bench_cases; *c != NULL; c++)
		for (size_t i = 0; i < n; i++)
			if (all[i].c == *c) {
				print_case(out, *c, all, n);
				break;
			}
}
