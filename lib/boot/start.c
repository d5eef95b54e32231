/*
 * The ways in, and the way out: weft_start, the start object, a foreign thread's
 * first call, and weft_shutdown.
 *
 * Whether the runtime is up is known twice: in wf_runtime, and on a page that the
 * kernel wipes in a forked child. Up here and not there: this is such a child, and
 * what the parent's threads ran is no concern of its any more (wf_forget).
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <weft/task.h>

#include "boot/boot.h"
#include "boot/crt.h"
#include "sched/retake.h"

static struct runtime {
	struct lock lock; /* guards all here; held while booting and going down */
	_Atomic bool up;
	bool m0taken;           /* a thread is m0 */
	pthread_t lazy;         /* the thread that is m0 after a lazy boot */
	struct note booted;     /* set when the lazy m0 is up, or could not be */
	int error;              /* why it could not */
	struct program *exited; /* whose mains left by weft_exit; under wf_sched.lock */
} wf_runtime;

static _Alignas(PAGE) struct alive {
	_Alignas(PAGE) _Atomic uint32_t up; /* calls may go ahead */
	_Atomic uint32_t here;              /* set as long as wf_runtime.up is */
} wf_alive;

bool wf_up(void)
{
	/* acquire: pairs with wf_booted's store, after all that booting set up */
	return atomic_load_explicit(&wf_alive.up, memory_order_acquire);
}

bool wf_forked(void)
{
	return __builtin_expect(!wf_alive.here, 0) && wf_runtime.up;
}

/* Without MADV_WIPEONFORK. */
static void in_child(void)
{
	struct g *g = wf_getg();

	atomic_store(&wf_alive.up, 0);
	atomic_store(&wf_alive.here, 0);
	if (g && !(g->flags & GF_FOREIGN))
		atomic_store(&g->m->p, NULL);
}

static void know_forks(void)
{
	static bool once;

	wf_foreign_prepare();
	if (wf_have.wipeonfork)
		madvise(&wf_alive, sizeof wf_alive, MADV_WIPEONFORK);
	else if (!once)
		pthread_atfork(NULL, NULL, in_child);
	once = true;
}

/* From rt0_go, on m0, with wf_runtime.lock held by who boots. */
void wf_booted(void)
{
	know_forks();
	wf_runtime.m0taken = true;
	atomic_store(&wf_alive.here, 1);
	wf_runtime.up = true;
	atomic_store(&wf_alive.up, 1); /* pairs with wf_up */
	if (wf_way != WAY_LAZY)
		wf_unlock(&wf_runtime.lock);
}

/* The first G of a boot, and every further weft_start's: a program's main. */
void wf_main(void *arg)
{
	struct program *program = arg;

	if (!program->done)
		wf_step("main");
	if (program->crtmain)
		exit(program->crtmain(program->argc, program->argv, program->envp));
	if (program->main)
		program->result = program->main(program->argc, program->argv);
	if (wf_forked() || wf_getg()->flags & GF_FOREIGN) /* it forked, this is the child */
		exit(program->result);
}

/* --- the end of a main ------------------------------------------------------------ */

static void m0_may_go(void)
{
	/* seq_cst, before attn: pairs with m0's look at attn on its way out, then at m0exit */
	atomic_store(&wf_sched.m0exit, 1);
	atomic_fetch_or(&wf_m0.attn, ATTN_EXIT);
	wf_lock(&wf_sched.lock);
	if (wf_midle_remove(&wf_m0))
		wf_notewakeup(&wf_m0.park);
	wf_unlock(&wf_sched.lock);
}

static void end_process(void *unused)
{
	(void)unused;
	exit(0);
}

static void complete(struct program *program)
{
	if (program->way == WAY_CRT)
		wf_spawn(wf_getg()->m, end_process, NULL);
	else if (program->done)
		wf_notewakeup(program->done);
	else
		m0_may_go();
}

