/*
 * Maps frames of 2 MiB under many names into this process.  Shared memory is large only by the pool of
 * hugetlb or where the kernel is told to make large pages for it; which it did, only it can say.
 * Read native.c for everything else of the native side.
 */
#include "measure/native_shared.h"

#include <inttypes.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <unistd.h>

bool native_shared_open(struct native *native, struct err *err)
{
    bool pool = native->layout->backing == LAYOUT_HUGETLB;

    native->fd =
        memfd_create("vmm-measure", MFD_CLOEXEC | (pool ? MFD_HUGETLB | MFD_HUGE_2MB : 0));
    if (native->fd < 0 || ftruncate(native->fd, (off_t)native->bytes) != 0) {
        return err_set_errno(
            err, ERR_ENVIRONMENT, "memory for pages of 2 MiB that share frames");
    }
    return true;
}

bool native_shared_map(struct native *native, const struct layout_map *map, struct err *err)
{
    void *wanted = (void *)(uintptr_t)map->address;
    void *at = mmap(
        wanted, LARGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE,
        native->fd, (off_t)(map->frame * LARGE_BYTES));

    if (at != wanted) {
        return err_set_errno(
            err, ERR_ENVIRONMENT,
            "mapping page %zu of 2 MiB over shared memory (sudo sysctl vm.nr_hugepages=64)",
            native->mapped);
    }
    if (native->layout->backing == LAYOUT_THP && madvise(at, LARGE_BYTES, MADV_HUGEPAGE) != 0) {
        err_set_errno(err, ERR_ENVIRONMENT, "asking for transparent huge pages");
        munmap(at, LARGE_BYTES);
        return false;
    }
    (void)*(const volatile uint8_t *)at;
    return true;
}

uint64_t native_shared_count_large(FILE *smaps, uint64_t begin, uint64_t end)
{
    char line[512];
    uint64_t bytes = 0;
    bool inside = false;

    while (fgets(line, sizeof(line), smaps) != NULL) {
        uint64_t first;
        uint64_t last;
        uint64_t kilobytes;
        /* A mapping's line begins with its address, all others with a capital letter. */
        if (line[0] < 'A' || line[0] > 'Z') {
            inside = sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &first, &last) == 2 &&
                     first >= begin && last <= end;
        } else if (
            inside && (sscanf(line, "ShmemPmdMapped: %" SCNu64 " kB", &kilobytes) == 1 ||
                       sscanf(line, "FilePmdMapped: %" SCNu64 " kB", &kilobytes) == 1)) {
            bytes += kilobytes << 10;
        }
    }
    return bytes;
}

bool native_shared_is_large(const struct native *native, struct err *err)
{
    const struct layout *layout = native->layout;
    /* The control's pages: each frame once, one behind the other. */
    uint64_t begin = layout->maps[layout->map_count - layout->frame_count].address;

    if (layout->backing == LAYOUT_HUGETLB) {
        return true;
    }
    FILE *smaps = fopen("/proc/self/smaps", "re");
    if (smaps == NULL) {
        return err_set_errno(err, ERR_ENVIRONMENT, "reading /proc/self/smaps");
    }
    uint64_t large = native_shared_count_large(smaps, begin, begin + native->bytes);
    fclose(smaps);
    if (large >= native->bytes) {
        return true;
    }
    return err_set(
        err, ERR_ENVIRONMENT,
        "shared memory has small pages here (sudo sysctl vm.nr_hugepages=64, or echo advise | "
        "sudo tee /sys/kernel/mm/transparent_hugepage/shmem_enabled)");
}
