/*
 * Random sequences of all that may be done to memory, over several processes, against the model in
 * tests/property: on the CPU of plain code, which also holds the rules of paging against the page
 * tables.  Read tests/property/world.h first; tests/kvm/test_property.c does it on the real CPU.
 */
/* cmocka.h wants the four in front of it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <string.h>
#include <time.h>

#include "../property/batch.h"
#include "../property/soft_cpu.h"

/* Of each policy; a sanitizer takes its time. */
#ifdef __SANITIZE_ADDRESS__
#define SEQUENCES 120
#else
#define SEQUENCES 1150
#endif
#define STEPS 100

/* A policy may ask for a delay of a second at each fault. */
int __wrap_nanosleep(const struct timespec *delay, struct timespec *left);
int __wrap_nanosleep(const struct timespec *delay, struct timespec *left)
{
    (void)delay;
    (void)left;
    return 0;
}

static void run(const char *policy, uint64_t first_seed, unsigned sequences, unsigned steps)
{
    struct batch batch = {
        .policy = policy,
        .first_seed = first_seed,
        .sequences = sequences,
        .steps = steps,
        .make_cpu = soft_cpu_create};

    assert_true(batch_run(&batch));
    batch_print(&batch);
}

static void test_memory_is_what_the_model_has(void **state)
{
    const char *policy = *state;
    uint64_t first_seed = 0;

    for (unsigned i = 0; strcmp(batch_policies[i], policy) != 0; i++) {
        first_seed += 1000000;
    }
    run(policy, first_seed, SEQUENCES, STEPS);
}

int main(void)
{
    struct CMUnitTest tests[BATCH_POLICIES];

    for (unsigned i = 0; i < BATCH_POLICIES; i++) {
        tests[i] = (struct CMUnitTest){
            .name = batch_policies[i],
            .test_func = test_memory_is_what_the_model_has,
            .initial_state = (void *)(uintptr_t)batch_policies[i]};
    }
    return _cmocka_run_group_tests("unit/property", tests, BATCH_POLICIES, NULL, NULL);
}
