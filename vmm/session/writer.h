/*
 * Appends events to a stream through a mapping: what was appended is the kernel's from then on,
 * so the end of this process, however sudden, takes nothing away.  Disk blocks are reserved a
 * packet ahead, so a full disk is an answer to a call here, never SIGBUS; from then on events
 * are only counted.  It refuses to know what events mean.  Read recorder.h for who feeds it.
 */
#ifndef SESSION_WRITER_H
#define SESSION_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "session/format.h"

/* Zero it before writer_create(). */
struct writer {
    struct session_packet *packet; /* owns: the mapping of the packet being filled */
    void *zeros;                   /* owns: a packet's worth; never touched, so no memory */
    uint8_t *next;                 /* where the next event goes */
    uint8_t *limit;                /* what lies behind is kept for the end event */
    uint64_t last_ns;              /* times never descend in a stream */
    uint64_t offset;               /* of the packet in the file */
    uint64_t discarded;
    int fd;             /* owns */
    bool open, stopped; /* stopped: the disk gives no more room */
    struct err error;   /* why */
    const char *name;   /* borrows: of the file, for messages */
};

/*
 * Start a stream in fd, an empty file that is readable and writable; the writer owns it, also
 * on failure.  The caller has SIGXFSZ ignored.  ERR_ENVIRONMENT: no room for the first packet,
 * or no mapping.
 */
MUST_CHECK bool writer_create(
    struct writer *writer,
    int fd,
    const char *name,
    const uint8_t uuid[SESSION_UUID_BYTES],
    struct err *err);

/* Give the file the length of what is in it, and close it.  Accepts a zeroed or closed one. */
void writer_close(struct writer *writer);

/* Go on to the next packet, whose first event has that time; false: there is no room. */
bool writer_next_packet(struct writer *writer, uint64_t time_ns);

/* Only for the writer's own use: put an event where it fits. */
static inline void writer_put(struct writer *writer, const void *event, uint32_t bytes)
{
    struct session_packet *packet = writer->packet;
    uint8_t *next = writer->next;
    uint64_t time_ns, head;

    memcpy(&head, event, sizeof(head));
    time_ns = head & SESSION_TIME_MASK;
    if (__builtin_expect(time_ns < writer->last_ns, 0)) {
        time_ns = writer->last_ns;
        head = (head & ~SESSION_TIME_MASK) | time_ns;
    }
    writer->last_ns = time_ns;
    writer->next = next + bytes;
    packet->time_end_ns = time_ns;
    memcpy(next + sizeof(head), (const uint8_t *)event + sizeof(head), bytes - sizeof(head));
    memcpy(next, &head, sizeof(head));
    /* Last, so that whoever looks at the file, at any moment, finds whole events only. */
    __atomic_store_n(
        &packet->content_bits, (uint64_t)(next + bytes - (uint8_t *)packet) * 8,
        __ATOMIC_RELEASE);
}

/*
 * Append an event: `bytes` bytes that start with its head (session_head()).  A time before that
 * of the last event is raised to it.  Without a system call, but once a packet.
 */
static inline void writer_add(struct writer *writer, const void *event, uint32_t bytes)
{
    if (__builtin_expect(writer->limit - writer->next < (ptrdiff_t)bytes, 0) &&
        !writer_next_packet(writer, writer->last_ns)) {
        writer->packet->discarded = ++writer->discarded;
        return;
    }
    writer_put(writer, event, bytes);
}

/* Append the end event, for which there is always room. */
void writer_add_end(struct writer *writer, const struct session_end *end);

#endif
