/*
 * The thread-local variables of the runtime.
 */
#include "ctx/ctx.h"

__thread struct g *wf_tls_g __attribute__((used));
__thread struct m *wf_tls_m __attribute__((used));
