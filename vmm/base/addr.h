/*
 * One-field structs that keep a guest-physical and a guest-virtual address apart, so that the
 * compiler refuses to mix them up.  Bare integers are addresses only in the ABI headers and in
 * registers.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#include "x86.h"

struct gpa {
    uint64_t value;
};

struct gva {
    uint64_t value;
};

static inline struct gpa gpa_of(uint64_t value)
{
    return (struct gpa){value};
}

static inline struct gva gva_of(uint64_t value)
{
    return (struct gva){value};
}

static inline struct gva gva_add(struct gva address, uint64_t bytes)
{
    return gva_of(address.value + bytes);
}

static inline uint64_t round_down(uint64_t value, uint64_t power_of_two)
{
    return value & ~(power_of_two - 1);
}

/* Wraps to 0 within the last unit: callers check their range first. */
static inline uint64_t round_up(uint64_t value, uint64_t power_of_two)
{
    return (value + power_of_two - 1) & ~(power_of_two - 1);
}

static inline struct gva gva_page(struct gva address)
{
    return gva_of(round_down(address.value, PAGE_BYTES));
}

/* 48-bit canonical form: bits 63 to 47 are equal. */
static inline bool gva_is_canonical(struct gva address)
{
    return (uint64_t)((int64_t)(address.value << 16) >> 16) == address.value;
}

#endif
