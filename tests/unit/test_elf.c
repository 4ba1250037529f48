/*
 * The ELF loader against files made to measure: what a good one becomes, every error that elf.h
 * lists provoked by the one field that is wrong, a file cut at every byte, and random damage.
 * Whatever comes back is checked against what the rest of the laboratory relies on.  Read
 * elf_file.h for the files.
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
#include <sys/stat.h>
#include <unistd.h>

#include "layout.h"

#include "elf_file.h"
#include "load/elf.h"

/* Where the program ends and the stack's guard begins, as for a stack of 8 MiB. */
#define TOP (LAYOUT_STACK_TOP - 0x800000 - LAYOUT_STACK_GAP_BYTES)

struct fixture {
    int fd;
    char path[ELF_FILE_PATH_BYTES];
    struct elf_file file;
    uint8_t bytes[ELF_FILE_BYTES];
    struct elf_image image;
    struct err err;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    memset(&fixture, 0, sizeof(fixture));
    fixture.fd = elf_file_open(fixture.path);
    elf_file_make(&fixture.file);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    close(f->fd);
    return 0;
}

static bool read_bytes(struct fixture *f, size_t bytes)
{
    elf_file_write(f->fd, f->bytes, bytes);
    memset(&f->err, 0, sizeof(f->err));
    return elf_read(&f->image, f->path, gva_of(TOP), &f->err);
}

static bool read_file(struct fixture *f)
{
    elf_file_image(&f->file, f->bytes);
    return read_bytes(f, f->file.bytes);
}

/* What regions and page tables take for granted of an image. */
static void check_image(const struct elf_image *image)
{
    uint64_t last = LAYOUT_USER_BEGIN;
    bool entry_found = false;

    assert_in_range(image->count, 1, ELF_RANGES_MAX);
    for (unsigned i = 0; i < image->count; i++) {
        const struct elf_range *range = &image->range[i];
        uint8_t permissions = range->spec.permissions;
        assert_true(range->begin.value % PAGE_BYTES == 0 && range->end.value % PAGE_BYTES == 0);
        assert_true(range->begin.value >= last && range->begin.value < range->end.value);
        assert_true(
            (permissions & (REGION_WRITE | REGION_EXEC)) != (REGION_WRITE | REGION_EXEC));
        if (range->spec.kind == REGION_FILE) {
            assert_ptr_equal(range->spec.backing, image->backing);
            assert_true(range->spec.file_offset % PAGE_BYTES == 0);
            assert_true(range->spec.file_bytes <= range->end.value - range->begin.value);
        } else {
            assert_int_equal(range->spec.kind, REGION_ANONYMOUS);
            assert_null(range->spec.backing);
        }
        entry_found |= image->entry.value >= range->begin.value &&
                       image->entry.value < range->end.value &&
                       (permissions & REGION_EXEC) != 0;
        last = range->end.value;
    }
    assert_true(entry_found);
    assert_true(last <= TOP);
    assert_true(
        image->break_begin.value >= LAYOUT_USER_BEGIN && image->break_begin.value <= TOP);
}

/* It is refused with one line that names the file and has these words. */
static void check_refusal(const struct fixture *f, const char *words)
{
    assert_int_equal(f->err.kind, ERR_INPUT);
    assert_null(f->image.backing);
    assert_null(strchr(f->err.text, '\n'));
    if (strstr(f->err.text, f->path) == NULL || strstr(f->err.text, words) == NULL) {
        fail_msg("\"%s\" lacks the path or \"%s\"", f->err.text, words);
    }
}

static void refuses(struct fixture *f, const char *words)
{
    if (read_file(f)) {
        elf_release(&f->image);
        fail_msg("loaded, instead of \"%s\"", words);
    }
    check_refusal(f, words);
    elf_file_make(&f->file);
}

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
    struct fixture *f = *state;

    assert_true(read_file(f));
    check_image(&f->image);
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
    struct fixture *f = *state;

    f->file.header.e_type = ET_DYN;
    f->file.header.e_entry -= 0x400000;
    for (unsigned i = 0; i < 3; i++) {
        f->file.segment[i].p_vaddr -= 0x400000;
    }
    assert_true(read_file(f));
    check_image(&f->image);
    check_range(
        &f->image.range[0], LAYOUT_PIE_BASE, LAYOUT_PIE_BASE + 0x1000,
        REGION_READ | REGION_EXEC);
    assert_int_equal(f->image.entry.value, LAYOUT_PIE_BASE + 0x800);
    assert_int_equal(f->image.headers.value, LAYOUT_PIE_BASE + 0x40);
    elf_release(&f->image);
}

