/*
 * Channels: what each call answers, order, hand-over, closing, and many tasks and
 * threads on the same ones.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <weft.h>

#include "soak.h"
#include "suite.h"

static weft_chan_t *ch, *done;
static _Atomic int arrived;

static weft_chan_t *channel(size_t size, size_t capacity)
{
	weft_chan_t *made = NULL;

	ck_assert_int_eq(weft_chan_create(&made, size, capacity), 0);
	ck_assert_ptr_nonnull(made);
	return made;
}

static void send_int(weft_chan_t *to, int value)
{
	ck_assert_int_eq(weft_chan_send(to, &value), 0);
}

static int recv_int(weft_chan_t *from)
{
	int value = -1;

	ck_assert_int_eq(weft_chan_recv(from, &value), 0);
	return value;
}

/* --- errors --------------------------------------------------------------------- */

START_TEST(test_null_is_einval_and_has_no_length)
{
	struct timespec abs = {0};
	int value = 0;

	ck_assert_int_eq(weft_chan_create(NULL, 1, 1), EINVAL);
	ck_assert_int_eq(weft_chan_send(NULL, &value), EINVAL);
	ck_assert_int_eq(weft_chan_recv(NULL, &value), EINVAL);
	ck_assert_int_eq(weft_chan_trysend(NULL, &value), EINVAL);
	ck_assert_int_eq(weft_chan_tryrecv(NULL, &value), EINVAL);
	ck_assert_int_eq(weft_chan_timedsend(NULL, &value, &abs), EINVAL);
	ck_assert_int_eq(weft_chan_timedrecv(NULL, &value, &abs), EINVAL);
	ck_assert_int_eq(weft_chan_close(NULL), EINVAL);
	ck_assert_int_eq(weft_chan_destroy(NULL), EINVAL);
	ck_assert_uint_eq(weft_chan_len(NULL), 0);
	ck_assert_uint_eq(weft_chan_cap(NULL), 0);
}
END_TEST

START_TEST(test_an_element_is_needed_to_send_unless_it_is_empty)
{
	ch = channel(4, 2);
	ck_assert_int_eq(weft_chan_send(ch, NULL), EINVAL);
	ck_assert_int_eq(weft_chan_trysend(ch, NULL), EINVAL);
	ck_assert_uint_eq(weft_chan_len(ch), 0);
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
	ch = channel(0, 2);
	ck_assert_int_eq(weft_chan_send(ch, NULL), 0);
	ck_assert_int_eq(weft_chan_trysend(ch, NULL), 0);
	ck_assert_int_eq(weft_chan_trysend(ch, NULL), EAGAIN);
	ck_assert_int_eq(weft_chan_recv(ch, NULL), 0);
	ck_assert_uint_eq(weft_chan_len(ch), 1);
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}
END_TEST

START_TEST(test_a_bad_time_is_einval_even_where_none_is_needed)
{
	struct timespec bad[] = {{0, -1}, {0, 1000000000}};
	int value = 1;

	ch = channel(sizeof value, 2);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(weft_chan_timedsend(ch, &value, &bad[i]), EINVAL);
		ck_assert_int_eq(weft_chan_timedrecv(ch, &value, &bad[i]), EINVAL);
	}
	ck_assert_int_eq(weft_chan_timedsend(ch, &value, NULL), EINVAL);
	ck_assert_int_eq(weft_chan_timedrecv(ch, &value, NULL), EINVAL);
	ck_assert_uint_eq(weft_chan_len(ch), 0);
	weft_chan_destroy(ch);
}
END_TEST

