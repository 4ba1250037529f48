/*
 * A folder of a test's own, with the files that it makes for the program under test.  It refuses
 * to know what they are for.  Read test_endings.c for a use.
 */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <stddef.h>

#define SCRATCH_BYTES 256

struct scratch {
    char folder[SCRATCH_BYTES]; /* absolute path */
};

/* All abort the test program when the host cannot do it. */
void scratch_create(struct scratch *scratch);
/* Remove the folder and the files in it; folders in it must be empty. */
void scratch_destroy(struct scratch *scratch);

/* The path of a name in the folder, in the caller's buffer of SCRATCH_BYTES; returned. */
char *scratch_path(const struct scratch *scratch, const char *name, char *path);
/* Make a file of these bytes. */
void scratch_write(
    const struct scratch *scratch, const char *name, const void *data, size_t bytes);
/* The whole of a file, NUL-terminated; *bytes: its size, may be NULL.  The caller frees it. */
char *scratch_read(const char *path, size_t *bytes);
/* Entries of the folder. */
unsigned scratch_count(const struct scratch *scratch);

#endif
