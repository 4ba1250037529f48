/* One ELF file under test; see elf_fixture.h. */
/* cmocka.h needs the four before it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "elf_fixture.h"

#include <string.h>
#include <unistd.h>

int elf_fixture_set_up(void **state)
{
    static struct elf_fixture fixture;

    memset(&fixture, 0, sizeof(fixture));
    fixture.fd = elf_file_open(fixture.path);
    elf_file_make(&fixture.file);
    *state = &fixture;
    return 0;
}

int elf_fixture_tear_down(void **state)
{
    struct elf_fixture *f = *state;

    close(f->fd);
    return 0;
}

bool elf_fixture_read_bytes(struct elf_fixture *f, size_t bytes)
{
    elf_file_write(f->fd, f->bytes, bytes);
    memset(&f->err, 0, sizeof(f->err));
    return elf_read(&f->image, f->path, gva_of(ELF_TOP), &f->err);
}

bool elf_fixture_read_file(struct elf_fixture *f)
{
    elf_file_image(&f->file, f->bytes);
    return elf_fixture_read_bytes(f, f->file.bytes);
}

/* What regions and page tables take for granted of an image. */
void elf_fixture_check_image(const struct elf_image *image)
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
    assert_true(last <= ELF_TOP);
    assert_true(
        image->break_begin.value >= LAYOUT_USER_BEGIN && image->break_begin.value <= ELF_TOP);
}

/* It is refused with one line that names the file and has these words. */
void elf_fixture_check_refusal(const struct elf_fixture *f, const char *words)
{
    assert_int_equal(f->err.kind, ERR_INPUT);
    assert_null(f->image.backing);
    assert_null(strchr(f->err.text, '\n'));
    if (strstr(f->err.text, f->path) == NULL || strstr(f->err.text, words) == NULL) {
        fail_msg("\"%s\" lacks the path or \"%s\"", f->err.text, words);
    }
}

void elf_fixture_refuses(struct elf_fixture *f, const char *words)
{
    if (elf_fixture_read_file(f)) {
        elf_release(&f->image);
        fail_msg("loaded, instead of \"%s\"", words);
    }
    elf_fixture_check_refusal(f, words);
    elf_file_make(&f->file);
}
