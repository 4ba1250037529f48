/*
 * The sentence that a person reads first when a program ends by a fault or an exception: word by
 * word, for each kind, and in a buffer of any size.  It refuses to know how faults are
 * classified.
 */
/* cmocka.h needs the four before it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "run/describe.h"

#define TEXT_BYTES 320

struct fixture {
    struct regions *regions;
    struct backing *file;
    char text[TEXT_BYTES];
};

static void add(struct fixture *f, uint64_t begin, uint64_t end, const struct region_spec *spec)
{
    assert_int_equal(
        regions_insert(f->regions, gva_of(begin), gva_of(end), spec, NULL), REGION_OK);
}

/* Text of guest.elf at 0x401000, heap at 0x500000, a stack and its guard far above. */
static int set_up(void **state)
{
    static struct fixture fixture;
    struct err err;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (fd < 0 ||
        !regions_create(&fixture.regions, gva_of(0x10000), gva_of(0x7ffffffff000), &err) ||
        !backing_create(&fixture.file, fd, "/some/where/guest.elf", &err)) {
        return 1;
    }
    const struct region_spec text = {
        .kind = REGION_FILE,
        .permissions = REGION_READ | REGION_EXEC,
        .page_shift = PAGE_SHIFT,
        .backing = fixture.file,
        .file_offset = 0x1000,
        .file_bytes = 0x2000,
        .label = "text"};
    const struct region_spec heap = {
        .kind = REGION_ANONYMOUS,
        .permissions = REGION_READ | REGION_WRITE,
        .page_shift = PAGE_SHIFT};
    const struct region_spec guard = {
        .kind = REGION_GUARD, .page_shift = PAGE_SHIFT, .label = "stack-guard"};
    const struct region_spec stack = {
        .kind = REGION_STACK,
        .permissions = REGION_READ | REGION_WRITE,
        .page_shift = PAGE_SHIFT,
        .label = "stack"};
    add(&fixture, 0x401000, 0x403000, &text);
    add(&fixture, 0x500000, 0x501000, &heap);
    add(&fixture, 0x7fff00000000, 0x7fff00100000, &guard);
    add(&fixture, 0x7fff00100000, 0x7fff00110000, &stack);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    regions_destroy(f->regions);
    backing_put(f->file);
    return 0;
}

static void check(
    struct fixture *f,
    enum fault_kind kind,
    uint8_t access,
    uint64_t address,
    const char *wanted)
{
    const struct fault_record record = {
        .address = address, .rip = 0x4011d3, .kind = (uint8_t)kind, .access = access};

    describe_fault(
        f->text, sizeof(f->text), &record, regions_find(f->regions, gva_of(address)),
        f->regions);
    assert_string_equal(f->text, wanted);
}

static void test_describe_fault_names_access_reason_and_region(void **state)
{
    struct fixture *f = *state;

    check(
        f, FAULT_READ_ONLY, RECORD_WRITE | RECORD_USER, 0x402010,
        "segmentation fault: write to 0x402010 (read-only, text of guest.elf+0x2010) at rip "
        "0x4011d3");
    check(
        f, FAULT_NO_EXECUTE, RECORD_FETCH | RECORD_USER, 0x500008,
        "segmentation fault: jump to 0x500008 (not executable, anonymous memory) at rip "
        "0x4011d3");
    check(
        f, FAULT_NO_ACCESS, RECORD_USER, 0x402000,
        "segmentation fault: read of 0x402000 (no access allowed, text of guest.elf+0x2000) at "
        "rip 0x4011d3");
    check(
        f, FAULT_NO_ACCESS, RECORD_USER, 0x7fff00000000,
        "segmentation fault: read of 0x7fff00000000 (no access allowed) at rip 0x4011d3");
    check(
        f, FAULT_STACK_LIMIT, RECORD_WRITE | RECORD_USER, 0x7fff000ffff8,
        "segmentation fault: write to 0x7fff000ffff8 (stack overflow: the stack has reached "
        "its limit) at rip 0x4011d3");
    check(
        f, FAULT_KERNEL_PAGE, RECORD_USER, 0xffffffff80000000,
        "segmentation fault: read of 0xffffffff80000000 (the kernel's half of the address "
        "space) at rip 0x4011d3");
}

