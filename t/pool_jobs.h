/*
 * Jobs that leave a trace, for the tests of pools.
 */
#ifndef T_POOL_JOBS_H
#define T_POOL_JOBS_H

#include "pool_suite.h"

/* Jobs that have run; that hold has begun; what it waits for. */
extern _Atomic int ran, begun, gate;

void count(void *arg); /* counts in ran */
void hold(void *arg);  /* counts in begun, waits until gate is 1, counts in ran */

/* Counts in ran, and gives others time to run meanwhile; most is how many did at once. */
extern _Atomic int most;
void count_at_once(void *arg);

/* Writes a letter (as_arg) to order, at ran, and counts. */
extern char order[64];
void note_letter(void *letter);

/* A pool of so many workers, each of which runs a job that waits for the gate. */
weft_pool_t *occupied(weft_pool_attr_t attr);

/* A task or thread that submits note_letter, and waits for room. */
struct blocked {
	weft_pool_t *pool;
	_Atomic int error, done;
	char letter;
};
void *submit_blocked(void *blocked);

#endif
