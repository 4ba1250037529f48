/* Descriptors and the open files behind them; see descriptors.h. */
#include "linux/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct open_file *open_file_create(int fd, bool borrowed)
{
    struct open_file *file = malloc(sizeof(*file));
    struct stat status;

    if (file == NULL) {
        if (!borrowed) {
            close(fd);
        }
        return NULL;
    }
    *file = (struct open_file){
        .fd = fd,
        .references = 1,
        .borrowed = borrowed,
        .regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode)};
    return file;
}

void open_file_put(struct open_file *file)
{
    if (file == NULL || --file->references > 0) {
        return;
    }
    if (!file->borrowed) {
        close(file->fd);
    }
    free(file);
}

/* Room for at least `wanted` slots. */
static bool grow(struct descriptors *descriptors, unsigned wanted)
{
    unsigned capacity = descriptors->capacity != 0 ? descriptors->capacity : 16;

    if (wanted <= descriptors->capacity) {
        return true;
    }
    while (capacity < wanted) {
        capacity *= 2;
    }
    struct descriptor *slot = realloc(descriptors->slot, capacity * sizeof(*slot));
    if (slot == NULL) {
        return false;
    }
    memset(slot + descriptors->capacity, 0, (capacity - descriptors->capacity) * sizeof(*slot));
    descriptors->slot = slot;
    descriptors->capacity = capacity;
    return true;
}

int descriptors_create(struct descriptors *descriptors)
{
    *descriptors = (struct descriptors){0};
    if (!grow(descriptors, 3)) {
        return ENOMEM;
    }
    for (int fd = 0; fd <= 2; fd++) {
        int flags = fcntl(fd, F_GETFL);
        if (flags < 0) {
            continue;
        }
        struct open_file *file = open_file_create(fd, true);
        if (file == NULL) {
            descriptors_destroy(descriptors);
            return ENOMEM;
        }
        file->nonblocking = (flags & O_NONBLOCK) != 0;
        descriptors->slot[fd].file = file;
    }
    int directory = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    descriptors->directory = directory >= 0 ? open_file_create(directory, false) : NULL;
    if (descriptors->directory == NULL) {
        descriptors_destroy(descriptors);
        return ENOMEM;
    }
    return 0;
}

int descriptors_copy(struct descriptors *to, const struct descriptors *from)
{
    *to = (struct descriptors){0};
    if (!grow(to, from->capacity)) {
        return ENOMEM;
    }
    for (unsigned i = 0; i < from->capacity; i++) {
        to->slot[i] = from->slot[i];
        if (to->slot[i].file != NULL) {
            to->slot[i].file->references++;
        }
    }
    to->directory = from->directory;
    to->directory->references++;
    return 0;
}

void descriptors_destroy(struct descriptors *descriptors)
{
    for (unsigned i = 0; i < descriptors->capacity; i++) {
        open_file_put(descriptors->slot[i].file);
    }
    open_file_put(descriptors->directory);
    free(descriptors->slot);
    *descriptors = (struct descriptors){0};
}

/* A descriptor is an int to Linux: the upper half of the register does not count. */
struct descriptor *descriptors_slot(const struct descriptors *descriptors, uint64_t fd)
{
    uint32_t number = (uint32_t)fd;

    return number < descriptors->capacity && descriptors->slot[number].file != NULL
               ? &descriptors->slot[number]
               : NULL;
}

struct open_file *descriptors_get(const struct descriptors *descriptors, uint64_t fd)
{
    const struct descriptor *slot = descriptors_slot(descriptors, fd);

    return slot != NULL ? slot->file : NULL;
}

int64_t descriptors_add(
    struct descriptors *descriptors,
    struct open_file *file,
    uint64_t lowest,
    bool close_on_exec)
{
    uint32_t fd = (uint32_t)lowest;

    if (fd >= DESCRIPTORS_MAX) {
        open_file_put(file);
        return -EINVAL;
    }
    while (fd < descriptors->capacity && descriptors->slot[fd].file != NULL) {
        fd++;
    }
    if (fd >= DESCRIPTORS_MAX || !grow(descriptors, fd + 1)) {
        open_file_put(file);
        return fd >= DESCRIPTORS_MAX ? -EMFILE : -ENOMEM;
    }
    descriptors->slot[fd] = (struct descriptor){.file = file, .close_on_exec = close_on_exec};
    return fd;
}

int64_t descriptors_put_at(
    struct descriptors *descriptors, struct open_file *file, uint64_t fd, bool close_on_exec)
{
    uint32_t number = (uint32_t)fd;

    if (number >= DESCRIPTORS_MAX || !grow(descriptors, number + 1)) {
        open_file_put(file);
        return number >= DESCRIPTORS_MAX ? -EBADF : -ENOMEM;
    }
    open_file_put(descriptors->slot[number].file);
    descriptors->slot[number] =
        (struct descriptor){.file = file, .close_on_exec = close_on_exec};
    return number;
}

int64_t descriptors_close(struct descriptors *descriptors, uint64_t fd)
{
    struct descriptor *slot = descriptors_slot(descriptors, fd);

    if (slot == NULL) {
        return -EBADF;
    }
    open_file_put(slot->file);
    *slot = (struct descriptor){0};
    return 0;
}

void descriptors_close_on_exec(struct descriptors *descriptors)
{
    for (unsigned fd = 0; fd < descriptors->capacity; fd++) {
        if (descriptors->slot[fd].close_on_exec) {
            descriptors_close(descriptors, fd);
        }
    }
}
