/*
 * Asking tasks to end: three ways to take the request.
 *
 * Prints:
 *	enabled: clean-up of the inner block
 *	enabled: clean-up of the outer block
 *	enabled: was cancelled
 *	disabled: finished its work first
 *	disabled: was cancelled
 *	masked: the wait said Operation canceled
 *	masked: came back by itself
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <weft.h>

static atomic_int asked, over;

static void note(void *text)
{
	printf("enabled: clean-up of the %s block\n", (const char *)text);
}

/* The default: the next waiting call or weft_testcancel ends it; handlers run, innermost first. */
static void wait_for_the_end(void)
{
	static char inner[] = "inner";

	weft_cleanup_push(note, inner);
	for (;;) {
		weft_testcancel();
		weft_yield();
	}
	weft_cleanup_pop(0);
}

static void *enabled(void *unused)
{
	static char outer[] = "outer";

	weft_cleanup_push(note, outer);
	wait_for_the_end();
	weft_cleanup_pop(0);
	return unused;
}

/* Work that must not stop half-way: the request waits until the state is back. */
static void *disabled(void *unused)
{
	int old;

	weft_setcancelstate(WEFT_CANCEL_DISABLE, &old);
	while (!atomic_load(&asked))
		weft_yield();
	weft_testcancel();
	puts("disabled: finished its work first");
	weft_setcancelstate(old, NULL);
	weft_testcancel();
	return unused;
}

static void *sleeper(void *unused)
{
	while (!atomic_load(&over))
		weft_yield();
	return unused;
}

/* One wait fails with ECANCELED, and later ones work, so that the task can tidy up as it likes. */
static void *masked(void *unused)
{
	weft_t child;

	weft_setcancelstate(WEFT_CANCEL_MASKED, NULL);
	if (weft_create(&child, NULL, sleeper, NULL))
		return WEFT_CANCELED;
	printf("masked: the wait said %s\n", strerror(weft_join(child, NULL)));
	atomic_store(&over, 1);
	weft_join(child, NULL);
	return unused;
}

static int run(const char *name, void *(*fn)(void *))
{
	weft_t task;
	void *result;

	atomic_store(&asked, 0);
	if (weft_create(&task, NULL, fn, NULL) || weft_cancel(task))
		return 1;
	atomic_store(&asked, 1);
	if (weft_join(task, &result))
		return 1;
	printf("%s: %s\n", name, result == WEFT_CANCELED ? "was cancelled" : "came back by itself");
	return 0;
}

static int cancel(int argc, char **argv)
{
	(void)argc, (void)argv;
	return run("enabled", enabled) || run("disabled", disabled) || run("masked", masked);
}

int main(int argc, char **argv)
{
	return weft_start(cancel, argc, argv);
}
