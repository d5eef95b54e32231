/*
 * What do channels cost, and select?
 *
 * `chan`: an element there and one back over two channels without a buffer, a round trip;
 * and an element one way from a task to another. `chanbuf`: a task sends into a buffer
 * and receives from it, and a buffer of 100 between two tasks. `select`: a receive among
 * channels of which one is ready, and among ones on which a sender comes later.
 * Elements are 8 bytes; a run checks what it received. Closing, and more than two tasks
 * on a channel, are not measured.
 */
#include <errno.h>

#include <weft.h>

#include "bench.h"
#include "peers/peers.h"

enum { CHANNELS_MAX = 100, BUFFER = 100, STEP = 7 };

static struct {
	uint64_t n, sum;
	unsigned width; /* how many channels */
	weft_chan_t *ch[CHANNELS_MAX];
} game;

static int open_channels(struct bench_run *r, unsigned width, size_t capacity)
{
	int err = 0;

	game.n = r->n;
	game.sum = 0;
	game.width = width;
	for (unsigned i = 0; i < width && err == 0; i++)
		err = weft_chan_create(&game.ch[i], sizeof(uint64_t), capacity);
	return err;
}

/* What came is what was sent: the numbers below n. */
static int close_channels(void)
{
	int err = game.sum == game.n * (game.n - 1) / 2 ? 0 : EPROTO;

	for (unsigned i = 0; i < game.width; i++)
		if (weft_chan_destroy(game.ch[i]) != 0)
			err = EBUSY;
	return err;
}

/* --- round trips and one way ------------------------------------------------------ */

static void *answer(void *arg)
{
	for (uint64_t i = 0, x; i < game.n; i++)
		if (weft_chan_recv(game.ch[0], &x) != 0 || weft_chan_send(game.ch[1], &x) != 0)
			break;
	return arg;
}

static void ask(void)
{
	for (uint64_t i = 0, x; i < game.n; i++) {
		if (weft_chan_send(game.ch[0], &i) != 0 || weft_chan_recv(game.ch[1], &x) != 0)
			break;
		game.sum += x;
	}
}

static void *send_all(void *arg)
{
	for (uint64_t i = 0; i < game.n; i++)
		if (weft_chan_send(game.ch[i * STEP % game.width], &i) != 0)
			break;
	return arg;
}

static void receive_all(void)
{
	for (uint64_t i = 0, x; i < game.n && weft_chan_recv(game.ch[0], &x) == 0; i++)
		game.sum += x;
}

static int with_partner(struct bench_run *r, void *(*partner)(void *), void (*self)(void))
{
	weft_t other;
	int err = weft_create(&other, NULL, partner, NULL);

	if (err != 0)
		return err;
	bench_begin(r);
	self();
	err = weft_join(other, NULL);
	bench_end(r, game.n);
	return err != 0 ? err : close_channels();
}

static int round_trip(struct bench_run *r)
{
	int err = open_channels(r, 2, 0);

	return err != 0 ? err : with_partner(r, answer, ask);
}

/* The argument is the buffer's size. */
static int one_way(struct bench_run *r)
{
	int err = open_channels(r, 1, r->arg);

	return err != 0 ? err : with_partner(r, send_all, receive_all);
}

/* Sender and receiver are one task: no switch is in it. */
static int alone(struct bench_run *r)
{
	int err = open_channels(r, 1, 1);

	bench_begin(r);
	for (uint64_t i = 0, x = 0; i < game.n && err == 0; i++) {
		err = weft_chan_send(game.ch[0], &i);
		if (err == 0)
			err = weft_chan_recv(game.ch[0], &x);
		game.sum += x;
	}
	bench_end(r, game.n);
	return err != 0 ? err : close_channels();
}

/* --- select -------------------------------------------------------------------------- */

static void set_cases(weft_case_t *cases, uint64_t *x)
{
	for (unsigned i = 0; i < game.width; i++)
		cases[i] = (weft_case_t){.chan = game.ch[i], .op = WEFT_RECV, .buf = x};
}

static void select_all(void)
{
	weft_case_t cases[CHANNELS_MAX];
	uint64_t x;

	set_cases(cases, &x);
	for (uint64_t i = 0; i < game.n && weft_select(cases, game.width, NULL) >= 0; i++)
		game.sum += x;
}

/* The argument is how many channels. */
static int select_waits(struct bench_run *r)
{
	int err = open_channels(r, r->arg, 0);

	return err != 0 ? err : with_partner(r, send_all, select_all);
}

/* The send that makes one ready is part of it. */
static int select_ready(struct bench_run *r)
{
	int err = open_channels(r, r->arg, 1);
	weft_case_t cases[CHANNELS_MAX];
	uint64_t x = 0;

	set_cases(cases, &x);
	bench_begin(r);
	for (uint64_t i = 0; i < game.n && err == 0; i++) {
		err = weft_chan_send(game.ch[i * STEP % game.width], &i);
		if (err == 0 && weft_select(cases, game.width, NULL) < 0)
			err = EPROTO;
		game.sum += x;
	}
	bench_end(r, game.n);
	return err != 0 ? err : close_channels();
}

/* --- cases ------------------------------------------------------------------------------ */

