/*
 * Two kernel threads by futex: handing over in turns on one CPU, and waking one
 * that sleeps, which is the least that any wake-up of a worker can cost.
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "peers.h"

static void futex_wait(atomic_uint *word, unsigned while_it_is)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, while_it_is, NULL, NULL, 0);
}

static void futex_wake(atomic_uint *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

const char *peer_kernel_version(void)
{
	static struct utsname u;

	return uname(&u) == 0 ? u.release : NULL;
}

/* turn counts hand-overs: even ones are the first thread's to make. */
static struct {
	atomic_uint turn;
	unsigned rounds;
} game;

static void hand_over(unsigned mine)
{
	unsigned now;

	while ((now = atomic_load(&game.turn)) % 2 != mine)
		futex_wait(&game.turn, now);
	atomic_store(&game.turn, now + 1);
	futex_wake(&game.turn);
}

static void *second_player(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < game.rounds; i++)
		hand_over(1);
	return NULL;
}

int peer_futex(struct bench_run *r)
{
	pthread_t other;
	int err;

	game.rounds = (unsigned)(r->n / 2 + 1);
	atomic_store(&game.turn, 0);
	err = bench_one_cpu();
	if (err == 0)
		err = pthread_create(&other, NULL, second_player, NULL);
	if (err != 0)
		return err;
	bench_begin(r);
	for (unsigned i = 0; i < game.rounds; i++)
		hand_over(0);
	pthread_join(other, NULL);
	bench_end(r, 2 * (uint64_t)game.rounds);
	return 0;
}

/* sent is 0 while the sleeper may sleep; woken carries its clock back. */
static struct {
	atomic_uint sent;
	_Atomic uint64_t woken;
} sleeper;

static void *sleep_and_tell(void *samples)
{
	for (size_t i = 0; i < *(size_t *)samples; i++) {
		while (atomic_load(&sleeper.sent) == 0)
			futex_wait(&sleeper.sent, 0);
		atomic_store(&sleeper.sent, 0);
		atomic_store(&sleeper.woken, bench_now());
	}
	return NULL;
}

static double wake_once(void)
{
	uint64_t from, woken;

	wake_pause();
	atomic_store(&sleeper.woken, 0);
	from = bench_now();
	atomic_store(&sleeper.sent, 1);
	futex_wake(&sleeper.sent);
	while ((woken = atomic_load(&sleeper.woken)) == 0)
		;
	return (double)(woken - from);
}

int peer_futex_wake(struct bench_run *r)
{
	double ns[WAKE_SAMPLES];
	size_t samples = WAKE_SAMPLES;
	pthread_t other;
	int err = pthread_create(&other, NULL, sleep_and_tell, &samples);

	if (err != 0)
		return err;
	for (size_t i = 0; i < samples; i++)
		ns[i] = wake_once();
	pthread_join(other, NULL);
	wake_result(r, ns, samples);
	return 0;
}
