/*
 * What do sleeping and timers cost?
 *
 * `sleepers`: so many tasks sleep at once, until deadlines of their own that begin after the
 * last has fallen asleep; for each the time until all slept and from the last deadline until
 * all were awake, or the processor time of all, beside touching as many pages, and making and
 * touching as many stacks with guards.
 * `lateness`: of the same, how long after its deadline the latest woke. `timers`: one is
 * armed and stopped, alone and among 10,000 that are armed. Timers that fire are not measured.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <weft.h>

#include "bench.h"
#include "peers/peers.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

static struct timespec at(uint64_t ns)
{
	return (struct timespec){(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
}

static uint64_t cpu_now(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000 +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

/* --- sleepers, lateness -------------------------------------------------------------- */

/* Falling asleep takes less than the first by far; deadlines are the second apart. */
enum { ASLEEP_NS = 2000, APART_NS = 1000 };

struct sleeper {
	uint64_t until, woke;
};

/* `first` is the earliest deadline, 0 until the first of them goes to sleep. */
static struct {
	struct sleeper *sleepers;
	uint64_t n;
	weft_barrier_t gate;
	weft_sem_t done;
	_Atomic uint64_t first, asleep, awake, last_asleep;
	uint64_t time, cpu, lateness; /* what came of it */
} night;

static uint64_t first_deadline(void)
{
	uint64_t none = 0, first = bench_now() + night.n * ASLEEP_NS;

	return atomic_compare_exchange_strong(&night.first, &none, first) ? first : none;
}

/* They meet before they sleep, so that none sleeps for as long as starting all takes. */
static void sleeps(void *arg)
{
	struct sleeper *s = arg;
	struct timespec until;

	weft_barrier_wait(&night.gate);
	s->until = first_deadline() + (uint64_t)(s - night.sleepers) * APART_NS;
	until = at(s->until);
	if (atomic_fetch_add(&night.asleep, 1) + 1 == night.n)
		night.last_asleep = bench_now();
	weft_clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	s->woke = bench_now();
	if (atomic_fetch_add(&night.awake, 1) + 1 == night.n)
		weft_sem_post(&night.done);
}

static int prepare_night(uint64_t n)
{
	night.n = n;
	night.sleepers = calloc(n, sizeof *night.sleepers);
	if (night.sleepers == NULL)
		return ENOMEM;
	if (weft_sem_init(&night.done, 0, 0) != 0)
		return errno;
	return weft_barrier_init(&night.gate, NULL, (unsigned)n);
}

static int start_sleepers(void)
{
	int err = 0;

	for (uint64_t i = 0; i < night.n && err == 0; i++)
		err = weft_go(sleeps, &night.sleepers[i]);
	return err;
}

/* EPROTO: one woke too early. ETIMEDOUT: they were not all asleep at once. */
static int judge_night(uint64_t begin)
{
	uint64_t last_woke = 0;

	for (uint64_t i = 0; i < night.n; i++) {
		struct sleeper *s = &night.sleepers[i];

		if (s->woke < s->until)
			return EPROTO;
		if (s->woke - s->until > night.lateness)
			night.lateness = s->woke - s->until;
		if (s->woke > last_woke)
			last_woke = s->woke;
	}
	night.time = night.last_asleep - begin + last_woke - night.sleepers[night.n - 1].until;
	return night.last_asleep < night.first ? 0 : ETIMEDOUT;
}

static int sleep_all(uint64_t n)
{
	int err = prepare_night(n);
	uint64_t begin = bench_now(), cpu = cpu_now();

	if (err == 0)
		err = start_sleepers();
	if (err == 0 && weft_sem_wait(&night.done) != 0)
		err = errno;
	night.cpu = cpu_now() - cpu;
	return err != 0 ? err : judge_night(begin);
}

static void set_each(struct bench_run *r, uint64_t ns)
{
	r->n = r->arg;
	r->ns = (double)ns;
	r->value = r->ns / r->arg;
}

static int sleepers_time(struct bench_run *r)
{
	int err = sleep_all(r->arg);

	set_each(r, night.time);
	return err;
}

static int sleepers_cpu(struct bench_run *r)
{
	int err = sleep_all(r->arg);

	set_each(r, night.cpu);
	return err;
}

static int sleepers_lateness(struct bench_run *r)
{
	int err = sleep_all(r->arg);

	r->n = 1;
	r->ns = r->value = (double)night.lateness;
	return err;
}

