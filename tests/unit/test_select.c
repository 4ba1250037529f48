/* Which memory is watched: the words of --record-regions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "space/memory.h"
#include "watch/select.h"

static struct region region_of(const char *label, uint8_t permissions)
{
    struct region region = {.begin = {0x1000}, .end = {0x9000}};

    region.spec.label = label;
    region.spec.kind = REGION_ANONYMOUS;
    region.spec.permissions = permissions;
    return region;
}

static void parse(struct select *select, const char *text)
{
    struct err err;

    if (!select_parse(select, text, &err)) {
        fail_msg("%s", err.text);
    }
}

static void test_select_nothing_said_is_all_data(void **state)
{
    const struct region data = region_of("data", REGION_READ | REGION_WRITE);
    const struct region text = region_of("text", REGION_READ | REGION_EXEC);
    struct select select;

    (void)state;
    parse(&select, NULL);
    assert_true(select_watches(&select, &data, 0x1000, 0x1001));
    assert_false(select_watches(&select, &text, 0x1000, 0x1001));
    assert_int_equal(select_closed(&select), MEMORY_CLOSED_DATA);
}

static void test_select_takes_names_and_ranges(void **state)
{
    const struct region data = region_of("data", REGION_READ | REGION_WRITE);
    const struct region stack = region_of("stack", REGION_READ | REGION_WRITE);
    const struct region nameless = region_of(NULL, REGION_READ);
    struct select select;

    (void)state;
    parse(&select, "stack,0x2000-0x2010,anonymous");
    assert_true(select_watches(&select, &stack, 0x1000, 0x1001));
    assert_false(select_watches(&select, &data, 0x1000, 0x1001));
    assert_true(select_watches(&select, &nameless, 0x1000, 0x1001));
    assert_true(select_watches(&select, &data, 0x200f, 0x2020));
    assert_true(select_watches(&select, &data, 0x1ff9, 0x2001));
    assert_false(select_watches(&select, &data, 0x2010, 0x2020));
    assert_false(select_watches(&select, &data, 0x1ff8, 0x2000));
    assert_int_equal(select_closed(&select), MEMORY_CLOSED_DATA | MEMORY_CLOSED_TEXT);
}

static void test_select_all_has_text(void **state)
{
    const struct region text = region_of("text", REGION_READ | REGION_EXEC);
    struct select select;

    (void)state;
    parse(&select, "all");
    assert_true(select_watches(&select, &text, 0x1000, 0x1001));
    assert_int_equal(select_closed(&select), MEMORY_CLOSED_DATA | MEMORY_CLOSED_TEXT);
    parse(&select, "text");
    assert_int_equal(select_closed(&select), MEMORY_CLOSED_TEXT);
}

static void test_select_refuses_what_is_no_list(void **state)
{
    static const char *const texts[] = {
        "data,",
        ",data",
        "data,,stack",
        "0x1000",
        "0x2000-0x1000",
        "0x1000-0x1000",
        "1-2x",
        "1-99999999999999999999",
        "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"};
    struct select select;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct err err = {0};
        if (select_parse(&select, texts[i], &err)) {
            fail_msg("'%s' was taken", texts[i]);
        }
        assert_int_equal(err.kind, ERR_USAGE);
        assert_non_null(strstr(err.text, "--record-regions"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_select_nothing_said_is_all_data),
        cmocka_unit_test(test_select_takes_names_and_ranges),
        cmocka_unit_test(test_select_all_has_text),
        cmocka_unit_test(test_select_refuses_what_is_no_list),
    };
    return cmocka_run_group_tests_name("select", tests, NULL, NULL);
}
