/* Breaks; see breaks.h. */
#include "interactive/breaks.h"

#include <inttypes.h>
#include <string.h>

#include "base/nearest.h"

#define BIT(kind) (UINT32_C(1) << (kind))

const char *const breaks_keys[] = {"kind=", "range=", "region=", "process=", "count=", NULL};

enum key { KEY_KIND, KEY_RANGE, KEY_REGION, KEY_PROCESS, KEY_COUNT, KEYS };

/* Several kinds that go by one word. */
static const struct group {
    const char *name;
    uint32_t kinds;
} groups[] = {
    {"cow", BIT(FAULT_COW_COPY) | BIT(FAULT_COW_REUSE)},
    {"major", BIT(FAULT_FILE_LOAD) | BIT(FAULT_SWAP_IN)},
    {"segfault", BIT(FAULT_UNMAPPED) | BIT(FAULT_READ_ONLY) | BIT(FAULT_NO_EXECUTE) |
                     BIT(FAULT_NO_ACCESS) | BIT(FAULT_KERNEL_PAGE) | BIT(FAULT_STACK_LIMIT)},
};
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

/* In the order of enum fault_kind, then groups: record.c has the same names. */
static const char *const kind_words[] = {
    "demand-zero", "stack-growth", "file-load",   "cow-copy",    "cow-reuse",
    "swap-in",     "sampling",     "spurious",    "unmapped",    "read-only",
    "no-execute",  "no-access",    "kernel-page", "stack-limit", "out-of-memory",
    "shared",      "cow",          "major",       "segfault",    NULL};
#define KIND_WORDS (sizeof(kind_words) / sizeof(kind_words[0]) - 1)

const char *const *breaks_kinds(void)
{
    return kind_words;
}

const char *breaks_region_name(const struct region *region)
{
    return region->spec.label != NULL ? region->spec.label
                                      : region_kind_name(region->spec.kind);
}

/* --- reading --- */

static bool add_kind(struct breaks_one *one, const char *value, struct err *err)
{
    for (int kind = 0; kind < FAULT_KINDS; kind++) {
        if (strcmp(value, record_kind_name((enum fault_kind)kind)) == 0) {
            if (kind == FAULT_OUT_OF_MEMORY || kind == FAULT_SAMPLING) {
                return err_set(
                    err, ERR_INPUT, "kind=%s is not known before the fault is decided", value);
            }
            one->kinds |= BIT(kind);
            return true;
        }
    }
    for (size_t i = 0; i < GROUPS; i++) {
        if (strcmp(value, groups[i].name) == 0) {
            one->kinds |= groups[i].kinds;
            return true;
        }
    }
    const char *nearest = nearest_word(value, kind_words, KIND_WORDS);
    if (nearest != NULL) {
        return err_set(
            err, ERR_INPUT, "'%.64s' is no kind of fault: did you mean '%s'?", value, nearest);
    }
    return err_set(
        err, ERR_INPUT,
        "'%.64s' is no kind of fault (demand-zero, file-load, cow, segfault...)", value);
}

static bool set_region(struct breaks_one *one, const char *value, struct err *err)
{
    size_t bytes = strlen(value);

    if (bytes == 0 || bytes >= sizeof(one->region)) {
        return err_set(
            err, ERR_INPUT, "region=%.64s: not a region's name as maps prints it", value);
    }
    memcpy(one->region, value, bytes + 1);
    return true;
}

static bool set_value(
    struct breaks_one *one,
    enum key key,
    const char *value,
    const struct parse_names *names,
    struct err *err)
{
    uint64_t number = 0;

    switch (key) {
    case KEY_KIND:
        return add_kind(one, value, err);
    case KEY_RANGE:
        one->has_range = true;
        return parse_range(value, names, &one->range, err);
    case KEY_REGION:
        return set_region(one, value, err);
    case KEY_PROCESS:
        if (!parse_number(value, "a process", &number, err)) {
            return false;
        }
        one->process = (unsigned)number;
        return (number != 0 && number <= UINT16_MAX) ||
               err_set(err, ERR_INPUT, "process=%s: processes are 1 to 65535", value);
    case KEY_COUNT:
        if (!parse_number(value, "a count", &one->count, err)) {
            return false;
        }
        return one->count != 0 || err_set(err, ERR_INPUT, "count=0: counts begin with 1");
    case KEYS:
        break;
    }
    return false;
}

static bool find_key(const char *word, size_t bytes, enum key *key, struct err *err)
{
    static const char *const names[KEYS] = {"kind", "range", "region", "process", "count"};
    char text[32];

    snprintf(text, sizeof(text), "%.*s", (int)(bytes < 31 ? bytes : 31), word);
    for (unsigned i = 0; i < KEYS; i++) {
        if (strcmp(text, names[i]) == 0) {
            *key = (enum key)i;
            return true;
        }
    }
    const char *nearest = nearest_word(text, names, KEYS);
    return nearest != NULL
               ? err_set(
                     err, ERR_INPUT, "unknown key '%s' of a break: did you mean '%s'?", text,
                     nearest)
               : err_set(
                     err, ERR_INPUT,
                     "unknown key '%s' of a break (kind, range, region, process, count)", text);
}

