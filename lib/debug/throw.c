/*
 * Fatal ends: one line that says what, the state, and SIGABRT.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "debug/debug.h"
#include "sched/fast.h"

void wf_print(int fd, const char *format, ...)
{
	char line[512];
	va_list args;
	int n, at = 0;

	va_start(args, format);
	n = vsnprintf(line, sizeof line, format, args);
	va_end(args);
	if (n > (int)sizeof line - 1)
		n = sizeof line - 1;
	while (at < n) {
		ssize_t written = write(fd, line + at, (size_t)(n - at));

		if (written < 0 && errno != EINTR)
			return;
		at += written > 0 ? (int)written : 0;
	}
}

static void print_state(int fd)
{
	wf_print(fd, "weft: procs %u, idle %u, spinning %u, threads %u (idle %u), queued %u\n",
		 wf_sched.nprocs, wf_sched.npidle, wf_sched.nmspinning, wf_sched.nm,
		 wf_sched.nmidle, wf_sched.runq.n);
	for (unsigned i = 0; i < wf_sched.nps; i++)
		wf_print(fd, "weft: P%u status %u m %lld queued %u\n", i, wf_allp[i]->status,
			 wf_allp[i]->m ? (long long)wf_allp[i]->m->id : -1, wf_runqlen(wf_allp[i]));
}

_Noreturn void wf_abort(void)
{
	abort();
}

_Noreturn void wf_throw(const char *what)
{
	struct g *g = wf_getg();

	wf_print(STDERR_FILENO, "weft: fatal: %s\n", what);
	print_state(STDERR_FILENO);
	if (g && g->m && g != g->m->g0) {
		wf_print(STDERR_FILENO, "weft: in task %lu\n", wf_handle(g));
		wf_backtrace(STDERR_FILENO, g);
	}
	abort();
}

_Noreturn void wf_badctxt(void)
{
	wf_throw("a context was left where g0's was to be saved");
}

_Noreturn void wf_badstatus(const struct g *g, unsigned from, unsigned to)
{
	char text[96];

	snprintf(text, sizeof text, "bad status: %u where %u was to become %u", wf_status(g), from,
		 to);
	wf_throw(text);
}
