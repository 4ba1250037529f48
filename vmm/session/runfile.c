/* run.json, both ways; see runfile.h. */
#include "session/runfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session/metadata.h"

#define FORMAT_NAME "vmm-session"

/* --- writing --- */

/* Names on the command line need not be UTF-8, but JSON is: other bytes become '?'. */
static json_t *text(const char *bytes)
{
    json_t *made = json_string(bytes);

    if (made == NULL) {
        char *copy = strdup(bytes);
        for (char *at = copy; at != NULL && *at != '\0'; at++) {
            if ((unsigned char)*at >= 0x80) {
                *at = '?';
            }
        }
        made = copy != NULL ? json_string(copy) : NULL;
        free(copy);
    }
    return made;
}

static json_t *texts(const char *const *words)
{
    json_t *array = json_array();

    for (; words != NULL && *words != NULL; words++) {
        json_array_append_new(array, text(*words));
    }
    return array;
}

static json_t *kind_names(unsigned count)
{
    json_t *array = json_array();

    for (unsigned i = 0; i < count; i++) {
        json_array_append_new(array, json_string(record_kind_name((enum fault_kind)i)));
    }
    return array;
}

static json_t *action_names(unsigned count)
{
    json_t *array = json_array();

    for (unsigned i = 0; i < count; i++) {
        json_array_append_new(array, json_string(record_action_name((enum record_action)i)));
    }
    return array;
}

static json_t *to_json(const struct runfile *run)
{
    char uuid[METADATA_UUID_TEXT], hash[17];
    json_t *outcome = run->summary != NULL ? json_loads(run->summary, 0, NULL) : NULL;

    metadata_print_uuid(run->uuid, uuid);
    snprintf(hash, sizeof(hash), "%016" PRIx64, run->program_hash);
    return json_pack(
        "{s:s, s:i, s:s, s:s, s:I, s:{s:o, s:o, s:s}, s:o, s:{s:I, s:I}, s:o, s:o, s:o, s:o}",
        "format", FORMAT_NAME, "version", SESSION_VERSION, "vmm", run->vmm_version, "uuid",
        uuid, "started_unix_ns", (json_int_t)run->started_unix_ns, "program", "path",
        text(run->program), "argv", texts(run->argv), "hash", hash, "command",
        texts(run->command), "options", "mem_bytes", (json_int_t)run->mem_bytes, "stack_bytes",
        (json_int_t)run->stack_bytes, "host", text(run->host), "kinds", kind_names(run->kinds),
        "actions", action_names(run->actions), "outcome",
        outcome != NULL ? outcome : json_null());
}

static bool write_text(const char *path, const char *bytes)
{
    FILE *out = fopen(path, "we");

    if (out == NULL) {
        return false;
    }
    bool ok = fputs(bytes, out) >= 0 && fputc('\n', out) != EOF;
    int saved = errno;
    if (fclose(out) != 0) {
        return false;
    }
    errno = saved;
    return ok;
}

bool runfile_write(const char *folder, const struct runfile *run, struct err *err)
{
    json_t *root = to_json(run);
    char *bytes = root != NULL ? json_dumps(root, JSON_INDENT(2)) : NULL;
    char *path = NULL, *fresh = NULL;
    bool ok = false;

    json_decref(root);
    if (bytes == NULL || asprintf(&path, "%s/" SESSION_RUN_FILE, folder) < 0 ||
        asprintf(&fresh, "%s/" SESSION_RUN_FILE ".new", folder) < 0) {
        err_set(err, ERR_ENVIRONMENT, "no memory for " SESSION_RUN_FILE);
        goto out;
    }
    ok = write_text(fresh, bytes) && rename(fresh, path) == 0;
    if (!ok) {
        err_set_errno(err, ERR_ENVIRONMENT, "cannot write %s", path);
        unlink(fresh);
    }
out:
    free(bytes);
    free(path);
    free(fresh);
    return ok;
}

/* --- reading --- */

static bool read_words(struct runfile *run, json_t *array)
{
    size_t count = json_array_size(array);

    run->words = calloc(count + 1, sizeof(*run->words));
    for (size_t i = 0; run->words != NULL && i < count; i++) {
        run->words[i] = json_string_value(json_array_get(array, i));
        if (run->words[i] == NULL) {
            return false;
        }
    }
    run->argv = run->words;
    return run->words != NULL;
}

static bool read_uuid(const char *from, uint8_t uuid[SESSION_UUID_BYTES])
{
    char again[METADATA_UUID_TEXT];
    unsigned digit = 0;

    memset(uuid, 0, SESSION_UUID_BYTES);
    for (const char *at = from; *at != '\0' && digit < SESSION_UUID_BYTES * 2; at++) {
        const char *hex = "0123456789abcdef";
        const char *found = strchr(hex, *at);
        if (found != NULL) {
            uuid[digit / 2] = (uint8_t)(uuid[digit / 2] << 4 | (found - hex));
            digit++;
        }
    }
    metadata_print_uuid(uuid, again);
    return strcmp(from, again) == 0;
}

/* Names may be appended in a later version, never changed: so ours begin with those of the
 * file. */
