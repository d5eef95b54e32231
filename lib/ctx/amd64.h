/*
 * What of the amd64 backend is inline: the switch, and the thread-local variable.
 *
 * The switch saves the stack pointer, the frame pointer and where to go on, and
 * declares all else clobbered: the compiler saves what is live and nothing more.
 * It is not a call, so that the processor's stack of return addresses, which the
 * call of the scheduler pushed to, fits the return that ends it: a call that is
 * left by a jump would have every return after it mispredicted. The M goes over in
 * rax. Nothing is pushed: below the stack pointer the compiler may have live data.
 */
#ifndef WF_CTX_BACKEND_H
#define WF_CTX_BACKEND_H

#if defined __AVX512F__
#define WF_CTX_CLOBBER_AVX512                                                                      \
	, "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24",         \
		"xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3",   \
		"k4", "k5", "k6", "k7"
#else
#define WF_CTX_CLOBBER_AVX512
#endif

static inline struct m *wf_ctx_switch(struct gobuf *from, struct gobuf *to, struct m *m)
{
	__asm__ __volatile__(
		"leaq 1f(%%rip), %%rcx\n\t"
		"movq %%rsp, %c[sp](%%rdi)\n\t"
		"movq %%rbp, %c[ctxt](%%rdi)\n\t"
		"movq %%rcx, %c[pc](%%rdi)\n\t"
		"movq %c[sp](%%rsi), %%rsp\n\t"
		"movq %c[ctxt](%%rsi), %%rbp\n\t"
		"jmpq *%c[pc](%%rsi)\n\t"
		".p2align 3\n"
		"1:\n\t"
		"endbr64"
		: "+a"(m), "+D"(from), "+S"(to)
		: [sp] "i"(WF_GOBUF_SP), [pc] "i"(WF_GOBUF_PC), [ctxt] "i"(WF_GOBUF_CTXT)
		: "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0",
		  "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
		  "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "st", "st(1)", "st(2)", "st(3)",
		  "st(4)", "st(5)", "st(6)", "st(7)", "cc", "memory" WF_CTX_CLOBBER_AVX512);
	return m;
}

static inline struct g *wf_getg(void)
{
	struct g *g;

	__asm__ __volatile__("movq wf_tls_g@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0" : "=&r"(g));
	return g;
}

static inline void wf_setg(struct g *g)
{
	uintptr_t off;

	__asm__ __volatile__("movq wf_tls_g@gottpoff(%%rip), %0\n\tmovq %1, %%fs:(%0)"
			     : "=&r"(off)
			     : "r"(g)
			     : "memory");
}

static inline struct m *wf_getm(void)
{
	struct m *m;

	__asm__ __volatile__("movq wf_tls_m@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0" : "=&r"(m));
	return m;
}

static inline void wf_setm(struct m *m)
{
	uintptr_t off;

	__asm__ __volatile__("movq wf_tls_m@gottpoff(%%rip), %0\n\tmovq %1, %%fs:(%0)"
			     : "=&r"(off)
			     : "r"(m)
			     : "memory");
}

/* A stopped context goes on under another gobuf's name. */
static inline void wf_ctx_hand(struct gobuf *to, const struct gobuf *from)
{
	to->sp = from->sp;
	to->pc = from->pc;
	to->ctxt = from->ctxt;
}

#endif
