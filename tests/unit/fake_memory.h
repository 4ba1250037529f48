/*
 * A memory without a machine: pages, frames and accessed bits in arrays, which drive a policy as
 * the pager would and check each of its answers.  It refuses to decide anything itself.  Read
 * test_policy_order.c for its use.
 */
#ifndef FAKE_MEMORY_H
#define FAKE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm_policy.h"

struct fake_frame {
    uint64_t key; /* 0: free */
    uint32_t bytes;
    bool accessed, dirty, pinned;
};

struct fake {
    struct vmm_policy_host host; /* first: a pointer to it is a pointer to this */
    const struct vmm_policy *ops;
    void *self;
    struct fake_frame *frame; /* owns: host.frames */
    uint32_t *frame_of;       /* owns: by key; VMM_NO_FRAME */
    uint32_t *spare;          /* owns: free frames, the next one last */
    uint32_t spares;
    uint64_t keys; /* 1 to keys - 1 are pages */
    uint32_t sample_pages, hand;
    struct vmm_fault last[64]; /* history, the newest at (faults - 1) % 64 */
    uint64_t faults, calls, clears;
    uint32_t resident;
    /* Each use is told by on_sample at once, and no bit is ever set: then a policy that notices
     * uses late has to be as good as its paper. */
    bool exact;
    /* Told what is sampled. */
    void (*on_sample)(void *argument, uint64_t key, bool accessed);
    void *argument;
};

/* limit: frames that may be used, of which there are a few more.  Fails the test when the policy
 * refuses the options. */
void fake_create(
    struct fake *fake,
    const struct vmm_policy *ops,
    const char *options,
    uint32_t limit,
    uint64_t keys);
void fake_destroy(struct fake *fake);
/* Only the memory and the host: no policy is created. */
void fake_create_memory(struct fake *fake, uint32_t limit, uint64_t keys);

/* Use a page.  Returns whether it faulted; *victim: the key that went, 0: none. */
bool fake_use(struct fake *fake, uint64_t key, uint64_t *victim);
struct vmm_page fake_page(const struct fake *fake, uint32_t frame);
/* The page of a frame goes.  evicted: by replacement, and not given back. */
void fake_drop(struct fake *fake, uint32_t frame, bool evicted);
/* A fault for a page, as a policy sees it. */
struct vmm_fault fake_fault(const struct fake *fake, uint64_t key);

/* A sequence of random numbers of its own: fixed, good enough for strings. */
uint64_t fake_random(uint64_t *state);

#endif
