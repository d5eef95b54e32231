/*
 * Crews: so many tasks, or threads, that begin together and are waited for.
 *
 * The clock starts when all of them exist, so that making them costs the
 * measured part nothing, and stops when the last has been joined.
 */
#ifndef BENCH_CREW_H
#define BENCH_CREW_H

#include "bench.h"

/* Run fn(arg, which) in n tasks or in n threads; ends the run for `ops` operations. */
typedef void crew_fn(void *arg, unsigned which);
int crew_of_tasks(struct bench_run *, uint64_t ops, unsigned n, crew_fn *, void *arg);
int crew_of_threads(struct bench_run *, uint64_t ops, unsigned n, crew_fn *, void *arg);

/*
 * A count that any number of threads add to without sharing a line: what jobs do that
 * would otherwise do nothing. The sum is exact once whoever counts is waited for.
 */
void tally_add(void);
uint64_t tally_sum(void);

#endif
