/*
 * Boost.Fiber: a user-level thread library in C++. Its fibers stay on the thread that
 * made them; with two threads each has one of the two sides.
 */
#include <cerrno>
#include <cstdio>
#include <functional>
#include <thread>
#include <vector>

#include <boost/fiber/all.hpp>
#include <boost/version.hpp>

#include "program.h"

namespace fibers = boost::fibers;

namespace
{

const unsigned room = 128; /* a power of two that holds 100 */

/* Both sides to their ends: other() as a fiber beside the caller's, or on a thread of its own. */
void play(peer_run *r, uint64_t ops, std::function<void()> self, std::function<void()> other)
{
	if (r->threads == 1) {
		fibers::fiber f(fibers::launch::post, other);

		peer_begin(r);
		self();
		f.join();
	} else {
		std::thread t(other);

		peer_begin(r);
		self();
		t.join();
	}
	peer_end(r, ops);
}

int verdict(uint64_t n, uint64_t sum)
{
	return sum == n * (n - 1) / 2 ? 0 : EPROTO;
}

template <class channel> int round_trip(peer_run *r, channel &there, channel &back)
{
	uint64_t n = r->n, sum = 0;

	play(
		r, n,
		[&] {
			for (uint64_t i = 0; i < n; i++) {
				there.push(i);
				sum += back.value_pop();
			}
		},
		[&] {
			for (uint64_t i = 0; i < n; i++)
				back.push(there.value_pop());
		});
	return verdict(n, sum);
}

template <class channel> int one_way(peer_run *r, channel &c)
{
	uint64_t n = r->n, sum = 0;

	play(
		r, n,
		[&] {
			for (uint64_t i = 0; i < n; i++)
				sum += c.value_pop();
		},
		[&] {
			for (uint64_t i = 0; i < n; i++)
				c.push(i);
		});
	return verdict(n, sum);
}

int trip(peer_run *r)
{
	fibers::unbuffered_channel<uint64_t> there, back;

	return round_trip(r, there, back);
}

int way(peer_run *r)
{
	fibers::unbuffered_channel<uint64_t> c;

	return one_way(r, c);
}

int buffer(peer_run *r)
{
	fibers::buffered_channel<uint64_t> c(room);

	return one_way(r, c);
}

int alone(peer_run *r)
{
	fibers::buffered_channel<uint64_t> c(2);
	uint64_t n = r->n, sum = 0;

	peer_begin(r);
	for (uint64_t i = 0; i < n; i++) {
		c.push(i);
		sum += c.value_pop();
	}
	peer_end(r, n);
	return verdict(n, sum);
}

/* arg fibers on each thread; none of them holds the mutex over a switch. */
int mutex(peer_run *r)
{
	fibers::mutex lock;
	uint64_t counted = 0, each = r->n / (r->arg * r->threads) + 1;
	auto side = [&] {
		std::vector<fibers::fiber> all;

		for (unsigned i = 0; i < r->arg; i++)
			all.emplace_back(fibers::launch::post, [&] {
				for (uint64_t k = 0; k < each; k++) {
					std::lock_guard<fibers::mutex> held(lock);

					counted++;
				}
			});
		for (auto &f : all)
			f.join();
	};

	if (r->threads == 1) {
		peer_begin(r);
		side();
	} else {
		std::thread other(side);

		peer_begin(r);
		side();
		other.join();
	}
	peer_end(r, each * r->arg * r->threads);
	return counted == r->n ? 0 : EPROTO;
}

int cond(peer_run *r)
{
	fibers::mutex lock;
	fibers::condition_variable changed[2];
	uint64_t rounds = r->n / 2 + 1;
	int turn = 0;
	auto side = [&](int mine) {
		for (uint64_t i = 0; i < rounds; i++) {
			std::unique_lock<fibers::mutex> held(lock);

			changed[mine].wait(held, [&] { return turn == mine; });
			turn = !mine;
			held.unlock();
			changed[!mine].notify_one();
		}
	};

	play(
		r, 2 * rounds, [&] { side(0); }, [&] { side(1); });
	return 0;
}

int barrier(peer_run *r)
{
	fibers::barrier gate(r->arg);
	uint64_t rounds = r->n / r->arg + 1, counted = 0;
	std::vector<fibers::fiber> all;

	peer_begin(r);
	for (unsigned i = 0; i < r->arg; i++)
		all.emplace_back(fibers::launch::post, [&] {
			for (uint64_t k = 0; k < rounds; k++)
				if (gate.wait())
					counted += r->arg;
		});
	for (auto &f : all)
		f.join();
	peer_end(r, rounds * r->arg);
	return counted == r->n ? 0 : EPROTO;
}

const peer_call calls[] = {
	{"trip 1", trip, 0, 1},         {"trip 2", trip, 0, 2},
	{"way 1", way, 0, 1},           {"buffer 1", buffer, 0, 1},
	{"buffer 2", buffer, 0, 2},     {"alone 1", alone, 0, 1},
	{"mutex 1", mutex, 1, 1},       {"mutex 2", mutex, 1, 2},
	{"mutex 10", mutex, 5, 2},      {"mutex 100", mutex, 50, 2},
	{"mutex 1000", mutex, 500, 2},  {"cond 1", cond, 0, 1},
	{"cond 2", cond, 0, 2},         {"barrier 2", barrier, 2, 1},
	{"barrier 10", barrier, 10, 1}, {"barrier 100", barrier, 100, 1},
};

} // namespace

int main(int argc, char **argv)
{
	char version[40];

	snprintf(version, sizeof version, "Boost.Fiber %d.%d.%d", BOOST_VERSION / 100000,
		 BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100);
	return peer_main(argc, argv, version, calls, sizeof calls / sizeof *calls);
}
