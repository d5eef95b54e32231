/*
 * Two POSIX threads on one CPU that hand over by a condition variable or by
 * pipes, and the making and joining of one.
 */
#include <errno.h>
#include <gnu/libc-version.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "peers.h"

static uint64_t rounds;

const char *peer_libc_version(void)
{
	static char version[32];

	snprintf(version, sizeof version, "glibc %s", gnu_get_libc_version());
	return version;
}

/* Both sides play `rounds` rounds; the second one's begin is not measured apart. */
static int play(struct bench_run *r, void (*round)(int mine), void *(*second)(void *))
{
	pthread_t other;
	int err;

	rounds = r->n / 2 + 1;
	err = bench_one_cpu();
	if (err == 0)
		err = pthread_create(&other, NULL, second, NULL);
	if (err != 0)
		return err;
	bench_begin(r);
	for (uint64_t i = 0; i < rounds; i++)
		round(0);
	pthread_join(other, NULL);
	bench_end(r, 2 * rounds);
	return 0;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed[2] = {PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER};
static int turn;

static void cond_round(int mine)
{
	pthread_mutex_lock(&lock);
	while (turn != mine)
		pthread_cond_wait(&changed[mine], &lock);
	turn = !mine;
	pthread_mutex_unlock(&lock);
	pthread_cond_signal(&changed[!mine]);
}

static void *cond_second(void *arg)
{
	(void)arg;
	for (uint64_t i = 0; i < rounds; i++)
		cond_round(1);
	return NULL;
}

int peer_cond(struct bench_run *r)
{
	turn = 0;
	return play(r, cond_round, cond_second);
}

static int to[2][2]; /* to[0] carries the first one's bytes to the second */

static void pipe_send(int mine)
{
	if (write(to[mine][1], "", 1) != 1)
		perror("weft bench: pipe");
}

static void pipe_receive(int mine)
{
	char byte;

	if (read(to[!mine][0], &byte, 1) != 1)
		perror("weft bench: pipe");
}

static void pipe_round(int mine)
{
	pipe_send(mine);
	pipe_receive(mine);
}

static void *pipe_second(void *arg)
{
	(void)arg;
	for (uint64_t i = 0; i < rounds; i++) {
		pipe_receive(1);
		pipe_send(1);
	}
	return NULL;
}

int peer_pipe(struct bench_run *r)
{
	int err;

	if (pipe(to[0]) != 0)
		return errno;
	if (pipe(to[1]) != 0)
		return errno;
	err = play(r, pipe_round, pipe_second);
	for (int i = 0; i < 4; i++)
		close(to[i / 2][i % 2]);
	return err;
}

static void *nothing(void *arg)
{
	return arg;
}

int peer_thread_join(struct bench_run *r)
{
	uint64_t n = r->n;

	bench_begin(r);
	for (uint64_t i = 0; i < n; i++) {
		pthread_t t;
		int err = pthread_create(&t, NULL, nothing, NULL);

		if (err == 0)
			err = pthread_join(t, NULL);
		if (err != 0)
			return err;
	}
	bench_end(r, n);
	return 0;
}
