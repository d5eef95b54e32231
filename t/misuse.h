/*
 * What the tests of misuse share: short words, and times that are none.
 */
#ifndef T_MISUSE_H
#define T_MISUSE_H

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <time.h>

#include "chan_suite.h"
#include "pool_suite.h"

#define is(call, error) ck_assert_int_eq(call, error)

/* Fails as calls do that tell an error by errno. */
#define fails(call, error)                                                                         \
	do {                                                                                       \
		errno = 0;                                                                         \
		ck_assert_int_eq(call, -1);                                                        \
		ck_assert_int_eq(errno, error);                                                    \
	} while (0)

static const struct timespec past = {-1, 999999999}, never = {LONG_MAX, 999999999};

#endif
