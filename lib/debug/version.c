/*
 * Calls that need no runtime at all.
 */
#include <errno.h>

#include <weft/runtime.h>

const char *weft_version(void)
{
	return WEFT_VERSION;
}

/* Out of line, so that nobody keeps the address over a switch to another thread. */
__attribute__((noinline)) int *weft_errno_location(void)
{
	__asm__ __volatile__("" : : : "memory");
	return &errno;
}
