/* The portable layer's switch, through the header as a program that asks for it sees it. */
#define WEFT_CTX_PORTABLE

#include "ctx_pingpong.h"
#include "peers/peers.h"

int ctx_portable(struct bench_run *r)
{
	return pingpong(r);
}
