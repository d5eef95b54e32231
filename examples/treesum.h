/*
 * What the two files of treesum share.
 */
#ifndef TREESUM_H
#define TREESUM_H

#include <stddef.h>

/* Growing array of strings. */
struct list {
	char **v;
	size_t n, cap;
};

/*
 * The paths of all regular files in the trees below roots (NULL ends them), in
 * byte order. The strings and the array are the caller's. Returns 1 when some
 * of them could not be looked into, which was reported, else 0.
 */
int find_files(struct list *files, char **roots);

/* Whether the path has a backslash, a newline or a carriage return. */
int is_odd(const char *path);

/* A copy in which those are escaped; the caller frees it. */
char *escape(const char *path);

/* A line on stderr, one line whatever the path holds. */
void complain(const char *path, int error);

/* p; ends the program when that is NULL. */
void *need(void *p);

#endif
