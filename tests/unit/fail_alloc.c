/* Allocators in front of the C library's; see fail_alloc.h. */
#include "fail_alloc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

static bool armed, paused;
static uint64_t left, refused;

void fail_alloc_after(uint64_t allocations)
{
    armed = true;
    left = allocations;
    refused = 0;
}

void fail_alloc_pause(void)
{
    paused = true;
}

void fail_alloc_resume(void)
{
    paused = false;
}

uint64_t fail_alloc_off(void)
{
    armed = false;
    return refused;
}

static bool refuse(void)
{
    if (!armed || paused) {
        return false;
    }
    if (left > 0) {
        left--;
        return false;
    }
    refused++;
    errno = ENOMEM;
    return true;
}

/* The names are the linker's: --wrap=malloc and its kind. */
/* clang-format off */
void *__wrap_malloc(size_t bytes); /* NOLINT(bugprone-reserved-identifier) */
void *__wrap_calloc(size_t count, size_t bytes); /* NOLINT(bugprone-reserved-identifier) */
void *__wrap_realloc(void *old, size_t bytes); /* NOLINT(bugprone-reserved-identifier) */
void *__wrap_reallocarray(void *old, size_t count, size_t bytes); /* NOLINT(bugprone-reserved-identifier) */
void *__real_malloc(size_t bytes); /* NOLINT(bugprone-reserved-identifier) */
void *__real_calloc(size_t count, size_t bytes); /* NOLINT(bugprone-reserved-identifier) */
void *__real_realloc(void *old, size_t bytes); /* NOLINT(bugprone-reserved-identifier) */
void *__real_reallocarray(void *old, size_t count, size_t bytes); /* NOLINT(bugprone-reserved-identifier) */
/* clang-format on */

void *__wrap_malloc(size_t bytes)
{
    return refuse() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return refuse() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
    return refuse() ? NULL : __real_realloc(old, bytes);
}

void *__wrap_reallocarray(void *old, size_t count, size_t bytes)
{
    return refuse() ? NULL : __real_reallocarray(old, count, bytes);
}
