/*
 * Reads the values of the options that say how memory is managed.  It refuses to know what is
 * done with them.  Read cli/value.c for how numbers and sizes are read.
 */
#include "cli/paging_options.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/addr.h"
#include "cli/value.h"

void paging_options_init(struct options *options)
{
    options->fault_around_pages = 1;
    options->max_processes = OPTIONS_PROCESSES_DEFAULT;
}

void paging_options_destroy(struct options *options)
{
    free(options->swap_file);
    options->swap_file = NULL;
}

static bool parse_policy(struct options *options, const char *text, struct err *err)
{
    if (text[0] == '\0' || text[0] == ',') {
        return err_set(
            err, ERR_USAGE,
            "option '--policy': '%s' has no name (allowed: NAME[,key=value...], where NAME is "
            "fifo, clock, lru, random, 2q, arc or a path)",
            text);
    }
    options->policy = text;
    return true;
}

/* Two ways to say the same: whichever comes first, the other one may not follow. */
static bool refuse_both(const char *option, bool other, struct err *err)
{
    return !other || err_set(
                         err, ERR_USAGE,
                         "option '%s': --frames and --resident both limit memory (allowed: one "
                         "of them)",
                         option);
}

static bool parse_frames(struct options *options, const char *text, struct err *err)
{
    static const struct value_range range = {
        .minimum = OPTIONS_FRAMES_MIN,
        .maximum = OPTIONS_FRAMES_MAX,
        .unit = 1,
        .allowed = "8 to 134217728, of 4 KiB",
    };
    bool by_size = options->limit == OPTIONS_LIMIT_RESIDENT;

    if (!refuse_both("--frames", by_size, err) ||
        !value_parse_number("--frames", text, &range, &options->frames, err)) {
        return false;
    }
    options->limit = OPTIONS_LIMIT_FRAMES;
    return true;
}

static bool parse_resident(struct options *options, const char *text, struct err *err)
{
    static const struct value_range range = {
        .minimum = OPTIONS_FRAMES_MIN * PAGE_BYTES,
        .maximum = OPTIONS_FRAMES_MAX * PAGE_BYTES,
        .unit = PAGE_BYTES,
        .allowed = "32K to 512G",
    };
    bool by_count = options->limit == OPTIONS_LIMIT_FRAMES;
    uint64_t bytes;

    if (!refuse_both("--resident", by_count, err) ||
        !value_parse_size("--resident", text, &range, &bytes, err)) {
        return false;
    }
    options->frames = bytes / PAGE_BYTES;
    options->limit = OPTIONS_LIMIT_RESIDENT;
    return true;
}

static bool parse_swap_size(const char *text, uint64_t *bytes, struct err *err)
{
    static const struct value_range range = {
        .minimum = OPTIONS_SWAP_MIN,
        .maximum = OPTIONS_SWAP_MAX,
        .unit = PAGE_BYTES,
        .allowed = "64K to 16T; a file whose name looks like a size: ./NAME",
    };

    return value_parse_size("--swap", text, &range, bytes, err);
}

/* Letters and digits that begin with a digit: a size, or meant to be one. */
static bool looks_like_size(const char *text)
{
    static const char alphanumeric[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    return text[0] >= '0' && text[0] <= '9' && text[strspn(text, alphanumeric)] == '\0';
}

/* SIZE, FILE, or FILE,size=SIZE.  A comma that is not followed by "size=" is part of FILE. */
static bool parse_swap(struct options *options, const char *text, struct err *err)
{
    static const char size_key[] = ",size=";
    const char *size = strstr(text, size_key);
    size_t length = size == NULL ? strlen(text) : (size_t)(size - text);
    uint64_t bytes = 0;
    char *file;

    if (looks_like_size(text)) {
        if (!parse_swap_size(text, &bytes, err)) {
            return false;
        }
        paging_options_destroy(options); /* the last one counts */
        options->swap_bytes = bytes;
        return true;
    }
    if (length == 0) {
        return err_set(
            err, ERR_USAGE,
            "option '--swap': the name of the file is empty (allowed: SIZE, FILE or "
            "FILE,size=SIZE)");
    }
    if (size != NULL && !parse_swap_size(size + sizeof(size_key) - 1, &bytes, err)) {
        return false;
    }
    file = strndup(text, length);
    if (file == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for the command line");
    }
    paging_options_destroy(options);
    options->swap_file = file;
    options->swap_bytes = bytes;
    return true;
}

static bool parse_fault_around(struct options *options, const char *text, struct err *err)
{
    static const struct value_range range = {
        .minimum = 1,
        .maximum = OPTIONS_FAULT_AROUND_MAX,
        .unit = 1,
        .allowed = "1 to 512, in pages, or auto",
    };

    options->fault_around_adaptive = strcasecmp(text, "auto") == 0;
    if (options->fault_around_adaptive) {
        options->fault_around_pages = OPTIONS_FAULT_AROUND_AUTO;
        return true;
    }
    return value_parse_number(
        "--fault-around", text, &range, &options->fault_around_pages, err);
}

static bool parse_page_size(struct options *options, const char *text, struct err *err)
{
    static const char *const names[] = {
        [OPTIONS_PAGE_4K] = "4k", [OPTIONS_PAGE_2M] = "2m", [OPTIONS_PAGE_AUTO] = "auto"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(text, names[i]) == 0) {
            options->page_size = (enum options_page_size)i;
            return true;
        }
    }
    return err_set(
        err, ERR_USAGE, "option '--page-size': '%s' is not a page size (allowed: 4k, 2m, auto)",
        text);
}

static bool parse_max_processes(struct options *options, const char *text, struct err *err)
{
    static const struct value_range range = {
        .minimum = 1,
        .maximum = OPTIONS_PROCESSES_MAX,
        .unit = 1,
        .allowed = "1 to 32768",
    };

    return value_parse_number("--max-processes", text, &range, &options->max_processes, err);
}

bool paging_options_parse(
    struct options *options, enum paging_option option, const char *text, struct err *err)
{
    switch (option) {
    case PAGING_POLICY:
        return parse_policy(options, text, err);
    case PAGING_FRAMES:
        return parse_frames(options, text, err);
    case PAGING_RESIDENT:
        return parse_resident(options, text, err);
    case PAGING_SWAP:
        return parse_swap(options, text, err);
    case PAGING_FAULT_AROUND:
        return parse_fault_around(options, text, err);
    case PAGING_PAGE_SIZE:
        return parse_page_size(options, text, err);
    case PAGING_MAX_PROCESSES:
        return parse_max_processes(options, text, err);
    }
    return false;
}
