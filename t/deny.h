/*
 * A kernel that refuses: seccomp filters for the calling process, for good.
 */
#ifndef T_DENY_H
#define T_DENY_H

#include <stdbool.h>
#include <stdint.h>

enum { ANY = -1 };

/* A call that fails with an error number: every one of the number, or those whose
 * argument arg has one of the bits mask, or (mask 0) is equal to value. */
struct denial {
	int number, error;
	int arg; /* ANY: whatever the arguments */
	uint32_t mask, value;
};

/* All threads' calls from now on; false where there is no seccomp. */
bool deny(const struct denial *denial);

#endif
