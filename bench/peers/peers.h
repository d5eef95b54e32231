/*
 * What Weft is compared with: each a way to hand the processor from one flow
 * of control to another and back, counted once a hand-over, or to start one.
 */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include "../bench.h"
#include "../bodies.h"

/* Weft's own portable layer, compiled apart because a file has one layer. */
int ctx_portable(struct bench_run *);

int peer_swapcontext(struct bench_run *);
const char *peer_libc_version(void);

int peer_boost(struct bench_run *);
const char *peer_boost_absent(void);
const char *peer_boost_version(void);

int peer_pth_switch(struct bench_run *);
int peer_pth_yield(struct bench_run *);
const char *peer_pth_absent(void);
const char *peer_pth_version(void);

int peer_futex(struct bench_run *);
int peer_cond(struct bench_run *);
int peer_pipe(struct bench_run *);
int peer_thread_join(struct bench_run *);
const char *peer_kernel_version(void);

int peer_futex_wake(struct bench_run *);

/* A pool whose jobs are all tally_add of bench/crew.h; finish runs what is left, and ends it. */
struct peer_pool {
	void *(*make)(unsigned workers);
	int (*submit)(void *pool);
	int (*finish)(void *pool);
};

extern const struct peer_pool peer_pool_threads, peer_pool_glib;
const char *peer_glib_absent(void);
const char *peer_glib_version(void);

void peer_openmp_axpy(const struct loop_data *);
void peer_openmp_hash(const struct loop_data *);
const char *peer_openmp_absent(void);
const char *peer_openmp_version(void);

/* How many samples of latency fill a run, and the pause between them in ns. */
enum { WAKE_SAMPLES = 400, WAKE_PAUSE_NS = 100 * 1000 };

/* Busy for WAKE_PAUSE_NS: long enough for the other side to fall asleep. */
void wake_pause(void);

/* Latencies in ns to the result of a run: their median. */
void wake_result(struct bench_run *, double *ns, size_t n);

#endif