void wf_main_gone(void *arg, bool exited)
{
	struct program *program = arg;

	if (program->way == WAY_LAZY) {
		wf_notewakeup(&wf_runtime.booted); /* by now it counts as ended */
		return;
	}
	if (!exited) {
		complete(program);
		return;
	}
	wf_lock(&wf_sched.lock);
	program->next = wf_runtime.exited;
	wf_runtime.exited = program;
	atomic_store(&wf_sched.mainexited, 1); /* the last task to end sees it: it ends later */
	wf_unlock(&wf_sched.lock);
}

void wf_last_gone(void)
{
	struct program *program, *next;

	wf_lock(&wf_sched.lock);
	program = wf_runtime.exited;
	wf_runtime.exited = NULL;
	atomic_store(&wf_sched.mainexited, 0);
	wf_unlock(&wf_sched.lock);
	for (; program; program = next) {
		next = program->next;
		complete(program);
	}
}

/* All threads have ended, or none was started. What foreign threads still have is
 * their stand-ins. */
static void free_all(void)
{
	struct m *m, *next, *foreign = NULL;

	for (unsigned i = 0; i < wf_sched.nps; i++)
		wf_stackflush(wf_allp[i]);
	wf_stackreset();
	wf_names_reset();
	for (unsigned i = 0; i < wf_sched.nps; i++) {
		wf_unmap(wf_allp[i], (sizeof(struct p) + PAGE - 1) & ~(size_t)(PAGE - 1));
		wf_allp[i] = NULL;
	}
	for (m = wf_sched.allm; m; m = next) {
		next = m->alllink;
		if (!m->foreign) {
			wf_unmap(m, sizeof *m);
			continue;
		}
		m->gfree = (struct gcache){0};
		m->alllink = foreign;
		foreign = m;
	}
	wf_greset();
	wf_sched = (struct sched){
		.allm = foreign, .downs = wf_sched.downs + 1, .forks = wf_sched.forks};
}

/* --- weft_start ------------------------------------------------------------------- */

/* m0 has returned from the scheduler: the caller is what it was before. */
static void unbecome_m0(struct g *before)
{
	wf_lock(&wf_runtime.lock);
	wf_lock(&wf_sched.lock);
	wf_sched.nm--;
	atomic_store(&wf_sched.m0exit, 0);
	atomic_fetch_and(&wf_m0.attn, ~(uint32_t)ATTN_EXIT);
	wf_unlock(&wf_sched.lock);
	wf_runtime.m0taken = false;
	wf_unlock(&wf_runtime.lock);
	wf_setg(before);
}

/* The runtime is up and nobody is m0. With wf_runtime.lock held, which goes. */
static int start_again(struct program *program)
{
	int error;

	wf_runtime.m0taken = true;
	wf_become_m0();
	error = wf_newproc(&wf_m0, wf_main, program, wf_mainstack());
	if (error) {
		wf_runtime.m0taken = false;
		wf_unlock(&wf_runtime.lock);
		return error;
	}
	wf_lock(&wf_sched.lock);
	wf_sched.nm++;
	wf_unlock(&wf_sched.lock);
	wf_unlock(&wf_runtime.lock);
	wf_mstart();
	return 0;
}

/* Somebody else is m0: main is a task like others, and the caller waits. */
static int start_further(struct program *program)
{
	struct note done = {0};
	struct m *m;
	int error;

	program->done = &done;
	wf_unlock(&wf_runtime.lock);
	m = wf_foreign_enter();
	error = m ? wf_newproc(m, wf_main, program, wf_mainstack()) : ENOMEM;
	if (!error)
		wf_notesleep(&done);
	if (m)
		wf_foreign_leave(m);
	return error;
}

static int start(struct program *program)
{
	struct g *before = wf_getg();
	int error;

	if (wf_forked())
		wf_forget(before);
	before = wf_getg();
	wf_lock(&wf_runtime.lock);
	if (wf_runtime.up && wf_runtime.m0taken)
		return start_further(program);
	if (wf_runtime.up) {
		error = start_again(program);
	} else {
		pthread_sigmask(SIG_SETMASK, NULL, &wf_settings.mask);
		error = wf_rt0_go(program);
		if (error) {
			free_all();
			wf_unlock(&wf_runtime.lock);
		}
	}
	if (error)
		wf_setg(before);
	else
		unbecome_m0(before);
	return error;
}

