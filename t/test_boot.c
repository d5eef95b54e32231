/*
 * The bootstrap: the ways in and out of the runtime, as their callers see them.
 */
#include <pthread.h>
#include <stdlib.h>

#include <weft.h>

#include "boot.h"

/*
 * A forked child that ends by exit on a task's stack has lost what only the stack of
 * its parent points to: that is no leak.
 */
const char *__lsan_default_options(void);

const char *__lsan_default_options(void)
{
	return "detect_leaks=0";
}

static void *twice(void *arg)
{
	weft_yield();
	return (void *)(2 * (uintptr_t)arg);
}

int tasks_work(void)
{
	enum { TASKS = 50 };
	weft_t tasks[TASKS];
	void *value;

	for (uintptr_t i = 0; i < TASKS; i++)
		if (weft_create(&tasks[i], NULL, twice, (void *)i))
			return 0;
	for (uintptr_t i = 0; i < TASKS; i++)
		if (weft_join(tasks[i], &value) || value != (void *)(2 * i))
			return 0;
	return 1;
}

void *on_thread(void *(*fn)(void *), void *arg)
{
	pthread_t thread;
	void *value;

	if (pthread_create(&thread, NULL, fn, arg) || pthread_join(thread, &value))
		abort();
	return value;
}

int main(void)
{
	Suite *suite = suite_create("boot");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, boot_start_tests());
	suite_add_tcase(suite, boot_lazy_tests());
	suite_add_tcase(suite, boot_storm_tests());
	suite_add_tcase(suite, boot_settings_tests());
	suite_add_tcase(suite, boot_limits_tests());
	suite_add_tcase(suite, boot_fork_tests());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
