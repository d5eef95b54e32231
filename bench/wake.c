/*
 * How long until a sleeping worker runs what another thread hands it?
 *
 * A thread outside the runtime starts a task while every worker sleeps, and
 * the task reads the clock as it begins; beside it, a thread that sleeps on a
 * futex and reads the clock when it wakes. Both are given the same time to fall
 * asleep, and the waker stays awake in it. Most of what is measured is the
 * kernel's and the machine's: only the ratio says something of Weft.
 */
#include <errno.h>
#include <stdatomic.h>

#include <weft.h>

#include "bench.h"
#include "peers/peers.h"

static _Atomic uint64_t began;

void wake_pause(void)
{
	uint64_t until = bench_now() + WAKE_PAUSE_NS;

	while (bench_now() < until)
		;
}

void wake_result(struct bench_run *r, double *ns, size_t n)
{
	r->n = n;
	r->value = stats_of(ns, n).median;
	r->ns = r->value * (double)n;
}

static void task(void *arg)
{
	(void)arg;
	atomic_store(&began, bench_now());
}

static int wake_once(double *ns)
{
	uint64_t from, at;
	int err;

	wake_pause();
	atomic_store(&began, 0);
	from = bench_now();
	err = weft_go(task, NULL);
	if (err != 0)
		return err;
	while ((at = atomic_load(&began)) == 0)
		;
	*ns = (double)(at - from);
	return 0;
}

/* On a plain thread: it boots the runtime and stays outside of it. */
static int wake_worker(struct bench_run *r)
{
	weft_config_t config = {.procs = r->arg};
	double ns[WAKE_SAMPLES];
	int err = weft_configure(&config);

	if (err == 0)
		err = weft_init();
	for (size_t i = 0; i < WAKE_SAMPLES && err == 0; i++)
		err = wake_once(&ns[i]);
	if (err == 0)
		wake_result(r, ns, WAKE_SAMPLES);
	return err;
}

static const struct bench_series series[] = {
	{.name = "1 P", .fixed = true, .arg = 1, .bounds = {{"futex", 1.2}}, .run = wake_worker},
	{.name = "2 Ps", .fixed = true, .arg = 2, .bounds = {{"futex", 1.2}}, .run = wake_worker},
	{.name = "futex",
	 .peer = true,
	 .fixed = true,
	 .run = peer_futex_wake,
	 .version = peer_kernel_version},
};

const struct bench_case bench_wake = {
	.name = "wake",
	.what = "from weft_go on another thread to the task's begin on a worker that slept",
	.unit = "ns",
	.each = "a wake-up",
	.series = series,
	.nseries = sizeof series / sizeof *series,
};
