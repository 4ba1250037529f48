/*
 * Memory of this process that ends while an experiment is set up: it says so, and leaves nothing behind
 * (which the sanitised build of this test sees).  Natively, so that no KVM is needed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fail_alloc.h"
#include "measure/catalogue.h"
#include "measure/native.h"

#define ALLOCATIONS 12 /* each experiment asks for about as many before it takes a figure */

static void run_short(const struct experiment *experiment, unsigned allocations)
{
    static struct result result;
    static struct lab lab;
    struct err err = {0};

    lab = (struct lab){.wanted = {true, false}, .quick = true, .seed = 1, .result = &result};
    result = (struct result){.experiment = experiment->name};
    fail_alloc_after(allocations);
    bool ran = experiment->run(&lab, &result, &err);
    if (fail_alloc_off() > 0 && !ran && strstr(err.text, "no memory") == NULL) {
        fail_msg("%s after %u: '%s'", experiment->name, allocations, err.text);
    }
    result_destroy(&result);
}

static void test_measure_says_that_memory_ended(void **state)
{
    struct err err = {0};

    (void)state;
    assert_true(native_open(&err));
    for (size_t i = 0; i < catalogue_count; i++) {
        for (unsigned allocations = 0; allocations < ALLOCATIONS; allocations++) {
            run_short(&catalogue[i], allocations);
        }
    }
    native_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measure_says_that_memory_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
