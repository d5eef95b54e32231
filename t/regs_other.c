/*
 * regs.h where nobody has written it in assembly: what C knows.
 */
#include <fenv.h>

#include "regs.h"

unsigned regs_changed(void (*fn)(void *), void *arg, uintptr_t seed)
{
	(void)seed;
	fn(arg);
	return 0;
}

void *entry_of_task(void *arg)
{
	struct entry *entry = arg;

	entry->sp = STACK_ALIGN - sizeof(void *);
	entry->flags = 0;
	return entry->fn(entry->arg);
}

void entry_of_ctx(void *entry)
{
	entry_of_task(entry);
}

void fpwords_get(struct fpwords *words)
{
	*words = (struct fpwords){.mxcsr = (uint32_t)fegetround()};
}

void fpwords_set(const struct fpwords *words)
{
	fesetround((int)words->mxcsr);
}
