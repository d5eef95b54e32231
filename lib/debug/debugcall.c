/*
 * What a debugger calls in a stopped program, to have a function run for it. The
 * program never does; it is kept in the link, exported, and survives strip.
 */
#include <weft/runtime.h>

__attribute__((used, noinline)) void weft_debugcall(void (*fn)(void *), void *arg)
{
	if (fn)
		fn(arg);
	__asm__ __volatile__("");
}
