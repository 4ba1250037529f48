/*
 * The initial stack of a program, read back by a reader written from the System V ABI ("Initial
 * Stack and Register State") that knows only the first stack pointer and the memory above it.
 * It refuses to use the builder's own notions of order and size.
 */
/* cmocka.h needs the four before it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load/stack.h"

#define TOP           UINT64_C(0x7ffffffde000)
#define STACK_BYTES   0x20000
#define STRINGS_MAX   1100
#define AUXILIARY_MAX 64

struct fixture {
    uint8_t buffer[STACK_BYTES];
    struct stack_input input;
    struct gva rsp;
    struct err err;
};

/* What the reader found. */
struct start {
    uint64_t argc;
    const char *argument[STRINGS_MAX], *environment[STRINGS_MAX];
    unsigned arguments, variables;
    uint64_t auxiliary[AUXILIARY_MAX]; /* value by type */
    bool has[AUXILIARY_MAX];
    uint64_t vectors_end; /* address behind the auxiliary vector */
};

/* --- the reader --- */

static uint64_t word_at(const struct fixture *f, uint64_t address)
{
    uint64_t word;

    assert_true(address >= TOP - STACK_BYTES && address <= TOP - 8);
    memcpy(&word, f->buffer + STACK_BYTES - (TOP - address), 8);
    return word;
}

/* A string that ends within the stack. */
static const char *string_at(const struct fixture *f, uint64_t address)
{
    assert_true(address >= f->rsp.value && address < TOP);
    const uint8_t *at = f->buffer + STACK_BYTES - (TOP - address);
    assert_non_null(memchr(at, 0, (size_t)(TOP - address)));
    return (const char *)at;
}

/* Pointers up to a null word; returns the address behind it. */
static uint64_t
read_vector(const struct fixture *f, uint64_t at, const char **strings, unsigned *count)
{
    for (*count = 0; word_at(f, at) != 0; at += 8) {
        assert_true(*count < STRINGS_MAX);
        strings[(*count)++] = string_at(f, word_at(f, at));
    }
    return at + 8;
}

static void read_start(const struct fixture *f, struct start *start)
{
    uint64_t at = f->rsp.value;

    memset(start, 0, sizeof(*start));
    assert_int_equal(at % 16, 0);
    start->argc = word_at(f, at);
    at = read_vector(f, at + 8, start->argument, &start->arguments);
    at = read_vector(f, at, start->environment, &start->variables);
    for (; word_at(f, at) != AT_NULL; at += 16) {
        uint64_t type = word_at(f, at);
        assert_true(type < AUXILIARY_MAX && !start->has[type]);
        start->has[type] = true;
        start->auxiliary[type] = word_at(f, at + 8);
    }
    start->vectors_end = at + 16;
    assert_int_equal(start->argc, start->arguments);
}

/* --- building --- */

