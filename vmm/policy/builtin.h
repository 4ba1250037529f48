/*
 * The policies that are part of vmm, one file each.  This header only names them: what each one
 * does stands at the top of its file.  Read policy/policy.c for the table and vmm_policy.h for
 * the struct.
 */
#ifndef POLICY_BUILTIN_H
#define POLICY_BUILTIN_H

#include "vmm_policy.h"

extern const struct vmm_policy fifo_policy;
extern const struct vmm_policy clock_policy;
extern const struct vmm_policy lru_policy;
extern const struct vmm_policy random_policy;
extern const struct vmm_policy two_q_policy;
extern const struct vmm_policy arc_policy;

#endif
