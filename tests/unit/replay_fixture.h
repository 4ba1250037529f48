/*
 * References from an array, and short ways to a plan and its answers, for the tests of the
 * replay.  A call that the host cannot carry out fails the test.
 */
#ifndef REPLAY_FIXTURE_H
#define REPLAY_FIXTURE_H

#include "replay/replay.h"

struct replay_array {
    const struct reference *references;
    size_t count, at;
};

/* The operations of a source over a struct replay_array, for tables of a test's own. */
bool replay_array_read(
    void *state, struct reference *out, size_t room, size_t *count, struct err *err);
bool replay_array_rewind(void *state, struct err *err);
void replay_array_close(void *state);

/* *source is borrowed.  The name is "an array". */
struct references replay_array_open(struct replay_array *source);

/* fifo, lru and opt with so many frames (0: none said), and all references. */
struct replay_plan replay_plan_of(unsigned page_shift, uint32_t frames);

/* Answer the plan; the caller destroys the result. */
struct replay_result replay_run_array(
    const struct replay_plan *plan, const struct reference *references, size_t count);

/* Made-up reads of one byte in up to `pages` pages of 4 KiB, five pages apart; the caller frees
 * them. */
struct reference *replay_make_references(size_t count, uint32_t pages);

#endif
