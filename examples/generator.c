/*
 * Bare contexts: generators, and no scheduler.
 *
 * Do two trees of different shape hold the same numbers in the same order? A
 * recursive walk answers that for one tree; for two, each walk must stop at
 * every number and go on later. A context of its own for each walk does that.
 *
 * Prints:
 *	1 2 3 4 5 6 7
 *	same order: yes
 */
#include <stdio.h>
#include <stdlib.h>
#include <weft/ctx.h>

enum { STACK = 64 * 1024 };

struct tree {
	const struct tree *left, *right;
	int value;
};

struct generator {
	weft_ctx_t self, caller;
	void *stack;
	const struct tree *root;
	const int *value; /* what the walk has come to; NULL at its end */
};

static void walk(struct generator *g, const struct tree *t)
{
	if (!t)
		return;
	walk(g, t->left);
	g->value = &t->value;
	weft_ctx_switch(&g->self, &g->caller);
	walk(g, t->right);
}

/* The function of a context must not return: at its end it only answers that. */
static void body(void *arg)
{
	struct generator *g = arg;

	walk(g, g->root);
	g->value = NULL;
	for (;;)
		weft_ctx_switch(&g->self, &g->caller);
}

static int generator_init(struct generator *g, const struct tree *root)
{
	*g = (struct generator){.root = root, .stack = malloc(STACK)};
	return !g->stack || weft_ctx_make(&g->self, g->stack, STACK, body, g);
}

static const int *next(struct generator *g)
{
	weft_ctx_switch(&g->caller, &g->self);
	return g->value;
}

/* The stack is the caller's own; what lies on it may be dropped half-way. */
static void generator_free(struct generator *g)
{
	weft_ctx_free(&g->self);
	free(g->stack);
}

static int same_order(struct generator *a, struct generator *b)
{
	const int *x = next(a), *y = next(b);
	const char *space = "";

	for (; x && y && *x == *y; x = next(a), y = next(b)) {
		printf("%s%d", space, *x);
		space = " ";
	}
	putchar('\n');
	return !x && !y;
}

int main(void)
{
	static const struct tree leaf[] = {{.value = 1}, {.value = 3}, {.value = 5}, {.value = 7}};
	static const struct tree low[] = {{&leaf[0], &leaf[1], 2}, {&leaf[2], &leaf[3], 6}};
	static const struct tree bushy = {&low[0], &low[1], 4};
	struct tree line[7];
	struct generator a, b;

	for (int i = 0; i < 7; i++)
		line[i] = (struct tree){.value = i + 1, .right = i < 6 ? &line[i + 1] : NULL};
	if (generator_init(&a, &bushy) || generator_init(&b, line))
		return 1;
	printf("same order: %s\n", same_order(&a, &b) ? "yes" : "no");
	generator_free(&a);
	generator_free(&b);
	return 0;
}
