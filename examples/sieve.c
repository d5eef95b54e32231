/*
 * A pipeline of tasks: the prime numbers, by a filter for each of them.
 *
 *	sieve [N]	the first N primes, from 1 to 1000; 10 unless said
 *
 * A source sends the numbers from 2 on. Whoever receives the first number of a channel
 * knows it for a prime, and puts a filter behind that channel which passes on what the
 * prime does not divide. A filter is ten lines without a lock: it only knows its two
 * channels. Closing the source's channel ends them all, one after the other.
 *
 * Prints:
 *	2 3 5 7 11 13 17 19 23 29
 */
#include <stdio.h>
#include <stdlib.h>

#include <weft.h>

struct filter {
	weft_chan_t *from, *to;
	int prime;
};

static weft_chan_t *channel(void)
{
	weft_chan_t *ch;

	if (weft_chan_create(&ch, sizeof(int), 0))
		abort();
	return ch;
}

static void *source(void *arg)
{
	for (int n = 2; !weft_chan_send(arg, &n); n++)
		;
	return NULL;
}

/* Until one of its neighbours is gone: then it tells the other one. */
static void *filter(void *arg)
{
	struct filter *f = arg;
	int n;

	while (!weft_chan_recv(f->from, &n))
		if (n % f->prime && weft_chan_send(f->to, &n))
			break;
	weft_chan_close(f->from);
	weft_chan_close(f->to);
	return NULL;
}

static void start(weft_t *task, void *(*fn)(void *), void *arg)
{
	if (weft_create(task, NULL, fn, arg))
		abort();
}

static int sieve(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 10;
	struct filter filters[1000];
	weft_chan_t *first = channel(), *ch = first;
	weft_t tasks[1001];

	if (n < 1 || n > 1000) {
		fputs("usage: sieve [N], N from 1 to 1000\n", stderr);
		return 2;
	}
	start(&tasks[n], source, first);
	for (int i = 0; i < n; i++) {
		struct filter *f = &filters[i];

		*f = (struct filter){.from = ch, .to = channel()};
		weft_chan_recv(ch, &f->prime);
		printf("%d%c", f->prime, i < n - 1 ? ' ' : '\n');
		start(&tasks[i], filter, f);
		ch = f->to;
	}
	weft_chan_close(first);
	weft_chan_close(ch);
	for (int i = 0; i <= n; i++)
		weft_join(tasks[i], NULL);
	for (int i = 0; i < n; i++)
		weft_chan_destroy(filters[i].from);
	weft_chan_destroy(ch);
	return 0;
}

int main(int argc, char **argv)
{
	return weft_start(sieve, argc, argv);
}
