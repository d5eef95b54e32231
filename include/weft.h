/*
 * Weft: tasks, and the pool of threads that runs them.
 *
 * Includes the whole interface but the bare context layer (weft/ctx.h).
 */
#ifndef WEFT_H
#define WEFT_H

#include <weft/chan.h>
#include <weft/pool.h>
#include <weft/runtime.h>
#include <weft/sync.h>
#include <weft/task.h>
#include <weft/time.h>

/*
 * errno belongs to the kernel thread in libc, and a compiler may keep its
 * address across a call after which the task runs on another thread. In code
 * that includes this header the address is asked for at each use.
 */
#include <errno.h>
#undef errno
#define errno (*weft_errno_location())

#endif
