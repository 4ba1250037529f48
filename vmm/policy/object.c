/*
 * Opens a user's shared object and checks its vmm_policy field by field.  It refuses to believe
 * anything of it: the struct is read under the guard, too, for its pointers may lead anywhere.
 * Read policy/policy.c for what happens with it then.
 */
#include "policy/object.h"

#include <ctype.h>
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SYMBOL "vmm_policy"

struct check {
    struct policy *policy;
    char problem[256]; /* "": fine */
};

static void call_open(void *argument)
{
    struct check *check = argument;
    struct policy *policy = check->policy;

    policy->object = dlopen(policy->name, RTLD_NOW | RTLD_LOCAL);
    if (policy->object == NULL) {
        const char *reason = dlerror();

        snprintf(
            check->problem, sizeof(check->problem), "it is no shared object of use here: %s",
            reason == NULL ? "no reason given" : reason);
    }
}

/* The symbol is data of at least the size that it says it has. */
static bool is_struct(const void *symbol, const struct vmm_policy *ops)
{
    const ElfW(Sym) *entry = NULL;
    void *extra = NULL;
    Dl_info info;

    if (dladdr1(symbol, &info, &extra, RTLD_DL_SYMENT) == 0 || extra == NULL) {
        return false;
    }
    entry = extra;
    return ELF64_ST_TYPE(entry->st_info) == STT_OBJECT &&
           entry->st_size >= sizeof(ops->version) + sizeof(ops->bytes) &&
           (ops->bytes != sizeof(*ops) || entry->st_size >= sizeof(*ops));
}

static bool is_word(const char *name)
{
    size_t length = 0;

    while (name != NULL && name[length] != '\0' && length < 32) {
        if (!isgraph((unsigned char)name[length]) || name[length] == ',') {
            return false;
        }
        length++;
    }
    return length > 0 && length < 32;
}

static void call_check(void *argument)
{
    struct check *check = argument;
    const struct vmm_policy *ops = check->policy->ops;
    char *problem = check->problem;

    if (ops->version != VMM_POLICY_VERSION) {
        snprintf(
            problem, sizeof(check->problem),
            "it is built for version %u of vmm_policy.h, and this is version %u: build it "
            "again",
            ops->version, (unsigned)VMM_POLICY_VERSION);
    } else if (ops->bytes != sizeof(*ops)) {
        snprintf(
            problem, sizeof(check->problem),
            "its struct has %u bytes where vmm's has %zu: build it again with the vmm_policy.h "
            "of this vmm",
            ops->bytes, sizeof(*ops));
    } else if (!is_word(ops->name)) {
        snprintf(
            problem, sizeof(check->problem),
            "its name is not one word of 1 to 31 letters without a comma");
    } else if (ops->create == NULL || ops->choose_victim == NULL) {
        snprintf(
            problem, sizeof(check->problem), "it has no function %s",
            ops->create == NULL ? "create" : "choose_victim");
    }
}

static bool open_object(struct policy *policy, struct err *err)
{
    struct check check = {.policy = policy};
    struct stat status;

    if (stat(policy->name, &status) != 0) {
        return err_set_errno(err, ERR_INPUT, "policy %s", policy->name);
    }
    if (!policy_guarded(policy, "its loading", call_open, &check)) {
        return err_set(err, ERR_INPUT, "%s", policy->crash);
    }
    return check.problem[0] == '\0' ||
           err_set(err, ERR_INPUT, "policy %s: %s", policy->name, check.problem);
}

bool object_load(struct policy *policy, struct err *err)
{
    struct check check = {.policy = policy};
    const void *symbol;

    if (!open_object(policy, err)) {
        return false;
    }
    symbol = dlsym(policy->object, SYMBOL);
    if (symbol == NULL) {
        return err_set(
            err, ERR_INPUT,
            "policy %s: it defines no symbol '" SYMBOL "' (const struct vmm_policy " SYMBOL
            " = {...};)",
            policy->name);
    }
    policy->ops = symbol;
    if (!is_struct(symbol, policy->ops)) {
        return err_set(
            err, ERR_INPUT, "policy %s: its '" SYMBOL "' is not a struct vmm_policy",
            policy->name);
    }
    if (!policy_guarded(policy, "the reading of its struct", call_check, &check)) {
        return err_set(err, ERR_INPUT, "%s", policy->crash);
    }
    return check.problem[0] == '\0' ||
           err_set(err, ERR_INPUT, "policy %s: %s", policy->name, check.problem);
}

void object_unload(struct policy *policy)
{
    if (policy->object != NULL && policy->crash[0] == '\0') {
        dlclose(policy->object);
    }
    policy->object = NULL;
}
