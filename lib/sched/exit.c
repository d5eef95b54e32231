/*
 * weft_exit: ending a task from anywhere in it.
 *
 * The frames are unwound by libgcc's forced unwinding, so that C++ destructors
 * and cleanup attributes run; handlers pushed by weft_cleanup_push run between
 * them in their order, innermost first: by their frame, where it has clean-ups of
 * its own, else when the unwinding reaches the frame in which the handler's record
 * lies. A frame without an unwind table ends the unwinding; what is left runs then.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unwind.h>

#include <weft/task.h>

#include "sched/retake.h"

static struct gtop *own_top(void)
{
	struct g *g = wf_getg();

	return g ? g->top : NULL;
}

void weft_cleanup_enter(struct weft_cleanup *handler)
{
	struct gtop *top = own_top();
	struct m *m = top ? NULL : wf_foreign_enter();

	if (m)
		wf_foreign_leave(m);
	if (!top && m)
		top = &m->top;
	if (!top)
		wf_throw("no memory to note a clean-up handler of a foreign thread");
	handler->next = top->cleanup;
	top->cleanup = handler;
}

/* Pushes and pops pair, so the handler is the innermost. */
void weft_cleanup_leave(int execute)
{
	struct gtop *top = own_top();
	struct weft_cleanup *handler = top->cleanup;

	top->cleanup = handler->next;
	if (execute)
		handler->fn(handler->arg);
}

/* The handler's block is left: by its end, after the pop, or by unwinding, be it of
 * weft_exit or of an exception. */
void weft_cleanup_unwind(struct weft_cleanup *handler)
{
	struct gtop *top = own_top();

	if (top && top->cleanup == handler)
		weft_cleanup_leave(1);
}

/* Run the handlers whose records lie below a frame, up to one that its own frame
 * runs: that one's turn comes with its frame's. */
static void cleanups_below(uintptr_t frame)
{
	for (;;) {
		struct weft_cleanup *handler = own_top()->cleanup;

		if (!handler || handler->unwound || (uintptr_t)handler >= frame)
			return;
		weft_cleanup_leave(1);
	}
}

static _Noreturn void end(void)
{
	struct g *g;
	struct m *m;

	while (own_top()->cleanup) /* of frames that could not be unwound */
		weft_cleanup_leave(1);
	if (own_top()->keys.used)
		wf_keys_destroy(&own_top()->keys);
	m = wf_enter();
	if (!m) /* in a forked child this was the last thread */
		exit(0);
	g = m->curg;
	if (m->eh)
		*m->eh = (struct ehglobals){0};
	if (g->flags & GF_FPENV)
		wf_fpenv_load(&m->top.env);
	wf_blocking_ended(m, g);
	g->sched.ret = g->top->value;
	wf_goexit(m, g);
}

static _Unwind_Reason_Code stop(int version, _Unwind_Action actions, _Unwind_Exception_Class class,
				struct _Unwind_Exception *exception,
				struct _Unwind_Context *context, void *unused)
{
	(void)version, (void)class, (void)exception, (void)unused;
	if (actions & _UA_END_OF_STACK)
		end();
	cleanups_below(_Unwind_GetCFA(context));
	return _URC_NO_REASON;
}

/* A catch (...) that does not rethrow would resume a task that has ended. */
static void swallowed(_Unwind_Reason_Code reason, struct _Unwind_Exception *exception)
{
	(void)reason, (void)exception;
	wf_throw("a handler kept weft_exit's unwinding from going on: catch (...) has to rethrow");
}

static _Noreturn void exit_foreign(void *value)
{
	struct gtop *top = own_top();

	while (top && top->cleanup && !top->cleanup->unwound)
		weft_cleanup_leave(1);
	pthread_exit(value);
}

void weft_exit(void *value)
{
	struct g *g = wf_getg();
	struct _Unwind_Exception *exception;

	if (!g || g == &g->m->gstore)
		exit_foreign(value);
	g->top->value = (uintptr_t)value; /* sched.ret is for what handlers join */
	g->top->state.exiting = true;
	/* not in this frame, which is gone as soon as a landing pad runs */
	_Static_assert(sizeof *exception <= sizeof g->top->exception, "room for it");
	exception = (struct _Unwind_Exception *)g->top->exception;
	*exception = (struct _Unwind_Exception){.exception_cleanup = swallowed};
	_Unwind_ForcedUnwind(exception, stop, NULL);
	end(); /* nothing could be unwound */
}
