/* A folder of a test's own; see scratch.h. */
#include "scratch.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void require(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        abort();
    }
}

void scratch_create(struct scratch *scratch)
{
    const char *parent = getenv("TMPDIR");

    snprintf(
        /* cppcheck-suppress ctuuninitvar ; it is filled here */
        scratch->folder, sizeof(scratch->folder), "%s/vmm-test-XXXXXX",
        parent != NULL ? parent : "/tmp");
    require(mkdtemp(scratch->folder) != NULL, scratch->folder);
}

char *scratch_path(const struct scratch *scratch, const char *name, char *path)
{
    int bytes = snprintf(path, SCRATCH_BYTES, "%s/%s", scratch->folder, name);

    require(bytes > 0 && bytes < SCRATCH_BYTES, "path");
    return path;
}

void scratch_write(
    const struct scratch *scratch, const char *name, const void *data, size_t bytes)
{
    char path[SCRATCH_BYTES];
    FILE *file = fopen(scratch_path(scratch, name, path), "we");

    require(file != NULL, path);
    require(bytes == 0 || fwrite(data, bytes, 1, file) == 1, path);
    require(fclose(file) == 0, path);
}

char *scratch_read(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "re");

    require(file != NULL && fseek(file, 0, SEEK_END) == 0, path);
    long size = ftell(file);
    char *data = calloc((size_t)size + 1, 1);
    require(size >= 0 && data != NULL, path);
    rewind(file);
    require(size == 0 || fread(data, (size_t)size, 1, file) == 1, path);
    fclose(file);
    if (bytes != NULL) {
        *bytes = (size_t)size;
    }
    return data;
}

/* Calls remove, if asked to, on each entry but "." and "..". */
static unsigned each_entry(const struct scratch *scratch, int removes)
{
    char path[2 * SCRATCH_BYTES];
    const struct dirent *entry;
    unsigned count = 0;
    DIR *folder = opendir(scratch->folder);

    require(folder != NULL, scratch->folder);
    while ((entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        count++;
        snprintf(path, sizeof(path), "%s/%s", scratch->folder, entry->d_name);
        require(!removes || remove(path) == 0, path);
    }
    closedir(folder);
    return count;
}

unsigned scratch_count(const struct scratch *scratch)
{
    return each_entry(scratch, 0);
}

void scratch_destroy(struct scratch *scratch)
{
    each_entry(scratch, 1);
    require(rmdir(scratch->folder) == 0, scratch->folder);
}
