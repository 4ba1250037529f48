/*
 * Opening a session and walking its events; see reader.h.  Opening looks at every packet's
 * header and at the last packet's events, which is where the end and a tear are.
 */
#include "session/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/check.h"
#include "session/metadata.h"
#include "session/runfile.h"
#include "session/stream.h"

struct session_reader {
    char *folder; /* owns: for messages */
    struct runfile run;
    struct stream stream;
    struct session_info info;
    struct session_end end; /* a copy, for info.reason */
    uint8_t *buffer;        /* owns: one packet */
    const uint8_t *next;    /* the next event in it */
    const uint8_t *limit;   /* behind its last one */
    uint64_t last_ns;
    bool done;
};

/* --- metadata --- */

static unsigned line_of_difference(const char *one, const char *other)
{
    unsigned line = 1;

    for (; *one != '\0' && *one == *other; one++, other++) {
        line += *one == '\n' ? 1 : 0;
    }
    return line;
}

/* Events are described last, and appended: an older vmm's text ends before one that it did not know. */
static bool is_begun_alike(const char *there, const char *due, size_t bytes)
{
    static const char event[] = "event {\n";
    const char *first = strstr(due, event);

    return first != NULL && bytes > (size_t)(first - due) && bytes <= strlen(due) &&
           memcmp(there, due, bytes) == 0 &&
           (due[bytes] == '\0' || strncmp(due + bytes, event, sizeof(event) - 1) == 0);
}

static bool check_metadata(const struct session_reader *reader, struct err *err)
{
    struct metadata_facts facts = {
        .started_unix_ns = reader->run.started_unix_ns,
        .kinds = reader->run.kinds,
        .actions = reader->run.actions};
    char path[4096];
    bool ok = false;

    memcpy(facts.uuid, reader->run.uuid, sizeof(facts.uuid));
    snprintf(path, sizeof(path), "%s/" SESSION_METADATA_FILE, reader->folder);
    char *due = metadata_make(&facts);
    size_t room = due != NULL ? strlen(due) + 2 : 0;
    char *there = due != NULL ? calloc(1, room) : NULL;
    FILE *in = fopen(path, "re");
    if (there == NULL) {
        err_set(err, ERR_ENVIRONMENT, "no memory for %s", path);
    } else if (in == NULL) {
        err_set_errno(err, ERR_INPUT, "cannot read %s", path);
    } else {
        size_t got = fread(there, 1, room - 1, in);
        ok = is_begun_alike(there, due, got) ||
             err_set(
                 err, ERR_INPUT,
                 "%s: line %u is not what version %d of the format has there: was it edited?",
                 path, line_of_difference(there, due), SESSION_VERSION);
    }
    if (in != NULL) {
        fclose(in);
    }
    free(there);
    free(due);
    return ok;
}

/* --- opening --- */

/* The end event, if the last packet has it, and the time of the last event. */
static void look_at_last_packet(struct session_reader *reader)
{
    const uint8_t *at = reader->buffer + sizeof(struct session_packet);
    const uint8_t *limit = reader->buffer + reader->stream.content_bytes;
    uint64_t head;

    while (limit - at >= (ptrdiff_t)sizeof(head)) {
        memcpy(&head, at, sizeof(head));
        unsigned kind = (unsigned)(head >> SESSION_TIME_BITS);
        uint32_t bytes = session_event_bytes(kind);
        if (bytes == 0 || limit - at < (ptrdiff_t)bytes) {
            return;
        }
        uint64_t time_ns = head & SESSION_TIME_MASK;
        if (time_ns > reader->info.duration_ns) {
            reader->info.duration_ns = time_ns;
        }
        if (kind == SESSION_END && check_event(SESSION_END, at) == NULL) {
            memcpy(&reader->end, at, sizeof(reader->end));
            reader->info.ended = true;
            reader->info.status = reader->end.status;
            reader->info.reason = reader->end.reason;
        }
        at += bytes;
    }
}