static const struct bench_series chan_series[] = {
	{.name = "round trip, 1 P",
	 .procs = 1,
	 .promise = 45,
	 .bounds = {{"Go, round trip, 1 P", 1}, {"Boost.Fiber, round trip", 1}},
	 .run = round_trip},
	{.name = "one way, 1 P",
	 .procs = 1,
	 .bounds = {{"Go, one way, 1 P", 1}, {"Boost.Fiber, one way", 1}},
	 .run = one_way},
	{.name = "round trip, 2 Ps",
	 .procs = 2,
	 .bounds = {{"Go, round trip, 2 Ps", 1}, {"Boost.Fiber, 2 threads", 1}},
	 .run = round_trip},
	{.name = "Go, round trip, 1 P", .peer = true, .program = "go", .call = "trip 1 0"},
	{.name = "Go, one way, 1 P", .peer = true, .program = "go", .call = "way 1 0"},
	{.name = "Go, round trip, 2 Ps", .peer = true, .program = "go", .call = "trip 2 0"},
	{.name = "Boost.Fiber, round trip", .peer = true, .program = "fiber", .call = "trip 1"},
	{.name = "Boost.Fiber, one way", .peer = true, .program = "fiber", .call = "way 1"},
	{.name = "Boost.Fiber, 2 threads", .peer = true, .program = "fiber", .call = "trip 2"},
};

const struct bench_case bench_chan = {
	.name = "chan",
	.what = "an element without a buffer, there and back over two channels, or one way",
	.unit = "ns",
	.each = "a trip",
	.series = chan_series,
	.nseries = sizeof chan_series / sizeof *chan_series,
};

static const struct bench_series chanbuf_series[] = {
	{.name = "alone, 1 P",
	 .procs = 1,
	 .bounds = {{"Go, alone, 1 P", 1}, {"Boost.Fiber, alone", 1}},
	 .run = alone},
	{.name = "buffer of 100, 1 P",
	 .procs = 1,
	 .arg = BUFFER,
	 .bounds = {{"Go, buffer of 100, 1 P", 1}, {"Boost.Fiber, buffer of 128", 1}},
	 .run = one_way},
	{.name = "buffer of 100, 2 Ps",
	 .procs = 2,
	 .arg = BUFFER,
	 .bounds = {{"Go, buffer of 100, 2 Ps", 1}, {"Boost.Fiber, 2 threads", 1}},
	 .run = one_way},
	{.name = "Go, alone, 1 P", .peer = true, .program = "go", .call = "alone 1 1"},
	{.name = "Go, buffer of 100, 1 P", .peer = true, .program = "go", .call = "way 1 100"},
	{.name = "Go, buffer of 100, 2 Ps", .peer = true, .program = "go", .call = "way 2 100"},
	{.name = "Boost.Fiber, alone", .peer = true, .program = "fiber", .call = "alone 1"},
	{.name = "Boost.Fiber, buffer of 128",
	 .peer = true,
	 .program = "fiber",
	 .call = "buffer 1"},
	{.name = "Boost.Fiber, 2 threads", .peer = true, .program = "fiber", .call = "buffer 2"},
};

const struct bench_case bench_chanbuf = {
	.name = "chanbuf",
	.what = "a send into a channel's buffer and a receive from it",
	.unit = "ns",
	.each = "an element",
	.series = chanbuf_series,
	.nseries = sizeof chanbuf_series / sizeof *chanbuf_series,
};

static const struct bench_series select_series[] = {
	{.name = "ready, 2 channels",
	 .procs = 1,
	 .arg = 2,
	 .bounds = {{"Go, ready, 2 channels", 1}},
	 .run = select_ready},
	{.name = "ready, 100 channels",
	 .procs = 1,
	 .arg = 100,
	 .bounds = {{"Go, ready, 100 channels", 1}},
	 .run = select_ready},
	{.name = "waits, 2 channels",
	 .procs = 1,
	 .arg = 2,
	 .bounds = {{"Go, waits, 2 channels", 1}},
	 .run = select_waits},
	{.name = "waits, 100 channels",
	 .procs = 1,
	 .arg = 100,
	 .bounds = {{"Go, waits, 100 channels", 1}},
	 .run = select_waits},
	{.name = "waits, 2 channels, 2 Ps",
	 .procs = 2,
	 .arg = 2,
	 .bounds = {{"Go, waits, 2 channels, 2 Ps", 1}},
	 .run = select_waits},
	{.name = "waits, 100 channels, 2 Ps",
	 .procs = 2,
	 .arg = 100,
	 .bounds = {{"Go, waits, 100 channels, 2 Ps", 1}},
	 .run = select_waits},
	{.name = "Go, ready, 2 channels", .peer = true, .program = "go", .call = "ready 1 2"},
	{.name = "Go, ready, 100 channels", .peer = true, .program = "go", .call = "ready 1 100"},
	{.name = "Go, waits, 2 channels", .peer = true, .program = "go", .call = "waits 1 2"},
	{.name = "Go, waits, 100 channels", .peer = true, .program = "go", .call = "waits 1 100"},
	{.name = "Go, waits, 2 channels, 2 Ps", .peer = true, .program = "go", .call = "waits 2 2"},
	{.name = "Go, waits, 100 channels, 2 Ps",
	 .peer = true,
	 .program = "go",
	 .call = "waits 2 100"},
};

const struct bench_case bench_select = {
	.name = "select",
	.what = "weft_select among 2 and 100 channels of which one is ready, or becomes so",
	.unit = "ns",
	.each = "a select",
	.series = select_series,
	.nseries = sizeof select_series / sizeof *select_series,
};