START_TEST(test_capacity_times_size_that_overflows_is_eoverflow)
{
	weft_chan_t *none = NULL;

	ck_assert_int_eq(weft_chan_create(&none, 8, SIZE_MAX / 4), EOVERFLOW);
	ck_assert_int_eq(weft_chan_create(&none, SIZE_MAX, SIZE_MAX), EOVERFLOW);
	ck_assert_int_eq(weft_chan_create(&none, 2, (size_t)PTRDIFF_MAX / 2 + 1), EOVERFLOW);
	ck_assert_int_eq(weft_chan_create(&none, 1, (size_t)PTRDIFF_MAX - 4096), ENOMEM);
	ck_assert_ptr_null(none);
	ck_assert_int_eq(weft_chan_create(&none, SIZE_MAX, 0), 0);
	ck_assert_int_eq(weft_chan_destroy(none), 0);
	ck_assert_int_eq(weft_chan_create(&none, 0, SIZE_MAX), 0);
	ck_assert_uint_eq(weft_chan_cap(none), SIZE_MAX);
	ck_assert_int_eq(weft_chan_destroy(none), 0);
}
END_TEST

START_TEST(test_use_after_destroy_is_einval)
{
	int value = 0;

	ch = channel(sizeof value, 1);
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
	ck_assert_int_eq(weft_chan_destroy(ch), EINVAL);
	ck_assert_int_eq(weft_chan_send(ch, &value), EINVAL);
	ck_assert_int_eq(weft_chan_tryrecv(ch, &value), EINVAL);
	ck_assert_int_eq(weft_chan_close(ch), EINVAL);
}
END_TEST

START_TEST(test_creating_and_using_a_buffer_boots_no_runtime)
{
	weft_config_t config = {.procs = 1};

	ch = channel(sizeof(int), 1);
	send_int(ch, 7);
	ck_assert_int_eq(recv_int(ch), 7);
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
	ck_assert_int_eq(weft_configure(&config), 0); /* EBUSY when it is up */
}
END_TEST

/* --- buffers ---------------------------------------------------------------------- */

START_TEST(test_a_buffer_keeps_order_round_and_round)
{
	int next = 0, expected = 0, value;

	ch = channel(sizeof(int), 5);
	ck_assert_uint_eq(weft_chan_cap(ch), 5);
	for (int round = 0; round < 20; round++) {
		while (weft_chan_trysend(ch, &next) == 0)
			next++;
		ck_assert_uint_eq(weft_chan_len(ch), 5);
		for (int i = 0; i <= round % 5; i++)
			ck_assert_int_eq(recv_int(ch), expected++);
	}
	while (weft_chan_tryrecv(ch, &value) == 0)
		ck_assert_int_eq(value, expected++);
	ck_assert_int_eq(next, expected);
	ck_assert_uint_eq(weft_chan_len(ch), 0);
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}
END_TEST

START_TEST(test_destroying_drops_what_is_buffered)
{
	ch = channel(sizeof(int), 3);
	send_int(ch, 1);
	send_int(ch, 2);
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}
END_TEST

START_TEST(test_a_closed_channel_is_drained_and_then_epipe)
{
	int value = 9;

	ch = channel(sizeof(int), 3);
	send_int(ch, 1);
	send_int(ch, 2);
	ck_assert_int_eq(weft_chan_close(ch), 0);
	ck_assert_int_eq(weft_chan_close(ch), EPIPE);
	ck_assert_int_eq(weft_chan_send(ch, &value), EPIPE);
	ck_assert_int_eq(weft_chan_trysend(ch, &value), EPIPE);
	ck_assert_int_eq(recv_int(ch), 1);
	ck_assert_int_eq(recv_int(ch), 2);
	ck_assert_int_eq(weft_chan_recv(ch, &value), EPIPE);
	ck_assert_int_eq(weft_chan_tryrecv(ch, &value), EPIPE);
	ck_assert_int_eq(weft_chan_recv(ch, NULL), EPIPE);
	ck_assert_int_eq(value, 9);
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}
END_TEST

static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 64, 4096, 100001, 1 << 20};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void *echo(void *arg)
{
	size_t size = *(const size_t *)arg;
	unsigned char *copy = malloc(size + 1);

	ck_assert_ptr_nonnull(copy);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(weft_chan_recv(ch, copy), 0);
		ck_assert_int_eq(weft_chan_send(done, copy), 0);
	}
	free(copy);
	return NULL;
}

