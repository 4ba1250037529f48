/*
 * The ELF loader against files made to measure: what a good one becomes, every error that elf.h
 * lists provoked by the one field that is wrong.  Read elf_file.h for the files, and
 * test_elf_damage.c for what is wrong by chance.
 */
/* cmocka.h needs the four before it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <string.h>

#include "elf_fixture.h"

/* --- good files --- */

static void
check_range(const struct elf_range *range, uint64_t begin, uint64_t end, uint8_t permissions)
{
    assert_int_equal(range->begin.value, begin);
    assert_int_equal(range->end.value, end);
    assert_int_equal(range->spec.permissions, permissions);
}

static void test_elf_read_makes_a_range_of_each_segment(void **state)
{
    struct elf_fixture *f = *state;

    assert_true(elf_fixture_read_file(f));
    elf_fixture_check_image(&f->image);
    assert_int_equal(f->image.count, 4);
    check_range(&f->image.range[0], 0x400000, 0x401000, REGION_READ | REGION_EXEC);
    check_range(&f->image.range[1], 0x401000, 0x402000, REGION_READ);
    check_range(&f->image.range[2], 0x402000, 0x403000, REGION_READ | REGION_WRITE);
    check_range(&f->image.range[3], 0x403000, 0x405000, REGION_READ | REGION_WRITE);
    assert_int_equal(f->image.range[1].spec.file_offset, 0x1000);
    assert_int_equal(f->image.range[1].spec.file_bytes, 0x800);
    assert_int_equal(f->image.range[2].spec.file_bytes, 0x100);
    assert_int_equal(f->image.entry.value, 0x400800);
    assert_int_equal(f->image.headers.value, 0x400040);
    assert_int_equal(f->image.header_count, 4);
    assert_int_equal(f->image.header_bytes, 56);
    assert_int_equal(f->image.break_begin.value, 0x405000);
    elf_release(&f->image);
}

static void test_elf_read_moves_a_static_pie(void **state)
{
    struct elf_fixture *f = *state;

    f->file.header.e_type = ET_DYN;
    f->file.header.e_entry -= 0x400000;
    for (unsigned i = 0; i < 3; i++) {
        f->file.segment[i].p_vaddr -= 0x400000;
    }
    assert_true(elf_fixture_read_file(f));
    elf_fixture_check_image(&f->image);
    check_range(
        &f->image.range[0], LAYOUT_PIE_BASE, LAYOUT_PIE_BASE + 0x1000,
        REGION_READ | REGION_EXEC);
    assert_int_equal(f->image.entry.value, LAYOUT_PIE_BASE + 0x800);
    assert_int_equal(f->image.headers.value, LAYOUT_PIE_BASE + 0x40);
    elf_release(&f->image);
}

static void test_elf_read_passes_over_what_is_empty(void **state)
{
    struct elf_fixture *f = *state;

    /* Linux maps nothing for it, and looks at no other field. */
    f->file.segment[1] =
        (Elf64_Phdr){.p_type = PT_LOAD, .p_offset = UINT64_MAX, .p_vaddr = UINT64_MAX};
    assert_true(elf_fixture_read_file(f));
    elf_fixture_check_image(&f->image);
    assert_int_equal(f->image.count, 3);
    elf_release(&f->image);
    elf_file_make(&f->file);
    f->file.segment[2].p_filesz = 0; /* nothing but zeros */
    assert_true(elf_fixture_read_file(f));
    elf_fixture_check_image(&f->image);
    assert_int_equal(f->image.count, 3);
    check_range(&f->image.range[2], 0x402000, 0x405000, REGION_READ | REGION_WRITE);
    elf_release(&f->image);
}

static void test_elf_read_takes_headers_that_no_segment_holds(void **state)
{
    struct elf_fixture *f = *state;

    f->file.segment[0].p_type = PT_NULL;
    f->file.segment[1].p_flags |= PF_X;
    f->file.header.e_entry = 0x401000;
    assert_true(elf_fixture_read_file(f));
    elf_fixture_check_image(&f->image);
    assert_int_equal(f->image.headers.value, 0);
    elf_release(&f->image);
}

