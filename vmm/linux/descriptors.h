/*
 * The descriptors of one process: small numbers that stand for open files of the host.  An open
 * file is counted, so that dup and fork share it with its offset, as open file descriptions are
 * shared on Linux.  It refuses to know what is read or written (streams.c).
 */
#ifndef LINUX_DESCRIPTORS_H
#define LINUX_DESCRIPTORS_H

#include <stdbool.h>
#include <stdint.h>

#define DESCRIPTORS_MAX 1024 /* as Linux's soft RLIMIT_NOFILE */

struct open_file {
    /* Of the host, close-on-exec and O_NONBLOCK; a standard stream of vmm is left as it is. */
    int fd;
    unsigned references;
    bool borrowed;    /* never closed: a standard stream */
    bool regular;     /* a regular file: never blocks */
    bool nonblocking; /* O_NONBLOCK as the program sees it; the host's file may differ */
};

struct descriptor {
    struct open_file *file; /* counted; NULL: not open */
    bool close_on_exec;
};

struct descriptors {
    struct descriptor *slot; /* owns */
    unsigned capacity;
    struct open_file *directory; /* counted: the working directory, opened O_PATH */
};

/* Takes fd over (closes it on failure).  One reference, the caller's.  NULL: no memory. */
struct open_file *open_file_create(int fd, bool borrowed);
void open_file_put(struct open_file *file); /* accepts NULL */

/* vmm's standard streams as far as they are open, and its working directory.  0 or an errno. */
int descriptors_create(struct descriptors *descriptors);
/* What a child has.  0 or ENOMEM. */
int descriptors_copy(struct descriptors *to, const struct descriptors *from);
void descriptors_destroy(struct descriptors *descriptors); /* accepts a zeroed struct */

/* The open file, or NULL. */
struct open_file *descriptors_get(const struct descriptors *descriptors, uint64_t fd);
struct descriptor *descriptors_slot(const struct descriptors *descriptors, uint64_t fd);

/* The lowest free number from `lowest` on now stands for file, whose reference it takes over.
 * The number, or -EMFILE, -EINVAL, -ENOMEM: then the reference is dropped. */
int64_t descriptors_add(
    struct descriptors *descriptors,
    struct open_file *file,
    uint64_t lowest,
    bool close_on_exec);
/* The same at exactly fd, closing what it stood for. */
int64_t descriptors_put_at(
    struct descriptors *descriptors, struct open_file *file, uint64_t fd, bool close_on_exec);
/* Those that exec closes. */
void descriptors_close_on_exec(struct descriptors *descriptors);
/* 0 or -EBADF. */
int64_t descriptors_close(struct descriptors *descriptors, uint64_t fd);

#endif
