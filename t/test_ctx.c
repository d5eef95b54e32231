/*
 * Contexts: both public layers, and the scheduler's switch as tasks see it.
 */
#include <stdlib.h>

#include "ctx_layer.h"

int main(void)
{
	Suite *suite = suite_create("ctx");
	SRunner *runner;
	int failed;

	suite_add_tcase(suite, ctx_default_tests());
	suite_add_tcase(suite, ctx_portable_tests());
	suite_add_tcase(suite, ctx_task_tests());
	suite_add_tcase(suite, ctx_fpenv_tests());
	suite_add_tcase(suite, ctx_exit_tests());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
