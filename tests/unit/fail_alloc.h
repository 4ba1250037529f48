/*
 * Host memory that runs out when a test says so.  Programs that link fail_alloc.o wrap the
 * allocators (Makefile); it refuses to know who allocates.  Read test_space_refusals.c for its use.
 */
#ifndef FAIL_ALLOC_H
#define FAIL_ALLOC_H

#include <stdint.h>

/* The next `allocations` succeed, and none after them. */
void fail_alloc_after(uint64_t allocations);
/* What is allocated between the two is none of the test's business. */
void fail_alloc_pause(void);
void fail_alloc_resume(void);
/* All succeed again.  Returns how many were refused. */
uint64_t fail_alloc_off(void);

#endif
