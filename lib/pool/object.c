/*
 * Pools and groups by their handles.
 */
#include <errno.h>

#include "pool/pool.h"

struct m *wf_object_lock(void *object, enum kind kind, int *error)
{
	struct object *o = object;
	struct m *m = wf_enter_any();

	*error = !m ? ENOMEM : o && o->magic == wf_magic(kind) ? 0 : EINVAL;
	if (!*error) {
		wf_lock(&o->lock);
		return m;
	}
	if (m)
		wf_leave_any(m);
	return NULL;
}
