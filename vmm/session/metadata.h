/*
 * The TSDL text that describes a session's stream to readers of the Common Trace Format.  It is
 * made from the layout alone, so a reader can make it again and see whether someone edited it.
 * Read format.h for the same layout in C.
 */
#ifndef SESSION_METADATA_H
#define SESSION_METADATA_H

#include <stdint.h>

#include "session/format.h"

struct metadata_facts {
    uint8_t uuid[SESSION_UUID_BYTES];
    uint64_t started_unix_ns; /* wall-clock time of time 0 */
    unsigned kinds;           /* names of fault kinds that the recording vmm knew */
    unsigned actions;         /* likewise */
};

/* The text, NUL-terminated; the caller frees it.  NULL: no memory. */
char *metadata_make(const struct metadata_facts *facts);

/* "01234567-89ab-…": 36 characters and a NUL into text. */
#define METADATA_UUID_TEXT 37
void metadata_print_uuid(const uint8_t uuid[SESSION_UUID_BYTES], char text[METADATA_UUID_TEXT]);

#endif
