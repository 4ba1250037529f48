/*
 * What is typed at the prompt of a run, as data: commands by name, letter and beginning, addresses,
 * ranges, permissions, formats of x/, signals, breaks, completion, and the lines of a script.  What
 * commands do is in tests/kvm/test_interactive.c.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "interactive/breaks.h"
#include "interactive/complete.h"
#include "interactive/disasm.h"
#include "interactive/parse.h"
#include "interactive/reader.h"
#include "interactive/verbs.h"

static void assert_says(const struct err *err, const char *part)
{
    if (strstr(err->text, part) == NULL) {
        fail_msg("'%s' does not say '%s'", err->text, part);
    }
}

/* --- addresses --- */

static bool find_name(void *context, const char *name, uint64_t *value, struct err *err)
{
    (void)context;
    if (strcmp(name, "$rip") == 0) {
        *value = 0x401000;
        return true;
    }
    if (strcmp(name, "main") == 0) {
        *value = 0x402000;
        return true;
    }
    return err_set(err, ERR_INPUT, "no %s", name);
}

static const struct parse_names names = {.find = find_name};

static void test_addresses_are_numbers_names_and_sums(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {
        {"0", 0},
        {"4096", 4096},
        {"0x7fffffffffff", 0x7fffffffffff},
        {"0xFFFFFFFFFFFFFFFF", UINT64_MAX},
        {"$rip", 0x401000},
        {"$rip+0x10", 0x401010},
        {"$rip-16+8", 0x400ff8},
        {"main", 0x402000},
        {"main+1", 0x402001}};
    static const char *const bad[] = {"",       "0x",    "12a", "0x10000000000000000",
                                      "+4",     "main+", "a b", "$rip*2",
                                      "main-x", "0x12 "};
    struct err err;
    uint64_t value;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(parse_address(good[i].text, &names, &value, &err));
        assert_int_equal(value, good[i].value);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (parse_address(bad[i], &names, &value, &err)) {
            fail_msg("'%s' is taken for an address", bad[i]);
        }
        assert_int_equal(err.kind, ERR_INPUT);
    }
    assert_false(parse_address("main", NULL, &value, &err));
}

static void test_ranges_are_taken_in_three_forms(void **state)
{
    static const struct {
        const char *text;
        uint64_t begin, end;
    } good[] = {{"0x1000-0x3000", 0x1000, 0x3000},    {"0x1234", 0x1000, 0x2000},
                {"0x1000+16", 0x1000, 0x1010},        {"0x1000+8K", 0x1000, 0x3000},
                {"0x1000+2m", 0x1000, 0x201000},      {"main+0x10", 0x402000, 0x402010},
                {"$rip-0x402000", 0x401000, 0x402000}};
    static const char *const bad[] = {
        "",
        "0x1000-",
        "0x3000-0x1000",
        "0x1000-0x1000",
        "0x1000+0",
        "0x1000+8Q",
        "0x1000+8KK",
        "0x1000-main",
        "-0x1000",
        "0xffffffffffffffff",
        "0xffff+0xffffffffffffffff",
        "0x1000+18446744073709551615G"};
    struct parse_range range;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(parse_range(good[i].text, &names, &range, &err));
        assert_int_equal(range.begin.value, good[i].begin);
        assert_int_equal(range.end.value, good[i].end);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (parse_range(bad[i], &names, &range, &err)) {
            fail_msg("'%s' is taken for a range", bad[i]);
        }
    }
}

static void test_permissions_have_three_letters(void **state)
{
    uint8_t bits;
    struct err err;

    (void)state;
    assert_true(parse_permissions("rwx", &bits, &err));
    assert_int_equal(bits, 7);
    assert_true(parse_permissions("r-x", &bits, &err));
    assert_int_equal(bits, REGION_READ | REGION_EXEC);
    assert_true(parse_permissions("---", &bits, &err));
    assert_int_equal(bits, 0);
    assert_false(parse_permissions("rw", &bits, &err));
    assert_false(parse_permissions("wr-", &bits, &err));
    assert_false(parse_permissions("r-xp", &bits, &err));
}

