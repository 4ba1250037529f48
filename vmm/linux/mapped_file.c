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

static struct memory *memory_of(const struct process *process)
{
    return process->access.space->memory;
}

/* Who has it mapped: NULL, if nobody; *status is filled in otherwise. */
static struct object *
object_of(const struct process *process, const struct open_file *file, struct stat *status)
{
    const struct objects *objects = &memory_of(process)->objects;

    return objects->files != 0 && file->regular && fstat(file->fd, status) == 0
               ? objects_find_file(objects, status->st_dev, status->st_ino)
               : NULL;
}

/* The object stays meanwhile, though its last mapping may be gone already. */
static int
write_pages(struct process *process, struct object *object, uint64_t first, uint64_t end)
{
    if (!object->writable) {
        return 0; /* no page can be dirty */
    }
    object_get(object);
    int error = writeback_pages(memory_of(process)->pager, object, first, end);
    object_put(object);
    return error;
}

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
    struct stat status;
    struct object *object = object_of(process, file, &status);
    int64_t at = object != NULL ? place_of(file, mapped->offset, write, &status) : -1;

    mapped->object = NULL;
    if (object == NULL || at < 0) {
        return 0;
    }
    *mapped = (struct mapped_file){.object = object, .offset = at};
    uint64_t end = (uint64_t)at + bytes + PAGE_BYTES - 1;
    return write_pages(process, object, (uint64_t)at >> PAGE_SHIFT, end >> PAGE_SHIFT);
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

int mapped_file_before_sync(struct process *process, const struct open_file *file)
{
    struct stat status;
    struct object *object = object_of(process, file, &status);

    return object != NULL ? write_pages(process, object, 0, UINT64_MAX) : 0;
}

void mapped_file_after_cut(struct process *process, const struct open_file *file)
{
    struct stat status;
    struct object *object = object_of(process, file, &status);

    if (object != NULL) {
        object_get(object);
        writeback_cut(memory_of(process)->pager, object, (uint64_t)status.st_size);
        object_put(object);
    }
}

void mapped_file_after_write(
    const struct mapped_file *mapped, struct process *process, size_t bytes)
{
    if (mapped->object != NULL) {
        writeback_reload(
            memory_of(process)->pager, mapped->object, (uint64_t)mapped->offset, bytes);
    }
}
