/*
 * What a policy may ask, put between it and the pager.  Each function copies in what the policy
 * points to, asks the pager outside the guard, and copies the answer out: a wild pointer is the
 * policy's crash, and never leaves a change of page tables half done.  It refuses to answer
 * anything itself.  Read vmm_policy.h for the contract.
 */
#include <ctype.h>

#include "policy/state.h"

#define TEXT_BYTES   200
#define HISTORY_ENDS 64

/* Which policy asks is known from the call that runs, not from the pointer that it passes. */
static bool ask_page(const struct vmm_policy_host *host, uint32_t frame, struct vmm_page *page)
{
    struct policy *policy = guard_owner();
    struct vmm_page answer = {0};

    (void)host;
    if (policy == NULL) {
        return false;
    }
    guard_enter_host(policy->guard);
    bool found = policy->outer->page(policy->outer, frame, &answer);
    guard_leave_host(policy->guard);
    if (found) {
        *page = answer;
    }
    return found;
}

static bool ask_accessed(const struct vmm_policy_host *host, uint32_t frame, bool clear)
{
    struct policy *policy = guard_owner();

    (void)host;
    if (policy == NULL) {
        return false;
    }
    guard_enter_host(policy->guard);
    bool accessed = policy->outer->accessed(policy->outer, frame, clear);
    guard_leave_host(policy->guard);
    return accessed;
}

static bool ask_dirty(const struct vmm_policy_host *host, uint32_t frame)
{
    struct policy *policy = guard_owner();

    (void)host;
    if (policy == NULL) {
        return false;
    }
    guard_enter_host(policy->guard);
    bool dirty = policy->outer->dirty(policy->outer, frame);
    guard_leave_host(policy->guard);
    return dirty;
}

static uint32_t ask_resident(const struct vmm_policy_host *host)
{
    struct policy *policy = guard_owner();

    (void)host;
    if (policy == NULL) {
        return 0;
    }
    guard_enter_host(policy->guard);
    uint32_t pages = policy->outer->resident(policy->outer);
    guard_leave_host(policy->guard);
    return pages;
}

static bool
ask_history(const struct vmm_policy_host *host, unsigned nth, struct vmm_fault *fault)
{
    struct policy *policy = guard_owner();
    struct vmm_fault answer = {0};

    (void)host;
    if (policy == NULL || nth >= HISTORY_ENDS) {
        return false;
    }
    guard_enter_host(policy->guard);
    bool found = policy->outer->history(policy->outer, nth, &answer);
    guard_leave_host(policy->guard);
    if (found) {
        *fault = answer;
    }
    return found;
}

static void tell_log(const struct vmm_policy_host *host, const char *text)
{
    struct policy *policy = guard_owner();
    char line[TEXT_BYTES];
    size_t length = 0;

    (void)host;
    if (policy == NULL) {
        return;
    }
    for (; length < sizeof(line) - 1 && text[length] != '\0'; length++) {
        line[length] = iscntrl((unsigned char)text[length]) ? ' ' : text[length];
    }
    line[length] = '\0';
    guard_enter_host(policy->guard);
    policy->outer->log(policy->outer, line);
    guard_leave_host(policy->guard);
}

void policy_wrap_host(struct policy *policy, const struct vmm_policy_host *outer)
{
    policy->outer = outer;
    policy->host = (struct vmm_policy_host){
        .version = VMM_POLICY_VERSION,
        .frames = outer->frames,
        .limit = outer->limit,
        .page = ask_page,
        .accessed = ask_accessed,
        .dirty = ask_dirty,
        .resident = ask_resident,
        .history = ask_history,
        .log = tell_log,
    };
}
