/*
 * The contract between the host's measuring (vmm/measure) and the routines that are measured
 * (guest/exp): where code, arguments and results lie, the argument block, and the list of
 * routines.  The same image runs in the guest and natively in the host process, at the same
 * addresses.  Usable from C and from assembly; read guest/exp/chase.h next.
 */
#ifndef EXP_H
#define EXP_H

#include "x86.h"

#define EXP_VERSION 1
/* "VMMEXPR1" */
#define EXP_MAGIC X86_U64(0x31525058454d4d56)

/*
 * Far from whatever a host process has mapped, sanitizers included; and with page numbers whose
 * low bits are not zero, so that these pages stay out of the sets that experiments fill.
 */
#define EXP_TEXT          X86_U64(0x200000011000)
#define EXP_TEXT_BYTES    0x8000
#define EXP_ARGS          X86_U64(0x20000011b000)
#define EXP_RESULTS       X86_U64(0x20000021c000)
#define EXP_RESULTS_BYTES 0x10000
#define EXP_RESULT_COUNT  (EXP_RESULTS_BYTES / 8)
/* What the host lists for a routine: addresses to jump to. */
#define EXP_LIST        X86_U64(0x20000051d000)
#define EXP_LIST_BYTES  0x80000
#define EXP_LIST_COUNT  (EXP_LIST_BYTES / 8)
#define EXP_STACK       X86_U64(0x200000400000) /* its end; the guest's alone */
#define EXP_STACK_BYTES 0x4000
/* The guest's alone: page tables of its own, to be read; four pages for each of at most 16. */
#define EXP_TABLES X86_U64(0x20000061e000)
/* Layouts: 47 entries of the PML4 from here on. */
#define EXP_PAGES     X86_U64(0x210000000000)
#define EXP_PAGES_END X86_U64(0x388000000000)

/* How a routine ends in the guest, and how it asks for nothing: numbers of its own, beside the
 * laboratory's requests. */
#define EXP_REQUEST_DONE  0x1f00
#define EXP_REQUEST_EMPTY 0x1f01

/* parameter[0] of `flush`: what a window is. */
#define EXP_FLUSH_RELOAD  0 /* the loads, after a request */
#define EXP_FLUSH_REQUEST 1 /* the request itself */
#define EXP_FLUSH_WARM    2 /* the loads, without one */

/* Every routine: EXP_ROUTINE(name) stands for `void exp_name(struct exp_args *)`. */
#define EXP_ROUTINES(EXP_ROUTINE)                                                              \
    EXP_ROUTINE(clock)                                                                         \
    EXP_ROUTINE(emulation)                                                                     \
    EXP_ROUTINE(stamp)                                                                         \
    EXP_ROUTINE(paging)                                                                        \
    EXP_ROUTINE(pagesize)                                                                      \
    EXP_ROUTINE(waypred)                                                                       \
    EXP_ROUTINE(tlb)                                                                           \
    EXP_ROUTINE(itlb)                                                                          \
    EXP_ROUTINE(itlb_random)                                                                   \
    EXP_ROUTINE(ways)                                                                          \
    EXP_ROUTINE(walk)                                                                          \
    EXP_ROUTINE(cold)                                                                          \
    EXP_ROUTINE(flushed)                                                                       \
    EXP_ROUTINE(coalesce)                                                                      \
    EXP_ROUTINE(flush)                                                                         \
    EXP_ROUTINE(fault)                                                                         \
    EXP_ROUTINE(request)

#define EXP_CHAINS_MAX       12
#define EXP_CALIBRATION_ADDS 2048
#define EXP_UNROLL           16 /* loads per window are a multiple */

#ifndef __ASSEMBLER__

#define EXP_ROUTINE(name) EXP_ROUTINE_##name,
enum exp_routine { EXP_ROUTINES(EXP_ROUTINE) EXP_ROUTINE_COUNT };
#undef EXP_ROUTINE

/* First bytes of the image at EXP_TEXT, filled in by guest/exp/table.S. */
struct exp_image {
    uint64_t magic;
    uint32_t version;
    uint32_t bytes;
    uint64_t enter; /* where the guest's ring 3 starts */
    uint64_t routine[EXP_ROUTINE_COUNT];
};

/* The block at EXP_ARGS.  What a parameter means, the routine's own file says. */
struct exp_args {
    uint64_t routine; /* address of the routine: exp_enter calls it */

    uint64_t start[EXP_CHAINS_MAX]; /* first words of chains, or other addresses */
    uint64_t chains;
    uint64_t loads;   /* a window; a multiple of EXP_UNROLL */
    uint64_t windows; /* at most EXP_RESULT_COUNT */
    uint64_t warm;    /* loads before the first window */
    uint64_t parameter[4];

    /* Filled in by the routine. */
    uint64_t calibration_ticks; /* least time of EXP_CALIBRATION_ADDS dependent additions */
    uint64_t floor_ticks;       /* least time of an empty window */
    uint64_t value[4];
};
_Static_assert(sizeof(struct exp_args) <= 0x1000, "one page");
_Static_assert(sizeof(struct exp_image) < EXP_TEXT_BYTES, "the header is part of the text");

#endif
#endif
