/*
 * The paths of treesum: found as find finds them, sorted as LC_ALL=C sort
 * sorts them, written as sha256sum writes them.
 *
 * The byte order of whole paths is not the order of a walk ("a-b" comes before
 * "a/b" but after "a"), and several directories may overlap, so all paths are
 * collected first.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft.h>

#include "treesum.h"

void *need(void *p)
{
	if (!p) {
		fputs("treesum: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

/* What sha256sum writes as a backslash and a letter, and the letters. */
static const char odd[] = "\\\n\r", letters[] = "\\nr";

int is_odd(const char *path)
{
	return path[strcspn(path, odd)] != 0;
}

char *escape(const char *path)
{
	char *copy = need(malloc(2 * strlen(path) + 1)), *to = copy;

	for (; *path; path++) {
		const char *o = strchr(odd, *path);

		if (o)
			*to++ = '\\';
		*to++ = o ? letters[o - odd] : *path;
	}
	*to = 0;
	return copy;
}

void complain(const char *path, int error)
{
	char *name = escape(path);

	fprintf(stderr, "treesum: %s: %s\n", name, strerror(error));
	free(name);
}

static void list_add(struct list *l, char *s)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 256;
		l->v = need(realloc(l->v, l->cap * sizeof *l->v));
	}
	l->v[l->n++] = s;
}

struct walk {
	struct list dirs; /* not read yet */
	struct list files;
	int status;
};

static void walk_error(struct walk *w, const char *path, int error)
{
	complain(path, error);
	w->status = 1;
}

/* dir/name, written as find writes it. */
static char *path_join(const char *dir, const char *name)
{
	size_t d = strlen(dir), n = strlen(name);
	size_t slash = d && dir[d - 1] != '/';
	char *path = need(malloc(d + slash + n + 1));

	memcpy(path, dir, d);
	if (slash)
		path[d] = '/';
	memcpy(path + d + slash, name, n + 1);
	return path;
}

/* Take over path; keep it if it is something to read or to hash. */
static void walk_add(struct walk *w, char *path, int type)
{
	struct stat st;

	if (type == DT_UNKNOWN) {
		if (lstat(path, &st) < 0)
			walk_error(w, path, errno);
		else
			type = (int)IFTODT(st.st_mode);
	}
	if (type == DT_DIR)
		list_add(&w->dirs, path);
	else if (type == DT_REG)
		list_add(&w->files, path);
	else
		free(path);
}

static int is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

static void walk_dir(struct walk *w, const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *d;

	if (!dir) {
		walk_error(w, path, errno);
		if (fd >= 0)
			close(fd);
		return;
	}
	while (errno = 0, (d = readdir(dir)))
		if (!is_dots(d->d_name) &&
		    (d->d_type == DT_UNKNOWN || d->d_type == DT_DIR || d->d_type == DT_REG))
			walk_add(w, path_join(path, d->d_name), d->d_type);
	if (errno)
		walk_error(w, path, errno);
	closedir(dir);
}

/* Directories wait in a list, not on the stack or open: one descriptor, any depth. */
static void walk_trees(struct walk *w, char **roots)
{
	for (; *roots; roots++)
		walk_add(w, need(strdup(*roots)), DT_UNKNOWN);
	while (w->dirs.n) {
		char *path = w->dirs.v[--w->dirs.n];

		walk_dir(w, path);
		free(path);
	}
	free(w->dirs.v);
}

/* strcmp compares bytes as unsigned, whatever the locale. */
static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int find_files(struct list *files, char **roots)
{
	struct walk w = {.status = 0};

	walk_trees(&w, roots);
	if (w.files.n)
		qsort(w.files.v, w.files.n, sizeof *w.files.v, compare);
	*files = w.files;
	return w.status;
}
