/*
 * The pool that everybody has written once: threads, and a queue under a mutex with a
 * condition variable. Its jobs are nodes of a list, allocated by the submitter.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "../crew.h"
#include "peers.h"

enum { WORKERS_MAX = 16 };

struct node {
	struct node *next;
	void (*fn)(void);
};

/* The mutex guards the list and `ending`. */
struct pool {
	pthread_mutex_t mutex;
	pthread_cond_t more;
	struct node *head, **tail;
	bool ending;
	unsigned nworkers;
	pthread_t worker[WORKERS_MAX];
};

/* NULL once the pool ends and nothing is left. */
static struct node *take(struct pool *p)
{
	struct node *n;

	pthread_mutex_lock(&p->mutex);
	while (p->head == NULL && !p->ending)
		pthread_cond_wait(&p->more, &p->mutex);
	n = p->head;
	if (n != NULL) {
		p->head = n->next;
		if (p->head == NULL)
			p->tail = &p->head;
	}
	pthread_mutex_unlock(&p->mutex);
	return n;
}

static void *work(void *pool)
{
	struct node *n;

	while ((n = take(pool)) != NULL) {
		n->fn();
		free(n);
	}
	return NULL;
}

static int submit(void *pool)
{
	struct pool *p = pool;
	struct node *n = malloc(sizeof *n);

	if (n == NULL)
		return ENOMEM;
	*n = (struct node){NULL, tally_add};
	pthread_mutex_lock(&p->mutex);
	*p->tail = n;
	p->tail = &n->next;
	pthread_mutex_unlock(&p->mutex);
	pthread_cond_signal(&p->more);
	return 0;
}

static int finish(void *pool)
{
	struct pool *p = pool;

	pthread_mutex_lock(&p->mutex);
	p->ending = true;
	pthread_mutex_unlock(&p->mutex);
	pthread_cond_broadcast(&p->more);
	for (unsigned i = 0; i < p->nworkers; i++)
		pthread_join(p->worker[i], NULL);
	free(p);
	return 0;
}

static void *make(unsigned workers)
{
	struct pool *p = calloc(1, sizeof *p);

	if (p == NULL || workers > WORKERS_MAX)
		return NULL;
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->more, NULL);
	p->tail = &p->head;
	for (; p->nworkers < workers; p->nworkers++)
		if (pthread_create(&p->worker[p->nworkers], NULL, work, p) != 0)
			return NULL;
	return p;
}

const struct peer_pool peer_pool_threads = {make, submit, finish};
