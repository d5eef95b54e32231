/*
 * GNU Pth: the bare switch of its user-space contexts, and its scheduler's
 * yield between two threads.
 */
#include <config.h>

#include <errno.h>
#include <string.h>

#include "peers.h"

#ifdef HAVE_PTH

#include <pth.h>

enum { STACK = 64 * 1024 };

static pth_uctx_t here, there;

static void switch_back(void *arg)
{
	(void)arg;
	for (;;)
		pth_uctx_switch(there, here);
}

static void ping(struct bench_run *r)
{
	uint64_t rounds = r->n / 2 + 1;

	pth_uctx_switch(here, there);
	bench_begin(r);
	for (uint64_t i = 0; i < rounds; i++)
		pth_uctx_switch(here, there);
	bench_end(r, 2 * rounds);
}

int peer_pth_switch(struct bench_run *r)
{
	int ok = pth_uctx_create(&here);

	if (!ok)
		return errno;
	ok = pth_uctx_create(&there) &&
	     pth_uctx_make(there, NULL, STACK, NULL, switch_back, NULL, here);
	if (ok) {
		ping(r);
		pth_uctx_destroy(there);
	}
	pth_uctx_destroy(here);
	return ok ? 0 : errno;
}

static void *yield_back(void *rounds)
{
	for (uint64_t i = *(uint64_t *)rounds; i > 0; i--)
		pth_yield(NULL);
	return NULL;
}

int peer_pth_yield(struct bench_run *r)
{
	uint64_t rounds = r->n / 2 + 1;
	pth_t other;

	if (!pth_init() && errno != EPERM)
		return errno;
	other = pth_spawn(PTH_ATTR_DEFAULT, yield_back, &rounds);
	if (other == NULL)
		return errno;
	bench_begin(r);
	for (uint64_t i = 0; i < rounds; i++)
		pth_yield(NULL);
	bench_end(r, 2 * rounds);
	return pth_join(other, NULL) ? 0 : errno;
}

const char *peer_pth_absent(void)
{
	return NULL;
}

/* "2.0.7 (08-Jun-2006)" without the date. */
const char *peer_pth_version(void)
{
	static char version[32];

	strncpy(version, PTH_VERSION_STR, sizeof version - 1);
	version[strcspn(version, " ")] = '\0';
	return version;
}

#else

int peer_pth_switch(struct bench_run *r)
{
	(void)r;
	return ENOSYS;
}

int peer_pth_yield(struct bench_run *r)
{
	return peer_pth_switch(r);
}

const char *peer_pth_absent(void)
{
	return "configure did not find it";
}

const char *peer_pth_version(void)
{
	return NULL;
}

#endif