static void describe_tear(struct session_info *info, enum stream_next next, uint64_t missing)
{
    if (missing > 0 || next == STREAM_TORN) {
        info->torn = true;
        snprintf(
            info->tear, sizeof(info->tear),
            "the stream ends %llu bytes too early in packet %llu: an incomplete copy?",
            (unsigned long long)missing, (unsigned long long)(info->packets - (missing > 0)));
    } else if (!info->ended) {
        info->torn = true;
        snprintf(
            info->tear, sizeof(info->tear),
            "the recording was cut off (was vmm killed?): it has no end event; all that was "
            "recorded before is here");
    }
}

static bool fail_at_stream(const struct session_reader *reader, struct err *err)
{
    return err_prefix(err, "%s/" SESSION_STREAM_FILE, reader->folder);
}

static bool scan_packets(struct session_reader *reader, struct err *err)
{
    struct session_info *info = &reader->info;
    struct stream *stream = &reader->stream;
    struct session_packet packet;
    enum stream_next next;
    uint64_t last = 0, missing = 0;

    while ((next = stream_read(stream, &packet, sizeof(packet), err)) == STREAM_PACKET) {
        info->packets++;
        info->stream_bytes += stream->content_bytes - sizeof(packet);
        info->discarded = packet.discarded;
        missing = stream->missing_bytes;
        last = stream->begin;
        if (packet.content_bits > sizeof(packet) * 8 && info->packets > 1) {
            info->duration_ns = packet.time_begin_ns;
        }
    }
    if (next == STREAM_FAILED) {
        return fail_at_stream(reader, err);
    }
    if (info->packets > 0) {
        stream->offset = last;
        stream->sequence = info->packets - 1;
        if (stream_read(stream, reader->buffer, SESSION_PACKET_BYTES, err) != STREAM_PACKET) {
            return fail_at_stream(reader, err);
        }
        look_at_last_packet(reader);
    }
    describe_tear(info, next, missing);
    return true;
}

static void fill_info(struct session_reader *reader)
{
    const struct runfile *run = &reader->run;

    reader->info = (struct session_info){
        .program = run->program,
        .argv = run->argv,
        .vmm_version = run->vmm_version,
        .host = run->host,
        .program_hash = run->program_hash,
        .started_unix_ns = run->started_unix_ns,
        .mem_bytes = run->mem_bytes,
        .reason = ""};
}

static bool open_all(struct session_reader *reader, struct err *err)
{
    char path[4096];

    if (!runfile_read(reader->folder, &reader->run, err)) {
        return false;
    }
    fill_info(reader);
    snprintf(path, sizeof(path), "%s/" SESSION_STREAM_FILE, reader->folder);
    return check_metadata(reader, err) &&
           stream_open(&reader->stream, path, reader->run.uuid, err) &&
           scan_packets(reader, err);
}

bool session_open(struct session_reader **reader, const char *folder, struct err *err)
{
    struct session_reader *made = calloc(1, sizeof(*made));

    *reader = NULL;
    if (made == NULL) {
        return err_set_errno(err, ERR_ENVIRONMENT, "reading a session");
    }
    made->stream.fd = -1;
    made->folder = strdup(folder);
    made->buffer = malloc(SESSION_PACKET_BYTES);
    if (made->folder == NULL || made->buffer == NULL) {
        session_close(made);
        return err_set_errno(err, ERR_ENVIRONMENT, "reading a session");
    }
    if (!open_all(made, err)) {
        session_close(made);
        return false;
    }
    session_rewind(made);
    *reader = made;
    return true;
}

void session_close(struct session_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    stream_close(&reader->stream);
    runfile_destroy(&reader->run);
    free(reader->buffer);
    free(reader->folder);
    free(reader);
}

const struct session_info *session_info(const struct session_reader *reader)
{
    return &reader->info;
}

void session_rewind(struct session_reader *reader)
{
    stream_rewind(&reader->stream);
    reader->next = reader->limit = reader->buffer;
    reader->last_ns = 0;
    reader->done = false;
}

