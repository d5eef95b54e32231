/*
 * sysmon: the thread that sees to it that no task keeps a P from others.
 *
 * It has no P. In each round it looks at every P that an M runs. A P that has made no
 * switch since the last round, while other tasks wait, is retaken: at the second round
 * when its task is in a blocking call; once the thread's CPU clock has stood still for
 * a while (it sleeps in the kernel without having said so); and after a slice when it
 * computes. What nobody waits for is retaken after a slice if its M sleeps, so that
 * the pool is known to be idle.
 *
 * It also starts the workers of pools that could not have one when they wanted it.
 *
 * Rounds follow each other closely only while some P is in a blocking call or was just
 * taken from an M that slept; else they back off, to RELAXED. After a second in which
 * all Ps were idle it sleeps until one is taken from the idle list (wf_pidleget).
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <weft/runtime.h>

#include "sched/retake.h"

enum {
	CLOSE_NS = 20000,      /* between rounds while it matters */
	RELAXED_NS = 10000000, /* and otherwise */
	CLOSE_ROUNDS = 50,     /* rounds without a find before it backs off */
	ASLEEP_NS = 100000,    /* a clock that stands still for so long is a sleeper's */
	QUIET_NS = 1000000000,
};

/* What sysmon saw of a P when it looked last. */
struct seen {
	uint64_t switches;
	struct m *m;
	int64_t since;     /* when it saw that first */
	uint32_t blocking; /* the blocking call's number, 0: in none */
	int64_t cpu;       /* the thread's CPU clock, -1: not asked yet */
	int64_t still;     /* since when it stands there */
};

static struct sysmon {
	struct lock starting; /* held by who starts it */
	_Atomic bool running;
	_Atomic bool look; /* who made work must not start the thread that it needs */
	_Atomic bool slow; /* it has backed off: the next look is far */
	pthread_t thread;
	struct note note;
	struct m m; /* it is none, but makes Gs as foreign threads do */
	struct seen seen[WEFT_PROCS_MAX];
} wf_mon;

enum finding { NOTHING, WATCH, RETOOK };

/* A thread's CPU clock; -1 when the thread is gone. */
static int64_t cpu_ns(clockid_t clock)
{
	struct timespec t;

	return clock_gettime(clock, &t) ? -1 : t.tv_sec * (int64_t)1000000000 + t.tv_nsec;
}

static int64_t slice_ns(void)
{
	return wf_settings.preempt * (int64_t)1000000;
}

/* Rounds at the longest: a slice is looked at as often as it is long. */
static int64_t relaxed_ns(void)
{
	return wf_settings.preempt > 0 && slice_ns() < RELAXED_NS ? slice_ns() : RELAXED_NS;
}

/* Whether tasks wait that p keeps from running: its own, with no M awake or to be woken
 * for them, or anybody's. */
static bool others_wait(struct p *p)
{
	return wf_work_for(p) && !wf_sched.npidle;
}

static void note_seen(struct seen *seen, struct p *p, struct m *m, int64_t now)
{
	*seen = (struct seen){.switches = wf_switches(p),
			      .m = m,
			      .since = now,
			      .cpu = -1,
			      .blocking = m->blocking};
}

static enum finding take(struct seen *seen, struct p *p, enum retaken why)
{
	if (!wf_retake(p, seen->m, why))
		return WATCH;
	if (why == RETAKEN_PREEMPTED)
		atomic_fetch_add_explicit(&wf_sched.preemptions, 1, memory_order_relaxed);
	seen->m = NULL;
	return why == RETAKEN_BLOCKED ? RETOOK : WATCH;
}

/* Whether a thread would go on if the kernel let it: its clock stands still as well while
 * others have the CPU. Where /proc can't be read the clock alone tells. */
static bool waits_for_cpu(uint32_t tid)
{
	char path[64], text[128], *state;
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/self/task/%u/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	state = strrchr(text, ')'); /* proc_pid_stat(5): "tid (name) state ..." */
	return state && state[1] && state[2] == 'R';
}

