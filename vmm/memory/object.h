/*
 * Objects: memory that several mappings show, a file's pages or anonymous memory shared by
 * processes.  An object knows for each of its pages the frame that holds it, or the swap slot.
 * It refuses to know where it is mapped (regions and the reverse map do) and never decides what
 * goes out.
 *
 * Each resident page holds one reference of its frame, so that a page stays when its last
 * mapping goes and is found again by the next.
 */
#ifndef MEMORY_OBJECT_H
#define MEMORY_OBJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "memory/frames.h"
#include "memory/swap.h"

struct object_page {
    uint64_t index; /* page number in the object */
    uint32_t frame; /* FRAMES_NONE: not in memory */
    uint32_t slot;  /* SWAP_NONE: not in swap */
    bool in_use;
};

struct objects;

struct object {
    struct objects *owner; /* borrows */
    uint32_t number;
    uint32_t references; /* regions that show it */
    int fd;              /* owns; -1: anonymous */
    bool writable;       /* the file may be written back */
    dev_t device;        /* of the file: who it is */
    ino_t inode;
    struct object_page *page; /* owns: a hash table by index, linear probing */
    uint32_t capacity;        /* a power of two */
    uint32_t pages;           /* in use */
};

struct objects {
    struct object **object; /* owns; by number, NULL where one is gone */
    uint32_t count;
    uint32_t files;        /* of them with a file */
    uint32_t dying;        /* of them without a reference, to be collected */
    struct frames *frames; /* borrows */
    struct swap *swap;     /* borrows; may be NULL */
};

void objects_create(struct objects *objects, struct frames *frames, struct swap *swap);
void objects_destroy(struct objects *objects); /* nothing is written back */

/*
 * The object of a file, the same for each call on the same file.  fd: of the file; duplicated.
 * The new reference is the caller's.  Returns 0 or an errno.
 */
MUST_CHECK int
objects_open_file(struct objects *objects, int fd, bool writable, struct object **object);
MUST_CHECK int objects_new_anonymous(struct objects *objects, struct object **object);
struct object *objects_find_file(const struct objects *objects, dev_t device, ino_t inode);

struct object *object_get(struct object *object); /* accepts NULL */
void object_put(struct object *object);           /* accepts NULL */

/*
 * Take apart the objects that have no reference left, once no page table shows them any more:
 * dirty pages of files are written back, and all pages given up through `release` (one
 * reference of each frame).
 */
typedef void object_release_fn(void *context, uint32_t frame);
void objects_collect(struct objects *objects, object_release_fn *release, void *context);

/* The page's record, or NULL where it has none yet. */
struct object_page *object_find(const struct object *object, uint64_t index);
/* The same, made if there is none; NULL: no memory.  Valid until the next call. */
struct object_page *object_make(struct object *object, uint64_t index);

/* Read a page from the file: bytes behind its end read zero.  0, or EIO (errno) — and EFAULT when
 * the whole page lies behind the end of the file (SIGBUS for a program). */
MUST_CHECK int object_read(const struct object *object, uint64_t index, void *page);
/* Write a page back, as far as the file goes.  0 or an errno. */
MUST_CHECK int object_write(const struct object *object, uint64_t index, const void *page);

#endif
