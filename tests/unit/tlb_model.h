/*
 * A made-up translation buffer with everything known about it: geometry, index function,
 * replacement, second level, costs and the noise of its clock.  Refuses to know how its answers
 * are analysed; it is the truth that the analyses are held against.  Read tlb_model.c for the
 * replacement rules.
 */
#ifndef TLB_MODEL_H
#define TLB_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLB_INDEX_BITS_MAX 12

enum tlb_replacement {
    TLB_LRU,
    TLB_PLRU, /* a tree where the ways are a power of two, else one bit a way */
    TLB_RANDOM,
};

struct tlb_shape {
    unsigned ways; /* 0: no such level */
    unsigned index_bits;
    uint64_t index[TLB_INDEX_BITS_MAX]; /* bit i of the set = parity of page & index[i] */
    enum tlb_replacement replacement;
};

struct tlb_noise {
    double gauss;           /* relative standard deviation of a window */
    double spike_share;     /* windows with a one-sided spike */
    double spike_size;      /* relative size of a spike, exponential */
    double preempt_share;   /* windows that were interrupted: times 5 to 50 */
    double drift;           /* relative amplitude of a slow wave over the measurements */
    double disturbed_share; /* sizes of which every window is 5 to 50 % too slow */
};

struct tlb_level {
    struct tlb_shape shape;
    uint64_t *tag;   /* owns; page + 1, 0 empty: sets x ways */
    uint64_t *stamp; /* owns; LRU: time of use; one bit a way: 1 = used lately */
    uint64_t *tree;  /* owns; one word a set */
};

struct tlb_model {
    struct tlb_level level[2];
    double cost_first, cost_second, cost_walk;
    struct tlb_noise noise;
    uint64_t random;
    uint64_t clock;
    double phase;
};

/* The usual index: bits 0 up.  fold > 0: each is XORed with the bit `fold` above it. */
struct tlb_shape tlb_make_shape(
    unsigned ways, unsigned index_bits, unsigned fold, enum tlb_replacement replacement);

/* Sets x ways. */
uint64_t tlb_count_entries(const struct tlb_shape *shape);

/* Second level: ways 0 for none.  Returns false without memory.  Destroy accepts a half-built
 * one. */
bool tlb_create(
    struct tlb_model *model,
    const struct tlb_shape *first,
    const struct tlb_shape *second,
    uint64_t seed);
void tlb_destroy(struct tlb_model *model);

uint64_t tlb_random(uint64_t *state);
/* Uniform in [0, 1). */
double tlb_uniform(uint64_t *state);

void tlb_flush(struct tlb_model *model);

/* Mean cost of an access when the pages are visited round and round, in that order, after a flush
 * and some rounds. */
double tlb_run_chain(struct tlb_model *model, const uint64_t *pages, size_t count);

/* The p5 of 60 windows around a true cost, with the model's noise. */
double tlb_add_noise(struct tlb_model *model, double cost);

/* The same for a random cycle through `count` pages, at a stride, from page 0 on. */
double tlb_measure_pages(struct tlb_model *model, size_t count, uint64_t stride_pages);

/* Measured noise by grade: 0 none, 1 quiet, 2 usual, 3 rough. */
struct tlb_noise tlb_make_noise(unsigned grade);

#endif
