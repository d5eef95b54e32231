/*
 * A plain program in C that knows libweft only by its path. Status 3: the loader
 * refused, and said so.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>

static int (*create)(unsigned long *, const void *, void *(*)(void *), void *);
static int (*join)(unsigned long, void **);
static int (*down)(void);

static void *find(void *library, const char *name)
{
	void *address = dlsym(library, name);

	if (!address)
		fprintf(stderr, "%s\n", dlerror());
	return address;
}

static void *twice(void *arg)
{
	return (void *)((uintptr_t)arg * 2);
}

int main(int argc, char **argv)
{
	void *library = dlopen(argv[argc - 1], RTLD_NOW | RTLD_LOCAL), *value;
	unsigned long task;

	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		return 3;
	}
	*(void **)&create = find(library, "weft_create");
	*(void **)&join = find(library, "weft_join");
	*(void **)&down = find(library, "weft_shutdown");
	if (!create || !join || !down)
		return 1;
	for (uintptr_t i = 0; i < 1000; i++)
		if (create(&task, NULL, twice, (void *)i) || join(task, &value) ||
		    value != (void *)(2 * i))
			return 2;
	return down();
}
