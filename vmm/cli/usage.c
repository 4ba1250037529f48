/*
 * Explains usage errors: walks the command line by getopt_long's rules to the first option that
 * is wrong, and names the nearest valid one.  It refuses to parse: argp does, and this file is
 * asked only once argp has failed, because argp's own message names no candidate and is not a
 * value that a caller could hold.  Read cli/options.c next.
 */
#include "cli/usage.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"

#define WORD_MAX    64 /* letters of a wrong word that are repeated in a message */
#define OPTIONS_MAX 32 /* long options in one table */
#define NAMES_BYTES 192

struct request {
    const char *command;
    const struct argp_option *table;
    struct err *err;
};

enum verdict {
    VERDICT_FINE,
    VERDICT_TAKES_NEXT, /* fine, and the next word is its value */
    VERDICT_WRONG,      /* explained in the request's err */
};

static bool at_end(const struct argp_option *option)
{
    return option->name == NULL && option->key == 0 && option->doc == NULL &&
           option->group == 0;
}

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* The long options whose name begins with prefix (all of them for ""); an exact one comes
 * alone. */
static size_t find_long(
    const struct argp_option *table,
    const char *prefix,
    size_t length,
    const struct argp_option *found[OPTIONS_MAX])
{
    size_t count = 0;

    for (const struct argp_option *option = table; !at_end(option); option++) {
        if (option->name == NULL || strncmp(option->name, prefix, length) != 0) {
            continue;
        }
        if (length > 0 && strlen(option->name) == length) {
            found[0] = option;
            return 1;
        }
        assert(count < OPTIONS_MAX);
        found[count++] = option;
    }
    return count;
}

static const struct argp_option *find_short(const struct argp_option *table, char letter)
{
    for (const struct argp_option *option = table; !at_end(option); option++) {
        if (option->key == letter) {
            return option;
        }
    }
    return NULL;
}

/* Write "'--a', '--b' or '--c'". */
static void
list_names(char *text, size_t bytes, const struct argp_option *const *options, size_t count)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count && used < bytes; i++) {
        const char *between = i == 0 ? "" : i + 1 == count ? " or " : ", ";

        used +=
            (size_t)snprintf(text + used, bytes - used, "%s'--%s'", between, options[i]->name);
    }
}

static enum verdict
say_unknown(const struct request *ask, const char *option, const char *names)
{
    if (names[0] == '\0') {
        err_set(
            ask->err, ERR_USAGE, "unknown option '%s' (%s --help lists all)", option,
            ask->command);
    } else {
        err_set(
            ask->err, ERR_USAGE, "unknown option '%s': did you mean %s? (%s --help lists all)",
            option, names, ask->command);
    }
    return VERDICT_WRONG;
}

static enum verdict say_unknown_long(const struct request *ask, const char *name, int length)
{
    const struct argp_option *all[OPTIONS_MAX];
    const char *words[OPTIONS_MAX];
    size_t count = find_long(ask->table, "", 0, all);
    char wrong[WORD_MAX + 8];
    char names[NAMES_BYTES] = "";
    const char *nearest;

    for (size_t i = 0; i < count; i++) {
        words[i] = all[i]->name;
    }
    snprintf(wrong, sizeof(wrong), "--%.*s", length, name);
    nearest = nearest_word(wrong + 2, words, count);
    if (nearest != NULL) {
        snprintf(names, sizeof(names), "'--%s'", nearest);
    }
    return say_unknown(ask, wrong, names);
}

/* One word that begins with "--". */
static enum verdict judge_long(const struct request *ask, const char *word, bool has_next)
{
    const char *name = word + 2;
    size_t length = strcspn(name, "=");
    bool has_value = name[length] == '=';
    const struct argp_option *found[OPTIONS_MAX];
    size_t count = find_long(ask->table, name, length, found);

    if (count == 0 || length == 0) {
        return say_unknown_long(ask, name, (int)smaller((unsigned)length, WORD_MAX));
    }
    if (count > 1) {
        char names[NAMES_BYTES];

        list_names(names, sizeof(names), found, count);
        err_set(
            ask->err, ERR_USAGE, "option '--%.*s' is ambiguous: %s? (%s --help lists all)",
            (int)smaller((unsigned)length, WORD_MAX), name, names, ask->command);
        return VERDICT_WRONG;
    }
    if (found[0]->arg == NULL && has_value) {
        err_set(
            ask->err, ERR_USAGE, "option '--%s' takes no value, but '%s' was given",
            found[0]->name, name + length + 1);
        return VERDICT_WRONG;
    }
    if (found[0]->arg == NULL || has_value || (found[0]->flags & OPTION_ARG_OPTIONAL) != 0) {
        return VERDICT_FINE;
    }
    if (!has_next) {
        err_set(
            ask->err, ERR_USAGE, "option '--%s' needs a value: --%s=%s", found[0]->name,
            found[0]->name, found[0]->arg);
        return VERDICT_WRONG;
    }
    return VERDICT_TAKES_NEXT;
}

/* One word that begins with a single "-": a cluster of letters. */
static enum verdict judge_short(const struct request *ask, const char *word, bool has_next)
{
    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        const struct argp_option *option = find_short(ask->table, *letter);

        if (option == NULL) {
            const struct argp_option *found[OPTIONS_MAX];
            char wrong[] = {'-', *letter, '\0'};
            char names[NAMES_BYTES];

            list_names(names, sizeof(names), found, find_long(ask->table, letter, 1, found));
            return say_unknown(ask, wrong, names);
        }
        if (option->arg == NULL) {
            continue;
        }
        if (letter[1] != '\0' || (option->flags & OPTION_ARG_OPTIONAL) != 0) {
            return VERDICT_FINE;
        }
        if (!has_next) {
            err_set(
                ask->err, ERR_USAGE, "option '-%c' needs a value: -%c %s", *letter, *letter,
                option->arg);
            return VERDICT_WRONG;
        }
        return VERDICT_TAKES_NEXT;
    }
    return VERDICT_FINE;
}

bool usage_explain(
    const char *command,
    const struct argp_option *table,
    int argc,
    char *const *argv,
    struct err *err)
{
    const struct request ask = {.command = command, .table = table, .err = err};

    for (int i = 1; i < argc; i++) {
        bool has_next = i + 1 < argc;
        enum verdict verdict;

        if (argv[i][0] != '-' || argv[i][1] == '\0' || strcmp(argv[i], "--") == 0) {
            break;
        }
        if (argv[i][1] == '-') {
            verdict = judge_long(&ask, argv[i], has_next);
        } else {
            verdict = judge_short(&ask, argv[i], has_next);
        }
        if (verdict == VERDICT_WRONG) {
            return false;
        }
        i += verdict == VERDICT_TAKES_NEXT;
    }
    return err_set(
        err, ERR_USAGE, "the command line is not understood (%s --help lists all)", command);
}

void usage_print_help(FILE *out, const char *command, const struct argp *argp)
{
    /* argp_help wants a writable name, though it only prints it. */
    char name[32];

    snprintf(name, sizeof(name), "%s", command);
    argp_help(
        argp, out,
        ARGP_HELP_SHORT_USAGE | ARGP_HELP_PRE_DOC | ARGP_HELP_LONG | ARGP_HELP_POST_DOC, name);
}
