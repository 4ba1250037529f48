/*
 * The entry of libFuzzer for fuzz_session.c.  libFuzzer calls it without end and without a last
 * call, so the one session that all inputs are tried on is kept in a static and left behind in
 * the folder for temporary files.
 */
#include <stdbool.h>
#include <stdio.h>

#include "fuzz_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Seeds: each file of the sound session. */
static void write_seed(const struct fixture *fixture, int choice, const char *name)
{
    char path[FIXTURE_PATH_BYTES], seed[64];
    int byte;

    fixture_path(fixture, name, path);
    snprintf(seed, sizeof(seed), "corpus/seed-%d", choice);
    FILE *in = fopen(path, "re"), *out = fopen(seed, "we");
    if (in != NULL && out != NULL) {
        fputc(choice, out);
        while ((byte = fgetc(in)) != EOF) {
            fputc(byte, out);
        }
    }
    if (in != NULL) {
        fclose(in);
    }
    if (out != NULL) {
        fclose(out);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct fixture fixture;

    (void)argc;
    (void)argv;
    fuzz_make_session(&fixture);
    write_seed(&fixture, 3, SESSION_STREAM_FILE);
    write_seed(&fixture, 1, SESSION_RUN_FILE);
    write_seed(&fixture, 2, SESSION_METADATA_FILE);
    fixture_remove(&fixture);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct fixture fixture;
    static bool made;

    if (!made) {
        fuzz_make_session(&fixture);
        made = true;
    }
    fuzz_try(&fixture, data, bytes);
    return 0;
}
