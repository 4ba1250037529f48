/* Decodes CPUID's leaves on TLBs; see claims.h. */
#include "measure/claims.h"

#include <cpuid.h>
#include <string.h>

/* --- AMD --- */

static struct claim_tlb l1_claim(uint32_t entries, uint32_t ways)
{
    return (struct claim_tlb){entries, ways == 0xff ? CLAIM_FULLY : ways};
}

/* Codes of function 8000_0006h; 12 ways and others have none. */
static uint32_t l2_ways(uint32_t code)
{
    static const uint32_t ways[16] = {0,  1, 2,  3,  4,  6,  8,   0,
                                      16, 0, 32, 48, 64, 96, 128, CLAIM_FULLY};

    return ways[code & 15];
}

static void
decode_l2(uint32_t reg, uint32_t scale, struct claim_tlb *data, struct claim_tlb *instruction)
{
    data->entries = (reg >> 16 & 0xfff) * scale;
    data->ways = l2_ways(reg >> 28);
    instruction->entries = (reg & 0xfff) * scale;
    instruction->ways = l2_ways(reg >> 12);
    /* A zero code is "off", whatever the rest says. */
    if (reg >> 28 == 0) {
        data->entries = 0;
    }
    if ((reg >> 12 & 15) == 0) {
        instruction->entries = 0;
    }
}

void claims_decode_amd(
    struct claims *claims, const uint32_t l1[4], const uint32_t l2[4], bool times_32)
{
    for (unsigned page = 1; page <= 2; page++) {
        uint32_t small = l1[page == 1 ? 1 : 0]; /* ebx: 4 KiB; eax: 2 MiB */
        claims->data[1][page] = l1_claim(small >> 16 & 0xff, small >> 24);
        claims->instruction[1][page] = l1_claim(small & 0xff, small >> 8 & 0xff);
        decode_l2(
            l2[page == 1 ? 1 : 0], times_32 ? 32 : 1, &claims->data[2][page],
            &claims->instruction[2][page]);
    }
}

static void read_amd(struct claims *claims)
{
    uint32_t l1[4] = {0};
    uint32_t l2[4] = {0};
    uint32_t flags[4] = {0};

    (void)__get_cpuid(0x80000005, &l1[0], &l1[1], &l1[2], &l1[3]);
    (void)__get_cpuid(0x80000006, &l2[0], &l2[1], &l2[2], &l2[3]);
    (void)__get_cpuid(0x80000021, &flags[0], &flags[1], &flags[2], &flags[3]);
    claims_decode_amd(claims, l1, l2, (flags[0] >> 14 & 1) != 0);
}

/* --- Intel --- */

void claims_decode_intel(struct claims *claims, const uint32_t subleaf[4])
{
    uint32_t type = subleaf[3] & 31; /* 1 data, 2 instruction, 3 both, 4 loads, 5 stores */
    uint32_t level = subleaf[3] >> 5 & 7;
    bool fully = (subleaf[3] >> 8 & 1) != 0;
    uint32_t ways = subleaf[1] >> 16;
    struct claim_tlb claim = {ways * subleaf[2], fully ? CLAIM_FULLY : ways};

    if (type == 0 || type > 4 || level < 1 || level > 2) {
        return;
    }
    for (unsigned page = 1; page <= 3; page++) {
        static const unsigned size_bit[4] = {0, 0, 1, 3};
        if ((subleaf[1] >> size_bit[page] & 1) == 0) {
            continue;
        }
        if (type != 2) {
            claims->data[level][page] = claim;
        }
        if (type == 2 || type == 3) {
            claims->instruction[level][page] = claim;
        }
    }
}

static void read_intel(struct claims *claims)
{
    uint32_t leaf[4] = {0};

    if (!__get_cpuid_count(0x18, 0, &leaf[0], &leaf[1], &leaf[2], &leaf[3])) {
        return;
    }
    uint32_t last = leaf[0] < 64 ? leaf[0] : 64;
    for (uint32_t i = 0; i <= last; i++) {
        __cpuid_count(0x18, i, leaf[0], leaf[1], leaf[2], leaf[3]);
        claims_decode_intel(claims, leaf);
    }
}

static void read_names(struct claims *claims)
{
    uint32_t r[4] = {0};

    __cpuid(0, r[0], r[1], r[2], r[3]);
    memcpy(claims->vendor, &r[1], 4);
    memcpy(claims->vendor + 4, &r[3], 4);
    memcpy(claims->vendor + 8, &r[2], 4);
    for (uint32_t i = 0; i < 3; i++) {
        if (__get_cpuid(0x80000002 + i, &r[0], &r[1], &r[2], &r[3])) {
            memcpy(claims->brand + 16L * i, r, 16);
        }
    }
    if (__get_cpuid(1, &r[0], &r[1], &r[2], &r[3])) {
        claims->in_guest = (r[2] >> 31 & 1) != 0;
    }
}

void claims_read(struct claims *claims)
{
    *claims = (struct claims){0};
    read_names(claims);
    if (strcmp(claims->vendor, "AuthenticAMD") == 0 ||
        strcmp(claims->vendor, "HygonGenuine") == 0) {
        read_amd(claims);
    } else {
        read_intel(claims);
    }
}