/* Whether the thread's CPU clock has stood still for long enough, in the kernel. */
static bool sleeps(struct seen *seen, int64_t now)
{
	int64_t cpu = cpu_ns(seen->m->clock);

	if (cpu != seen->cpu) {
		seen->cpu = cpu;
		seen->still = now;
	}
	if (cpu < 0 || now - seen->still < ASLEEP_NS)
		return false;
	if (!waits_for_cpu(seen->m->tid))
		return true;
	seen->still = now;
	return false;
}

/* The P made no switch since it was looked at last. */
static enum finding look_again(struct seen *seen, struct p *p, int64_t now)
{
	bool wanted = others_wait(p), slice = now - seen->since >= RELAXED_NS;

	if (seen->blocking)
		return wanted || slice ? take(seen, p, RETAKEN_BLOCKED) : WATCH;
	if (!wanted && !slice)
		return NOTHING;
	if (sleeps(seen, now))
		return take(seen, p, RETAKEN_BLOCKED);
	if (wanted && wf_settings.preempt > 0 && now - seen->since >= slice_ns())
		return take(seen, p, RETAKEN_PREEMPTED);
	return NOTHING;
}

static enum finding look(struct seen *seen, struct p *p, int64_t now)
{
	struct m *m = p->m;

	if (!m || p->status != P_RUNNING) {
		seen->m = NULL;
		return NOTHING;
	}
	if (wf_chaos_retake())
		wf_retake(p, m, RETAKEN_PREEMPTED);
	if (seen->m == m && seen->switches == wf_switches(p) && seen->blocking == m->blocking)
		return look_again(seen, p, now);
	note_seen(seen, p, m, now);
	return seen->blocking ? WATCH : NOTHING;
}

/* One look at every P; Ps are not unmapped while sysmon runs. */
static enum finding round_of_all(int64_t now)
{
	unsigned n = wf_sched.nprocs;
	enum finding most = NOTHING;

	for (unsigned i = 0; i < n; i++) {
		enum finding found = look(&wf_mon.seen[i], wf_allp[i], now);

		if (found > most)
			most = found;
	}
	return most;
}

/* Tasks that wait for a thread to block on go on when there is one again, should who
 * left a blocking call without a word have made room. */
static void admit(void)
{
	if (wf_blocking_waited())
		wf_blocking_admit(NULL);
}

/* Who could not have a task for a worker tries again. */
static void retry(void)
{
	void (*resized)(struct m *) = wf_sched.resized;

	if (wf_sched.lacking && resized && atomic_exchange(&wf_sched.lacking, 0))
		resized(&wf_mon.m);
}

/* The time to the next round after one that found so much. */
static int64_t next_delay(int64_t delay, enum finding found, unsigned *idle)
{
	if (found != NOTHING) {
		*idle = 0;
		return CLOSE_NS;
	}
	if (++*idle <= CLOSE_ROUNDS)
		return delay;
	return delay * 2 < relaxed_ns() ? delay * 2 : relaxed_ns();
}

/* All Ps have been idle for long: sleep until one is taken. */
static void sleep_deeply(void)
{
	bool idle;

	wf_lock(&wf_sched.lock);
	idle = wf_sched.npidle == wf_sched.nprocs && !wf_sched.dying && !wf_sched.lacking;
	wf_sched.sysmonwait = idle;
	wf_unlock(&wf_sched.lock);
	if (idle)
		wf_notesleep(&wf_mon.note); /* it stays set: the next round is made at once */
}

/*
 * Until the next round; whether it was asked for before its time.
 *
 * slow is set as long as it has backed off, also during a round: what begins behind that
 * round's look kicks, and the note that it finds set ends the next wait at once. Who
 * begins before slow is set, as it backs off, is met after the first longer wait, of twice
 * CLOSE_NS. Who asks while it is awake already may find his note taken with another's: the
 * rounds that follow are close.
 */
