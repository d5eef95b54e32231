/* The cases in the order in which they are listed and shown. */
#include "bench.h"

const struct bench_case *const bench_cases[] = {
	&bench_ctx,        &bench_spawn,       &bench_fib,
	&bench_yield,      &bench_wake,        &bench_memory,
	&bench_blocking,   &bench_retake,      &bench_jobs,
	&bench_gap,        &bench_loop,        &bench_chan,
	&bench_chanbuf,    &bench_select,      &bench_mutex,
	&bench_contend,    &bench_cond,        &bench_barrier,
	&bench_sem,        &bench_submit,      &bench_empty,
	&bench_for_memory, &bench_for_compute, &bench_sleepers,
	&bench_lateness,   &bench_timers,      NULL,
};
