/*
 * What the peers that are programs of their own have in common; C and C++.
 *
 * A program is a table of calls. It is asked with a number of operations and a
 * call's name, makes a tenth of them unmeasured and then all of them, and
 * prints what bench/peers/programs.c reads.
 */
#ifndef BENCH_PEERS_PROGRAM_H
#define BENCH_PEERS_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct peer_run {
	uint64_t n;   /* operations: about how many to make, then how many were made */
	unsigned arg; /* the call's first argument */
	unsigned threads;
	double ns, cpu, value;
	double begun, cpu_begun;
};

struct peer_call {
	const char *name;
	int (*run)(struct peer_run *); /* 0 or an error number */
	unsigned arg, threads;
};

double peer_now(void); /* CLOCK_MONOTONIC in ns */
void peer_begin(struct peer_run *);
void peer_end(struct peer_run *, uint64_t ops);

/* Let this thread, and those that it starts, use one CPU only. */
int peer_one_cpu(void);

int peer_main(int argc, char **argv, const char *version, const struct peer_call *calls, size_t n);

#ifdef __cplusplus
}
#endif

#endif
