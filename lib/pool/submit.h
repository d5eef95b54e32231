/*
 * A job that waits for room: in the frame of its submitter.
 */
#ifndef WF_POOL_SUBMIT_H
#define WF_POOL_SUBMIT_H

#include "pool/pool.h"

struct offer {
	struct waiter w; /* in senders; its data is the offer */
	struct job *job;
	unsigned prio;
	int outcome; /* once woken: 0, the pool has the job; or why it has not */
};

#endif
