/*
 * The context layer alone: stacks that one thread switches between.
 *
 * For those who build a scheduler of their own, and for measuring. There is no
 * runtime in here: no thread is started and nothing is shared. A context may be
 * resumed by another thread than the one it stopped on, but two threads may not
 * be in one context at a time.
 *
 * On amd64 the switch is inline: it saves the stack pointer, the frame pointer
 * and where to go on, and declares every other register clobbered, so that the
 * compiler saves just what it needs afterwards. Floating-point control words
 * are left alone. Elsewhere, and in a translation unit compiled with
 * WEFT_CTX_PORTABLE defined, the portable layer on makecontext and _setjmp is used.
 */
#ifndef WEFT_CTX_H
#define WEFT_CTX_H

#include <stddef.h>
#include <weft/ctx_config.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** The least size of a context's stack in bytes. */
#ifndef WEFT_STACK_MIN
#define WEFT_STACK_MIN 16384
#endif

/**
 * A context that is not running. All zero is a fit place to save into; what
 * else a backend needs lies on the context's own stack.
 */
typedef struct {
	void *opaque[8];
} weft_ctx_t;

/** The portable layer under names of its own; weft_ctx_* stands for them where it is used. */
int weft_ctx_portable_make(weft_ctx_t *, void *stack, size_t size, void (*fn)(void *), void *arg);
void weft_ctx_portable_switch(weft_ctx_t *save, weft_ctx_t *to);
void weft_ctx_portable_free(weft_ctx_t *);
const char *weft_ctx_portable_backend(void);

#if WEFT_CTX_DEFAULT_AMD64 && !defined WEFT_CTX_PORTABLE

/**
 * Make a context that calls fn(arg) on a stack when it is switched to first.
 *
 * @param ctx   where the context goes
 * @param stack its lowest byte; the caller's until the context is no longer used
 * @param size  in bytes, WEFT_STACK_MIN or more
 * @param fn    must not return: it switches away for the last time
 * @param arg   handed to fn
 * @return 0; EINVAL (NULL, size below WEFT_STACK_MIN); ENOMEM
 * Callable from any thread. Semantics: makecontext, and no scheduler: nothing parks.
 */
int weft_ctx_make(weft_ctx_t *ctx, void *stack, size_t size, void (*fn)(void *), void *arg);

/** Release what the layer holds for a context (sanitizers, Valgrind), not its stack. The
 * context is not in use; ctx may be NULL. */
void weft_ctx_free(weft_ctx_t *ctx);

/** The layer's name. @return "amd64", "ucontext", ...; static */
const char *weft_ctx_backend(void);

/** The switch of programs that a sanitizer watches: tells it, then switches. */
void weft_ctx_watched_switch(weft_ctx_t *save, weft_ctx_t *to);

#if defined __AVX512F__
#define WEFT_CTX_CLOBBER_AVX512                                                                    \
	, "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24",         \
		"xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3",   \
		"k4", "k5", "k6", "k7"
#else
#define WEFT_CTX_CLOBBER_AVX512
#endif

/**
 * The bare switch: save the caller's context and go on in another.
 *
 * Nothing is pushed (the caller may keep live data below its stack pointer),
 * and rbp is saved by hand because gcc refuses it as a clobber without
 * optimisation.
 */
static inline void weft_ctx_bare_switch(weft_ctx_t *save, weft_ctx_t *to)
{
	__asm__ __volatile__("leaq 1f(%%rip), %%rcx\n\t"
			     "movq %%rsp, (%%rax)\n\t"
			     "movq %%rbp, 8(%%rax)\n\t"
			     "movq %%rcx, 16(%%rax)\n\t"
			     "movq (%%rdx), %%rsp\n\t"
			     "movq 8(%%rdx), %%rbp\n\t"
			     "jmpq *16(%%rdx)\n\t"
			     ".p2align 3\n"
			     "1:\n\t"
			     "endbr64"
			     : "+a"(save), "+d"(to)
			     :
			     : "rbx", "rcx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
			       "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
			       "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
			       "xmm15", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)",
			       "st(7)", "cc", "memory" WEFT_CTX_CLOBBER_AVX512);
}

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define WEFT_CTX_WATCHED 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WEFT_CTX_WATCHED 1
#endif
#endif

/**
 * Save the calling context and go on in another.
 *
 * @param save where the caller's goes; valid until it is switched to
 * @param to   a context that was made, or saved by an earlier switch
 * Returns when something switches to save again.
 */
static inline void weft_ctx_switch(weft_ctx_t *save, weft_ctx_t *to)
{
#ifdef WEFT_CTX_WATCHED
	weft_ctx_watched_switch(save, to);
#else
	weft_ctx_bare_switch(save, to);
#endif
}

#else

static inline int weft_ctx_make(weft_ctx_t *ctx, void *stack, size_t size, void (*fn)(void *),
				void *arg)
{
	return weft_ctx_portable_make(ctx, stack, size, fn, arg);
}

static inline void weft_ctx_free(weft_ctx_t *ctx)
{
	weft_ctx_portable_free(ctx);
}

static inline const char *weft_ctx_backend(void)
{
	return weft_ctx_portable_backend();
}

static inline void weft_ctx_switch(weft_ctx_t *save, weft_ctx_t *to)
{
	weft_ctx_portable_switch(save, to);
}

#endif

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