/* As far apart as stacks are, so that the kernel has as many page tables to make. */
static int touch_pages(struct bench_run *r)
{
	enum { APART = 256 * 1024 };
	size_t size = (size_t)r->arg * APART;
	char *pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t cpu;

	if (pages == MAP_FAILED)
		return errno;
	if (madvise(pages, size, MADV_NOHUGEPAGE) != 0 && errno != EINVAL)
		return errno;
	cpu = cpu_now();
	for (size_t i = 0; i < r->arg; i++)
		*(volatile char *)&pages[i * APART] = 1;
	set_each(r, cpu_now() - cpu);
	return munmap(pages, size) != 0 ? errno : 0;
}

/* The same as the tops of stacks, with guards of 64 KiB below them: of many, as cheaply as the
 * kernel makes them. */
enum { STACK = 256 * 1024, GUARD = 64 * 1024, GUARDS = 32 };

static int guard_stacks(int self, char *stacks)
{
	struct iovec guards[GUARDS];

	for (int i = 0; i < GUARDS; i++)
		guards[i] = (struct iovec){stacks + (size_t)i * (GUARD + STACK), GUARD};
	errno = ENOSYS; /* less than all is as bad */
	return syscall(SYS_process_madvise, self, guards, GUARDS, MADV_GUARD_INSTALL, 0) ==
			       (long)GUARDS * GUARD
		       ? 0
		       : errno;
}

