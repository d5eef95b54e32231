/*
 * The portable backend: makecontext enters a stack for the first time, _setjmp
 * and _longjmp switch from then on, without a system call.
 *
 * The jmp_buf lies in the frame of the switch that saved it, which stays in
 * place for as long as the context is stopped; gobuf.ctxt points at it. libc
 * mangles what is in there, so the return address and the frame's address are
 * recorded in gobuf.pc and gobuf.sp for backtraces. A fresh context has no ctxt
 * and no pc yet, only its stack's bounds: it is made by the thread that enters
 * it first, so that the signal mask that setcontext sets is the one there is.
 *
 * g0 is per thread, and so is where it is to be entered: t_g0.
 *
 * This file is built with -U_FORTIFY_SOURCE: longjmp's check would take every
 * switch to a higher address for a mistake.
 */
#include <fenv.h>
#include <setjmp.h>
#include <ucontext.h>

#include "ctx/ctx.h"

const char wf_ctx_name[] = "ucontext";

/* A stopped context, in the frame of its switch; m is left by who enters it. */
struct stopped {
	jmp_buf env;
	struct m *m;
};

/* A thread's g0: env is in wf_ctx_g0call's frame. fn is what mcall wants run. */
struct g0 {
	jmp_buf env;
	void (*fn)(struct g *);
	struct g *arg;
};

enum { LEFT = 1, CALL = 1, DONE = 2 };

static __thread struct g0 *t_g0;

/* A fresh context on its way in. */
struct first {
	wf_ctx_entry *entry;
	struct m *m;
};

void wf_ctx_init(struct gobuf *buf, uintptr_t lo, uintptr_t hi, wf_ctx_entry *entry)
{
	buf->pc = 0;
	buf->sp = lo;
	buf->ret = hi;
	buf->ctxt = (uintptr_t)entry;
}

/* makecontext hands on ints: a pointer in two halves. */
static void begin(unsigned high, unsigned low)
{
	struct first *first = (struct first *)((uintptr_t)high << 32 | low);

	first->entry(first->m);
}

static _Noreturn void enter_fresh(struct gobuf *buf, struct m *m)
{
	struct first *first = (struct first *)((buf->ret & ~(uintptr_t)15) - 32);
	ucontext_t context;

	first->entry = (wf_ctx_entry *)buf->ctxt;
	first->m = m;
	getcontext(&context);
	context.uc_link = NULL;
	context.uc_stack.ss_sp = (void *)buf->sp;
	context.uc_stack.ss_size = (uintptr_t)first - buf->sp;
	makecontext(&context, (void (*)(void))begin, 2, (unsigned)((uintptr_t)first >> 32),
		    (unsigned)(uintptr_t)first);
	buf->ctxt = 0;
	buf->ret = 0;
	setcontext(&context);
	__builtin_trap();
}

static _Noreturn void enter(struct gobuf *buf, struct m *m)
{
	struct stopped *stopped;

	if (!buf->pc)
		enter_fresh(buf, m);
	stopped = (struct stopped *)buf->ctxt;
	buf->ctxt = 0;
	stopped->m = m;
	_longjmp(stopped->env, LEFT);
}

/* Called by the switches alone, inlined: the frame is theirs. */
__attribute__((always_inline)) static inline void record(struct gobuf *buf, struct stopped *stopped)
{
	buf->ctxt = (uintptr_t)stopped;
	buf->pc = (uintptr_t)__builtin_return_address(0);
	buf->sp = (uintptr_t)__builtin_frame_address(0);
}

static _Noreturn void enter_g0(void (*fn)(struct g *), struct g *g)
{
	struct g0 *g0 = t_g0;

	g0->fn = fn;
	g0->arg = g;
	_longjmp(g0->env, CALL);
}

__attribute__((noinline)) struct m *wf_ctx_switch(struct gobuf *from, struct gobuf *to, struct m *m)
{
	struct stopped stopped;

	record(from, &stopped);
	if (!_setjmp(stopped.env))
		enter(to, m);
	return stopped.m;
}

__attribute__((noinline)) struct m *wf_ctx_mcall(struct gobuf *from, struct gobuf *g0,
						 void (*fn)(struct g *), struct g *g)
{
	struct stopped stopped;

	(void)g0;
	record(from, &stopped);
	if (!_setjmp(stopped.env))
		enter_g0(fn, g);
	return stopped.m;
}

__attribute__((noinline)) struct m *wf_watched_switch(struct gobuf *from, struct gobuf *to,
						      struct m *m, struct ctxstk *fromstk,
						      struct ctxstk *tostk)
{
	struct stopped stopped;

	record(from, &stopped);
	if (!_setjmp(stopped.env)) {
		wf_hooks_leave(fromstk, tostk);
		enter(to, m);
	}
	wf_hooks_arrive(fromstk);
	return stopped.m;
}

__attribute__((noinline)) struct m *wf_watched_mcall(struct gobuf *from, struct gobuf *g0,
						     void (*fn)(struct g *), struct g *g,
						     struct ctxstk *fromstk, struct ctxstk *tostk)
{
	struct stopped stopped;

	(void)g0;
	record(from, &stopped);
	if (!_setjmp(stopped.env)) {
		wf_hooks_leave(fromstk, tostk);
		enter_g0(fn, g);
	}
	wf_hooks_arrive(fromstk);
	return stopped.m;
}

/* g0's gobuf is the one that was recorded by wf_save: it has a pc and no ctxt. */
_Noreturn void wf_gogo(struct gobuf *buf)
{
	if (buf->pc && !buf->ctxt)
		_longjmp(t_g0->env, DONE);
	enter(buf, *(struct m **)((char *)buf->g + WF_G_M));
}

void wf_ctx_g0call(void (*fn)(void))
{
	struct g0 g0;

	t_g0 = &g0;
	switch (_setjmp(g0.env)) {
	case CALL:
		g0.fn(g0.arg);
		break;
	case DONE:
		break;
	default:
		fn();
	}
	t_g0 = NULL;
}

void wf_ctx_frame(const struct gobuf *buf, struct ctxframe *frame)
{
	*frame = (struct ctxframe){
		.pc = buf->pc,
		.sp = buf->sp + 2 * sizeof(uintptr_t),
		.rbp = *(uintptr_t *)buf->sp,
	};
}

void wf_fpenv_save(struct fpenv *env)
{
	fegetenv((fenv_t *)env->words);
}

void wf_fpenv_load(const struct fpenv *env)
{
	fesetenv((const fenv_t *)env->words);
}

void wf_ctx_clear_flags(void)
{
	/* the C library's entry has seen to it */
}

__attribute__((noinline)) struct g *wf_getg(void)
{
	__asm__ __volatile__("" : : : "memory");
	return wf_tls_g;
}

__attribute__((noinline)) void wf_setg(struct g *g)
{
	__asm__ __volatile__("" : : : "memory");
	wf_tls_g = g;
}

__attribute__((noinline)) struct m *wf_getm(void)
{
	__asm__ volatile("" ::: "memory");
	return wf_tls_m;
}

__attribute__((noinline)) void wf_setm(struct m *m)
{
	wf_tls_m = m;
	__asm__ volatile("" ::: "memory");
}

uintptr_t wf_ctx_low(const struct gobuf *buf)
{
	enum { FRAME = 1024 }; /* more than the switch's own, below its jmp_buf */

	return buf->pc ? buf->ctxt - FRAME : 0;
}
