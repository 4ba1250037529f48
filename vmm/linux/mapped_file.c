/*
 * Files that are read, written and mapped at once; see mapped_file.h.  Read fault/writeback.h for the
 * two directions.
 */
#include "linux/mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault/writeback.h"

/* Where a write goes: a file that appends ignores any other wish, as Linux has it. */
static int64_t
place_of(const struct open_file *file, int64_t offset, bool write, const struct stat *status)
{
    if (write && (fcntl(file->fd, F_GETFL) & O_APPEND) != 0) {
        return status->st_size;
    }
    return offset >= 0 ? offset : lseek(file->fd, 0, SEEK_CUR);
}

static int before(
    struct mapped_file *mapped,
    struct process *process,
    const struct open_file *file,
    bool write,
    size_t bytes)
{
    struct memory *memory = process->access.space->memory;
    struct stat status;

    mapped->object = NULL;
    if (memory->objects.files == 0 || !file->regular || fstat(file->fd, &status) != 0) {
        return 0;
    }
    struct object *object = objects_find_file(&memory->objects, status.st_dev, status.st_ino);
    int64_t at = object != NULL ? place_of(file, mapped->offset, write, &status) : -1;
    if (at < 0) {
        return 0;
    }
    *mapped = (struct mapped_file){.object = object, .offset = at};
    if (!object->writable) {
        return 0; /* no page can be dirty */
    }
    uint64_t end = (uint64_t)at + bytes + PAGE_BYTES - 1;
    return writeback_pages(
        memory->pager, object, (uint64_t)at >> PAGE_SHIFT, end >> PAGE_SHIFT);
}

int mapped_file_before_read(
    struct process *process, const struct open_file *file, int64_t offset, size_t bytes)
{
    struct mapped_file mapped = {.offset = offset};

    return before(&mapped, process, file, false, bytes);
}

int mapped_file_before_write(
    struct mapped_file *mapped,
    struct process *process,
    const struct open_file *file,
    int64_t offset,
    size_t bytes)
{
    mapped->offset = offset;
    return before(mapped, process, file, true, bytes);
}

void mapped_file_after_write(
    const struct mapped_file *mapped, struct process *process, size_t bytes)
{
    if (mapped->object != NULL) {
        writeback_reload(
            process->access.space->memory->pager, mapped->object, (uint64_t)mapped->offset,
            bytes);
    }
}
