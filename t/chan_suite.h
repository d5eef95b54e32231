/*
 * What the tests of channels and of select share.
 */
#ifndef T_CHAN_SUITE_H
#define T_CHAN_SUITE_H

#include <check.h>
#include <stdbool.h>
#include <time.h>

#include <weft.h>

static inline weft_chan_t *channel(size_t size, size_t capacity)
{
	weft_chan_t *made = NULL;

	ck_assert_int_eq(weft_chan_create(&made, size, capacity), 0);
	ck_assert_ptr_nonnull(made);
	return made;
}

static inline void send_int(weft_chan_t *to, int value)
{
	ck_assert_int_eq(weft_chan_send(to, &value), 0);
}

static inline int recv_int(weft_chan_t *from)
{
	int value = -1;

	ck_assert_int_eq(weft_chan_recv(from, &value), 0);
	return value;
}

/* Whether a time of CLOCK_MONOTONIC has come. */
static inline bool passed(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > t->tv_sec || (now.tv_sec == t->tv_sec && now.tv_nsec >= t->tv_nsec);
}

/* Cases of a select over ints. */
static inline weft_case_t sending(weft_chan_t *ch, int *value)
{
	return (weft_case_t){.chan = ch, .op = WEFT_SEND, .buf = value, .error = -7};
}

static inline weft_case_t receiving(weft_chan_t *ch, int *value)
{
	return (weft_case_t){.chan = ch, .op = WEFT_RECV, .buf = value, .error = -7};
}

#endif
