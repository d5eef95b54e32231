/*
 * How long a test goes on: WEFT_SOAK=1 multiplies, a sanitizer divides.
 */
#ifndef T_SOAK_H
#define T_SOAK_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"

enum { SOAK = 10, SLOWER = 10 };

static inline bool soaking(void)
{
	return getenv("WEFT_SOAK") != NULL;
}

/* In a debug build that retakes Ps at random moments: what runs when is not told. */
static inline bool disturbed(void)
{
	const char *debug = getenv("WEFT_DEBUG");

	return debug && strstr(debug, "yield");
}

static inline unsigned rounds(unsigned n)
{
	return soaking() ? n * SOAK : n;
}

/* As many, but fewer where each costs many times as much. */
static inline unsigned scaled(unsigned n)
{
	return SANITIZED ? n / SLOWER : n;
}

#endif
