/*
 * Host access to guest memory, page by page through the tables; see access.h.  Where the walk
 * fails the pager decides, exactly as for the program.
 */
#include "fault/access.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"

/* One brings the page in, from swap for instance, and one more makes it the program's own. */
#define FAULTS_MAX 2

/* A page that is closed to ring 3 (space/memory.h), but not taken away from the program. */
static bool is_closed(const struct space *space, struct gva address)
{
    const struct region *region =
        space->memory->closed != 0 ? regions_find(space->regions, address) : NULL;

    return region != NULL && region->spec.permissions != 0;
}

static bool walk_allows(
    const struct space *space, struct gva address, const struct ptab_walk *walk, bool write)
{
    return walk->present && (walk->user || is_closed(space, address)) &&
           (!write || walk->writable);
}

static bool fault_in(struct access *access, struct gva address, bool write)
{
    struct fault_record record = {
        .address = address.value,
        .rip = access->rip.value,
        .access = (uint8_t)(RECORD_HOST | (write ? RECORD_WRITE : 0)),
    };
    struct region *region;
    struct pager_signal signal;
    uint64_t begin_ns = clock_now_ns();
    bool resolved = pager_fault(access->space, &record, &signal, &region);

    record.time_ns = begin_ns;
    record.service_ns = clock_saturate_ns(clock_now_ns() - begin_ns);
    if (access->on_fault != NULL) {
        access->on_fault(access->context, &record, region);
    }
    return resolved;
}

/* The CPU would have set these; a page written by the host is as dirty as any. */
static void mark(struct space *space, const struct ptab_walk *walk, bool write)
{
    const uint64_t bits = PTE_ACCESSED | (write ? PTE_DIRTY : 0);
    struct ptab_slot slot = {.entry_gpa = walk->entry_gpa[walk->level], .level = walk->level};

    if ((walk->entry[walk->level] & bits) != bits) {
        slot.entry = gmem_hva(ptab_pool_mem(space->ptab.pool), slot.entry_gpa);
        space_upgrade_leaf(space, slot, walk->entry[walk->level] | bits);
    }
}

void *access_page(struct access *access, struct gva address, bool write, size_t *bytes)
{
    struct space *space = access->space;
    struct ptab_walk walk;

    if (address.value >= LAYOUT_USER_END) {
        return NULL;
    }
    ptab_walk(&space->ptab, address, &walk);
    for (unsigned faults = 0; !walk_allows(space, address, &walk, write); faults++) {
        if (faults == FAULTS_MAX || !fault_in(access, address, write)) {
            return NULL;
        }
        ptab_walk(&space->ptab, address, &walk);
    }
    mark(space, &walk, write);
    *bytes = PAGE_BYTES - (address.value & (PAGE_BYTES - 1));
    return gmem_hva(ptab_pool_mem(space->ptab.pool), walk.gpa);
}

void access_tell(const struct access *access, struct gva address, size_t bytes, bool write)
{
    if (access->on_touch != NULL) {
        access->on_touch(access->context, access, address, bytes, write);
    }
}

int access_read(struct access *access, void *to, struct gva from, size_t bytes)
{
    uint8_t *out = to;

    while (bytes > 0) {
        size_t here;
        const void *page = access_page(access, from, false, &here);
        if (page == NULL) {
            return EFAULT;
        }
        here = here < bytes ? here : bytes;
        memcpy(out, page, here);
        access_tell(access, from, here, false);
        out += here;
        from = gva_add(from, here);
        bytes -= here;
    }
    return 0;
}

int access_write(struct access *access, struct gva to, const void *from, size_t bytes)
{
    const uint8_t *in = from;

    while (bytes > 0) {
        size_t here;
        void *page = access_page(access, to, true, &here);
        if (page == NULL) {
            return EFAULT;
        }
        here = here < bytes ? here : bytes;
        memcpy(page, in, here);
        access_tell(access, to, here, true);
        in += here;
        to = gva_add(to, here);
        bytes -= here;
    }
    return 0;
}

int access_read_string(struct access *access, char *to, struct gva from, size_t bytes)
{
    while (bytes > 0) {
        size_t here;
        const char *page = access_page(access, from, false, &here);
        if (page == NULL) {
            return EFAULT;
        }
        here = here < bytes ? here : bytes;
        const char *end = memchr(page, '\0', here);
        size_t take = end == NULL ? here : (size_t)(end - page) + 1;
        memcpy(to, page, take);
        access_tell(access, from, take, false);
        if (end != NULL) {
            return 0;
        }
        to += take;
        from = gva_add(from, take);
        bytes -= take;
    }
    return ENAMETOOLONG;
}
