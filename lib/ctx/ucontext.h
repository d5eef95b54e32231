/*
 * The portable backend is all out of line: a switch records where its frame is, and
 * the thread-local variable is read where no compiler can keep its address.
 */
#ifndef WF_CTX_BACKEND_H
#define WF_CTX_BACKEND_H

struct m *wf_ctx_switch(struct gobuf *from, struct gobuf *to, struct m *m);
struct g *wf_getg(void);
void wf_setg(struct g *g);
struct m *wf_getm(void);
void wf_setm(struct m *m);

/* A stopped or fresh context goes on under another gobuf's name. */
static inline void wf_ctx_hand(struct gobuf *to, const struct gobuf *from)
{
	to->sp = from->sp;
	to->pc = from->pc;
	to->ctxt = from->ctxt;
	to->ret = from->ret;
}

#endif
