/* The machine, its kernel and the compiler: figures without them say little. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"

#ifdef __clang__
enum { MAJOR = __clang_major__, MINOR = __clang_minor__, PATCH = __clang_patchlevel__ };
static const char compiler[] = "clang";
#else
enum { MAJOR = __GNUC__, MINOR = __GNUC_MINOR__, PATCH = __GNUC_PATCHLEVEL__ };
static const char compiler[] = "gcc";
#endif

/* "model name	: X" of /proc/cpuinfo, where the architecture has such a line. */
static void read_cpu(char *to, size_t size)
{
	static const char key[] = "model name";
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256];

	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		char *value = strchr(line, ':');

		if (strncmp(line, key, sizeof key - 1) != 0 || value == NULL)
			continue;
		value += strspn(value, ": ");
		value[strcspn(value, "\n")] = '\0';
		snprintf(to, size, "%.*s", (int)size - 1, value);
		break;
	}
	if (f != NULL)
		fclose(f);
}

void machine_read(struct machine *m)
{
	struct utsname u;

	memset(m, 0, sizeof *m);
	if (uname(&u) == 0) {
		snprintf(m->cpu, sizeof m->cpu, "%s", u.machine);
		snprintf(m->kernel, sizeof m->kernel, "%s %s", u.sysname, u.release);
	}
	read_cpu(m->cpu, sizeof m->cpu);
	snprintf(m->compiler, sizeof m->compiler, "%s %d.%d.%d", compiler, MAJOR, MINOR, PATCH);
	m->cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
}
