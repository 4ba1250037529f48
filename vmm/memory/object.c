/*
 * Owns the objects of a machine and the table of pages in each.  It refuses to know about page
 * tables.  Read vmm/fault/pager.c for how a page gets in, vmm/fault/evict.c for how it goes.
 */
#include "memory/object.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_CAPACITY 64

void objects_create(struct objects *objects, struct frames *frames, struct swap *swap)
{
    *objects = (struct objects){.frames = frames, .swap = swap};
}

static void free_object(struct object *object)
{
    if (object->fd >= 0) {
        close(object->fd);
    }
    free(object->page);
    free(object);
}

void objects_destroy(struct objects *objects)
{
    for (uint32_t i = 0; i < objects->count; i++) {
        if (objects->object[i] != NULL) {
            free_object(objects->object[i]);
        }
    }
    free(objects->object);
    *objects = (struct objects){0};
}

/* The lowest free number, as a frame's record holds it. */
static int add(struct objects *objects, struct object *object)
{
    uint32_t number = 0;

    while (number < objects->count && objects->object[number] != NULL) {
        number++;
    }
    if (number == objects->count) {
        struct object **grown =
            realloc(objects->object, (objects->count + 1) * sizeof(*objects->object));
        if (grown == NULL) {
            return ENOMEM;
        }
        objects->object = grown;
        objects->count++;
    }
    objects->object[number] = object;
    object->number = number;
    objects->files += object->fd >= 0 ? 1 : 0;
    return 0;
}

static struct object *new_object(struct objects *objects, int fd)
{
    struct object *object = calloc(1, sizeof(*object));

    if (object == NULL) {
        return NULL;
    }
    *object = (struct object){
        .owner = objects, .references = 1, .fd = fd, .capacity = FIRST_CAPACITY};
    object->page = calloc(object->capacity, sizeof(*object->page));
    if (object->page == NULL) {
        free(object);
        return NULL;
    }
    return object;
}

int objects_new_anonymous(struct objects *objects, struct object **object)
{
    *object = new_object(objects, -1);
    int error = *object == NULL ? ENOMEM : add(objects, *object);

    if (error != 0 && *object != NULL) {
        free_object(*object);
        *object = NULL;
    }
    return error;
}

struct object *objects_find_file(const struct objects *objects, dev_t device, ino_t inode)
{
    for (uint32_t i = 0; objects->files > 0 && i < objects->count; i++) {
        struct object *object = objects->object[i];
        if (object != NULL && object->fd >= 0 && object->device == device &&
            object->inode == inode) {
            return object;
        }
    }
    return NULL;
}

/* A file first mapped for reading gets a descriptor that can write when one comes. */
static void make_writable(struct object *object, int fd)
{
    int writer = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    if (writer >= 0) {
        close(object->fd);
        object->fd = writer;
        object->writable = true;
    }
}

int objects_open_file(struct objects *objects, int fd, bool writable, struct object **object)
{
    struct stat status;

    *object = NULL;
    if (fstat(fd, &status) != 0) {
        return errno;
    }
    struct object *known = objects_find_file(objects, status.st_dev, status.st_ino);
    if (known != NULL) {
        if (writable && !known->writable) {
            make_writable(known, fd);
        }
        *object = object_get(known);
        return 0;
    }
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (own < 0) {
        return errno;
    }
    struct object *made = new_object(objects, own);
    int error = made == NULL ? ENOMEM : add(objects, made);
    if (error != 0) {
        close(own);
        free(made != NULL ? made->page : NULL);
        free(made);
        return error;
    }
    made->writable = writable;
    made->device = status.st_dev;
    made->inode = status.st_ino;
    *object = made;
    return 0;
}

struct object *object_get(struct object *object)
{
    if (object != NULL) {
        if (object->references == 0) {
            object->owner->dying--;
        }
        object->references++;
    }
    return object;
}

void object_put(struct object *object)
{
    if (object != NULL && --object->references == 0) {
        object->owner->dying++;
    }
}

