/*
 * Backtraces of tasks: by libunwind, from where a parked one stopped or from here;
 * without libunwind, of the caller alone, by the compiler's own unwinder.
 */
#include "config.h"

#include <dlfcn.h>
#include <string.h>
#include <unwind.h>

#include "debug/debug.h"

#if HAVE_LIBUNWIND
#define UNW_LOCAL_ONLY
#include <libunwind.h>
/* weak: the static archive does not bring it along */
extern __typeof__(unw_init_local) unw_init_local __attribute__((weak));
extern __typeof__(unw_step) unw_step __attribute__((weak));
extern __typeof__(unw_get_reg) unw_get_reg __attribute__((weak));
#endif

enum { FRAMES = 128 };

struct trace {
	int fd, n;
};

static void print_frame(struct trace *trace, uintptr_t pc)
{
	Dl_info info;

	if (dladdr((void *)(pc - 1), &info) && info.dli_sname)
		wf_print(trace->fd, "  #%-2d %#lx %s+%#lx (%s)\n", trace->n, pc, info.dli_sname,
			 pc - (uintptr_t)info.dli_saddr, info.dli_fname);
	else
		wf_print(trace->fd, "  #%-2d %#lx\n", trace->n, pc);
	trace->n++;
}

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *arg)
{
	struct trace *trace = arg;
	uintptr_t pc = _Unwind_GetIP(context);

	if (!pc || trace->n == FRAMES)
		return _URC_END_OF_STACK;
	print_frame(trace, pc);
	return _URC_NO_REASON;
}

#if HAVE_LIBUNWIND
/* The registers of a parked G as its switch saved them. */
static void context_of(const struct g *g, unw_context_t *context)
{
	struct ctxframe frame;

	wf_ctx_frame(&g->sched, &frame);
	memset(context, 0, sizeof *context);
#if defined __x86_64__
	context->uc_mcontext.gregs[REG_RIP] = (greg_t)frame.pc;
	context->uc_mcontext.gregs[REG_RSP] = (greg_t)frame.sp;
	context->uc_mcontext.gregs[REG_RBX] = (greg_t)frame.rbx;
	context->uc_mcontext.gregs[REG_RBP] = (greg_t)frame.rbp;
	context->uc_mcontext.gregs[REG_R12] = (greg_t)frame.r12;
	context->uc_mcontext.gregs[REG_R13] = (greg_t)frame.r13;
	context->uc_mcontext.gregs[REG_R14] = (greg_t)frame.r14;
	context->uc_mcontext.gregs[REG_R15] = (greg_t)frame.r15;
#endif
}

bool wf_find_unwinder(void)
{
	return unw_init_local && unw_step && unw_get_reg;
}

static bool walk_parked(struct trace *trace, const struct g *g)
{
	unw_context_t context;
	unw_cursor_t cursor;
	unw_word_t pc;

	if (!wf_have.libunwind)
		return false;
	context_of(g, &context);
	if (unw_init_local(&cursor, &context))
		return false;
	do {
		if (unw_get_reg(&cursor, UNW_REG_IP, &pc) || !pc)
			break;
		print_frame(trace, pc);
	} while (trace->n < FRAMES && unw_step(&cursor) > 0);
	return true;
}
#else
bool wf_find_unwinder(void)
{
	return false;
}

static bool walk_parked(struct trace *trace, const struct g *g)
{
	(void)trace, (void)g;
	return false;
}
#endif

void wf_backtrace(int fd, const struct g *g)
{
	struct trace trace = {fd, 0};

	if (g == wf_getg())
		_Unwind_Backtrace(visit, &trace);
	else if (!(g->flags & GF_STARTED))
		print_frame(&trace, g->sched.pc);
	else if (!walk_parked(&trace, g))
		wf_print(fd, "  (no libunwind: the frames of a parked task are not shown)\n");
}
