/*
 * What the files of pgz share.
 */
#ifndef PGZ_H
#define PGZ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <weft.h>

enum {
	BLOCK = 128 * 1024,
	DICTIONARY = 32 * 1024, /* deflate looks no further back */
	WORKERS_MAX = 32,
	BLOCKS_A_WORKER = 2, /* one is compressed while others are read or written */
	BLOCKS_MAX = WORKERS_MAX * BLOCKS_A_WORKER,
};

/* A piece of the input on its way from the reader to the writer, and back. */
struct block {
	size_t size, dictionary, packed; /* bytes in each of the buffers */
	unsigned long crc;
	int error;         /* why it could not be compressed */
	weft_chan_t *done; /* signals that it was */
	unsigned char *in; /* the dictionary, then the piece */
	unsigned char *out;
	size_t room; /* of out */
};

struct job {
	int in, out, level;
	off_t size;         /* of the input; 0: not known */
	bool bar;           /* stderr is a terminal */
	weft_chan_t *spare; /* blocks that nobody uses */
	weft_chan_t *work;  /* to the workers */
	weft_chan_t *order; /* the same blocks to the writer, in order */
	atomic_bool stop;   /* what is read now is not written any more */
	int read_error, write_error;
	unsigned long crc;
	unsigned long long total; /* bytes of input that were written */
};

/* Compress in to out, all of it. 0, or 1 when there was no memory for that; errors of
 * reading and writing are in the job. */
int pgz_run(struct job *job);

/* What a worker does: compress blocks until the channel is closed. */
void *pgz_worker(void *job);
size_t pgz_room(void); /* that compressing a block may take */

/* Show how far the job is; the last call takes the bar away. */
void pgz_progress(const struct job *job, bool last);

#endif