static void test_elf_read_passes_over_what_is_empty(void **state)
{
    struct fixture *f = *state;

    /* Linux maps nothing for it, and looks at no other field. */
    f->file.segment[1] =
        (Elf64_Phdr){.p_type = PT_LOAD, .p_offset = UINT64_MAX, .p_vaddr = UINT64_MAX};
    assert_true(read_file(f));
    check_image(&f->image);
    assert_int_equal(f->image.count, 3);
    elf_release(&f->image);
    elf_file_make(&f->file);
    f->file.segment[2].p_filesz = 0; /* nothing but zeros */
    assert_true(read_file(f));
    check_image(&f->image);
    assert_int_equal(f->image.count, 3);
    check_range(&f->image.range[2], 0x402000, 0x405000, REGION_READ | REGION_WRITE);
    elf_release(&f->image);
}

static void test_elf_read_takes_headers_that_no_segment_holds(void **state)
{
    struct fixture *f = *state;

    f->file.segment[0].p_type = PT_NULL;
    f->file.segment[1].p_flags |= PF_X;
    f->file.header.e_entry = 0x401000;
    assert_true(read_file(f));
    check_image(&f->image);
    assert_int_equal(f->image.headers.value, 0);
    elf_release(&f->image);
}

/* --- each error --- */

static void test_elf_read_refuses_what_is_no_file(void **state)
{
    struct fixture *f = *state;

    assert_false(elf_read(&f->image, "/no/such/program", gva_of(TOP), &f->err));
    assert_int_equal(f->err.kind, ERR_INPUT);
    assert_non_null(strstr(f->err.text, "/no/such/program: No such file or directory"));
    assert_false(elf_read(&f->image, "/", gva_of(TOP), &f->err));
    assert_non_null(strstr(f->err.text, "/: is a directory"));
    assert_false(elf_read(&f->image, "/dev/null", gva_of(TOP), &f->err));
    assert_non_null(strstr(f->err.text, "is not a regular file"));
}

static void test_elf_read_refuses_other_formats(void **state)
{
    struct fixture *f = *state;
    static const char script[] = "#!/bin/sh\n";

    memcpy(f->bytes, script, sizeof(script));
    assert_false(read_bytes(f, sizeof(script)));
    check_refusal(f, "is a script");
    memset(f->bytes, 'x', ELF_FILE_BYTES);
    assert_false(read_bytes(f, ELF_FILE_BYTES));
    check_refusal(f, "is not an ELF file");
    assert_false(read_bytes(f, 0));
    check_refusal(f, "is not an ELF file");
    f->file.header.e_ident[EI_CLASS] = ELFCLASS32;
    refuses(f, "is a 32-bit program");
    f->file.header.e_ident[EI_DATA] = ELFDATA2MSB;
    refuses(f, "is big-endian");
}

static void test_elf_read_refuses_other_machines_and_types(void **state)
{
    static const struct {
        uint16_t machine;
        const char *words;
    } machines[] = {{EM_386, "32-bit x86"},      {EM_AARCH64, "AArch64"}, {EM_ARM, "ARM"},
                    {EM_RISCV, "RISC-V"},        {EM_PPC64, "PowerPC"},   {EM_S390, "S/390"},
                    {EM_NONE, "another machine"}};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
        f->file.header.e_machine = machines[i].machine;
        refuses(f, machines[i].words);
    }
    f->file.header.e_type = ET_REL;
    refuses(f, "is an object file");
    f->file.header.e_type = ET_CORE;
    refuses(f, "is a core dump");
    f->file.header.e_type = ET_NONE;
    refuses(f, "has ELF type 0");
}

static void test_elf_read_refuses_absurd_program_headers(void **state)
{
    struct fixture *f = *state;

    f->file.header.e_phnum = 0;
    refuses(f, "has 0 program headers");
    f->file.header.e_phentsize = 0;
    refuses(f, "of 0 bytes");
    f->file.header.e_phentsize = 32;
    refuses(f, "of 32 bytes");
    f->file.header.e_phnum = 0xfffe;
    refuses(f, "is truncated: program headers end at");
    f->file.header.e_phnum = PN_XNUM; /* the number would be in section 0, which is not there */
    refuses(f, "");
    f->file.header.e_phoff = UINT64_MAX;
    refuses(f, "is truncated");
    f->file.header.e_phoff = UINT64_MAX - 55;
    refuses(f, "is truncated");
    f->file.header.e_phoff = f->file.bytes;
    refuses(f, "is truncated");
}

