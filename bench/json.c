/*
 * One line of JSON for the machine and one for each series: to be kept, and
 * compared with what another commit or another machine gives.
 */
#include <string.h>

#include <weft.h>
#include <weft/ctx.h>

#include "bench.h"

static void string(FILE *out, const char *s)
{
	putc('"', out);
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20)
			fprintf(out, "\\u%04x", c);
		else
			putc(c, out);
	}
	putc('"', out);
}

static void member(FILE *out, const char *key, const char *value)
{
	fprintf(out, ",\"%s\":", key);
	if (value != NULL)
		string(out, value);
	else
		fprintf(out, "null");
}

static void member_number(FILE *out, const char *key, double value, bool known)
{
	fprintf(out, ",\"%s\":", key);
	if (known)
		fprintf(out, "%.6g", value);
	else
		fprintf(out, "null");
}

static void member_stats(FILE *out, const char *key, const struct stats *s)
{
	fprintf(out, ",\"%s\":{\"min\":%.6g,\"median\":%.6g,\"max\":%.6g,\"mad\":%.6g}", key,
		s->min, s->median, s->max, s->mad);
}

static void machine_line(FILE *out, const struct machine *m, double mul_ns)
{
	fprintf(out, "{\"name\":\"machine\"");
	member(out, "weft", weft_version());
	member(out, "backend", weft_ctx_backend());
	member(out, "cpu", m->cpu);
	fprintf(out, ",\"cpus\":%d", m->cpus);
	member(out, "kernel", m->kernel);
	member(out, "compiler", m->compiler);
	member_number(out, "multiplication_ns", mul_ns, mul_ns > 0);
	member_number(out, "ghz", BENCH_MUL_CYCLES / mul_ns, mul_ns > 0);
	member_number(out, "scaled_to_ghz", BENCH_GHZ, true);
	fprintf(out, "}\n");
}

static const struct bench_bound *bound_on(const struct bench_result *res, const char *series)
{
	for (const struct bench_bound *b = res->s->bounds; b->series != NULL; b++)
		if (strcmp(b->series, series) == 0)
			return b;
	return NULL;
}

/* ratio: this series' median over the peer's. */
static void peer(FILE *out, const struct bench_result *res, const struct bench_result *other)
{
	const struct bench_bound *b = bound_on(res, other->s->name);
	double ratio = res->raw.median / other->raw.median;

	fprintf(out, "{\"name\":");
	string(out, other->s->name);
	member(out, "version", result_version(other));
	member(out, "flags", result_flags(other));
	member_number(out, "median", other->raw.median, true);
	member_number(out, "ratio", ratio, true);
	if (b != NULL) {
		member_number(out, "promise", b->ratio, true);
		fprintf(out, ",\"keeps\":%s", ratio <= b->ratio ? "true" : "false");
	}
	fprintf(out, "}");
}

static void peers(FILE *out, const struct bench_result *res, const struct bench_result *all,
		  size_t n)
{
	const char *comma = "";

	fprintf(out, ",\"peers\":[");
	for (size_t i = 0; i < n; i++) {
		if (all[i].c != res->c || !all[i].s->peer || all[i].absent != NULL)
			continue;
		fprintf(out, "%s", comma);
		peer(out, res, &all[i]);
		comma = ",";
	}
	fprintf(out, "]");
}

static void figures(FILE *out, const struct bench_result *res)
{
	fprintf(out, ",\"runs\":%zu,\"operations\":%llu", res->nruns, (unsigned long long)res->n);
	member_number(out, "min", res->raw.min, true);
	member_number(out, "median", res->raw.median, true);
	member_number(out, "max", res->raw.max, true);
	member_number(out, "mad", res->raw.mad, true);
	member_stats(out, "scaled", &res->scaled);
	member_number(out, "cpu", res->cpu, res->cpu > 0);
	member_number(out, "instructions", res->insns, res->insns >= 0);
	member_number(out, "cycles", res->cycles, res->cycles >= 0);
	if (strcmp(res->c->unit, "ns") != 0)
		member_number(out, "page_tables", res->aside, true);
	member_number(out, "promise", res->s->promise, result_has_promise(res));
	fprintf(out, ",\"keeps\":%s",
		!result_has_promise(res) ? "null"
		: result_keeps(res)      ? "true"
					 : "false");
}

static void series_line(FILE *out, const struct bench_result *res, const struct bench_result *all,
			size_t n)
{
	char name[96];

	snprintf(name, sizeof name, "%s/%s", res->c->name, res->s->name);
	fprintf(out, "{\"name\":");
	string(out, name);
	member(out, "unit", res->c->unit);
	fprintf(out, ",\"peer\":%s", res->s->peer ? "true" : "false");
	member(out, "version", result_version(res));
	member(out, "flags", result_flags(res));
	if (res->absent != NULL) {
		member(out, "absent", res->absent);
	} else {
		figures(out, res);
		if (!res->s->peer)
			peers(out, res, all, n);
	}
	fprintf(out, "}\n");
}

void report_json(FILE *out, const struct machine *m, const struct bench_result *all, size_t n)
{
	machine_line(out, m, result_mul_ns(all, n));
	for (size_t i = 0; i < n; i++)
		series_line(out, &all[i], all, n);
}
