/*
 * Bootstrap: what its files share. doc/bootstrap.md tells the sequence.
 */
#ifndef WF_BOOT_H
#define WF_BOOT_H

#include <weft/runtime.h>

#include "sched/sched.h"

/* Which of the three ways in was taken. */
enum way { WAY_START, WAY_CRT, WAY_LAZY };

/* What the first G runs, and what rt0_go is to do with it. */
struct program {
	int (*main)(int, char **);
	int (*crtmain)(int, char **, char **); /* of the start object */
	int argc;
	char **argv, **envp;
	int result;
	enum way way;
	struct note *done;    /* who waits for a main that is not m0's; NULL: m0 does */
	struct program *next; /* among those that wait for the last task to end */
};

/* Becomes m0, runs the scheduler until wf_main is done (or the runtime goes down)
 * and returns; or returns an error number, and nothing was done. */
int wf_rt0_go(struct program *program);
void wf_become_m0(void);
void wf_booted(void); /* from here on the runtime is up */

void wf_check(void);
void wf_args(int argc, char **argv);
unsigned wf_getncpu(void);
void wf_main(void *program);
void wf_osreset(void);
/* What a program's main needs in stack: RLIMIT_STACK's soft limit. */
size_t wf_mainstack(void);

/* --- steps.c: the steps of the bootstrap as they were taken ----------------------- */

struct step {
	const char *name;
	int64_t ns; /* since the first */
};
void wf_step(const char *name);
void wf_steps_begin(void);
unsigned wf_steps(const struct step **steps);

/* --- config.c ------------------------------------------------------------------------ */

void wf_unsettle(void); /* the next boot reads the settings anew */

extern enum way wf_way WF_HIDDEN;
extern int wf_argc WF_HIDDEN;
extern char **wf_argv WF_HIDDEN;

#endif