static void test_examine_formats_are_gdbs(void **state)
{
    static const struct {
        const char *text;
        unsigned count;
        char format;
        unsigned bytes;
    } good[] = {{"", 1, 'x', 4},    {"4", 4, 'x', 4},   {"3gx", 3, 'x', 8},
                {"3xg", 3, 'x', 8}, {"8xb", 8, 'x', 1}, {"hd", 1, 'd', 2},
                {"s", 1, 's', 0},   {"5i", 5, 'i', 0},  {"c", 1, 'c', 1},
                {"2a", 2, 'a', 8},  {"t", 1, 't', 4},   {"4096b", 4096, 'x', 1}};
    static const char *const bad[] = {"0x",   "q",   "xx", "bb",
                                      "4097", "3 x", "x3", "99999999999999999999"};
    struct parse_examine examine;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(parse_examine(good[i].text, &examine, &err));
        assert_int_equal(examine.count, good[i].count);
        assert_int_equal(examine.format, good[i].format);
        assert_int_equal(examine.bytes, good[i].bytes);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (parse_examine(bad[i], &examine, &err)) {
            fail_msg("x/%s is taken", bad[i]);
        }
    }
    assert_true(parse_examine(NULL, &examine, &err));
}

static void test_signals_go_by_name_and_number(void **state)
{
    struct err err;
    int number;

    (void)state;
    assert_true(parse_signal("SIGSEGV", &number, &err));
    assert_int_equal(number, SIGSEGV);
    assert_true(parse_signal("bus", &number, &err));
    assert_int_equal(number, SIGBUS);
    assert_true(parse_signal("9", &number, &err));
    assert_int_equal(number, SIGKILL);
    assert_false(parse_signal("SIGSEG", &number, &err));
    assert_says(&err, "SIGSEGV");
    assert_false(parse_signal("SIGSTOP", &number, &err));
    assert_false(parse_signal("19", &number, &err));
    assert_false(parse_signal("", &number, &err));
}

/* --- commands --- */

static bool read_line(
    const char *text,
    const struct verb **command,
    struct verb_words *words,
    char buffer[256],
    struct err *err)
{
    snprintf(buffer, 256, "%s", text);
    return verbs_read(buffer, command, words, err);
}

static void test_commands_go_by_name_letter_and_beginning(void **state)
{
    static const char *const pairs[][2] = {{"continue 3", "continue"}, {"c", "continue"},
                                           {"cont", "continue"},       {"  s  2 ", "step"},
                                           {"x/3gx $rip", "x"},        {"b kind=cow", "break"},
                                           {"breaks", "breaks"}};
    const struct verb *command;
    struct verb_words words;
    char buffer[256];
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        assert_true(read_line(pairs[i][0], &command, &words, buffer, &err));
        assert_string_equal(command->name, pairs[i][1]);
    }
    assert_true(read_line("x/3gx $rip", &command, &words, buffer, &err));
    assert_string_equal(words.format, "3gx");
    assert_string_equal(words.word[0], "$rip");
    assert_int_equal(words.count, 1);
    assert_false(read_line("r", &command, &words, buffer, &err));
    assert_says(&err, "regs, run, record");
    assert_false(read_line("de", &command, &words, buffer, &err));
    assert_says(&err, "decide, delete");
}

static void test_wrong_commands_name_the_nearest(void **state)
{
    const struct verb *command;
    struct verb_words words;
    char buffer[256];
    struct err err;

    (void)state;
    assert_false(read_line("contineu", &command, &words, buffer, &err));
    assert_says(&err, "did you mean 'continue'");
    assert_false(read_line("xyzzyplugh", &command, &words, buffer, &err));
    assert_says(&err, "help lists all");
    assert_false(read_line("step 1 2", &command, &words, buffer, &err));
    assert_says(&err, "too many words (step [N])");
    assert_false(read_line("evict", &command, &words, buffer, &err));
    assert_says(&err, "something is missing (evict ADDR)");
    assert_false(read_line("walk/x 0", &command, &words, buffer, &err));
    assert_says(&err, "takes no format");
}

static void test_every_command_has_a_function_and_help(void **state)
{
    size_t count;
    const struct verb *all = verbs_all(&count);

    (void)state;
    assert_true(count >= 20);
    for (size_t i = 0; i < count; i++) {
        const struct verb *found;
        struct err err;
        assert_non_null(all[i].run);
        assert_true(strlen(all[i].summary) > 10);
        assert_true(all[i].least <= all[i].most && all[i].most <= VERB_WORDS);
        assert_true(verbs_find(all[i].name, &found, &err));
        assert_ptr_equal(found, &all[i]);
        for (size_t j = 0; j < i; j++) {
            assert_true(all[i].letter == 0 || all[i].letter != all[j].letter);
        }
    }
}

