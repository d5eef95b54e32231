/*
 * Tasks' names: a table on the side, so that the many tasks without one carry
 * nothing for it. GC_NAMED in a G's cancel word says that it is in there; its end
 * takes it out.
 */
#include <errno.h>
#include <string.h>

#include <weft/task.h>

#include "sched/fast.h"

enum { BUCKETS = 1024 };

struct named {
	struct named *next;
	const struct g *g;
	char name[WEFT_NAME_MAX + 1];
};

static struct names {
	struct lock lock; /* guards all */
	struct named *bucket[BUCKETS];
} wf_names;

static struct named **bucket_of(const struct g *g)
{
	return &wf_names.bucket[(uintptr_t)g / sizeof *g % BUCKETS];
}

/* Where g's entry is linked; the end of its bucket when it has none. */
static struct named **find(const struct g *g)
{
	struct named **at = bucket_of(g);

	while (*at && (*at)->g != g)
		at = &(*at)->next;
	return at;
}

/* g can't end meanwhile: its life is locked, or it is in nobody else's hands. */
int wf_name_set(struct g *g, const char *name)
{
	struct named *fresh = wf_alloc(sizeof *fresh), **at;

	if (!fresh)
		return ENOMEM;
	wf_lock(&wf_names.lock);
	at = find(g);
	if (!*at) {
		fresh->g = g;
		*at = fresh;
		fresh = NULL;
		atomic_fetch_or(&g->cancel, GC_NAMED);
	}
	memset((*at)->name, 0, sizeof(*at)->name);
	memcpy((*at)->name, name, strlen(name));
	wf_unlock(&wf_names.lock);
	wf_free(fresh, sizeof *fresh);
	return 0;
}

void wf_name_get(const struct g *g, char name[WEFT_NAME_MAX + 1])
{
	struct named *named;

	wf_lock(&wf_names.lock);
	named = *find(g);
	strcpy(name, named ? named->name : "");
	wf_unlock(&wf_names.lock);
}

void wf_name_drop(struct g *g)
{
	struct named **at, *named;

	wf_lock(&wf_names.lock);
	at = find(g);
	named = *at;
	if (named)
		*at = named->next;
	wf_unlock(&wf_names.lock);
	wf_free(named, sizeof *named);
}

/* The runtime is down: what names are left go with its memory. */
void wf_names_reset(void)
{
	memset(&wf_names, 0, sizeof wf_names);
}

int weft_setname(weft_t task, const char *name)
{
	struct g *g;
	struct m *m;
	uint64_t life;
	int error = ESRCH;

	if (!name)
		return EINVAL;
	if (strlen(name) > WEFT_NAME_MAX)
		return ERANGE;
	m = wf_enter_any();
	if (!m)
		return ENOMEM;
	if (wf_lifelock_begun(task, &g, &life)) {
		error = wf_name_set(g, name);
		wf_lifeunlock(g, life);
	}
	wf_leave_any(m);
	return error;
}

int weft_getname(weft_t task, char *name, size_t size)
{
	char found[WEFT_NAME_MAX + 1];
	struct g *g;
	struct m *m;
	uint64_t life;
	bool known;

	if (!name)
		return EINVAL;
	m = wf_enter_any();
	if (!m)
		return ENOMEM;
	known = wf_lifelock_begun(task, &g, &life);
	if (known) {
		wf_name_get(g, found);
		wf_lifeunlock(g, life);
	}
	wf_leave_any(m);
	if (!known)
		return ESRCH;
	if (strlen(found) >= size)
		return ERANGE;
	strcpy(name, found);
	return 0;
}
