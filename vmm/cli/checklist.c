/*
 * Keeps a list of checks and prints it.  It refuses to know what a check is about, and never
 * prints a byte into JSON that could end a string.  Read cli/doctor.c next.
 */
#include "cli/checklist.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define LABEL_WIDTH 20

struct check *checklist_add(
    struct checklist *list,
    const char *section,
    const char *key,
    const char *label,
    enum check_mark mark,
    const char *format,
    ...)
{
    struct check *check = &list->checks[list->count];
    va_list args;

    assert(list->count < CHECKLIST_MAX);
    list->count++;
    *check = (struct check){
        .section = section, .key = key, .label = label, .mark = mark, .kind = CHECK_TEXT};
    va_start(args, format);
    vsnprintf(check->text, sizeof(check->text), format, args);
    va_end(args);
    return check;
}

void check_set_number(struct check *check, int64_t number)
{
    check->kind = CHECK_NUMBER;
    check->number = number;
}

void check_set_bool(struct check *check, bool truth)
{
    check->kind = CHECK_BOOL;
    check->number = truth;
}

void check_set_token(struct check *check, const char *token)
{
    check->kind = CHECK_TOKEN;
    check->token = token;
}

void check_set_remedy(struct check *check, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(check->remedy, sizeof(check->remedy), format, args);
    va_end(args);
}

bool checklist_is_usable(const struct checklist *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->checks[i].mark == CHECK_MISSING) {
            return false;
        }
    }
    return true;
}

/* --- text --- */

static const char *mark_text(enum check_mark mark)
{
    switch (mark) {
    case CHECK_OK:
        return "ok";
    case CHECK_NOTE:
        return "note";
    case CHECK_MISSING:
        return "MISSING";
    case CHECK_UNKNOWN:
        return "unknown";
    }
    return "";
}

/* "huge_pages" is for programs; a reader gets "huge pages". */
static void print_heading(FILE *out, const char *section)
{
    for (; *section != '\0'; section++) {
        fputc(*section == '_' ? ' ' : *section, out);
    }
    fputc('\n', out);
}

void checklist_print_text(const struct checklist *list, FILE *out)
{
    const char *section = NULL;

    for (size_t i = 0; i < list->count; i++) {
        const struct check *check = &list->checks[i];

        if (check->mark == CHECK_UNKNOWN) {
            continue;
        }
        if (section == NULL || strcmp(check->section, section) != 0) {
            section = check->section;
            print_heading(out, section);
        }
        fprintf(
            out, "  %-7s  %-*s  %s\n", mark_text(check->mark), LABEL_WIDTH, check->label,
            check->text);
        if (check->remedy[0] != '\0') {
            fprintf(out, "  %-7s  %-*s  -> %s\n", "", LABEL_WIDTH, "", check->remedy);
        }
    }
}

/* --- JSON --- */

static const char *mark_json(enum check_mark mark)
{
    return mark == CHECK_MISSING ? "missing" : mark_text(mark);
}

/* A string of JSON (RFC 8259, "Strings").  Names of users and paths may hold bytes that are not
 * UTF-8: what is not ASCII is written as '?', so that the object is always well-formed. */
static void print_string(FILE *out, const char *text, size_t length)
{
    fputc('"', out);
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];

        if (byte == '"' || byte == '\\') {
            fprintf(out, "\\%c", byte);
        } else if (byte < 0x20) {
            fprintf(out, "\\u%04x", byte);
        } else {
            fputc(byte < 0x7f ? byte : '?', out);
        }
    }
    fputc('"', out);
}

static void print_words(FILE *out, const char *text)
{
    const char *between = "";

    fputc('[', out);
    for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
        size_t length = strcspn(text, " ");

        fputs(between, out);
        print_string(out, text, length);
        between = ", ";
        text += length;
    }
    fputc(']', out);
}

static void print_value(const struct check *check, FILE *out)
{
    if (check->mark == CHECK_UNKNOWN) {
        fputs("null", out);
        return;
    }
    switch (check->kind) {
    case CHECK_TEXT:
        print_string(out, check->text, strlen(check->text));
        return;
    case CHECK_NUMBER:
        fprintf(out, "%" PRId64, check->number);
        return;
    case CHECK_BOOL:
        fputs(check->number != 0 ? "true" : "false", out);
        return;
    case CHECK_WORDS:
        print_words(out, check->text);
        return;
    case CHECK_TOKEN:
        print_string(out, check->token, strlen(check->token));
        return;
    case CHECK_NONE:
        fputs("null", out);
        return;
    }
}

static void print_string_or_null(const char *text, FILE *out)
{
    if (text[0] == '\0') {
        fputs("null", out);
    } else {
        print_string(out, text, strlen(text));
    }
}

static void print_check(const struct check *check, FILE *out)
{
    fprintf(
        out, "    \"%s\": {\"status\": \"%s\", \"value\": ", check->key,
        mark_json(check->mark));
    print_value(check, out);
    fputs(", \"text\": ", out);
    print_string_or_null(check->mark == CHECK_UNKNOWN ? "" : check->text, out);
    fputs(", \"remedy\": ", out);
    print_string_or_null(check->remedy, out);
    fputc('}', out);
}

void checklist_print_json(const struct checklist *list, FILE *out)
{
    const char *section = NULL;

    fprintf(
        out,
        "{\n  \"format\": \"vmm-doctor\",\n  \"version\": 1,\n  \"vmm\": \"%s\",\n"
        "  \"usable\": %s",
        VMM_VERSION, checklist_is_usable(list) ? "true" : "false");
    for (size_t i = 0; i < list->count; i++) {
        const struct check *check = &list->checks[i];

        if (section == NULL || strcmp(check->section, section) != 0) {
            fprintf(out, "%s,\n  \"%s\": {\n", section == NULL ? "" : "\n  }", check->section);
            section = check->section;
        } else {
            fputs(",\n", out);
        }
        print_check(check, out);
    }
    fprintf(out, "%s\n}\n", section == NULL ? "" : "\n  }");
}