static bool wait_round(int64_t delay)
{
	bool asked;

	/* seq_cst: pairs with wf_sysmon_kick's exchange */
	atomic_store(&wf_mon.slow, delay > CLOSE_NS);
	asked = wf_notetsleep(&wf_mon.note, delay);
	if (asked) {
		atomic_store(&wf_mon.slow, false);
		wf_notetake(&wf_mon.note);
	}
	return asked;
}

/* Who made work could not wake or start the thread for it. */
static void see_to_work(void)
{
	if (wf_mon.look && atomic_exchange(&wf_mon.look, false) && wf_work_anywhere())
		wf_wake();
}

/* After a while in which all Ps were idle it sleeps, until somebody makes work. */
static void rest(int64_t now, int64_t *quiet)
{
	if (wf_sched.npidle != wf_sched.nprocs)
		*quiet = 0;
	else if (!*quiet)
		*quiet = now;
	else if (now - *quiet >= QUIET_NS) {
		sleep_deeply();
		*quiet = 0;
	}
}

void wf_sysmon(void)
{
	int64_t delay = CLOSE_NS, quiet = 0, now;
	unsigned idle = 0;

	while (!wf_sched.dying) {
		if (wait_round(delay)) {
			delay = CLOSE_NS;
			idle = 0;
		}
		now = wf_nanotime();
		delay = next_delay(delay, round_of_all(now), &idle);
		if (wf_timers_next() <= now) /* all who could look compute */
			wf_timers_overdue(&wf_mon.m, now);
		see_to_work();
		admit();
		retry();
		rest(now, &quiet);
	}
}

static void *thread_of_sysmon(void *unused)
{
	pthread_setname_np(pthread_self(), "weft-sysmon");
	wf_mon.m.foreign = true;
	wf_mprepare(&wf_mon.m, &wf_mon.m.gstore);
	prctl(PR_SET_TIMERSLACK, 1);
	wf_sysmon();
	return unused;
}

static int start(void)
{
	sigset_t all, before;
	int error;

	wf_noteclear(&wf_mon.note);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* no handler of the program's runs there */
	error = pthread_create(&wf_mon.thread, NULL, thread_of_sysmon, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	wf_mon.running = !error;
	return error;
}

int wf_sysmon_start(void)
{
	int error = 0;

	if (wf_mon.running)
		return 0;
	wf_lock(&wf_mon.starting);
	if (!wf_mon.running && !wf_sched.dying)
		error = start();
	wf_unlock(&wf_mon.starting);
	return error;
}

/* wf_sched.dying is set: an M that ends may be about to start it, and sees that under the
 * lock, or has started it. */
void wf_sysmon_stop(void)
{
	bool runs;

	wf_lock(&wf_mon.starting);
	runs = wf_mon.running;
	wf_unlock(&wf_mon.starting);
	if (!runs)
		return;
	wf_notewakeup(&wf_mon.note);
	pthread_join(wf_mon.thread, NULL);
	wf_lock(&wf_mon.starting);
	memset(wf_mon.seen, 0, sizeof wf_mon.seen);
	wf_mon.running = false;
	wf_unlock(&wf_mon.starting);
}

void wf_sysmon_forget(void)
{
	memset(&wf_mon, 0, sizeof wf_mon);
}

void wf_sysmon_look(void)
{
	atomic_store(&wf_mon.look, true);
	wf_notewakeup(&wf_mon.note);
}

bool wf_sysmon_slow(void)
{
	/* relaxed: a hint */
	return atomic_load_explicit(&wf_mon.slow, memory_order_relaxed);
}

void wf_sysmon_kick(void)
{
	if (atomic_exchange(&wf_mon.slow, false)) /* one of those who see it */
		wf_notewakeup(&wf_mon.note);
}

void wf_sysmon_awake(void)
{
	wf_sched.sysmonwait = false;
	wf_notewakeup(&wf_mon.note);
}

/* At its next round, which is far if it has backed off: there is little memory just now. */
void wf_lacking(void)
{
	atomic_store(&wf_sched.lacking, 1);
	wf_lock(&wf_sched.lock);
	if (wf_sched.sysmonwait)
		wf_sysmon_awake();
	wf_unlock(&wf_sched.lock);
}
