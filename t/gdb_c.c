/*
 * A program to be looked at by a debugger: main calls down, and stops by a signal.
 */
#include <signal.h>
#include <stdio.h>

static volatile int depth;

__attribute__((noinline)) static int bottom(void)
{
	raise(SIGUSR2);
	return depth;
}

__attribute__((noinline)) static int middle(int n)
{
	int result = n ? middle(n - 1) : bottom();

	depth++;
	return result + 1;
}

int main(void)
{
	signal(SIGUSR2, SIG_IGN);
	puts("stops below");
	printf("%d\n", middle(3));
	return fflush(NULL);
}
