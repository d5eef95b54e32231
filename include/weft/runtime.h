/*
 * The runtime as a whole: starting and ending it, its size, its state.
 *
 * Semantics are Weft's own where a call names no other source. "Never parks" says that other
 * tasks of the caller's P do not run meanwhile, and that a foreign thread does not wait for
 * tasks.
 */
#ifndef WEFT_RUNTIME_H
#define WEFT_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#include <weft/attribute.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** The version of this header; weft_version() tells the library's. */
#define WEFT_VERSION "0.1.0"

/** The greatest number of Ps that weft_procs and WEFT_PROCS accept. */
#define WEFT_PROCS_MAX 1024

/** What serves I/O: the best the kernel has, or one by name. */
enum { WEFT_IO_AUTO = 0, WEFT_IO_URING = 1, WEFT_IO_EPOLL = 2 };

/** Settings of the runtime. Zero in a field leaves it to the environment, then to the default. */
typedef struct {
	unsigned procs;       /**< Ps; WEFT_PROCS; default: the CPUs this process may use */
	unsigned max_threads; /**< Ms at most; WEFT_THREADS; default 10,000 */
	size_t stack_size; /**< bytes of a task's stack; WEFT_STACK (suffix K, M); default 256 KiB
			    */
	size_t guard_size; /**< bytes of the guard below it; default 64 KiB */
	int io;            /**< WEFT_IO_AUTO, WEFT_IO_URING or WEFT_IO_EPOLL; WEFT_IO */
	int preempt;       /**< a time slice in ms; 0: 10 ms; -1: off; WEFT_PREEMPT */
	uint64_t seed;     /**< of the random choices; 0: none; WEFT_SEED */
	uint64_t reserved[8]; /**< zero */
} weft_config_t;

/** Counters and gauges of the runtime, as weft_stats fills them. */
typedef struct {
	uint64_t procs;        /**< now: Ps */
	uint64_t idle_procs;   /**< now: Ps that nobody holds */
	uint64_t spinning;     /**< now: Ms that look for work */
	uint64_t threads;      /**< now: Ms */
	uint64_t idle_threads; /**< now: Ms asleep for want of work */
	uint64_t tasks;        /**< now: tasks that have not ended */
	uint64_t runnable;     /**< now: tasks in a queue */
	uint64_t parked;       /**< now: tasks that wait */
	uint64_t blocking;     /**< now: tasks in a blocking call */
	uint64_t created;      /**< tasks made since boot */
	uint64_t finished;     /**< tasks ended since boot */
	uint64_t switches;     /**< switches to a task since boot */
	uint64_t parks;        /**< waits since boot */
	uint64_t steals;       /**< tasks taken from another P since boot */
	uint64_t handoffs;     /**< Ps handed from an M to another since boot */
	uint64_t retakes;      /**< Ps taken from an M since boot */
	uint64_t preemptions;  /**< those of the retakes whose thread was computing */
	uint64_t injected;     /**< tasks that foreign threads queued since boot */
	uint64_t stack_bytes;  /**< now: bytes of address space in stacks */
	uint64_t stacks;       /**< now: stacks in use or cached */
	uint64_t io_submitted; /**< I/O operations begun since boot */
	uint64_t io_completed; /**< I/O operations ended since boot */
	uint64_t timers;       /**< now: timers armed */
} weft_stats_t;

/**
 * Run a program's main as the first task of the runtime.
 *
 * The calling thread becomes m0 and its stack g0's; main runs as a task with a
 * stack as large as RLIMIT_STACK's soft limit (8 MiB when that is unlimited).
 * Other tasks go on after main has returned; the caller is a foreign thread
 * from then on and may start the runtime again. When another thread is m0, or
 * the runtime was booted by a foreign thread's first call, main runs as a
 * further task and the caller waits for it.
 *
 * m0's thread runs any task. Once main has ended it returns with the next call into
 * Weft of the task that it runs just then: a task that computes for ever or sleeps in the
 * kernel on that very thread keeps it until then, since nothing can take a thread from
 * under a task. Who must not depend on that ends such tasks before main returns, or calls
 * weft_init first: then main is a further task, and the caller waits for it alone. A task
 * that is bound to that thread (weft_lock_thread) keeps it until it is bound no more.
 *
 * @param main the function to run; not NULL
 * @param argc handed to main
 * @param argv handed to main
 * @return main's result; 0 after the last task has ended when main left by
 *         weft_exit; -1 with errno EINVAL (main is NULL), EBUSY (called from a
 *         task), or what booting met (EAGAIN, ENOMEM)
 * Callable from foreign threads. Blocks the caller's thread, as m0, until main has ended.
 */
int weft_start(int (*main)(int, char **), int argc, char **argv);

/**
 * Set what the runtime is to be when it boots.
 *
 * Fields that are zero leave the choice to the environment, then to the
 * default; fields that are not win over the environment.
 *
 * @param config settings; copied
 * @return 0; EINVAL for NULL or a value out of range (procs above
 *         WEFT_PROCS_MAX, stack_size not 0 and below WEFT_STACK_MIN or above
 *         1 GiB, guard_size above 1 GiB, an unknown io, preempt below -1,
 *         reserved not zero); EBUSY when the runtime is up
 * Callable before boot or after weft_shutdown, from any thread. Never parks.
 */
