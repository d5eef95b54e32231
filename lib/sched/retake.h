/*
 * Taking Ps from Ms that run: what stopping the world, sysmon and blocking calls share.
 */
#ifndef WF_RETAKE_H
#define WF_RETAKE_H

#include "sched/sched.h"

/* Take p from its M if that one is outside of the runtime. The caller holds
 * wf_sched.lock, and has passed a heavy barrier since it set a bit of ATTN_SETTLE in the
 * M's attn, where it still is (I4). The P is in the caller's hands then. */
bool wf_seize(struct p *p);

/* Take p from m, which is seen to have it, and have another M run it. False when m was
 * inside meanwhile or has it no more. why is one of enum retaken. */
bool wf_retake(struct p *p, struct m *m, uint32_t why);

/* Why a P was taken from an M; it looks there when it comes back. */
enum retaken {
	RETAKEN_NOT,
	RETAKEN_BLOCKED,   /* it was in a blocking call, or seemed to sleep */
	RETAKEN_PREEMPTED, /* it had computed for a slice */
};

/* --- block.c: entersyscall and exitsyscall ------------------------------------------ */

/* Let one of those go on who wait for a thread to block on, if there is one by now. */
void wf_blocking_admit(struct m *m);

/* m's thread is free again. */
void wf_blocking_left(struct m *m);

/* Whether somebody waits there; read without the lock as a hint. */
bool wf_blocking_waited(void);

struct m *wf_entersyscall(struct m *m, struct g *g);
void wf_exitsyscall(struct m *m, struct g *g);
void wf_blocking_forget(void); /* in a forked child */
/* A task ends, maybe inside a blocking call. */
void wf_blocking_ended(struct m *m, struct g *g);

/* Tasks that are in a blocking call now; with wf_sched.lock held. */
uint64_t wf_blocking_count(void);

/* --- sysmon.c ------------------------------------------------------------------------- */

void wf_sysmon(void);      /* its loop */
int wf_sysmon_start(void); /* 0, also when it runs already; else it can't be had now */
void wf_sysmon_stop(void);
void wf_sysmon_forget(void); /* in a forked child */

void wf_sysmon_awake(void); /* it slept deeply; with wf_sched.lock held */
/* Have it look soon: it has backed off while there is something to retake. */
void wf_sysmon_kick(void);
void wf_sysmon_look(void); /* there is work and an idle P, but no thread */
bool wf_sysmon_slow(void);

#endif