static void echo_size(size_t size, size_t capacity)
{
	unsigned char *out = malloc(size + 1), *in = malloc(size + 1);
	weft_t task;

	ck_assert(out && in);
	ch = channel(size, capacity);
	done = channel(size, capacity);
	task = create(echo, &size);
	for (int i = 0; i < 4; i++) {
		for (size_t k = 0; k < size; k++)
			out[k] = (unsigned char)(k * 7 + k / 251 + (size_t)i);
		in[size] = 0x5a; /* must not be written */
		ck_assert_int_eq(weft_chan_send(ch, out), 0);
		ck_assert_int_eq(weft_chan_recv(done, in), 0);
		ck_assert_int_eq(memcmp(in, out, size), 0);
		ck_assert_int_eq(in[size], 0x5a);
	}
	result_of(task);
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
	ck_assert_int_eq(weft_chan_destroy(done), 0);
	free(out);
	free(in);
}

TASK_TEST(test_elements_of_any_size_arrive_whole, 2)
{
	for (int i = 0; i < SIZES; i++)
		for (size_t capacity = 0; capacity < 3; capacity++)
			echo_size(sizes[i], capacity);
}

/* --- waiting ------------------------------------------------------------------------ */

static void *send_arg(void *arg)
{
	int value = (int)(intptr_t)arg;

	return (void *)(intptr_t)weft_chan_send(ch, &value);
}

static void *recv_to(void *arg)
{
	return (void *)(intptr_t)weft_chan_recv(ch, arg);
}

TASK_TEST(test_an_unbuffered_send_ends_when_it_was_received, 1)
{
	weft_t task;

	ch = channel(sizeof(int), 0);
	task = create(send_arg, (void *)5);
	wait_parked(1);
	ck_assert_int_eq(weft_tryjoin(task, NULL), EBUSY);
	ck_assert_uint_eq(weft_chan_len(ch), 0);
	ck_assert_int_eq(recv_int(ch), 5);
	ck_assert_ptr_null(result_of(task));
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}

TASK_TEST(test_senders_that_wait_follow_the_buffer_in_order, 1)
{
	weft_t tasks[4];

	ch = channel(sizeof(int), 2);
	send_int(ch, 0);
	send_int(ch, 1);
	for (int i = 0; i < 4; i++) {
		tasks[i] = create(send_arg, (void *)(intptr_t)(i + 2));
		wait_parked((unsigned)i + 1);
	}
	for (int i = 0; i < 6; i++) {
		ck_assert_uint_eq(weft_chan_len(ch), i < 4 ? 2 : 6 - i);
		ck_assert_int_eq(recv_int(ch), i);
	}
	for (int i = 0; i < 4; i++)
		ck_assert_ptr_null(result_of(tasks[i]));
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}

TASK_TEST(test_receivers_are_served_in_the_order_they_came, 1)
{
	weft_t tasks[4];
	int got[4];

	ch = channel(sizeof(int), 2);
	for (int i = 0; i < 4; i++) {
		tasks[i] = create(recv_to, &got[i]);
		wait_parked((unsigned)i + 1);
	}
	for (int i = 0; i < 4; i++)
		send_int(ch, i);
	ck_assert_uint_eq(weft_chan_len(ch), 0);
	for (int i = 0; i < 4; i++) {
		ck_assert_ptr_null(result_of(tasks[i]));
		ck_assert_int_eq(got[i], i);
	}
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}

static void *note_arrival(void *arg)
{
	int value;

	ck_assert_int_eq(weft_chan_recv(ch, &value), 0);
	arrived++;
	return arg;
}

static void *spin_by(void *arg)
{
	while (!arrived)
		weft_yield();
	return arg;
}