/* --- breaks --- */

static const struct region stack_region = {
    .spec = {.kind = REGION_STACK, .label = "stack", .permissions = 3}};
static const struct region heap_region = {.spec = {.kind = REGION_HEAP, .permissions = 3}};

static bool stops(
    struct breaks *breaks, enum fault_kind kind, uint64_t address, const struct region *region)
{
    const struct breaks_fault fault = {
        .kind = kind, .address = address, .region = region, .process = 1};
    unsigned number;

    return breaks_match(breaks, &fault, &number);
}

static void test_no_break_means_every_fault(void **state)
{
    struct breaks breaks = {.used = 0};
    unsigned number;
    struct err err;

    (void)state;
    assert_true(stops(&breaks, FAULT_UNMAPPED, 0, NULL));
    assert_true(breaks_add(&breaks, "kind=cow-copy", NULL, &number, &err));
    assert_int_equal(number, 1);
    assert_false(stops(&breaks, FAULT_UNMAPPED, 0, NULL));
    assert_true(breaks_delete(&breaks, 1));
    assert_false(breaks_delete(&breaks, 1));
    assert_true(stops(&breaks, FAULT_UNMAPPED, 0, NULL));
}

static void test_breaks_hold_all_their_conditions(void **state)
{
    struct breaks breaks = {.used = 0};
    unsigned number;
    struct err err;

    (void)state;
    assert_true(breaks_add(
        &breaks, "kind=cow,kind=swap-in,range=0x1000-0x3000,region=stack", NULL, &number,
        &err));
    assert_true(stops(&breaks, FAULT_COW_COPY, 0x1000, &stack_region));
    assert_true(stops(&breaks, FAULT_COW_REUSE, 0x2fff, &stack_region));
    assert_true(stops(&breaks, FAULT_SWAP_IN, 0x2fff, &stack_region));
    assert_false(stops(&breaks, FAULT_DEMAND_ZERO, 0x1000, &stack_region));
    assert_false(stops(&breaks, FAULT_COW_COPY, 0x3000, &stack_region));
    assert_false(stops(&breaks, FAULT_COW_COPY, 0x1000, &heap_region));
    assert_false(stops(&breaks, FAULT_COW_COPY, 0x1000, NULL));
    assert_int_equal(breaks.one[0].hits, 3);
    assert_true(breaks_add(&breaks, "region=heap,process=2", NULL, &number, &err));
    assert_false(stops(&breaks, FAULT_DEMAND_ZERO, 0, &heap_region));
    assert_true(breaks_add(&breaks, "region=heap,process=1", NULL, &number, &err));
    assert_true(stops(&breaks, FAULT_DEMAND_ZERO, 0, &heap_region));
}

static void test_break_counts_from_the_nth_on(void **state)
{
    struct breaks breaks = {.used = 0};
    unsigned number;
    struct err err;

    (void)state;
    assert_true(breaks_add(&breaks, "count=3", NULL, &number, &err));
    assert_false(stops(&breaks, FAULT_DEMAND_ZERO, 0, NULL));
    assert_false(stops(&breaks, FAULT_DEMAND_ZERO, 0, NULL));
    assert_true(stops(&breaks, FAULT_DEMAND_ZERO, 0, NULL));
    assert_true(stops(&breaks, FAULT_DEMAND_ZERO, 0, NULL));
}

static void test_every_kind_can_be_named(void **state)
{
    (void)state;
    for (const char *const *word = breaks_kinds(); *word != NULL; word++) {
        struct breaks breaks = {.used = 0};
        char text[64];
        unsigned number;
        struct err err;
        bool late = strcmp(*word, "out-of-memory") == 0 || strcmp(*word, "sampling") == 0;
        snprintf(text, sizeof(text), "kind=%s", *word);
        assert_int_equal(breaks_add(&breaks, text, NULL, &number, &err), !late);
    }
    for (int kind = 0; kind < FAULT_KINDS; kind++) {
        const char *const *word = breaks_kinds();
        while (*word != NULL && strcmp(*word, record_kind_name((enum fault_kind)kind)) != 0) {
            word++;
        }
        assert_non_null(*word);
    }
}

