/* Reads and answers what is watched; see select.h. */
#include "watch/select.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "space/memory.h"

static bool word_is(const struct select_word *word, const char *name)
{
    return name != NULL && strlen(name) == word->name_bytes &&
           strncmp(word->name, name, word->name_bytes) == 0;
}

/* Words that begin with a digit are ranges: no region's name does. */
static bool read_range(struct select_word *word, struct err *err)
{
    const char *text = word->name;
    char *end;

    errno = 0;
    word->begin = strtoull(text, &end, 0);
    bool ok = errno == 0 && *end == '-';
    if (ok) {
        word->end = strtoull(end + 1, &end, 0);
        ok = errno == 0 && end == text + word->name_bytes && word->begin < word->end;
    }
    word->name = NULL;
    return ok ||
           err_set(
               err, ERR_USAGE,
               "option '--record-regions': '%.*s' is no range (allowed: BEGIN-END, such as "
               "0x400000-0x401000)",
               (int)word->name_bytes, text);
}

static bool add_word(struct select *select, const char *text, size_t bytes, struct err *err)
{
    struct select_word word = {.name = text, .name_bytes = (unsigned)bytes};

    if (bytes == 0) {
        return err_set(
            err, ERR_USAGE,
            "option '--record-regions': a region's name is empty (allowed: all, a name as "
            "--maps "
            "prints it, or BEGIN-END)");
    }
    if (word_is(&word, "all")) {
        select->all = true;
        return true;
    }
    if (select->count == SELECT_WORDS) {
        return err_set(
            err, ERR_USAGE, "option '--record-regions': more than %d regions", SELECT_WORDS);
    }
    if (text[0] >= '0' && text[0] <= '9' && !read_range(&word, err)) {
        return false;
    }
    select->word[select->count++] = word;
    return true;
}

bool select_parse(struct select *select, const char *text, struct err *err)
{
    *select = (struct select){.count = 0};
    if (text == NULL || text[0] == '\0') {
        return true;
    }
    for (const char *at = text; at != NULL;) {
        size_t bytes = strcspn(at, ",");
        if (!add_word(select, at, bytes, err)) {
            return false;
        }
        at = at[bytes] == ',' ? at + bytes + 1 : NULL;
    }
    return true;
}

const char *select_region_name(const struct region *region)
{
    return region->spec.label != NULL ? region->spec.label
                                      : region_kind_name(region->spec.kind);
}

bool select_watches(
    const struct select *select, const struct region *region, uint64_t begin, uint64_t end)
{
    if (select->all) {
        return true;
    }
    if (select->count == 0) {
        return (region->spec.permissions & REGION_EXEC) == 0;
    }
    for (unsigned i = 0; i < select->count; i++) {
        const struct select_word *word = &select->word[i];
        if (word->name != NULL ? word_is(word, select_region_name(region))
                               : begin < word->end && word->begin < end) {
            return true;
        }
    }
    return false;
}

uint8_t select_closed(const struct select *select)
{
    uint8_t closed = select->all ? MEMORY_CLOSED_DATA | MEMORY_CLOSED_TEXT : 0;

    if (select->count == 0) {
        return closed | MEMORY_CLOSED_DATA;
    }
    for (unsigned i = 0; i < select->count; i++) {
        const struct select_word *word = &select->word[i];
        bool text = word->name != NULL && word_is(word, "text");
        /* What a range or another name holds is not known before there are regions. */
        closed |= text ? MEMORY_CLOSED_TEXT : MEMORY_CLOSED_DATA | MEMORY_CLOSED_TEXT;
    }
    return closed;
}
