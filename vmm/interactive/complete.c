/* Completion; see complete.h. */
#include "interactive/complete.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "fault/answer.h"
#include "interactive/breaks.h"
#include "interactive/verbs.h"

static const char *const switches[] = {"on", "off", NULL};
static const char *const permissions[] = {"---", "r--", "rw-", "r-x", NULL};

static void offer(struct complete *found, const char *word, const char *start)
{
    if (strncmp(word, start, strlen(start)) == 0 && found->count < COMPLETE_WORDS) {
        found->word[found->count++] = word;
    }
}

static void offer_all(struct complete *found, const char *const *words, const char *start)
{
    for (; *words != NULL; words++) {
        offer(found, *words, start);
    }
}

static void offer_commands(struct complete *found, const char *start)
{
    size_t count;
    const struct verb *all = verbs_all(&count);

    for (size_t i = 0; i < count; i++) {
        offer(found, all[i].name, start);
    }
}

static void offer_answers(struct complete *found, const char *start)
{
    for (int kind = 0; kind < ANSWER_KINDS; kind++) {
        offer(found, answer_name((enum answer_kind)kind), start);
    }
}

/* Of a break only the condition behind the last comma counts. */
static const char *offer_conditions(struct complete *found, const char *start)
{
    const char *comma = strrchr(start, ',');
    const char *last = comma != NULL ? comma + 1 : start;

    if (strncmp(last, "kind=", 5) == 0) {
        offer_all(found, breaks_kinds(), last + 5);
        return last + 5;
    }
    offer_all(found, breaks_keys, last);
    return last;
}

/* What all words share behind what is typed. */
static void find_insert(struct complete *found, const char *start)
{
    size_t typed = strlen(start);
    size_t shared = found->count > 0 ? strlen(found->word[0]) : 0;

    for (unsigned i = 1; i < found->count; i++) {
        size_t same = 0;
        while (same < shared && found->word[i][same] == found->word[0][same]) {
            same++;
        }
        shared = same;
    }
    if (found->count > 0 && shared >= typed) {
        bool whole = found->count == 1 && found->word[0][shared - 1] != '=';
        snprintf(
            found->insert, sizeof(found->insert), "%.*s%s", (int)(shared - typed),
            found->word[0] + typed, whole ? " " : "");
    }
}

/* The arguments of a command; returns what of them is being completed. */
static const char *
offer_arguments(struct complete *found, const char *command, const char *start, bool first)
{
    if (strcmp(command, "break") == 0 && first) {
        return offer_conditions(found, start);
    }
    if (strcmp(command, "decide") == 0 && first) {
        offer_answers(found, start);
    } else if (strcmp(command, "help") == 0 && first) {
        offer_commands(found, start);
    } else if (strcmp(command, "record") == 0 && first) {
        offer_all(found, switches, start);
    } else if (strcmp(command, "protect") == 0 && !first) {
        offer_all(found, permissions, start);
    } else if (strcmp(command, "delete") == 0 && first) {
        offer(found, "all", start);
    }
    return start;
}

void complete_line(const char *line, struct complete *found)
{
    const struct verb *command;
    char word[32];
    struct err err;

    *found = (struct complete){.count = 0};
    line += strspn(line, " \t");
    size_t bytes = strcspn(line, " \t");
    if (line[bytes] == '\0') {
        offer_commands(found, line);
        find_insert(found, line);
        return;
    }
    snprintf(word, sizeof(word), "%.*s", (int)(bytes < 31 ? bytes : 31), line);
    if (!verbs_find(word, &command, &err)) {
        return;
    }
    const char *arguments = line + bytes + strspn(line + bytes, " \t");
    const char *start = arguments;
    for (const char *at = arguments; *at != '\0'; at++) {
        start = *at == ' ' || *at == '\t' ? at + 1 : start;
    }
    find_insert(found, offer_arguments(found, command->name, start, start == arguments));
}
