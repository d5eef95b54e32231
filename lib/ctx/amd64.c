/*
 * The amd64 backend, what of it is neither assembly nor inline: making a fresh
 * context, saying where a stopped one is, control words.
 *
 * A context that wf_ctx_switch stopped has its frame pointer in ctxt; one that
 * wf_ctx_mcall stopped has all on its stack, from its sp upwards: r15 r14 r13 r12
 * rbx rbp and the address to go on at.
 */
#include "ctx/ctx.h"

const char wf_ctx_name[] = "amd64";

enum { R15, R14, R13, R12, RBX, RBP, RIP, FRAME };

void wf_resume(void);
void wf_ctx_begin(void);

void wf_ctx_init(struct gobuf *buf, uintptr_t lo, uintptr_t hi, wf_ctx_entry *entry)
{
	uintptr_t *top = (uintptr_t *)(hi & ~(uintptr_t)15) - 1;

	(void)lo;
	*top = (uintptr_t)entry;
	buf->sp = (uintptr_t)top;
	buf->pc = (uintptr_t)wf_ctx_begin;
	buf->ctxt = 0;
}

void wf_ctx_frame(const struct gobuf *buf, struct ctxframe *frame)
{
	const uintptr_t *saved = (const uintptr_t *)buf->sp;

	if (buf->pc != (uintptr_t)wf_resume) {
		*frame = (struct ctxframe){.pc = buf->pc, .sp = buf->sp, .rbp = buf->ctxt};
		return;
	}
	*frame = (struct ctxframe){
		.pc = saved[RIP],
		.sp = buf->sp + FRAME * sizeof *saved,
		.rbx = saved[RBX],
		.rbp = saved[RBP],
		.r12 = saved[R12],
		.r13 = saved[R13],
		.r14 = saved[R14],
		.r15 = saved[R15],
	};
}

void wf_fpenv_save(struct fpenv *env)
{
	__asm__ __volatile__("stmxcsr %0\n\tfnstcw %1" : "=m"(env->words[0]), "=m"(env->words[1]));
}

void wf_fpenv_load(const struct fpenv *env)
{
	__asm__ __volatile__("ldmxcsr %0\n\tfldcw %1" : : "m"(env->words[0]), "m"(env->words[1]));
}

WF_NOWATCH struct m *wf_watched_switch(struct gobuf *from, struct gobuf *to, struct m *m,
				       struct ctxstk *fromstk, struct ctxstk *tostk)
{
	wf_hooks_leave(fromstk, tostk);
	m = wf_ctx_switch(from, to, m);
	wf_hooks_arrive(fromstk);
	return m;
}

WF_NOWATCH struct m *wf_watched_mcall(struct gobuf *from, struct gobuf *g0, void (*fn)(struct g *),
				      struct g *g, struct ctxstk *fromstk, struct ctxstk *tostk)
{
	struct m *m;

	wf_hooks_leave(fromstk, tostk);
	m = wf_ctx_mcall(from, g0, fn, g);
	wf_hooks_arrive(fromstk);
	return m;
}

void wf_ctx_clear_flags(void)
{
	__asm__ __volatile__("cld" : : : "cc");
}

uintptr_t wf_ctx_low(const struct gobuf *buf)
{
	enum { RED_ZONE = 128 };

	return buf->sp - RED_ZONE;
}
