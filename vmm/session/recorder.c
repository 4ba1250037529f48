/* The folder of a session from its making to its end; see recorder.h. */
#include "session/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "session/announce.h"
#include "session/metadata.h"
#include "session/runfile.h"
#include "session/writer.h"

#define HOST_BYTES 256

struct recorder {
    struct writer writer;
    struct announce announce;
    struct runfile run;
    char *folder, *program, *stream; /* own: paths */
    bool made_folder;                /* it was not there before */
    bool ended;
    bool paused; /* faults are left out */
    char host[HOST_BYTES];
};

/* --- the folder --- */

static const char *const files[] = {
    SESSION_STREAM_FILE, SESSION_METADATA_FILE, SESSION_RUN_FILE};

static void remove_files(const char *folder)
{
    char path[4096];

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
        unlink(path);
    }
}

static void remove_session(const struct recorder *recorder)
{
    char path[4096];

    remove_files(recorder->folder);
    snprintf(path, sizeof(path), "%s/" SESSION_CTF_FOLDER, recorder->folder);
    rmdir(path);
    if (recorder->made_folder) {
        rmdir(recorder->folder);
    }
}

static bool make_folder(struct recorder *recorder, bool force, struct err *err)
{
    char path[4096];

    if (mkdir(recorder->folder, 0777) == 0) {
        recorder->made_folder = true;
    } else if (errno != EEXIST) {
        return err_set_errno(err, ERR_INPUT, "--session: cannot make %s", recorder->folder);
    } else if (!force) {
        return err_set(
            err, ERR_INPUT, "--session: %s exists (--force replaces the session in it)",
            recorder->folder);
    }
    snprintf(path, sizeof(path), "%s/" SESSION_CTF_FOLDER, recorder->folder);
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        return err_set_errno(err, ERR_INPUT, "--session: cannot make %s", path);
    }
    remove_files(recorder->folder);
    return true;
}

static bool write_metadata(const struct recorder *recorder, struct err *err)
{
    struct metadata_facts facts = {
        .started_unix_ns = recorder->run.started_unix_ns,
        .kinds = recorder->run.kinds,
        .actions = recorder->run.actions};
    char path[4096];

    memcpy(facts.uuid, recorder->run.uuid, sizeof(facts.uuid));
    snprintf(path, sizeof(path), "%s/" SESSION_METADATA_FILE, recorder->folder);
    char *text = metadata_make(&facts);
    FILE *out = text != NULL ? fopen(path, "we") : NULL;
    bool ok = out != NULL && fputs(text, out) >= 0;
    ok = (out == NULL || fclose(out) == 0) && ok;
    free(text);
    return ok || err_set_errno(err, ERR_ENVIRONMENT, "--session: cannot write %s", path);
}

static bool open_stream(struct recorder *recorder, struct err *err)
{
    if (asprintf(&recorder->stream, "%s/" SESSION_STREAM_FILE, recorder->folder) < 0) {
        recorder->stream = NULL;
        return err_set_errno(err, ERR_ENVIRONMENT, "--session");
    }
    int fd = open(recorder->stream, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) {
        return err_set_errno(err, ERR_INPUT, "--session: cannot make %s", recorder->stream);
    }
    return writer_create(&recorder->writer, fd, recorder->stream, recorder->run.uuid, err) ||
           err_prefix(err, "--session");
}

/* --- what is said of the run --- */

static void read_cpu_name(char *name, size_t bytes)
{
    char line[512];
    FILE *in = fopen("/proc/cpuinfo", "re");

    snprintf(name, bytes, "unknown CPU");
    while (in != NULL && fgets(line, sizeof(line), in) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
            snprintf(name, bytes, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
            break;
        }
    }
    if (in != NULL) {
        fclose(in);
    }
}

static void describe_host(char text[HOST_BYTES])
{
    struct utsname name;
    char cpu[128];

    read_cpu_name(cpu, sizeof(cpu));
    if (uname(&name) != 0) {
        memset(&name, 0, sizeof(name));
    }
    snprintf(text, HOST_BYTES, "%s %s %s, %s", name.sysname, name.release, name.machine, cpu);
}

