/*
 * A task for each call: Fibonacci numbers the slow way.
 *
 *	fib [N]		N from 0 to 40, 25 unless said
 *
 * Each call hands one half of its work to a child and does the other half
 * itself. When nobody stole the child meanwhile, joining it runs it in place:
 * a child costs little more than a call, and all processors share the work.
 *
 * Prints:
 *	fib(25) = 75025
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <weft.h>

static void *fib(void *arg)
{
	uintptr_t n = (uintptr_t)arg, sum;
	void *result;
	weft_t child;

	if (n < 2)
		return arg;
	/* Out of memory for a task? Then it is a call. */
	if (weft_create(&child, NULL, fib, (void *)(n - 1)))
		return (void *)((uintptr_t)fib((void *)(n - 1)) + (uintptr_t)fib((void *)(n - 2)));
	sum = (uintptr_t)fib((void *)(n - 2));
	if (weft_join(child, &result))
		abort();
	return (void *)(sum + (uintptr_t)result);
}

static int fib_main(int argc, char **argv)
{
	unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 25;

	if (n > 40) {
		fputs("usage: fib [N], N from 0 to 40\n", stderr);
		return 2;
	}
	printf("fib(%lu) = %lu\n", n, (unsigned long)(uintptr_t)fib((void *)(uintptr_t)n));
	return 0;
}

int main(int argc, char **argv)
{
	return weft_start(fib_main, argc, argv);
}
