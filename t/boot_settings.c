/*
 * What the runtime is told to be, and by whom: weft_configure, then the
 * environment, then the defaults, which come from the machine.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weft.h>

#include "boot.h"
#include "boot/boot.h"
#include "child.h"

START_TEST(test_configure_refuses_bad_values_and_keeps_what_was)
{
	const weft_config_t good = {.procs = 3};
	const weft_config_t bad[] = {
		{.procs = WEFT_PROCS_MAX + 1},
		{.procs = 2, .stack_size = WEFT_STACK_MIN - 1},
		{.procs = 2, .stack_size = (1UL << 30) + 1},
		{.procs = 2, .guard_size = (1UL << 30) + 1},
		{.procs = 2, .io = -1},
		{.procs = 2, .io = WEFT_IO_EPOLL + 1},
		{.procs = 2, .preempt = -2},
		{.procs = 2, .reserved = {0, 0, 0, 0, 0, 0, 0, 1}},
	};

	ck_assert_int_eq(weft_configure(NULL), EINVAL);
	ck_assert_int_eq(weft_configure(&good), 0);
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_int_eq(weft_configure(&bad[i]), EINVAL);
	ck_assert_int_eq(weft_procs(0), 3);
}
END_TEST

START_TEST(test_configure_is_ebusy_while_the_runtime_is_up)
{
	weft_config_t config = {.procs = 2};

	ck_assert_int_eq(weft_init(), 0);
	ck_assert_int_eq(weft_configure(&config), EBUSY);
	config.preempt = -2;
	ck_assert_int_eq(weft_configure(&config), EINVAL);
	ck_assert_int_eq(weft_shutdown(), 0);
	config.preempt = -1;
	ck_assert_int_eq(weft_configure(&config), 0);
	ck_assert_int_eq(weft_procs(0), 2);
}
END_TEST

static int configure_within(int argc, char **argv)
{
	weft_config_t config = {.procs = 2};

	(void)argc, (void)argv;
	return weft_configure(&config);
}

START_TEST(test_configure_from_a_task_is_ebusy)
{
	ck_assert_int_eq(weft_start(configure_within, 0, NULL), EBUSY);
}
END_TEST

static size_t default_stack(void)
{
	weft_attr_t attr;
	size_t size;

	need(!weft_attr_init(&attr));
	need(!weft_attr_getstacksize(&attr, &size));
	return size;
}

static void configured(void *unused)
{
	weft_config_t config = {.procs = 4,
				.max_threads = 8,
				.stack_size = 128 << 10,
				.guard_size = 4096,
				.io = WEFT_IO_EPOLL,
				.preempt = 20,
				.seed = 5};

	(void)unused;
	setenv("WEFT_PROCS", "2", 1);
	setenv("WEFT_THREADS", "3", 1);
	setenv("WEFT_STACK", "64K", 1);
	setenv("WEFT_IO", "uring", 1);
	setenv("WEFT_PREEMPT", "30", 1);
	setenv("WEFT_SEED", "6", 1);
	need(!weft_configure(&config));
	need(weft_procs(0) == 4);
	need(default_stack() == 128 << 10);
	need(wf_settings.maxm == 8 && wf_settings.guardsize == 4096);
	need(wf_settings.io == WEFT_IO_EPOLL && wf_settings.preempt == 20 && wf_settings.seed == 5);
	need(tasks_work());
}

START_TEST(test_configured_values_win_over_the_environment)
{
	child_passes(configured, NULL);
}
END_TEST

static void environed(void *unused)
{
	weft_config_t config = {.seed = 7};

	(void)unused;
	setenv("WEFT_PROCS", "2", 1);
	setenv("WEFT_THREADS", "3", 1);
	setenv("WEFT_STACK", "1M", 1);
	setenv("WEFT_IO", "uring", 1);
	setenv("WEFT_PREEMPT", "0", 1);
	setenv("WEFT_DEBUG", "sigquit,stall=5,stacks", 1);
	need(!weft_configure(&config));
	need(weft_procs(0) == 2);
	need(default_stack() == 1 << 20);
	need(wf_settings.maxm == 3 && wf_settings.io == WEFT_IO_URING);
	need(wf_settings.preempt == -1 && wf_settings.seed == 7);
	need(tasks_work());
}

START_TEST(test_environment_wins_over_the_defaults_and_says_nothing)
{
	struct child child;

	child_run(&child, environed, NULL);
	ck_assert_str_eq(child.said, "");
	ck_assert_int_eq(child.status, 0);
}
END_TEST

/* One variable is set, the others are not. */
struct variable {
	const char *name, *value;
};