static const char *const no_strings[] = {NULL};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL) {
        return 1;
    }
    memset(f->buffer, 0xa5, sizeof(f->buffer));
    f->input = (struct stack_input){
        .arguments = no_strings,
        .environment = no_strings,
        .exe = "./guest.elf",
        .headers = gva_of(0x400040),
        .header_count = 7,
        .header_bytes = 56,
        .entry = gva_of(0x401234),
        .hwcap = 0x178bfbff,
        .hwcap2 = 2,
        .minimum_signal_bytes = 3632,
        .random = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static bool build(struct fixture *f, size_t bytes)
{
    return stack_build(
        &f->input, f->buffer + STACK_BYTES - bytes, bytes, gva_of(TOP), &f->rsp, &f->err);
}

static void check_strings(
    const char *const *got, unsigned count, const char *const *wanted, unsigned wanted_count)
{
    assert_int_equal(count, wanted_count);
    for (unsigned i = 0; i < count; i++) {
        assert_string_equal(got[i], wanted[i]);
    }
}

static void test_stack_holds_arguments_and_environment_in_order(void **state)
{
    static const char *const arguments[] = {"./guest.elf", "", "two words", "\xff\x01", NULL};
    static const char *const environment[] = {"HOME=/root", "EMPTY=", "PATH=/bin:/sbin", NULL};
    struct fixture *f = *state;
    static struct start start;

    f->input.arguments = arguments;
    f->input.environment = environment;
    assert_true(build(f, STACK_BYTES));
    read_start(f, &start);
    check_strings(start.argument, start.arguments, arguments, 4);
    check_strings(start.environment, start.variables, environment, 3);
}

static void test_stack_auxiliary_vector_says_what_the_program_is(void **state)
{
    struct fixture *f = *state;
    static struct start start;

    assert_true(build(f, STACK_BYTES));
    read_start(f, &start);
    assert_int_equal(start.auxiliary[AT_PHDR], 0x400040);
    assert_int_equal(start.auxiliary[AT_PHNUM], 7);
    assert_int_equal(start.auxiliary[AT_PHENT], 56);
    assert_int_equal(start.auxiliary[AT_ENTRY], 0x401234);
    assert_int_equal(start.auxiliary[AT_PAGESZ], 4096);
    assert_int_equal(start.auxiliary[AT_HWCAP], 0x178bfbff);
    assert_int_equal(start.auxiliary[AT_HWCAP2], 2);
    assert_int_equal(start.auxiliary[AT_MINSIGSTKSZ], 3632);
    assert_int_equal(start.auxiliary[AT_CLKTCK], sysconf(_SC_CLK_TCK));
    assert_int_equal(start.auxiliary[AT_UID], getuid());
    assert_int_equal(start.auxiliary[AT_EGID], getegid());
    assert_true(start.has[AT_BASE] && start.auxiliary[AT_BASE] == 0);
    assert_true(start.has[AT_SECURE] && start.auxiliary[AT_SECURE] == 0);
    assert_string_equal(string_at(f, start.auxiliary[AT_EXECFN]), "./guest.elf");
    assert_string_equal(string_at(f, start.auxiliary[AT_PLATFORM]), "x86_64");
    for (unsigned i = 0; i < 16; i++) {
        uint64_t random = start.auxiliary[AT_RANDOM] + i;
        assert_true(random >= start.vectors_end && random < TOP);
        assert_int_equal(f->buffer[STACK_BYTES - (TOP - random)], i + 1);
    }
}

static void test_stack_leaves_headers_out_that_are_not_in_memory(void **state)
{
    struct fixture *f = *state;
    static struct start start;

    f->input.headers = gva_of(0);
    assert_true(build(f, STACK_BYTES));
    read_start(f, &start);
    assert_false(start.has[AT_PHDR] || start.has[AT_PHNUM] || start.has[AT_PHENT]);
    assert_true(start.has[AT_ENTRY]);
}

/* The ABI wants rsp a multiple of 16 whatever the strings and their number are. */
static void test_stack_is_aligned_for_any_number_and_length_of_strings(void **state)
{
    static char text[40];
    static const char *arguments[9], *environment[4];
    struct fixture *f = *state;
    static struct start start;

    memset(text, 'x', sizeof(text) - 1);
    f->input.arguments = arguments;
    f->input.environment = environment;
    for (unsigned count = 0; count <= 8; count++) {
        for (unsigned length = 0; length < 34; length++) {
            for (unsigned i = 0; i < 8; i++) {
                arguments[i] = i < count ? text + sizeof(text) - 1 - length : NULL;
            }
            for (unsigned i = 0; i < 3; i++) {
                environment[i] = i < count / 2 ? text + sizeof(text) - 1 - length : NULL;
            }
            environment[3] = NULL;
            assert_true(build(f, STACK_BYTES));
            read_start(f, &start);
            check_strings(start.argument, start.arguments, arguments, count);
            check_strings(
                start.environment, start.variables, environment, count / 2 < 3 ? count / 2 : 3);
        }
    }
}

static void test_stack_strings_lie_behind_the_vectors_and_do_not_overlap(void **state)
{
    static char words[1000][8];
    static const char *arguments[1001];
    struct fixture *f = *state;
    static struct start start;

    for (unsigned i = 0; i < 1000; i++) {
        snprintf(words[i], sizeof(words[i]), "%u", i * 7);
        arguments[i] = words[i];
    }
    f->input.arguments = arguments;
    f->input.environment = arguments;
    assert_true(build(f, STACK_BYTES));
    read_start(f, &start);
    check_strings(start.argument, start.arguments, arguments, 1000);
    check_strings(start.environment, start.variables, arguments, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t offset = (uint64_t)((const uint8_t *)start.argument[i] - f->buffer);
        assert_true(TOP - STACK_BYTES + offset >= start.vectors_end);
    }
    assert_int_equal(word_at(f, TOP - 8), 0);
}

static void test_stack_leaves_what_is_below_alone(void **state)
{
    struct fixture *f = *state;

    assert_true(build(f, STACK_BYTES));
    for (uint64_t i = 0; i < STACK_BYTES - (TOP - f->rsp.value); i++) {
        assert_int_equal(f->buffer[i], 0xa5);
    }
}

/* Every size from none to enough: an error, and nothing written outside, or the whole stack. */
static void test_stack_refuses_what_does_not_fit(void **state)
{
    static const char *const arguments[] = {"./guest.elf", "some", "words", NULL};
    struct fixture *f = *state;
    static struct start start;

    f->input.arguments = arguments;
    assert_true(build(f, STACK_BYTES));
    size_t needed = (size_t)(TOP - f->rsp.value);
    for (size_t bytes = 0; bytes < needed; bytes += 8) {
        memset(f->buffer, 0xa5, sizeof(f->buffer));
        assert_false(build(f, bytes));
        assert_int_equal(f->err.kind, ERR_USAGE);
        assert_non_null(strstr(f->err.text, "arguments and environment take "));
        for (size_t i = 0; i < STACK_BYTES - bytes; i++) {
            assert_int_equal(f->buffer[i], 0xa5);
        }
    }
    assert_true(build(f, needed));
    read_start(f, &start);
    check_strings(start.argument, start.arguments, arguments, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_stack_holds_arguments_and_environment_in_order),
        TEST(test_stack_auxiliary_vector_says_what_the_program_is),
        TEST(test_stack_leaves_headers_out_that_are_not_in_memory),
        TEST(test_stack_is_aligned_for_any_number_and_length_of_strings),
        TEST(test_stack_strings_lie_behind_the_vectors_and_do_not_overlap),
        TEST(test_stack_leaves_what_is_below_alone),
        TEST(test_stack_refuses_what_does_not_fit),
    };

    return cmocka_run_group_tests_name("stack", tests, NULL, NULL);
}
