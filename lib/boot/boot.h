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
unsigned wf_cgroup_limit(void); /* whole CPUs, at least one; 0: there is no limit */
void wf_main(void *program);
void wf_osboot(void);   /* what each boot asks anew */
void wf_osforget(void); /* in a forked child: all of it */
/* Give back what the runtime has: all its threads have ended, or none was started. */
void wf_free_all(void);
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

/* --- start.c: whether it is up ------------------------------------------------------- */

extern struct runtime {
	struct lock lock; /* guards all here; held while booting and going down */
	_Atomic bool up;
	bool m0taken;           /* a thread is m0 */
	pthread_t lazy;         /* the thread that is m0 after a lazy boot */
	struct note booted;     /* set when the lazy m0 is up, or could not be */
	int error;              /* why it could not */
	struct program *exited; /* whose mains left by weft_exit; under wf_sched.lock */
} wf_runtime WF_HIDDEN;

/* On a page of its own, which the kernel wipes in a forked child. */
extern struct alive {
	_Alignas(PAGE) _Atomic uint32_t up; /* calls may go ahead */
	_Atomic uint32_t here;              /* set as long as wf_runtime.up is */
} wf_alive WF_HIDDEN;

extern enum way wf_way WF_HIDDEN;
extern int wf_argc WF_HIDDEN;
extern char **wf_argv WF_HIDDEN;

#endif
