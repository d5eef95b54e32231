/*
 * What does it cost to go from one flow of control to another?
 *
 * Between contexts of one thread that is a switch; between two kernel threads,
 * both on one CPU (their best case: no message to another), it is waking the
 * other and falling asleep oneself.
 */
#include <string.h>

#include "ctx_pingpong.h"
#include "peers/peers.h"

static int ctx_inline(struct bench_run *r)
{
	return pingpong(r);
}

static const char *inline_absent(void)
{
	if (strcmp(weft_ctx_backend(), "amd64") == 0)
		return NULL;
	return "this library's context backend has no inline switch";
}

static const struct bench_series series[] = {
	{.name = "amd64",
	 .promise = 2,
	 .bounds = {{"Boost.Context", 1 / 4.0}, {"swapcontext", 1 / 50.0}},
	 .run = ctx_inline,
	 .absent = inline_absent},
	{.name = "ucontext", .bounds = {{"swapcontext", 1 / 10.0}}, .run = ctx_portable},
	{.name = "Boost.Context",
	 .peer = true,
	 .run = peer_boost,
	 .absent = peer_boost_absent,
	 .version = peer_boost_version},
	{.name = "swapcontext",
	 .peer = true,
	 .run = peer_swapcontext,
	 .version = peer_libc_version},
	{.name = "GNU Pth",
	 .peer = true,
	 .run = peer_pth_switch,
	 .absent = peer_pth_absent,
	 .version = peer_pth_version},
	{.name = "threads, futex", .peer = true, .run = peer_futex, .version = peer_kernel_version},
	{.name = "threads, condition",
	 .peer = true,
	 .run = peer_cond,
	 .version = peer_libc_version},
	{.name = "threads, pipes", .peer = true, .run = peer_pipe, .version = peer_kernel_version},
};

const struct bench_case bench_ctx = {
	.name = "ctx",
	.what = "a switch between two contexts, beside other libraries' and two threads on one CPU",
	.unit = "ns",
	.each = "a switch",
	.series = series,
	.nseries = sizeof series / sizeof *series,
};