static int make_stacks(int self, size_t n)
{
	size_t size = GUARDS * (size_t)(GUARD + STACK);
	int err = 0;

	for (size_t made = 0; made < n && err == 0; made += GUARDS) {
		char *stacks = mmap(NULL, size, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (stacks == MAP_FAILED)
			return errno;
		madvise(stacks, size, MADV_NOHUGEPAGE);
		err = guard_stacks(self, stacks);
		for (size_t i = 1; i <= GUARDS; i++)
			*(volatile char *)&stacks[i * (GUARD + STACK) - 1] = 1;
	}
	return err;
}

/* What is mapped goes with the process. */
static int touch_stacks(struct bench_run *r)
{
	int self = (int)syscall(SYS_pidfd_open, getpid(), 0), err;
	uint64_t cpu = cpu_now();

	if (self < 0)
		return errno;
	err = make_stacks(self, r->arg);
	set_each(r, cpu_now() - cpu);
	close(self);
	return err;
}

/* --- timers ------------------------------------------------------------------------------- */

enum { MANY = 10000, HOUR = 3600, SPREAD = 1024 };

/* Never: the soonest is half an hour away. */
static void ring(void *unused)
{
	(void)unused;
	abort();
}

static int arm_others(unsigned n)
{
	int err = 0;

	for (unsigned i = 0; i < n && err == 0; i++) {
		struct itimerspec when = {.it_value.tv_sec = HOUR + i};
		weft_timer_t *t;

		err = weft_timer_create(&t, ring, NULL);
		if (err == 0)
			err = weft_timer_settime(t, 0, &when, NULL);
	}
	return err;
}

/* The others stay from one run to the next, and end with the process. */
static int arm_and_stop(struct bench_run *r)
{
	static bool others;
	weft_timer_t *t;
	int err = weft_timer_create(&t, ring, NULL);

	if (err == 0 && !others)
		err = arm_others(r->arg);
	others = true;
	if (err != 0)
		return err;
	bench_begin(r);
	for (uint64_t i = 0; i < r->n && err == 0; i++) {
		struct itimerspec when = {.it_value.tv_sec = HOUR / 2 + (time_t)(i % SPREAD)};

		err = weft_timer_settime(t, 0, &when, NULL);
		if (err == 0)
			err = weft_timer_stop(t);
	}
	bench_end(r, r->n);
	return err != 0 ? err : weft_timer_destroy(t);
}

static int kernel_timer(struct bench_run *r)
{
	struct sigevent none = {.sigev_notify = SIGEV_NONE};
	struct itimerspec stop = {0};
	timer_t t;

	if (timer_create(CLOCK_MONOTONIC, &none, &t) != 0)
		return errno;
	bench_begin(r);
	for (uint64_t i = 0; i < r->n; i++) {
		struct itimerspec when = {.it_value.tv_sec = HOUR / 2 + (time_t)(i % SPREAD)};

		if (timer_settime(t, 0, &when, NULL) != 0 || timer_settime(t, 0, &stop, NULL) != 0)
			return errno;
	}
	bench_end(r, r->n);
	return timer_delete(t) != 0 ? errno : 0;
}

/* --- cases ------------------------------------------------------------------------------ */

static const struct bench_series sleepers_series[] = {
	{.name = "100,000, time",
	 .procs = 2,
	 .fixed = true,
	 .arg = 100000,
	 .bounds = {{"Go, 100,000, time", 1}},
	 .run = sleepers_time},
	{.name = "100,000, CPU time",
	 .procs = 2,
	 .fixed = true,
	 .arg = 100000,
	 .bounds = {{"Go, 100,000, CPU time", 1}},
	 .run = sleepers_cpu},
	{.name = "1,000,000, time",
	 .procs = 2,
	 .fixed = true,
	 .slow = true,
	 .arg = 1000000,
	 .bounds = {{"Go, 1,000,000, time", 1}},
	 .run = sleepers_time},
	{.name = "1,000,000, CPU time",
	 .procs = 2,
	 .fixed = true,
	 .slow = true,
	 .arg = 1000000,
	 .bounds = {{"Go, 1,000,000, CPU time", 1}},
	 .run = sleepers_cpu},
	{.name = "1,000,000 pages, CPU time",
	 .peer = true,
	 .fixed = true,
	 .slow = true,
	 .arg = 1000000,
	 .run = touch_pages,
	 .version = peer_kernel_version},
	{.name = "1,000,000 stacks, CPU time",
	 .peer = true,
	 .fixed = true,
	 .slow = true,
	 .arg = 1000000,
	 .run = touch_stacks,
	 .version = peer_kernel_version},
	{.name = "Go, 100,000, time",
	 .peer = true,
	 .fixed = true,
	 .program = "go",
	 .call = "sleepers 2 100000"},
	{.name = "Go, 100,000, CPU time",
	 .peer = true,
	 .fixed = true,
	 .program = "go",
	 .call = "sleepers-cpu 2 100000"},
	{.name = "Go, 1,000,000, time",
	 .peer = true,
	 .fixed = true,
	 .slow = true,
	 .program = "go",
	 .call = "sleepers 2 1000000"},
	{.name = "Go, 1,000,000, CPU time",
	 .peer = true,
	 .fixed = true,
	 .slow = true,
	 .program = "go",
	 .call = "sleepers-cpu 2 1000000"},
};

const struct bench_case bench_sleepers = {
	.name = "sleepers",
	.what = "tasks that sleep at once: starting and waking them, or the CPU time of it",
	.unit = "ns",
	.each = "a sleeper",
	.series = sleepers_series,
	.nseries = sizeof sleepers_series / sizeof *sleepers_series,
};

static const struct bench_series lateness_series[] = {
	{.name = "100,000 sleepers, 2 Ps",
	 .procs = 2,
	 .fixed = true,
	 .arg = 100000,
	 .run = sleepers_lateness},
	{.name = "1,000,000 sleepers, 2 Ps",
	 .procs = 2,
	 .fixed = true,
	 .slow = true,
	 .arg = 1000000,
	 .promise = 1000000,
	 .run = sleepers_lateness},
};

const struct bench_case bench_lateness = {
	.name = "lateness",
	.what = "of tasks that sleep at once, how late the latest wakes",
	.unit = "ns",
	.each = "the latest wake",
	.series = lateness_series,
	.nseries = sizeof lateness_series / sizeof *lateness_series,
};

static const struct bench_series timers_series[] = {
	{.name = "alone, 1 P",
	 .procs = 1,
	 .arg = 0,
	 .bounds = {{"Go, alone", 1}, {"timer_settime", 1}},
	 .run = arm_and_stop},
	{.name = "among 10,000, 1 P",
	 .procs = 1,
	 .arg = MANY,
	 .bounds = {{"Go, among 10,000", 1}},
	 .run = arm_and_stop},
	{.name = "Go, alone", .peer = true, .program = "go", .call = "timer 1 0"},
	{.name = "Go, among 10,000", .peer = true, .program = "go", .call = "timer 1 10000"},
	{.name = "timer_settime",
	 .peer = true,
	 .run = kernel_timer,
	 .version = peer_kernel_version},
};

const struct bench_case bench_timers = {
	.name = "timers",
	.what = "weft_timer_settime and weft_timer_stop",
	.unit = "ns",
	.each = "a start and stop",
	.series = timers_series,
	.nseries = sizeof timers_series / sizeof *timers_series,
};
