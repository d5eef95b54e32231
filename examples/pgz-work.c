/*
 * What pgz does with a block, and what it shows of that.
 *
 * A block is deflated on its own, with the 32 KiB before it as the dictionary, and
 * flushed to a whole byte: one after the other they are one deflate stream.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <zlib.h>

#include "pgz.h"

enum { FLUSH_ROOM = 64, RAW = -15, MEMLEVEL = 8 };

size_t pgz_room(void)
{
	return compressBound(BLOCK) + FLUSH_ROOM;
}

static int deflate_block(z_stream *z, struct block *b)
{
	unsigned char *piece = b->in + b->dictionary;

	if (deflateReset(z) != Z_OK ||
	    (b->dictionary && deflateSetDictionary(z, b->in, (uInt)b->dictionary) != Z_OK))
		return EINVAL;
	z->next_in = piece;
	z->avail_in = (uInt)b->size;
	z->next_out = b->out;
	z->avail_out = (uInt)b->room;
	if (deflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_in || !z->avail_out)
		return EINVAL;
	b->packed = b->room - z->avail_out;
	b->crc = crc32(0, piece, (uInt)b->size);
	return 0;
}

void *pgz_worker(void *arg)
{
	struct job *job = arg;
	z_stream z = {0};
	bool ready =
		deflateInit2(&z, job->level, Z_DEFLATED, RAW, MEMLEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
	struct block *b;

	while (!weft_chan_recv(job->work, &b)) {
		b->packed = 0;
		b->error = ready ? deflate_block(&z, b) : ENOMEM;
		weft_chan_send(b->done, NULL);
	}
	if (ready)
		deflateEnd(&z);
	return NULL;
}

/* --- progress ------------------------------------------------------------------------ */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void pgz_progress(const struct job *job, bool last)
{
	static const char full[] = "########################################";
	enum { WIDTH = sizeof full - 1, REFRESH_MS = 100 };
	static double shown;
	int done;

	if (!job->bar || (!last && now() - shown < REFRESH_MS / 1e3))
		return;
	shown = now();
	if (last) {
		fputs("\r\033[K", stderr);
	} else if (job->size > 0) {
		done = (int)(job->total * WIDTH / (unsigned long long)job->size);
		done = done < WIDTH ? done : WIDTH;
		fprintf(stderr, "\r[%.*s%*s] %3d%%", done, full, WIDTH - done, "",
			done * 100 / WIDTH);
	} else {
		fprintf(stderr, "\r%.1f MB", (double)job->total / 1e6);
	}
}
