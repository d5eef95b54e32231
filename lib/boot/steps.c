/*
 * The bootstrap's steps as they were taken, with their times.
 */
#include <time.h>

#include "boot/boot.h"

enum { STEPS = 24 };

static struct steps {
	struct lock lock; /* guards all: main may begin on another M than m0 */
	struct step step[STEPS];
	unsigned n;
	int64_t begin;
} wf_boot_steps;

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

void wf_steps_begin(void)
{
	wf_lock(&wf_boot_steps.lock);
	wf_boot_steps.n = 0;
	wf_boot_steps.begin = now();
	wf_unlock(&wf_boot_steps.lock);
}

void wf_step(const char *name)
{
	wf_lock(&wf_boot_steps.lock);
	if (wf_boot_steps.n < STEPS)
		wf_boot_steps.step[wf_boot_steps.n++] =
			(struct step){name, now() - wf_boot_steps.begin};
	wf_unlock(&wf_boot_steps.lock);
}

unsigned wf_steps(const struct step **steps)
{
	unsigned n;

	wf_lock(&wf_boot_steps.lock);
	n = wf_boot_steps.n;
	wf_unlock(&wf_boot_steps.lock);
	*steps = wf_boot_steps.step;
	return n;
}
