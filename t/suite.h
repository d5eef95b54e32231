/*
 * What the programs that test the task API share: a main that runs the program's
 * suite, and bodies that run as a task. Checks may fail in tasks and threads: each
 * test is a process of its own.
 */
#ifndef T_SUITE_H
#define T_SUITE_H

#include <check.h>
#include <stdint.h>
#include <time.h>

#include <weft/runtime.h>

enum { PATIENCE = 60 };

/* The program's tests; its suite has the program's name. */
TCase *suite_tests(void);

/* The slice of those runtimes in ms, as weft_config_t has it; suite_tests may set it: to -1
 * where the order counts in which tasks run, however long the machine takes. */
extern int suite_slice;

/* Run body as the main of a runtime with so many Ps. */
void as_task(unsigned procs, void (*body)(void));

/* A test whose body, in braces behind, runs as a task. */
#define TASK_TEST(name, procs)                                                                     \
	static void name##_body(void);                                                             \
	START_TEST(name)                                                                           \
	{                                                                                          \
		as_task(procs, name##_body);                                                       \
	}                                                                                          \
	END_TEST                                                                                   \
	static void name##_body(void)

/* Let others run until a counter has got so far. */
void wait_for(_Atomic int *counter, int value);

/* The same until so many tasks are parked. */
void wait_parked(unsigned n);

/* A task that must be there, and its result. */
unsigned long create(void *(*fn)(void *), void *arg);
void *result_of(unsigned long task);

/* Run fn on a thread of its own to its end; its result. */
void *on_thread(void *(*fn)(void *), void *arg);

/* Functions of tasks. */
void *give_back(void *arg);          /* its argument */
void *wait_and_give_back(void *arg); /* the same once the argument, a counter, is 1 */

/* A time of a clock, so many ms from now; and now, in ns. */
struct timespec time_of(clockid_t clock, long ms);
int64_t now_of(clockid_t clock);

/* Let the thread sleep in the kernel, which the runtime is not told. */
void pause_us(long us);

/* What weft_stats tells. */
weft_stats_t runtime_stats(void);

/* A letter for a function that takes a pointer. */
static inline void *as_arg(char letter)
{
	return (void *)(intptr_t)letter;
}

#endif