static void test_elf_read_refuses_dynamic_programs(void **state)
{
    struct fixture *f = *state;

    f->file.segment[3] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = 0x1000, .p_filesz = 8};
    elf_file_image(&f->file, f->bytes);
    memcpy(f->bytes + 0x1000, "/lib/ld", 8);
    assert_false(read_bytes(f, f->file.bytes));
    check_refusal(f, "is dynamically linked (wants /lib/ld): link it with `gcc -static`");
    f->file.segment[3].p_offset = UINT64_MAX;
    refuses(f, "is dynamically linked (wants an interpreter)");
}

/* A shared library is an ET_DYN that has no interpreter. */
static void test_elf_read_refuses_shared_libraries(void **state)
{
    struct fixture *f = *state;
    static const Elf64_Dyn needs[] = {{.d_tag = DT_HASH}, {.d_tag = DT_NEEDED}};
    static const Elf64_Dyn named[] = {{.d_tag = DT_SONAME}, {.d_tag = DT_NULL}};
    static const Elf64_Dyn none[] = {{.d_tag = DT_NULL}, {.d_tag = DT_NEEDED}};

    f->file.segment[3] =
        (Elf64_Phdr){.p_type = PT_DYNAMIC, .p_offset = 0x1000, .p_filesz = sizeof(needs)};
    elf_file_image(&f->file, f->bytes);
    memcpy(f->bytes + 0x1000, needs, sizeof(needs));
    assert_false(read_bytes(f, f->file.bytes));
    check_refusal(f, "is a shared library or needs one");
    memcpy(f->bytes + 0x1000, named, sizeof(named));
    assert_false(read_bytes(f, f->file.bytes));
    check_refusal(f, "is a shared library or needs one");
    memcpy(f->bytes + 0x1000, none, sizeof(none)); /* what a static PIE has */
    assert_true(read_bytes(f, f->file.bytes));
    elf_release(&f->image);
}

static void test_elf_read_refuses_segments_beyond_the_file(void **state)
{
    struct fixture *f = *state;

    f->file.segment[2].p_memsz = 0x80;
    refuses(f, "segment 2 has 256 bytes in the file but only 128 in memory");
    f->file.bytes = 0x20ff;
    refuses(f, "is truncated: segment 2");
    f->file.segment[2].p_offset = UINT64_MAX - 0xfff;
    refuses(f, "is truncated: segment 2");
    f->file.segment[2].p_filesz = f->file.segment[2].p_memsz = UINT64_MAX;
    refuses(f, "is truncated: segment 2");
    f->file.segment[2].p_offset += 8;
    f->file.segment[2].p_filesz -= 8;
    refuses(f, "differ within a page");
}

static void test_elf_read_refuses_segments_out_of_place(void **state)
{
    struct fixture *f = *state;
    Elf64_Phdr *data = &f->file.segment[2];

    data->p_memsz = UINT64_MAX;
    refuses(f, "segment 2 wraps around");
    data->p_vaddr = UINT64_MAX - 0xfff;
    refuses(f, "segment 2");
    data->p_vaddr = LAYOUT_KERNEL_BASE;
    refuses(f, "it reaches the kernel window");
    data->p_vaddr = LAYOUT_TABLES_BASE;
    refuses(f, "it reaches the kernel window");
    data->p_vaddr = LAYOUT_USER_END;
    refuses(f, "it reaches the kernel window");
    data->p_vaddr = 0x800000000000; /* not canonical */
    refuses(f, "it reaches the kernel window");
    data->p_memsz = LAYOUT_KERNEL_BASE;
    refuses(f, "it reaches the kernel window");
    data->p_vaddr = TOP - 0x1000; /* in the stack */
    refuses(f, "is outside of what a program may use");
    data->p_vaddr = 0;
    refuses(f, "is outside of what a program may use");
    data->p_vaddr = LAYOUT_USER_BEGIN - 0x1000;
    refuses(f, "is outside of what a program may use");
    f->file.header.e_type = ET_DYN;
    data->p_vaddr = UINT64_MAX - 0x555555553fff;
    refuses(f, "segment 2");
}