static bool read_pair(
    struct breaks_one *one,
    const char *pair,
    unsigned *seen,
    const struct parse_names *names,
    struct err *err)
{
    const char *equals = strchr(pair, '=');
    enum key key = KEYS;

    if (equals == NULL) {
        return err_set(
            err, ERR_INPUT, "'%.64s' is no condition (KEY=VALUE, such as kind=cow)", pair);
    }
    if (!find_key(pair, (size_t)(equals - pair), &key, err)) {
        return false;
    }
    if ((*seen & BIT(key)) != 0 && key != KEY_KIND) {
        return err_set(err, ERR_INPUT, "'%.64s': this key was given before", pair);
    }
    *seen |= BIT(key);
    return set_value(one, key, equals + 1, names, err);
}

static bool read_break(
    struct breaks_one *one, const char *text, const struct parse_names *names, struct err *err)
{
    char pairs[256];
    char *rest = pairs;
    unsigned seen = 0;

    if (strlen(text) >= sizeof(pairs)) {
        return err_set(err, ERR_INPUT, "a break has at most %zu characters", sizeof(pairs) - 1);
    }
    memcpy(pairs, text, strlen(text) + 1);
    while (rest != NULL) {
        const char *pair = strsep(&rest, ",");
        if (!read_pair(one, pair, &seen, names, err)) {
            return false;
        }
    }
    return true;
}

bool breaks_add(
    struct breaks *breaks,
    const char *text,
    const struct parse_names *names,
    unsigned *number,
    struct err *err)
{
    struct breaks_one one = {.number = breaks->last_number + 1};

    if (breaks->used == BREAKS_MAX) {
        return err_set(err, ERR_INPUT, "there are %d breaks already", BREAKS_MAX);
    }
    if (text != NULL && text[0] != '\0' && !read_break(&one, text, names, err)) {
        return false;
    }
    breaks->one[breaks->used++] = one;
    *number = breaks->last_number = one.number;
    return true;
}

bool breaks_delete(struct breaks *breaks, uint64_t number)
{
    for (unsigned i = 0; i < breaks->used; i++) {
        if (breaks->one[i].number == number) {
            memmove(
                &breaks->one[i], &breaks->one[i + 1],
                (breaks->used - i - 1) * sizeof(breaks->one[0]));
            breaks->used--;
            return true;
        }
    }
    return false;
}

void breaks_delete_all(struct breaks *breaks)
{
    breaks->used = 0;
}

/* --- asking --- */

static bool holds(const struct breaks_one *one, const struct breaks_fault *fault)
{
    if (one->kinds != 0 && (one->kinds & BIT(fault->kind)) == 0) {
        return false;
    }
    if (one->has_range &&
        (fault->address < one->range.begin.value || fault->address >= one->range.end.value)) {
        return false;
    }
    if (one->region[0] != '\0' &&
        (fault->region == NULL ||
         strcmp(one->region, breaks_region_name(fault->region)) != 0)) {
        return false;
    }
    return one->process == 0 || one->process == fault->process;
}

bool breaks_match(struct breaks *breaks, const struct breaks_fault *fault, unsigned *number)
{
    bool stop = breaks->used == 0;

    *number = 0;
    for (unsigned i = 0; i < breaks->used; i++) {
        struct breaks_one *one = &breaks->one[i];
        if (!holds(one, fault)) {
            continue;
        }
        one->hits++;
        if (one->hits >= one->count && !stop) {
            stop = true;
            *number = one->number;
        }
    }
    return stop;
}

static void print_one(const struct breaks_one *one, FILE *out)
{
    const char *between = "";

    fprintf(out, "%3u  ", one->number);
    for (int kind = 0; kind < FAULT_KINDS; kind++) {
        if ((one->kinds & BIT(kind)) != 0) {
            fprintf(out, "%skind=%s", between, record_kind_name((enum fault_kind)kind));
            between = ",";
        }
    }
    if (one->has_range) {
        fprintf(
            out, "%srange=0x%" PRIx64 "-0x%" PRIx64, between, one->range.begin.value,
            one->range.end.value);
        between = ",";
    }
    if (one->region[0] != '\0') {
        fprintf(out, "%sregion=%s", between, one->region);
        between = ",";
    }
    if (one->process != 0) {
        fprintf(out, "%sprocess=%u", between, one->process);
        between = ",";
    }
    if (one->count != 0) {
        fprintf(out, "%scount=%" PRIu64, between, one->count);
        between = ",";
    }
    fprintf(
        out, "%s, matched %" PRIu64 " time%s\n", between[0] == '\0' ? "every fault" : "",
        one->hits, one->hits == 1 ? "" : "s");
}

void breaks_print(const struct breaks *breaks, FILE *out)
{
    if (breaks->used == 0) {
        fputs("no breaks: every fault stops the program\n", out);
    }
    for (unsigned i = 0; i < breaks->used; i++) {
        print_one(&breaks->one[i], out);
    }
}
