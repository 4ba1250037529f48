/*
 * Shared objects that are no policies: built once for each BROKEN_what below (see Makefile), each
 * with one thing wrong that the loader has to refuse.  Read tests/unit/test_policy_load.c for the
 * messages.
 */
#include <stdlib.h>

#include "vmm_policy.h"

#define VERSION VMM_POLICY_VERSION
#define BYTES   sizeof(struct vmm_policy)
#define NAME    "broken"
#define CREATE  create
#define VICTIM  choose_victim
#define SAMPLE  0
#define SYMBOL  vmm_policy

#if defined(BROKEN_version)
#undef VERSION
#define VERSION 99
#elif defined(BROKEN_size)
#undef BYTES
#define BYTES 8
#elif defined(BROKEN_name)
#undef NAME
#define NAME "two words"
#elif defined(BROKEN_wildname)
#undef NAME
#define NAME (const char *)0x18
#elif defined(BROKEN_create)
#undef CREATE
#define CREATE NULL
#elif defined(BROKEN_victim)
#undef VICTIM
#define VICTIM NULL
#elif defined(BROKEN_sample)
#undef SAMPLE
#define SAMPLE 65
#elif defined(BROKEN_untold)
#undef SAMPLE
#define SAMPLE 4
#elif defined(BROKEN_symbol)
#undef SYMBOL
#define SYMBOL other_name
#elif defined(BROKEN_function)
void vmm_policy(void);
void vmm_policy(void)
{
}
#undef SYMBOL
#define SYMBOL other_name
#elif defined(BROKEN_short)
extern const uint32_t vmm_policy[2];
const uint32_t vmm_policy[2] = {VMM_POLICY_VERSION, sizeof(struct vmm_policy)};
#undef SYMBOL
#define SYMBOL other_name
#elif defined(BROKEN_undefined)
void *nowhere(const struct vmm_policy_host *host, const char *options, char *error, size_t n);
#undef CREATE
#define CREATE nowhere
#elif defined(BROKEN_constructor)
__attribute__((constructor)) static void construct(void)
{
    abort();
}
#endif

static int state;

static void *
create(const struct vmm_policy_host *host, const char *options, char *error, size_t error_bytes)
{
    (void)host;
    (void)options;
    (void)error;
    (void)error_bytes;
    return &state;
}

static uint32_t choose_victim(void *self, const struct vmm_fault *fault)
{
    (void)self;
    (void)fault;
    return VMM_NO_FRAME;
}

/* Used, whichever of them the struct lacks. */
extern void *const broken_functions[2];
void *const broken_functions[2] = {(void *)create, (void *)choose_victim};

extern const struct vmm_policy SYMBOL;
const struct vmm_policy SYMBOL = {
    .version = VERSION,
    .bytes = BYTES,
    .name = NAME,
    .summary = "for tests of the loader",
    .create = CREATE,
    .choose_victim = VICTIM,
    .sample_pages = SAMPLE,
};
