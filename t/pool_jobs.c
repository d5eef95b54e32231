/*
 * Jobs that leave a trace.
 */
#include "pool_jobs.h"

#include <stdatomic.h>

#include "suite.h"

_Atomic int ran, begun, gate, most;
char order[64];
static _Atomic int at_once;

void count(void *arg)
{
	(void)arg;
	ran++;
}

void hold(void *arg)
{
	(void)arg;
	begun++;
	wait_for(&gate, 1);
	ran++;
}

weft_pool_t *occupied(weft_pool_attr_t attr)
{
	weft_pool_t *pool = make_pool(attr);

	for (unsigned i = 0; i < attr.workers; i++)
		ck_assert_int_eq(weft_pool_submit(pool, hold, NULL), 0);
	wait_for(&begun, (int)attr.workers);
	return pool;
}

void count_at_once(void *arg)
{
	int now = ++at_once, before = most;

	(void)arg;
	while (now > before && !atomic_compare_exchange_weak(&most, &before, now))
		;
	for (int i = 0; i < 3; i++)
		weft_yield();
	at_once--;
	ran++;
}

void note_letter(void *letter)
{
	order[ran++] = (char)(intptr_t)letter;
}

void *submit_blocked(void *arg)
{
	struct blocked *b = arg;

	b->error = weft_pool_submit(b->pool, note_letter, as_arg(b->letter));
	b->done = 1;
	return NULL;
}
