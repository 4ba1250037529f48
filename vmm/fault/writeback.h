/*
 * Shared file mappings and their files in step: dirty pages go to the file when the program asks
 * (msync), before it reads the file, and at the end; pages in memory are read again after it wrote
 * to the file.
 */
#ifndef FAULT_WRITEBACK_H
#define FAULT_WRITEBACK_H

#include "fault/pager.h"

/* Write the dirty pages in [first, end), first <= end, of a file's object and mark them clean.  0 or an errno; the
 * rest was tried all the same. */
MUST_CHECK int
writeback_pages(struct pager *pager, struct object *object, uint64_t first, uint64_t end);

/* The file was changed in [offset, offset + bytes): pages in memory take that over. */
void writeback_reload(
    struct pager *pager, struct object *object, uint64_t offset, uint64_t bytes);

/* The file ends at `size` bytes now: pages behind that go, with what was written to them, and the rest
 * of the last one reads zero. */
void writeback_cut(struct pager *pager, struct object *object, uint64_t size);

/* All files, as at the end of a run. */
MUST_CHECK int writeback_all(struct pager *pager);

#endif
