/*
 * The ways in: weft_start, the start object, and a foreign thread's first call; and the way
 * back, when a program's main has ended. down.c has the way out.
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

struct runtime wf_runtime;
struct alive wf_alive;

bool wf_up(void)
{
	/* acquire: pairs with wf_booted's store, after all that booting set up */
	return atomic_load_explicit(&wf_alive.up, memory_order_acquire);
}

bool wf_forked(void)
{
	return __builtin_expect(!wf_alive.here, 0) && wf_runtime.up;
}

bool wf_going_down(void)
{
	return !wf_up() && wf_alive.here;
}

void wf_await_down(void)
{
	wf_lock(&wf_runtime.lock);
	wf_unlock(&wf_runtime.lock);
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

/* All under the lock: m0 may see m0exit at once, but not undo this before it is done. */
static void m0_may_go(void)
{
	wf_lock(&wf_sched.lock);
	/* seq_cst, before attn: pairs with m0's look at attn on its way out, then at m0exit */
	atomic_store(&wf_sched.m0exit, 1);
	atomic_fetch_or(&wf_m0.attn, ATTN_EXIT);
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

/* --- weft_start ------------------------------------------------------------------- */

/* m0 has returned from the scheduler: the caller is what it was before. */
static void unbecome_m0(struct g *before)
{
	wf_lock(&wf_runtime.lock);
	wf_runtime.m0taken = false;
	wf_unlock(&wf_runtime.lock);
	wf_foreign_goon(before);
}

/* The same where it can't become m0: what handlers left with that is seen to first. */
static void give_m0_up(struct g *before)
{
	sigset_t mask;

	wf_signals_hold(&mask); /* D4 (post.c) */
	wf_post_flush(&wf_m0);
	wf_foreign_goon(before);
	wf_signals_release(&mask);
}

/* The runtime is up and nobody is m0. With wf_runtime.lock held, which goes. */
static int start_again(struct program *program, struct g *before)
{
	int error;

	wf_runtime.m0taken = true;
	wf_become_m0();
	error = wf_newproc(&wf_m0, wf_main, program, wf_mainstack());
	if (error) {
		wf_runtime.m0taken = false;
		wf_unlock(&wf_runtime.lock);
		give_m0_up(before);
		return error;
	}
	wf_lock(&wf_sched.lock);
	wf_sched.nm++;
	wf_unlock(&wf_sched.lock);
	wf_unlock(&wf_runtime.lock);
	wf_mstart();
	unbecome_m0(before);
	return 0;
}

/* The runtime is down. With wf_runtime.lock held, which goes. */
static int start_first(struct program *program, struct g *before)
{
	int error;

	pthread_sigmask(SIG_SETMASK, NULL, &wf_settings.mask);
	error = wf_rt0_go(program);
	if (!error) {
		unbecome_m0(before);
		return 0;
	}
	give_m0_up(before);
	wf_free_all();
	wf_unlock(&wf_runtime.lock);
	return error;
}

/* Somebody else is m0: main is a task like others, and the caller waits, as a foreign thread
 * does (D5, post.c). EAGAIN: the runtime went down meanwhile. */
static int start_further(struct program *program)
{
	struct m *m;
	int error;

	wf_unlock(&wf_runtime.lock);
	m = wf_foreign_enter();
	if (!m)
		return ENOMEM;
	wf_noteclear(&m->park);
	program->done = &m->park;
	error = wf_up() ? wf_newproc(m, wf_main, program, wf_mainstack()) : EAGAIN;
	if (!error)
		wf_msleep(m, WF_FOREVER);
	wf_foreign_leave(m);
	program->done = NULL;
	return error;
}

static int start(struct program *program)
{
	struct g *before = wf_getg();
	int error;

	if (wf_forked())
		wf_forget(before);
	do {
		before = wf_getg();
		wf_lock(&wf_runtime.lock);
		if (!wf_runtime.up)
			return start_first(program, before);
		if (!wf_runtime.m0taken)
			return start_again(program, before);
		error = start_further(program);
	} while (error == EAGAIN);
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
	if (wf_runtime.error) {
		give_m0_up(NULL);
		wf_notewakeup(&wf_runtime.booted);
	}
	return NULL;
}

bool wf_m0_is_ours(void)
{
	return wf_way == WAY_LAZY;
}

void wf_m0_gone(void)
{
	wf_lock(&wf_sched.lock);
	wf_sched.nm--;
	wf_m0.tid = 0;
	atomic_store(&wf_sched.m0exit, 0);
	atomic_fetch_and(&wf_m0.attn, ~(uint32_t)ATTN_EXIT);
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
		wf_free_all();
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
