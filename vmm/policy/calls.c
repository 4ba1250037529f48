/*
 * The pager's calls into a policy, each one under the guard.  It owns the little structs that
 * carry the arguments there, and refuses to judge an answer.  Read policy/policy.h for the
 * contract and policy/guard.h for what a call costs.
 */
#include "policy/state.h"

struct fault_call {
    struct policy *policy;
    const struct vmm_fault *fault;
    struct vmm_decision decision;
};

struct page_call {
    struct policy *policy;
    const struct vmm_page *page;
    bool evicted;
};

struct sample_call {
    struct policy *policy;
    uint32_t frame;
    bool accessed;
};

struct victim_call {
    struct policy *policy;
    const struct vmm_fault *fault;
    uint32_t frame;
};

static void call_on_fault(void *argument)
{
    struct fault_call *call = argument;

    call->policy->ops->on_fault(call->policy->self, call->fault, &call->decision);
}

bool policy_on_fault(
    struct policy *policy, const struct vmm_fault *fault, struct vmm_decision *decision)
{
    struct fault_call call = {.policy = policy, .fault = fault, .decision = *decision};

    if (policy->ops->on_fault == NULL) {
        return policy->crash[0] == '\0';
    }
    if (!policy_guarded(policy, "on_fault", call_on_fault, &call)) {
        return false;
    }
    *decision = call.decision;
    return true;
}

static void call_on_map(void *argument)
{
    const struct page_call *call = argument;

    call->policy->ops->on_map(call->policy->self, call->page);
}

bool policy_on_map(struct policy *policy, const struct vmm_page *page)
{
    struct page_call call = {.policy = policy, .page = page};

    if (policy->ops->on_map == NULL) {
        return policy->crash[0] == '\0';
    }
    return policy_guarded(policy, "on_map", call_on_map, &call);
}

static void call_on_unmap(void *argument)
{
    const struct page_call *call = argument;

    call->policy->ops->on_unmap(call->policy->self, call->page, call->evicted);
}

bool policy_on_unmap(struct policy *policy, const struct vmm_page *page, bool evicted)
{
    struct page_call call = {.policy = policy, .page = page, .evicted = evicted};

    if (policy->ops->on_unmap == NULL) {
        return policy->crash[0] == '\0';
    }
    return policy_guarded(policy, "on_unmap", call_on_unmap, &call);
}

static void call_on_sample(void *argument)
{
    const struct sample_call *call = argument;

    call->policy->ops->on_sample(call->policy->self, call->frame, call->accessed);
}

bool policy_on_sample(struct policy *policy, uint32_t frame, bool accessed)
{
    struct sample_call call = {.policy = policy, .frame = frame, .accessed = accessed};

    if (policy->ops->on_sample == NULL) {
        return policy->crash[0] == '\0';
    }
    return policy_guarded(policy, "on_sample", call_on_sample, &call);
}

static void call_choose_victim(void *argument)
{
    struct victim_call *call = argument;

    call->frame = call->policy->ops->choose_victim(call->policy->self, call->fault);
}

bool policy_choose_victim(struct policy *policy, const struct vmm_fault *fault, uint32_t *frame)
{
    struct victim_call call = {.policy = policy, .fault = fault, .frame = VMM_NO_FRAME};

    if (!policy_guarded(policy, "choose_victim", call_choose_victim, &call)) {
        return false;
    }
    *frame = call.frame;
    return true;
}
