/* Libraries that are loaded when they are needed: what is found, and what is said to be missing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/library.h"

/* Of the C library's own, which every host has. */
#define FUNCTIONS(f) f(floor) f(pow)

struct maths {
    FUNCTIONS(LIBRARY_MEMBER)
};

static const char *const functions[] = {FUNCTIONS(LIBRARY_NAME) NULL};

static void test_library_functions_are_in_the_order_of_their_names(void **state)
{
    static const char *const files[] = {"libm.so.6", NULL};
    struct maths maths;
    struct err err;

    (void)state;
    assert_true(library_load(files, functions, &maths, &err));
    assert_true(maths.floor(2.5) == 2);
    assert_true(maths.pow(2, 10) == 1024);
}

static void test_library_second_name_is_tried_after_the_first(void **state)
{
    static const char *const files[] = {"libnowhere.so.7", "libm.so.6", NULL};
    struct maths maths;
    struct err err;

    (void)state;
    assert_true(library_load(files, functions, &maths, &err));
    assert_true(maths.floor(-0.5) == -1);
}

static void test_library_that_is_not_there_is_named(void **state)
{
    static const char *const files[] = {"libnowhere.so.7", "libneither.so.1", NULL};
    struct maths maths;
    struct err err;

    (void)state;
    assert_false(library_load(files, functions, &maths, &err));
    assert_int_equal(err.kind, ERR_ENVIRONMENT);
    assert_string_equal(err.text, "the library libnowhere.so.7 is not installed");
}

static void test_library_function_that_is_not_in_it_is_named(void **state)
{
    static const char *const files[] = {"libm.so.6", NULL};
    static const char *const wrong[] = {"floor", "vmm_no_such_function", NULL};
    struct maths maths;
    struct err err;

    (void)state;
    assert_false(library_load(files, wrong, &maths, &err));
    assert_int_equal(err.kind, ERR_ENVIRONMENT);
    assert_string_equal(err.text, "the library libm.so.6 has no vmm_no_such_function()");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_library_functions_are_in_the_order_of_their_names),
        cmocka_unit_test(test_library_second_name_is_tried_after_the_first),
        cmocka_unit_test(test_library_that_is_not_there_is_named),
        cmocka_unit_test(test_library_function_that_is_not_in_it_is_named),
    };
    return cmocka_run_group_tests_name("library", tests, NULL, NULL);
}
