/*
 * Read-write locks.
 *
 * The word is the number of readers, from READER up, and two bits: WRITER, a writer holds it;
 * WAIT, somebody is in the queue (S2). Locking and unlocking that nobody else has to know of
 * is one compare and swap.
 *
 *   L1  While WAIT is set nobody takes the lock but from the queue, or under its lock when
 *       it is empty: readers do not overtake a writer.
 *   L2  Who unlocks for the last time hands the lock to waiters: a writer to all readers
 *       that wait, readers to the first writer. So a reader waits for at most one writer,
 *       and a writer for one round of readers a writer before it.
 *   L3  A writer that gives up lets the readers behind it in, unless others are before them.
 */
#include <errno.h>
#include <string.h>

#include "sync/sync.h"

struct rwlock {
	struct waitpoint at;
	_Atomic uint32_t word;
	bool gone;
	_Atomic(struct g *) writer; /* who holds it for writing: asked for one's own G alone */
};

enum { WRITER = 1, WAIT = 2, READER = 4, FULL = 0xfffffff8 };

/* A waiter's object: what it waits for. */
static const char reads, writes;

static struct rwlock *rwlock_of(weft_rwlock_t *rwlock)
{
	return (struct rwlock *)rwlock;
}

static uint32_t word_of(struct rwlock *rw)
{
	/* relaxed: what is decided by it is decided by compare and swap */
	return atomic_load_explicit(&rw->word, memory_order_relaxed);
}

/* acquire and release: who locks sees what was done by who unlocked before */
static bool swap(struct rwlock *rw, uint32_t *from, uint32_t to)
{
	return atomic_compare_exchange_weak_explicit(&rw->word, from, to, memory_order_acq_rel,
						     memory_order_relaxed);
}

static bool writes_already(struct rwlock *rw, const struct g *g)
{
	/* relaxed: only the caller itself stores its own G */
	return atomic_load_explicit(&rw->writer, memory_order_relaxed) == g;
}

static void set_writer(struct rwlock *rw, struct g *g)
{
	atomic_store_explicit(&rw->writer, g, memory_order_relaxed);
}

static void forget_waiters(struct waitpoint *at)
{
	atomic_fetch_and(&((struct rwlock *)at)->word, ~(uint32_t)WAIT);
}

static void lock_queue(struct rwlock *rw)
{
	wf_waitpoint_lock(&rw->at, forget_waiters);
}

/* --- taking it from nobody ---------------------------------------------------------- */

/* 0, EBUSY, or EAGAIN. mind: the bits that keep a reader out. */
static inline int take_read(struct rwlock *rw, uint32_t mind)
{
	uint32_t word = word_of(rw);

	while (!(word & mind)) {
		if (word >= FULL)
			return EAGAIN;
		if (swap(rw, &word, word + READER))
			return 0;
	}
	return EBUSY;
}

static inline int take_write(struct rwlock *rw, uint32_t mind, struct g *g)
{
	uint32_t word = word_of(rw);

	while (word < READER && !(word & mind))
		if (swap(rw, &word, word | WRITER)) {
			set_writer(rw, g);
			return 0;
		}
	return EBUSY;
}

static int check(struct rwlock *rw, struct g **g)
{
	if (!rw || rw->gone)
		return EINVAL;
	*g = wf_caller();
	if (!*g)
		return ENOMEM;
	return writes_already(rw, *g) ? EDEADLK : 0;
}

static int try_read(struct rwlock *rw)
{
	struct g *g;
	int error = check(rw, &g);

	return error ? error : take_read(rw, WRITER | WAIT);
}

static int try_write(struct rwlock *rw)
{
	struct g *g;
	int error = check(rw, &g);

	return error ? error : take_write(rw, WRITER | WAIT, g);
}

/* --- handing it over, with the queue locked ---------------------------------------------- */

static void note_empty(struct rwlock *rw)
{
	if (!rw->at.queue.first)
		atomic_fetch_and_explicit(&rw->word, ~(uint32_t)WAIT, memory_order_relaxed);
}

/* The next of a kind whose wait is not over, taken off. */
static struct waiter *pop(struct rwlock *rw, const char *kind)
{
	struct waiter *w, *next;

	for (w = rw->at.queue.first; w; w = next) {
		next = w->next;
		if (w->object == kind && wf_waitq_claim(w))
			return w;
	}
	return NULL;
}

