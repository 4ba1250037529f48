/*
 * The layout of a session on disk: a folder with run.json and a folder ctf/, which is a Common
 * Trace Format 1.8 trace of one stream.  It refuses to know who writes or reads it.  Read
 * docs/session-format.md for the whole of it, metadata.c for the same layout in TSDL.
 *
 * The stream consists of packets of at most SESSION_PACKET_BYTES; a packet is its header and
 * events, one behind the other without gaps.  Every event starts with one 64-bit word: the time
 * in ns since the start of the run in the low 56 bits, the number of the event in the high 8.
 * Fault is event 0, so a struct fault_record is its own event, byte for byte.  Little-endian.
 */
#ifndef SESSION_FORMAT_H
#define SESSION_FORMAT_H

#include <stdint.h>

#include "trace/record.h"

#define SESSION_VERSION 1 /* raised when a field changes its meaning or goes */

#define SESSION_RUN_FILE      "run.json"
#define SESSION_CTF_FOLDER    "ctf"
#define SESSION_METADATA_FILE "ctf/metadata"
#define SESSION_STREAM_FILE   "ctf/stream"

#define SESSION_MAGIC        UINT32_C(0xc1fc1fc1) /* CTF's own */
#define SESSION_PACKET_BYTES (UINT64_C(256) << 10)
#define SESSION_UUID_BYTES   16

/* Numbers of events; never reused. */
enum session_event_kind {
    SESSION_FAULT = 0,
    SESSION_PHASE = 1,
    SESSION_RESULT = 2,
    SESSION_REGION = 3,
    SESSION_PROCESS_START = 4,
    SESSION_PROCESS_END = 5,
    SESSION_SIGNAL = 6,
    SESSION_END = 7,
    SESSION_ACCESS = 8,
    SESSION_EXEC = 9,
    SESSION_EVENTS = 10
};

#define SESSION_TIME_BITS 56
#define SESSION_TIME_MASK ((UINT64_C(1) << SESSION_TIME_BITS) - 1)

static inline uint64_t session_head(enum session_event_kind kind, uint64_t time_ns)
{
    return (time_ns & SESSION_TIME_MASK) | (uint64_t)kind << SESSION_TIME_BITS;
}

/* Packet header and packet context.  Sizes are in bits, as CTF has them, from the packet's
 * start on. */
struct session_packet {
    uint32_t magic;
    uint8_t uuid[SESSION_UUID_BYTES]; /* the same in the metadata and in every packet */
    uint32_t stream;                  /* 0 */
    uint64_t time_begin_ns;           /* of the first event */
    uint64_t time_end_ns;             /* of the last event */
    uint64_t content_bits;            /* up to the last complete event */
    uint64_t packet_bits;
    uint64_t sequence;  /* from 0 on */
    uint64_t discarded; /* events that were lost, since the start */
};
_Static_assert(sizeof(struct session_packet) == 72, "the metadata says the same");

/* Texts end with a NUL and are filled up with them. */
#define SESSION_NAME_BYTES  64
#define SESSION_LABEL_BYTES 24
#define SESSION_TEXT_BYTES  320
#define SESSION_PATH_BYTES  512

/* The guest marks the start of a phase. */
struct session_phase {
    uint64_t head;
    char name[SESSION_NAME_BYTES];
};

/* The guest reports a figure. */
struct session_result {
    uint64_t head;
    int64_t value;
    char name[SESSION_NAME_BYTES];
};

/*
 * What a region is from now on.  It stands before the first fault that names the region, again
 * before the first fault that no longer fits what was said, and at the end of the run for
 * regions that saw no fault.  (process, id) names it.
 */
struct session_region {
    uint64_t head;
    uint64_t begin, end;  /* addresses */
    uint64_t file_offset; /* of begin; 0 without a file */
    uint32_t id;
    uint16_t process;
    uint8_t permissions; /* REGION_READ | … of space/region.h */
    uint8_t kind;        /* enum region_kind */
    uint8_t page_shift;  /* log2 of the leaf that a fault maps */
    uint8_t shared;      /* 0 or 1 */
    uint8_t reserved[6];
    char label[SESSION_LABEL_BYTES]; /* "stack", "text"…, or empty */
    char file[SESSION_NAME_BYTES];   /* base name, or empty: not from a file */
};

struct session_process_start {
    uint64_t head;
    uint16_t process;
    uint16_t parent; /* the process itself for the first one */
    uint32_t reserved;
};

struct session_process_end {
    uint64_t head;
    uint16_t process;
    uint16_t reserved;
    int32_t status; /* as a shell has it: 128 + N for signal N */
};

/* A signal that a process was given or ended by. */
struct session_signal {
    uint64_t head;
    uint64_t address;
    uint64_t rip;
    int32_t number;
    int32_t code; /* si_code */
    uint16_t process;
    uint8_t reserved[6];
    char text[SESSION_TEXT_BYTES];
};

/* The last event of a session that was closed properly. */
struct session_end {
    uint64_t head;
    int32_t status; /* exit status of the run */
    uint32_t reserved;
    uint64_t discarded;              /* events that found no room on the disk */
    char reason[SESSION_TEXT_BYTES]; /* in words */
};

/* One memory access, of a session that records every access; or (RECORD_SAMPLED) a page that was
 * found touched, of a session that samples. */
struct session_access {
    uint64_t head;
    uint64_t address;
    uint64_t rip;
    uint32_t region;
    uint16_t process;
    uint8_t access; /* RECORD_* of trace/record.h */
    uint8_t bytes;  /* 0: not known */
};

/* From now on the process runs another program.  Faults and regions that follow are of that one. */
struct session_exec {
    uint64_t head;
    uint64_t program_hash; /* of the file, as runfile_hash() has it; 0: not known */
    uint16_t process;
    uint8_t reserved[6];
    char path[SESSION_PATH_BYTES]; /* absolute */
};

_Static_assert(sizeof(struct session_phase) == 72, "the metadata says the same");
_Static_assert(sizeof(struct session_result) == 80, "the metadata says the same");
_Static_assert(sizeof(struct session_region) == 136, "the metadata says the same");
_Static_assert(sizeof(struct session_process_start) == 16, "the metadata says the same");
_Static_assert(sizeof(struct session_process_end) == 16, "the metadata says the same");
_Static_assert(sizeof(struct session_signal) == 360, "the metadata says the same");
_Static_assert(sizeof(struct session_end) == 344, "the metadata says the same");
_Static_assert(sizeof(struct session_access) == 32, "the metadata says the same");
_Static_assert(sizeof(struct session_exec) == 536, "the metadata says the same");

/* Bytes of an event, its head included; 0 where no such event is known. */
static inline uint32_t session_event_bytes(unsigned kind)
{
    static const uint16_t bytes[SESSION_EVENTS] = {
        [SESSION_FAULT] = sizeof(struct fault_record),
        [SESSION_PHASE] = sizeof(struct session_phase),
        [SESSION_RESULT] = sizeof(struct session_result),
        [SESSION_REGION] = sizeof(struct session_region),
        [SESSION_PROCESS_START] = sizeof(struct session_process_start),
        [SESSION_PROCESS_END] = sizeof(struct session_process_end),
        [SESSION_SIGNAL] = sizeof(struct session_signal),
        [SESSION_END] = sizeof(struct session_end),
        [SESSION_ACCESS] = sizeof(struct session_access),
        [SESSION_EXEC] = sizeof(struct session_exec),
    };

    return kind < SESSION_EVENTS ? bytes[kind] : 0;
}

#endif
