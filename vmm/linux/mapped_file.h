/*
 * read(2), write(2) and the like on a file that a process has mapped shared: both sides must see the same.  It
 * refuses to know how pages are kept (fault/writeback.h); without such a mapping it costs one look at
 * a counter.
 */
#ifndef LINUX_MAPPED_FILE_H
#define LINUX_MAPPED_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "linux/descriptors.h"
#include "linux/process.h"

/* What is about to be written. */
struct mapped_file {
    struct object *object; /* borrows; NULL: nobody has it mapped, or it is no regular file */
    int64_t offset;        /* in the file */
};

/*
 * Before `bytes` are moved: what programs have written to mapped pages there goes to the file.
 * offset: in the file, negative: at its position.  Return 0 or an errno.
 */
MUST_CHECK int mapped_file_before_read(
    struct process *process, const struct open_file *file, int64_t offset, size_t bytes);
MUST_CHECK int mapped_file_before_write(
    struct mapped_file *mapped,
    struct process *process,
    const struct open_file *file,
    int64_t offset,
    size_t bytes);

/* Before the host is asked to put a file on its disk: all that was written to mapped pages goes to it.
 * Return 0 or an errno. */
MUST_CHECK int mapped_file_before_sync(struct process *process, const struct open_file *file);

/* After a file may have become shorter: pages behind its end are no longer there. */
void mapped_file_after_cut(struct process *process, const struct open_file *file);

/* After `bytes` were written: pages in memory take them over. */
void mapped_file_after_write(
    const struct mapped_file *mapped, struct process *process, size_t bytes);

#endif