int weft_start(int (*main)(int, char **), int argc, char **argv)
{
	struct program program = {.main = main, .argc = argc, .argv = argv, .way = WAY_START};
	struct m *m = wf_enter();
	int error = m ? EBUSY : main ? 0 : EINVAL;

	if (m)
		wf_leave(m);
	if (!error)
		error = start(&program);
	if (!error)
		return program.result;
	errno = error;
	return -1;
}

void weft_rt0(int (*main)(int, char **, char **), int argc, char **argv, char **envp)
{
	static struct program program;

	program = (struct program){
		.crtmain = main, .argc = argc, .argv = argv, .envp = envp, .way = WAY_CRT};
	errno = start(&program);
	if (errno) {
		fprintf(stderr, "weft: fatal: can't boot: %s\n", strerror(errno));
		exit(127);
	}
	wf_abort();
}

/* --- booting on a thread of its own ------------------------------------------------- */

static void *lazy_m0(void *unused)
{
	struct program program = {.argc = 0, .way = WAY_LAZY};

	(void)unused;
	pthread_setname_np(pthread_self(), "weft");
	wf_runtime.error = wf_rt0_go(&program);
	wf_setg(NULL);
	if (wf_runtime.error)
		wf_notewakeup(&wf_runtime.booted);
	return NULL;
}

bool wf_m0_is_ours(void)
{
	return wf_way == WAY_LAZY;
}

/* weft_start counts what it has made m0 itself (unbecome_m0). */
void wf_m0_gone(bool ended)
{
	if (!ended)
		return;
	wf_lock(&wf_sched.lock);
	wf_sched.nm--;
	wf_m0.tid = 0;
	wf_unlock(&wf_sched.lock);
}

/* With wf_runtime.lock held. */
static int boot_lazily(void)
{
	int error;

	wf_noteclear(&wf_runtime.booted);
	wf_runtime.error = 0;
	pthread_sigmask(SIG_SETMASK, NULL, &wf_settings.mask);
	error = pthread_create(&wf_runtime.lazy, NULL, lazy_m0, NULL);
	if (error)
		return error;
	wf_notesleep(&wf_runtime.booted);
	if (wf_runtime.error) {
		pthread_join(wf_runtime.lazy, NULL);
		free_all();
	}
	return wf_runtime.error;
}

int wf_boot(void)
{
	int error = 0;

	if (wf_up())
		return 0;
	if (wf_forked())
		wf_forget(wf_getg());
	wf_lock(&wf_runtime.lock);
	if (!wf_runtime.up)
		error = boot_lazily();
	wf_unlock(&wf_runtime.lock);
	return error;
}

int weft_init(void)
{
	struct m *m = wf_enter();

	if (m) {
		wf_leave(m);
		return 0;
	}
	return wf_boot();
}

/* --- and down ---------------------------------------------------------------------- */

/* With wf_sched.lock held: how many tasks live. */
static uint64_t living(void)
{
	uint64_t finished = wf_sched.finished, created;

	/* first who has ended: what is made and ends meanwhile must not outweigh who lives */
	for (unsigned i = 0; i < wf_sched.nps; i++)
		finished += wf_allp[i]->stats.finished;
	created = wf_sched.created;
	for (unsigned i = 0; i < wf_sched.nps; i++)
		created += wf_allp[i]->stats.created;
	return created - finished;
}

/* So here: whether a timer is armed, or fires. */
static bool timing(void)
{
	uint64_t timers = wf_sched.firing;

	for (unsigned i = 0; i < wf_sched.nps; i++)
		timers += wf_allp[i]->timers.n;
	return timers;
}

/* With wf_sched.lock held: whether anything of the program's is in there. Who is about
 * to leave is counted first, so that it is in either number or in none. */
