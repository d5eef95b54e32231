/*
 * Time: the clock.
 */
#ifndef WF_TIMER_H
#define WF_TIMER_H

#include <errno.h>
#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC, in ns. */
static inline int64_t wf_nanotime(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000 + now.tv_nsec;
}

/* An absolute time of CLOCK_MONOTONIC; EINVAL for NULL and a nanosecond field out of range. */
static inline int wf_until(const struct timespec *abs, clockid_t clock, int64_t *until)
{
	if (!abs || clock != CLOCK_MONOTONIC || abs->tv_nsec < 0 || abs->tv_nsec > 999999999)
		return EINVAL;
	*until = abs->tv_sec * 1000000000 + abs->tv_nsec;
	return 0;
}

#endif
