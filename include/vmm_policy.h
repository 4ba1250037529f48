/*
 * The interface of a memory policy: what decides, at each page fault of a program, how much is
 * mapped, and which page must go when the frames are used up.  vmm's own policies (fifo, clock,
 * lru, random, 2q, arc) and a user's shared object are the same struct.  A policy only answers
 * questions: it never touches a page table or a frame, and the pager checks each answer, so that
 * a wrong one costs time and never data.  docs/writing-a-policy.md leads through one.
 *
 * A shared object defines one symbol, `const struct vmm_policy vmm_policy`, and is built by
 *
 *     gcc -O2 -fPIC -shared -I/usr/local/include/vmm -o mine.so mine.c
 *
 * All calls come from one thread, while the guest stands still.  Nothing here is kept by vmm
 * beyond the call that passed it, unless said otherwise.
 */
#ifndef VMM_POLICY_H
#define VMM_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VMM_POLICY_VERSION 1

#define VMM_NO_FRAME UINT32_MAX

/*
 * A page that is in memory.  It is known by the frame that holds it: a number below
 * vmm_policy_host.frames, free to index an array of the policy's own.  A large page (2 MiB) has
 * the number of its first frame; the pager splits it when a part of it must go (on_unmap of the
 * large page, then on_map for each 4 KiB page of it).
 */
struct vmm_page {
    uint64_t key;     /* which page of which program it is: the same when it comes back later,
                         different from that of any other page, not 0; for memories of evicted
                         pages */
    uint64_t address; /* virtual, of its first byte, where it was mapped first */
    uint32_t frame;
    uint32_t bytes;      /* 4096 or 2097152 */
    uint32_t sharers;    /* how many page tables map it */
    uint16_t process;    /* that brought it in */
    uint8_t permissions; /* of its region: 1 read, 2 write, 4 execute */
    uint8_t pinned;      /* 1: may not be chosen as a victim now */
};

/* Bits of vmm_fault.access. */
#define VMM_ACCESS_WRITE 0x01
#define VMM_ACCESS_FETCH 0x02
#define VMM_ACCESS_USER  0x04
#define VMM_ACCESS_HOST  0x08 /* the host touches it on behalf of a system call */

/* A fault that will be resolved by bringing a page in, as the pager has classified it. */
struct vmm_fault {
    uint64_t number;  /* faults so far, this one included: the policy's clock */
    uint64_t address; /* of the access */
    uint64_t key;     /* vmm_page.key that the faulting page will have; 0: not known yet */
    uint64_t rip;
    uint64_t region_begin, region_end; /* of the mapping that it lies in */
    uint16_t process;
    uint8_t kind;        /* enum fault_kind of abi.h: demand-zero, file-load, swap-in... */
    uint8_t access;      /* VMM_ACCESS_* */
    uint8_t permissions; /* of the region: 1 read, 2 write, 4 execute */
    uint8_t reserved[3];
};

/*
 * What to do about it.  Passed in with the default filled in: the faulting page alone.
 *
 * map_begin, map_end: a page-aligned range inside the region that holds the faulting page; all
 * of its pages that are not there yet are brought in at this fault (pages whose contents come
 * from a file or from swap included), as far as free frames last, the faulting page first.  At
 * most VMM_MAP_MAX_PAGES pages.
 * delay_ns: the guest waits this long, at most 1 s: a slow disk, a far node.
 * refuse: the program gets SIGSEGV instead (SEGV_ACCERR).
 */
struct vmm_decision {
    uint64_t map_begin, map_end;
    uint64_t delay_ns;
    bool refuse;
};
#define VMM_MAP_MAX_PAGES    512
#define VMM_SAMPLE_MAX_PAGES 64

/* What a policy may ask for.  `host` is the first argument of each call. */
struct vmm_policy_host {
    uint32_t version; /* VMM_POLICY_VERSION of the vmm that calls */
    uint32_t frames;  /* every frame number is below this */
    uint32_t limit;   /* how many frames programs may have, in 4 KiB; UINT32_MAX: no limit */
    uint32_t reserved;

    /* The page in a frame; false where the frame holds none. */
    bool (*page)(const struct vmm_policy_host *host, uint32_t frame, struct vmm_page *page);

    /*
     * Whether the CPU has set the accessed (dirty) bit of the page in any page table since it
     * was cleared last; false for a frame without a page.  clear: clear the accessed bits, which
     * goes through the guest's edit list and costs one entry of it for each bit that was set.
     */
    bool (*accessed)(const struct vmm_policy_host *host, uint32_t frame, bool clear);
    bool (*dirty)(const struct vmm_policy_host *host, uint32_t frame);

    /* Pages in memory now, in 4 KiB. */
    uint32_t (*resident)(const struct vmm_policy_host *host);

    /* The nth fault before this one (0: the one before), at most 63; false where there is none. */
    bool (*history)(const struct vmm_policy_host *host, unsigned nth, struct vmm_fault *fault);

    /* One line on vmm's standard error, behind the policy's name. */
    void (*log)(const struct vmm_policy_host *host, const char *text);
};

struct vmm_policy {
    uint32_t version;    /* VMM_POLICY_VERSION */
    uint32_t bytes;      /* sizeof(struct vmm_policy) */
    const char *name;    /* one word */
    const char *summary; /* one line for --help */
    const char *options; /* what --policy NAME,key=value takes, one line each; NULL: nothing */

    /*
     * Start.  host lives until destroy.  options: the text behind the first comma of --policy,
     * "" where there is none.  Returns the policy's own state, handed to each call below, or NULL
     * with a reason in error (at most error_bytes with the NUL).
     */
    void *(*create)(
        const struct vmm_policy_host *host,
        const char *options,
        char *error,
        size_t error_bytes);
    void (*destroy)(void *self); /* NULL: nothing to do */

    /* Before a page is brought in; may change *decision.  NULL: the default. */
    void (*on_fault)(void *self, const struct vmm_fault *fault, struct vmm_decision *decision);

    /* A page came into memory, and one that was in memory is gone (evicted or given back). */
    void (*on_map)(void *self, const struct vmm_page *page);
    void (*on_unmap)(void *self, const struct vmm_page *page, bool evicted);

    /*
     * If sample_pages is not 0: at each fault the accessed bits of so many resident pages, in
     * turn round all of them, are read, cleared, and told.  NULL: never.
     */
    void (*on_sample)(void *self, uint32_t frame, bool accessed);
    uint32_t sample_pages; /* at most VMM_SAMPLE_MAX_PAGES */
    uint32_t reserved;
    uint32_t (*choose_sample)(void *self); /* asked once, after create: takes the place of
                                              sample_pages; NULL: that stands */

    /*
     * The page that goes, as its frame number: one that is in memory and not pinned.  fault: for
     * whom.  The pager calls on_unmap(..., true) when it is gone.  A wrong answer is reported and
     * counted, and the pager takes a page by itself.  VMM_NO_FRAME: none may go.  It can be asked
     * several times for one fault.
     */
    uint32_t (*choose_victim)(void *self, const struct vmm_fault *fault);
};

#endif
