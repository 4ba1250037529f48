/*
 * Prints the TSDL text; see metadata.h.  Every field has byte alignment, so that the text says
 * nothing of padding: the structs of format.h have none.  Grammar: "Common Trace Format,
 * version 1.8.3", appendix on TSDL.
 */
#include "session/metadata.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

static const char types[] =
    "typealias integer { size = 8; align = 8; signed = false; } := uint8_t;\n"
    "typealias integer { size = 16; align = 8; signed = false; } := uint16_t;\n"
    "typealias integer { size = 32; align = 8; signed = false; } := uint32_t;\n"
    "typealias integer { size = 32; align = 8; signed = true; } := int32_t;\n"
    "typealias integer { size = 64; align = 8; signed = false; } := uint64_t;\n"
    "typealias integer { size = 64; align = 8; signed = true; } := int64_t;\n"
    "typealias integer { size = 64; align = 8; signed = false; base = 16; } := hex64_t;\n"
    "typealias integer { size = 1; align = 1; signed = false; } := bit_t;\n"
    "typealias integer { size = 8; align = 8; signed = false; encoding = UTF8; } := text_t;\n"
    "\n";

static const char flags[] = "struct access {\n"
                            "    bit_t write;\n"
                            "    bit_t fetch;\n"
                            "    bit_t user;\n"
                            "    bit_t host;\n"
                            "    bit_t protection;\n"
                            "    bit_t sampled;\n"
                            "    integer { size = 2; align = 1; signed = false; } reserved;\n"
                            "};\n"
                            "\n";

static const char stream[] =
    "stream {\n"
    "    id = 0;\n"
    "    event.header := struct {\n"
    "        integer { size = 56; align = 8; signed = false; map = clock.run.value; } "
    "timestamp;\n"
    "        uint8_t id;\n"
    "    };\n"
    "    packet.context := struct {\n"
    "        time_t timestamp_begin;\n"
    "        time_t timestamp_end;\n"
    "        uint64_t content_size;\n"
    "        uint64_t packet_size;\n"
    "        uint64_t packet_seq_num;\n"
    "        uint64_t events_discarded;\n"
    "    };\n"
    "};\n"
    "\n";

static const struct {
    const char *name;
    const char *fields;
} events[SESSION_EVENTS] = {
    [SESSION_FAULT] =
        {"fault", "hex64_t address; hex64_t rip; hex64_t entry_before; hex64_t entry_after; "
                  "uint32_t service_ns; uint32_t frame; uint32_t evicted; uint32_t region; "
                  "uint16_t process; enum fault_kind kind; enum fault_action action; "
                  "struct access access; uint8_t level; uint16_t around;"},
    [SESSION_PHASE] = {"phase", "text_t name[64];"},
    [SESSION_RESULT] = {"result", "int64_t value; text_t name[64];"},
    [SESSION_REGION] =
        {"region", "hex64_t begin; hex64_t end; uint64_t file_offset; uint32_t id; "
                   "uint16_t process; uint8_t permissions; uint8_t kind; uint8_t page_shift; "
                   "uint8_t shared; integer { size = 48; align = 8; signed = false; } "
                   "reserved; text_t label[24]; text_t file[64];"},
    [SESSION_PROCESS_START] =
        {"process_start", "uint16_t process; uint16_t parent; uint32_t reserved;"},
    [SESSION_PROCESS_END] =
        {"process_end", "uint16_t process; uint16_t reserved; int32_t status;"},
    [SESSION_SIGNAL] =
        {"signal", "hex64_t address; hex64_t rip; int32_t number; int32_t code; "
                   "uint16_t process; integer { size = 48; align = 8; signed = false; } "
                   "reserved; text_t text[320];"},
    [SESSION_END] =
        {"end", "int32_t status; uint32_t reserved; uint64_t discarded; text_t reason[320];"},
    [SESSION_ACCESS] =
        {"access", "hex64_t address; hex64_t rip; uint32_t region; uint16_t process; "
                   "struct access access; uint8_t bytes;"},
    [SESSION_EXEC] =
        {"exec", "hex64_t program_hash; uint16_t process; integer { size = 48; align = 8; "
                 "signed = false; } reserved; text_t path[512];"},
};

void metadata_print_uuid(const uint8_t uuid[SESSION_UUID_BYTES], char text[METADATA_UUID_TEXT])
{
    unsigned used = 0;

    for (unsigned i = 0; i < SESSION_UUID_BYTES; i++) {
        const char *dash = i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "";
        used += (unsigned)snprintf(
            text + used, METADATA_UUID_TEXT - used, "%s%02x", dash, (unsigned)uuid[i]);
    }
}

static void print_trace(FILE *out, const struct metadata_facts *facts)
{
    char uuid[METADATA_UUID_TEXT];

    metadata_print_uuid(facts->uuid, uuid);
    fprintf(
        out,
        "trace {\n"
        "    major = 1;\n"
        "    minor = 8;\n"
        "    uuid = \"%s\";\n"
        "    byte_order = le;\n"
        "    packet.header := struct {\n"
        "        uint32_t magic;\n"
        "        uint8_t uuid[16];\n"
        "        uint32_t stream_id;\n"
        "    };\n"
        "};\n"
        "\n"
        "env {\n"
        "    tracer_name = \"vmm\";\n"
        "    session_version = %d;\n"
        "};\n"
        "\n"
        "clock {\n"
        "    name = run;\n"
        "    description = \"CLOCK_MONOTONIC, from the start of the run\";\n"
        "    freq = %" PRIu64 ";\n"
        "    offset_s = %" PRIu64 ";\n"
        "    offset = %" PRIu64 ";\n"
        "};\n"
        "\n"
        "typealias integer { size = 64; align = 8; signed = false; map = clock.run.value; } "
        ":= time_t;\n"
        "\n",
        uuid, SESSION_VERSION, NS_PER_SECOND, facts->started_unix_ns / NS_PER_SECOND,
        facts->started_unix_ns % NS_PER_SECOND);
}

static void print_names(FILE *out, const struct metadata_facts *facts)
{
    fputs("enum fault_kind : uint8_t {\n", out);
    for (unsigned i = 0; i < facts->kinds; i++) {
        fprintf(out, "    \"%s\" = %u,\n", record_kind_name((enum fault_kind)i), i);
    }
    fputs("};\n\nenum fault_action : uint8_t {\n", out);
    for (unsigned i = 0; i < facts->actions; i++) {
        fprintf(out, "    \"%s\" = %u,\n", record_action_name((enum record_action)i), i);
    }
    fputs("};\n\n", out);
}

static void print_events(FILE *out)
{
    for (unsigned i = 0; i < SESSION_EVENTS; i++) {
        fprintf(
            out,
            "event {\n"
            "    name = \"%s\";\n"
            "    id = %u;\n"
            "    stream_id = 0;\n"
            "    fields := struct { %s };\n"
            "};\n",
            events[i].name, i, events[i].fields);
    }
}

char *metadata_make(const struct metadata_facts *facts)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    if (out == NULL) {
        return NULL;
    }
    fputs("/* CTF 1.8 */\n\n", out);
    fputs(types, out);
    print_trace(out, facts);
    print_names(out, facts);
    fputs(flags, out);
    fputs(stream, out);
    print_events(out);
    bool ok = ferror(out) == 0;
    ok = fclose(out) == 0 && ok;
    if (!ok) {
        free(text);
        return NULL;
    }
    return text;
}
