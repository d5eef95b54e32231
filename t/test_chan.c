/*
 * Channels: what each call answers, and buffers.
 */
#include <stdlib.h>
#include <string.h>

#include <weft.h>

#include "chan_suite.h"
#include "suite.h"

static weft_chan_t *ch, *done;

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
	return tests;
}
