/*
 * Asynchronous cancellation: a task that asked for it ends at any instant while it runs
 * code of its own.
 *
 * As in glibc a signal to its thread brings that about; it is a real-time signal that
 * the program has left at its default, chosen when a task first asks. The handler
 * ends the task if its thread is outside of the runtime; inside, it leaves a bit
 * that the way out meets.
 *
 *   C1  A canceller sets GC_REQUESTED, passes a heavy barrier, and sends the signal to the
 *       thread of g->m. Who goes on as g after a switch has stored g->m, passes a
 *       light barrier, and looks at GC_REQUESTED. If the signal goes to a thread that g
 *       has left, g sees the request itself.
 *   C2  GC_ASYNC and GC_REQUESTED are bits of one word: who sets the later one sees
 *       the other.
 */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <weft/task.h>

#include "sched/fast.h"

static _Atomic int wf_cancelsignal; /* 0 until a task asked; written under wf_sched.lock */

/* Whether g, the calling task, is to end now. */
static bool due(const struct g *g)
{
	const struct taskstate *state = &g->top->state;

	return (atomic_load(&g->cancel) & (GC_REQUESTED | GC_ASYNC)) == (GC_REQUESTED | GC_ASYNC) &&
	       state->cancelstate == WEFT_CANCEL_ENABLE && !state->exiting;
}

void wf_async_act(struct g *g)
{
	if (due(g))
		weft_exit(WEFT_CANCELED);
}

/* The signal came while m, the caller's, was inside. */
void wf_async_act_on(struct m *m)
{
	atomic_fetch_and(&m->attn, ~(uint32_t)ATTN_CANCEL);
	wf_async_act(wf_getg());
}

static void on_signal(int number, siginfo_t *info, void *context)
{
	struct g *g = wf_getg();

	(void)number, (void)context;
	if (!g || g->flags & GF_FOREIGN || info->si_code != SI_TKILL || info->si_pid != getpid())
		return;
	/* relaxed: the handler runs between two instructions of the same thread */
	if (atomic_load_explicit(&g->m->inside, memory_order_relaxed))
		atomic_fetch_or(&g->m->attn, ATTN_CANCEL);
	else
		wf_async_act(g);
}

/* With wf_sched.lock held: a signal that is nobody's becomes ours. */
static int claim_signal(void)
{
	/* the task's own stack is the one to unwind, and the unwinding never comes back to
	 * lift the mask of a handler */
	struct sigaction ours = {.sa_sigaction = on_signal,
				 .sa_flags = SA_SIGINFO | SA_RESTART | SA_NODEFER};
	struct sigaction now;

	for (int number = SIGRTMAX; number >= SIGRTMIN; number--)
		if (!sigaction(number, NULL, &now) && !(now.sa_flags & SA_SIGINFO) &&
		    now.sa_handler == SIG_DFL && !sigaction(number, &ours, NULL))
			return number;
	return 0;
}

int wf_async_ask(struct g *g)
{
	struct m *m = wf_enter_any(); /* a handler of the program's may want the lock too */
	int number;

	if (!m)
		return ENOMEM;
	wf_lock(&wf_sched.lock);
	number = wf_cancelsignal;
	if (!number)
		wf_cancelsignal = number = claim_signal();
	wf_unlock(&wf_sched.lock);
	wf_leave_any(m);
	if (!number)
		return EAGAIN;
	weft_self(); /* the word is cleared at the end of a life that was exposed */
	g->flags |= GF_ASYNC;
	atomic_fetch_or(&g->cancel, GC_ASYNC); /* C2 */
	return 0;
}

void wf_async_unask(struct g *g)
{
	g->flags &= (uint16_t)~GF_ASYNC;
	atomic_fetch_and(&g->cancel, ~(uint32_t)GC_ASYNC);
}

/* g's life is locked, the request is set, and a heavy barrier has been passed. */
void wf_async_signal(struct g *g)
{
	struct m *m = atomic_load_explicit(&g->m, memory_order_relaxed); /* C1 */
	uint32_t tid = m ? m->tid : 0;

	if (tid && wf_cancelsignal)
		syscall(SYS_tgkill, getpid(), tid, wf_cancelsignal);
}

void wf_async_resumed(struct m *m, struct g *g)
{
	wf_light_barrier_slow(); /* C1 */
	if (atomic_load_explicit(&g->cancel, memory_order_relaxed) & GC_REQUESTED)
		atomic_fetch_or(&m->attn, ATTN_CANCEL);
}