/* --- each error --- */

static void test_elf_read_refuses_what_is_no_file(void **state)
{
    struct elf_fixture *f = *state;

    assert_false(elf_read(&f->image, "/no/such/program", gva_of(ELF_TOP), &f->err));
    assert_int_equal(f->err.kind, ERR_INPUT);
    assert_non_null(strstr(f->err.text, "/no/such/program: No such file or directory"));
    assert_false(elf_read(&f->image, "/", gva_of(ELF_TOP), &f->err));
    assert_non_null(strstr(f->err.text, "/: is a directory"));
    assert_false(elf_read(&f->image, "/dev/null", gva_of(ELF_TOP), &f->err));
    assert_non_null(strstr(f->err.text, "is not a regular file"));
}

static void test_elf_read_refuses_other_formats(void **state)
{
    struct elf_fixture *f = *state;
    static const char script[] = "#!/bin/sh\n";

    memcpy(f->bytes, script, sizeof(script));
    assert_false(elf_fixture_read_bytes(f, sizeof(script)));
    elf_fixture_check_refusal(f, "is a script");
    memset(f->bytes, 'x', ELF_FILE_BYTES);
    assert_false(elf_fixture_read_bytes(f, ELF_FILE_BYTES));
    elf_fixture_check_refusal(f, "is not an ELF file");
    assert_false(elf_fixture_read_bytes(f, 0));
    elf_fixture_check_refusal(f, "is not an ELF file");
    f->file.header.e_ident[EI_CLASS] = ELFCLASS32;
    elf_fixture_refuses(f, "is a 32-bit program");
    f->file.header.e_ident[EI_DATA] = ELFDATA2MSB;
    elf_fixture_refuses(f, "is big-endian");
}

static void test_elf_read_refuses_other_machines_and_types(void **state)
{
    static const struct {
        uint16_t machine;
        const char *words;
    } machines[] = {{EM_386, "32-bit x86"},      {EM_AARCH64, "AArch64"}, {EM_ARM, "ARM"},
                    {EM_RISCV, "RISC-V"},        {EM_PPC64, "PowerPC"},   {EM_S390, "S/390"},
                    {EM_NONE, "another machine"}};
    struct elf_fixture *f = *state;

    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
        f->file.header.e_machine = machines[i].machine;
        elf_fixture_refuses(f, machines[i].words);
    }
    f->file.header.e_type = ET_REL;
    elf_fixture_refuses(f, "is an object file");
    f->file.header.e_type = ET_CORE;
    elf_fixture_refuses(f, "is a core dump");
    f->file.header.e_type = ET_NONE;
    elf_fixture_refuses(f, "has ELF type 0");
}

static void test_elf_read_refuses_absurd_program_headers(void **state)
{
    struct elf_fixture *f = *state;

    f->file.header.e_phnum = 0;
    elf_fixture_refuses(f, "has 0 program headers");
    f->file.header.e_phentsize = 0;
    elf_fixture_refuses(f, "of 0 bytes");
    f->file.header.e_phentsize = 32;
    elf_fixture_refuses(f, "of 32 bytes");
    f->file.header.e_phnum = 0xfffe;
    elf_fixture_refuses(f, "is truncated: program headers end at");
    f->file.header.e_phnum = PN_XNUM; /* the number would be in section 0, which is not there */
    elf_fixture_refuses(f, "");
    f->file.header.e_phoff = UINT64_MAX;
    elf_fixture_refuses(f, "is truncated");
    f->file.header.e_phoff = UINT64_MAX - 55;
    elf_fixture_refuses(f, "is truncated");
    f->file.header.e_phoff = f->file.bytes;
    elf_fixture_refuses(f, "is truncated");
}