static void test_describe_unmapped_names_what_is_near(void **state)
{
    struct fixture *f = *state;

    check(
        f, FAULT_UNMAPPED, RECORD_USER, 0x18,
        "segmentation fault: read of 0x18 (not mapped, page 0: a null pointer) at rip "
        "0x4011d3");
    check(
        f, FAULT_UNMAPPED, RECORD_USER, 0x403008,
        "segmentation fault: read of 0x403008 (not mapped, 0x8 behind the end of text of "
        "guest.elf+0x3000) at rip 0x4011d3");
    check(
        f, FAULT_UNMAPPED, RECORD_USER, 0x400ff0,
        "segmentation fault: read of 0x400ff0 (not mapped, 0x10 below text of "
        "guest.elf+0x1000) at rip 0x4011d3");
    check(
        f, FAULT_UNMAPPED, RECORD_USER, 0x7fff00110020,
        "segmentation fault: read of 0x7fff00110020 (not mapped, 0x20 behind the end of stack) "
        "at rip 0x4011d3");
    check(
        f, FAULT_UNMAPPED, RECORD_FETCH | RECORD_USER, 0x10000000000,
        "segmentation fault: jump to 0x10000000000 (not mapped) at rip 0x4011d3");
}

static void test_describe_unmapped_without_any_region(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        regions_remove(f->regions, gva_of(0x10000), gva_of(0x7ffffffff000)), REGION_OK);
    check(
        f, FAULT_UNMAPPED, RECORD_USER, 0x403008,
        "segmentation fault: read of 0x403008 (not mapped) at rip 0x4011d3");
}

static void test_describe_other_ends_say_what_to_do(void **state)
{
    struct fixture *f = *state;

    check(
        f, FAULT_OUT_OF_MEMORY, RECORD_WRITE | RECORD_USER, 0x500000,
        "out of memory: no frame left for write to 0x500000 at rip 0x4011d3; give more --mem");
    check(
        f, FAULT_FILE_LOAD, RECORD_FETCH | RECORD_USER, 0x401000,
        "bus error: jump to 0x401000 (text of guest.elf+0x1000 cannot be read from its file "
        "any more) at rip 0x4011d3");
}

/* A shorter buffer gets the beginning of the same sentence, and not one byte more. */
static void test_describe_fault_keeps_to_its_buffer(void **state)
{
    struct fixture *f = *state;
    char whole[TEXT_BYTES];
    const struct fault_record record = {
        .address = 0x402010,
        .rip = 0x4011d3,
        .kind = FAULT_READ_ONLY,
        .access = RECORD_WRITE | RECORD_USER};
    const struct region *region = regions_find(f->regions, gva_of(record.address));

    describe_fault(whole, sizeof(whole), &record, region, f->regions);
    for (size_t bytes = 1; bytes <= strlen(whole); bytes++) {
        memset(f->text, '#', sizeof(f->text));
        describe_fault(f->text, bytes, &record, region, f->regions);
        assert_int_equal(strlen(f->text), bytes - 1);
        assert_memory_equal(f->text, whole, bytes - 1);
        assert_int_equal(f->text[bytes], '#');
    }
}

/* signal(7) and Linux's arch/x86/kernel/traps.c */
static void test_describe_exception_has_the_signal_of_linux(void **state)
{
    static const struct {
        unsigned vector;
        int signal;
        const char *words;
    } exceptions[] = {
        {0, SIGFPE, "division error"},
        {1, SIGTRAP, "debug exception"},
        {3, SIGTRAP, "breakpoint"},
        {4, SIGSEGV, "overflow"},
        {5, SIGSEGV, "bound range exceeded"},
        {6, SIGILL, "invalid instruction"},
        {11, SIGBUS, "segment not present"},
        {12, SIGBUS, "stack fault"},
        {13, SIGSEGV, "general protection fault"},
        {16, SIGFPE, "x87 floating-point error"},
        {17, SIGBUS, "alignment check"},
        {19, SIGFPE, "SIMD floating-point error"},
    };
    char text[TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++) {
        const struct machine_trap trap = {
            .vector = exceptions[i].vector, .rip = 0x4011d3, .error_code = 0x18};
        assert_int_equal(describe_exception(text, sizeof(text), &trap), exceptions[i].signal);
        assert_int_equal(strncmp(text, exceptions[i].words, strlen(exceptions[i].words)), 0);
        assert_non_null(strstr(text, " at rip 0x4011d3 (vector "));
        assert_non_null(strstr(text, ", error code 0x18)"));
    }
}

static void test_describe_exception_takes_any_vector(void **state)
{
    char text[TEXT_BYTES];

    (void)state;
    for (unsigned vector = 0; vector < 300; vector++) {
        const struct machine_trap trap = {.vector = vector};
        int signal = describe_exception(text, sizeof(text), &trap);
        assert_in_range(signal, 1, 31);
        assert_non_null(strstr(text, " at rip 0x0 (vector "));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_describe_fault_names_access_reason_and_region),
        TEST(test_describe_unmapped_names_what_is_near),
        TEST(test_describe_unmapped_without_any_region),
        TEST(test_describe_other_ends_say_what_to_do),
        TEST(test_describe_fault_keeps_to_its_buffer),
        cmocka_unit_test(test_describe_exception_has_the_signal_of_linux),
        cmocka_unit_test(test_describe_exception_takes_any_vector),
    };

    return cmocka_run_group_tests_name("describe", tests, NULL, NULL);
}