/* All readers that wait hold it from now on, besides those who do: a list by next. */
static struct waiter *admit_readers(struct rwlock *rw)
{
	struct waiter *list = NULL, **end = &list, *w;

	while ((w = pop(rw, &reads))) {
		atomic_fetch_add_explicit(&rw->word, READER, memory_order_release);
		w->next = NULL;
		*end = w;
		end = &w->next;
	}
	return list;
}

/* The caller is the last reader: the next writer holds it from now on. */
static struct waiter *hand_to_writer(struct rwlock *rw)
{
	struct waiter *w = pop(rw, &writes);

	if (w) {
		atomic_fetch_add(&rw->word, (uint32_t)WRITER - READER);
		set_writer(rw, w->g);
		w->next = NULL;
	}
	return w;
}

/* The caller is a reader, the last one when its word was seen: others may have been let in
 * since, when the queue was empty. */
static struct waiter *after_reader(struct rwlock *rw)
{
	struct waiter *list;

	if (word_of(rw) >= 2 * READER)
		return NULL;
	list = hand_to_writer(rw);
	if (!list && (list = admit_readers(rw)))
		atomic_fetch_sub(&rw->word, READER);
	return list;
}

static struct waiter *after_writer(struct rwlock *rw)
{
	struct waiter *list = admit_readers(rw);

	if (list) {
		set_writer(rw, NULL);
		atomic_fetch_sub(&rw->word, WRITER);
	} else if ((list = pop(rw, &writes))) {
		list->next = NULL;
		set_writer(rw, list->g);
	}
	return list;
}

/* What the caller holds goes to who waits: a list to be readied. NULL: it holds it still. */
static struct waiter *hand_over(struct rwlock *rw)
{
	struct waiter *list = word_of(rw) & WRITER ? after_writer(rw) : after_reader(rw);

	note_empty(rw);
	return list;
}

/* --- waiting ----------------------------------------------------------------------------- */

/* With the queue locked: whether the caller gets in at once, or somebody waits (L1). */
static int take_or_wait(struct rwlock *rw, const char *kind, struct g *g)
{
	uint32_t mind = rw->at.queue.first ? WRITER | WAIT : WRITER;
	int error;

	for (;;) {
		uint32_t word;

		error = kind == &reads ? take_read(rw, mind) : take_write(rw, mind, g);
		word = word_of(rw);
		if (error != EBUSY || word & WAIT)
			return error;
		/* held: only then does somebody wait for an unlock */
		if ((word & WRITER || word >= READER) && swap(rw, &word, word | WAIT))
			return EBUSY;
	}
}

/* A writer gave up: who waited because of it need not any more (L3). */
static void let_readers_in(struct m *m, struct rwlock *rw)
{
	struct waiter *list = NULL;
	bool writers = false;

	lock_queue(rw);
	for (struct waiter *w = rw->at.queue.first; w; w = w->next)
		writers |= w->object == &writes;
	if (!writers && !(word_of(rw) & WRITER))
		list = admit_readers(rw);
	note_empty(rw);
	wf_unlock(&rw->at.lock);
	wf_waitq_wake(m, list);
}

static int wait_for(struct rwlock *rw, const char *kind, int64_t until)
{
	struct waiter w = {.object = kind};
	struct m *m = wf_enter_any();
	int error;

	if (!m)
		return ENOMEM;
	lock_queue(rw);
	error = take_or_wait(rw, kind, wf_getg());
	if (error == EBUSY) {
		error = wf_waitq_wait(&m, &rw->at.queue, &rw->at.lock, &w, until, WAIT_LOCK);
		if (error && kind == &writes)
			let_readers_in(m, rw);
	} else {
		wf_unlock(&rw->at.lock);
	}
	wf_leave_any(m);
	return error;
}

static __attribute__((noinline)) int read_slow(struct rwlock *rw)
{
	int error = try_read(rw);

	return error == EBUSY ? wait_for(rw, &reads, WF_FOREVER) : error;
}

static __attribute__((noinline)) int write_slow(struct rwlock *rw)
{
	int error = try_write(rw);

	return error == EBUSY ? wait_for(rw, &writes, WF_FOREVER) : error;
}

/* --- the calls ----------------------------------------------------------------------------- */

static inline bool read_fast(struct rwlock *rw)
{
	return __builtin_expect(rw && wf_getg() && !rw->gone, 1) && !take_read(rw, WRITER | WAIT);
}