TASK_TEST(test_the_receiver_runs_before_others_that_are_queued, 1)
{
	weft_t receiver, others[8];

	ch = channel(sizeof(int), 0);
	receiver = create(note_arrival, NULL);
	wait_parked(1);
	for (int i = 0; i < 8; i++)
		others[i] = create(spin_by, NULL);
	send_int(ch, 1);
	weft_yield();
	ck_assert_int_eq(arrived, 1);
	result_of(receiver);
	for (int i = 0; i < 8; i++)
		result_of(others[i]);
}

TASK_TEST(test_a_receiver_without_a_place_drops_the_element, 1)
{
	weft_t task;

	ch = channel(sizeof(int), 0);
	task = create(recv_to, NULL);
	wait_parked(1);
	send_int(ch, 1);
	ck_assert_ptr_null(result_of(task));
	task = create(send_arg, (void *)2);
	wait_parked(1);
	ck_assert_int_eq(weft_chan_recv(ch, NULL), 0);
	ck_assert_ptr_null(result_of(task));
}

TASK_TEST(test_destroy_is_ebusy_while_somebody_waits, 1)
{
	weft_t task;
	int got = 0;

	ch = channel(sizeof(int), 0);
	task = create(recv_to, &got);
	wait_parked(1);
	ck_assert_int_eq(weft_chan_destroy(ch), EBUSY);
	send_int(ch, 3);
	ck_assert_ptr_null(result_of(task));
	ck_assert_int_eq(got, 3);
	task = create(send_arg, (void *)4);
	wait_parked(1);
	ck_assert_int_eq(weft_chan_destroy(ch), EBUSY);
	ck_assert_int_eq(recv_int(ch), 4);
	result_of(task);
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}

enum { WAITERS = 20 };

TASK_TEST(test_closing_wakes_all_receivers, 2)
{
	weft_t tasks[WAITERS];
	int got[WAITERS];

	ch = channel(sizeof(int), 2);
	for (int i = 0; i < WAITERS; i++) {
		got[i] = -1;
		tasks[i] = create(recv_to, &got[i]);
	}
	wait_parked(WAITERS);
	ck_assert_int_eq(weft_chan_close(ch), 0);
	for (int i = 0; i < WAITERS; i++) {
		ck_assert_int_eq((intptr_t)result_of(tasks[i]), EPIPE);
		ck_assert_int_eq(got[i], -1);
	}
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}

TASK_TEST(test_closing_wakes_all_senders_and_keeps_the_buffer, 2)
{
	weft_t tasks[WAITERS];
	int value;

	ch = channel(sizeof(int), 1);
	send_int(ch, 77);
	for (int i = 0; i < WAITERS; i++)
		tasks[i] = create(send_arg, (void *)(intptr_t)i);
	wait_parked(WAITERS);
	ck_assert_int_eq(weft_chan_close(ch), 0);
	for (int i = 0; i < WAITERS; i++)
		ck_assert_int_eq((intptr_t)result_of(tasks[i]), EPIPE);
	ck_assert_int_eq(recv_int(ch), 77);
	ck_assert_int_eq(weft_chan_recv(ch, &value), EPIPE);
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}

/* --- cancellation --------------------------------------------------------------------- */

static void *recv_masked(void *arg)
{
	int value = -1, first, second;

	weft_setcancelstate(WEFT_CANCEL_MASKED, NULL);
	first = weft_chan_recv(ch, &value);
	second = weft_chan_recv(ch, &value);
	*(int *)arg = value;
	return (void *)(intptr_t)(first * 1000 + second);
}

TASK_TEST(test_a_cancelled_wait_takes_no_element, 1)
{
	weft_t task;
	int got = 0;

	ch = channel(sizeof(int), 0);
	task = create(recv_to, &got);
	wait_parked(1);
	ck_assert_int_eq(weft_cancel(task), 0);
	ck_assert_int_eq(weft_chan_trysend(ch, &got), EAGAIN);
	ck_assert_ptr_eq(result_of(task), WEFT_CANCELED);
	task = create(send_arg, (void *)6);
	wait_parked(1);
	ck_assert_int_eq(weft_cancel(task), 0);
	ck_assert_int_eq(weft_chan_tryrecv(ch, &got), EAGAIN);
	ck_assert_ptr_eq(result_of(task), WEFT_CANCELED);
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}

