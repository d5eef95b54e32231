/*
 * What a benchmark is made of.
 *
 * A case is one question ("what does a yield cost?") and a table of series:
 * Weft's own ways to answer it and the peers that the machine has. A series is
 * one function that makes about as many operations as it is told to. Each run
 * of a series is a process of its own, so that no run finds what another left
 * behind, and the runs of all series take turns, so that a disturbance of the
 * machine meets all of them alike.
 *
 * Cases use Weft through its public headers alone.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The clock that the promises were made for, and a multiplication's latency in its cycles. */
#define BENCH_GHZ 3.7
#define BENCH_MUL_CYCLES 3.0

/* What one run of a series is told and what it found; it crosses a pipe as it is. */
struct bench_run {
	uint64_t n;    /* operations: about how many to make, then how many were made */
	unsigned arg;  /* the series' argument */
	int error;     /* 0 or an error number */
	double ns;     /* how long the measured part took */
	double value;  /* an operation's cost in the case's unit */
	double aside;  /* page tables, bytes an operation; 0: not measured */
	double cpu;    /* processor time of the process, ns an operation; 0: not measured */
	double insns;  /* user-space instructions an operation; below 0: not known */
	double cycles; /* the same for cycles */
	double mul_ns; /* a dependent multiplication's time just before and after */
};

/* "At most this part of what that series of the case takes". */
struct bench_bound {
	const char *series;
	double ratio;
};

struct bench_series {
	const char *name;
	bool peer;  /* not Weft */
	int procs;  /* runs as the first task on as many Ps; 0: on a plain thread */
	bool fixed; /* makes the same operations whatever n says */
	bool slow;  /* takes seconds; --quick leaves it out */
	unsigned arg;
	double promise;               /* at most this, in the case's unit; 0: none */
	struct bench_bound bounds[6]; /* ends with one that has no series */
	int (*run)(struct bench_run *);
	const char *(*absent)(void);  /* why it can't run here, or NULL; may be NULL */
	const char *(*version)(void); /* of a peer; may be NULL */
	const char *program;          /* a peer that is a program of its own: which; then no run */
	const char *call;             /* what that program is asked for */
};

struct bench_case {
	const char *name;
	const char *what; /* one line for --list */
	const char *unit; /* "ns" or "B" */
	const char *each; /* what one operation is */
	const struct bench_series *series;
	size_t nseries;
};

extern const struct bench_case bench_ctx, bench_spawn, bench_fib, bench_yield, bench_wake,
	bench_memory, bench_blocking, bench_retake, bench_jobs, bench_gap, bench_loop, bench_chan,
	bench_chanbuf, bench_select, bench_mutex, bench_contend, bench_cond, bench_barrier,
	bench_sem, bench_submit, bench_empty, bench_for_memory, bench_for_compute, bench_sleepers,
	bench_lateness, bench_timers;

/* All cases in the order of --list; ends with NULL. */
extern const struct bench_case *const bench_cases[];

/* Begin and end the measured part of a run; end sets ns, value, cpu, insns, cycles and n for
 * `ops`. */
void bench_begin(struct bench_run *);
void bench_end(struct bench_run *, uint64_t ops);

/* CLOCK_MONOTONIC in ns. */
uint64_t bench_now(void);

/* Make the caller and the threads it starts use one CPU, so that handing over costs no message to
 * another. */
int bench_one_cpu(void);

/* bench/perf.c: the counters of this thread and those it starts, where the kernel gives them. */
struct perf_sample {
	double insns, cycles; /* below 0: not known */
};
void perf_open(void);
void perf_begin(void);
struct perf_sample perf_end(void);

/* bench/child.c: one run of a series in the calling process, and in a process of its own. */
int bench_run_here(const struct bench_series *, struct bench_run *);
int bench_run_child(const struct bench_case *, const struct bench_series *, struct bench_run *,
		    char *why, size_t size);
int bench_child_main(const char *case_name, const char *series_name, const char *n);

/* bench/peers/programs.c: peers that are programs of their own. */
int program_run(const struct bench_series *, struct bench_run *);
const char *program_absent(const struct bench_series *);
const char *program_version(const struct bench_series *);
const char *program_flags(const struct bench_series *);

/* bench/stats.c */
struct stats {
	size_t n;
	double min, median, max, mad;
};
struct stats stats_of(const double *values, size_t n);

/* What all runs of one series came to. */
struct bench_result {
	const struct bench_case *c;
	const struct bench_series *s;
	const char *absent; /* why there is nothing else in here, or NULL */
	struct bench_run *runs;
	size_t nruns;
	uint64_t n;          /* operations a run, once that is known */
	struct stats raw;    /* as measured */
	struct stats scaled; /* at BENCH_GHZ; the same as raw where the unit is no time */
	double aside, cpu, insns, cycles, mul_ns;
	char why[128]; /* backs absent when a run failed */
};

/* One bound of a result, looked up among the others. */
struct bench_verdict {
	const struct bench_result *other; /* NULL: that series is not there to compare with */
	double ratio, at_most;
	bool keeps;
};

/* bench/result.c: from runs to verdicts. */
void result_finish(struct bench_result *);
bool result_has_promise(const struct bench_result *);
bool result_keeps(const struct bench_result *);
struct bench_verdict result_bound(const struct bench_result *, const struct bench_bound *,
				  const struct bench_result *all, size_t n);
const struct bench_result *result_find(const struct bench_result *all, size_t n,
				       const struct bench_case *, const char *series);
const char *result_version(const struct bench_result *);
const char *result_flags(const struct bench_result *);
/* What a series' ratio is taken to: what a bound compares it with, or else the case's first; NULL
 * where there is none. */
const struct bench_result *result_base(const struct bench_result *, const struct bench_result *all,
				       size_t n);
double result_mul_ns(const struct bench_result *all, size_t n);

/* bench/machine.c: what it was measured on. */
struct machine {
	char cpu[96], kernel[160], compiler[64];
	int cpus;
};
void machine_read(struct machine *);

/* bench/report.c, bench/json.c, bench/plot.c */
void report_table(FILE *, const struct machine *, const struct bench_result *, size_t n);
void report_json(FILE *, const struct machine *, const struct bench_result *, size_t n);
int plot_prepare(const char *dir);
int plot_all(const char *dir, const struct bench_result *, size_t n);

#endif
