/*
 * The context layer: what it takes to leave one stack and go on on another.
 *
 * It knows nothing of scheduling. A gobuf is where a context stopped; a ctxstk
 * is a stack with what sanitizers and Valgrind want to know of it. A backend
 * (amd64.S or ucontext.c, chosen by configure) provides the five calls below;
 * hooks.c wraps them for programs that a sanitizer watches.
 *
 * Contexts and what may be done to them:
 *   fresh    wf_ctx_init made it; entering it calls its entry with the M
 *   stopped  wf_ctx_switch or wf_ctx_mcall saved it; entering it makes that
 *            call return, with the M that runs it now
 *   g0       wf_save recorded it; wf_ctx_mcall runs functions there, wf_gogo
 *            makes wf_ctx_g0call return
 * Nobody enters a context before the switch that saves it has left its stack:
 * the scheduler's commits see to that.
 */
#ifndef WF_CTX_H
#define WF_CTX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctx/offsets.h"

/* On declarations of the library's own variables: they are reached without the global offset
 * table. (-fvisibility=hidden is about definitions.) */
#define WF_HIDDEN __attribute__((visibility("hidden")))

struct g;
struct m;

/* Where a context goes on; ctxt is the backend's own word of a stopped one. For a
 * task that has not run: pc is its function, ctxt its argument, lr the address
 * after the call that made it. ret is a task's result once it has ended. */
struct gobuf {
	uintptr_t sp;
	uintptr_t pc;
	struct g *g;
	uintptr_t ctxt;
	uintptr_t ret;
	uintptr_t lr;
};

/* A stack as the watchers know it. */
struct ctxstk {
	uintptr_t lo, hi;
	void *fibre; /* ThreadSanitizer's */
	void *fake;  /* AddressSanitizer's, while the stack is left */
	unsigned id; /* Valgrind's */
};

typedef void wf_ctx_entry(struct m *);

/* Make buf a fresh context on a stack whose usable end is hi. */
void wf_ctx_init(struct gobuf *buf, uintptr_t lo, uintptr_t hi, wf_ctx_entry *entry);

/* Of the thread: the G that it runs, and the M that it is; NULL on a foreign thread. The M
 * under a G changes whenever it parks, so both are asked anew after every switch and never
 * kept in an address. The M is the shorter way where a call begins: what a switch has just
 * stored is not on it. */
extern __thread struct g *wf_tls_g __attribute__((tls_model("initial-exec"))) WF_HIDDEN;
extern __thread struct m *wf_tls_m __attribute__((tls_model("initial-exec"))) WF_HIDDEN;

/* wf_getg(), wf_setg(g), wf_getm() and wf_setm(m) are the backend's.
 * wf_ctx_switch(from, to, m): save the caller in from, go on in to. Returns the M
 * that the caller runs on when it goes on. */
#include "ctx/backend.h"

/* Save the caller in from and call fn(g) on g0's stack; fn does not return. */
struct m *wf_ctx_mcall(struct gobuf *from, struct gobuf *g0, void (*fn)(struct g *), struct g *g);

/* Go on in buf without saving anything. buf->g->m is the M. */
_Noreturn void wf_gogo(struct gobuf *buf);

/* Call fn on the thread's own stack; returns when wf_gogo enters what fn
 * recorded with wf_save, or when fn returns. */
void wf_ctx_g0call(void (*fn)(void));

/* The backend's name, and the frame to begin a stopped context's backtrace at. */
extern const char wf_ctx_name[];
struct ctxframe {
	uintptr_t pc, sp;
	uintptr_t rbx, rbp, r12, r13, r14, r15;
};
void wf_ctx_frame(const struct gobuf *buf, struct ctxframe *frame);

/* Below this a stopped context has nothing on its stack; 0 when it has none yet. */
uintptr_t wf_ctx_low(const struct gobuf *buf);

/* What the ABI wants of a thread's flags that nobody has set up: CLD. */
void wf_ctx_clear_flags(void);

/* The floating-point control words, for tasks that own theirs: as many words as
 * the backend's way of saving them takes. */
struct fpenv {
	uint64_t words[4];
};
void wf_fpenv_save(struct fpenv *);
void wf_fpenv_load(const struct fpenv *);

/* --- watchers ----------------------------------------------------------- */

/* Whether a sanitizer is in the process or Valgrind under it: set at boot by
 * wf_hooks_find, from then on constant. */
extern bool wf_watched WF_HIDDEN;

void wf_hooks_find(void);
void wf_hooks_stack(struct ctxstk *);   /* a stack begins to be one */
void wf_hooks_unstack(struct ctxstk *); /* and ends */
struct ctxstk *wf_hooks_thread(void);   /* the calling thread's own stack */

/* Around a switch, in the order of the calls: leave on the old stack (from is
 * NULL when nobody comes back to it), arrive on the new one. */
void wf_hooks_leave(struct ctxstk *from, struct ctxstk *to);
void wf_hooks_arrive(struct ctxstk *self);

/* The calls above, told to the watchers: slower, used only if wf_watched. */
struct m *wf_watched_switch(struct gobuf *from, struct gobuf *to, struct m *m,
			    struct ctxstk *fromstk, struct ctxstk *tostk);
struct m *wf_watched_mcall(struct gobuf *from, struct gobuf *g0, void (*fn)(struct g *),
			   struct g *g, struct ctxstk *fromstk, struct ctxstk *tostk);

/* Functions that switch away and never return would leave their frames in
 * ThreadSanitizer's shadow of the stack: they are not instrumented. */
#if defined __clang__
#define WF_NOWATCH                                                                                 \
	__attribute__((noinline, no_sanitize("thread"), disable_sanitizer_instrumentation))
#else
#define WF_NOWATCH __attribute__((noinline, no_sanitize("thread")))
#endif

#endif
