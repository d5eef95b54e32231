/*
 * What C cannot say of registers. regs_amd64.S and, for machines that nobody has
 * written one for, regs_other.c.
 */
#ifndef T_REGS_H
#define T_REGS_H

#include <stdint.h>

/* Call fn(arg) with each callee-saved register holding a value made of seed;
 * how many of them held another afterwards. */
unsigned regs_changed(void (*fn)(void *), void *arg, uintptr_t seed);

/* What a function finds when it is called. */
struct entry {
	uintptr_t sp;    /* where the return address lies */
	uintptr_t flags; /* of the processor */
	void *(*fn)(void *);
	void *arg;
};

enum { FLAG_DIRECTION = 0x400, STACK_ALIGN = 16 };

/* Note it and go on in entry->fn(entry->arg): for weft_ctx_make and for weft_create. */
void entry_of_ctx(void *entry);
void *entry_of_task(void *entry);

/* The floating-point control words. */
struct fpwords {
	uint32_t mxcsr, x87;
};
void fpwords_get(struct fpwords *);
void fpwords_set(const struct fpwords *);

#endif
