/*
 * The instruction in flight, as the two files of recording.h share it: recording.c brings it to its end,
 * recording_emit.c records what it did.  Nobody else includes this.
 */
#ifndef RUN_RECORDING_PRIVATE_H
#define RUN_RECORDING_PRIVATE_H

#include "run/lab.h"
#include "watch/decode.h"
#include "watch/opened.h"
#include "watch/select.h"

#define RECORDING_FAULTS 8

struct recording {
    struct select select;
    bool steps;      /* an instruction is in flight: the trap flag is ours */
    bool program_tf; /* the program had set it too */
    uint64_t rip;
    struct space *space; /* borrows: that it runs in */
    struct opened opened;
    bool decoded;
    struct decode_instruction instruction;
    /* Its faults, to be recorded by themselves where the decoder does not explain them. */
    struct {
        uint64_t address;
        uint8_t access;
    } fault[RECORDING_FAULTS];
    unsigned faults;
};

static inline struct recording *recording_of(const struct lab *lab)
{
    return lab->watch.context;
}

/* The instruction has come to its end: each of its accesses is a record. */
void recording_emit_instruction(struct lab *lab, uint64_t time_ns);

/* What the host reads and writes on behalf of requests; the hook of struct access.  context: the lab. */
void recording_emit_host_touch(
    void *context, const struct access *access, struct gva address, size_t bytes, bool write);

#endif
