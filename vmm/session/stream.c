/* Packets, validated; see stream.h. */
#include "session/stream.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool stream_open(
    struct stream *stream,
    const char *path,
    const uint8_t uuid[SESSION_UUID_BYTES],
    struct err *err)
{
    struct stat status;

    *stream = (struct stream){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (stream->fd < 0) {
        return err_set_errno(err, ERR_INPUT, "cannot read %s", path);
    }
    if (fstat(stream->fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        stream_close(stream);
        return err_set(err, ERR_INPUT, "%s is not a regular file", path);
    }
    memcpy(stream->uuid, uuid, SESSION_UUID_BYTES);
    return true;
}

void stream_close(struct stream *stream)
{
    if (stream->fd >= 0) {
        close(stream->fd);
    }
    stream->fd = -1;
}

void stream_rewind(struct stream *stream)
{
    stream->offset = 0;
    stream->sequence = 0;
}

static bool read_at(int fd, void *buffer, uint64_t bytes, uint64_t offset, uint64_t *got)
{
    *got = 0;
    while (*got < bytes) {
        ssize_t n = pread(fd, (uint8_t *)buffer + *got, bytes - *got, (off_t)(offset + *got));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return false;
        }
        if (n == 0) {
            break;
        }
        *got += (uint64_t)n;
    }
    return true;
}

static bool is_zero(const void *bytes, size_t count)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < count; i++) {
        if (at[i] != 0) {
            return false;
        }
    }
    return true;
}

/* The rules that a packet's header obeys, whatever became of the recording. */
static const char *find_fault(const struct stream *stream, const struct session_packet *packet)
{
    if (packet->magic != SESSION_MAGIC) {
        return "no packet starts here (wrong magic number)";
    }
    if (memcmp(packet->uuid, stream->uuid, SESSION_UUID_BYTES) != 0) {
        return "the packet belongs to another session (uuid)";
    }
    if (packet->stream != 0 || packet->sequence != stream->sequence) {
        return "the packet is out of sequence";
    }
    if (packet->packet_bits % 64 != 0 || packet->packet_bits > SESSION_PACKET_BYTES * 8 ||
        packet->content_bits % 64 != 0 || packet->content_bits > packet->packet_bits ||
        packet->content_bits < sizeof(*packet) * 8) {
        return "the size of the packet is out of range";
    }
    if (packet->time_begin_ns > packet->time_end_ns ||
        packet->time_end_ns > SESSION_TIME_MASK) {
        return "the times of the packet are out of range";
    }
    return NULL;
}

static bool find_missing(
    struct stream *stream, const struct session_packet *packet, uint64_t got, struct err *err)
{
    struct stat status;
    uint64_t content_bytes = packet->content_bits / 8;

    stream->content_bytes = content_bytes;
    stream->missing_bytes = 0;
    if (content_bytes <= got) {
        return true;
    }
    if (fstat(stream->fd, &status) != 0) {
        return err_set_errno(err, ERR_ENVIRONMENT, "reading the stream");
    }
    uint64_t there = (uint64_t)status.st_size - stream->begin;
    if (there < content_bytes) {
        stream->missing_bytes = content_bytes - there;
        stream->content_bytes = there;
    }
    return true;
}

enum stream_next
stream_read(struct stream *stream, void *buffer, uint64_t bytes, struct err *err)
{
    struct session_packet packet;
    uint64_t got;

    assert(bytes >= sizeof(packet));
    if (!read_at(stream->fd, buffer, bytes, stream->offset, &got)) {
        err_set_errno(err, ERR_ENVIRONMENT, "reading the stream");
        return STREAM_FAILED;
    }
    if (got == 0) {
        return STREAM_END;
    }
    if (got < sizeof(packet)) {
        return STREAM_TORN;
    }
    memcpy(&packet, buffer, sizeof(packet));
    /* Room that was made for a packet which never came. */
    if (is_zero(&packet, sizeof(packet))) {
        return STREAM_END;
    }
    const char *fault = find_fault(stream, &packet);
    if (fault != NULL) {
        err_set(
            err, ERR_INPUT, "packet %llu, at byte %llu: %s",
            (unsigned long long)stream->sequence, (unsigned long long)stream->offset, fault);
        return STREAM_FAILED;
    }
    stream->begin = stream->offset;
    if (!find_missing(stream, &packet, got, err)) {
        return STREAM_FAILED;
    }
    stream->offset += packet.packet_bits / 8;
    stream->sequence++;
    return STREAM_PACKET;
}
