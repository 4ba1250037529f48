/*
 * Reads the packets of a stream, one at a time, into a buffer of fixed size, and decides for
 * each whether it is whole, torn or broken.  It refuses to look at events.  Read reader.h for
 * the layer above.
 */
#ifndef SESSION_STREAM_H
#define SESSION_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "session/format.h"

struct stream {
    int fd; /* owns; -1: not open */
    uint8_t uuid[SESSION_UUID_BYTES];
    uint64_t offset;   /* in the file, of the packet behind the one that was read */
    uint64_t sequence; /* that it must have */
    /* Of the packet that was read last: */
    uint64_t begin;         /* offset in the file */
    uint64_t content_bytes; /* header included; only as much as there is in the file */
    uint64_t missing_bytes; /* of the content, because the file ends before it */
};

enum stream_next {
    STREAM_PACKET, /* a packet was read */
    STREAM_END,    /* there is none behind the last one */
    STREAM_TORN,   /* there would be one, but not even its header is whole */
    STREAM_FAILED,
};

/* Open a stream whose packets have that uuid.  ERR_INPUT: it cannot be opened. */
MUST_CHECK bool stream_open(
    struct stream *stream,
    const char *path,
    const uint8_t uuid[SESSION_UUID_BYTES],
    struct err *err);
void stream_close(struct stream *stream);
void stream_rewind(struct stream *stream);

/*
 * Read the next packet into buffer: `bytes` of it at most, which must be its header's at least.
 * Fails with ERR_INPUT when the packet is not what a recording leaves behind, ERR_ENVIRONMENT
 * when the file cannot be read.
 */
MUST_CHECK enum stream_next
stream_read(struct stream *stream, void *buffer, uint64_t bytes, struct err *err);

#endif
