/*
 * A layout in place on each wanted side, and pointer chains written through it.  It knows nothing
 * of what is asked with them (sample.h and the experiments do).
 */
#ifndef MEASURE_FIELD_H
#define MEASURE_FIELD_H

#include "measure/native.h"
#include "measure/side.h"
#include "measure/virtual.h"

struct field {
    const struct layout *layout; /* borrows */
    bool has[SIDE_COUNT];
    struct native native;
    struct virtual guest;
    uint32_t *next;  /* owns; scratch for cycles */
    uint32_t *order; /* owns; scratch for subsets */
    uint64_t random;
};

/*
 * Put the layout in place.  wanted: the sides.  The native side needs native_open() before.
 * ERR_ENVIRONMENT as native_map and virtual_create; nothing is left behind then.
 */
MUST_CHECK bool field_create(
    struct field *field,
    const struct layout *layout,
    const bool wanted[SIDE_COUNT],
    const char *kvm_path,
    uint64_t seed,
    struct err *err);
void field_destroy(struct field *field); /* accepts a zeroed struct */

/* The host's pointer to a word, on a side that the field has. */
uint8_t *field_word(struct field *field, enum side side, enum layout_set set, size_t word);

/*
 * Link `count` words into one random cycle, the same on every side; returns the address of the
 * first.  words: which ones, or NULL for 0 … count - 1.
 */
uint64_t
field_link(struct field *field, enum layout_set set, const uint32_t *words, size_t count);

/* The same in the order given: a cycle that the caller has chosen. */
uint64_t
field_link_path(struct field *field, enum layout_set set, const uint32_t *words, size_t count);

/* Word i, less than EXP_LIST_COUNT, of what routines read at EXP_LIST, on every side. */
void field_list(struct field *field, size_t i, uint64_t value);

/*
 * Run a routine.  results: room for args->windows (times results_per_window).  *unexpected: as
 * virtual_run; 0 natively.  ERR_ENVIRONMENT: the guest failed.
 */
MUST_CHECK bool field_run(
    struct field *field,
    enum side side,
    enum exp_routine routine,
    struct exp_args *args,
    uint64_t *results,
    size_t count,
    uint64_t *unexpected,
    struct err *err);

#endif