TASK_TEST(test_a_masked_cancellation_is_told_once, 1)
{
	weft_t task;
	int got = 0;

	ch = channel(sizeof(int), 0);
	task = create(recv_masked, &got);
	wait_parked(1);
	ck_assert_int_eq(weft_cancel(task), 0);
	send_int(ch, 8);
	ck_assert_int_eq((intptr_t)result_of(task), ECANCELED * 1000);
	ck_assert_int_eq(got, 8);
}

static void *send_then_test(void *arg)
{
	int value = 5;

	ck_assert_int_eq(weft_chan_send(ch, &value), 0);
	arrived = 1;
	weft_testcancel();
	return arg;
}

TASK_TEST(test_an_operation_that_took_effect_is_not_undone_by_a_cancellation, 1)
{
	weft_t task;

	ch = channel(sizeof(int), 0);
	task = create(send_then_test, NULL);
	wait_parked(1);
	ck_assert_int_eq(recv_int(ch), 5); /* it is claimed from here on */
	ck_assert_int_eq(weft_cancel(task), 0);
	ck_assert_ptr_eq(result_of(task), WEFT_CANCELED);
	ck_assert_int_eq(arrived, 1);
}

static void *try_when_cancelled(void *arg)
{
	int value = 1;

	weft_cancel(weft_self());
	arrived += weft_chan_trysend(ch, &value) == 0;
	arrived += weft_chan_trysend(ch, &value) == EAGAIN;
	arrived += weft_chan_tryrecv(ch, &value) == 0;
	weft_chan_send(ch, &value); /* need not wait, but is a waiting call */
	arrived += 100;
	return arg;
}

TASK_TEST(test_trying_is_no_cancellation_point_and_the_others_are, 1)
{
	ch = channel(sizeof(int), 1);
	ck_assert_ptr_eq(result_of(create(try_when_cancelled, NULL)), WEFT_CANCELED);
	ck_assert_int_eq(arrived, 3);
	ck_assert_uint_eq(weft_chan_len(ch), 0);
}

/* --- time ------------------------------------------------------------------------------- */