static void with_variable(void *arg)
{
	const struct variable *v = arg;

	unsetenv("WEFT_PROCS");
	unsetenv("WEFT_SEED");
	setenv(v->name, v->value, 1);
	need(!weft_init());
	need(weft_procs(0) == (int)wf_getncpu());
	need(default_stack() == 256 << 10);
	need(wf_settings.maxm == 10000 && wf_settings.guardsize == 64 << 10);
	need(wf_settings.io == WEFT_IO_AUTO && wf_settings.preempt == 10 && wf_settings.seed == 0);
	need(tasks_work());
	need(!weft_shutdown());
}

START_TEST(test_a_bad_variable_gives_one_line_and_the_default)
{
	static const struct variable bad[] = {
		{"WEFT_PROCS", "0"},
		{"WEFT_PROCS", "1025"},
		{"WEFT_PROCS", ""},
		{"WEFT_PROCS", "-1"},
		{"WEFT_PROCS", "3x"},
		{"WEFT_PROCS", " 3"},
		{"WEFT_PROCS", "1K"},
		{"WEFT_THREADS", "0"},
		{"WEFT_THREADS", "many"},
		{"WEFT_STACK", "15K"},
		{"WEFT_STACK", "1025M"},
		{"WEFT_STACK", "64Q"},
		{"WEFT_STACK", "K"},
		{"WEFT_STACK", "64KK"},
		{"WEFT_IO", "select"},
		{"WEFT_IO", ""},
		{"WEFT_PREEMPT", "-1"},
		{"WEFT_PREEMPT", "ms"},
		{"WEFT_SEED", "x"},
		{"WEFT_DEBUG", "spells"},
		{"WEFT_DEBUG", "stacks,spells"},
		{"WEFT_PROCS", "99999999999999999999999999"},
		{"WEFT_STACK", "18446744073709551615M"},
	};

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct child child;

		child_run(&child, with_variable, (void *)&bad[i]);
		ck_assert_msg(child.status == 0 && occurrences(child.said, "\n") == 1 &&
				      !strncmp(child.said, "weft: ", 6) &&
				      strstr(child.said, bad[i].name),
			      "%s=%s: status %#x, said: %s", bad[i].name, bad[i].value,
			      (unsigned)child.status, child.said);
	}
}
END_TEST

static void on_one_cpu(void *unused)
{
	cpu_set_t one;

	(void)unused;
	unsetenv("WEFT_PROCS");
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	need(!sched_setaffinity(0, sizeof one, &one));
	need(wf_getncpu() == 1);
	need(weft_procs(0) == 1);
}

START_TEST(test_as_many_procs_as_the_affinity_allows)
{
	child_passes(on_one_cpu, NULL);
}
END_TEST

static int few_threads(int argc, char **argv)
{
	weft_stats_t stats;

	(void)argc, (void)argv;
	for (int i = 0; i < 20; i++) {
		need(tasks_work());
		need(!weft_stats(&stats, sizeof stats));
		need(stats.threads <= 2);
	}
	return weft_procs(0);
}

static void bounded(void *unused)
{
	weft_config_t config = {.procs = 6, .max_threads = 2};

	(void)unused;
	need(!weft_configure(&config));
	need(weft_start(few_threads, 0, NULL) == 6);
}

START_TEST(test_no_more_threads_than_configured)
{
	child_passes(bounded, NULL);
}
END_TEST

TCase *boot_settings_tests(void)
{
	TCase *tests = tcase_create("settings");

	tcase_set_timeout(tests, PATIENCE);
	tcase_add_test(tests, test_configure_refuses_bad_values_and_keeps_what_was);
	tcase_add_test(tests, test_configure_is_ebusy_while_the_runtime_is_up);
	tcase_add_test(tests, test_configure_from_a_task_is_ebusy);
	tcase_add_test(tests, test_configured_values_win_over_the_environment);
	tcase_add_test(tests, test_environment_wins_over_the_defaults_and_says_nothing);
	tcase_add_test(tests, test_a_bad_variable_gives_one_line_and_the_default);
	tcase_add_test(tests, test_as_many_procs_as_the_affinity_allows);
	tcase_add_test(tests, test_no_more_threads_than_configured);
	return tests;
}
