/*
 * A policy that crashes where and how it is told to: in=FUNCTION,how=WAY, with a function of
 * struct vmm_policy and one of segv, wild, bus, fpe, ill, abort, overflow, loop, hostloop,
 * hostpage.  It
 * refuses to decide anything.  Read tests/unit/test_policy_guard.c for what is expected of vmm.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm_policy.h"

struct crash {
    const struct vmm_policy_host *host;
    char function[24], way[24];
};

/* Not a leaf, and not to be made a loop of. */
static int overflow(volatile int depth)
{
    volatile char space[4096] = {0};

    space[depth % 4096] = (char)depth;
    if (depth == 0) {
        return 0;
    }
    return overflow(depth + 1) + space[(depth + 1) % 4096];
}

static void touch_behind_file(void)
{
    int file = memfd_create("crash", 0);
    volatile char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);

    (void)*page; /* the file is empty */
}

static void fall(const struct crash *crash)
{
    volatile int zero = 0;
    volatile int *volatile address = NULL;

    if (strcmp(crash->way, "segv") == 0) {
        address = (volatile int *)0x10;
        *address = 1;
    } else if (strcmp(crash->way, "wild") == 0) {
        address = (volatile int *)0x1234567890abcdef;
        *address = 1;
    } else if (strcmp(crash->way, "bus") == 0) {
        touch_behind_file();
    } else if (strcmp(crash->way, "fpe") == 0) {
        /* Not by a constant, which needs no division. */
        zero = (zero + 1000) / zero; /* NOLINT(clang-analyzer-core.DivideZero) */
    } else if (strcmp(crash->way, "ill") == 0) {
        __builtin_trap();
    } else if (strcmp(crash->way, "abort") == 0) {
        abort();
    } else if (strcmp(crash->way, "overflow") == 0) {
        zero = overflow(1);
    } else if (strcmp(crash->way, "loop") == 0) {
        for (;;) {
            zero++;
        }
    } else if (strcmp(crash->way, "hostloop") == 0) {
        for (;;) {
            crash->host->resident(crash->host);
        }
    } else if (strcmp(crash->way, "hostpage") == 0) {
        crash->host->page(crash->host, 0, (struct vmm_page *)0x18);
    }
}

static void fall_in(void *self, const char *function)
{
    const struct crash *crash = self;

    if (strcmp(crash->function, function) == 0) {
        fall(crash);
    }
}

static void destroy(void *self)
{
    fall_in(self, "destroy");
}

static void *
create(const struct vmm_policy_host *host, const char *options, char *error, size_t error_bytes)
{
    static struct crash crash; /* one that crashed is never freed */

    if (strcmp(options, "refuse") == 0) {
        snprintf(error, error_bytes, "not today");
        return NULL;
    }
    if (strcmp(options, "silent") == 0) {
        return NULL;
    }
    crash.host = host;
    if (sscanf(options, "in=%23[a-z_],how=%23[a-z]", crash.function, crash.way) != 2) {
        memset(error, 'x', error_bytes); /* without its end */
        return NULL;
    }
    fall_in(&crash, "create");
    return &crash;
}

static void on_fault(void *self, const struct vmm_fault *fault, struct vmm_decision *decision)
{
    (void)fault;
    decision->refuse = true; /* must not count when it crashes then */
    fall_in(self, "on_fault");
    decision->refuse = false;
}

static void on_map(void *self, const struct vmm_page *page)
{
    (void)page;
    fall_in(self, "on_map");
}

static void on_unmap(void *self, const struct vmm_page *page, bool evicted)
{
    (void)page;
    (void)evicted;
    fall_in(self, "on_unmap");
}

static void on_sample(void *self, uint32_t frame, bool accessed)
{
    (void)frame;
    (void)accessed;
    fall_in(self, "on_sample");
}

static uint32_t choose_sample(void *self)
{
    fall_in(self, "choose_sample");
    return 3;
}

static uint32_t choose_victim(void *self, const struct vmm_fault *fault)
{
    (void)fault;
    fall_in(self, "choose_victim");
    return 7;
}

const struct vmm_policy vmm_policy = {
    .version = VMM_POLICY_VERSION,
    .bytes = sizeof(struct vmm_policy),
    .name = "crash",
    .summary = "crashes on demand",
    .options = "in=FUNCTION,how=WAY",
    .create = create,
    .destroy = destroy,
    .on_fault = on_fault,
    .on_map = on_map,
    .on_unmap = on_unmap,
    .on_sample = on_sample,
    .choose_sample = choose_sample,
    .choose_victim = choose_victim,
};