static void test_wrong_breaks_are_refused_with_the_nearest(void **state)
{
    static const char *const bad[][2] = {
        {"kind=cov", "did you mean 'cow'"},
        {"kin=cow", "did you mean 'kind'"},
        {"kind=xyzzyplugh", "no kind of fault"},
        {"qwertyuiop=1", "kind, range, region"},
        {"kind", "KEY=VALUE"},
        {"count=0", "begin with 1"},
        {"count=x", "a count"},
        {"process=0", "1 to 65535"},
        {"process=70000", "1 to 65535"},
        {"range=5-4", "not a range"},
        {"region=", "region"},
        {"count=1,count=2", "given before"},
        {"kind=cow,", "KEY=VALUE"},
        {"range=$rip", "not an address"}};
    struct breaks breaks = {.used = 0};
    unsigned number;
    struct err err;
    char text[BREAKS_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(breaks_add(&breaks, bad[i][0], NULL, &number, &err));
        assert_says(&err, bad[i][1]);
    }
    assert_int_equal(breaks.used, 0);
    for (unsigned i = 0; i < BREAKS_MAX; i++) {
        snprintf(text, sizeof(text), "count=%u", i + 1);
        assert_true(breaks_add(&breaks, text, NULL, &number, &err));
    }
    assert_false(breaks_add(&breaks, "", NULL, &number, &err));
    assert_says(&err, "64 breaks");
}

/* --- completion --- */

static void assert_completes(const char *line, const char *insert, unsigned count)
{
    struct complete found;

    complete_line(line, &found);
    assert_string_equal(found.insert, insert);
    assert_int_equal(found.count, count);
}

static void test_completion_knows_commands_and_arguments(void **state)
{
    (void)state;
    assert_completes("con", "tinue ", 1);
    assert_completes("de", "", 2);
    assert_completes("decide sh", "are ", 1);
    assert_completes("decide z", "ero ", 1);
    assert_completes("decide zero x", "", 0);
    assert_completes("break k", "ind=", 1);
    assert_completes("break kind=cow", "", 3);
    assert_completes("break kind=cow,ra", "nge=", 1);
    assert_completes("break kind=cow,kind=swa", "p-in ", 1);
    assert_completes("record o", "", 2);
    assert_completes("help wal", "k ", 1);
    assert_completes("protect 0x1000 r-", "", 2);
    assert_completes("bogus ", "", 0);
    assert_completes("walk ", "", 0);
    size_t commands;
    verbs_all(&commands);
    assert_completes("", "", (unsigned)commands);
}

/* --- scripts --- */

static void test_script_lines_have_their_numbers(void **state)
{
    static const char text[] = "# comment\n\n  info  \r\nstep 2\n\t# more\nquit";
    char path[] = "/tmp/test_interactive.XXXXXX";
    struct reader reader;
    struct err err;
    FILE *out = fopen("/dev/null", "we");
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_non_null(out);
    assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
    assert_true(reader_create(&reader, path, -1, out, &err));
    assert_string_equal(reader_next(&reader), "  info  \r");
    assert_int_equal(reader.line_number, 3);
    assert_true(reader.in_script);
    assert_string_equal(reader_next(&reader), "step 2");
    assert_int_equal(reader_unread(&reader), 6);
    assert_null(reader_next(&reader));
    reader_destroy(&reader);
    assert_false(reader_create(&reader, "/nonexistent/script", -1, out, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_says(&err, "/nonexistent/script");
    unlink(path);
    close(fd);
    fclose(out);
}

static void test_input_is_read_behind_the_script(void **state)
{
    struct reader reader;
    struct err err;
    FILE *out = fopen("/dev/null", "we");
    int ends[2] = {-1, -1};

    (void)state;
    assert_non_null(out);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "\ninfo\nlast", 10), 10);
    close(ends[1]);
    assert_true(reader_create(&reader, NULL, ends[0], out, &err));
    assert_string_equal(reader_next(&reader), "");
    assert_string_equal(reader_next(&reader), "info");
    assert_string_equal(reader_next(&reader), "last");
    assert_null(reader_next(&reader));
    assert_false(reader_is_terminal(&reader));
    reader_destroy(&reader);
    close(ends[0]);
    fclose(out);
}

