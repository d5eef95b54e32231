/*
 * A program that knows nothing of Weft and shows all that a start may break. Its
 * arguments: how to end (return, exit, task, abort), then what is echoed.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static int constructed;
static __thread int of_thread = 7;

__attribute__((constructor)) static void construct(void)
{
	constructed = 1;
	puts("constructor");
}

__attribute__((destructor)) static void destruct(void)
{
	puts("destructor");
}

static void at_exit(void)
{
	puts("atexit");
}

static void *run(void *arg)
{
	return arg;
}

static int by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void show_libc(void)
{
	int numbers[] = {3, 1, 2}, n = 0;
	char text[32], *end;
	pthread_t thread;
	void *value;

	qsort(numbers, 3, sizeof *numbers, by_value);
	printf("%d %d %d\n", numbers[0], numbers[1], numbers[2]);
	snprintf(text, sizeof text, "%.3f %Lf", 1.0 / 3, 2.5L);
	printf("%s %.1f\n", text, strtod("2.5", &end));
	errno = 0;
	printf("%d %d\n", close(-1), errno == EBADF);
	if (!pthread_create(&thread, NULL, run, &n) && !pthread_join(thread, &value))
		printf("thread %d\n", value == &n);
	printf("tls %d\n", of_thread);
}

/* As deep as C programs go that count on the stack of a process. */
static int deep(void)
{
	volatile char big[4 << 20];

	big[0] = big[sizeof big - 1] = 1;
	return big[0] + big[sizeof big - 1];
}

int main(int argc, char **argv, char **envp)
{
	char line[64];

	atexit(at_exit);
	printf("constructed %d, argc %d, envp %d\n", constructed, argc, envp == environ);
	for (int i = 2; i < argc; i++)
		printf("argv %d %s\n", i, argv[i]);
	printf("end %d, env %s\n", argv[argc] == NULL, getenv("CRT_TEST"));
	while (fgets(line, sizeof line, stdin))
		printf("in %s", line);
	fprintf(stderr, "to stderr\n");
	show_libc();
	printf("deep %d\n", deep());
	if (argc > 1 && !strcmp(argv[1], "exit"))
		exit(argc + 40);
	if (argc > 1 && !strcmp(argv[1], "abort"))
		abort();
	printf("not ended by a newline");
	return argc > 1 && !strcmp(argv[1], "return") ? argc + 10 : 0;
}
