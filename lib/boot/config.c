/*
 * Settings: weft_configure's, else the environment's, else the defaults.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/task.h>

#include "boot/boot.h"

enum { STACK_MAX = 1 << 30, THREADS_MAX = 1 << 20, SLICE_MAX = 1000000 };

struct settings wf_settings;

static struct config {
	struct lock lock; /* guards all, and wf_settings until the runtime is up */
	weft_config_t set;
	bool settled;
} wf_config;

/* A value that can't be used: the program goes on with the default. */
static void complain(const char *name, const char *value, const char *wanted)
{
	fprintf(stderr, "weft: %s=%s: %s; using the default\n", name, value, wanted);
}

/* A number with an optional suffix K or M; false when it is anything else. */
static bool number(const char *text, bool suffix, uint64_t *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, 10);
	if (errno)
		return false;
	if (suffix && (*end == 'K' || *end == 'k') && *value < UINT64_MAX >> 10) {
		*value <<= 10;
		end++;
	} else if (suffix && (*end == 'M' || *end == 'm') && *value < UINT64_MAX >> 20) {
		*value <<= 20;
		end++;
	}
	return !*end;
}

struct range {
	const char *name;
	uint64_t least, most;
	bool suffix;
	const char *wanted;
};

/* The environment's value in a range; else what is given as default. */
static uint64_t from_environment(const struct range *range, uint64_t otherwise)
{
	const char *text = secure_getenv(range->name);
	uint64_t value;

	if (!text)
		return otherwise;
	if (number(text, range->suffix, &value) && value >= range->least && value <= range->most)
		return value;
	complain(range->name, text, range->wanted);
	return otherwise;
}

static int io_from_environment(void)
{
	const char *text = secure_getenv("WEFT_IO");

	if (!text)
		return WEFT_IO_AUTO;
	if (!strcmp(text, "uring"))
		return WEFT_IO_URING;
	if (!strcmp(text, "epoll"))
		return WEFT_IO_EPOLL;
	complain("WEFT_IO", text, "not uring or epoll");
	return WEFT_IO_AUTO;
}

static void check_debug_words(void)
{
	const char *text = secure_getenv("WEFT_DEBUG");
	static const char *const known[] = {"schedtrace=", "sigquit", "lockgraph",
					    "stall=",      "stacks",  "yield"};
	char word[64];
	size_t n;

	for (; text && *text; text += n + (text[n] == ',')) {
		bool found = false;

		n = strcspn(text, ",");
		snprintf(word, sizeof word, "%.*s", (int)n, text);
		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			found |= !strncmp(word, known[i], strlen(known[i]));
		if (!found && n)
			complain("WEFT_DEBUG", word, "no such word");
	}
}

/* Whether WEFT_DEBUG has a word. */
bool wf_debug_word(const char *word)
{
	const char *text = secure_getenv("WEFT_DEBUG");
	size_t n = strlen(word);

	for (; text && *text; text += strcspn(text, ","), text += *text == ',')
		if (!strncmp(text, word, n) && (!text[n] || text[n] == ',' || text[n] == '='))
			return true;
	return false;
}

static void settle(void)
{
	static const struct range procs = {"WEFT_PROCS", 1, WEFT_PROCS_MAX, false,
					   "not a number from 1 to 1024"};
	static const struct range threads = {"WEFT_THREADS", 1, THREADS_MAX, false,
					     "not a number from 1 to 1048576"};
	static const struct range stack = {"WEFT_STACK", WEFT_STACK_MIN, STACK_MAX, true,
					   "not a size from 16K to 1024M"};
	static const struct range slice = {"WEFT_PREEMPT", 0, SLICE_MAX, false,
					   "not 0 or a number of milliseconds"};
	static const struct range seed = {"WEFT_SEED", 0, UINT64_MAX, false, "not a number"};
	const weft_config_t *set = &wf_config.set;
	struct settings *s = &wf_settings;
	uint64_t ms;

	s->procs = set->procs ? set->procs : (unsigned)from_environment(&procs, wf_have.ncpu);
	if (s->procs > WEFT_PROCS_MAX)
		s->procs = WEFT_PROCS_MAX;
	s->maxm = set->max_threads ? set->max_threads : (unsigned)from_environment(&threads, 10000);
	s->stacksize = set->stack_size ? set->stack_size : from_environment(&stack, 256 << 10);
	s->guardsize = set->guard_size ? set->guard_size : 64 << 10;
	s->guardsize = (s->guardsize + wf_have.pagesize - 1) & ~(wf_have.pagesize - 1);
	s->io = set->io ? set->io : io_from_environment();
	ms = from_environment(&slice, 10);
	s->preempt = set->preempt ? set->preempt : ms ? (int)ms : -1;
	s->seed = set->seed ? set->seed : from_environment(&seed, 0);
	check_debug_words();
}

void wf_settle(void)
{
	wf_osinit();
	wf_lock(&wf_config.lock);
	if (!wf_config.settled)
		settle();
	wf_config.settled = true;
	wf_unlock(&wf_config.lock);
}

void wf_unsettle(void)
{
	wf_config.settled = false;
}

static bool valid(const weft_config_t *config)
{
	for (size_t i = 0; i < sizeof config->reserved / sizeof *config->reserved; i++)
		if (config->reserved[i])
			return false;
	return config->procs <= WEFT_PROCS_MAX && config->max_threads <= THREADS_MAX &&
	       (!config->stack_size ||
		(config->stack_size >= WEFT_STACK_MIN && config->stack_size <= STACK_MAX)) &&
	       config->guard_size <= STACK_MAX && config->io >= WEFT_IO_AUTO &&
	       config->io <= WEFT_IO_EPOLL && config->preempt >= -1;
}

int weft_configure(const weft_config_t *config)
{
	if (!config || !valid(config))
		return EINVAL;
	if (wf_up())
		return EBUSY;
	wf_lock(&wf_config.lock);
	wf_config.set = *config;
	wf_config.settled = false;
	wf_unlock(&wf_config.lock);
	return 0;
}
