/*
 * The one thread-local variable of the runtime.
 */
#include "ctx/ctx.h"

__thread struct g *wf_tls_g __attribute__((used));

#if !defined __x86_64__ || defined __ILP32__
/* Out of line and opaque, so that no caller keeps the variable's address over
 * a switch to another thread. */
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
#endif
