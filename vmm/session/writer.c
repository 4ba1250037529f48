/* Packets of a stream, and the room for them; see writer.h. */
#include "session/writer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Every packet could be the last one. */
#define END_RESERVE sizeof(struct session_end)

/*
 * Blocks first, mapping second: a store through the mapping then always has a block.  Zeros are
 * written so that the pages are there in one go: the kernel then maps many with the first store,
 * where pages made one by one (or by MAP_POPULATE) cost several times as much.
 */
static void *map_packet(const struct writer *writer, uint64_t offset, int *error)
{
    *error = posix_fallocate(writer->fd, (off_t)offset, (off_t)SESSION_PACKET_BYTES);
    if (*error != 0) {
        return NULL;
    }
    ssize_t written = pwrite(writer->fd, writer->zeros, SESSION_PACKET_BYTES, (off_t)offset);
    if (written != (ssize_t)SESSION_PACKET_BYTES) {
        *error = written < 0 ? errno : ENOSPC;
        return NULL;
    }
    void *made = mmap(
        NULL, SESSION_PACKET_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, writer->fd,
        (off_t)offset);
    if (made == MAP_FAILED) {
        *error = errno;
        return NULL;
    }
    return made;
}

static void use_packet(struct writer *writer, struct session_packet *packet, uint64_t offset)
{
    writer->packet = packet;
    writer->offset = offset;
    writer->next = (uint8_t *)packet + sizeof(*packet);
    writer->limit = (uint8_t *)packet + SESSION_PACKET_BYTES - END_RESERVE;
}

static void begin_packet(
    struct session_packet *packet,
    const uint8_t uuid[SESSION_UUID_BYTES],
    uint64_t sequence,
    uint64_t time_ns)
{
    packet->stream = 0;
    packet->time_begin_ns = packet->time_end_ns = time_ns;
    packet->content_bits = sizeof(*packet) * 8;
    packet->packet_bits = SESSION_PACKET_BYTES * 8;
    packet->sequence = sequence;
    memcpy(packet->uuid, uuid, SESSION_UUID_BYTES);
    /* A packet counts from its magic on. */
    __atomic_store_n(&packet->magic, SESSION_MAGIC, __ATOMIC_RELEASE);
}

bool writer_create(
    struct writer *writer,
    int fd,
    const char *name,
    const uint8_t uuid[SESSION_UUID_BYTES],
    struct err *err)
{
    int error;

    *writer = (struct writer){.fd = fd, .name = name, .zeros = calloc(1, SESSION_PACKET_BYTES)};
    struct session_packet *packet =
        writer->zeros != NULL ? map_packet(writer, 0, &error) : (error = ENOMEM, NULL);
    if (packet == NULL) {
        free(writer->zeros);
        close(fd);
        errno = error;
        return err_set_errno(err, ERR_ENVIRONMENT, "cannot make room for %s", name);
    }
    begin_packet(packet, uuid, 0, 0);
    use_packet(writer, packet, 0);
    writer->open = true;
    return true;
}

bool writer_next_packet(struct writer *writer, uint64_t time_ns)
{
    int error;

    if (writer->stopped) {
        return false;
    }
    uint64_t offset = writer->offset + SESSION_PACKET_BYTES;
    struct session_packet *packet = map_packet(writer, offset, &error);
    if (packet == NULL) {
        writer->stopped = true;
        writer->limit = writer->next;
        errno = error;
        err_set_errno(
            &writer->error, ERR_ENVIRONMENT, "the recording stopped at %llu KiB: %s",
            (unsigned long long)(offset / 1024), writer->name);
        return false;
    }
    begin_packet(packet, writer->packet->uuid, writer->packet->sequence + 1, time_ns);
    munmap(writer->packet, SESSION_PACKET_BYTES);
    use_packet(writer, packet, offset);
    return true;
}

void writer_add_end(struct writer *writer, const struct session_end *end)
{
    assert(
        (uint8_t *)writer->packet + SESSION_PACKET_BYTES - writer->next >=
        (ptrdiff_t)sizeof(*end));
    writer_put(writer, end, sizeof(*end));
}

void writer_close(struct writer *writer)
{
    if (!writer->open) {
        return;
    }
    uint64_t bytes = (uint64_t)(writer->next - (uint8_t *)writer->packet);
    writer->packet->packet_bits = bytes * 8;
    munmap(writer->packet, SESSION_PACKET_BYTES);
    /* Where it fails, zeros stay behind the last packet; readers take them for what they are. */
    if (ftruncate(writer->fd, (off_t)(writer->offset + bytes)) != 0) {
        errno = 0;
    }
    close(writer->fd);
    free(writer->zeros);
    writer->open = false;
}
