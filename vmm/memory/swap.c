/*
 * Owns the swap file and a record of eight bytes for each of its slots.  It refuses to know who
 * the pages belong to.  Read vmm/fault/evict.c for who writes, vmm/fault/pager.c for who reads.
 */
#include "memory/swap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct slot {
    uint32_t references;
    uint32_t
        frame; /* in use: the frame + 1 with the same contents, 0 for none; free: the list */
};

struct swap {
    int fd;             /* owns */
    char *name;         /* owns: for messages */
    struct slot *slots; /* owns; a mapping, so that slots cost nothing before first use */
    uint32_t count;
    uint32_t fresh; /* slots from here on were never used */
    uint32_t free;  /* list of those that came back */
    uint32_t used;
    uint64_t writes, reads;
    char error[256];
};

static bool open_nameless(struct swap *swap, struct err *err)
{
    const char *folder = getenv("TMPDIR");

    if (folder == NULL || folder[0] == '\0') {
        folder = "/tmp";
    }
    swap->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (swap->fd < 0) {
        return err_set_errno(
            err, ERR_ENVIRONMENT, "--swap: cannot make a temporary file in %s", folder);
    }
    swap->name = strdup("(temporary)");
    return swap->name != NULL || err_set_errno(err, ERR_ENVIRONMENT, "--swap");
}

static bool open_named(struct swap *swap, const char *path, struct err *err)
{
    struct stat status;

    swap->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (swap->fd < 0) {
        return err_set_errno(err, ERR_INPUT, "--swap: cannot open %s for writing", path);
    }
    if (fstat(swap->fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return err_set(err, ERR_INPUT, "--swap: %s is not a regular file", path);
    }
    swap->name = strdup(path);
    return swap->name != NULL || err_set_errno(err, ERR_ENVIRONMENT, "--swap");
}

static bool set_size(struct swap *swap, uint64_t bytes, struct err *err)
{
    struct stat status;

    if (fstat(swap->fd, &status) != 0) {
        return err_set_errno(err, ERR_ENVIRONMENT, "--swap: %s", swap->name);
    }
    if (bytes == 0) {
        bytes = (uint64_t)status.st_size;
    }
    if (bytes < PAGE_BYTES) {
        return err_set(
            err, ERR_INPUT,
            "--swap: %s is empty: say how large it may become, as in "
            "--swap %s,size=1G",
            swap->name, swap->name);
    }
    if ((uint64_t)status.st_size < bytes && ftruncate(swap->fd, (off_t)bytes) != 0) {
        return err_set_errno(err, ERR_INPUT, "--swap: cannot make %s so large", swap->name);
    }
    if (bytes / PAGE_BYTES >= SWAP_NONE) {
        return err_set(err, ERR_INPUT, "--swap: %s: at most 16 TiB", swap->name);
    }
    swap->count = (uint32_t)(bytes / PAGE_BYTES);
    return true;
}

bool swap_create(struct swap **swap, const char *path, uint64_t bytes, struct err *err)
{
    struct swap *made = calloc(1, sizeof(*made));

    *swap = NULL;
    if (made == NULL) {
        return err_set_errno(err, ERR_ENVIRONMENT, "--swap");
    }
    made->fd = -1;
    made->free = SWAP_NONE;
    bool ok = (path == NULL ? open_nameless(made, err) : open_named(made, path, err)) &&
              set_size(made, bytes, err);
    if (ok) {
        void *slots = mmap(
            NULL, made->count * sizeof(struct slot), PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        ok = slots != MAP_FAILED || err_set_errno(err, ERR_ENVIRONMENT, "--swap: slot records");
        made->slots = slots == MAP_FAILED ? NULL : slots;
    }
    if (!ok) {
        swap_destroy(made);
        return false;
    }
    *swap = made;
    return true;
}

void swap_destroy(struct swap *swap)
{
    if (swap == NULL) {
        return;
    }
    if (swap->slots != NULL) {
        munmap(swap->slots, swap->count * sizeof(struct slot));
    }
    if (swap->fd >= 0) {
        close(swap->fd);
    }
    free(swap->name);
    free(swap);
}

uint32_t swap_alloc(struct swap *swap)
{
    uint32_t slot = swap->free;

    if (slot != SWAP_NONE) {
        swap->free = swap->slots[slot].frame;
    } else if (swap->fresh < swap->count) {
        slot = swap->fresh++;
    } else {
        return SWAP_NONE;
    }
    swap->slots[slot] = (struct slot){.references = 1};
    swap->used++;
    return slot;
}

void swap_get(struct swap *swap, uint32_t slot)
{
    assert(swap->slots[slot].references > 0);
    swap->slots[slot].references++;
}

void swap_put(struct swap *swap, uint32_t slot)
{
    assert(swap->slots[slot].references > 0);
    if (--swap->slots[slot].references == 0) {
        swap->slots[slot].frame = swap->free;
        swap->free = slot;
        swap->used--;
    }
}

uint32_t swap_references(const struct swap *swap, uint32_t slot)
{
    return slot < swap->count ? swap->slots[slot].references : 0;
}

uint32_t swap_frame(const struct swap *swap, uint32_t slot)
{
    return swap->slots[slot].frame == 0 ? FRAMES_NONE : swap->slots[slot].frame - 1;
}

void swap_set_frame(struct swap *swap, uint32_t slot, uint32_t frame)
{
    swap->slots[slot].frame = frame == FRAMES_NONE ? 0 : frame + 1;
}

static bool fail(struct swap *swap, const char *verb, uint32_t slot, ssize_t done)
{
    if (swap->error[0] == '\0') {
        snprintf(
            swap->error, sizeof(swap->error), "swap file %s: cannot %s slot %u: %s", swap->name,
            verb, slot, done < 0 ? strerror(errno) : "the file is shorter than it was");
    }
    return false;
}

bool swap_write(struct swap *swap, uint32_t slot, const void *page)
{
    ssize_t done = pwrite(swap->fd, page, PAGE_BYTES, (off_t)slot * (off_t)PAGE_BYTES);

    swap->writes++;
    return done == (ssize_t)PAGE_BYTES || fail(swap, "write", slot, done);
}

bool swap_read(struct swap *swap, uint32_t slot, void *page)
{
    ssize_t done = pread(swap->fd, page, PAGE_BYTES, (off_t)slot * (off_t)PAGE_BYTES);

    swap->reads++;
    return done == (ssize_t)PAGE_BYTES || fail(swap, "read", slot, done);
}

const char *swap_error(const struct swap *swap)
{
    return swap->error[0] != '\0' ? swap->error : NULL;
}

uint32_t swap_total(const struct swap *swap)
{
    return swap->count;
}

uint32_t swap_used(const struct swap *swap)
{
    return swap->used;
}

uint64_t swap_writes(const struct swap *swap)
{
    return swap->writes;
}

uint64_t swap_reads(const struct swap *swap)
{
    return swap->reads;
}
