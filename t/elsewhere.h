/*
 * Getting the calling task onto another kernel thread, for sure.
 */
#ifndef T_ELSEWHERE_H
#define T_ELSEWHERE_H

#ifdef __cplusplus
extern "C" {
#endif

long thread_id(void);

/* Goes on on another thread for a while: returns the id of that. There is one P. */
long elsewhere(void);

#ifdef __cplusplus
}
#endif

#endif
