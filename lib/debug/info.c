/*
 * What `weft info` prints: version, backend, kernel features and the ways taken
 * where one is missing, limits, and the steps of the bootstrap.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "boot/boot.h"
#include "debug/info.h"

enum { TEXT = 8192 };

/* Facts in the order of their being told; as lines or as JSON's members. */
struct text {
	char buffer[TEXT];
	size_t n;
	bool json, first;
};

static void add(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->buffer + t->n, sizeof t->buffer - t->n, format, args);
	va_end(args);
	if (n > 0)
		t->n += (size_t)n < sizeof t->buffer - t->n ? (size_t)n
							    : sizeof t->buffer - t->n - 1;
}

static void member(struct text *t, const char *name)
{
	if (t->json)
		add(t, "%s\"%s\":", t->first ? "" : ",", name);
	else
		add(t, "%-18s", name);
	t->first = false;
}

static void fact(struct text *t, const char *name, const char *value)
{
	member(t, name);
	add(t, t->json ? "\"%s\"" : "%s\n", value);
}

static void figure(struct text *t, const char *name, unsigned long long value)
{
	member(t, name);
	add(t, t->json ? "%llu" : "%llu\n", value);
}

static const char *guards(void)
{
	if (wf_have.noguard)
		return wf_have.guardprotect ? "mprotect, until the map count was used up" : "none";
	return wf_have.guardinstall ? "MADV_GUARD_INSTALL" : "mprotect";
}

static void features(struct text *t)
{
	static const char *const io[] = {"auto", "uring", "epoll"};

	fact(t, "version", WEFT_VERSION);
	fact(t, "context", wf_ctx_name);
	fact(t, "barrier", wf_have.membarrier ? "membarrier" : "full fences (no membarrier)");
	fact(t, "guards", guards());
	fact(t, "fork", wf_have.wipeonfork ? "MADV_WIPEONFORK" : "pthread_atfork");
	fact(t, "memory", wf_have.jemalloc ? "slabs, jemalloc for large pieces" : "slabs");
	fact(t, "backtraces", wf_have.libunwind ? "libunwind" : "the compiler's unwinder");
	fact(t, "watched", wf_watched ? "yes" : "no");
	fact(t, "io", io[wf_settings.io]);
	figure(t, "cpus", wf_have.ncpu);
	figure(t, "page size", wf_have.pagesize);
	figure(t, "procs", wf_sched.nprocs ? wf_sched.nprocs : wf_settings.procs);
	figure(t, "threads", wf_sched.nm);
	figure(t, "threads at most", wf_settings.maxm);
	fact(t, "threads refused", wf_have.threadlimit ? "yes: clone failed" : "no");
	figure(t, "stack size", wf_settings.stacksize);
	figure(t, "guard size", wf_settings.guardsize);
	figure(t, "main's stack", wf_mainstack());
	figure(t, "slice (ms)", wf_settings.preempt > 0 ? (unsigned)wf_settings.preempt : 0);
}

static void boot_steps(struct text *t)
{
	static const char *const way[] = {"weft_start", "the start object", "a first call"};
	const struct step *steps;
	unsigned n = wf_steps(&steps);

	fact(t, "booted by", n ? way[wf_way] : "nobody yet");
	if (t->json) {
		member(t, "boot");
		add(t, "[");
	}
	for (unsigned i = 0; i < n; i++)
		add(t, t->json ? "%s{\"step\":\"%s\",\"ns\":%lld}" : "%s%-18s%10lld ns\n",
		    t->json && i ? "," : "", steps[i].name, (long long)steps[i].ns);
	if (t->json)
		add(t, "]");
}

static int flush(const struct text *t, int fd)
{
	size_t at = 0;

	while (at < t->n) {
		ssize_t n = write(fd, t->buffer + at, t->n - at);

		if (n < 0 && errno != EINTR)
			return errno;
		at += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int weft_info(int fd, unsigned flags)
{
	struct text t = {.n = 0, .json = flags & WEFT_INFO_JSON, .first = true};

	wf_settle();
	if (t.json)
		add(&t, "{");
	features(&t);
	if (flags & WEFT_INFO_BOOT)
		boot_steps(&t);
	if (t.json)
		add(&t, "}\n");
	return flush(&t, fd);
}
