/*
 * A program in C: a thread that ends by pthread_exit runs its clean-up handlers and
 * attributes; a plug-in in C++, if one is named, catches what it throws, on the
 * thread and in a task.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <weft.h>

static void handler(void *text)
{
	puts(text);
}

static void left(char **text)
{
	puts(*text);
}

__attribute__((noinline)) static void end_below(void)
{
	__attribute__((cleanup(left))) char *attribute = "attribute";

	pthread_exit("exited");
}

static void *thread(void *unused)
{
	pthread_cleanup_push(handler, "handler");
	end_below();
	pthread_cleanup_pop(0);
	return unused;
}

static int (*plugged)(void);

static void *in_task(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)plugged();
}

static int plug(const char *path)
{
	void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	weft_t task;
	void *value;

	if (!plugin) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	plugged = (int (*)(void))(uintptr_t)dlsym(plugin, "plugged");
	printf("plugged %d\n", plugged());
	if (weft_create(&task, NULL, in_task, NULL) || weft_join(task, &value))
		return 1;
	printf("in a task %d\n", (int)(intptr_t)value);
	return 0;
}

int main(int argc, char **argv)
{
	pthread_t id;
	void *value;

	if (pthread_create(&id, NULL, thread, NULL) || pthread_join(id, &value))
		return 1;
	puts(value);
	printf("weft %s\n", weft_version());
	return argc > 1 ? plug(argv[1]) : 0;
}
