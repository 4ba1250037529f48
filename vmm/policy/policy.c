/*
 * Finds, checks, starts and calls a policy.  It owns the table of built-in policies and the
 * sentence about a crash; it refuses to judge a policy's answers, which the pager does.  Read
 * policy/guard.h for what a crash is, policy/host.h for what a policy may ask.
 */
#include "policy/policy.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/nearest.h"
#include "policy/builtin.h"
#include "policy/guard.h"
#include "policy/object.h"
#include "policy/state.h"

/* A call may take five seconds, in looks of half a second. */
#define LOOK_NS (NS_PER_SECOND / 2)
#define LOOKS   10

const struct vmm_policy *const policy_builtin[] = {
    &fifo_policy, &clock_policy, &lru_policy, &random_policy, &two_q_policy, &arc_policy, NULL,
};
#define BUILTIN_COUNT (sizeof(policy_builtin) / sizeof(policy_builtin[0]) - 1)

/* --- loading --- */

static bool find_builtin(struct policy *policy, struct err *err)
{
    const char *names[BUILTIN_COUNT];
    char list[128] = "";
    size_t used = 0;

    for (size_t i = 0; i < BUILTIN_COUNT; i++) {
        names[i] = policy_builtin[i]->name;
        if (strcmp(names[i], policy->name) == 0) {
            policy->ops = policy_builtin[i];
            return true;
        }
        used += (size_t)snprintf(
            list + used, sizeof(list) - used, "%s%s", i == 0 ? "" : ", ", names[i]);
    }
    size_t length = strlen(policy->name);
    if (length > 3 && strcmp(policy->name + length - 3, ".so") == 0) {
        return err_set(
            err, ERR_INPUT, "no policy '%s': for a file of that name write './%s'",
            policy->name, policy->name);
    }
    const char *nearest = nearest_word(policy->name, names, BUILTIN_COUNT);
    if (nearest != NULL) {
        return err_set(
            err, ERR_INPUT, "no policy '%s': did you mean '%s'? (allowed: %s, or a path)",
            policy->name, nearest, list);
    }
    return err_set(
        err, ERR_INPUT, "no policy '%s' (allowed: %s, or a path)", policy->name, list);
}

static bool find_policy(struct policy *policy, struct err *err)
{
    return strchr(policy->name, '/') == NULL ? find_builtin(policy, err)
                                             : object_load(policy, err);
}

bool policy_load(struct policy **policy, const char *spec, struct err *err)
{
    size_t length = strcspn(spec, ",");
    struct policy *made = calloc(1, sizeof(*made));

    *policy = NULL;
    if (made == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for a policy");
    }
    made->name = strndup(spec, length);
    made->options = strdup(spec[length] == ',' ? spec + length + 1 : "");
    if (made->name == NULL || made->options == NULL) {
        policy_destroy(made);
        return err_set(err, ERR_ENVIRONMENT, "no memory for a policy");
    }
    if (!guard_create(&made->guard, made, LOOK_NS, LOOKS, err) || !find_policy(made, err)) {
        policy_destroy(made);
        return false;
    }
    *policy = made;
    return true;
}

/* --- the calls --- */

/* "instruction 0x1139 of ./mine.so": what addr2line takes; nothing for other code. */
static void describe_instruction(
    const struct policy *policy, uintptr_t instruction, char *text, size_t bytes)
{
    Dl_info info;

    text[0] = '\0';
    if (policy->object != NULL && instruction != 0 &&
        dladdr((const void *)instruction, &info) != 0 && info.dli_fname != NULL &&
        strcmp(info.dli_fname, policy->name) == 0) {
        snprintf(
            text, bytes, ", instruction 0x%zx of %s",
            (size_t)(instruction - (uintptr_t)info.dli_fbase), policy->name);
    }
}

static const char *name_signal(int signal)
{
    static const struct {
        int signal;
        const char *name;
    } names[] = {
        {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},
        {SIGILL, "SIGILL"},   {SIGABRT, "SIGABRT"},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].signal == signal) {
            return names[i].name;
        }
    }
    return "a signal";
}