static void
give_up_page(struct objects *objects, struct object *object, const struct object_page *page)
{
    if (page->frame != FRAMES_NONE) {
        const struct frame *record = frames_record(objects->frames, page->frame);
        if (object->fd >= 0 && (record->flags & FRAME_DIRTY) != 0) {
            /* The last mapping is gone: there is nobody to tell of a failure. */
            (void)!object_write(object, page->index, frames_hva(objects->frames, page->frame));
        }
    }
    if (page->slot != SWAP_NONE) {
        swap_put(objects->swap, page->slot);
    }
}

static void collect(
    struct objects *objects, struct object *object, object_release_fn *release, void *context)
{
    for (uint32_t i = 0; i < object->capacity; i++) {
        if (object->page[i].in_use) {
            give_up_page(objects, object, &object->page[i]);
            if (object->page[i].frame != FRAMES_NONE) {
                release(context, object->page[i].frame);
            }
        }
    }
    objects->object[object->number] = NULL;
    objects->files -= object->fd >= 0 ? 1 : 0;
    objects->dying--;
    free_object(object);
}

void objects_collect(struct objects *objects, object_release_fn *release, void *context)
{
    for (uint32_t i = 0; objects->dying > 0 && i < objects->count; i++) {
        if (objects->object[i] != NULL && objects->object[i]->references == 0) {
            collect(objects, objects->object[i], release, context);
        }
    }
}

/* --- pages --- */

/* Knuth's multiplicative hash (TAOCP volume 3, 6.4) for page numbers, which come in runs. */
static uint32_t place_of(const struct object *object, uint64_t index)
{
    return (uint32_t)(index * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (object->capacity - 1);
}

static struct object_page *probe(const struct object *object, uint64_t index)
{
    uint32_t at = place_of(object, index);

    while (object->page[at].in_use && object->page[at].index != index) {
        at = (at + 1) & (object->capacity - 1);
    }
    return &object->page[at];
}

struct object_page *object_find(const struct object *object, uint64_t index)
{
    struct object_page *page = probe(object, index);

    return page->in_use ? page : NULL;
}

static bool grow(struct object *object)
{
    struct object old = *object;
    struct object_page *larger = calloc(2 * (size_t)old.capacity, sizeof(*larger));

    if (larger == NULL) {
        return false;
    }
    object->page = larger;
    object->capacity = 2 * old.capacity;
    for (uint32_t i = 0; i < old.capacity; i++) {
        if (old.page[i].in_use) {
            *probe(object, old.page[i].index) = old.page[i];
        }
    }
    free(old.page);
    return true;
}

struct object_page *object_make(struct object *object, uint64_t index)
{
    struct object_page *page = probe(object, index);

    if (page->in_use) {
        return page;
    }
    if (object->pages >= object->capacity / 4 * 3) {
        if (!grow(object)) {
            return NULL;
        }
        page = probe(object, index);
    }
    *page = (struct object_page){
        .index = index, .frame = FRAMES_NONE, .slot = SWAP_NONE, .in_use = true};
    object->pages++;
    return page;
}

/* --- the file --- */

int object_read(const struct object *object, uint64_t index, void *page)
{
    off_t at = (off_t)(index * PAGE_BYTES);
    size_t done = 0;

    while (done < PAGE_BYTES) {
        ssize_t n =
            pread(object->fd, (uint8_t *)page + done, PAGE_BYTES - done, at + (off_t)done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return EIO;
        }
        if (n == 0) {
            break;
        }
        done += (size_t)n;
    }
    if (done == 0) {
        return EFAULT;
    }
    memset((uint8_t *)page + done, 0, PAGE_BYTES - done);
    return 0;
}

int object_write(const struct object *object, uint64_t index, const void *page)
{
    struct stat status;
    uint64_t at = index * PAGE_BYTES;
    size_t done = 0;

    if (!object->writable || fstat(object->fd, &status) != 0) {
        return EBADF;
    }
    /* Never beyond the end: a mapping does not make a file longer. */
    uint64_t size = (uint64_t)status.st_size;
    size_t bytes = at >= size ? 0 : (size - at < PAGE_BYTES ? size - at : PAGE_BYTES);
    while (done < bytes) {
        ssize_t n =
            pwrite(object->fd, (const uint8_t *)page + done, bytes - done, (off_t)(at + done));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? errno : EIO;
        }
        done += (size_t)n;
    }
    return 0;
}
