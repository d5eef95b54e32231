/*
 * Order statistics: the minimum is the run that was disturbed least, the median
 * the usual one, and the spread tells how far to trust both.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double middle(double *values, size_t n)
{
	qsort(values, n, sizeof *values, compare);
	return n % 2 != 0 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* mad: the median of the distances from the median. */
struct stats stats_of(const double *values, size_t n)
{
	struct stats s = {.n = n};
	double *sorted = calloc(n != 0 ? n : 1, sizeof *sorted);

	if (n == 0 || sorted == NULL) {
		free(sorted);
		return s;
	}
	memcpy(sorted, values, n * sizeof *sorted);
	s.median = middle(sorted, n);
	s.min = sorted[0];
	s.max = sorted[n - 1];
	for (size_t i = 0; i < n; i++)
		sorted[i] = fabs(sorted[i] - s.median);
	s.mad = middle(sorted, n);
	free(sorted);
	return s;
}