int weft_configure(const weft_config_t *config);

/**
 * Boot the runtime now, on a thread of its own; the caller stays foreign.
 *
 * @return 0, also when it is up already; EAGAIN or ENOMEM when threads or
 *         memory can't be had
 * Callable from tasks and from other threads. Never parks; waits while another thread boots.
 */
int weft_init(void);

/**
 * End all of Weft's threads and give back all of its memory.
 *
 * @return 0, also when the runtime is not up; EBUSY while a task lives, a pool or
 *         group exists, a timer is armed, a thread is inside weft_start, or another
 *         thread is inside a call; EDEADLK from a task
 * Callable from foreign threads; waits for Weft's threads to end. A later call boots afresh.
 */
int weft_shutdown(void);

/**
 * Ask for or change the number of Ps: how many tasks run at once.
 *
 * The change is made at once, with the world stopped for it; tasks that are
 * computing go on and meet the new number at their next call.
 *
 * @param n the new number, 1 to WEFT_PROCS_MAX; 0 or less only asks
 * @return the number before; -1 with errno EINVAL above WEFT_PROCS_MAX, or
 *         ENOMEM
 * Callable from tasks and from other threads. May park while another caller changes the
 * number. Semantics: Go, runtime.GOMAXPROCS.
 */
int weft_procs(int n);

/**
 * Bind the calling task to the kernel thread that runs it.
 *
 * Until as many calls of weft_unlock_thread the task runs on this thread and
 * no other task does. What belongs to kernel threads (signal masks, thread-
 * local data of libraries, affinity) is the task's own for that time. A task
 * that ends locked ends its thread.
 *
 * @return 0, also on a foreign thread, which is its own; EAGAIN when nested
 *         too deeply
 * Callable from tasks and from other threads. Never parks. Semantics: Go,
 * runtime.LockOSThread.
 */
int weft_lock_thread(void);

/**
 * Undo one weft_lock_thread.
 *
 * @return 0; EPERM when the caller is not locked
 * Callable from tasks and from other threads. Never parks. Semantics: Go,
 * runtime.UnlockOSThread.
 */
int weft_unlock_thread(void);

/**
 * Say that the calling task is about to block in the kernel for a while.
 *
 * Until the matching weft_blocking_end other tasks may run in its place: where some
 * wait, its P is given to another thread at once. Whoever does not say so is found
 * out a little later. Calls nest. Calls of Weft between the two take a P for their
 * time. When no more threads may be had (weft_config_t.max_threads) and the caller's
 * is the last one that does not block, the task waits for one to come back, in the
 * order of these calls.
 *
 * @return 0, also on a foreign thread, where nothing is done; EAGAIN when nested too
 *         deeply
 * Callable from tasks and from other threads. May park.
 */
WEFT_NOPLT int weft_blocking_begin(void);

/**
 * Say that it does not block any more; undoes one weft_blocking_begin.
 *
 * @return 0, also on a foreign thread; EPERM when the caller has not begun
 * Callable from tasks and from other threads. May park, until there is a P.
 */
WEFT_NOPLT int weft_blocking_end(void);

/**
 * Call a function that blocks in the kernel: between weft_blocking_begin and
 * weft_blocking_end, which is called in any case, should the function leave by an
 * exception or weft_exit too.
 *
 * @param fn  what to call; not NULL
 * @param arg handed to fn
 * @return fn's result; NULL with errno EINVAL when fn is NULL
 * Callable from tasks and from other threads. May park.
 */
void *weft_blocking(void *(*fn)(void *), void *arg);

/**
 * Tell the runtime's counters.
 *
 * The figures are read while the runtime goes on: each is true of some moment
 * during the call, and sums of them may be off by what happened meanwhile.
 *
 * @param stats where they go
 * @param size  sizeof(weft_stats_t) of the caller: no more than that is
 *              written, and what the library does not know is set to 0
 * @return 0; EINVAL when stats is NULL or size is 0
 * Callable from tasks and from other threads; all 0 when the runtime is down. Never parks.
 */
int weft_stats(weft_stats_t *stats, size_t size);

/**
 * The library's version.
 *
 * @return "0.1.0"; static
 * Callable from anywhere, handlers of signals included. Never parks.
 */
const char *weft_version(void);

/**
 * Where the calling task's errno is now.
 *
 * The address is good until the next call that may park. weft.h defines errno
 * as what it points to.
 *
 * @return never NULL
 * Callable from tasks and from other threads. Never parks.
 */
int *weft_errno_location(void);

/**
 * Run a function on behalf of a stopped task; for debuggers alone.
 *
 * Never called by the program: a debugger calls it in the thread that it has
 * stopped, with the stack of the task that it wants to ask.
 *
 * @param fn  what to run; nothing happens when it is NULL
 * @param arg handed to fn
 * Never parks, unless fn does.
 */
void weft_debugcall(void (*fn)(void *), void *arg);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
