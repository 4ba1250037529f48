/* Synthetic sessions; see session_fixture.h. */
#include "session_fixture.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session/writer.h"

static void require(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        abort();
    }
}

static const char *const arguments[] = {"program", "one", "two", NULL};

void fixture_begin(struct fixture *fixture)
{
    const char *root = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
    struct err err;

    memset(fixture, 0, sizeof(*fixture));
    snprintf(fixture->outer, sizeof(fixture->outer), "%s/vmm-session-XXXXXX", root);
    require(mkdtemp(fixture->outer) != NULL, fixture->outer);
    snprintf(fixture->folder, sizeof(fixture->folder), "%s/s", fixture->outer);
    fixture->setup = (struct recorder_setup){
        .folder = fixture->folder,
        .program = "/proc/self/exe",
        .argv = arguments,
        .mem_bytes = 1 << 30,
        .stack_bytes = 1 << 20};
    if (!recorder_create(&fixture->recorder, &fixture->setup, &err)) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
}

void fixture_end(struct fixture *fixture, uint64_t time_ns)
{
    struct err err;

    recorder_end(fixture->recorder, time_ns, 0, "exited with status 0");
    if (!recorder_close(fixture->recorder, "{}", &err)) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    fixture->recorder = NULL;
}

/* The files as they are now, taken away from under the recorder. */
void fixture_abandon(struct fixture *fixture)
{
    char from[FIXTURE_PATH_BYTES + 16], command[4 * FIXTURE_PATH_BYTES];
    struct err err;

    snprintf(from, sizeof(from), "%s.killed", fixture->folder);
    snprintf(command, sizeof(command), "cp -r '%s' '%s'", fixture->folder, from);
    require(system(command) == 0, command); // NOLINT(cert-env33-c): the paths are ours
    if (!recorder_close(fixture->recorder, NULL, &err)) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    fixture->recorder = NULL;
    require(rename(from, fixture->folder) == 0, from);
}

void fixture_remove(struct fixture *fixture)
{
    char command[2 * FIXTURE_PATH_BYTES];
    struct err err;

    if (fixture->recorder != NULL && !recorder_close(fixture->recorder, NULL, &err)) {
        fprintf(stderr, "%s\n", err.text);
    }
    snprintf(command, sizeof(command), "rm -rf '%s'", fixture->outer);
    require(system(command) == 0, command); // NOLINT(cert-env33-c): the paths are ours
}

struct fault_record fixture_fault(uint64_t time_ns, uint64_t address)
{
    return (struct fault_record){
        .time_ns = time_ns,
        .address = address,
        .rip = 0x401000,
        .entry_after = 0x100000067,
        .service_ns = 1000,
        .frame = 7,
        .evicted = RECORD_NO_FRAME,
        .kind = FAULT_DEMAND_ZERO,
        .action = ACTION_MAP_ZERO,
        .access = RECORD_WRITE | RECORD_USER,
        .level = 1};
}

struct region fixture_region(uint32_t id, uint64_t begin, uint64_t end, const char *label)
{
    return (struct region){
        .begin = gva_of(begin),
        .end = gva_of(end),
        .id = id,
        .spec = {
            .kind = REGION_ANONYMOUS,
            .permissions = REGION_READ | REGION_WRITE,
            .page_shift = PAGE_SHIFT,
            .label = label}};
}

void fixture_path(
    const struct fixture *fixture, const char *name, char path[FIXTURE_PATH_BYTES])
{
    snprintf(path, FIXTURE_PATH_BYTES, "%s/%s", fixture->folder, name);
}

void fixture_patch(
    const struct fixture *fixture,
    const char *name,
    uint64_t offset,
    const void *bytes,
    size_t count)
{
    char path[FIXTURE_PATH_BYTES];

    fixture_path(fixture, name, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    require(fd >= 0, path);
    require(pwrite(fd, bytes, count, (off_t)offset) == (ssize_t)count, path);
    close(fd);
}

void fixture_truncate(const struct fixture *fixture, const char *name, uint64_t bytes)
{
    char path[FIXTURE_PATH_BYTES];

    fixture_path(fixture, name, path);
    require(truncate(path, (off_t)bytes) == 0, path);
}

uint64_t fixture_size(const struct fixture *fixture, const char *name)
{
    char path[FIXTURE_PATH_BYTES];
    struct stat status;

    fixture_path(fixture, name, path);
    require(stat(path, &status) == 0, path);
    return (uint64_t)status.st_size;
}

void fixture_replace(
    const struct fixture *fixture, const char *name, const char *from, const char *to)
{
    size_t bytes = fixture_size(fixture, name);
    char *text = calloc(1, bytes + 1);
    char path[FIXTURE_PATH_BYTES];

    fixture_path(fixture, name, path);
    FILE *file = fopen(path, "r+e");
    require(text != NULL && file != NULL && fread(text, 1, bytes, file) == bytes, path);
    char *at = strstr(text, from);
    require(at != NULL, from);
    rewind(file);
    fprintf(file, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    require(ftruncate(fileno(file), ftello(file)) == 0 || fflush(file) == 0, path);
    long length = ftell(file);
    require(fclose(file) == 0 && truncate(path, length) == 0, path);
    free(text);
}

struct region fixture_own_code(struct backing *backing, uint64_t here)
{
    struct region region = fixture_region(3, 0, 0, "text");
    uint64_t begin, end, offset;
    char line[512];
    FILE *in = fopen("/proc/self/maps", "re");

    assert(in != NULL);
    while (fgets(line, sizeof(line), in) != NULL) {
        if (sscanf(line, "%lx-%lx %*s %lx", &begin, &end, &offset) == 3 && here >= begin &&
            here < end) {
            region.begin = gva_of(begin);
            region.end = gva_of(end);
            region.spec.file_offset = offset;
        }
    }
    fclose(in);
    region.spec.backing = backing;
    return region;
}
