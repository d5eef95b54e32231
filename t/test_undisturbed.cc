// What is retaken in the middle of anything comes to the same results: tasks in malloc and
// free, in printf to one FILE, in vector loops and in exceptions, with a slice of a
// millisecond, against the same work done by one thread before there is a runtime. Meanwhile
// others block, with handlers for all signals and without SA_RESTART, and see no EINTR.
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

#include <check.h>
#include <weft.h>

#include "soak.h"

namespace
{

enum { PATIENCE = 600, SEEDS = 3, LINES = 500 };

uint64_t mix(uint64_t x)
{
	x ^= x >> 31;
	x *= 0x9e3779b97f4a7c15;
	return x ^ x >> 29;
}

// Blocks that come and go: strings in a tree, vectors that grow.
uint64_t use_malloc(uint64_t seed)
{
	std::map<uint64_t, std::string> tree;
	uint64_t x = seed, sum = 0;

	for (unsigned i = 0; i < scaled(4000); i++) {
		uint64_t key = (x = mix(x + 1)) % 64;
		auto at = tree.find(key);

		if (at != tree.end()) {
			std::vector<char> copy(at->second.begin(), at->second.end());

			sum = mix(sum + copy.size() + static_cast<unsigned char>(copy.back()));
			tree.erase(at);
		}
		tree[key] = std::string(x >> 20 & 0xfff, 'a') + static_cast<char>('a' + x % 26);
	}
	return sum;
}

// The sums are in registers all of the time: in wide ones where there are any.
typedef float lanes __attribute__((vector_size(32)));

#if defined __x86_64__
__attribute__((target("avx2")))
#endif
void vector_loop(float *out, float start, unsigned rounds)
{
	lanes a = {start,     start + 1, start + 2, start + 3,
		   start + 4, start + 5, start + 6, start + 7};
	lanes b = a * 2.0f, c = a * 3.0f, d = a * 5.0f;

	for (unsigned i = 0; i < rounds; i++) {
		a = a * 0.75f + b;
		b = b * 0.5f + 1.0f;
		c = c * 0.25f + d;
		d = d * 0.125f + 3.0f;
	}
	a = a + c * d;
	memcpy(out, &a, sizeof a);
}

bool have_vectors()
{
#if defined __x86_64__
	return __builtin_cpu_supports("avx2");
#else
	return true;
#endif
}

uint64_t use_vectors(uint64_t seed)
{
	float out[8];
	uint64_t sum = seed;

	if (!have_vectors())
		return 0;
	vector_loop(out, static_cast<float>(seed % 1000), scaled(1000000));
	for (float f : out) {
		uint32_t bits;

		memcpy(&bits, &f, sizeof bits);
		sum = mix(sum + bits);
	}
	return sum;
}

struct counted {
	uint64_t &sum;
	explicit counted(uint64_t &s) : sum(s)
	{
	}
	~counted()
	{
		sum = mix(sum + 1);
	}
};

// Down so many frames, each with something to destroy, and up again by an exception.
__attribute__((noinline)) void descend(unsigned depth, uint64_t seed, uint64_t &sum)
{
	counted c(sum);

	if (!depth)
		throw std::runtime_error(std::to_string(seed));
	try {
		descend(depth - 1, mix(seed), sum);
	} catch (const std::runtime_error &e) {
		sum = mix(sum + strlen(e.what()));
		if (depth % 3 == 0)
			throw std::runtime_error(std::string(e.what()) + "x");
		throw;
	}
}

uint64_t use_exceptions(uint64_t seed)
{
	uint64_t sum = seed;

	for (unsigned i = 0; i < scaled(300); i++) {
		try {
			descend(i % 20, seed + i, sum);
		} catch (const std::exception &e) {
			for (const char *s = e.what(); *s; s++)
				sum = mix(sum + static_cast<unsigned char>(*s));
		}
		ck_assert_int_eq(std::uncaught_exceptions(), 0);
	}
	return sum;
}

FILE *shared;

// Whole lines to one FILE; what it holds is looked at once all is over.
uint64_t use_printf(uint64_t seed)
{
	for (int i = 0; i < LINES; i++)
		ck_assert_int_gt(fprintf(shared, "%llx %d %.6f\n",
					 static_cast<unsigned long long>(seed), i,
					 static_cast<double>(i) / 3),
				 0);
	return seed;
}

// Calls that a signal would end early.
uint64_t use_kernel(uint64_t seed)
{
	int ends[2];
	char byte = 0;

	ck_assert_int_eq(pipe(ends), 0);
	for (int i = 0; i < 20; i++) {
		struct timespec nap = {0, 300000};

		ck_assert_int_eq(nanosleep(&nap, nullptr), 0);
		ck_assert_int_eq(write(ends[1], &byte, 1), 1);
		ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	}
	close(ends[0]);
	close(ends[1]);
	return seed;
}

uint64_t (*const uses[])(uint64_t) = {use_malloc, use_vectors, use_exceptions, use_printf,
				      use_kernel};
enum { USES = sizeof uses / sizeof *uses, USERS = USES * SEEDS };

uint64_t expected[USERS];
unsigned rounds_done;

uint64_t use(uintptr_t n)
{
	return uses[n % USES](n);
}

void *user(void *number)
{
	return reinterpret_cast<void *>(use(reinterpret_cast<uintptr_t>(number)));
}

// Every line came out whole, in order, and once.
void check_lines()
{
	char line[128], want[128];
	unsigned count[USERS] = {};
	unsigned long long seed;
	int i;

	rewind(shared);
	while (fgets(line, sizeof line, shared)) {
		ck_assert_int_eq(sscanf(line, "%llx %d", &seed, &i), 2);
		ck_assert_uint_lt(seed, USERS);
		snprintf(want, sizeof want, "%llx %d %.6f\n", seed, i, static_cast<double>(i) / 3);
		ck_assert_str_eq(line, want);
		ck_assert_int_eq(i, static_cast<int>(count[seed]++ % LINES));
	}
	for (unsigned n = 0; n < USERS; n++)
		if (uses[n % USES] == use_printf)
			ck_assert_uint_eq(count[n], LINES * rounds_done);
}

void nothing(int)
{
}

// For any signal that somebody might send.
void handle_all_signals()
{
	struct sigaction action = {};

	action.sa_handler = nothing;
	for (int i = 1; i < NSIG; i++)
		if (i != SIGSEGV && i != SIGBUS && i != SIGABRT && i != SIGALRM && i != SIGTERM &&
		    i != SIGCHLD)
			sigaction(i, &action, nullptr);
}

int disturbed_run(int, char **)
{
	time_t until = time(nullptr) + (soaking() ? 60 : 1);
	weft_stats_t stats;
	weft_t tasks[USERS];

	do {
		for (uintptr_t n = 0; n < USERS; n++)
			ck_assert_int_eq(
				weft_create(&tasks[n], nullptr, user, reinterpret_cast<void *>(n)),
				0);
		for (unsigned n = 0; n < USERS; n++) {
			void *value;

			ck_assert_int_eq(weft_join(tasks[n], &value), 0);
			ck_assert_uint_eq(reinterpret_cast<uintptr_t>(value), expected[n]);
		}
		rounds_done++;
	} while (time(nullptr) < until);
	ck_assert_int_eq(weft_stats(&stats, sizeof stats), 0);
	ck_assert_uint_ge(stats.retakes, 1);
	if (getenv("WEFT_TEST_GAPS"))
		fprintf(stderr, "%u rounds, %llu retakes, %llu of them preemptions\n", rounds_done,
			static_cast<unsigned long long>(stats.retakes),
			static_cast<unsigned long long>(stats.preemptions));
	return 0;
}

// _i: Ps
START_TEST(test_results_are_those_of_an_undisturbed_run_and_no_call_sees_eintr)
{
	weft_config_t config = {};

	shared = tmpfile();
	for (unsigned n = 0; n < USERS; n++)
		expected[n] = use(n);
	fclose(shared);
	shared = tmpfile();
	handle_all_signals();
	config.procs = static_cast<unsigned>(_i);
	config.preempt = 1;
	ck_assert_int_eq(weft_configure(&config), 0);
	ck_assert_int_eq(weft_start(disturbed_run, 0, nullptr), 0);
	check_lines();
}
END_TEST

} // namespace

int main()
{
	Suite *suite = suite_create("undisturbed");
	TCase *tests = tcase_create("undisturbed");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests, PATIENCE);
	tcase_add_loop_test(
		tests, test_results_are_those_of_an_undisturbed_run_and_no_call_sees_eintr, 1, 3);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
