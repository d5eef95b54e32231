/*
 * Sleeping, a timer, and a deadline.
 *
 * Prints:
 *	three sleepers: 10 ms, 20 ms, 30 ms
 *	ticked 5 times
 *	stopped: no more ticks
 *	no answer by the deadline
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <weft.h>

static atomic_int ticks;
static weft_chan_t *order;

/* Each task sleeps, and no thread does. */
static void sleeper(void *ms)
{
	int n = (int)(intptr_t)ms;

	weft_usleep((unsigned)n * 1000);
	weft_chan_send(order, &n);
}

static void sleepers(void)
{
	int ms[3];

	weft_chan_create(&order, sizeof *ms, 0);
	for (intptr_t n = 30; n > 0; n -= 10)
		weft_go(sleeper, (void *)n);
	for (int i = 0; i < 3; i++)
		weft_chan_recv(order, &ms[i]);
	printf("three sleepers: %d ms, %d ms, %d ms\n", ms[0], ms[1], ms[2]);
}

/* Runs as a task of its own each time: it may wait as well. */
static void tick(void *unused)
{
	(void)unused;
	ticks++;
}

static void timer(void)
{
	struct itimerspec every = {.it_value = {0, 1000000}, .it_interval = {0, 1000000}};
	weft_timer_t *t;

	weft_timer_create(&t, tick, NULL);
	weft_timer_settime(t, 0, &every, NULL);
	while (ticks < 5)
		weft_usleep(100);
	printf("ticked 5 times\n");
	if (!weft_timer_stop(t))
		printf("stopped: no more ticks\n");
	weft_timer_destroy(t);
}

/* A deadline ends all waits of the task, wherever they are made. */
static void deadline(void)
{
	struct timespec at;
	int answer;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec++;
	weft_deadline(&at);
	if (weft_chan_recv(order, &answer) == ETIMEDOUT)
		printf("no answer by the deadline\n");
	weft_deadline(NULL);
}

static int program(int argc, char **argv)
{
	(void)argc, (void)argv;
	sleepers();
	timer();
	deadline();
	return 0;
}

int main(int argc, char **argv)
{
	return weft_start(program, argc, argv);
}
