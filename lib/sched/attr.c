/*
 * Attributes of tasks to be made.
 *
 * A weft_attr_t is plain words, and all zero is the default: a stack size of 0
 * is the runtime's, a guard is kept plus one for the same reason.
 */
#include <errno.h>
#include <string.h>

#include "sched/attr.h"

enum { SIZE_MAX_STACK = 1 << 30 };

int weft_attr_init(weft_attr_t *attr)
{
	if (!attr)
		return EINVAL;
	memset(attr, 0, sizeof *attr);
	return 0;
}

int weft_attr_destroy(weft_attr_t *attr)
{
	if (!wf_attr_valid(attr))
		return EINVAL;
	attr->opaque[ATTR_FLAGS] = ATTR_DESTROYED;
	return 0;
}

bool wf_attr_valid(const weft_attr_t *attr)
{
	return attr && attr->opaque[ATTR_FLAGS] <= ATTR_ALL;
}

int weft_attr_setstacksize(weft_attr_t *attr, size_t size)
{
	if (!wf_attr_valid(attr) || size < WEFT_STACK_MIN || size > SIZE_MAX_STACK)
		return EINVAL;
	attr->opaque[ATTR_STACK] = size;
	return 0;
}

int weft_attr_getstacksize(const weft_attr_t *attr, size_t *size)
{
	if (!wf_attr_valid(attr) || !size)
		return EINVAL;
	wf_settle();
	*size = attr->opaque[ATTR_STACK] ? attr->opaque[ATTR_STACK] : wf_settings.stacksize;
	return 0;
}

int weft_attr_setguardsize(weft_attr_t *attr, size_t size)
{
	if (!wf_attr_valid(attr) || size > SIZE_MAX_STACK)
		return EINVAL;
	attr->opaque[ATTR_GUARD] = size + 1;
	return 0;
}

int weft_attr_getguardsize(const weft_attr_t *attr, size_t *size)
{
	if (!wf_attr_valid(attr) || !size)
		return EINVAL;
	wf_settle();
	*size = attr->opaque[ATTR_GUARD] ? attr->opaque[ATTR_GUARD] - 1 : wf_settings.guardsize;
	return 0;
}

static int setflag(weft_attr_t *attr, uint64_t flag, bool on)
{
	if (!wf_attr_valid(attr))
		return EINVAL;
	if (on)
		attr->opaque[ATTR_FLAGS] |= flag;
	else
		attr->opaque[ATTR_FLAGS] &= ~flag;
	return 0;
}

static int getflag(const weft_attr_t *attr, uint64_t flag, int *on)
{
	if (!wf_attr_valid(attr) || !on)
		return EINVAL;
	*on = (attr->opaque[ATTR_FLAGS] & flag) != 0;
	return 0;
}

int weft_attr_setdetachstate(weft_attr_t *attr, int state)
{
	if (state != WEFT_CREATE_JOINABLE && state != WEFT_CREATE_DETACHED)
		return EINVAL;
	return setflag(attr, ATTR_DETACHED, state == WEFT_CREATE_DETACHED);
}

int weft_attr_getdetachstate(const weft_attr_t *attr, int *state)
{
	return getflag(attr, ATTR_DETACHED, state);
}

int weft_attr_setfpenv(weft_attr_t *attr, int own)
{
	return own == 0 || own == 1 ? setflag(attr, ATTR_FPENV, own) : EINVAL;
}

int weft_attr_getfpenv(const weft_attr_t *attr, int *own)
{
	return getflag(attr, ATTR_FPENV, own);
}

int weft_attr_setname(weft_attr_t *attr, const char *name)
{
	if (!wf_attr_valid(attr) || !name)
		return EINVAL;
	if (strlen(name) > WEFT_NAME_MAX)
		return ERANGE;
	strcpy((char *)&attr->opaque[ATTR_NAME], name);
	return 0;
}

int weft_attr_getname(const weft_attr_t *attr, char *name, size_t size)
{
	if (!wf_attr_valid(attr) || !name)
		return EINVAL;
	if (strlen((const char *)&attr->opaque[ATTR_NAME]) >= size)
		return ERANGE;
	strcpy(name, (const char *)&attr->opaque[ATTR_NAME]);
	return 0;
}
