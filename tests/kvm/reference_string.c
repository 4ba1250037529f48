/* Reading, cutting and comparing reference strings; see reference_string.h. */
#include "reference_string.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session/reader.h"

void reference_free(struct reference_string *string)
{
    free(string->item);
    *string = (struct reference_string){0};
}

static void add(struct reference_string *string, const struct reference_item *item)
{
    if (string->count == string->capacity) {
        string->capacity = string->capacity != 0 ? 2 * string->capacity : 1024;
        string->item = realloc(string->item, string->capacity * sizeof(*string->item));
        assert_non_null(string->item);
    }
    string->item[string->count++] = *item;
}

static char letter_of(uint8_t access)
{
    if ((access & RECORD_FETCH) != 0) {
        return 'x';
    }
    return (access & RECORD_WRITE) != 0 ? 'w' : 'r';
}

static void add_access(struct reference_string *string, const struct session_access *access)
{
    struct reference_item *last = string->count != 0 ? &string->item[string->count - 1] : NULL;
    const struct reference_item item = {
        .access = letter_of(access->access),
        .flags = access->access,
        .process = access->process,
        .bytes = access->bytes,
        .address = access->address,
        .rip = access->rip,
        .time_ns = access->head & SESSION_TIME_MASK};

    if (last != NULL && last->rip == item.rip && last->flags == item.flags &&
        last->address + last->bytes == item.address && item.address % 4096 == 0 &&
        (item.flags & RECORD_SAMPLED) == 0) {
        last->bytes += item.bytes;
    } else {
        add(string, &item);
    }
}

void reference_read_session(struct reference_string *string, const char *folder)
{
    struct session_reader *reader;
    struct session_event event;
    struct err err;
    enum session_next next;

    *string = (struct reference_string){0};
    if (!session_open(&reader, folder, &err)) {
        fail_msg("%s", err.text);
    }
    while ((next = session_next(reader, &event, &err)) == SESSION_NEXT) {
        if (event.kind == SESSION_ACCESS) {
            add_access(string, event.of.access);
        }
    }
    session_close(reader);
    if (next == SESSION_FAILED) {
        fail_msg("%s", err.text);
    }
}

void reference_read_text(struct reference_string *string, const char *text)
{
    *string = (struct reference_string){0};
    for (const char *line = text; line != NULL && *line != '\0';) {
        struct reference_item item = {.access = line[0]};
        // NOLINTNEXTLINE(cert-err34-c): three fields or none
        if (sscanf(line + 1, " %" SCNx64 " %" SCNu32, &item.address, &item.bytes) == 2) {
            add(string, &item);
        }
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
}

struct reference_range reference_find_range(const char *text, const char *name)
{
    struct reference_range range = {0};
    const char *at = strstr(text, name);

    assert_non_null(at);
    // NOLINTNEXTLINE(cert-err34-c): both or none
    assert_int_equal(
        sscanf(at + strlen(name), " %" SCNx64 "-%" SCNx64, &range.begin, &range.end), 2);
    return range;
}

static bool is_in(struct reference_range range, uint64_t address)
{
    return address >= range.begin && address < range.end;
}

void reference_read_lackey(
    struct reference_string *string, const char *path, struct reference_range code)
{
    char line[256];
    uint64_t rip = 0;
    FILE *in = fopen(path, "re");

    assert_non_null(in);
    *string = (struct reference_string){0};
    while (fgets(line, sizeof(line), in) != NULL) {
        struct reference_item item = {0};
        char kind;
        // NOLINTNEXTLINE(cert-err34-c): three fields or none
        if (line[0] == '=' ||
            sscanf(line, " %c %" SCNx64 ",%" SCNu32, &kind, &item.address, &item.bytes) != 3) {
            continue;
        }
        rip = kind == 'I' ? item.address : rip;
        item.rip = rip;
        if (!is_in(code, rip)) {
            continue;
        }
        if (kind == 'L' || kind == 'M' || kind == 'I') {
            item.access = kind == 'I' ? 'x' : 'r';
            add(string, &item);
        }
        if (kind == 'S' || kind == 'M') {
            item.access = 'w';
            add(string, &item);
        }
    }
    fclose(in);
}

void reference_keep(struct reference_string *string, struct reference_range range, bool fetches)
{
    size_t kept = 0;

    for (size_t i = 0; i < string->count; i++) {
        const struct reference_item item = string->item[i];
        if (is_in(range, item.address) && (item.access == 'x') == fetches) {
            string->item[kept++] = item;
        }
    }
    string->count = kept;
}

void reference_keep_code(struct reference_string *string, struct reference_range code)
{
    size_t kept = 0;

    for (size_t i = 0; i < string->count; i++) {
        const struct reference_item item = string->item[i];
        if (is_in(code, item.rip)) {
            string->item[kept++] = item;
        }
    }
    string->count = kept;
}

void reference_level(struct reference_string *string)
{
    size_t kept = 0, run = 0; /* where the run of reads or fetches of one instruction begins */

    for (size_t i = 0; i < string->count; i++) {
        const struct reference_item item = string->item[i];
        size_t at = kept;
        if (run == kept || item.access == 'w' || string->item[kept - 1].access != item.access ||
            string->item[kept - 1].rip != item.rip) {
            run = kept;
        }
        while (at > run && string->item[at - 1].address > item.address) {
            at--;
        }
        if (at > run && string->item[at - 1].address == item.address) {
            continue;
        }
        memmove(&string->item[at + 1], &string->item[at], (kept - at) * sizeof(*string->item));
        string->item[at] = item;
        kept++;
    }
    string->count = kept;
}

void reference_expect_equal(
    const struct reference_string *got, const struct reference_string *wanted)
{
    for (size_t i = 0; i < got->count && i < wanted->count; i++) {
        const struct reference_item *a = &got->item[i], *b = &wanted->item[i];
        if (a->access != b->access || a->address != b->address || a->bytes != b->bytes) {
            fail_msg(
                "reference %zu: %c 0x%" PRIx64 " %u by 0x%" PRIx64 ", not %c 0x%" PRIx64 " %u",
                i, a->access, a->address, a->bytes, a->rip, b->access, b->address, b->bytes);
        }
    }
    assert_int_equal(got->count, wanted->count);
}
