/*
 * Plots: for each case CASE.dat (what is drawn), CASE.gp (how) and CASE.svg,
 * which gnuplot makes of them. The scale is logarithmic, since peers differ by
 * factors of hundreds.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static void become_gnuplot(const char *dir, const char *arg)
{
	int null = open("/dev/null", O_RDWR);

	if (null < 0 || dup2(null, STDOUT_FILENO) < 0 || chdir(dir) != 0)
		_exit(126);
	execlp("gnuplot", "gnuplot", arg, (char *)NULL);
	_exit(127);
}

/* gnuplot's status; 127 when there is none. */
static int run_gnuplot(const char *dir, const char *arg)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become_gnuplot(dir, arg);
	if (pid < 0)
		return 126;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 126;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 126;
}

/* Before a minute is spent on measuring: can the plots be made at all? */
int plot_prepare(const char *dir)
{
	if (mkdir(dir, 0777) != 0 && errno != EEXIST) {
		fprintf(stderr, "weft bench: cannot make %s: %s\n", dir, strerror(errno));
		return -1;
	}
	if (access(dir, W_OK | X_OK) != 0) {
		fprintf(stderr, "weft bench: cannot write into %s: %s\n", dir, strerror(errno));
		return -1;
	}
	if (run_gnuplot(dir, "--version") != 0) {
		fprintf(stderr, "weft bench: --plot needs gnuplot, and it could not be run\n");
		return -1;
	}
	return 0;
}

static FILE *create(const char *dir, const char *name, const char *suffix)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s.%s", dir, name, suffix);
	f = fopen(path, "we");
	if (f == NULL)
		fprintf(stderr, "weft bench: cannot write %s: %s\n", path, strerror(errno));
	return f;
}

static int finish(FILE *f, const char *name)
{
	bool bad = ferror(f) != 0;

	if (fclose(f) == 0 && !bad)
		return 0;
	fprintf(stderr, "weft bench: writing the plot of %s failed\n", name);
	return -1;
}

/* name, median, least, greatest, and 0 for Weft's or 1 for a peer's. */
static int write_data(const char *dir, const struct bench_case *c, const struct bench_result *all,
		      size_t n)
{
	FILE *f = create(dir, c->name, "dat");

	if (f == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (all[i].c == c && all[i].absent == NULL)
			fprintf(f, "\"%s\" %.6g %.6g %.6g %d\n", all[i].s->name, all[i].raw.median,
				all[i].raw.min, all[i].raw.max, all[i].s->peer);
	return finish(f, c->name);
}

/* Where the bars stand: a logarithmic scale has no 0. */
static double floor_of(const struct bench_case *c, const struct bench_result *all, size_t n)
{
	double least = 0;

	for (size_t i = 0; i < n; i++)
		if (all[i].c == c && all[i].absent == NULL &&
		    (least <= 0 || all[i].raw.min < least))
			least = all[i].raw.min;
	return least > 0 ? least / 4 : 0.1;
}

static int write_script(const char *dir, const struct bench_case *c, double floor)
{
	FILE *f = create(dir, c->name, "gp");

	if (f == NULL)
		return -1;
	fprintf(f,
		"set terminal svg size 760,420 background rgb 'white' font 'sans,12'\n"
		"set output '%s.svg'\n"
		"set title \"%s: %s %s, median, least and greatest\" noenhanced\n"
		"set logscale y\n"
		"set yrange [%.3g:*]\n"
		"set grid ytics\n"
		"set style fill solid 0.9 noborder\n"
		"set boxwidth 0.6\n"
		"set xtics rotate by -25 noenhanced\n"
		"set rmargin 8\n"
		"unset key\n"
		"colour(peer) = peer == 0 ? 0x1f77b4 : 0x9aa5b1\n"
		"label(v) = v < 100 ? sprintf('%%.3g', v) : sprintf('%%.0f', v)\n"
		"plot '%s.dat' using 0:2:(colour($5)):xtic(1) with boxes lc rgb variable, \\\n"
		"     '' using 0:2:3:4 with yerrorbars lc rgb 'black' ps 0, \\\n"
		"     '' using 0:4:(label($2)) with labels offset 0,0.8\n",
		c->name, c->name, c->unit, c->each, floor, c->name);
	return finish(f, c->name);
}

static int plot_case(const char *dir, const struct bench_case *c, const struct bench_result *all,
		     size_t n)
{
	char script[64];

	if (write_data(dir, c, all, n) != 0 || write_script(dir, c, floor_of(c, all, n)) != 0)
		return -1;
	snprintf(script, sizeof script, "%s.gp", c->name);
	if (run_gnuplot(dir, script) == 0)
		return 0;
	fprintf(stderr, "weft bench: gnuplot failed on %s/%s\n", dir, script);
	return -1;
}

static bool was_measured(const struct bench_case *c, const struct bench_result *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (all[i].c == c && all[i].absent == NULL)
			return true;
	return false;
}

int plot_all(const char *dir, const struct bench_result *all, size_t n)
{
	int err = 0;

	for (const struct bench_case *const *c = bench_cases; *c != NULL; c++)
		if (was_measured(*c, all, n) && plot_case(dir, *c, all, n) != 0)
			err = -1;
	return err;
}
