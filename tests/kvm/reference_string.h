/*
 * Reference strings of one program from three sources: a recorded session, the list that
 * guest/prog/refstring.c prints of itself, and valgrind's lackey.  It judges nothing but equality.
 * Read test_reference.c for what is compared with what.
 */
#ifndef REFERENCE_STRING_H
#define REFERENCE_STRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reference_range {
    uint64_t begin, end;
};

struct reference_item {
    char access;   /* r, w, x */
    uint8_t flags; /* RECORD_*, of a session */
    uint16_t process;
    uint32_t bytes;
    uint64_t address, rip, time_ns;
};

struct reference_string {
    struct reference_item *item; /* owns */
    size_t count, capacity;
};

void reference_free(struct reference_string *string);

/* The accesses in the session; parts that were cut at the border of a page are one again.  Fails the
 * test when the session cannot be read. */
void reference_read_session(struct reference_string *string, const char *folder);
/* Lines "r ADDRESS BYTES" and "w ADDRESS BYTES" of text. */
void reference_read_text(struct reference_string *string, const char *text);
/* Where the line "NAME BEGIN-END" of text says; fails the test if there is none. */
struct reference_range reference_find_range(const char *text, const char *name);
/* What lackey wrote into the file, with fetches, of instructions in `code`.  A modification is a read
 * and a write. */
void reference_read_lackey(
    struct reference_string *string, const char *path, struct reference_range code);

/* Keep what touches the range, and is (fetches) or is not a fetch. */
void reference_keep(
    struct reference_string *string, struct reference_range range, bool fetches);
/* Keep what instructions in the range have done. */
void reference_keep_code(struct reference_string *string, struct reference_range code);
/*
 * Level out what another tool is free to see differently: the order of reads within one instruction,
 * a read that it makes twice, and the fetch that it makes again for each repetition.
 */
void reference_level(struct reference_string *string);

/* Fails the test, with the first difference, unless both are equal in access, address and size. */
void reference_expect_equal(
    const struct reference_string *got, const struct reference_string *wanted);

#endif