static struct timespec in_ms(long ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += ms % 1000 * 1000000;
	t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

static bool passed(const struct timespec *t)
{
	struct timespec now = in_ms(0);

	return now.tv_sec > t->tv_sec || (now.tv_sec == t->tv_sec && now.tv_nsec >= t->tv_nsec);
}

static void wait_out(void)
{
	struct timespec past = {0}, soon = in_ms(20);
	int value = 1;

	ch = channel(sizeof value, 1);
	ck_assert_int_eq(weft_chan_timedrecv(ch, &value, &past), ETIMEDOUT);
	ck_assert_int_eq(weft_chan_timedrecv(ch, &value, &soon), ETIMEDOUT);
	ck_assert(passed(&soon));
	ck_assert_int_eq(weft_chan_timedsend(ch, &value, &past), 0);
	ck_assert_int_eq(weft_chan_timedsend(ch, &value, &past), ETIMEDOUT);
	soon = in_ms(20);
	ck_assert_int_eq(weft_chan_timedsend(ch, &value, &soon), ETIMEDOUT);
	ck_assert(passed(&soon));
	ck_assert_int_eq(weft_chan_timedrecv(ch, &value, &past), 0);
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}

TASK_TEST(test_a_task_waits_no_longer_than_until_the_time, 1)
{
	wait_out();
}

START_TEST(test_a_thread_waits_no_longer_than_until_the_time)
{
	wait_out();
}
END_TEST

TASK_TEST(test_a_task_waits_no_longer_than_its_deadline, 1)
{
	struct timespec soon = in_ms(20);
	int value = 1;

	ch = channel(sizeof value, 0);
	ck_assert_int_eq(weft_deadline(&soon), 0);
	ck_assert_int_eq(weft_chan_recv(ch, &value), ETIMEDOUT);
	ck_assert(passed(&soon));
	ck_assert_int_eq(weft_chan_send(ch, &value), ETIMEDOUT);
	ck_assert_int_eq(weft_deadline(NULL), 0);
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}

/* --- many ----------------------------------------------------------------------------- */

enum { SENDERS = 6, RECEIVERS = 6, THREADS = 2 }; /* of each, those that are threads */

struct message {
	int sender, number;
};

static unsigned each;
static _Atomic long sum;
static _Atomic int closed_on;

static void *produce(void *arg)
{
	struct message message = {.sender = (int)(intptr_t)arg};

	for (unsigned i = 0; i < each; i++) {
		message.number = (int)i;
		ck_assert_int_eq(weft_chan_send(ch, &message), 0);
	}
	return NULL;
}

/* Of each sender the numbers rise, whoever gets them. */
static void *consume(void *arg)
{
	int last[SENDERS], error;
	struct message message;

	memset(last, -1, sizeof last);
	while (!(error = weft_chan_recv(ch, &message))) {
		ck_assert_int_gt(message.number, last[message.sender]);
		last[message.sender] = message.number;
		sum += message.number + 1;
		arrived++;
	}
	ck_assert_int_eq(error, EPIPE);
	closed_on++;
	return arg;
}

static void start_all(pthread_t *threads, weft_t *tasks, void *(*fn)(void *), intptr_t n)
{
	for (intptr_t i = 0; i < n; i++)
		if (i < THREADS)
			ck_assert_int_eq(pthread_create(&threads[i], NULL, fn, (void *)i), 0);
		else
			tasks[i] = create(fn, (void *)i);
}

static void join_all(pthread_t *threads, weft_t *tasks, int n)
{
	for (int i = THREADS; i < n; i++)
		result_of(tasks[i]);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

static void many_to_many(size_t capacity)
{
	pthread_t sending[THREADS], receiving[THREADS];
	weft_t senders[SENDERS], receivers[RECEIVERS];

	each = scaled(rounds(3000));
	sum = 0;
	arrived = closed_on = 0;
	ch = channel(sizeof(struct message), capacity);
	start_all(receiving, receivers, consume, RECEIVERS);
	start_all(sending, senders, produce, SENDERS);
	join_all(sending, senders, SENDERS);
	ck_assert_int_eq(weft_chan_close(ch), 0);
	join_all(receiving, receivers, RECEIVERS);
	ck_assert_int_eq(arrived, SENDERS * (int)each);
	ck_assert_int_eq(sum, SENDERS * (long)each * (each + 1) / 2);
	ck_assert_int_eq(closed_on, RECEIVERS);
	ck_assert_int_eq(weft_chan_destroy(ch), 0);
}

START_TEST(test_nothing_is_lost_or_twice_between_tasks_and_threads)
{
	static const size_t capacities[] = {0, 1, 7, 100};

	many_to_many(capacities[_i]);
}
END_TEST

static _Atomic int sent, received;

static void *send_until_closed(void *arg)
{
	int value = 1;

	while (weft_chan_send(ch, &value) == 0)
		sent++;
	return arg;
}

static void *recv_until_closed(void *arg)
{
	int value;

	while (weft_chan_recv(ch, &value) == 0)
		received++;
	return arg;
}

TASK_TEST(test_what_was_sent_before_a_close_is_received, 4)
{
	weft_t tasks[8];

	for (unsigned round = 0; round < scaled(rounds(500)); round++) {
		sent = received = 0;
		ch = channel(sizeof(int), round % 4);
		for (int i = 0; i < 8; i++)
			tasks[i] = create(i % 2 ? send_until_closed : recv_until_closed, NULL);
		for (unsigned i = 0; i < round % 16; i++)
			weft_yield();
		ck_assert_int_eq(weft_chan_close(ch), 0);
		for (int i = 0; i < 8; i++)
			result_of(tasks[i]);
		ck_assert_int_eq(sent, received);
		ck_assert_int_eq(weft_chan_destroy(ch), 0);
	}
}

static void *send_counting(void *arg)
{
	int value = 1;

	weft_setcancelstate(WEFT_CANCEL_MASKED, NULL);
	while (weft_chan_send(ch, &value) == 0)
		sent++;
	return arg;
}

TASK_TEST(test_cancelling_senders_loses_nothing_and_sends_nothing_twice, 4)
{
	weft_t receiver, senders[4];

	for (unsigned round = 0; round < scaled(rounds(500)); round++) {
		sent = received = 0;
		ch = channel(sizeof(int), round % 3);
		receiver = create(recv_until_closed, NULL);
		for (int i = 0; i < 4; i++)
			senders[i] = create(send_counting, NULL);
		for (unsigned i = 0; i < round % 16; i++)
			weft_yield();
		for (int i = 0; i < 4; i++)
			ck_assert_int_eq(weft_cancel(senders[i]), 0);
		for (int i = 0; i < 4; i++)
			result_of(senders[i]);
		ck_assert_int_eq(weft_chan_close(ch), 0);
		result_of(receiver);
		ck_assert_int_eq(sent, received);
		ck_assert_int_eq(weft_chan_destroy(ch), 0);
	}
}

TCase *suite_tests(void)
{
	TCase *tests = tcase_create("chan");

	tcase_add_test(tests, test_null_is_einval_and_has_no_length);
	tcase_add_test(tests, test_an_element_is_needed_to_send_unless_it_is_empty);
	tcase_add_test(tests, test_a_bad_time_is_einval_even_where_none_is_needed);
	tcase_add_test(tests, test_capacity_times_size_that_overflows_is_eoverflow);
	tcase_add_test(tests, test_use_after_destroy_is_einval);
	tcase_add_test(tests, test_creating_and_using_a_buffer_boots_no_runtime);
	tcase_add_test(tests, test_a_buffer_keeps_order_round_and_round);
	tcase_add_test(tests, test_destroying_drops_what_is_buffered);
	tcase_add_test(tests, test_a_closed_channel_is_drained_and_then_epipe);
	tcase_add_test(tests, test_elements_of_any_size_arrive_whole);
	tcase_add_test(tests, test_an_unbuffered_send_ends_when_it_was_received);
	tcase_add_test(tests, test_senders_that_wait_follow_the_buffer_in_order);
	tcase_add_test(tests, test_receivers_are_served_in_the_order_they_came);
	tcase_add_test(tests, test_the_receiver_runs_before_others_that_are_queued);
	tcase_add_test(tests, test_a_receiver_without_a_place_drops_the_element);
	tcase_add_test(tests, test_destroy_is_ebusy_while_somebody_waits);
	tcase_add_test(tests, test_closing_wakes_all_receivers);
	tcase_add_test(tests, test_closing_wakes_all_senders_and_keeps_the_buffer);
	tcase_add_test(tests, test_a_cancelled_wait_takes_no_element);
	tcase_add_test(tests, test_a_masked_cancellation_is_told_once);
	tcase_add_test(tests, test_an_operation_that_took_effect_is_not_undone_by_a_cancellation);
	tcase_add_test(tests, test_trying_is_no_cancellation_point_and_the_others_are);
	tcase_add_loop_test(tests, test_nothing_is_lost_or_twice_between_tasks_and_threads, 0, 4);
	tcase_add_test(tests, test_what_was_sent_before_a_close_is_received);
	tcase_add_test(tests, test_cancelling_senders_loses_nothing_and_sends_nothing_twice);
	tcase_add_test(tests, test_a_task_waits_no_longer_than_until_the_time);
	tcase_add_test(tests, test_a_thread_waits_no_longer_than_until_the_time);
	tcase_add_test(tests, test_a_task_waits_no_longer_than_its_deadline);
	return tests;
}
