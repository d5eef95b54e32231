/*
 * pgz FILE: compress with zlib on all processors.
 *
 *	pgz [-cf] [-1...-9] FILE	to FILE.gz; - is standard input, to standard output
 *
 * Writes one gzip stream that gunzip restores bit for bit. FILE stays. What does the
 * work is in pgz-pipe.c; here are the files.
 */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "pgz.h"

enum { LEVEL = 6 };

struct options {
	const char *file;
	bool to_stdout, force;
	int level;
};

static const char *volatile partial; /* output to be removed if it does not get whole */

static int complain(const char *what, int error)
{
	fprintf(stderr, "pgz: %s: %s\n", what, strerror(error));
	return 1;
}

static int refuse(const char *what, const char *why)
{
	fprintf(stderr, "pgz: %s: %s\n", what, why);
	return 1;
}

static void interrupted(int signal)
{
	if (partial)
		unlink(partial);
	_exit(128 + signal);
}

/* --- the two files ------------------------------------------------------------------ */

static bool is_stdin(const struct options *o)
{
	return !strcmp(o->file, "-");
}

static int open_input(const struct options *o, struct stat *st)
{
	int fd = is_stdin(o) ? STDIN_FILENO : open(o->file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, st) < 0) {
		complain(o->file, errno);
		return -1;
	}
	if (S_ISDIR(st->st_mode)) {
		complain(o->file, EISDIR);
		return -1;
	}
	return fd;
}

/* A new file: what was there may be a link to the input. */
static int create(const char *name, bool force)
{
	int fd;

	if (force && unlink(name) < 0 && errno != ENOENT) {
		complain(name, errno);
		return -1;
	}
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		refuse(name, "already exists; -f overwrites it");
	else if (fd < 0)
		complain(name, errno);
	return fd;
}

/* 0 or 1: what was written is whole and its errors are known, or it is removed. */
static int finish(const struct options *o, const char *name, struct job *job, int status,
		  mode_t mode)
{
	if (job->read_error)
		status = complain(is_stdin(o) ? "standard input" : o->file, job->read_error);
	if (name && !job->write_error && !status && fchmod(job->out, mode & 0777) < 0)
		job->write_error = errno;
	if (close(job->out) < 0 && !job->write_error)
		job->write_error = errno;
	if (job->write_error)
		status = complain(name ? name : "standard output", job->write_error);
	if (name && status)
		unlink(name);
	partial = NULL;
	return status;
}

static int compress_open(const struct options *o, const char *name, struct job *job,
			 const struct stat *st)
{
	int status;

	if (isatty(job->out) && !o->force)
		return refuse("standard output",
			      "is a terminal: compressed data are not written there");
	partial = name;
	signal(SIGINT, interrupted);
	signal(SIGTERM, interrupted);
	signal(SIGPIPE, SIG_IGN); /* a reader that left is a write error */
	status = pgz_run(job);
	if (status)
		complain("starting", ENOMEM);
	return finish(o, name, job, status, st->st_mode);
}

static int compress_file(const struct options *o)
{
	struct job job = {.level = o->level, .bar = isatty(STDERR_FILENO)};
	char *name = NULL;
	struct stat st;
	int status;

	job.in = open_input(o, &st);
	if (job.in < 0)
		return 1;
	job.size = S_ISREG(st.st_mode) ? st.st_size : 0;
	if (o->to_stdout || is_stdin(o)) {
		job.out = STDOUT_FILENO;
	} else {
		if (asprintf(&name, "%s.gz", o->file) < 0)
			return complain(o->file, ENOMEM);
		job.out = create(name, o->force);
	}
	status = job.out < 0 ? 1 : compress_open(o, name, &job, &st);
	close(job.in);
	free(name);
	return status;
}

/* --- the program ---------------------------------------------------------------------- */

static int usage(FILE *f, int status)
{
	fputs("usage: pgz [-cf] [-1...-9] FILE\n"
	      "Compress FILE to FILE.gz on all processors; - is standard input, to standard\n"
	      "output.\n"
	      "\n"
	      "  -c       write to standard output\n"
	      "  -f       overwrite FILE.gz; write to a terminal\n"
	      "  -1...-9  fast to small; -6 unless said\n"
	      "  --help   print this\n"
	      "\n"
	      "Status: 0; 1 when something could not be read or written; 2 for bad usage.\n",
	      f);
	return status;
}

static int pgz(int argc, char **argv)
{
	static const struct option longs[] = {{"help", no_argument, NULL, 'h'}, {0}};
	struct options o = {.level = LEVEL};
	int opt;

	while ((opt = getopt_long(argc, argv, "cf123456789", longs, NULL)) != -1) {
		if (opt == 'h')
			return usage(stdout, 0);
		if (opt == '?')
			return usage(stderr, 2);
		if (opt == 'c')
			o.to_stdout = true;
		else if (opt == 'f')
			o.force = true;
		else
			o.level = opt - '0';
	}
	if (optind != argc - 1)
		return usage(stderr, 2);
	o.file = argv[optind];
	return compress_file(&o);
}

int main(int argc, char **argv)
{
	int status = weft_start(pgz, argc, argv);

	if (status < 0)
		perror("pgz: weft_start");
	return status < 0 ? 1 : status;
}