static void describe_crash(struct policy *policy, const char *function)
{
    const struct guard_crash *crash = guard_last_crash(policy->guard);
    char where[32] = "";
    char code[192];

    describe_instruction(policy, crash->instruction, code, sizeof(code));
    if (crash->signal == SIGVTALRM) {
        snprintf(
            policy->crash, sizeof(policy->crash),
            "policy %s did not return from %s within %llu s%s", policy->name, function,
            (unsigned long long)(LOOK_NS * LOOKS / NS_PER_SECOND), code);
        return;
    }
    if (crash->has_address) {
        snprintf(where, sizeof(where), " at address 0x%zx", (size_t)crash->address);
    }
    snprintf(
        policy->crash, sizeof(policy->crash), "policy %s crashed in %s (%s%s%s)", policy->name,
        function, name_signal(crash->signal), where, code);
}

bool policy_guarded(
    struct policy *policy, const char *function, void (*body)(void *), void *argument)
{
    if (policy->crash[0] != '\0') {
        return false;
    }
    if (guard_call(policy->guard, body, argument)) {
        return true;
    }
    describe_crash(policy, function);
    return false;
}

struct create_call {
    struct policy *policy;
    char error[256];
};

static void call_create(void *argument)
{
    struct create_call *call = argument;
    struct policy *policy = call->policy;

    policy->self =
        policy->ops->create(&policy->host, policy->options, call->error, sizeof(call->error));
}

static void call_choose_sample(void *argument)
{
    struct policy *policy = argument;

    policy->sample_pages = policy->ops->choose_sample(policy->self);
}

static bool settle_sample(struct policy *policy, struct err *err)
{
    policy->sample_pages = policy->ops->sample_pages;
    if (policy->ops->choose_sample != NULL &&
        !policy_guarded(policy, "choose_sample", call_choose_sample, policy)) {
        return err_set(err, ERR_INPUT, "%s", policy->crash);
    }
    if (policy->sample_pages > VMM_SAMPLE_MAX_PAGES) {
        return err_set(
            err, ERR_INPUT,
            "policy %s: it wants to sample %u pages at a fault (allowed: 0 to %u)",
            policy->name, policy->sample_pages, (unsigned)VMM_SAMPLE_MAX_PAGES);
    }
    if (policy->sample_pages > 0 && policy->ops->on_sample == NULL) {
        return err_set(
            err, ERR_INPUT, "policy %s: it samples pages but has no on_sample", policy->name);
    }
    return true;
}

bool policy_start(struct policy *policy, const struct vmm_policy_host *host, struct err *err)
{
    struct create_call call = {.policy = policy};

    policy_wrap_host(policy, host);
    if (!policy_guarded(policy, "create", call_create, &call)) {
        return err_set(err, ERR_INPUT, "%s", policy->crash);
    }
    call.error[sizeof(call.error) - 1] = '\0';
    if (policy->self == NULL) {
        return err_set(
            err, ERR_INPUT, "policy %s: %s", policy->name,
            call.error[0] == '\0' ? "it refused to start and gave no reason" : call.error);
    }
    policy->started = true;
    return settle_sample(policy, err);
}

static void call_destroy(void *argument)
{
    struct policy *policy = argument;

    policy->ops->destroy(policy->self);
}

bool policy_stop(struct policy *policy)
{
    if (policy->started && policy->ops->destroy != NULL) {
        policy->started = false;
        return policy_guarded(policy, "destroy", call_destroy, policy);
    }
    policy->started = false;
    return policy->crash[0] == '\0';
}

void policy_destroy(struct policy *policy)
{
    if (policy == NULL) {
        return;
    }
    (void)policy_stop(policy);
    object_unload(policy);
    guard_destroy(policy->guard);
    free(policy->options);
    free(policy->name);
    free(policy);
}

const char *policy_name(const struct policy *policy)
{
    return policy->name;
}

uint32_t policy_sample_pages(const struct policy *policy)
{
    return policy->sample_pages;
}

bool policy_wants_faults(const struct policy *policy)
{
    return policy->ops->on_fault != NULL;
}

const char *policy_crash(const struct policy *policy)
{
    return policy->crash[0] == '\0' ? NULL : policy->crash;
}
