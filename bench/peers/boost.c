/*
 * Boost.Context's switch, called by the C symbols of its library, without the
 * C++ classes around it.
 */
#include <config.h>

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "peers.h"

#ifdef HAVE_BOOST_CONTEXT

#include <boost/version.hpp>

enum { STACK = 64 * 1024 };

typedef void *fcontext_t;
typedef struct {
	fcontext_t from;
	void *data;
} transfer_t;

transfer_t jump_fcontext(fcontext_t to, void *data);
fcontext_t make_fcontext(void *top, size_t size, void (*fn)(transfer_t));

static void other(transfer_t t)
{
	for (;;)
		t = jump_fcontext(t.from, NULL);
}

int peer_boost(struct bench_run *r)
{
	uint64_t rounds = r->n / 2 + 1;
	char *stack = malloc(STACK);
	transfer_t t;

	if (stack == NULL)
		return ENOMEM;
	t = jump_fcontext(make_fcontext(stack + STACK, STACK, other), NULL);
	bench_begin(r);
	for (uint64_t i = 0; i < rounds; i++)
		t = jump_fcontext(t.from, NULL);
	bench_end(r, 2 * rounds);
	free(stack);
	return 0;
}

const char *peer_boost_absent(void)
{
	return NULL;
}

const char *peer_boost_version(void)
{
	static char version[32];

	snprintf(version, sizeof version, "%d.%d.%d", BOOST_VERSION / 100000,
		 BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100);
	return version;
}

#else

int peer_boost(struct bench_run *r)
{
	(void)r;
	return ENOSYS;
}

const char *peer_boost_absent(void)
{
	return "configure did not find it";
}

const char *peer_boost_version(void)
{
	return NULL;
}

#endif
