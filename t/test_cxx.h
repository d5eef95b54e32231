// The parts of test_cxx.
#ifndef T_TEST_CXX_H
#define T_TEST_CXX_H

#include <check.h>

void cxx_default_tests(TCase *);
void cxx_portable_tests(TCase *);

#endif
