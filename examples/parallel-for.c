/*
 * A loop over all Ps: how many steps the Collatz sequences below a million take.
 *
 * Prints:
 *	131434272 steps below 1000000
 */
#include <stdatomic.h>
#include <stdio.h>
#include <weft.h>

enum { BELOW = 1000000 };

static atomic_long steps;

static void count(size_t lo, size_t hi, void *unused)
{
	long mine = 0;

	(void)unused;
	for (size_t i = lo; i < hi; i++)
		for (size_t n = i; n > 1; mine++)
			n = n % 2 ? 3 * n + 1 : n / 2;
	steps += mine;
}

int main(void)
{
	if (weft_pool_for(NULL, 0, BELOW, 0, count, NULL))
		return 1;
	printf("%ld steps below %d\n", steps, BELOW);
	return 0;
}
