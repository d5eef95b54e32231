/*
 * The parts of test_ctx.
 */
#ifndef T_CTX_LAYER_H
#define T_CTX_LAYER_H

#include <check.h>

/* The hang of a test is its failure; how long it takes is none of its business. */
enum { PATIENCE = 300 };

/* What ThreadSanitizer can hold of stacks bounds how many there are at once. */
#if defined __SANITIZE_THREAD__
enum { MANY = 4000 };
#elif defined __has_feature
#if __has_feature(thread_sanitizer)
enum { MANY = 4000 };
#else
enum { MANY = 10000 };
#endif
#else
enum { MANY = 10000 };
#endif
enum { SWITCHES = 1000000 };

TCase *ctx_default_tests(void);  /* weft/ctx.h as it comes */
TCase *ctx_portable_tests(void); /* with WEFT_CTX_PORTABLE */
TCase *ctx_task_tests(void);     /* the scheduler's switch */
TCase *ctx_fpenv_tests(void);
TCase *ctx_exit_tests(void); /* weft_exit through frames */

#endif