static bool read_names(
    const json_t *array, const json_t *ours, const char *what, unsigned *count, struct err *err)
{
    *count = (unsigned)json_array_size(array);
    for (unsigned i = 0; i < *count; i++) {
        const char *name = json_string_value(json_array_get(array, i));
        if (name == NULL || !json_equal(json_array_get(array, i), json_array_get(ours, i))) {
            return err_set(
                err, ERR_INPUT,
                "%s %u is '%s', which this vmm does not know: a later version recorded it",
                what, i, name != NULL ? name : "?");
        }
    }
    return *count > 0 || err_set(err, ERR_INPUT, "the list of each %s is missing", what);
}

static bool read_all_names(struct runfile *run, struct err *err)
{
    json_t *kinds = kind_names(FAULT_KINDS);
    json_t *actions = action_names(RECORD_ACTIONS);
    bool ok = read_names(
                  json_object_get(run->root, "kinds"), kinds, "fault kind", &run->kinds, err) &&
              read_names(
                  json_object_get(run->root, "actions"), actions, "action", &run->actions, err);

    json_decref(kinds);
    json_decref(actions);
    return ok;
}

static bool read_members(struct runfile *run, struct err *err)
{
    const char *uuid, *hash;
    json_int_t started, mem, stack;
    json_t *argv;
    json_error_t error;

    if (json_unpack_ex(
            run->root, &error, 0, "{s:s, s:s, s:I, s:{s:s, s:o, s:s}, s:{s:I, s:I}, s:s}",
            "vmm", &run->vmm_version, "uuid", &uuid, "started_unix_ns", &started, "program",
            "path", &run->program, "argv", &argv, "hash", &hash, "options", "mem_bytes", &mem,
            "stack_bytes", &stack, "host", &run->host) != 0) {
        return err_set(err, ERR_INPUT, "%s", error.text);
    }
    if (!read_uuid(uuid, run->uuid) || started < 0 || mem < 0 || stack < 0 ||
        !read_words(run, argv)) {
        return err_set(err, ERR_INPUT, "uuid, time, size or argv is out of range");
    }
    run->program_hash = strtoull(hash, NULL, 16);
    run->started_unix_ns = (uint64_t)started;
    run->mem_bytes = (uint64_t)mem;
    run->stack_bytes = (uint64_t)stack;
    return read_all_names(run, err);
}

static bool check_version(const json_t *root, struct err *err)
{
    const char *format = json_string_value(json_object_get(root, "format"));
    const json_t *version = json_object_get(root, "version");

    if (format == NULL || strcmp(format, FORMAT_NAME) != 0 || !json_is_integer(version)) {
        return err_set(err, ERR_INPUT, "it does not say that this is a session of vmm");
    }
    return json_integer_value(version) == SESSION_VERSION ||
           err_set(
               err, ERR_INPUT, "version %lld of the format; this vmm reads version %d",
               (long long)json_integer_value(version), SESSION_VERSION);
}

bool runfile_read(const char *folder, struct runfile *run, struct err *err)
{
    char path[4096];
    json_error_t error;

    *run = (struct runfile){0};
    snprintf(path, sizeof(path), "%s/" SESSION_RUN_FILE, folder);
    FILE *in = fopen(path, "re");
    if (in == NULL) {
        return errno == ENOENT || errno == ENOTDIR
                   ? err_set(err, ERR_INPUT, "%s is not a session: no %s", folder, path)
                   : err_set_errno(err, ERR_INPUT, "cannot read %s", path);
    }
    run->root = json_loadf(in, 0, &error);
    fclose(in);
    if (run->root == NULL) {
        return err_set(err, ERR_INPUT, "%s: line %d: %s", path, error.line, error.text);
    }
    if (!check_version(run->root, err) || !read_members(run, err)) {
        runfile_destroy(run);
        return err_prefix(err, "%s", path);
    }
    return true;
}

void runfile_destroy(struct runfile *run)
{
    json_decref(run->root);
    free(run->words);
    run->root = NULL;
    run->words = NULL;
}

/* --- the hash --- */

#define HASH_WORDS 8192

uint64_t runfile_hash(const char *path)
{
    const uint64_t prime = UINT64_C(0x100000001b3);
    uint64_t hash = UINT64_C(0xcbf29ce484222325), length = 0;
    uint64_t *words = malloc(HASH_WORDS * sizeof(*words));
    FILE *in = words != NULL ? fopen(path, "re") : NULL;

    if (in == NULL) {
        free(words);
        return 0;
    }
    for (;;) {
        size_t bytes = fread(words, 1, HASH_WORDS * sizeof(*words), in);
        memset((uint8_t *)words + bytes, 0, -bytes % sizeof(*words));
        for (size_t i = 0; i < (bytes + sizeof(*words) - 1) / sizeof(*words); i++) {
            hash = (hash ^ words[i]) * prime;
        }
        length += bytes;
        if (bytes < HASH_WORDS * sizeof(*words)) {
            break;
        }
    }
    bool ok = ferror(in) == 0;
    fclose(in);
    free(words);
    return ok ? (hash ^ length) * prime : 0;
}
