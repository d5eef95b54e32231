/*
 * weft bench: the runs of all series that were asked for, in turns, then what
 * they came to. A disturbance of the machine so meets all of them alike, and
 * what is compared was measured within the same seconds.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "command.h"

enum { RUNS_DEFAULT = 9, RUNS_MAX = 1000 };

struct plan {
	size_t runs;
	bool quick;
	const char *json, *plot;
	FILE *json_file;
	char **words; /* the cases by name; nwords 0: all */
	size_t nwords;
	struct bench_result *results;
	size_t nresults;
};

static int list(void)
{
	for (const struct bench_case *const *c = bench_cases; *c != NULL; c++)
		printf("%-11s %s\n", (*c)->name, (*c)->what);
	return 0;
}

static bool is_case(const char *word)
{
	for (const struct bench_case *const *c = bench_cases; *c != NULL; c++)
		if (strcmp(word, (*c)->name) == 0)
			return true;
	return false;
}

static bool is_chosen(const struct plan *p, const struct bench_case *c)
{
	for (size_t i = 0; i < p->nwords; i++)
		if (strcmp(p->words[i], c->name) == 0)
			return true;
	return p->nwords == 0;
}

/* 0; or 2, with the reason said. */
static int check_cases(const struct plan *p)
{
	for (size_t i = 0; i < p->nwords; i++)
		if (!is_case(p->words[i])) {
			fprintf(stderr, "weft bench: no case '%s' (--list shows them)\n",
				p->words[i]);
			return 2;
		}
	return 0;
}

static int read_runs(const char *word, size_t *runs)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(word, &end, 10);
	if (errno != 0 || end == word || *end != '\0' || n < 1 || n > RUNS_MAX) {
		fprintf(stderr, "weft bench: --runs takes 1 to %d, not '%s'\n", RUNS_MAX, word);
		return 2;
	}
	*runs = (size_t)n;
	return 0;
}

/* Files first: a minute of measuring is not to end in "permission denied". */
static int open_outputs(struct plan *p)
{
	if (p->plot != NULL && plot_prepare(p->plot) != 0)
		return 1;
	if (p->json == NULL)
		return 0;
	p->json_file = strcmp(p->json, "-") == 0 ? stdout : fopen(p->json, "we");
	if (p->json_file != NULL)
		return 0;
	fprintf(stderr, "weft bench: cannot write %s: %s\n", p->json, strerror(errno));
	return 1;
}

static int add_series(struct plan *p, const struct bench_case *c, const struct bench_series *s)
{
	struct bench_result *res = &p->results[p->nresults++];

	memset(res, 0, sizeof *res);
	res->c = c;
	res->s = s;
	if (p->quick && s->slow)
		res->absent = "left out by --quick";
	else if (s->program != NULL)
		res->absent = program_absent(s);
	else
		res->absent = s->absent != NULL ? s->absent() : NULL;
	res->runs = calloc(p->runs, sizeof *res->runs);
	return res->runs != NULL ? 0 : -1;
}

static int choose_series(struct plan *p)
{
	size_t n = 0;

	for (const struct bench_case *const *c = bench_cases; *c != NULL; c++)
		n += (*c)->nseries;
	p->results = calloc(n, sizeof *p->results);
	if (p->results == NULL)
		return -1;
	for (const struct bench_case *const *c = bench_cases; *c != NULL; c++)
		for (size_t i = 0; is_chosen(p, *c) && i < (*c)->nseries; i++)
			if (add_series(p, *c, &(*c)->series[i]) != 0)
				return -1;
	return 0;
}

static void progress(size_t run, size_t runs, const struct bench_result *res)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\rrun %zu of %zu: %s, %s\033[K", run + 1, runs, res->c->name,
			res->s->name);
}

static void progress_end(void)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
}

/* A series that failed once is not tried again: the table tells why. */
static void run_once(struct bench_result *res)
{
	struct bench_run *r = &res->runs[res->nruns];

	r->n = res->n;
	if (bench_run_child(res->c, res->s, r, res->why, sizeof res->why) != 0) {
		res->absent = res->why;
		return;
	}
	res->nruns++;
	res->n = r->n;
}

static void run_all(struct plan *p)
{
	for (size_t run = 0; run < p->runs; run++)
		for (size_t i = 0; i < p->nresults; i++)
			if (p->results[i].absent == NULL) {
				progress(run, p->runs, &p->results[i]);
				run_once(&p->results[i]);
			}
	progress_end();
	for (size_t i = 0; i < p->nresults; i++)
		result_finish(&p->results[i]);
}

static int any_failed(const struct plan *p)
{
	for (size_t i = 0; i < p->nresults; i++)
		if (p->results[i].absent == p->results[i].why)
			return 1;
	return 0;
}

static int write_json(struct plan *p, const struct machine *m)
{
	bool bad;

	if (p->json_file == NULL)
		return 0;
	report_json(p->json_file, m, p->results, p->nresults);
	bad = ferror(p->json_file) != 0;
	if (p->json_file != stdout && fclose(p->json_file) != 0)
		bad = true;
	if (bad)
		fprintf(stderr, "weft bench: writing %s failed\n", p->json);
	return bad;
}

/* The table goes to stderr where stdout is for the JSON. */
static int tell(struct plan *p)
{
	FILE *out = p->json_file == stdout ? stderr : stdout;
	int failed = any_failed(p);
	struct machine m;

	machine_read(&m);
	report_table(out, &m, p->results, p->nresults);
	failed |= write_json(p, &m);
	if (p->plot != NULL && plot_all(p->plot, p->results, p->nresults) != 0)
		failed = 1;
	return failed;
}

static int carry_out(struct plan *p)
{
	int status = check_cases(p);

	if (status == 0)
		status = open_outputs(p);
	if (status != 0)
		return status;
	if (choose_series(p) != 0) {
		fprintf(stderr, "weft bench: out of memory\n");
		return 1;
	}
	run_all(p);
	return tell(p);
}

static void release(struct plan *p)
{
	for (size_t i = 0; i < p->nresults; i++)
		free(p->results[i].runs);
	free(p->results);
}

static const struct option options[] = {
	{"json", required_argument, NULL, 'j'}, {"plot", required_argument, NULL, 'p'},
	{"runs", required_argument, NULL, 'n'}, {"list", no_argument, NULL, 'l'},
	{"quick", no_argument, NULL, 'q'},      {NULL, 0, NULL, 0},
};

/* 0, with the plan filled and the case names left in argv from optind on; or a status; -1: --list.
 */
static int read_options(int argc, char **argv, struct plan *p)
{
	int option, status = 0;

	opterr = 0;
	while (status == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'j')
			p->json = optarg;
		else if (option == 'p')
			p->plot = optarg;
		else if (option == 'n')
			status = read_runs(optarg, &p->runs);
		else if (option == 'q')
			p->quick = true;
		else if (option == 'l')
			return -1;
		else
			status = command_misused();
	}
	p->words = argv + optind;
	p->nwords = (size_t)(argc - optind);
	return status;
}

int command_bench(int argc, char **argv)
{
	struct plan p = {.runs = RUNS_DEFAULT};
	int status;

	if (argc == 5 && strcmp(argv[1], "--child") == 0)
		return bench_child_main(argv[2], argv[3], argv[4]);
	status = read_options(argc, argv, &p);
	if (status < 0)
		return list();
	if (status == 0)
		status = carry_out(&p);
	release(&p);
	return status;
}
