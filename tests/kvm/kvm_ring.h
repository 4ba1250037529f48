/*
 * Runs a group of tests that need /dev/kvm, or skips all of it: decided once, before any test,
 * said with the reason, and counted by cmocka.  Include it behind <cmocka.h>.
 */
#ifndef KVM_RING_H
#define KVM_RING_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "kvm/open.h"

/*
 * On an emulated processor everything takes a hundred times as long.  A test may then take smaller
 * arguments, or leave out what another one shows as well: by kvm_ring_leave_out, which says so and is
 * counted as a skip.
 */
static inline bool kvm_ring_is_emulated(void)
{
    return getenv("VMM_RING_EMULATED") != NULL;
}

/* Bochs's AMD processor with shadow paging: a host there does not survive the trap flag in programs
 * that change flags and take signals themselves (its kernel ends in a triple fault). */
static inline bool kvm_ring_is_emulated_shadow_svm(void)
{
    FILE *npt =
        kvm_ring_is_emulated() ? fopen("/sys/module/kvm_amd/parameters/npt", "re") : NULL;
    bool shadow = false;

    if (npt != NULL) {
        int letter = fgetc(npt);
        shadow = letter == 'N' || letter == '0';
        fclose(npt);
    }
    return shadow;
}

/* Ends the test that calls it. */
static inline void kvm_ring_leave_out(const char *what)
{
    print_message("LEFT OUT on an emulated processor: %s\n", what);
    skip();
}

static void kvm_ring_skip(void **state)
{
    (void)state;
    skip();
}

static inline int kvm_ring_run(const char *name, const struct CMUnitTest *tests, size_t count)
{
    struct CMUnitTest *chosen = calloc(count + 1, sizeof(*chosen));
    struct err err;
    int fd = -1;

    if (chosen == NULL) {
        return 1;
    }
    memcpy(chosen, tests, count * sizeof(*chosen));
    if (!kvm_open(&fd, KVM_DEVICE_PATH, &err)) {
        print_message("%s: skipped: %s\n", name, err.text);
        for (size_t i = 0; i < count; i++) {
            chosen[i] = (struct CMUnitTest){.name = tests[i].name, .test_func = kvm_ring_skip};
        }
    } else {
        close(fd);
    }
    int failed = _cmocka_run_group_tests(name, chosen, count, NULL, NULL);
    free(chosen);
    return failed;
}

#endif
