/*
 * Tells what the runtime took from the environment, and whether the loader says that this
 * program has more rights than who runs it.
 */
#include <stdio.h>
#include <sys/auxv.h>

#include <weft.h>

int main(void)
{
	weft_attr_t attr;
	size_t stack;

	if (weft_init() || weft_attr_init(&attr) || weft_attr_getstacksize(&attr, &stack))
		return 1;
	printf("secure %lu procs %d stack %zu\n", getauxval(AT_SECURE), weft_procs(0), stack);
	return weft_shutdown();
}