static inline bool write_fast(struct rwlock *rw)
{
	struct g *g = wf_getg();

	return __builtin_expect(rw && g && !rw->gone, 1) && !take_write(rw, WRITER | WAIT, g);
}

int weft_rwlock_rdlock(weft_rwlock_t *rwlock)
{
	return read_fast(rwlock_of(rwlock)) ? 0 : read_slow(rwlock_of(rwlock));
}

int weft_rwlock_wrlock(weft_rwlock_t *rwlock)
{
	return write_fast(rwlock_of(rwlock)) ? 0 : write_slow(rwlock_of(rwlock));
}

int weft_rwlock_tryrdlock(weft_rwlock_t *rwlock)
{
	int error = try_read(rwlock_of(rwlock));

	return error == EDEADLK ? EBUSY : error;
}

int weft_rwlock_trywrlock(weft_rwlock_t *rwlock)
{
	int error = try_write(rwlock_of(rwlock));

	return error == EDEADLK ? EBUSY : error;
}

/* error is what trying gave: wait if that is all that is wrong. */
static int wait_until(struct rwlock *rw, int error, const char *kind, clockid_t clock,
		      const struct timespec *abs)
{
	int64_t until;

	if (error != EBUSY)
		return error;
	error = wf_until(abs, clock, &until);
	return error ? error : wait_for(rw, kind, until);
}

int weft_rwlock_clockrdlock(weft_rwlock_t *rwlock, clockid_t clock, const struct timespec *abs)
{
	struct rwlock *rw = rwlock_of(rwlock);

	return wf_clock_known(clock) ? wait_until(rw, try_read(rw), &reads, clock, abs) : EINVAL;
}

int weft_rwlock_clockwrlock(weft_rwlock_t *rwlock, clockid_t clock, const struct timespec *abs)
{
	struct rwlock *rw = rwlock_of(rwlock);

	return wf_clock_known(clock) ? wait_until(rw, try_write(rw), &writes, clock, abs) : EINVAL;
}

int weft_rwlock_timedrdlock(weft_rwlock_t *rwlock, const struct timespec *abs)
{
	return weft_rwlock_clockrdlock(rwlock, CLOCK_REALTIME, abs);
}

int weft_rwlock_timedwrlock(weft_rwlock_t *rwlock, const struct timespec *abs)
{
	return weft_rwlock_clockwrlock(rwlock, CLOCK_REALTIME, abs);
}

/* The last of those who hold it goes while somebody waits. */
static __attribute__((noinline)) bool unlock_slow(struct rwlock *rw)
{
	struct m *m = wf_enter_any();
	struct waiter *list;

	lock_queue(rw);
	list = hand_over(rw);
	wf_unlock(&rw->at.lock);
	wf_waitq_wake(m, list);
	wf_leave_any(m);
	return list;
}

int weft_rwlock_unlock(weft_rwlock_t *rwlock)
{
	struct rwlock *rw = rwlock_of(rwlock);
	struct g *g = wf_getg();
	uint32_t word;

	if (!rw || rw->gone)
		return EINVAL;
	word = word_of(rw);
	if (!g || (word & WRITER ? !writes_already(rw, g) : word < READER))
		return EPERM;
	for (;;) {
		bool last = word & WRITER || word < 2 * READER;

		if (last && word & WAIT) {
			if (unlock_slow(rw))
				return 0;
			word = word_of(rw);
			continue;
		}
		if (word & WRITER)
			set_writer(rw, NULL);
		if (swap(rw, &word, word & WRITER ? word - WRITER : word - READER))
			return 0;
	}
}

/* --- making and ending ------------------------------------------------------------------------ */

int weft_rwlock_init(weft_rwlock_t *rwlock, const weft_rwlockattr_t *attr)
{
	if (!rwlock || (attr && attr->opaque == ATTR_GONE))
		return EINVAL;
	memset(rwlock, 0, sizeof *rwlock);
	return 0;
}

int weft_rwlock_destroy(weft_rwlock_t *rwlock)
{
	struct rwlock *rw = rwlock_of(rwlock);
	uint32_t word;

	if (!rw || rw->gone)
		return EINVAL;
	/* acquire: pairs with the last unlock; WAIT alone is what a waiter that gave up left */
	word = atomic_load_explicit(&rw->word, memory_order_acquire);
	if (word & WRITER || word >= READER)
		return EBUSY;
	rw->gone = true;
	return 0;
}
