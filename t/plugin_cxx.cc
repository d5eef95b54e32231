// What throws, catches and allocates: as a plug-in of a program in C, and as a
// program of its own when MAIN is defined.
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace
{

struct counted {
	int *count;
	explicit counted(int *n) : count(n)
	{
	}
	~counted()
	{
		++*count;
	}
};

void throw_below(int n, int *left)
{
	counted c(left);

	if (n == 0)
		throw std::runtime_error(std::string(100, 'x') + " thrown below");
	throw_below(n - 1, left);
}

} // namespace

// 0 when all went well.
extern "C" int plugged()
{
	int left = 0;

	for (int i = 0; i < 100; i++) {
		try {
			throw_below(5, &left);
		} catch (const std::exception &e) {
			if (std::string(e.what()).size() != 113)
				return 1;
			try {
				throw;
			} catch (const std::runtime_error &) {
			}
		}
	}
	if (left != 600)
		return 2;
	std::vector<std::unique_ptr<std::string>> texts;
	for (int i = 0; i < 1000; i++)
		texts.push_back(std::make_unique<std::string>(static_cast<unsigned>(i), 'y'));
	try {
		throw std::bad_alloc();
	} catch (const std::bad_alloc &) {
		return 0;
	}
}

#ifdef MAIN
#include <weft.h>

static void *in_task(void *)
{
	return plugged() ? &errno : nullptr;
}

int main()
{
	weft_t task;
	void *value;

	if (plugged() || weft_create(&task, nullptr, in_task, nullptr) || weft_join(task, &value))
		return 1;
	return value ? 2 : 0;
}
#endif
