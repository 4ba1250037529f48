/*
 * Every run that the `expect:` lines of the guest programs describe, for each build of its program,
 * as a list of tests.  It knows where sources and programs are in the stage, and nothing of how one is
 * run.  Read expect.h for the lines, test_guests.c for a use.
 */
#ifndef GUEST_RUNS_H
#define GUEST_RUNS_H

#include <stdbool.h>
#include <stddef.h>

#include "expect.h"
#include "launch.h"

/* One line of one program, as one of its builds. */
struct guest_run {
    const struct expect *expect; /* borrows */
    char program[256];
    char name[1024];
    bool first;   /* of the lines of its program */
    bool missing; /* that build of it was not made here */
    bool
        left_out; /* on an emulated processor: as emulated=no says, or another build shows it */
};

struct guest_runs {
    struct expect_list *lists; /* owns */
    struct guest_run *run;     /* owns */
    size_t count;
};

/* All there are; false, with the reason on stderr, when a line is not well-formed. */
bool guest_runs_read(struct guest_runs *runs);
void guest_runs_free(struct guest_runs *runs);

/*
 * Run `test` on each run that is wanted (NULL: all) as a group of the KVM ring; the run is the test's
 * initial state.  What was not built or is left out is skipped, and said.  Returns the number of failures.
 */
int guest_runs_test(
    const struct guest_runs *runs,
    const char *name,
    void (*test)(void **state),
    bool (*wanted)(const struct guest_run *run));

/* The arguments of vmm from `count` on: the line's own options, the program and what it gets.  options:
 * a buffer for them.  Ends with a NULL; there is room for GUEST_RUNS_ARGUMENTS in all. */
#define GUEST_RUNS_ARGUMENTS     40
#define GUEST_RUNS_OPTIONS_BYTES 256
void guest_runs_add_arguments(
    const struct guest_run *run,
    char *argv[GUEST_RUNS_ARGUMENTS],
    unsigned count,
    char options[GUEST_RUNS_OPTIONS_BYTES]);

/* Fail the test unless the exit status is one of those that the line has, for this processor. */
void guest_runs_check_exit(
    const struct guest_run *run, const struct launch_result *result, const char *value);
/* Fail the test unless a line of the output is this. */
void guest_runs_check_line(
    const struct guest_run *run, const struct launch_result *result, const char *value);

#endif
