/*
 * treesum DIR...: the SHA-256 of every regular file below the directories.
 *
 * Prints what
 *
 *	find DIR... -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
 *
 * prints, hashed by libcrypto in tasks of Weft.
 *
 * The main task walks the trees and sorts the paths (treesum-paths.c). Then
 * workers, tasks all of them and the main task one of them, take the next path
 * by a counter until none is left. A worker has one file open and one read
 * buffer, so the number of workers bounds both, however many files there are.
 * It yields after each buffer, so a file of gigabytes takes turns with the
 * small ones.
 *
 * Lines come out in path order while the work goes on, and nobody waits for
 * it: whoever finished a file prints all finished lines from the first one
 * that is missing, if nobody else is at it (see print_ready).
 */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <weft.h>

#include "treesum.h"

enum {
	READ_SIZE = 128 * 1024,
	OPEN_MAX_FILES = 64, /* files open at once, at most */
	OPEN_RESERVE = 8,    /* descriptors left to libraries when there are few */
	WORKERS_A_PROC = 4,  /* more than one, so that some hash while others read */
	DIGEST_SIZE = 32,
};

struct entry {
	char *path;
	unsigned char digest[DIGEST_SIZE];
	int error;       /* why there is no digest; 0: there is one */
	atomic_int done; /* digest and error are final */
};

struct job {
	struct entry *entries;
	size_t n;
	const EVP_MD *md;
	atomic_size_t next;  /* first entry that no worker has taken */
	atomic_int printing; /* 1: somebody is in print_ready, and owns line and status */
	size_t line;         /* first entry that is not printed */
	int status;          /* 1: some file could not be read */
	atomic_int write_error;
};

struct worker {
	struct job *job;
	EVP_MD_CTX *ctx;
	unsigned char *buf;
	weft_t task;
};

/* ---- printing ---- */

/* "DIGEST  NAME", with a backslash before it when the name has escapes. */
static void print_line(const struct entry *e)
{
	static const char hex[] = "0123456789abcdef";
	char *escaped = is_odd(e->path) ? escape(e->path) : NULL;
	char digest[2 * DIGEST_SIZE + 1] = "";

	for (int i = 0; i < DIGEST_SIZE; i++) {
		digest[2 * i] = hex[e->digest[i] >> 4];
		digest[2 * i + 1] = hex[e->digest[i] & 15];
	}
	printf("%s%s  %s\n", escaped ? "\\" : "", digest, escaped ? escaped : e->path);
	free(escaped);
}

static void print_entry(struct job *job, struct entry *e)
{
	errno = 0;
	if (e->error) {
		complain(e->path, e->error);
		job->status = 1;
	} else {
		print_line(e);
	}
	if (ferror(stdout))
		atomic_store(&job->write_error, errno ? errno : EIO);
	free(e->path);
	e->path = NULL;
}

static int is_ready(const struct job *job, size_t line)
{
	return line < job->n && atomic_load(&job->entries[line].done) &&
	       !atomic_load(&job->write_error);
}

/*
 * Print the finished lines that are next. Called after an entry was marked as
 * done. Who finds another one printing leaves: that one looks again after it
 * has put the role down, so either it sees the new entry as done or the
 * exchange here sees the role as free (all of these are sequentially
 * consistent). Nothing in here parks.
 */
static void print_ready(struct job *job)
{
	size_t line;

	do {
		if (atomic_exchange(&job->printing, 1))
			return;
		while (is_ready(job, job->line))
			print_entry(job, &job->entries[job->line++]);
		line = job->line;
		atomic_store(&job->printing, 0);
	} while (is_ready(job, line));
}

/* ---- hashing ---- */

/* A descriptor, or -1 and errno. Whatever took the file's place meanwhile can't block the open. */
static int open_regular(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		errno = ESTALE;
		return -1;
	}
	if (st.st_size > READ_SIZE)
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return fd;
}

/* Feed what is left of the file to the digest; 0 or an error number. */
static int digest_fd(struct worker *w, int fd)
{
	for (;;) {
		ssize_t got = read(fd, w->buf, READ_SIZE);

		if (got == 0)
			return 0;
		if (got < 0 && errno != EINTR)
			return errno;
		if (got > 0 && !EVP_DigestUpdate(w->ctx, w->buf, (size_t)got))
			return ENOTSUP;
		if (got == READ_SIZE)
			weft_yield();
	}
}

