/*
 * The temporary file behind nextuse.h.  Batch b of NEXTUSE_BATCH touches lies at b * 8 *
 * NEXTUSE_BATCH: first its page numbers, then, once known, its next uses.  It is read and
 * written, not mapped, because a full disk is then an error value instead of a signal.  Read
 * nextuse.h for the contract.
 */
#include "replay/nextuse.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/sim.h"

#define HALF_BYTES ((size_t)NEXTUSE_BATCH * sizeof(uint32_t))

struct nextuse {
    int file;       /* owns */
    uint32_t *ids;  /* owns: one batch */
    uint32_t *next; /* owns: one batch */
    uint64_t count; /* touches in all */
    size_t waiting; /* touches in ids that are not in the file yet */
    uint32_t last;  /* page of the last touch */
    bool finished;
    uint64_t batch; /* to be read next */
};

static const char *folder_of_temporary(void)
{
    const char *folder = getenv("TMPDIR");

    return folder != NULL && folder[0] != '\0' ? folder : "/tmp";
}

/* A file without a name; where the file system has none such, one whose name is gone at once. */
static int open_temporary(const char *folder)
{
    char path[4096];
    int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (file >= 0 ||
        snprintf(path, sizeof(path), "%s/vmm-XXXXXX", folder) >= (int)sizeof(path)) {
        return file;
    }
    file = mkostemp(path, O_CLOEXEC);
    if (file >= 0) {
        unlink(path);
    }
    return file;
}

bool nextuse_create(struct nextuse **out, struct err *err)
{
    const char *folder = folder_of_temporary();
    struct nextuse *nextuse = calloc(1, sizeof(*nextuse));

    *out = NULL;
    if (nextuse == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for the next uses");
    }
    nextuse->last = UINT32_MAX;
    nextuse->ids = malloc(HALF_BYTES);
    nextuse->next = malloc(HALF_BYTES);
    nextuse->file = open_temporary(folder);
    if (nextuse->file < 0) {
        err_set_errno(
            err, ERR_ENVIRONMENT, "a temporary file in '%s' (TMPDIR says where)", folder);
        nextuse_destroy(nextuse);
        return false;
    }
    if (nextuse->ids == NULL || nextuse->next == NULL) {
        nextuse_destroy(nextuse);
        return err_set(err, ERR_ENVIRONMENT, "no memory for the next uses");
    }
    *out = nextuse;
    return true;
}

void nextuse_destroy(struct nextuse *nextuse)
{
    if (nextuse == NULL) {
        return;
    }
    if (nextuse->file >= 0) {
        close(nextuse->file);
    }
    free(nextuse->ids);
    free(nextuse->next);
    free(nextuse);
}

static bool say_io(struct err *err, const char *what)
{
    return err_set_errno(
        err, ERR_ENVIRONMENT, "%s the temporary file in '%s' (TMPDIR says where)", what,
        folder_of_temporary());
}

static bool
write_all(struct nextuse *nextuse, const void *from, size_t bytes, uint64_t at, struct err *err)
{
    const char *rest = from;

    while (bytes > 0) {
        ssize_t done = pwrite(nextuse->file, rest, bytes, (off_t)at);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            errno = done == 0 ? ENOSPC : errno;
            return say_io(err, "writing");
        }
        rest += done;
        bytes -= (size_t)done;
        at += (uint64_t)done;
    }
    return true;
}

static bool
read_all(struct nextuse *nextuse, void *to, size_t bytes, uint64_t at, struct err *err)
{
    char *rest = to;

    while (bytes > 0) {
        ssize_t done = pread(nextuse->file, rest, bytes, (off_t)at);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            errno = done == 0 ? EIO : errno;
            return say_io(err, "reading");
        }
        rest += done;
        bytes -= (size_t)done;
        at += (uint64_t)done;
    }
    return true;
}

static uint64_t place_of_ids(uint64_t batch)
{
    return batch * 2 * HALF_BYTES;
}

static uint64_t place_of_next(uint64_t batch)
{
    return place_of_ids(batch) + HALF_BYTES;
}