static bool
describe_run(struct recorder *recorder, const struct recorder_setup *setup, struct err *err)
{
    struct timespec now;

    recorder->folder = strdup(setup->folder);
    recorder->program = realpath(setup->program, NULL);
    if (recorder->folder == NULL || recorder->program == NULL) {
        return err_set_errno(err, ERR_INPUT, "cannot open %s", setup->program);
    }
    clock_gettime(CLOCK_REALTIME, &now);
    describe_host(recorder->host);
    recorder->run = (struct runfile){
        .started_unix_ns = (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec,
        .program_hash = runfile_hash(recorder->program),
        .mem_bytes = setup->mem_bytes,
        .stack_bytes = setup->stack_bytes,
        .program = recorder->program,
        .argv = setup->argv,
        .command = setup->command,
        .kinds = FAULT_KINDS,
        .actions = RECORD_ACTIONS,
        .vmm_version = VMM_VERSION,
        .host = recorder->host};
    if (getrandom(recorder->run.uuid, SESSION_UUID_BYTES, 0) != SESSION_UUID_BYTES) {
        return err_set_errno(err, ERR_ENVIRONMENT, "--session: random bytes");
    }
    /* RFC 9562: version 4, variant 1. */
    recorder->run.uuid[6] = (uint8_t)((recorder->run.uuid[6] & 0x0f) | 0x40);
    recorder->run.uuid[8] = (uint8_t)((recorder->run.uuid[8] & 0x3f) | 0x80);
    return true;
}

static void release(struct recorder *recorder)
{
    writer_close(&recorder->writer);
    announce_release(&recorder->announce);
    free(recorder->folder);
    free(recorder->program);
    free(recorder->stream);
    free(recorder);
}

bool recorder_create(
    struct recorder **recorder, const struct recorder_setup *setup, struct err *err)
{
    struct recorder *made = calloc(1, sizeof(*made));

    *recorder = NULL;
    if (made == NULL) {
        return err_set_errno(err, ERR_ENVIRONMENT, "--session");
    }
    if (!describe_run(made, setup, err) || !make_folder(made, setup->force, err)) {
        release(made);
        return false;
    }
    if (!write_metadata(made, err) || !open_stream(made, err) ||
        !runfile_write(made->folder, &made->run, err)) {
        remove_session(made);
        release(made);
        return false;
    }
    *recorder = made;
    return true;
}

/* --- events --- */

/* Seldom, so kept out of the way of a fault. */
__attribute__((noinline, cold)) static void add_region(
    struct recorder *recorder, uint64_t time_ns, uint16_t process, const struct region *region)
{
    const struct region_spec *spec = &region->spec;
    struct session_region event = {
        .head = session_head(SESSION_REGION, time_ns),
        .begin = region->begin.value,
        .end = region->end.value,
        .file_offset = spec->backing != NULL ? spec->file_offset : 0,
        .id = region->id,
        .process = process,
        .permissions = spec->permissions,
        .kind = (uint8_t)spec->kind,
        .page_shift = spec->page_shift,
        .shared = spec->shared ? 1 : 0};

    snprintf(event.label, sizeof(event.label), "%s", spec->label != NULL ? spec->label : "");
    snprintf(
        event.file, sizeof(event.file), "%s", spec->backing != NULL ? spec->backing->name : "");
    writer_add(&recorder->writer, &event, sizeof(event));
}

void recorder_fault(
    struct recorder *recorder, const struct fault_record *record, struct region *region)
{
    if (recorder->paused) {
        return;
    }
    if (region != NULL && !region->described &&
        announce_is_due(&recorder->announce, record->process, region, record->address)) {
        add_region(recorder, record->time_ns, record->process, region);
    }
    writer_add(&recorder->writer, record, sizeof(*record));
}

void recorder_pause(struct recorder *recorder, bool paused)
{
    recorder->paused = paused;
}

bool recorder_is_paused(const struct recorder *recorder)
{
    return recorder->paused;
}

void recorder_regions(
    struct recorder *recorder,
    uint64_t time_ns,
    uint16_t process,
    const struct regions *regions)
{
    struct region *region = regions_first_from(regions, gva_of(0));

    for (; region != NULL; region = regions_next(region)) {
        if (announce_is_due(&recorder->announce, process, region, region->begin.value)) {
            add_region(recorder, time_ns, process, region);
        }
    }
}

void recorder_phase(struct recorder *recorder, uint64_t time_ns, const char *name)
{
    struct session_phase event = {.head = session_head(SESSION_PHASE, time_ns)};

    snprintf(event.name, sizeof(event.name), "%s", name);
    writer_add(&recorder->writer, &event, sizeof(event));
}

void recorder_result(
    struct recorder *recorder, uint64_t time_ns, const char *name, int64_t value)
{
    struct session_result event = {
        .head = session_head(SESSION_RESULT, time_ns), .value = value};

    snprintf(event.name, sizeof(event.name), "%s", name);
    writer_add(&recorder->writer, &event, sizeof(event));
}

void recorder_process_start(
    struct recorder *recorder, uint64_t time_ns, uint16_t process, uint16_t parent)
{
    const struct session_process_start event = {
        .head = session_head(SESSION_PROCESS_START, time_ns),
        .process = process,
        .parent = parent};

    writer_add(&recorder->writer, &event, sizeof(event));
}

void recorder_process_end(
    struct recorder *recorder, uint64_t time_ns, uint16_t process, int status)
{
    const struct session_process_end event = {
        .head = session_head(SESSION_PROCESS_END, time_ns),
        .process = process,
        .status = status};

    writer_add(&recorder->writer, &event, sizeof(event));
}

void recorder_exec(
    struct recorder *recorder, uint64_t time_ns, uint16_t process, const char *path)
{
    struct session_exec event = {
        .head = session_head(SESSION_EXEC, time_ns),
        .program_hash = runfile_hash(path),
        .process = process};

    snprintf(event.path, sizeof(event.path), "%s", path);
    writer_add(&recorder->writer, &event, sizeof(event));
}

void recorder_signal(
    struct recorder *recorder,
    uint64_t time_ns,
    const struct session_signal *signal,
    const char *text)
{
    struct session_signal event = *signal;

    event.head = session_head(SESSION_SIGNAL, time_ns);
    memset(event.text, 0, sizeof(event.text));
    snprintf(event.text, sizeof(event.text), "%s", text);
    writer_add(&recorder->writer, &event, sizeof(event));
}

void recorder_access(
    struct recorder *recorder, const struct access_record *record, struct region *region)
{
    const struct session_access event = {
        .head = session_head(SESSION_ACCESS, record->time_ns),
        .address = record->address,
        .rip = record->rip,
        .region = record->region,
        .process = record->process,
        .access = record->access,
        .bytes = record->bytes};

    if (region != NULL && !region->described &&
        announce_is_due(&recorder->announce, record->process, region, record->address)) {
        add_region(recorder, record->time_ns, record->process, region);
    }
    writer_add(&recorder->writer, &event, sizeof(event));
}

void recorder_end(struct recorder *recorder, uint64_t time_ns, int status, const char *reason)
{
    struct session_end event = {
        .head = session_head(SESSION_END, time_ns),
        .status = status,
        .discarded = recorder->writer.discarded};

    if (!recorder->ended) {
        snprintf(event.reason, sizeof(event.reason), "%s", reason);
        writer_add_end(&recorder->writer, &event);
        recorder->ended = true;
    }
}

bool recorder_close(struct recorder *recorder, const char *summary, struct err *err)
{
    if (recorder == NULL) {
        return true;
    }
    bool ok = true;
    if (summary == NULL) {
        remove_session(recorder);
    } else {
        recorder->run.summary = summary;
        ok = runfile_write(recorder->folder, &recorder->run, err);
    }
    if (recorder->writer.stopped) {
        *err = recorder->writer.error;
        ok = err_prefix(
            err, "--session: %" PRIu64 " events are missing", recorder->writer.discarded);
    }
    release(recorder);
    return ok;
}