/* The assembler takes each of them back. */
static void test_instructions_have_sizes_and_stars(void **state)
{
    static const struct {
        const char *code;
        size_t bytes;
        const char *text;
    } wanted[] = {
        {"\x48\x8b\x3c\x24", 4, "movq (%rsp), %rdi"},
        {"\xff\xe0", 2, "jmpq *%rax"},
        {"\xff\x10", 2, "callq *(%rax)"},
        {"\xe8\x00\x00\x00\x00", 5, "callq 0x401005"},
        {"\x75\xfe", 2, "jne 0x401000"},
        {"\x0f\x46\xc1", 3, "cmovbel %ecx, %eax"},
        {"\x0f\x95\xc0", 3, "setne %al"},
        {"\x0f\xb6\x07", 3, "movzbl (%rdi), %eax"},
        {"\x48\x63\xc7", 3, "movslq %edi, %rax"},
        {"\x48\x83\xe4\xf0", 4, "andq $0xfffffffffffffff0, %rsp"},
        {"\x3c\xff", 2, "cmpb $0xff, %al"},
        {"\x48\x8d\x05\x10\x00\x00\x00", 7, "leaq 0x10(%rip), %rax"},
        {"\x0f\x1f\x40\x00", 4, "nopl (%rax)"},
        {"\xf3\xa5", 2, "rep movsl"},
        {"\xf0\x0f\xb1\x10", 4, "lock cmpxchgl %edx, (%rax)"},
        {"\xdb\x28", 2, "fldt (%rax)"},
        {"\x0f\x29\x04\x24", 4, "movaps %xmm0, (%rsp)"},
        {"\x0f\x05", 2, "syscall"},
        {"\xc3", 1, "retq"}};
    struct disasm *disasm = disasm_create();
    char text[64];

    (void)state;
    assert_non_null(disasm);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        size_t length = disasm_one(
            disasm, (const uint8_t *)wanted[i].code, wanted[i].bytes, 0x401000, text,
            sizeof(text));
        assert_string_equal(text, wanted[i].text);
        assert_int_equal(length, wanted[i].bytes);
    }
    disasm_destroy(disasm);
}

static void test_instructions_become_text(void **state)
{
    static const uint8_t code[] = {0xc6, 0x00, 0x01, 0x90, 0x48};
    struct disasm *disasm = disasm_create();
    char text[64];

    (void)state;
    assert_non_null(disasm);
    assert_int_equal(disasm_one(disasm, code, 5, 0x401000, text, sizeof(text)), 3);
    assert_string_equal(text, "movb $1, (%rax)");
    assert_int_equal(disasm_one(disasm, code + 3, 2, 0x401003, text, sizeof(text)), 1);
    assert_string_equal(text, "nop");
    assert_int_equal(disasm_one(disasm, code + 4, 1, 0x401004, text, sizeof(text)), 0);
    disasm_destroy(disasm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_are_numbers_names_and_sums),
        cmocka_unit_test(test_ranges_are_taken_in_three_forms),
        cmocka_unit_test(test_permissions_have_three_letters),
        cmocka_unit_test(test_examine_formats_are_gdbs),
        cmocka_unit_test(test_signals_go_by_name_and_number),
        cmocka_unit_test(test_commands_go_by_name_letter_and_beginning),
        cmocka_unit_test(test_wrong_commands_name_the_nearest),
        cmocka_unit_test(test_every_command_has_a_function_and_help),
        cmocka_unit_test(test_no_break_means_every_fault),
        cmocka_unit_test(test_breaks_hold_all_their_conditions),
        cmocka_unit_test(test_break_counts_from_the_nth_on),
        cmocka_unit_test(test_every_kind_can_be_named),
        cmocka_unit_test(test_wrong_breaks_are_refused_with_the_nearest),
        cmocka_unit_test(test_completion_knows_commands_and_arguments),
        cmocka_unit_test(test_script_lines_have_their_numbers),
        cmocka_unit_test(test_input_is_read_behind_the_script),
        cmocka_unit_test(test_instructions_become_text),
        cmocka_unit_test(test_instructions_have_sizes_and_stars),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