static void test_elf_read_refuses_dynamic_programs(void **state)
{
    struct elf_fixture *f = *state;

    f->file.segment[3] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = 0x1000, .p_filesz = 8};
    elf_file_image(&f->file, f->bytes);
    memcpy(f->bytes + 0x1000, "/lib/ld", 8);
    assert_false(elf_fixture_read_bytes(f, f->file.bytes));
    elf_fixture_check_refusal(
        f, "is dynamically linked (wants /lib/ld): link it with `gcc -static`");
    f->file.segment[3].p_offset = UINT64_MAX;
    elf_fixture_refuses(f, "is dynamically linked (wants an interpreter)");
}

/* A shared library is an ET_DYN that has no interpreter. */
static void test_elf_read_refuses_shared_libraries(void **state)
{
    struct elf_fixture *f = *state;
    static const Elf64_Dyn needs[] = {{.d_tag = DT_HASH}, {.d_tag = DT_NEEDED}};
    static const Elf64_Dyn named[] = {{.d_tag = DT_SONAME}, {.d_tag = DT_NULL}};
    static const Elf64_Dyn none[] = {{.d_tag = DT_NULL}, {.d_tag = DT_NEEDED}};

    f->file.segment[3] =
        (Elf64_Phdr){.p_type = PT_DYNAMIC, .p_offset = 0x1000, .p_filesz = sizeof(needs)};
    elf_file_image(&f->file, f->bytes);
    memcpy(f->bytes + 0x1000, needs, sizeof(needs));
    assert_false(elf_fixture_read_bytes(f, f->file.bytes));
    elf_fixture_check_refusal(f, "is a shared library or needs one");
    memcpy(f->bytes + 0x1000, named, sizeof(named));
    assert_false(elf_fixture_read_bytes(f, f->file.bytes));
    elf_fixture_check_refusal(f, "is a shared library or needs one");
    memcpy(f->bytes + 0x1000, none, sizeof(none)); /* what a static PIE has */
    assert_true(elf_fixture_read_bytes(f, f->file.bytes));
    elf_release(&f->image);
}

static void test_elf_read_refuses_segments_beyond_the_file(void **state)
{
    struct elf_fixture *f = *state;

    f->file.segment[2].p_memsz = 0x80;
    elf_fixture_refuses(f, "segment 2 has 256 bytes in the file but only 128 in memory");
    f->file.bytes = 0x20ff;
    elf_fixture_refuses(f, "is truncated: segment 2");
    f->file.segment[2].p_offset = UINT64_MAX - 0xfff;
    elf_fixture_refuses(f, "is truncated: segment 2");
    f->file.segment[2].p_filesz = f->file.segment[2].p_memsz = UINT64_MAX;
    elf_fixture_refuses(f, "is truncated: segment 2");
    f->file.segment[2].p_offset += 8;
    f->file.segment[2].p_filesz -= 8;
    elf_fixture_refuses(f, "differ within a page");
}

static void test_elf_read_refuses_segments_out_of_place(void **state)
{
    struct elf_fixture *f = *state;
    Elf64_Phdr *data = &f->file.segment[2];

    data->p_memsz = UINT64_MAX;
    elf_fixture_refuses(f, "segment 2 wraps around");
    data->p_vaddr = UINT64_MAX - 0xfff;
    elf_fixture_refuses(f, "segment 2");
    data->p_vaddr = LAYOUT_KERNEL_BASE;
    elf_fixture_refuses(f, "it reaches the kernel window");
    data->p_vaddr = LAYOUT_TABLES_BASE;
    elf_fixture_refuses(f, "it reaches the kernel window");
    data->p_vaddr = LAYOUT_USER_END;
    elf_fixture_refuses(f, "it reaches the kernel window");
    data->p_vaddr = 0x800000000000; /* not canonical */
    elf_fixture_refuses(f, "it reaches the kernel window");
    data->p_memsz = LAYOUT_KERNEL_BASE;
    elf_fixture_refuses(f, "it reaches the kernel window");
    data->p_vaddr = ELF_TOP - 0x1000; /* in the stack */
    elf_fixture_refuses(f, "is outside of what a program may use");
    data->p_vaddr = 0;
    elf_fixture_refuses(f, "is outside of what a program may use");
    data->p_vaddr = LAYOUT_USER_BEGIN - 0x1000;
    elf_fixture_refuses(f, "is outside of what a program may use");
    f->file.header.e_type = ET_DYN;
    data->p_vaddr = UINT64_MAX - 0x555555553fff;
    elf_fixture_refuses(f, "segment 2");
}

