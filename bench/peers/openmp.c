/* Parallel loops as OpenMP has them, of the compiler that built this. */
#include <stdio.h>

#include "peers.h"

#ifdef _OPENMP

void peer_openmp_axpy(const struct loop_data *d)
{
#pragma omp parallel for num_threads(2)
	for (size_t i = 0; i < AXPY_N; i++)
		axpy(d, i);
}

void peer_openmp_hash(const struct loop_data *d)
{
#pragma omp parallel for num_threads(2)
	for (size_t i = 0; i < HASH_N; i++)
		hash(d, i);
}

const char *peer_openmp_absent(void)
{
	return NULL;
}

/* The month of the standard. */
const char *peer_openmp_version(void)
{
	static char version[16];

	snprintf(version, sizeof version, "%d", _OPENMP);
	return version;
}

#else

void peer_openmp_axpy(const struct loop_data *d)
{
	(void)d;
}

void peer_openmp_hash(const struct loop_data *d)
{
	(void)d;
}

const char *peer_openmp_absent(void)
{
	return "the compiler has no -fopenmp";
}

const char *peer_openmp_version(void)
{
	return NULL;
}

#endif
