/* The `expect:` lines of guest programs; see expect.h. */
#include "expect.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST     " * expect: "
#define CONTINUE  " *   | "
#define SEPARATOR " | "

static bool complain(const char *path, const char *line, const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", path, what, line);
    return false;
}

/* Words in double quotes keep their blanks. */
static bool split_words(struct expect *expect, char *command)
{
    char *at = command;

    for (;;) {
        at += strspn(at, " ");
        if (*at == '\0') {
            return expect->words > 0;
        }
        if (expect->words == EXPECT_WORDS) {
            return false;
        }
        bool quoted = *at == '"';
        at += quoted ? 1 : 0;
        expect->word[expect->words++] = at;
        at += strcspn(at, quoted ? "\"" : " ");
        if (quoted && *at == '\0') {
            return false;
        }
        if (*at != '\0') {
            *at++ = '\0';
        }
    }
}

static bool split_item(struct expect *expect, char *field)
{
    char *equals = strchr(field, '=');

    if (equals == NULL || expect->items == EXPECT_ITEMS) {
        return false;
    }
    *equals = '\0';
    expect->item[expect->items++] = (struct expect_item){
        .key = field, .value = equals + 1, .number = strtoll(equals + 1, NULL, 0)};
    return true;
}

static bool parse(struct expect *expect, const char *line)
{
    expect->name = strdup(line);
    expect->text = strdup(line);
    if (expect->name == NULL || expect->text == NULL) {
        return false;
    }
    char *command = expect->text;
    char *field = strstr(command, SEPARATOR);
    while (field != NULL) {
        *field = '\0';
        field += strlen(SEPARATOR);
        char *next = strstr(field, SEPARATOR);
        if (next != NULL) {
            *next = '\0';
        }
        if (!split_item(expect, field)) {
            return false;
        }
        field = next;
    }
    return split_words(expect, command);
}

static bool append(struct expect_list *list, const char *path, const char *line)
{
    struct expect *grown = realloc(list->expect, (list->count + 1) * sizeof(*list->expect));

    if (grown == NULL) {
        return false;
    }
    list->expect = grown;
    struct expect *expect = &grown[list->count];
    memset(expect, 0, sizeof(*expect));
    list->count++;
    return parse(expect, line) || complain(path, line, "not a well-formed expect line");
}

static bool read_file(struct expect_list *list, const char *path)
{
    char whole[4096] = "";
    char line[1024];
    bool ok = true;
    FILE *file = fopen(path, "re");

    if (file == NULL) {
        perror(path);
        return false;
    }
    while (ok && fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (whole[0] != '\0' && strncmp(line, CONTINUE, strlen(CONTINUE)) == 0) {
            size_t used = strlen(whole);
            snprintf(whole + used, sizeof(whole) - used, " %s", line + strlen(" *   "));
            continue;
        }
        if (whole[0] != '\0') {
            ok = append(list, path, whole);
            whole[0] = '\0';
        }
        if (strncmp(line, FIRST, strlen(FIRST)) == 0) {
            snprintf(whole, sizeof(whole), "%s", line + strlen(FIRST));
        }
    }
    fclose(file);
    return ok;
}

static int is_c_file(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');

    return dot != NULL && strcmp(dot, ".c") == 0;
}

bool expect_read(struct expect_list *list, const char *folder)
{
    struct dirent **files;
    char path[512];
    bool ok = true;

    *list = (struct expect_list){0};
    int count = scandir(folder, &files, is_c_file, alphasort);
    if (count < 0) {
        perror(folder);
        return false;
    }
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, files[i]->d_name);
        ok = ok && read_file(list, path);
        free(files[i]);
    }
    free(files);
    return ok && (list->count > 0 || complain(folder, "", "no expect line in any file"));
}

void expect_free(struct expect_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->expect[i].text);
        free(list->expect[i].name);
    }
    free(list->expect);
    *list = (struct expect_list){0};
}

const char *expect_find(const struct expect *expect, const char *key)
{
    for (unsigned i = 0; i < expect->items; i++) {
        if (strcmp(expect->item[i].key, key) == 0) {
            return expect->item[i].value;
        }
    }
    return NULL;
}
