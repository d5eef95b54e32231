// Tasks in C++: exceptions belong to the task that threw them, wherever it parks,
// and a task that ends leaves its frames as an exception would.
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weft.h>

#include "elsewhere.h"
#include "test_cxx.h"

namespace
{

// One P, so that who yields runs again after all others did.
void run_alone(int (*main)(int, char **))
{
	weft_config_t config{};

	config.procs = 1;
	ck_assert_int_eq(weft_configure(&config), 0);
	ck_assert_int_eq(weft_start(main, 0, nullptr), 0);
}

weft_t create(void *(*fn)(void *), void *arg)
{
	weft_t task;

	ck_assert_int_eq(weft_create(&task, nullptr, fn, arg), 0);
	return task;
}

void *join(weft_t task)
{
	void *value = nullptr;

	ck_assert_int_eq(weft_join(task, &value), 0);
	return value;
}

// Catches, parks while it has the exception in hand, and rethrows it.
void *rethrow_own(void *arg)
{
	const std::string name = static_cast<const char *>(arg);

	for (int i = 0; i < 10; i++) {
		try {
			try {
				weft_yield();
				throw std::runtime_error(name);
			} catch (...) {
				weft_yield();
				if (i % 3 == 0)
					elsewhere();
				throw;
			}
		} catch (const std::runtime_error &e) {
			weft_yield();
			ck_assert_str_eq(e.what(), name.c_str());
			continue;
		}
		ck_abort_msg("nothing was rethrown");
	}
	return arg;
}

int rethrow_main(int, char **)
{
	const char *const names[] = {"one", "two", "three", "four"};
	weft_t tasks[4];

	for (int i = 0; i < 4; i++)
		tasks[i] = create(rethrow_own, const_cast<char *>(names[i]));
	for (int i = 0; i < 4; i++)
		ck_assert_ptr_eq(join(tasks[i]), names[i]);
	return 0;
}

START_TEST(test_tasks_that_park_in_catch_blocks_rethrow_their_own)
{
	run_alone(rethrow_main);
}
END_TEST

// Parks while the stack is being unwound.
struct yields_when_left {
	int in_flight;
	~yields_when_left()
	{
		for (int i = 0; i < 5; i++) {
			weft_yield();
			ck_assert_int_eq(std::uncaught_exceptions(), in_flight);
		}
	}
};

void *throw_slowly(void *)
{
	try {
		yields_when_left mark{1};

		throw 42;
	} catch (int thrown) {
		ck_assert_int_eq(thrown, 42);
		ck_assert_int_eq(std::uncaught_exceptions(), 0);
	}
	return nullptr;
}

void *throw_nothing(void *)
{
	yields_when_left mark{0};

	ck_assert(!std::current_exception());
	return nullptr;
}

int uncaught_main(int, char **)
{
	weft_t tasks[] = {create(throw_slowly, nullptr), create(throw_nothing, nullptr),
			  create(throw_slowly, nullptr), create(throw_nothing, nullptr)};

	for (weft_t task : tasks)
		join(task);
	ck_assert_int_eq(std::uncaught_exceptions(), 0);
	return 0;
}

START_TEST(test_uncaught_exceptions_are_counted_per_task)
{
	run_alone(uncaught_main);
}
END_TEST

// Each level parks inside its catch block while the one below throws anew.
void nest(int depth)
{
	try {
		throw depth;
	} catch (int caught) {
		weft_yield();
		if (depth)
			nest(depth - 1);
		ck_assert_int_eq(caught, depth);
		try {
			throw;
		} catch (int again) {
			ck_assert_int_eq(again, depth);
		}
	}
}

void *nest_in_task(void *)
{
	nest(20);
	return nullptr;
}

int nest_main(int, char **)
{
	weft_t tasks[] = {create(nest_in_task, nullptr), create(nest_in_task, nullptr)};

	nest(10);
	for (weft_t task : tasks)
		join(task);
	return 0;
}

START_TEST(test_nested_catch_blocks_park)
{
	run_alone(nest_main);
}
END_TEST

void *hand_over(void *arg)
{
	try {
		throw std::logic_error("handed over");
	} catch (...) {
		*static_cast<std::exception_ptr *>(arg) = std::current_exception();
	}
	return nullptr;
}

int hand_main(int, char **)
{
	std::exception_ptr exception;
	std::string what;

	join(create(hand_over, &exception));
	try {
		std::rethrow_exception(exception);
	} catch (const std::logic_error &e) {
		what = e.what();
	}
	ck_assert_str_eq(what.c_str(), "handed over");
	return 0;
}

START_TEST(test_exception_is_handed_to_another_task)
{
	run_alone(hand_main);
}
END_TEST

// --- the end of a task ----------------------------------------------------------

std::string ran;

struct leaves {
	char letter;
	~leaves()
	{
		weft_yield();
		ran += letter;
	}
};

void handler(void *letter)
{
	ran += *static_cast<char *>(letter);
}

__attribute__((noinline)) void end_below(void (*end)())
{
	leaves a{'a'};

	end();
}

__attribute__((noinline)) void pass_on(void (*end)())
{
	char c = 'c';

	weft_cleanup_push(handler, &c);
	try {
		leaves b{'b'};

		end_below(end);
	} catch (...) {
		ran += '.';
		throw;
	}
	weft_cleanup_pop(0);
}

void by_exit()
{
	weft_exit(const_cast<char *>("value"));
}

void by_cancel()
{
	weft_cancel(weft_self());
	weft_testcancel();
}

void *end_in_frames(void *arg)
{
	leaves d{'d'};

	pass_on(arg ? by_cancel : by_exit);
	return nullptr;
}

int end_main(int, char **)
{
	ck_assert_str_eq(static_cast<char *>(join(create(end_in_frames, nullptr))), "value");
	ck_assert_str_eq(ran.c_str(), "ab.cd");
	ran.clear();
	ck_assert_ptr_eq(join(create(end_in_frames, &ran)), WEFT_CANCELED);
	ck_assert_str_eq(ran.c_str(), "ab.cd");
	return 0;
}

START_TEST(test_exit_and_cancel_run_destructors_and_catch_all_blocks)
{
	run_alone(end_main);
}
END_TEST

void *exit_while_handling(void *)
{
	try {
		throw 1;
	} catch (int) {
		weft_exit(const_cast<char *>("in a handler"));
	}
}

int handling_main(int, char **)
{
	join(create(exit_while_handling, nullptr));
	ck_assert_int_eq(std::uncaught_exceptions(), 0);
	ck_assert(!std::current_exception());
	join(create(throw_slowly, nullptr));
	return 0;
}

START_TEST(test_exit_in_a_catch_block_leaves_no_exception_to_others)
{
	run_alone(handling_main);
}
END_TEST

// --- what ends the process --------------------------------------------------------

void *throw_out(void *)
{
	throw std::runtime_error("nobody catches this");
}

void *swallow_exit(void *)
{
	try {
		weft_exit(nullptr);
	} catch (...) {
	}
	return nullptr;
}

int throw_out_main(int, char **)
{
	join(create(throw_out, nullptr));
	return 0;
}

int swallow_main(int, char **)
{
	join(create(swallow_exit, nullptr));
	return 0;
}

// How a child ends that runs main as a task.
int end_of_child(int (*main)(int, char **))
{
	pid_t pid = fork();
	int status = 0;

	if (!pid) {
		const struct rlimit none = {0, 0};

		setrlimit(RLIMIT_CORE, &none);
		close(STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		_exit(weft_start(main, 0, nullptr));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

START_TEST(test_uncaught_exception_terminates)
{
	int status = end_of_child(throw_out_main);

	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
END_TEST

START_TEST(test_catch_all_that_keeps_an_exit_terminates)
{
	int status = end_of_child(swallow_main);

	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
END_TEST

} // namespace

int main()
{
	Suite *suite = suite_create("cxx");
	TCase *tests = tcase_create("exceptions");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, 300);
	tcase_add_test(tests, test_tasks_that_park_in_catch_blocks_rethrow_their_own);
	tcase_add_test(tests, test_uncaught_exceptions_are_counted_per_task);
	tcase_add_test(tests, test_nested_catch_blocks_park);
	tcase_add_test(tests, test_exception_is_handed_to_another_task);
	tcase_add_test(tests, test_exit_and_cancel_run_destructors_and_catch_all_blocks);
	tcase_add_test(tests, test_exit_in_a_catch_block_leaves_no_exception_to_others);
	tcase_add_test(tests, test_uncaught_exception_terminates);
	tcase_add_test(tests, test_catch_all_that_keeps_an_exit_terminates);
	cxx_default_tests(tests);
	cxx_portable_tests(tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