/* --- walking --- */

/* Where the next event is in the file; for messages. */
static unsigned long long place_in_stream(const struct session_reader *reader)
{
    uint64_t place = reader->stream.begin + (uint64_t)(reader->next - reader->buffer);

    return place;
}

static enum session_next
refuse(struct session_reader *reader, const char *what, struct err *err)
{
    err_set(
        err, ERR_INPUT, "%s/" SESSION_STREAM_FILE ": event at byte %llu: %s", reader->folder,
        place_in_stream(reader), what);
    return SESSION_FAILED;
}

static enum session_next load_packet(struct session_reader *reader, struct err *err)
{
    struct stream *stream = &reader->stream;

    switch (stream_read(stream, reader->buffer, SESSION_PACKET_BYTES, err)) {
    case STREAM_PACKET:
        reader->next = reader->buffer + sizeof(struct session_packet);
        reader->limit = reader->buffer + stream->content_bytes;
        return SESSION_NEXT;
    case STREAM_END:
    case STREAM_TORN:
        reader->done = true;
        return SESSION_DONE;
    case STREAM_FAILED:
        break;
    }
    fail_at_stream(reader, err);
    return SESSION_FAILED;
}

/* Blocks that never reached the disk read as zeros: an unfinished recording ends there. */
static bool is_hole(const struct session_reader *reader)
{
    static const uint8_t zeros[sizeof(struct fault_record)];

    return !reader->info.ended && memcmp(reader->next, zeros, sizeof(zeros)) == 0;
}

static enum session_next end_at_hole(struct session_reader *reader)
{
    struct session_info *info = &reader->info;

    snprintf(
        info->tear, sizeof(info->tear),
        "the recording was cut off: from byte %llu on nothing reached the disk",
        place_in_stream(reader));
    info->torn = true;
    reader->done = true;
    return SESSION_DONE;
}

/* What is left of the packet is less than an event: the tear, or nonsense. */
static enum session_next end_at_cut(struct session_reader *reader, struct err *err)
{
    if (reader->stream.missing_bytes == 0) {
        return refuse(reader, "it goes beyond the end of its packet", err);
    }
    reader->done = true;
    return SESSION_DONE;
}

/* Make sure that `next` has at least an event's head before it. */
static enum session_next find_head(struct session_reader *reader, struct err *err)
{
    while (!reader->done && reader->limit - reader->next < (ptrdiff_t)sizeof(uint64_t)) {
        if (reader->limit != reader->next) {
            return end_at_cut(reader, err);
        }
        enum session_next loaded = load_packet(reader, err);
        if (loaded != SESSION_NEXT) {
            return loaded;
        }
    }
    return reader->done ? SESSION_DONE : SESSION_NEXT;
}

enum session_next
session_next(struct session_reader *reader, struct session_event *event, struct err *err)
{
    uint64_t head;
    enum session_next found = find_head(reader, err);

    if (found != SESSION_NEXT) {
        return found;
    }
    memcpy(&head, reader->next, sizeof(head));
    event->kind = (enum session_event_kind)(head >> SESSION_TIME_BITS);
    event->time_ns = head & SESSION_TIME_MASK;
    event->of.bytes = reader->next;
    uint32_t bytes = session_event_bytes(event->kind);
    if (bytes == 0) {
        return refuse(reader, "its number is not known", err);
    }
    if (reader->limit - reader->next < (ptrdiff_t)bytes) {
        return end_at_cut(reader, err);
    }
    if (head == 0 && is_hole(reader)) {
        return end_at_hole(reader);
    }
    if (event->time_ns < reader->last_ns) {
        return refuse(reader, "its time is before that of the event before", err);
    }
    const char *fault = check_event(event->kind, reader->next);
    if (fault != NULL) {
        return refuse(reader, fault, err);
    }
    reader->last_ns = event->time_ns;
    reader->next += bytes;
    return SESSION_NEXT;
}
