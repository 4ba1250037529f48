/*
 * Which policy decides, and calling it safely.  It owns the list of built-in policies, the
 * loading of a user's shared object, and the guard around each call: a policy that crashes is
 * caught and named.  It knows nothing of page tables; the pager (vmm/fault) checks answers.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "vmm_policy.h"

/* The built-in policies, NULL-terminated, in the order of --help. */
extern const struct vmm_policy *const policy_builtin[];

struct policy; /* opaque: a loaded policy and its state */

/*
 * spec: "NAME[,key=value...]" of a built-in, or "PATH.so[,...]" (anything with a slash).  The
 * policy is loaded and checked (version, size, name, required functions), not started.  Fails
 * with ERR_INPUT: unknown name (the nearest one is named), no such file, not a shared object, no
 * symbol, another version.
 */
MUST_CHECK bool policy_load(struct policy **policy, const char *spec, struct err *err);
/*
 * Start it.  host: borrows, must outlive the policy.  Fails with ERR_INPUT and the policy's own
 * words when it refuses its options, or with its crash.
 *
 * The policy is given a host of this module's making: its functions call those of `host` with
 * pointers that are known to be good and with text of one short line, and neither a crash nor a
 * call that takes too long leaves one of them half-way.
 */
MUST_CHECK bool
policy_start(struct policy *policy, const struct vmm_policy_host *host, struct err *err);
/* End it: its destroy is called, and nothing after that.  False when it crashed in that, or had
 * crashed before; nothing happens where it was never started. */
bool policy_stop(struct policy *policy);
void policy_destroy(struct policy *policy); /* stops it first; accepts NULL */

const char *policy_name(const struct policy *policy);
/* Pages to sample at each fault; 0: none.  Known once it was started. */
uint32_t policy_sample_pages(const struct policy *policy);
/* Whether on_fault is there to be asked at all. */
bool policy_wants_faults(const struct policy *policy);

/*
 * The calls, all from the thread that loaded it.  Each returns false when the policy crashed in it (now or earlier): then
 * policy_crash() has the sentence, nothing was decided, and the policy is not called again.
 */
bool policy_on_fault(
    struct policy *policy, const struct vmm_fault *fault, struct vmm_decision *decision);
bool policy_on_map(struct policy *policy, const struct vmm_page *page);
bool policy_on_unmap(struct policy *policy, const struct vmm_page *page, bool evicted);
bool policy_on_sample(struct policy *policy, uint32_t frame, bool accessed);
bool policy_choose_victim(
    struct policy *policy, const struct vmm_fault *fault, uint32_t *frame);

/* "policy ./mine.so crashed in choose_victim (SIGSEGV at address 0x10)", or NULL. */
const char *policy_crash(const struct policy *policy);

#endif
