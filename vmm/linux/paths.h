/*
 * From a path of the program to one that the host can be given: which folder it starts in, and
 * what the few names mean that would be vmm's own files instead of the program's.
 */
#ifndef LINUX_PATHS_H
#define LINUX_PATHS_H

#include <limits.h>
#include <sys/types.h>

#include "linux/process.h"

struct path {
    int folder; /* for the *at calls of the host; AT_FDCWD where the name is absolute */
    bool own;   /* the name stands for one of the program's open files: may be followed */
    char name[PATH_MAX];
};

/* Read the path at `at`, relative to the program's `folder` (AT_FDCWD or a descriptor).  0,
 * -EFAULT, -ENAMETOOLONG, -EBADF, -ENOENT.  An empty name is left to the caller. */
int64_t path_read(struct process *process, uint64_t folder, uint64_t at, struct path *path);
/* The same for a name that is not in the program's memory; relative to its working directory. */
int64_t path_place(struct process *process, const char *name, struct path *path);

/*
 * Open it as the program would, with the host's flags and the process's file mode mask: an open
 * descriptor of the host, or -errno.  Of vmm's own files in /proc none is there.
 */
int path_open(const struct process *process, const struct path *path, int flags, mode_t mode);

#endif
