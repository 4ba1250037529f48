/* The table of commands; see verbs.h. */
#include "interactive/verbs.h"

#include <string.h>

#include "base/nearest.h"
#include "interactive/handlers.h"

#define ADDRESSES                                                                              \
    "ADDR is a number, $rip or another register, $cr2 (the address that faulted), or the\n"    \
    "name of a function, then +N or -N."
#define RANGES "RANGE is BEGIN-END, BEGIN+BYTES (with K, M or G), or ADDR for its page."

static const struct verb commands[] = {
    {.name = "info",
     .letter = 'i',
     .usage = "",
     .summary = "Why the program stands, and how far the run is",
     .run = look_info},
    {.name = "regs", .usage = "", .summary = "The registers", .run = look_registers},
    {.name = "where",
     .letter = 'w',
     .usage = "",
     .summary = "Function, source line and instruction at $rip",
     .run = where_stopped},
    {.name = "walk",
     .usage = "[ADDR]",
     .most = 1,
     .summary = "The page walk, level by level: entries, bits in words, where it fails",
     .more = "Without ADDR: of the address that faulted.  " ADDRESSES,
     .run = walk_address},
    {.name = "maps", .usage = "", .summary = "The regions", .run = look_maps},
    {.name = "tables",
     .usage = "[RANGE]",
     .most = 1,
     .summary = "The page tables, or the part of them that maps RANGE",
     .more = RANGES,
     .run = look_tables},
    {.name = "frames",
     .usage = "[N]",
     .most = 1,
     .summary = "Who uses guest memory, or what is known of frame N",
     .run = look_frames},
    {.name = "tlb",
     .usage = "[ADDR]",
     .most = 1,
     .summary = "A hint: what a TLB may hold of ADDR, and how much the program needs",
     .run = walk_tlb},
    {.name = "x",
     .usage = "ADDR",
     .least = 1,
     .most = 1,
     .takes_format = true,
     .summary = "Memory, as x/COUNTFORMATSIZE ADDR; it brings no page in",
     .more = "FORMAT: x d u o t a c s i (i: instructions); SIZE: b h w g (1, 2, 4, 8 bytes).\n"
             "x/4gx $rsp shows four words of 8 bytes.  " ADDRESSES,
     .run = examine_memory},
    {.name = "decide",
     .letter = 'd',
     .usage = "zero|copy|map FRAME|share|refuse|signal [NAME]|default",
     .least = 1,
     .most = 2,
     .summary = "What is done about the fault, here and now; else the default, when going on",
     .more = "zero     a page of zeros, whatever it should hold\n"
             "copy     a page of its own with the contents\n"
             "map N    the page in frame N, shared until somebody writes\n"
             "share    the page that others have, written by all of them\n"
             "refuse   SIGSEGV, as if the access were not allowed\n"
             "signal   SIGSEGV, or the signal that is named\n"
             "default  what the pager and the policy would do",
     .run = change_decide},
    {.name = "protect",
     .usage = "RANGE r-x",
     .least = 2,
     .most = 2,
     .summary = "Give RANGE these permissions, as mprotect would",
     .more = RANGES "  Writable and executable at once is refused.",
     .run = change_protect},
    {.name = "evict",
     .usage = "ADDR",
     .least = 1,
     .most = 1,
     .summary = "Take the page out of memory, to swap or its file",
     .run = change_evict},
    {.name = "step",
     .letter = 's',
     .usage = "[N]",
     .most = 1,
     .summary = "Execute one instruction, or N; a system call counts as one",
     .run = go_step},
    {.name = "continue",
     .letter = 'c',
     .usage = "[N]",
     .most = 1,
     .summary = "Go on to the next stop, or the N-th",
     .run = go_continue},
    {.name = "until",
     .letter = 'u',
     .usage = "ADDR",
     .least = 1,
     .most = 1,
     .summary = "Go on until the program gets to ADDR, or (of data) faults on its page",
     .more = "Breaks stop it on the way.  " ADDRESSES,
     .run = go_until},
    {.name = "run",
     .usage = "",
     .summary = "Go on to the end, without another stop",
     .run = go_run},
    {.name = "record",
     .usage = "on|off",
     .least = 1,
     .most = 1,
     .summary = "Whether faults go into the session of --session",
     .run = change_record},
    {.name = "break",
     .letter = 'b',
     .usage = "[KEY=VALUE,...]",
     .most = 1,
     .summary = "Stop at such faults only: kind, range, region, process, count",
     .more =
         "kind=cow  kind=file-load  range=0x400000+8K  region=stack  process=2\n"
         "count=5 stops from the fifth such fault on.  All that is given must hold; several\n"
         "kinds may be.  Without anything: every fault.",
     .run = go_break},
    {.name = "breaks", .usage = "", .summary = "List the breaks", .run = go_breaks},
    {.name = "delete",
     .usage = "N|all",
     .least = 1,
     .most = 1,
     .summary = "Delete a break; without any, every fault is a stop",
     .run = go_delete},
    {.name = "help",
     .letter = 'h',
     .usage = "[COMMAND]",
     .most = 1,
     .summary = "This list, or more on one",
     .run = go_help},
    {.name = "quit",
     .letter = 'q',
     .usage = "",
     .summary = "End the program and vmm; the end of input does the same",
     .run = go_quit},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

const struct verb *verbs_all(size_t *count)
{
    *count = COMMANDS;
    return commands;
}

/* --- finding --- */

static bool say_unknown(const char *word, struct err *err)
{
    const char *names[COMMANDS];

    for (size_t i = 0; i < COMMANDS; i++) {
        names[i] = commands[i].name;
    }
    const char *nearest = nearest_word(word, names, COMMANDS);
    return nearest != NULL
               ? err_set(
                     err, ERR_INPUT, "unknown command '%.64s': did you mean '%s'?", word,
                     nearest)
               : err_set(err, ERR_INPUT, "unknown command '%.64s' (help lists all)", word);
}

static bool say_ambiguous(const char *word, struct err *err)
{
    char names[160] = "";
    size_t used = 0;

    for (size_t i = 0; i < COMMANDS; i++) {
        if (strncmp(commands[i].name, word, strlen(word)) == 0 && used < sizeof(names)) {
            used += (size_t)snprintf(
                names + used, sizeof(names) - used, "%s%s", used == 0 ? "" : ", ",
                commands[i].name);
        }
    }
    return err_set(err, ERR_INPUT, "'%s' can be %s", word, names);
}

bool verbs_find(const char *word, const struct verb **command, struct err *err)
{
    unsigned found = 0;

    for (size_t i = 0; i < COMMANDS; i++) {
        const struct verb *one = &commands[i];
        if (strcmp(one->name, word) == 0 || (word[0] == one->letter && word[1] == '\0')) {
            *command = one;
            return true;
        }
        if (word[0] != '\0' && strncmp(one->name, word, strlen(word)) == 0) {
            *command = one;
            found++;
        }
    }
    if (found == 1) {
        return true;
    }
    return found == 0 ? say_unknown(word, err) : say_ambiguous(word, err);
}

static bool say_usage(const struct verb *command, const char *what, struct err *err)
{
    return err_set(
        err, ERR_INPUT, "%s: %s (%s%s%s)", command->name, what, command->name,
        command->usage[0] != '\0' ? " " : "", command->usage);
}

bool verbs_read(
    char *line, const struct verb **command, struct verb_words *words, struct err *err)
{
    static const char blanks[] = " \t\r";
    char *rest = line + strspn(line, blanks);
    char *name = strsep(&rest, blanks);

    *words = (struct verb_words){.format = NULL};
    char *slash = strchr(name, '/');
    if (slash != NULL) {
        *slash = '\0';
        words->format = slash + 1;
    }
    if (!verbs_find(name, command, err)) {
        return false;
    }
    if (words->format != NULL && !(*command)->takes_format) {
        return say_usage(*command, "it takes no format", err);
    }
    while (rest != NULL) {
        char *word = strsep(&rest, blanks);
        if (word[0] == '\0') {
            continue;
        }
        if (words->count == (*command)->most || words->count == VERB_WORDS) {
            return say_usage(*command, "too many words", err);
        }
        words->word[words->count++] = word;
    }
    return words->count >= (*command)->least ||
           say_usage(*command, "something is missing", err);
}

/* --- help --- */

void verbs_print(FILE *out)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        const struct verb *one = &commands[i];
        char head[32];

        snprintf(
            head, sizeof(head), "%s%s%c", one->name, one->letter != 0 ? ", " : "", one->letter);
        fprintf(out, "  %-12s %s\n", head, one->summary);
    }
    fputs("A name can be cut as long as it stays clear.  help COMMAND says more.\n", out);
}

void verbs_print_one(FILE *out, const struct verb *command)
{
    fprintf(
        out, "%s%s%s%s\n  %s\n", command->name, command->takes_format ? "/FORMAT" : "",
        command->usage[0] != '\0' ? " " : "", command->usage, command->summary);
    for (const char *at = command->more; at != NULL && *at != '\0';) {
        size_t bytes = strcspn(at, "\n");
        fprintf(out, "  %.*s\n", (int)bytes, at);
        at += bytes + (at[bytes] == '\n' ? 1 : 0);
    }
}
