/*
 * A table of prices that many look at and few change: the readers share a read-write lock,
 * and a writer, who has it alone, changes two entries that belong together. A spin lock
 * guards a count for the few instructions that it takes.
 *
 * Prints:
 *	2000 looks, none at half a change
 *	40 changes, the last one gives 40 and 40
 */
#include <stdio.h>
#include <weft.h>

enum { READERS = 20, LOOKS = 100, WRITERS = 4, CHANGES = 10 };

static struct {
	weft_rwlock_t lock; /* guards the prices */
	int here, there;    /* are the same, but for the moment of a change */
} table = {WEFT_RWLOCK_INITIALIZER, 0, 0};

static struct {
	weft_spinlock_t lock; /* guards the counts */
	int looks, halves;
} seen;

static void count(int half)
{
	weft_spin_lock(&seen.lock);
	seen.looks++;
	seen.halves += half;
	weft_spin_unlock(&seen.lock);
}

static void *reader(void *arg)
{
	for (int i = 0; i < LOOKS; i++) {
		weft_rwlock_rdlock(&table.lock);
		count(table.here != table.there);
		weft_rwlock_unlock(&table.lock);
		weft_yield();
	}
	return arg;
}

static void *writer(void *arg)
{
	for (int i = 0; i < CHANGES; i++) {
		weft_rwlock_wrlock(&table.lock);
		table.here++;
		weft_yield(); /* nobody sees this */
		table.there++;
		weft_rwlock_unlock(&table.lock);
	}
	return arg;
}

static int program(int argc, char **argv)
{
	weft_t tasks[READERS + WRITERS];
	int n = 0;

	(void)argc, (void)argv;
	while (n < READERS + WRITERS &&
	       !weft_create(&tasks[n], NULL, n < READERS ? reader : writer, NULL))
		n++;
	while (n > 0)
		weft_join(tasks[--n], NULL);
	printf("%d looks, %s at half a change\n", seen.looks, seen.halves ? "some" : "none");
	printf("%d changes, the last one gives %d and %d\n", WRITERS * CHANGES, table.here,
	       table.there);
	weft_rwlock_destroy(&table.lock);
	weft_spin_destroy(&seen.lock);
	return 0;
}

int main(int argc, char **argv)
{
	return weft_start(program, argc, argv);
}
