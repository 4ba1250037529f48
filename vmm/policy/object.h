/*
 * A policy from a shared object: opening it and checking that it is one before anything of it is
 * called.  It refuses to start it.  Read policy/policy.h for the whole.
 */
#ifndef POLICY_OBJECT_H
#define POLICY_OBJECT_H

#include "policy/state.h"

/*
 * Load policy->name, a path, and set object and ops.  ERR_INPUT: no such file, not a shared
 * object that can be loaded, no symbol `vmm_policy` or not a struct, another version, another
 * size, no name, a function missing, or it crashed on being loaded.
 */
MUST_CHECK bool object_load(struct policy *policy, struct err *err);
/* Close it; one that crashed stays loaded, because its state is not to be trusted. */
void object_unload(struct policy *policy);

#endif
