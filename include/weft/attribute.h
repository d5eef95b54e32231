/*
 * What the other headers say to compilers that understand it.
 */
#ifndef WEFT_ATTRIBUTE_H
#define WEFT_ATTRIBUTE_H

/** On calls that are over in a few nanoseconds: in the shared library they are called by their
 * address, without the jump through the procedure linkage table, which is one nanosecond more.
 * Where the attribute is unknown (clang), -fno-plt does the same for all calls. */
#if defined __has_attribute
#if __has_attribute(noplt)
#define WEFT_NOPLT __attribute__((noplt))
#endif
#endif
#ifndef WEFT_NOPLT
#define WEFT_NOPLT
#endif

#endif
