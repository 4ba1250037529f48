/* How the program goes on, and at which faults it stops; interactive.c carries it out. */
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "interactive/console.h"
#include "interactive/handlers.h"

/* A count of at least 1, which is what no word means. */
static bool read_count(struct console *console, const struct verb_words *words, uint64_t *count)
{
    struct err err;

    *count = 1;
    if (words->count == 0) {
        return true;
    }
    if (parse_number(words->word[0], "a count", count, &err) &&
        (*count != 0 || err_set(&err, ERR_INPUT, "a count is at least 1"))) {
        return true;
    }
    console_refuse(console, &err);
    return false;
}

enum verb_result go_step(struct console *console, const struct verb_words *words)
{
    uint64_t count;

    if (!read_count(console, words, &count)) {
        return VERB_STAY;
    }
    console->go.steps = count;
    console->go.step_pid = console->lab->processes.current->pid;
    return VERB_GO;
}

enum verb_result go_continue(struct console *console, const struct verb_words *words)
{
    uint64_t count;

    if (!read_count(console, words, &count)) {
        return VERB_STAY;
    }
    console->go.pass = count - 1;
    return VERB_GO;
}

enum verb_result go_until(struct console *console, const struct verb_words *words)
{
    const struct region *region;
    struct err err;
    uint64_t address;

    if (!console_address(console, words->word[0], &address, &err) ||
        (address >= LAYOUT_USER_END &&
         !err_set(&err, ERR_INPUT, "until: a program does not get to the kernel's half"))) {
        console_refuse(console, &err);
        return VERB_STAY;
    }
    region = regions_find(console_space(console)->regions, gva_of(address));
    console->go.until = true;
    console->go.until_address = gva_of(address);
    console->go.until_code = region != NULL && (region->spec.permissions & REGION_EXEC) != 0;
    return VERB_GO;
}

enum verb_result go_run(struct console *console, const struct verb_words *words)
{
    (void)words;
    console->go.freely = true;
    return VERB_GO;
}

enum verb_result go_quit(struct console *console, const struct verb_words *words)
{
    (void)words;
    outcome_set(&console->lab->outcome, OUTCOME_INTERRUPTED, SIGKILL, "ended by quit");
    return VERB_GO;
}

/* --- breaks --- */

enum verb_result go_break(struct console *console, const struct verb_words *words)
{
    const struct parse_names names = console_names(console);
    unsigned number;
    struct err err;

    if (breaks_add(&console->breaks, words->word[0], &names, &number, &err)) {
        fprintf(console->out, "break %u\n", number);
    } else {
        console_refuse(console, &err);
    }
    return VERB_STAY;
}

enum verb_result go_breaks(struct console *console, const struct verb_words *words)
{
    (void)words;
    breaks_print(&console->breaks, console->out);
    return VERB_STAY;
}

enum verb_result go_delete(struct console *console, const struct verb_words *words)
{
    struct err err;
    uint64_t number;

    if (strcmp(words->word[0], "all") == 0) {
        breaks_delete_all(&console->breaks);
    } else if (
        !parse_number(words->word[0], "a break", &number, &err) ||
        (!breaks_delete(&console->breaks, number) &&
         !err_set(
             &err, ERR_INPUT, "there is no break %llu (breaks lists them)",
             (unsigned long long)number))) {
        console_refuse(console, &err);
    }
    return VERB_STAY;
}

enum verb_result go_help(struct console *console, const struct verb_words *words)
{
    const struct verb *command;
    struct err err;

    if (words->count == 0) {
        verbs_print(console->out);
    } else if (verbs_find(words->word[0], &command, &err)) {
        verbs_print_one(console->out, command);
    } else {
        console_refuse(console, &err);
    }
    return VERB_STAY;
}
