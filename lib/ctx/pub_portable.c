/*
 * The public context layer, portable: makecontext to enter a stack first,
 * _setjmp and _longjmp from then on.
 *
 * What a stopped context needs lies in the frame of the switch that saved it;
 * opaque[STOPPED] points there. A context that was made but not entered has its
 * stack and function in opaque instead, and STOPPED is NULL.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdint.h>
#include <ucontext.h>

#define WEFT_CTX_PORTABLE
#include <weft/ctx.h>

#include "ctx/ctx.h"

enum { STOPPED, STACK, SIZE, FN, ARG, WATCH };

struct stopped {
	jmp_buf env;
};

int weft_ctx_portable_make(weft_ctx_t *ctx, void *stack, size_t size, void (*fn)(void *), void *arg)
{
	struct ctxstk *watch;
	uintptr_t top = (uintptr_t)stack + size;

	if (!ctx || !stack || !fn || size < WEFT_STACK_MIN)
		return EINVAL;
	wf_hooks_find();
	watch = (struct ctxstk *)((top - sizeof *watch) & ~(uintptr_t)63);
	*watch = (struct ctxstk){.lo = (uintptr_t)stack, .hi = (uintptr_t)watch};
	wf_hooks_stack(watch);
	*ctx = (weft_ctx_t){{[STACK] = stack,
			     [SIZE] = (void *)((uintptr_t)watch - (uintptr_t)stack),
			     [FN] = (void *)(uintptr_t)fn,
			     [ARG] = arg,
			     [WATCH] = watch}};
	return 0;
}

static void begin(unsigned high, unsigned low)
{
	weft_ctx_t *ctx = (weft_ctx_t *)((uintptr_t)high << 32 | low);
	void (*fn)(void *) = (void (*)(void *))(uintptr_t)ctx->opaque[FN];

	if (wf_watched)
		wf_hooks_arrive(ctx->opaque[WATCH]);
	fn(ctx->opaque[ARG]);
	__builtin_trap();
}

static _Noreturn void enter(weft_ctx_t *to)
{
	struct stopped *stopped = to->opaque[STOPPED];
	ucontext_t context;

	if (stopped)
		_longjmp(stopped->env, 1);
	getcontext(&context);
	context.uc_link = NULL;
	context.uc_stack.ss_sp = to->opaque[STACK];
	context.uc_stack.ss_size = (uintptr_t)to->opaque[SIZE];
	makecontext(&context, (void (*)(void))begin, 2, (unsigned)((uintptr_t)to >> 32),
		    (unsigned)(uintptr_t)to);
	setcontext(&context);
	__builtin_trap();
}

__attribute__((noinline)) void weft_ctx_portable_switch(weft_ctx_t *save, weft_ctx_t *to)
{
	struct stopped stopped;
	struct ctxstk *volatile self;

	save->opaque[STOPPED] = &stopped;
	if (!wf_watched) {
		if (!_setjmp(stopped.env))
			enter(to);
		return;
	}
	self = save->opaque[WATCH] ? save->opaque[WATCH] : wf_hooks_thread();
	if (!_setjmp(stopped.env)) {
		wf_hooks_leave(self, to->opaque[WATCH] ? to->opaque[WATCH] : wf_hooks_thread());
		enter(to);
	}
	wf_hooks_arrive(self);
}

void weft_ctx_portable_free(weft_ctx_t *ctx)
{
	if (ctx && ctx->opaque[WATCH])
		wf_hooks_unstack(ctx->opaque[WATCH]);
}

const char *weft_ctx_portable_backend(void)
{
	return "ucontext";
}