static void test_elf_read_takes_segments_up_to_the_edges(void **state)
{
    struct elf_fixture *f = *state;

    f->file.segment[2].p_vaddr = ELF_TOP - 0x3000;
    assert_true(elf_fixture_read_file(f));
    elf_fixture_check_image(&f->image);
    assert_int_equal(f->image.break_begin.value, ELF_TOP);
    elf_release(&f->image);
    elf_file_make(&f->file);
    f->file.segment[0].p_vaddr = LAYOUT_USER_BEGIN;
    f->file.header.e_entry = LAYOUT_USER_BEGIN;
    assert_true(elf_fixture_read_file(f));
    elf_fixture_check_image(&f->image);
    elf_release(&f->image);
}

static void test_elf_read_refuses_overlaps_and_disorder(void **state)
{
    struct elf_fixture *f = *state;

    f->file.segment[1].p_vaddr = 0x400000;
    elf_fixture_refuses(f, "segments overlap");
    f->file.segment[2].p_vaddr = 0x401000; /* another page of the file, the same page */
    elf_fixture_refuses(f, "segments overlap");
    f->file.segment[1].p_memsz = 0x1001;
    elf_fixture_refuses(f, "segments overlap");
    f->file.segment[0].p_vaddr = 0x500000; /* System V: ascending */
    elf_fixture_refuses(f, "segments overlap");
}

static void test_elf_read_refuses_writable_text(void **state)
{
    struct elf_fixture *f = *state;

    f->file.segment[0].p_flags |= PF_W;
    elf_fixture_refuses(f, "segment 0 is writable and executable");
}

static void test_elf_read_refuses_entry_outside_text(void **state)
{
    static const uint64_t entries[] = {0, 0x3fffff, 0x401000, 0x402000, 0x405000, UINT64_MAX};
    struct elf_fixture *f = *state;

    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        f->file.header.e_entry = entries[i];
        elf_fixture_refuses(f, "is in no executable segment");
    }
    for (unsigned i = 0; i < 3; i++) {
        f->file.segment[i].p_type = PT_NOTE;
    }
    elf_fixture_refuses(f, "has no segment to load");
}

#define TEST(name)                                                                             \
    cmocka_unit_test_setup_teardown(name, elf_fixture_set_up, elf_fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_elf_read_makes_a_range_of_each_segment),
        TEST(test_elf_read_moves_a_static_pie),
        TEST(test_elf_read_passes_over_what_is_empty),
        TEST(test_elf_read_takes_headers_that_no_segment_holds),
        TEST(test_elf_read_refuses_what_is_no_file),
        TEST(test_elf_read_refuses_other_formats),
        TEST(test_elf_read_refuses_other_machines_and_types),
        TEST(test_elf_read_refuses_absurd_program_headers),
        TEST(test_elf_read_refuses_dynamic_programs),
        TEST(test_elf_read_refuses_shared_libraries),
        TEST(test_elf_read_refuses_segments_beyond_the_file),
        TEST(test_elf_read_refuses_segments_out_of_place),
        TEST(test_elf_read_takes_segments_up_to_the_edges),
        TEST(test_elf_read_refuses_overlaps_and_disorder),
        TEST(test_elf_read_refuses_writable_text),
        TEST(test_elf_read_refuses_entry_outside_text),
    };

    return cmocka_run_group_tests_name("elf", tests, NULL, NULL);
}
