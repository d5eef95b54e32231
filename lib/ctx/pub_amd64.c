/*
 * The public context layer on amd64: making a context, and the switch for
 * programs that a sanitizer watches. The plain switch is inline in weft/ctx.h.
 *
 * opaque[0..2] are the stack pointer, the frame pointer and the address to go
 * on at, as the inline switch has them; opaque[WATCH] is the record for the
 * watchers at the top of the context's stack, NULL for a thread's own.
 */
#include <errno.h>
#include <stdint.h>

#include <weft/ctx.h>

#include "ctx/ctx.h"

enum { SP, BP, PC, WATCH };

void wf_ctx_pubbegin(void);

/* What wf_ctx_pubbegin finds on the stack. */
struct beginning {
	void *arg;
	void (*fn)(void *);
};

/* In front of a watched context's function. */
static void watched_begin(void *first)
{
	struct beginning *beginning = first;

	wf_hooks_arrive((struct ctxstk *)(beginning + 1));
	beginning->fn(beginning->arg);
}

int weft_ctx_make(weft_ctx_t *ctx, void *stack, size_t size, void (*fn)(void *), void *arg)
{
	struct ctxstk *watch;
	struct beginning *beginning;
	uintptr_t top = (uintptr_t)stack + size;

	if (!ctx || !stack || !fn || size < WEFT_STACK_MIN)
		return EINVAL;
	wf_hooks_find();
	watch = (struct ctxstk *)((top - sizeof *watch) & ~(uintptr_t)63);
	*watch = (struct ctxstk){.lo = (uintptr_t)stack, .hi = (uintptr_t)watch};
	wf_hooks_stack(watch);
	beginning = (struct beginning *)watch - 1;
	*beginning = (struct beginning){arg, fn};
	if (wf_watched) {
		beginning[-1] = (struct beginning){beginning, watched_begin};
		beginning--;
	}
	*ctx = (weft_ctx_t){
		{[SP] = beginning, [PC] = (void *)(uintptr_t)wf_ctx_pubbegin, [WATCH] = watch}};
	return 0;
}

/* The record of a context; one that was never made is a thread's own. */
static struct ctxstk *watch_of(weft_ctx_t *ctx)
{
	return ctx->opaque[WATCH] ? ctx->opaque[WATCH] : wf_hooks_thread();
}

WF_NOWATCH void weft_ctx_watched_switch(weft_ctx_t *save, weft_ctx_t *to)
{
	struct ctxstk *self;

	if (!wf_watched) {
		weft_ctx_bare_switch(save, to);
		return;
	}
	self = watch_of(save);
	wf_hooks_leave(self, watch_of(to));
	weft_ctx_bare_switch(save, to);
	wf_hooks_arrive(self);
}

void weft_ctx_free(weft_ctx_t *ctx)
{
	if (ctx && ctx->opaque[WATCH])
		wf_hooks_unstack(ctx->opaque[WATCH]);
}

const char *weft_ctx_backend(void)
{
	return "amd64";
}
