/*
 * Shared file mappings and their files in step: dirty pages go to the file when the program asks
 * (msync), before it reads the file, and at the end; pages in memory are read again after it wrote
 * to the file.
 */
#ifndef FAULT_WRITEBACK_H
#define FAULT_WRITEBACK_H

#include "fault/pager.h"

/* Write the dirty pages in [first, end) of a file's object and mark them clean.  0 or an errno; the
 * rest was tried all the same. */
MUST_CHECK int
writeback_pages(struct pager *pager, struct object *object, uint64_t first, uint64_t end);

/* The file was changed in [offset, offset + bytes): pages in memory take that over. */
void writeback_reload(
    struct pager *pager, struct object *object, uint64_t offset, uint64_t bytes);

/* All files, as at the end of a run. */
MUST_CHECK int writeback_all(struct pager *pager);

#endif
