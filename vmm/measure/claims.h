/*
 * What CPUID says about the TLBs: a band to hold measurements against, never an answer.  AMD: APM
 * volume 3, "CPUID", functions 8000_0005h, 8000_0006h, 8000_0019h, 8000_0021h; Intel: SDM volume
 * 2, "CPUID", leaf 18h.
 */
#ifndef MEASURE_CLAIMS_H
#define MEASURE_CLAIMS_H

#include <stdbool.h>
#include <stdint.h>

/* entries 0: hidden or absent.  ways 0: not said; CLAIM_FULLY: fully associative. */
#define CLAIM_FULLY UINT32_MAX

struct claim_tlb {
    uint32_t entries;
    uint32_t ways;
};

struct claims {
    struct claim_tlb data[3][4]; /* [level 1, 2][page level 1, 2, 3] */
    struct claim_tlb instruction[3][4];
    bool in_guest; /* this CPUID is a hypervisor's */
    char vendor[13];
    char brand[49];
};

/* Read this host's CPUID. */
void claims_read(struct claims *claims);

/* The decoding alone: registers of AMD's functions, and of one sub-leaf of Intel's. */
void claims_decode_amd(
    struct claims *claims, const uint32_t l1[4], const uint32_t l2[4], bool times_32);
void claims_decode_intel(struct claims *claims, const uint32_t subleaf[4]);

#endif
