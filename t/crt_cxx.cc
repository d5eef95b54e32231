// The same in C++: what is constructed before main and destroyed after it.
#include <cstdlib>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

namespace
{

struct global {
	std::string name;
	explicit global(const char *n) : name(n)
	{
		std::cout << "made " << name << "\n";
	}
	~global()
	{
		std::cout << "gone " << name << std::endl;
	}
};

global first("first"), second("second");
thread_local global of_thread("of thread");

int throws(int n)
{
	if (n == 0)
		throw std::out_of_range("bottom");
	return throws(n - 1) + 1;
}

} // namespace

int main(int argc, char **argv)
{
	static global local("static");
	std::map<std::string, int> words;

	std::cout << of_thread.name << "\n";
	for (int i = 2; i < argc; i++)
		words[argv[i]]++;
	for (const auto &word : words)
		std::cout << word.first << " " << word.second << "\n";
	for (std::string line; std::getline(std::cin, line);)
		std::cout << "in " << line << "\n";
	try {
		throws(10);
	} catch (const std::exception &e) {
		std::cout << "caught " << e.what() << "\n";
	}
	std::thread([] { std::cout << "thread\n"; }).join();
	std::cerr << "to stderr\n";
	if (argc > 1 && argv[1] == std::string("exit"))
		std::exit(argc + 40);
	if (argc > 1 && argv[1] == std::string("abort"))
		std::abort();
	return argc > 1 && argv[1] == std::string("return") ? argc + 10 : 0;
}
