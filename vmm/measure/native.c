/*
 * Maps the routines and their pages into this process.  The addresses are the guest's, so that the
 * same bytes run on the same addresses on both sides.  Read virtual.c for the other side.
 */
#include "measure/native.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "measure/image.h"
#include "measure/native_shared.h"

static void *
map_at(uint64_t address, uint64_t bytes, int protection, int flags, int fd, uint64_t offset)
{
    return mmap(
        (void *)(uintptr_t)address, bytes, protection, flags | MAP_FIXED_NOREPLACE, fd,
        (off_t)offset);
}

static bool map_fixed(uint64_t address, uint64_t bytes, struct err *err)
{
    void *at = map_at(
        address, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
        0);

    if (at == (void *)(uintptr_t)address) {
        return true;
    }
    return err_set_errno(
        err, ERR_ENVIRONMENT, "mapping the measuring routines at 0x%llx",
        (unsigned long long)address);
}

bool native_open(struct err *err)
{
    if (!map_fixed(EXP_TEXT, EXP_TEXT_BYTES, err) || !map_fixed(EXP_ARGS, PAGE_BYTES, err) ||
        !map_fixed(EXP_RESULTS, EXP_RESULTS_BYTES, err) ||
        !map_fixed(EXP_LIST, EXP_LIST_BYTES, err)) {
        native_close();
        return false;
    }
    memcpy((void *)EXP_TEXT, image_bytes(), image_size());
    if (mprotect((void *)EXP_TEXT, EXP_TEXT_BYTES, PROT_READ | PROT_EXEC) != 0) {
        err_set_errno(err, ERR_ENVIRONMENT, "making the measuring routines executable");
        native_close();
        return false;
    }
    return true;
}

void native_close(void)
{
    munmap((void *)EXP_TEXT, EXP_TEXT_BYTES);
    munmap((void *)EXP_ARGS, PAGE_BYTES);
    munmap((void *)EXP_RESULTS, EXP_RESULTS_BYTES);
    munmap((void *)EXP_LIST, EXP_LIST_BYTES);
}

static bool open_frames(struct native *native, struct err *err)
{
    native->fd = memfd_create("vmm-measure", MFD_CLOEXEC);
    if (native->fd < 0 || ftruncate(native->fd, (off_t)native->bytes) != 0) {
        return err_set_errno(err, ERR_ENVIRONMENT, "memory for a native layout");
    }
    void *at = mmap(NULL, native->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, native->fd, 0);
    if (at == MAP_FAILED) {
        return err_set_errno(err, ERR_ENVIRONMENT, "mapping the frames of a native layout");
    }
    native->frames = at;
    return true;
}

#define LIMIT_SLACK                                                                            \
    16 /* mappings that the kernel counts and does not show, or the other way round */

/* Whether it is their number that the kernel refuses, and not memory: both are ENOMEM. */
static bool is_at_map_limit(void)
{
    FILE *limit = fopen("/proc/sys/vm/max_map_count", "re");
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[32] = "";
    unsigned long count = LIMIT_SLACK;

    bool known = limit != NULL && maps != NULL && fgets(line, sizeof(line), limit) != NULL;
    for (int c = 0; known && (c = fgetc(maps)) != EOF;) {
        count += c == '\n';
    }
    if (limit != NULL) {
        fclose(limit);
    }
    if (maps != NULL) {
        fclose(maps);
    }
    return known && count >= strtoul(line, NULL, 10);
}

/* Ordinary pages: any page shows any frame, one mapping each. */
static bool map_small(struct native *native, const struct layout_map *map, struct err *err)
{
    int protection = PROT_READ | (native->layout->executable ? PROT_EXEC : PROT_WRITE);
    void *at = map_at(
        map->address, PAGE_BYTES, protection, MAP_SHARED | MAP_POPULATE, native->fd,
        map->frame * PAGE_BYTES);

    if (at == (void *)(uintptr_t)map->address) {
        return true;
    }
    if (errno == ENOMEM) {
        bool limit = is_at_map_limit();
        errno = ENOMEM;
        return err_set_errno(
            err, ERR_ENVIRONMENT, "mapping page %zu of a native layout%s", native->mapped,
            limit ? " (more mappings are allowed by: sudo sysctl vm.max_map_count=262144)"
                  : "");
    }
    return err_set_errno(
        err, ERR_ENVIRONMENT, "mapping a native page at 0x%llx",
        (unsigned long long)map->address);
}

/* Large pages: private memory, which the host gives as it is asked to. */
static bool map_large(struct native *native, const struct layout_map *map, struct err *err)
{
    uint64_t bytes = layout_leaf_bytes(native->layout);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;

    /* Pages of the pool must be promised now: a touch that finds none is a SIGBUS. */
    if (native->layout->backing == LAYOUT_HUGETLB) {
        flags |= MAP_HUGETLB | (native->layout->level == 2 ? 21 << 26 : 30 << 26);
    } else {
        flags |= MAP_NORESERVE;
    }
    void *at = map_at(map->address, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (at != (void *)(uintptr_t)map->address) {
        return err_set_errno(
            err, ERR_ENVIRONMENT,
            "mapping a large native page (sudo sysctl vm.nr_hugepages=64)");
    }
    if (native->layout->backing == LAYOUT_THP && madvise(at, bytes, MADV_HUGEPAGE) != 0) {
        munmap(at, bytes);
        return err_set_errno(err, ERR_ENVIRONMENT, "asking for transparent huge pages");
    }
    return true;
}

bool native_map(struct native *native, const struct layout *layout, struct err *err)
{
    *native = (struct native){
        .fd = -1, .layout = layout, .bytes = layout->frame_count * layout_leaf_bytes(layout)};
    bool ok = layout->level == 1 ? open_frames(native, err)
                                 : !layout->shared || native_shared_open(native, err);

    while (ok && native->mapped < layout->map_count) {
        const struct layout_map *map = &layout->maps[native->mapped];
        ok = layout->level == 1 ? map_small(native, map, err)
             : layout->shared   ? native_shared_map(native, map, err)
                                : map_large(native, map, err);
        native->mapped += ok;
    }
    if (!ok) {
        native_unmap(native);
    }
    return ok;
}

void native_unmap(struct native *native)
{
    for (size_t i = 0; i < native->mapped; i++) {
        munmap(
            (void *)(uintptr_t)native->layout->maps[i].address,
            layout_leaf_bytes(native->layout));
    }
    if (native->frames != NULL) {
        munmap(native->frames, native->bytes);
    }
    if (native->layout != NULL && native->fd >= 0) {
        close(native->fd);
    }
    *native = (struct native){.fd = -1};
}

uint8_t *native_frame(const struct native *native, uint32_t frame)
{
    const struct layout *layout = native->layout;

    if (layout->level > 1) {
        size_t first = layout->shared ? layout->map_count - layout->frame_count : 0;
        return (uint8_t *)(uintptr_t)layout->maps[first + frame].address;
    }
    return native->frames + frame * PAGE_BYTES;
}

void native_run(enum exp_routine routine, struct exp_args *args)
{
    struct exp_args *block = (struct exp_args *)EXP_ARGS;
    void (*call)(struct exp_args *) =
        (void (*)(struct exp_args *))(uintptr_t)image_header()->routine[routine];

    *block = *args;
    block->routine = image_header()->routine[routine];
    call(block);
    *args = *block;
}
