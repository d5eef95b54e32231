/*
 * The attributes of synchronisation objects. Each is one word that is 0 by default; what
 * can have one value only is not kept.
 */
#include <errno.h>

#include "sync/sync.h"

static int set(void *attr, int value)
{
	if (!attr)
		return EINVAL;
	*(int *)attr = value;
	return 0;
}

static bool valid(const void *attr)
{
	return attr && *(const int *)attr != ATTR_GONE;
}

static int destroy(void *attr)
{
	return valid(attr) ? set(attr, ATTR_GONE) : EINVAL;
}

static int get(const void *attr, int *value)
{
	if (!valid(attr) || !value)
		return EINVAL;
	*value = *(const int *)attr;
	return 0;
}

/* The values are 0, which is the only one to be had, to last. */
static int set_only(const void *attr, int value, int last)
{
	if (!valid(attr) || value < 0 || value > last)
		return EINVAL;
	return value ? ENOTSUP : 0;
}

static int get_only(const void *attr, int *value)
{
	if (!valid(attr) || !value)
		return EINVAL;
	*value = 0;
	return 0;
}

/* --- mutexes --------------------------------------------------------------------- */

int weft_mutexattr_init(weft_mutexattr_t *attr)
{
	return set(attr, 0);
}

int weft_mutexattr_destroy(weft_mutexattr_t *attr)
{
	return destroy(attr);
}

int weft_mutexattr_settype(weft_mutexattr_t *attr, int type)
{
	if (!valid(attr) || type < WEFT_MUTEX_NORMAL || type > WEFT_MUTEX_ERRORCHECK)
		return EINVAL;
	return set(attr, type);
}

int weft_mutexattr_gettype(const weft_mutexattr_t *attr, int *type)
{
	return get(attr, type);
}

int weft_mutexattr_setpshared(weft_mutexattr_t *attr, int pshared)
{
	return set_only(attr, pshared, WEFT_PROCESS_SHARED);
}

int weft_mutexattr_getpshared(const weft_mutexattr_t *attr, int *pshared)
{
	return get_only(attr, pshared);
}

int weft_mutexattr_setprotocol(weft_mutexattr_t *attr, int protocol)
{
	return set_only(attr, protocol, WEFT_PRIO_PROTECT);
}

int weft_mutexattr_getprotocol(const weft_mutexattr_t *attr, int *protocol)
{
	return get_only(attr, protocol);
}

int weft_mutexattr_setrobust(weft_mutexattr_t *attr, int robust)
{
	return set_only(attr, robust, WEFT_MUTEX_ROBUST);
}

int weft_mutexattr_getrobust(const weft_mutexattr_t *attr, int *robust)
{
	return get_only(attr, robust);
}

/* --- condition variables ------------------------------------------------------------ */

int weft_condattr_init(weft_condattr_t *attr)
{
	return set(attr, 0);
}

int weft_condattr_destroy(weft_condattr_t *attr)
{
	return destroy(attr);
}

int weft_condattr_setclock(weft_condattr_t *attr, clockid_t clock)
{
	if (!valid(attr) || !wf_clock_known(clock))
		return EINVAL;
	return set(attr, clock);
}

int weft_condattr_getclock(const weft_condattr_t *attr, clockid_t *clock)
{
	return get(attr, clock);
}

int weft_condattr_setpshared(weft_condattr_t *attr, int pshared)
{
	return set_only(attr, pshared, WEFT_PROCESS_SHARED);
}

int weft_condattr_getpshared(const weft_condattr_t *attr, int *pshared)
{
	return get_only(attr, pshared);
}

/* --- read-write locks ------------------------------------------------------------------ */

int weft_rwlockattr_init(weft_rwlockattr_t *attr)
{
	return set(attr, 0);
}

int weft_rwlockattr_destroy(weft_rwlockattr_t *attr)
{
	return destroy(attr);
}

int weft_rwlockattr_setpshared(weft_rwlockattr_t *attr, int pshared)
{
	return set_only(attr, pshared, WEFT_PROCESS_SHARED);
}

int weft_rwlockattr_getpshared(const weft_rwlockattr_t *attr, int *pshared)
{
	return get_only(attr, pshared);
}

/* --- barriers ----------------------------------------------------------------------------- */

int weft_barrierattr_init(weft_barrierattr_t *attr)
{
	return set(attr, 0);
}

int weft_barrierattr_destroy(weft_barrierattr_t *attr)
{
	return destroy(attr);
}

int weft_barrierattr_setpshared(weft_barrierattr_t *attr, int pshared)
{
	return set_only(attr, pshared, WEFT_PROCESS_SHARED);
}

int weft_barrierattr_getpshared(const weft_barrierattr_t *attr, int *pshared)
{
	return get_only(attr, pshared);
}
