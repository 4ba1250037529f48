/*
 * One fault as it is recorded: 64 bytes, fixed, without pointers, so that the same bytes serve
 * the live trace, the counts and a session on disk.  Read vmm/trace/trace.h for what consumes
 * it.
 */
#ifndef TRACE_RECORD_H
#define TRACE_RECORD_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

/* What was done about a fault. */
enum record_action {
    ACTION_MAP_ZERO = 0, /* a zeroed frame was mapped */
    ACTION_MAP_FILE = 1, /* a frame was filled from a file and mapped */
    ACTION_COPY = 2,     /* a shared frame was copied */
    ACTION_UPGRADE = 3,  /* the entry was given more permissions */
    ACTION_RETRY = 4,    /* nothing to do but to flush the stale translation */
    ACTION_SIGNAL = 5,   /* the program was given a signal */
    ACTION_KILL = 6,     /* the program was ended */
    ACTION_SHARE = 7,    /* a frame that others map already was mapped */
    ACTION_SWAP_IN = 8,  /* a frame was filled from swap and mapped */
    RECORD_ACTIONS = 9
};

/* Bits of `access`. */
#define RECORD_WRITE 0x01
#define RECORD_FETCH 0x02 /* neither: a read */
#define RECORD_USER  0x04 /* ring 3 */
#define RECORD_HOST  0x08 /* found by the host while it served a request */
#define RECORD_PROT  0x10 /* the entry was present: a protection fault */
/* Of an access only: the page was touched, how often and how is not known. */
#define RECORD_SAMPLED 0x20

#define RECORD_NO_FRAME  UINT32_MAX
#define RECORD_NO_REGION UINT32_MAX

struct fault_record {
    uint64_t time_ns;      /* from the start of the run to the exit of the vCPU */
    uint64_t address;      /* cr2 */
    uint64_t rip;          /* of the access (host access: of the request) */
    uint64_t entry_before; /* the leaf entry, or the entry that ended the walk */
    uint64_t entry_after;
    uint32_t service_ns; /* from the exit to just before the next entry, saturated */
    uint32_t frame;      /* index of the guest frame, from the start of guest RAM */
    uint32_t evicted;    /* frame that had to go first, or RECORD_NO_FRAME */
    uint32_t region;     /* identity of the region, stable while it lives */
    uint16_t process;
    uint8_t kind;    /* enum fault_kind */
    uint8_t action;  /* enum record_action */
    uint8_t access;  /* RECORD_* */
    uint8_t level;   /* of the leaf: 1, 2 or 3; 0 where none was mapped */
    uint16_t around; /* pages of 4 KiB mapped beside it (fault-around) */
};
_Static_assert(sizeof(struct fault_record) == 64, "the trace format fixes it");
_Static_assert(offsetof(struct fault_record, service_ns) == 40, "no padding");
_Static_assert(offsetof(struct fault_record, process) == 56, "no padding");

/* One memory access that was recorded beside the faults, all of it in one page. */
struct access_record {
    uint64_t time_ns; /* when its instruction had ended, or the page was found touched */
    uint64_t address;
    uint64_t rip; /* of the instruction (host access: of the request); 0 of a sample */
    uint32_t region;
    uint16_t process;
    uint8_t access; /* RECORD_* */
    uint8_t bytes;  /* 0: not known */
};

/* Names as they stand in traces and reports; NULL never. */
const char *record_kind_name(enum fault_kind kind);
const char *record_action_name(enum record_action action);

/* 4 KiB pages of a leaf at `level` (1 to 3); 0 for level 0, where none was mapped. */
static inline uint32_t record_level_pages(unsigned level)
{
    static const uint32_t pages[] = {
        0, 1, UINT32_C(1) << (LARGE_SHIFT - PAGE_SHIFT),
        UINT32_C(1) << 2 * (LARGE_SHIFT - PAGE_SHIFT)};

    assert(level <= 3);
    return pages[level];
}

#endif
