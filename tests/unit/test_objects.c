/*
 * Objects, of which shared mappings show pages: files that end early or may not be written, and
 * host memory that runs out in every place where one is needed.
 */
/* cmocka.h wants the four in front of it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail_alloc.h"
#include "memory/gmem.h"
#include "memory/object.h"

struct fixture {
    struct gmem mem;
    struct frames *frames;
    struct objects objects;
    int fd; /* of a file of two and a half pages: 0xa0, 0xa1, 0xa2 */
};

#define FILE_BYTES (2 * PAGE_BYTES + PAGE_BYTES / 2)

static void set_up(struct fixture *f)
{
    uint8_t page[PAGE_BYTES];
    struct err err;

    assert_true(gmem_create(&f->mem, LARGE_BYTES, &err));
    assert_true(frames_create(&f->frames, &f->mem, &err));
    objects_create(&f->objects, f->frames, NULL);
    f->fd = memfd_create("object", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(f->fd >= 0);
    for (unsigned i = 0; i < 3; i++) {
        memset(page, 0xa0 + (int)i, sizeof(page));
        assert_int_equal(pwrite(f->fd, page, PAGE_BYTES, (off_t)(i * PAGE_BYTES)), PAGE_BYTES);
    }
    assert_int_equal(ftruncate(f->fd, (off_t)FILE_BYTES), 0);
}

static void tear_down(struct fixture *f)
{
    objects_destroy(&f->objects);
    frames_destroy(f->frames);
    gmem_destroy(&f->mem);
    close(f->fd);
}

static void release_frame(void *context, uint32_t frame)
{
    frames_release(context, frame);
}

static off_t file_bytes(int fd)
{
    struct stat status;

    assert_int_equal(fstat(fd, &status), 0);
    return status.st_size;
}

static unsigned open_files(void)
{
    unsigned count = 0;

    for (int fd = 0; fd < 256; fd++) {
        count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    }
    return count;
}

static void test_objects_know_a_file_again_and_learn_to_write_it(void **state)
{
    struct fixture f;
    struct object *first, *again;
    uint8_t page[PAGE_BYTES];
    char path[64];

    (void)state;
    set_up(&f);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", f.fd);
    int reader = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(reader >= 0);
    assert_int_equal(objects_open_file(&f.objects, reader, false, &first), 0);
    memset(page, 0x55, sizeof(page));
    assert_int_equal(object_write(first, 0, page), EBADF);
    assert_int_equal(objects_open_file(&f.objects, f.fd, true, &again), 0);
    assert_ptr_equal(first, again);
    assert_int_equal(object_write(first, 0, page), 0);
    assert_int_equal(pread(f.fd, page, 1, 0), 1);
    assert_int_equal(page[0], 0x55);
    close(reader);
    tear_down(&f);
}

static void test_objects_open_file_passes_on_what_fstat_says(void **state)
{
    struct fixture f;
    struct object *object = (struct object *)(uintptr_t)8;

    (void)state;
    set_up(&f);
    assert_int_equal(objects_open_file(&f.objects, -1, false, &object), EBADF);
    assert_null(object);
    tear_down(&f);
}

static void test_objects_leave_nothing_behind_without_memory(void **state)
{
    struct fixture f;
    struct object *object;
    unsigned refusals = 0;

    (void)state;
    set_up(&f);
    unsigned before = open_files();
    for (unsigned kind = 0; kind < 2; kind++) {
        for (uint64_t n = 0;; n++) {
            fail_alloc_after(n);
            int error = kind == 0 ? objects_new_anonymous(&f.objects, &object)
                                  : objects_open_file(&f.objects, f.fd, true, &object);
            bool refused = fail_alloc_off() > 0;
            assert_int_equal(error, refused ? ENOMEM : 0);
            if (!refused) {
                break;
            }
            assert_null(object);
            assert_int_equal(open_files(), before);
            refusals++;
        }
        object_put(object);
        objects_collect(&f.objects, release_frame, f.frames);
    }
    assert_true(refusals >= 4);
    assert_int_equal(open_files(), before);
    tear_down(&f);
}

static void test_object_make_without_memory_keeps_the_pages_it_has(void **state)
{
    struct fixture f;
    struct object *object;
    uint64_t count = 0;

    (void)state;
    set_up(&f);
    assert_int_equal(objects_new_anonymous(&f.objects, &object), 0);
    fail_alloc_after(0);
    for (struct object_page *page; (page = object_make(object, count)) != NULL; count++) {
        page->slot = (uint32_t)count + 1000;
    }
    assert_int_equal(fail_alloc_off(), 1);
    assert_true(count > 8);
    for (uint64_t i = 0; i < count; i++) {
        assert_int_equal(object_find(object, i)->slot, i + 1000);
    }
    assert_null(object_find(object, count));
    object_make(object, count)->slot = (uint32_t)count + 1000; /* with memory it goes on */
    for (uint64_t i = 0; i <= count; i++) {
        assert_int_equal(object_find(object, i)->slot, i + 1000);
    }
    tear_down(&f);
}

static void test_object_read_ends_where_the_file_ends(void **state)
{
    struct fixture f;
    struct object *object;
    uint8_t page[PAGE_BYTES];

    (void)state;
    set_up(&f);
    assert_int_equal(objects_open_file(&f.objects, f.fd, true, &object), 0);
    memset(page, 0xee, sizeof(page));
    assert_int_equal(object_read(object, 2, page), 0);
    for (unsigned i = 0; i < PAGE_BYTES; i++) {
        assert_int_equal(page[i], i < PAGE_BYTES / 2 ? 0xa2 : 0);
    }
    assert_int_equal(object_read(object, 3, page), EFAULT);
    assert_int_equal(ftruncate(f.fd, (off_t)PAGE_BYTES), 0);
    assert_int_equal(object_read(object, 2, page), EFAULT);
    tear_down(&f);
}

static void test_object_read_of_a_file_that_cannot_be_read_is_an_io_error(void **state)
{
    struct fixture f;
    struct object *object;
    uint8_t page[PAGE_BYTES];
    char path[64];

    (void)state;
    set_up(&f);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", f.fd);
    int writer = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(writer >= 0);
    assert_int_equal(objects_open_file(&f.objects, writer, true, &object), 0);
    assert_int_equal(object_read(object, 0, page), EIO);
    close(writer);
    tear_down(&f);
}

static void test_object_write_makes_no_file_longer(void **state)
{
    struct fixture f;
    struct object *object;
    uint8_t page[PAGE_BYTES];

    (void)state;
    set_up(&f);
    memset(page, 0x77, sizeof(page));
    assert_int_equal(objects_open_file(&f.objects, f.fd, true, &object), 0);
    assert_int_equal(object_write(object, 2, page), 0);
    assert_int_equal(object_write(object, 3, page), 0);
    assert_int_equal(file_bytes(f.fd), FILE_BYTES);
    assert_int_equal(pread(f.fd, page, 1, (off_t)FILE_BYTES - 1), 1);
    assert_int_equal(page[0], 0x77);
    assert_int_equal(fcntl(f.fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
    assert_int_equal(object_write(object, 0, page), EPERM);
    tear_down(&f);
}

static void test_objects_collect_writes_dirty_pages_and_frees_the_number(void **state)
{
    struct fixture f;
    struct object *object, *other;
    uint8_t byte;

    (void)state;
    set_up(&f);
    assert_int_equal(objects_open_file(&f.objects, f.fd, true, &object), 0);
    assert_int_equal(object->number, 0);
    for (uint64_t i = 0; i < 2; i++) {
        uint32_t frame = frames_alloc_zeroed(f.frames, FRAME_SHARED);
        object_make(object, i)->frame = frame;
        memset(frames_hva(f.frames, frame), 0x30 + (int)i, PAGE_BYTES);
        frames_record(f.frames, frame)->flags = i == 1 ? FRAME_DIRTY : 0;
    }
    assert_int_equal(frames_used(f.frames), 2);
    object_put(object);
    objects_collect(&f.objects, release_frame, f.frames);
    assert_int_equal(frames_used(f.frames), 0);
    assert_int_equal(pread(f.fd, &byte, 1, 0), 1);
    assert_int_equal(byte, 0xa0); /* the clean one was not written */
    assert_int_equal(pread(f.fd, &byte, 1, (off_t)PAGE_BYTES), 1);
    assert_int_equal(byte, 0x31);
    assert_int_equal(objects_new_anonymous(&f.objects, &other), 0);
    assert_int_equal(other->number, 0);
    tear_down(&f);
}

static void test_objects_that_are_wanted_again_are_not_collected(void **state)
{
    struct fixture f;
    struct object *object;

    (void)state;
    set_up(&f);
    assert_int_equal(objects_new_anonymous(&f.objects, &object), 0);
    object_put(object);
    assert_ptr_equal(object_get(object), object);
    objects_collect(&f.objects, release_frame, f.frames);
    assert_ptr_equal(f.objects.object[0], object);
    object_put(object);
    objects_collect(&f.objects, release_frame, f.frames);
    assert_null(f.objects.object[0]);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects_know_a_file_again_and_learn_to_write_it),
        cmocka_unit_test(test_objects_open_file_passes_on_what_fstat_says),
        cmocka_unit_test(test_objects_leave_nothing_behind_without_memory),
        cmocka_unit_test(test_object_make_without_memory_keeps_the_pages_it_has),
        cmocka_unit_test(test_object_read_ends_where_the_file_ends),
        cmocka_unit_test(test_object_read_of_a_file_that_cannot_be_read_is_an_io_error),
        cmocka_unit_test(test_object_write_makes_no_file_longer),
        cmocka_unit_test(test_objects_collect_writes_dirty_pages_and_frees_the_number),
        cmocka_unit_test(test_objects_that_are_wanted_again_are_not_collected),
    };
    return cmocka_run_group_tests_name("unit/objects", tests, NULL, NULL);
}
