/*
 * The host's own access to a program's memory, on behalf of a request: the same regions,
 * permissions and pager as for the program itself, and every fault on the way is recorded as
 * "host access". Guest memory is never trusted in place: callers copy in once, look at the
 * copy, and copy out.
 */
#ifndef FAULT_ACCESS_H
#define FAULT_ACCESS_H

#include <stddef.h>

#include "fault/pager.h"
#include "space/space.h"

struct access {
    struct space *space; /* borrows */
    struct gva rip;      /* of the request in service, for the records */
    /* Told of each fault that was decided, with time_ns still on CLOCK_MONOTONIC; may be NULL. */
    void (*on_fault)(void *context, struct fault_record *record, struct region *region);
    /* Told of what was read or written, a part within one page at a time; may be NULL. */
    void (*on_touch)(
        void *context,
        const struct access *access,
        struct gva address,
        size_t bytes,
        bool write);
    void *context;
};

/*
 * Copy between host and guest memory.  Return 0 or EFAULT: part of the range is not the
 * program's to read (write), or no frame was left for it.  A prefix may have been copied then.
 */
MUST_CHECK int access_read(struct access *access, void *to, struct gva from, size_t bytes);
MUST_CHECK int
access_write(struct access *access, struct gva to, const void *from, size_t bytes);

/* Copy a NUL-terminated string of at most `bytes` with its NUL.  0, EFAULT, or ENAMETOOLONG. */
MUST_CHECK int
access_read_string(struct access *access, char *to, struct gva from, size_t bytes);

/*
 * Host pointer to the page at `address`, and how many bytes from there on lie in it: for
 * handing guest memory to a host system call without a copy.  NULL where access_read
 * (access_write) would say EFAULT.  Valid until the address space changes or
 * another page is asked for.
 */
void *access_page(struct access *access, struct gva address, bool write, size_t *bytes);
/* To be called by who has used memory by access_page, for access->on_touch; all in one page. */
void access_tell(const struct access *access, struct gva address, size_t bytes, bool write);

#endif
