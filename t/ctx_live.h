/*
 * Values of all kinds that are live over a switch.
 */
#ifndef T_CTX_LIVE_H
#define T_CTX_LIVE_H

typedef double vec4 __attribute__((vector_size(32)));

static inline void live_nowhere(void *unused)
{
	(void)unused;
}

/* Integers, floating-point numbers of all widths and vectors are live over a hundred
 * calls of go; what comes of them is the same wherever go goes. */
__attribute__((noinline)) static long double live_values(void (*go)(void *), void *arg, int seed)
{
	volatile int opaque = seed;
	unsigned long a = (unsigned)opaque, b = a + 2, c = a + 3, d = a + 4, e = a + 5, f = a + 6;
	float s = (float)opaque + 0.5F;
	double x = opaque + 0.25, y = opaque * 3.0;
	long double z = opaque + 0.125L;
	vec4 v = {x, y, x + y, x - y}, w = v * 2.0;

	for (int i = 0; i < 100; i++) {
		go(arg);
		a += b;
		b ^= c;
		c += d;
		d ^= e;
		e += f;
		f++;
		s += 1;
		x += s;
		y += x;
		z += y;
		v += w;
	}
	return (long double)((a ^ b ^ c ^ d ^ e ^ f) & 0xffffff) + x + z + v[0] + v[1] * 2 +
	       v[2] * 3 + v[3] * 4;
}

static inline int live_wrong(void (*go)(void *), void *arg, int seed)
{
	return live_values(go, arg, seed) != live_values(live_nowhere, 0, seed);
}

#endif
