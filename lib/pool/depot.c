/*
 * Pieces of one size: a list of free ones, cut from batches whose size doubles, so that
 * taking one and putting it back costs neither a lock nor a look at the allocator. Whoever
 * has a depot guards it.
 */
#include "pool/pool.h"

enum { FIRST_BYTES = 1024, LARGEST_BYTES = 32768, KEPT_PIECES = 2048 };

struct batch {
	struct batch *next;
	unsigned n;
};

static size_t bytes_of(unsigned n, size_t size)
{
	return sizeof(struct batch) + n * size;
}

bool wf_depot_fill(struct depot *d, size_t size)
{
	unsigned largest = (unsigned)((LARGEST_BYTES - sizeof(struct batch)) / size);
	unsigned n = d->batchsize ? 2 * d->batchsize : (unsigned)(FIRST_BYTES / size);
	struct batch *batch;

	if (n > largest)
		n = largest;
	batch = wf_alloc(bytes_of(n, size));
	if (!batch)
		return false;
	batch->n = d->batchsize = n;
	batch->next = d->batches;
	d->batches = batch;
	d->pieces += n;
	for (unsigned i = n; i-- > 0;)
		wf_depot_put(d, (char *)(batch + 1) + i * size);
	return true;
}

void wf_depot_free(struct depot *d, size_t size)
{
	while (d->batches) {
		struct batch *batch = d->batches;

		d->batches = batch->next;
		wf_free(batch, bytes_of(batch->n, size));
	}
	*d = (struct depot){0};
}

void wf_depot_trim(struct depot *d, size_t size)
{
	if (d->pieces > KEPT_PIECES)
		wf_depot_free(d, size);
}
