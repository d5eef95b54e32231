/*
 * A group: the first error cancels the siblings, and is what the waiter is told.
 *
 * Prints:
 *	first error: Invalid argument
 *	the waiting sibling was cancelled: yes
 */
#include <stdio.h>
#include <string.h>
#include <weft.h>

static weft_chan_t *never;
static int cancelled;

static int wait_for_work(void *unused)
{
	int error;

	(void)unused;
	error = weft_chan_recv(never, NULL);
	cancelled = error == ECANCELED;
	return error;
}

static int fail(void *unused)
{
	(void)unused;
	return EINVAL;
}

static int program(int argc, char **argv)
{
	weft_group_t *group;
	int first;

	(void)argc, (void)argv;
	if (weft_chan_create(&never, 1, 0) || weft_group_create(&group, WEFT_GROUP_CANCEL_ON_ERROR))
		return 1;
	if (weft_group_go(group, wait_for_work, NULL))
		return 1;
	weft_yield(); /* or it might be skipped */
	if (weft_group_go(group, fail, NULL) || weft_group_wait(group, &first))
		return 1;
	printf("first error: %s\n", strerror(first));
	printf("the waiting sibling was cancelled: %s\n", cancelled ? "yes" : "no");
	return weft_group_destroy(group) || weft_chan_destroy(never);
}

int main(int argc, char **argv)
{
	weft_config_t config = {.procs = 1};

	if (weft_configure(&config))
		return 1;
	return weft_start(program, argc, argv);
}
