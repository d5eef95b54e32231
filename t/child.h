/*
 * Programs within tests: a forked child that ends as it likes and whose words are
 * read, and what the kernel tells of a process.
 */
#ifndef T_CHILD_H
#define T_CHILD_H

#include <stdbool.h>
#include <stddef.h>

/* A sanitizer takes memory and threads of its own, and does not survive a fork of a
 * program with threads whose child starts threads too. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum { SAID = 16384 };

/* How a child ended, and what it wrote to stdout and stderr. */
struct child {
	int status; /* as waitpid tells it */
	char said[SAID];
};

/* Run fn(arg) in a forked child. A child whose fn returns ends with status 0. */
void child_run(struct child *child, void (*fn)(void *), void *arg);

/* The same for a test that only wants it to end with 0: fails with what it said. */
void child_passes(void (*fn)(void *), void *arg);

/* How often a text stands in another. */
unsigned occurrences(const char *text, const char *word);

/* In a child: end with status 1 and a line that says what did not hold. */
#define need(condition) ((condition) ? (void)0 : need_failed(__FILE__, __LINE__, #condition))
__attribute__((noreturn)) void need_failed(const char *file, int line, const char *condition);

/* Of this process: threads, and bytes of address space. */
unsigned thread_count(void);
bool alone(void); /* no thread but the caller is left, or will be in a moment */
size_t mapped_bytes(void);

/* What weft_info writes holds this text. */
bool info_has(const char *text);

#endif
