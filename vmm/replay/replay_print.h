/*
 * Says what a replay found: a table for people, one JSON object for machines, and in both what
 * the numbers can honestly be taken for.  It refuses to compute.  Read replay.h for the numbers.
 */
#ifndef REPLAY_REPLAY_PRINT_H
#define REPLAY_REPLAY_PRINT_H

#include <stdio.h>

#include "replay/replay.h"

/* What people see; result came from plan over references that are about `about`. */
void replay_print_table(
    FILE *out,
    const struct replay_plan *plan,
    const struct references_about *about,
    const struct replay_result *result);

/* One object on one line; docs/vmm-replay.1 has its keys.  ERR_ENVIRONMENT: no memory. */
MUST_CHECK bool replay_print_json(
    FILE *out,
    const struct replay_plan *plan,
    const struct references_about *about,
    const struct replay_result *result,
    struct err *err);

/* The largest number of notes. */
#define REPLAY_NOTES_MAX  8
#define REPLAY_NOTE_BYTES 512

/*
 * What must be said beside the numbers, a sentence each: that a recording has faults only and
 * what that makes of the answers, that it was cut off, that nothing was left to look at.
 * Returns how many were written.
 */
size_t replay_notes(
    char text[REPLAY_NOTES_MAX][REPLAY_NOTE_BYTES],
    const struct replay_plan *plan,
    const struct references_about *about,
    const struct replay_result *result);

#endif
