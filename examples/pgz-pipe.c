/*
 * The pipeline of pgz: a reader, workers, and the main task as the writer.
 *
 *	spare -> reader -> work  -> workers
 *	             \---> order -> writer -> spare
 *
 * A block goes to the workers and, in the order of the input, to the writer, who waits
 * for each on a channel of its own. There is a fixed number of blocks: a reader that is
 * ahead waits for one to come back, and memory does not grow with the file.
 *
 * Whatever goes wrong, blocks go round until the reader has closed its two channels, so
 * that nobody is left waiting. After a write error the reader stops at its next block.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "pgz.h"

/* --- reading ------------------------------------------------------------------------ */

/* While a task is in the kernel, the others have its processor. */
static ssize_t read_some(int fd, void *to, size_t size)
{
	ssize_t got;

	weft_blocking_begin();
	got = read(fd, to, size);
	weft_blocking_end();
	return got;
}

static ssize_t write_some(int fd, const void *from, size_t size)
{
	ssize_t put;

	weft_blocking_begin();
	put = write(fd, from, size);
	weft_blocking_end();
	return put;
}

/* As much as there is, up to a block; short only at the end or after an error. */
static size_t read_block(struct job *job, unsigned char *to)
{
	size_t have = 0;

	while (have < BLOCK) {
		ssize_t got = read_some(job->in, to + have, BLOCK - have);

		if (got == 0)
			break;
		if (got < 0 && errno != EINTR) {
			job->read_error = errno;
			break;
		}
		have += got > 0 ? (size_t)got : 0;
	}
	return have;
}

/* What may be referred to of what came before. */
static size_t copy_dictionary(unsigned char *to, const unsigned char *before)
{
	if (before)
		memcpy(to, before, DICTIONARY);
	return before ? DICTIONARY : 0;
}

static void *reader(void *arg)
{
	static unsigned char tail[DICTIONARY]; /* of the block before */
	struct job *job = arg;
	bool first = true, more = true;
	struct block *b;

	while (more && !job->stop && !weft_chan_recv(job->spare, &b)) {
		b->dictionary = copy_dictionary(b->in, first ? NULL : tail);
		b->size = read_block(job, b->in + b->dictionary);
		first = false;
		more = b->size == BLOCK;
		if (more)
			memcpy(tail, b->in + b->dictionary + BLOCK - DICTIONARY, DICTIONARY);
		if (b->size && !job->read_error) {
			weft_chan_send(job->order, &b);
			weft_chan_send(job->work, &b);
		} else {
			weft_chan_send(job->spare, &b);
		}
	}
	weft_chan_close(job->order);
	weft_chan_close(job->work);
	return NULL;
}

/* --- writing ------------------------------------------------------------------------ */

static void put(struct job *job, const unsigned char *from, size_t size)
{
	while (size && !job->write_error) {
		ssize_t put = write_some(job->out, from, size);

		if (put < 0 && errno != EINTR) {
			job->write_error = errno;
			job->stop = true;
		} else if (put > 0) {
			from += put;
			size -= (size_t)put;
		}
	}
}

static void put_header(struct job *job)
{
	static const unsigned char header[10] = {0x1f, 0x8b, 8, [9] = 3}; /* deflate; Unix */

	put(job, header, sizeof header);
}

/* An empty last block, which ends the stream; the checksum and the length. */
static void put_trailer(struct job *job)
{
	unsigned char trailer[10] = {3, 0};

	for (int i = 0; i < 4; i++) {
		trailer[2 + i] = (unsigned char)(job->crc >> 8 * i);
		trailer[6 + i] = (unsigned char)(job->total >> 8 * i);
	}
	put(job, trailer, sizeof trailer);
}

static void writer(struct job *job)
{
	struct block *b;

	put_header(job);
	while (!weft_chan_recv(job->order, &b)) {
		weft_chan_recv(b->done, NULL);
		if (b->error) {
			job->write_error = b->error;
			job->stop = true;
		}
		put(job, b->out, b->packed);
		job->crc = crc32_combine(job->crc, b->crc, (z_off_t)b->size);
		job->total += b->size;
		pgz_progress(job, false);
		weft_chan_send(job->spare, &b);
	}
	if (!job->read_error)
		put_trailer(job);
	pgz_progress(job, true);
}

/* --- blocks and tasks ------------------------------------------------------------------ */

static struct block *block_new(void)
{
	struct block *b = calloc(1, sizeof *b);

	if (!b)
		return NULL;
	b->room = pgz_room();
	b->in = malloc(DICTIONARY + BLOCK);
	b->out = malloc(b->room);
	if (b->in && b->out && !weft_chan_create(&b->done, 0, 1))
		return b;
	free(b->in);
	free(b->out);
	free(b);
	return NULL;
}

static void block_free(struct block *b)
{
	weft_chan_destroy(b->done);
	free(b->in);
	free(b->out);
	free(b);
}

/* As many as can be had, up to n: their number. All are spare. */
static unsigned make_blocks(struct job *job, unsigned n)
{
	struct block *b;
	unsigned made = 0;

	while (made < n && (b = block_new())) {
		weft_chan_send(job->spare, &b);
		made++;
	}
	return made;
}

static void free_blocks(struct job *job)
{
	struct block *b;

	while (!weft_chan_tryrecv(job->spare, &b))
		block_free(b);
}

static int make_channels(struct job *job)
{
	return weft_chan_create(&job->spare, sizeof(struct block *), BLOCKS_MAX) ||
	       weft_chan_create(&job->work, sizeof(struct block *), BLOCKS_MAX) ||
	       weft_chan_create(&job->order, sizeof(struct block *), BLOCKS_MAX);
}

static void free_channels(struct job *job)
{
	weft_chan_destroy(job->spare);
	weft_chan_destroy(job->work);
	weft_chan_destroy(job->order);
}

static unsigned worker_count(void)
{
	unsigned procs = (unsigned)weft_procs(0);

	return procs < WORKERS_MAX ? procs : WORKERS_MAX;
}

/* One worker suffices; without a reader they find an empty, closed channel. */
static int run_tasks(struct job *job)
{
	unsigned n = worker_count(), started = 0;
	weft_t read_task, workers[WORKERS_MAX];
	int error;

	while (started < n && !weft_create(&workers[started], NULL, pgz_worker, job))
		started++;
	error = started ? weft_create(&read_task, NULL, reader, job) : ENOMEM;
	if (error) {
		weft_chan_close(job->work);
	} else {
		writer(job);
		weft_join(read_task, NULL);
	}
	while (started)
		weft_join(workers[--started], NULL);
	return error ? 1 : 0;
}

int pgz_run(struct job *job)
{
	int status = make_channels(job);

	if (!status && make_blocks(job, worker_count() * BLOCKS_A_WORKER))
		status = run_tasks(job);
	else
		status = 1;
	if (job->spare)
		free_blocks(job);
	free_channels(job);
	return status;
}