static bool busy(const struct m *mine)
{
	uint64_t leaving = wf_countleaving();

	for (struct m *m = wf_sched.allm; m; m = m->alllink)
		/* acquire: pairs with set_inside's release (foreign.c) */
		if (m->foreign && m != mine &&
		    atomic_load_explicit(&m->inside, memory_order_acquire))
			return true;
	return wf_sched.objects || timing() || living() > leaving;
}

/* With wf_sched.lock held, and nobody busy: until the last task has ended. */
static void await_leaving(void)
{
	while (living()) {
		wf_unlock(&wf_sched.lock);
		sched_yield();
		wf_lock(&wf_sched.lock);
	}
}

/* An M whose thread has to be joined; NULL when all are. */
static struct m *unjoined(void)
{
	struct m *m;

	wf_lock(&wf_sched.lock);
	for (m = wf_sched.allm; m; m = m->alllink)
		if (!m->foreign && !m->ended)
			break;
	wf_unlock(&wf_sched.lock);
	return m;
}

static void end_threads(void)
{
	struct m *m;

	while ((m = unjoined())) {
		if (!m->thread) { /* it is on its way, or was refused */
			sched_yield();
			continue;
		}
		pthread_join(m->thread, NULL);
		m->ended = true;
	}
	if (wf_runtime.m0taken)
		pthread_join(wf_runtime.lazy, NULL);
}

static int go_down(const struct m *mine)
{
	struct m *m;

	/* who comes now waits for wf_runtime.lock; who came before is seen inside */
	atomic_store(&wf_alive.up, 0);
	wf_heavy_barrier();
	wf_lock(&wf_sched.lock);
	if (busy(mine)) {
		atomic_store(&wf_alive.up, 1);
		wf_unlock(&wf_sched.lock);
		return EBUSY;
	}
	await_leaving();
	atomic_store(&wf_sched.dying, 1);
	while ((m = wf_mget()))
		wf_notewakeup(&m->park);
	wf_unlock(&wf_sched.lock);
	wf_sysmon_stop();
	end_threads();
	wf_runtime.up = false;
	wf_runtime.m0taken = false;
	atomic_store(&wf_alive.here, 0);
	free_all();
	wf_memreset();
	wf_osreset();
	wf_unsettle();
	return 0;
}

int weft_shutdown(void)
{
	struct m *m = wf_enter();
	struct g *g;
	int error = 0;

	if (m) {
		wf_leave(m);
		return EDEADLK;
	}
	if (wf_forked())
		wf_forget(wf_getg());
	wf_lock(&wf_runtime.lock);
	g = wf_getg();
	if (wf_runtime.up)
		error = wf_runtime.m0taken && wf_way != WAY_LAZY ? EBUSY : go_down(g ? g->m : NULL);
	wf_unlock(&wf_runtime.lock);
	return error;
}

/* --- in a forked child ---------------------------------------------------------------- */

/*
 * The threads of before are gone; what they held is held for ever. So nothing of
 * theirs is touched: every structure starts empty, their memory stays as it is.
 */
void wf_forget(struct g *g)
{
	bool task = g && !(g->flags & GF_FOREIGN);
	struct m *m = g && !task ? g->m : NULL;
	uint64_t downs = wf_sched.downs, forks = wf_sched.forks + 1;

	if (m && m->proxydowns != downs)
		m->proxy = NULL; /* of a boot that is over */
	wf_gforget(task ? g : m ? m->proxy : NULL);
	wf_names_reset();
	wf_sysmon_forget();
	wf_blocking_forget();
	wf_stackforget();
	wf_memforget();
	memset(wf_allp, 0, WEFT_PROCS_MAX * sizeof *wf_allp);
	wf_sched = (struct sched){.allm = m, .downs = downs, .forks = forks};
	wf_runtime = (struct runtime){0};
	wf_unsettle();
	wf_osreset();
	wf_osinit();
	if (m) {
		m->alllink = NULL;
		m->gfree = (struct gcache){0};
	}
	if (task) {
		m = wf_mnew(true);
		if (!m)
			wf_throw("no memory to go on with in a forked child");
		wf_foreign_adopt(m, g);
	}
}
