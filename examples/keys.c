/*
 * Data of a task's own: keys, and the initialisation that happens once.
 *
 * A function that returns text in a static buffer serves one caller at a time.
 * This one gives each task a buffer, made at its first call and freed at the
 * task's end.
 *
 * Prints:
 *	a key was made
 *	task 0 still reads "number 0"
 *	task 1 still reads "number 1"
 *	task 2 still reads "number 2"
 *	3 buffers were freed
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>

enum { TASKS = 3, TEXT_SIZE = 32 };

static weft_once_t once = WEFT_ONCE_INIT;
static weft_key_t key;
static atomic_int freed;

static void text_free(void *buffer)
{
	free(buffer);
	atomic_fetch_add(&freed, 1);
}

static void text_init(void)
{
	if (weft_key_create(&key, text_free))
		abort();
	puts("a key was made");
}

/* The calling task's buffer, with the number's name in it; NULL without memory. */
static const char *text(unsigned number)
{
	char *buffer;

	weft_once(&once, text_init);
	buffer = weft_getspecific(key);
	if (!buffer) {
		buffer = malloc(TEXT_SIZE);
		if (!buffer || weft_setspecific(key, buffer))
			return NULL;
	}
	snprintf(buffer, TEXT_SIZE, "number %u", number);
	return buffer;
}

/* The buffer survives what the others do meanwhile, on this thread or another. */
static void *reader(void *number)
{
	const char *mine = text((unsigned)(uintptr_t)number);

	weft_yield();
	return mine ? strdup(mine) : NULL;
}

static int keys(int argc, char **argv)
{
	weft_t task[TASKS];
	void *read;

	(void)argc, (void)argv;
	for (uintptr_t i = 0; i < TASKS; i++)
		if (weft_create(&task[i], NULL, reader, (void *)i))
			return 1;
	for (int i = 0; i < TASKS; i++) {
		if (weft_join(task[i], &read) || !read)
			return 1;
		printf("task %d still reads \"%s\"\n", i, (char *)read);
		free(read);
	}
	printf("%d buffers were freed\n", atomic_load(&freed));
	return weft_key_delete(key);
}

int main(int argc, char **argv)
{
	return weft_start(keys, argc, argv);
}
