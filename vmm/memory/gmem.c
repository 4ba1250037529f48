/*
 * Reserves guest memory and gives it back.  It refuses to know about KVM slots and about who
 * uses which page.  Read frames.c next.
 */
#include "memory/gmem.h"

#include <sys/mman.h>

/* Two halves of a mapping that was made too large, to find an aligned stretch in it, go back. */
static void trim_mapping(uint8_t *begin, uint8_t *keep, uint64_t keep_bytes, uint8_t *end)
{
    if (keep > begin) {
        munmap(begin, (size_t)(keep - begin));
    }
    if (end > keep + keep_bytes) {
        munmap(keep + keep_bytes, (size_t)(end - (keep + keep_bytes)));
    }
}

/*
 * Overcommit stays as the host has it (no MAP_NORESERVE): a guest that asks for more than the
 * host could ever give is told so here, and not by the OOM killer later.
 */
bool gmem_create(struct gmem *mem, uint64_t bytes, struct err *err)
{
    assert(bytes > 0 && bytes % LARGE_BYTES == 0);
    *mem = (struct gmem){0};
    if (bytes > SIZE_MAX - LARGE_BYTES) {
        return err_set(
            err, ERR_ENVIRONMENT,
            "reserving %llu MiB of guest memory: more than can be addressed",
            (unsigned long long)(bytes >> 20));
    }
    uint64_t reserved = bytes + LARGE_BYTES;
    uint8_t *begin =
        mmap(NULL, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (begin == MAP_FAILED) {
        return err_set_errno(
            err, ERR_ENVIRONMENT, "reserving %llu MiB of guest memory",
            (unsigned long long)(bytes >> 20));
    }
    /* 2 MiB leaves of the guest can be 2 MiB pages of the host only where both are aligned. */
    uint64_t skip = (LARGE_BYTES - (uintptr_t)begin % LARGE_BYTES) % LARGE_BYTES;
    uint8_t *hva = begin + skip;
    trim_mapping(begin, hva, bytes, begin + reserved);
    if (madvise(hva, bytes, MADV_DONTFORK) != 0 || madvise(hva, bytes, MADV_DONTDUMP) != 0) {
        err_set_errno(err, ERR_ENVIRONMENT, "keeping guest memory out of forks and core dumps");
        munmap(hva, bytes);
        return false;
    }
    mem->hva = hva;
    mem->bytes = bytes;
    return true;
}

/* Advice: where it is refused, small pages do. */
void gmem_prefer_large(const struct gmem *mem)
{
    (void)madvise(mem->hva, mem->bytes, MADV_HUGEPAGE);
}

void gmem_destroy(struct gmem *mem)
{
    if (mem->hva != NULL) {
        munmap(mem->hva, mem->bytes);
    }
    *mem = (struct gmem){0};
}
