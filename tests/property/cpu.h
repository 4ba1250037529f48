/*
 * What a property test needs of a CPU: one try of one access of ring 3 in an address space, and the
 * guest kernel's work.  It refuses to know what the access should give.  soft_cpu.c is one made of
 * plain code, tests/kvm/test_property.c has the real one.
 */
#ifndef PROPERTY_CPU_H
#define PROPERTY_CPU_H

#include "memory/frames.h"
#include "memory/gmem.h"
#include "paging/edits.h"
#include "paging/ptab.h"
#include "space/space.h"

enum cpu_verb {
    CPU_READ,  /* 8 bytes at address; value: what they are */
    CPU_WRITE, /* 8 bytes at address: value */
    CPU_FILL,  /* all words of the page at address: cpu_fill_word(value, n) */
    CPU_SUM,   /* all words of the page at address; value: cpu_sum() of them */
    CPU_FETCH, /* an instruction at address */
};

struct cpu_access {
    enum cpu_verb verb;
    struct gva address; /* 8 bytes aligned; CPU_FILL, CPU_SUM: of a page */
    uint64_t value;
    bool again; /* the same access as before, after a fault was served */
};

struct cpu_fault {
    struct gva address;
    uint64_t error_code; /* PF_* */
};

enum cpu_result {
    CPU_DONE,
    CPU_FAULT,
    CPU_BROKEN, /* a rule of paging was broken: violation says which */
};

struct property_cpu {
    /* All borrowed. */
    const struct gmem *mem;
    struct frames *frames;
    struct ptab_pool *pool;
    struct edits *edits;
    bool no_execute;
    bool can_fetch; /* CPU_FETCH is understood */
    char violation[256];
    enum cpu_result (*attempt)(
        struct property_cpu *cpu,
        struct space *space,
        struct cpu_access *access,
        struct cpu_fault *fault);
    /* The guest kernel carries out what waits, now. */
    void (*drain)(void *cpu);
    /* The space is about to be destroyed: run on other tables. */
    void (*leave)(struct property_cpu *cpu, const struct space *space);
    void (*destroy)(struct property_cpu *cpu);
};

#define CPU_WORDS (PAGE_BYTES / 8)

static inline uint64_t cpu_fill_word(uint64_t value, unsigned nth)
{
    return value + nth * value;
}

/* rax = rax * 33 + word, from 0 on: two instructions of any CPU. */
static inline uint64_t cpu_sum(const uint8_t *page)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < CPU_WORDS; i++) {
        uint64_t word;
        __builtin_memcpy(&word, page + 8 * (size_t)i, 8);
        sum = sum * 33 + word;
    }
    return sum;
}

/* The code that the real CPU runs, at CPU_CODE in every space: a read-only executable file. */
#define CPU_CODE       UINT64_C(0x10000)
#define CPU_CODE_READ  0x00 /* mov (%rdi),%rax; ud2 */
#define CPU_CODE_WRITE 0x10 /* mov %rax,(%rdi); ud2 */
#define CPU_CODE_FILL                                                                          \
    0x20 /* 1: mov %rax,(%rdi); add %rdx,%rax; add $8,%rdi; dec %ecx; jnz 1b; ud2 */
#define CPU_CODE_SUM                                                                           \
    0x40 /* 1: imul $33,%rax; add (%rdi),%rax; add $8,%rdi; dec %ecx; jnz 1b; ud2 */
void cpu_code(uint8_t page[PAGE_BYTES]);

#endif