/* 0 or an error number. */
static int digest_file(struct worker *w, const char *path, unsigned char *digest)
{
	int fd = open_regular(path);
	int error;

	if (fd < 0)
		return errno;
	error = EVP_DigestInit_ex(w->ctx, w->job->md, NULL) ? digest_fd(w, fd) : ENOTSUP;
	if (!error && !EVP_DigestFinal_ex(w->ctx, digest, NULL))
		error = ENOTSUP;
	close(fd);
	return error;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct job *job = w->job;
	size_t i;

	while (!atomic_load(&job->write_error) && (i = atomic_fetch_add(&job->next, 1)) < job->n) {
		struct entry *e = &job->entries[i];

		e->error = digest_file(w, e->path, e->digest);
		atomic_store(&e->done, 1);
		print_ready(job);
		weft_yield();
	}
	return NULL;
}

/* ---- the workers ---- */

/* How many more descriptors this process may open; it looks no further than most. */
static size_t free_descriptors(size_t most)
{
	struct rlimit lim = {.rlim_cur = RLIM_INFINITY};
	size_t n = 0;

	(void)getrlimit(RLIMIT_NOFILE, &lim);
	for (rlim_t fd = 0; fd < lim.rlim_cur && n < most; fd++)
		if (fcntl((int)fd, F_GETFD) < 0)
			n++;
	return n;
}

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t worker_count(size_t files)
{
	size_t open_files = free_descriptors(OPEN_MAX_FILES + OPEN_RESERVE);
	size_t procs = (size_t)weft_procs(0);

	open_files = open_files > OPEN_RESERVE ? open_files - OPEN_RESERVE : 1;
	return min(min(open_files, WORKERS_A_PROC * procs), files);
}

/* 0 or an error number: when there is no memory or no task for it, others do its work. */
static int worker_start(struct worker *w, struct job *job)
{
	*w = (struct worker){.job = job, .ctx = EVP_MD_CTX_new(), .buf = malloc(READ_SIZE)};
	return w->ctx && w->buf ? weft_create(&w->task, NULL, work, w) : ENOMEM;
}

static void worker_free(struct worker *w)
{
	EVP_MD_CTX_free(w->ctx);
	free(w->buf);
}

/* The caller is the first worker. */
static void run(struct job *job)
{
	size_t n = worker_count(job->n), started = 1;
	struct worker w[OPEN_MAX_FILES];

	w[0] = (struct worker){
		.job = job, .ctx = need(EVP_MD_CTX_new()), .buf = need(malloc(READ_SIZE))};
	while (started < n && !worker_start(&w[started], job))
		started++;
	if (started < n)
		worker_free(&w[started]);
	work(&w[0]);
	for (size_t i = 1; i < started; i++)
		(void)weft_join(w[i].task, NULL);
	for (size_t i = 0; i < started; i++)
		worker_free(&w[i]);
}

/* ---- the program ---- */

/* Close stdout: only then it is known whether everything was written. */
static int finish(int status, int write_error)
{
	if (fclose(stdout) && !write_error)
		write_error = errno;
	if (!write_error)
		return status;
	fprintf(stderr, "treesum: write error: %s\n", strerror(write_error));
	return 1;
}

static int sum_files(struct list *files, int status)
{
	struct job job = {.n = files->n};
	EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);

	if (!md) {
		fputs("treesum: libcrypto has no SHA256\n", stderr);
		return finish(1, 0);
	}
	job.md = md;
	job.entries = need(calloc(job.n, sizeof *job.entries));
	for (size_t i = 0; i < job.n; i++)
		job.entries[i].path = files->v[i];
	run(&job);
	for (size_t i = 0; i < job.n; i++)
		free(job.entries[i].path);
	free(job.entries);
	EVP_MD_free(md);
	return finish(status | job.status, job.write_error);
}

static int sum_trees(char **roots)
{
	struct list files = {.n = 0};
	int status = find_files(&files, roots);

	status = files.n ? sum_files(&files, status) : finish(status, 0);
	free(files.v);
	return status;
}

static void usage(FILE *f)
{
	fputs("usage: treesum DIR...\n"
	      "Print the SHA-256 of every regular file below each DIR, in path order,\n"
	      "as sha256sum does. Symbolic links are not followed.\n"
	      "\n"
	      "  --help  print this\n"
	      "\n"
	      "Status: 0; 1 when something could not be read or written; 2 for bad usage.\n",
	      f);
}

static int treesum(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
	int opt = getopt_long(argc, argv, "", options, NULL);

	if (opt == 'h') {
		usage(stdout);
		return finish(0, 0);
	}
	if (opt != -1 || optind == argc) {
		usage(stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN); /* a reader that left is a write error */
	return sum_trees(argv + optind);
}

int main(int argc, char **argv)
{
	int status = weft_start(treesum, argc, argv);

	if (status < 0)
		perror("treesum: weft_start");
	return status < 0 ? 1 : status;
}
