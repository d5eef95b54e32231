/*
 * The words of a weft_attr_t; for attr.c and create.c.
 */
#ifndef WF_ATTR_H
#define WF_ATTR_H

#include <weft/task.h>

#include "sched/sched.h"

enum { ATTR_STACK, ATTR_GUARD, ATTR_FLAGS, ATTR_NAME };
enum {
	ATTR_DETACHED = 1,
	ATTR_FPENV = 2,
	ATTR_ALL = 3,
	ATTR_LEAVING = 4, /* the library's alone: as wf_leaving, from the beginning */
	ATTR_DESTROYED = 0xdead,
};

bool wf_attr_valid(const weft_attr_t *attr);

#endif
