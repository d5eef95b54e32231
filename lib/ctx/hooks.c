/*
 * What watches the program's stacks: AddressSanitizer and ThreadSanitizer, when
 * one is in the process, and Valgrind, when the process runs under it.
 *
 * The sanitizers' calls are weak references: a program that was built with one
 * is watched on a library that was not, and the other way round.
 */
#include "config.h"

#include <pthread.h>

#include "ctx/ctx.h"

#if HAVE_VALGRIND
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#define VALGRIND_STACK_REGISTER(lo, hi) ((void)(lo), (void)(hi), 0U)
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#endif

#define WEAK extern __attribute__((weak))

WEAK void __sanitizer_start_switch_fiber(void **fake, const void *bottom, size_t size);
WEAK void __sanitizer_finish_switch_fiber(void *fake, const void **bottom, size_t *size);
WEAK void __asan_unpoison_memory_region(const volatile void *, size_t);
WEAK void *__tsan_get_current_fiber(void);
WEAK void *__tsan_create_fiber(unsigned flags);
WEAK void __tsan_destroy_fiber(void *);
WEAK void __tsan_switch_to_fiber(void *, unsigned flags);

bool wf_watched;

void wf_hooks_find(void)
{
	wf_watched =
		__sanitizer_start_switch_fiber || __tsan_switch_to_fiber || RUNNING_ON_VALGRIND;
}

void wf_hooks_stack(struct ctxstk *stk)
{
	if (!wf_watched)
		return;
	if (__tsan_create_fiber)
		stk->fibre = __tsan_create_fiber(0);
	stk->id = VALGRIND_STACK_REGISTER(stk->lo, stk->hi);
}

void wf_hooks_unstack(struct ctxstk *stk)
{
	if (!wf_watched)
		return;
	if (__tsan_destroy_fiber && stk->fibre)
		__tsan_destroy_fiber(stk->fibre);
	stk->fibre = NULL;
	if (__asan_unpoison_memory_region)
		__asan_unpoison_memory_region((void *)stk->lo, stk->hi - stk->lo);
	VALGRIND_STACK_DEREGISTER(stk->id);
}

struct ctxstk *wf_hooks_thread(void)
{
	static __thread struct ctxstk thread;
	pthread_attr_t attr;
	void *lo;
	size_t size;

	if (!thread.hi && !pthread_getattr_np(pthread_self(), &attr)) {
		pthread_attr_getstack(&attr, &lo, &size);
		pthread_attr_destroy(&attr);
		thread.lo = (uintptr_t)lo;
		thread.hi = thread.lo + size;
		if (__tsan_get_current_fiber)
			thread.fibre = __tsan_get_current_fiber();
	}
	return &thread;
}

WF_NOWATCH void wf_hooks_leave(struct ctxstk *from, struct ctxstk *to)
{
	if (__sanitizer_start_switch_fiber)
		__sanitizer_start_switch_fiber(from ? &from->fake : NULL, (void *)to->lo,
					       to->hi - to->lo);
	if (__tsan_switch_to_fiber && to->fibre)
		__tsan_switch_to_fiber(to->fibre, 0);
}

WF_NOWATCH void wf_hooks_arrive(struct ctxstk *self)
{
	if (__sanitizer_finish_switch_fiber) {
		__sanitizer_finish_switch_fiber(self->fake, NULL, NULL);
		self->fake = NULL;
	}
}
