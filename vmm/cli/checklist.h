/*
 * A list of checks and how it is shown: as aligned text with a mark before each line, or as one
 * JSON object.  It refuses to know what is checked.  Read cli/doctor.c for that.
 */
#ifndef CLI_CHECKLIST_H
#define CLI_CHECKLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CHECKLIST_MAX        64
#define CHECKLIST_TEXT_BYTES 320

enum check_mark {
    CHECK_OK,
    CHECK_NOTE,    /* vmm runs, but something is slower or not available */
    CHECK_MISSING, /* vmm cannot run */
    CHECK_UNKNOWN, /* could not be asked: null in JSON, left out of the text */
};

/* What "value" is in JSON. */
enum check_kind {
    CHECK_TEXT,   /* the text as it is printed */
    CHECK_NUMBER, /* `number` */
    CHECK_BOOL,   /* `number` is 0 or 1 */
    CHECK_WORDS,  /* the text, cut at blanks: an array */
    CHECK_TOKEN,  /* `token`, a word of a fixed set */
    CHECK_NONE,   /* null: known, but there is none (no limit) */
};

struct check {
    const char *section; /* JSON key; the checks of one section follow each other */
    const char *key;     /* JSON key within the section */
    const char *label;   /* what the text calls it */
    enum check_mark mark;
    enum check_kind kind;
    int64_t number;
    const char *token;
    char text[CHECKLIST_TEXT_BYTES];
    char remedy[CHECKLIST_TEXT_BYTES]; /* "": none */
};

struct checklist {
    size_t count;
    struct check checks[CHECKLIST_MAX];
};

/* Append a check; strings but the text are borrowed and must outlive the list.  Returns it, for
 * the caller to complete; there must be room. */
struct check *checklist_add(
    struct checklist *list,
    const char *section,
    const char *key,
    const char *label,
    enum check_mark mark,
    const char *format,
    ...) __attribute__((format(printf, 6, 7)));

void check_set_number(struct check *check, int64_t number);
void check_set_bool(struct check *check, bool truth);
void check_set_token(struct check *check, const char *token); /* borrowed */
void check_set_remedy(struct check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Whether no check is CHECK_MISSING. */
bool checklist_is_usable(const struct checklist *list);

void checklist_print_text(const struct checklist *list, FILE *out);

/*
 * {"format": "vmm-doctor", "version": 1, "vmm": "…", "usable": …, SECTION: {KEY: {"status":
 * "ok" | "note" | "missing" | "unknown", "value": …, "text": "…" | null, "remedy": "…" | null},
 * …}, …}
 */
void checklist_print_json(const struct checklist *list, FILE *out);

#endif
