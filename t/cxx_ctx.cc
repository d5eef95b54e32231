// Exceptions within a context of the public layer, whichever it is.
#include <stdexcept>
#include <string>
#include <vector>

#include <weft/ctx.h>

#include "test_cxx.h"

namespace
{

struct other {
	weft_ctx_t here{}, there{};
	std::vector<char> stack;
	std::string seen;

	other(void (*fn)(void *)) : stack(256 * 1024)
	{
		ck_assert_int_eq(weft_ctx_make(&there, stack.data(), stack.size(), fn, this), 0);
	}
	~other()
	{
		weft_ctx_free(&there);
	}
	other(const other &) = delete;
	other &operator=(const other &) = delete;
	void go()
	{
		weft_ctx_switch(&here, &there);
	}
	void back()
	{
		weft_ctx_switch(&there, &here);
	}
};

struct leaving {
	other *o;
	~leaving()
	{
		o->back();
		o->seen += "left ";
	}
};

__attribute__((noinline)) void throw_below(other *o, int n)
{
	leaving l{o};

	if (!n)
		throw std::runtime_error("below");
	throw_below(o, n - 1);
}

void catcher(void *arg)
{
	other *o = static_cast<other *>(arg);

	for (;;) {
		try {
			throw_below(o, 2);
		} catch (const std::runtime_error &e) {
			o->seen += e.what();
		}
		o->back();
	}
}

START_TEST(test_exception_is_caught_within_its_context)
{
	other o(catcher);

	for (int i = 0; i < 4; i++)
		o.go();
	ck_assert_str_eq(o.seen.c_str(), "left left left below");
}
END_TEST

} // namespace

#ifdef WEFT_CTX_PORTABLE
void cxx_portable_tests(TCase *tests)
#else
void cxx_default_tests(TCase *tests)
#endif
{
	tcase_add_test(tests, test_exception_is_caught_within_its_context);
}