static bool flush(struct nextuse *nextuse, struct err *err)
{
    uint64_t batch = (nextuse->count - 1) / NEXTUSE_BATCH;

    if (!write_all(
            nextuse, nextuse->ids, nextuse->waiting * sizeof(*nextuse->ids),
            place_of_ids(batch), err)) {
        return false;
    }
    nextuse->waiting = 0;
    return true;
}

bool nextuse_append(struct nextuse *nextuse, const uint32_t *ids, size_t count, struct err *err)
{
    assert(!nextuse->finished);
    for (size_t i = 0; i < count; i++) {
        if (ids[i] == nextuse->last) {
            continue;
        }
        if (nextuse->count == NEXTUSE_TOUCHES_MAX) {
            return err_set(
                err, ERR_INPUT, "more than %u touches are too many for opt",
                NEXTUSE_TOUCHES_MAX);
        }
        nextuse->last = ids[i];
        nextuse->ids[nextuse->waiting++] = ids[i];
        nextuse->count++;
        if (nextuse->waiting == NEXTUSE_BATCH && !flush(nextuse, err)) {
            return false;
        }
    }
    return true;
}

static size_t touches_in(const struct nextuse *nextuse, uint64_t batch)
{
    uint64_t left = nextuse->count - batch * NEXTUSE_BATCH;

    return left < NEXTUSE_BATCH ? (size_t)left : NEXTUSE_BATCH;
}

/* Find the next uses within one batch; seen: by page, the first touch behind this batch. */
static bool look_back(struct nextuse *nextuse, uint64_t batch, uint32_t *seen, struct err *err)
{
    size_t count = touches_in(nextuse, batch);

    if (!read_all(
            nextuse, nextuse->ids, count * sizeof(*nextuse->ids), place_of_ids(batch), err)) {
        return false;
    }
    for (size_t i = count; i-- > 0;) {
        if (i >= SIM_AHEAD) {
            __builtin_prefetch(&seen[nextuse->ids[i - SIM_AHEAD]], 1);
        }
        nextuse->next[i] = seen[nextuse->ids[i]];
        seen[nextuse->ids[i]] = (uint32_t)(batch * NEXTUSE_BATCH + i);
    }
    return write_all(
        nextuse, nextuse->next, count * sizeof(*nextuse->next), place_of_next(batch), err);
}

bool nextuse_finish(struct nextuse *nextuse, uint32_t pages, struct err *err)
{
    uint32_t *seen;
    bool good;

    assert(!nextuse->finished);
    nextuse->finished = true;
    if (nextuse->count == 0) {
        return true;
    }
    seen = malloc(pages * sizeof(*seen));
    if (seen == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for the next uses of %u pages", pages);
    }
    memset(seen, 0xff, pages * sizeof(*seen)); /* SIM_NEVER each */
    good = nextuse->waiting == 0 || flush(nextuse, err);
    for (uint64_t batch = (nextuse->count + NEXTUSE_BATCH - 1) / NEXTUSE_BATCH;
         good && batch-- > 0;) {
        good = look_back(nextuse, batch, seen, err);
    }
    free(seen);
    return good;
}

bool nextuse_read(
    struct nextuse *nextuse,
    const uint32_t **ids,
    const uint32_t **next,
    size_t *count,
    struct err *err)
{
    assert(nextuse->finished);
    *ids = nextuse->ids;
    *next = nextuse->next;
    *count = 0;
    if (nextuse->batch * NEXTUSE_BATCH >= nextuse->count) {
        return true;
    }
    size_t touches = touches_in(nextuse, nextuse->batch);

    if (!read_all(
            nextuse, nextuse->ids, touches * sizeof(uint32_t), place_of_ids(nextuse->batch),
            err) ||
        !read_all(
            nextuse, nextuse->next, touches * sizeof(uint32_t), place_of_next(nextuse->batch),
            err)) {
        return false;
    }
    nextuse->batch++;
    *count = touches;
    return true;
}
