/*
 * oneTBB: an arena that threads outside of it put jobs into, a task group, and
 * parallel_for with its own partitioning. What is measured is what bench/pool.c does with
 * Weft's pools and loops, and says there.
 */
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <thread>
#include <vector>

#include <pthread.h>
#include <sched.h>

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>
#include <oneapi/tbb/version.h>

#include "../bodies.h"
#include "program.h"

namespace onetbb = oneapi::tbb;

namespace
{

enum { COUNTERS = 64, BURST = 1000, BURSTS = 100, PAUSE_NS = 100 * 1000 };

struct alignas(64) counter {
	std::atomic<uint64_t> count;
} counters[COUNTERS];
std::atomic<unsigned> claimed;

/* In a counter of the thread that runs it, which no other writes. */
void job()
{
	static thread_local counter *mine = &counters[claimed++ % COUNTERS];

	mine->count.store(mine->count.load(std::memory_order_relaxed) + 1,
			  std::memory_order_release);
}

uint64_t jobs_done()
{
	uint64_t sum = 0;

	for (auto &c : counters)
		sum += c.count.load(std::memory_order_acquire);
	return sum;
}

/* --- submit -------------------------------------------------------------------------- */

struct submitter {
	std::thread thread;
	double from, to;
};

void submit_bursts(onetbb::task_arena &arena, pthread_barrier_t *gate, submitter *s)
{
	for (int b = 0; b < BURSTS; b++) {
		pthread_barrier_wait(gate);
		s->from = peer_now();
		for (int i = 0; i < BURST; i++)
			arena.enqueue(job);
		s->to = peer_now();
		pthread_barrier_wait(gate);
	}
}

double burst_ns(const std::vector<submitter> &all)
{
	auto by_from = [](const submitter &a, const submitter &b) { return a.from < b.from; };
	auto by_to = [](const submitter &a, const submitter &b) { return a.to < b.to; };

	return std::max_element(all.begin(), all.end(), by_to)->to -
	       std::min_element(all.begin(), all.end(), by_from)->from;
}

double one_burst(const std::vector<submitter> &all, pthread_barrier_t *gate)
{
	uint64_t goal = jobs_done() + all.size() * BURST;

	for (double until = peer_now() + PAUSE_NS; peer_now() < until;)
		;
	pthread_barrier_wait(gate);
	pthread_barrier_wait(gate);
	while (jobs_done() < goal)
		sched_yield();
	return burst_ns(all) / (double)(all.size() * BURST);
}

/* arg threads submit; the median of the bursts. No place in the arena is kept for them. */
int submit(peer_run *r)
{
	onetbb::global_control limit(onetbb::global_control::max_allowed_parallelism,
				     r->threads + 1);
	onetbb::task_arena arena((int)r->threads, 0);
	std::vector<submitter> all(r->arg);
	std::vector<double> ns(BURSTS);
	pthread_barrier_t gate;
	int err = pthread_barrier_init(&gate, nullptr, r->arg + 1);

	if (err != 0)
		return err;
	arena.initialize();
	for (auto &s : all)
		s.thread = std::thread([&] { submit_bursts(arena, &gate, &s); });
	for (auto &each : ns)
		each = one_burst(all, &gate);
	for (auto &s : all)
		s.thread.join();
	std::sort(ns.begin(), ns.end());
	r->n = BURSTS;
	r->value = ns[BURSTS / 2];
	r->ns = r->value * BURSTS;
	return 0;
}

/* --- empty, loops ----------------------------------------------------------------------- */

/* The caller works too: it is one of the threads. */
int empty(peer_run *r)
{
	onetbb::global_control limit(onetbb::global_control::max_allowed_parallelism, r->threads);
	onetbb::task_arena arena((int)r->threads);
	uint64_t goal = jobs_done() + r->n;

	arena.initialize();
	peer_begin(r);
	arena.execute([&] {
		onetbb::task_group group;

		for (uint64_t i = 0; i < r->n; i++)
			group.run(job);
		group.wait();
	});
	peer_end(r, r->n);
	return jobs_done() == goal ? 0 : EPROTO;
}

loop_data data;

void fill()
{
	if (data.x == nullptr) {
		data.x = new double[AXPY_N];
		data.y = new double[AXPY_N];
		data.hash = new uint64_t[HASH_N];
	}
	std::fill(data.x, data.x + AXPY_N, 2);
	std::fill(data.y, data.y + AXPY_N, 0);
	for (size_t i = 0; i < HASH_N; i++)
		data.hash[i] = i + 1;
}

template <typename body> uint64_t loop(peer_run *r, size_t length, body one)
{
	onetbb::global_control limit(onetbb::global_control::max_allowed_parallelism, r->threads);
	onetbb::task_arena arena((int)r->threads);
	uint64_t passes = r->n / length + 1;

	fill();
	arena.initialize();
	peer_begin(r);
	arena.execute([&] {
		for (uint64_t k = 0; k < passes; k++)
			onetbb::parallel_for(onetbb::blocked_range<size_t>(0, length),
					     [&](const onetbb::blocked_range<size_t> &range) {
						     for (size_t i = range.begin(); i < range.end();
							  i++)
							     one(i);
					     });
	});
	peer_end(r, passes * length);
	return passes;
}

int memory(peer_run *r)
{
	double passes = (double)loop(r, AXPY_N, [](size_t i) { axpy(&data, i); });

	return std::count(data.y, data.y + AXPY_N, passes) == AXPY_N ? 0 : EPROTO;
}

int compute(peer_run *r)
{
	uint64_t passes = loop(r, HASH_N, [](size_t i) { hash(&data, i); });
	uint64_t number = HASH_N;
	loop_data one = {nullptr, nullptr, &number};

	for (uint64_t k = 0; k < passes; k++)
		hash(&one, 0);
	return number == data.hash[HASH_N - 1] ? 0 : EPROTO;
}

const peer_call calls[] = {
	{"submit 1", submit, 1, 2},   {"submit 4", submit, 4, 2}, {"empty 1", empty, 0, 1},
	{"empty 2", empty, 0, 2},     {"empty 4", empty, 0, 4},   {"memory 2", memory, 0, 2},
	{"compute 2", compute, 0, 2},
};

} // namespace

int main(int argc, char **argv)
{
	char version[40];

	snprintf(version, sizeof version, "oneTBB %d.%d.%d", TBB_VERSION_MAJOR, TBB_VERSION_MINOR,
		 TBB_VERSION_PATCH);
	return peer_main(argc, argv, version, calls, sizeof calls / sizeof *calls);
}
