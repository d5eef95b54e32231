/*
 * rt0_go: from a thread to m0 running the scheduler.
 *
 * All three ways in meet here: the start object (weft_rt0), weft_start, and a
 * foreign thread's first call (start.c). doc/bootstrap.md has the names of the
 * original beside these.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <weft/task.h>

#include "boot/boot.h"
#include "boot/crt.h"
#include "sched/retake.h"

/* m0 lies on pages of its own: those of Ms are wiped in a forked child. */
struct m wf_m0;
struct g wf_g0;
struct sched wf_sched;
enum way wf_way;
int wf_argc;
char **wf_argv;

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			wf_throw("check failed: " #condition);                                     \
	} while (0)

static void check_layout(void)
{
	CHECK(offsetof(struct gobuf, sp) == WF_GOBUF_SP);
	CHECK(offsetof(struct gobuf, pc) == WF_GOBUF_PC);
	CHECK(offsetof(struct gobuf, g) == WF_GOBUF_G);
	CHECK(offsetof(struct gobuf, ctxt) == WF_GOBUF_CTXT);
	CHECK(offsetof(struct g, sched) == 0);
	CHECK(offsetof(struct g, m) == WF_G_M);
	CHECK(sizeof(struct g) == 2 * CACHELINE);
	CHECK(sizeof(struct m) % PAGE == 0);
	CHECK((uintptr_t)&wf_m0 % PAGE == 0);
	CHECK(sizeof(weft_attr_t) == 7 * sizeof(uint64_t));
	CHECK(sizeof(void *) == sizeof(uint64_t));
	CHECK((int)CANCEL_DISABLE == WEFT_CANCEL_DISABLE &&
	      (int)CANCEL_MASKED == WEFT_CANCEL_MASKED);
}

/* One thread alone: each operation gives what it says. Nothing here pairs with anything. */
static void check_atomics(void)
{
	_Atomic uint32_t word = 1;
	_Atomic uint64_t wide = UINT64_MAX;
	uint32_t expected = 2;

	CHECK(atomic_is_lock_free(&word));
	CHECK(atomic_is_lock_free(&wide));
	CHECK(!atomic_compare_exchange_strong(&word, &expected, 3) && expected == 1);
	CHECK(atomic_compare_exchange_strong(&word, &expected, 3) && word == 3);
	CHECK(atomic_exchange(&word, 4) == 3);
	CHECK(atomic_fetch_add(&wide, 2) == UINT64_MAX && wide == 1);
	CHECK(atomic_fetch_or(&word, 3) == 4 && word == 7);
}

/* Set and read as the scheduler does, with a call to elsewhere between. */
static void check_tls(void)
{
	struct g *before = wf_getg();
	struct g other;

	wf_setg(&other);
	CHECK(wf_getg() == &other && wf_tls_g == &other);
	wf_setg(before);
	CHECK(wf_getg() == before && wf_tls_g == before);
}

static void check_stack(void)
{
	_Alignas(16) char aligned[16];
	uintptr_t address = (uintptr_t)aligned;

	__asm__ __volatile__("" : "+r"(address));
	CHECK(address % 16 == 0);
}

/* The assumptions that the code makes; a failure names itself. */
void wf_check(void)
{
	check_layout();
	check_atomics();
	check_tls();
	check_stack();
}

void wf_args(int argc, char **argv)
{
	wf_argc = argc;
	wf_argv = argv;
}

/* The calling thread is m0, its stack g0's. */
void wf_become_m0(void)
{
	struct m *link = wf_m0.alllink;

	wf_foreign_rest(wf_getg());
	wf_mclear(&wf_m0);
	memset(&wf_g0, 0, sizeof wf_g0); /* its stack is another thread's now */
	wf_m0.alllink = link;
	wf_mprepare(&wf_m0, &wf_g0);
	wf_setg(&wf_g0);
	wf_setm(&wf_m0);
	wf_ctx_clear_flags();
}

/* main could only wait for a stack, which nobody could give back to it: it is had
 * before the runtime is up, and lies ready then. */
static int try_mainstack(void)
{
	struct gtop *top = wf_stackget(wf_mainstack(), wf_settings.guardsize);

	if (!top)
		return ENOMEM;
	wf_stackputslow(wf_p(&wf_m0), top);
	return 0;
}

int wf_rt0_go(struct program *program)
{
	int error;

	wf_steps_begin();
	wf_step("rt0_go");
	wf_way = program->way;
	wf_become_m0();
	wf_step("check");
	wf_check();
	wf_step("args");
	wf_args(program->argc, program->argv);
	wf_step("osinit");
	wf_osboot();
	wf_attn_init(&wf_m0);
	if (wf_have.wipeonfork)
		madvise(&wf_m0, sizeof wf_m0, MADV_WIPEONFORK);
	wf_step("schedinit");
	wf_settle();
	wf_sched.nm = 1;
	error = wf_schedinit(wf_settings.procs);
	if (!error)
		error = try_mainstack();
	if (!error) {
		wf_step("newproc(main)");
		error = wf_newproc(&wf_m0, wf_main, program, wf_mainstack());
	}
	if (error)
		return error;
	wf_sysmon_start(); /* where threads are refused there is nobody to give a P to either */
	wf_booted();
	wf_step("mstart");
	wf_mstart();
	return 0;
}
