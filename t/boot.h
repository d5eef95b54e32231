/*
 * The parts of test_boot.
 */
#ifndef T_BOOT_H
#define T_BOOT_H

#include <check.h>

enum { PATIENCE = 120 };

TCase *boot_start_tests(void);    /* weft_start */
TCase *boot_lazy_tests(void);     /* a first call, and weft_shutdown */
TCase *boot_settings_tests(void); /* weft_configure, the environment, the machine */
TCase *boot_limits_tests(void);   /* control groups */
TCase *boot_fork_tests(void);     /* forked children */
TCase *boot_storm_tests(void);    /* signals and other threads in between */

/* Creates tasks, joins them, and says whether all went well: the runtime works. */
int tasks_work(void);

/* Run fn on a thread of its own to its end; its result. */
void *on_thread(void *(*fn)(void *), void *arg);

#endif