static void test_elf_read_takes_segments_up_to_the_edges(void **state)
{
    struct fixture *f = *state;

    f->file.segment[2].p_vaddr = TOP - 0x3000;
    assert_true(read_file(f));
    check_image(&f->image);
    assert_int_equal(f->image.break_begin.value, TOP);
    elf_release(&f->image);
    elf_file_make(&f->file);
    f->file.segment[0].p_vaddr = LAYOUT_USER_BEGIN;
    f->file.header.e_entry = LAYOUT_USER_BEGIN;
    assert_true(read_file(f));
    check_image(&f->image);
    elf_release(&f->image);
}

static void test_elf_read_refuses_overlaps_and_disorder(void **state)
{
    struct fixture *f = *state;

    f->file.segment[1].p_vaddr = 0x400000;
    refuses(f, "segments overlap");
    f->file.segment[2].p_vaddr = 0x401000; /* another page of the file, the same page */
    refuses(f, "segments overlap");
    f->file.segment[1].p_memsz = 0x1001;
    refuses(f, "segments overlap");
    f->file.segment[0].p_vaddr = 0x500000; /* System V: ascending */
    refuses(f, "segments overlap");
}

static void test_elf_read_refuses_writable_text(void **state)
{
    struct fixture *f = *state;

    f->file.segment[0].p_flags |= PF_W;
    refuses(f, "segment 0 is writable and executable");
}

static void test_elf_read_refuses_entry_outside_text(void **state)
{
    static const uint64_t entries[] = {0, 0x3fffff, 0x401000, 0x402000, 0x405000, UINT64_MAX};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        f->file.header.e_entry = entries[i];
        refuses(f, "is in no executable segment");
    }
    for (unsigned i = 0; i < 3; i++) {
        f->file.segment[i].p_type = PT_NOTE;
    }
    refuses(f, "has no segment to load");
}

/* --- damage --- */

static void test_elf_read_of_every_truncation_fails_cleanly(void **state)
{
    struct fixture *f = *state;

    elf_file_image(&f->file, f->bytes);
    for (size_t bytes = 0; bytes < f->file.bytes; bytes++) {
        if (read_bytes(f, bytes)) {
            fail_msg("%zu of %zu bytes were loaded", bytes, f->file.bytes);
        }
        check_refusal(f, bytes < 4 ? "is not an ELF file" : "is truncated");
    }
    assert_true(read_bytes(f, f->file.bytes));
    elf_release(&f->image);
}

/* Marsaglia's xorshift; a fixed seed, so that a failure comes again. */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

#define MUTATIONS 20000

/* One to eight bytes of the headers, and sometimes the length, become something else. */
static size_t mutate(struct fixture *f, uint64_t *seed)
{
    static const uint8_t favourites[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    size_t headers = sizeof(Elf64_Ehdr) + 4 * sizeof(Elf64_Phdr);
    uint64_t count = 1 + next_random(seed) % 8;

    elf_file_image(&f->file, f->bytes);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t r = next_random(seed);
        uint8_t *byte = &f->bytes[4 + r % (headers - 4)];
        *byte = (r >> 32) % 2 == 0 ? favourites[(r >> 40) % sizeof(favourites)]
                                   : (uint8_t)(r >> 48);
    }
    uint64_t r = next_random(seed);
    return r % 16 == 0 ? (r >> 8) % f->file.bytes : f->file.bytes;
}

static void test_elf_read_survives_random_damage(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = 0x2545f4914f6cdd1d;
    unsigned loaded = 0;

    for (unsigned i = 0; i < MUTATIONS; i++) {
        if (read_bytes(f, mutate(f, &seed))) {
            check_image(&f->image);
            elf_release(&f->image);
            loaded++;
        } else {
            check_refusal(f, "");
        }
    }
    /* Damage to fields that nobody reads does no harm; the test must have seen both. */
    assert_in_range(loaded, MUTATIONS / 100, MUTATIONS / 2);
}

static void test_elf_read_leaks_no_descriptor(void **state)
{
    struct fixture *f = *state;
    int before = dup(f->fd);

    close(before);
    for (unsigned i = 0; i < 100; i++) {
        elf_file_make(&f->file);
        f->file.header.e_entry = i % 2 == 0 ? 0 : f->file.header.e_entry;
        if (read_file(f)) {
            elf_release(&f->image);
        }
    }
    int after = dup(f->fd);
    close(after);
    assert_int_equal(after, before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
        TEST(test_elf_read_of_every_truncation_fails_cleanly),
        TEST(test_elf_read_survives_random_damage),
        TEST(test_elf_read_leaks_no_descriptor),
    };

    return cmocka_run_group_tests_name("elf", tests, NULL, NULL);
}
