/*
 * The ELF loader against damage: a file cut at every byte, and random changes of its headers.
 * Each must end in an image that can be relied on or in one line of error; the sanitizers watch.
 * It refuses to predict which: test_elf.c does, field by field.
 */
/* cmocka.h needs the four before it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <unistd.h>

#include "elf_fixture.h"

static void test_elf_read_of_every_truncation_fails_cleanly(void **state)
{
    struct elf_fixture *f = *state;

    elf_file_image(&f->file, f->bytes);
    for (size_t bytes = 0; bytes < f->file.bytes; bytes++) {
        if (elf_fixture_read_bytes(f, bytes)) {
            fail_msg("%zu of %zu bytes were loaded", bytes, f->file.bytes);
        }
        elf_fixture_check_refusal(f, bytes < 4 ? "is not an ELF file" : "is truncated");
    }
    assert_true(elf_fixture_read_bytes(f, f->file.bytes));
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
static size_t mutate(struct elf_fixture *f, uint64_t *seed)
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
    struct elf_fixture *f = *state;
    uint64_t seed = 0x2545f4914f6cdd1d;
    unsigned loaded = 0;

    for (unsigned i = 0; i < MUTATIONS; i++) {
        if (elf_fixture_read_bytes(f, mutate(f, &seed))) {
            elf_fixture_check_image(&f->image);
            elf_release(&f->image);
            loaded++;
        } else {
            elf_fixture_check_refusal(f, "");
        }
    }
    /* Damage to fields that nobody reads does no harm; the test must have seen both. */
    assert_in_range(loaded, MUTATIONS / 100, MUTATIONS / 2);
}

static void test_elf_read_leaks_no_descriptor(void **state)
{
    struct elf_fixture *f = *state;
    int before = dup(f->fd);

    close(before);
    for (unsigned i = 0; i < 100; i++) {
        elf_file_make(&f->file);
        f->file.header.e_entry = i % 2 == 0 ? 0 : f->file.header.e_entry;
        if (elf_fixture_read_file(f)) {
            elf_release(&f->image);
        }
    }
    int after = dup(f->fd);
    close(after);
    assert_int_equal(after, before);
}

#define TEST(name)                                                                             \
    cmocka_unit_test_setup_teardown(name, elf_fixture_set_up, elf_fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_elf_read_of_every_truncation_fails_cleanly),
        TEST(test_elf_read_survives_random_damage),
        TEST(test_elf_read_leaks_no_descriptor),
    };

    return cmocka_run_group_tests_name("elf damage", tests, NULL, NULL);
}
