/*
 * Waiting for several things at once: results, an end, and whichever comes first.
 *
 * Two workers send what they find on a channel each; a third channel is closed when they
 * have both ended. One loop takes what comes, in any order, without a task for each
 * channel and without looking at one that is not ready.
 *
 * Prints:
 *	10 squares, their sum 285
 *	10 cubes, their sum 2025
 */
#include <stdio.h>
#include <stdlib.h>

#include <weft.h>

static weft_chan_t *squares, *cubes, *ended;

static void *send_squares(void *arg)
{
	for (long i = 0; i < 10; i++)
		weft_chan_send(squares, &(long){i * i});
	return arg;
}

static void *send_cubes(void *arg)
{
	for (long i = 0; i < 10; i++)
		weft_chan_send(cubes, &(long){i * i * i});
	return arg;
}

static void *await_both(void *arg)
{
	weft_t *workers = arg;

	weft_join(workers[0], NULL);
	weft_join(workers[1], NULL);
	weft_chan_close(ended);
	return NULL;
}

static void collect(void)
{
	long value, sum[2] = {0};
	int count[2] = {0}, which;

	/* The channels have no buffer: what was sent was received before the end. */
	do {
		weft_case_t cases[] = {
			{.chan = squares, .op = WEFT_RECV, .buf = &value},
			{.chan = cubes, .op = WEFT_RECV, .buf = &value},
			{.chan = ended, .op = WEFT_RECV},
		};

		which = weft_select(cases, 3, NULL);
		if (which == 0 || which == 1) {
			count[which]++;
			sum[which] += value;
		}
	} while (which == 0 || which == 1);
	printf("%d squares, their sum %ld\n", count[0], sum[0]);
	printf("%d cubes, their sum %ld\n", count[1], sum[1]);
}

static int select_main(int argc, char **argv)
{
	weft_t workers[2], last;

	(void)argc, (void)argv;
	if (weft_chan_create(&squares, sizeof(long), 0) ||
	    weft_chan_create(&cubes, sizeof(long), 0) || weft_chan_create(&ended, 0, 0) ||
	    weft_create(&workers[0], NULL, send_squares, NULL) ||
	    weft_create(&workers[1], NULL, send_cubes, NULL) ||
	    weft_create(&last, NULL, await_both, workers))
		return 1;
	collect();
	weft_join(last, NULL);
	weft_chan_destroy(squares);
	weft_chan_destroy(cubes);
	weft_chan_destroy(ended);
	return 0;
}

int main(int argc, char **argv)
{
	return weft_start(select_main, argc, argv);
}
