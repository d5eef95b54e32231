/*
 * The one thread-local variable of the runtime.
 */
#include "ctx/ctx.h"

__thread struct g *wf_tls_g __attribute__((used));
