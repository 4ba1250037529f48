/*
 * The table of translation events; see counter_events.h.  Names are libpfm4's; what they mean is from
 * the vendors: Intel's event lists (DTLB_LOAD_MISSES, ITLB_MISSES: Sandy Bridge to Sapphire Rapids;
 * the library finds the code, which differs), AMD's Processor Programming References (PMCx045,
 * PMCx084, PMCx085: Zen to Zen 4).
 */
#include "measure/counter_events.h"

#include <linux/perf_event.h>
#include <stddef.h>

/*
 * The kernel maps a read miss to the event of every level's misses (WALK_COMPLETED on Intel, 0xf045
 * and 0xff85 on Zen): arch/x86/events/{intel,amd}/core.c.  A read *access* is loads on one vendor
 * and first-level misses on the other, so it stands for nothing here.
 */
#define GENERIC_READ_MISS(cache)                                                               \
    ((cache) | PERF_COUNT_HW_CACHE_OP_READ << 8 | PERF_COUNT_HW_CACHE_RESULT_MISS << 16)

const struct counter_event_row counter_events[COUNTER_EVENTS] = {
    [COUNTER_EVENT_DATA_HITS] =
        {.set = COUNTER_SET_DATA,
         .names =
             {"DTLB_LOAD_MISSES:STLB_HIT",
              "L1_DTLB_MISS:TLB_RELOAD_4K_L2_HIT:TLB_RELOAD_COALESCED_PAGE_HIT"
              ":TLB_RELOAD_2M_L2_HIT:TLB_RELOAD_1G_L2_HIT"}},
    /* Walks that end: those that a wrong speculation breaks off belong to no load of a chain. */
    [COUNTER_EVENT_DATA_WALKS] =
        {.set = COUNTER_SET_DATA,
         .names =
             {"DTLB_LOAD_MISSES:WALK_COMPLETED",
              "L1_DTLB_MISS:TLB_RELOAD_4K_L2_MISS:TLB_RELOAD_COALESCED_PAGE_MISS"
              ":TLB_RELOAD_2M_L2_MISS:TLB_RELOAD_1G_L2_MISS"},
         .has_generic = true,
         .generic = GENERIC_READ_MISS(PERF_COUNT_HW_CACHE_DTLB)},
    /*
     * ACTIVE: at least one walker is busy (Skylake and later).  DURATION: the one walker is (before
     * it; on Skylake the library gives that name to the sum over the walkers).  Skylake leaves the
     * cycles in EPT tables out.  AMD has no such event.
     */
    [COUNTER_EVENT_DATA_CYCLES] =
        {.set = COUNTER_SET_DATA,
         .names = {"DTLB_LOAD_MISSES:WALK_ACTIVE", "DTLB_LOAD_MISSES:WALK_DURATION"}},
    [COUNTER_EVENT_CODE_HITS] =
        {.set = COUNTER_SET_CODE,
         .names = {"ITLB_MISSES:STLB_HIT", "L1_ITLB_MISS_L2_ITLB_HIT"}},
    [COUNTER_EVENT_CODE_WALKS] =
        {.set = COUNTER_SET_CODE,
         .names =
             {"ITLB_MISSES:WALK_COMPLETED",
              "L1_ITLB_MISS_L2_ITLB_MISS:IF4K:IF2M:IF1G:COALESCED4K", /* Zen 3 and 4 */
              "L1_ITLB_MISS_L2_ITLB_MISS:IF4K:IF2M:IF1G"},
         .has_generic = true,
         .generic = GENERIC_READ_MISS(PERF_COUNT_HW_CACHE_ITLB)},
};

const struct counter_kind_row counter_kinds[COUNTER_KINDS] = {
    [COUNTER_DATA_MISSES] =
        {"data misses",
         COUNTER_SET_DATA,
         {[COUNTER_EVENT_DATA_HITS] = true, [COUNTER_EVENT_DATA_WALKS] = true}},
    [COUNTER_DATA_WALKS] =
        {"data walks", COUNTER_SET_DATA, {[COUNTER_EVENT_DATA_WALKS] = true}},
    [COUNTER_DATA_WALK_CYCLES] =
        {"walk cycles", COUNTER_SET_DATA, {[COUNTER_EVENT_DATA_CYCLES] = true}},
    [COUNTER_CODE_MISSES] =
        {"instruction misses",
         COUNTER_SET_CODE,
         {[COUNTER_EVENT_CODE_HITS] = true, [COUNTER_EVENT_CODE_WALKS] = true}},
    [COUNTER_CODE_WALKS] =
        {"instruction walks", COUNTER_SET_CODE, {[COUNTER_EVENT_CODE_WALKS] = true}},
};
