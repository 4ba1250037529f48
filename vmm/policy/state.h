/*
 * What a loaded policy is to the files of this folder that load it, call it and answer it.  It
 * refuses to be seen outside: everybody else includes policy/policy.h, which is what to read
 * first.
 */
#ifndef POLICY_STATE_H
#define POLICY_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/guard.h"
#include "policy/policy.h"

struct policy {
    char *name;                          /* owns: as the user wrote it */
    char *options;                       /* owns: behind the first comma */
    void *object;                        /* owns: of dlopen; NULL: built in */
    const struct vmm_policy *ops;        /* borrows: of the table or the object */
    struct guard *guard;                 /* owns */
    struct vmm_policy_host host;         /* what the policy is given */
    const struct vmm_policy_host *outer; /* borrows: what the pager gave */
    void *self;                          /* the policy's */
    bool started;
    uint32_t sample_pages;
    char crash[512]; /* "": none */
};

/* Make policy->host out of the pager's: its functions check pointers, then ask the other one
 * outside the guard. */
void policy_wrap_host(struct policy *policy, const struct vmm_policy_host *outer);

/* Call body(argument) under the guard; false when it crashed, now or earlier.  function: what
 * the sentence about it calls it. */
bool policy_guarded(
    struct policy *policy, const char *function, void (*body)(void *), void *argument);

#endif
