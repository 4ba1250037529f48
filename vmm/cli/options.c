/*
 * The options of vmm: the tables that argp parses by and prints help from, and the step from
 * argp's callbacks to struct options.  It refuses to judge values digit by digit (cli/value.c)
 * or to explain what is wrong with an option (cli/usage.c).  Read those two next.
 */
#include "cli/options.h"

#include <argp.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "cli/interactive_options.h"
#include "cli/paging_options.h"
#include "cli/record_options.h"
#include "cli/usage.h"
#include "cli/value.h"

/* Exit, messages and --help are not argp's: errors are values here.  IN_ORDER ends the options
 * at the program's name. */
#define PARSE_FLAGS (ARGP_IN_ORDER | ARGP_NO_ERRS | ARGP_NO_EXIT | ARGP_NO_HELP)

enum option_key {
    KEY_QUIET = 'q',
    KEY_VERBOSE = 'v',
    KEY_VERSION = 'V',
    KEY_ENV = 'E',
    KEY_INTERACTIVE = 'i',
    KEY_SCRIPT = 'x',
    KEY_TRACE = 0x100, /* from here on: long options only */
    KEY_FORMAT,
    KEY_MAPS,
    KEY_TABLES,
    KEY_MEM,
    KEY_STACK,
    KEY_TIMEOUT,
    KEY_CLEAR_ENV,
    KEY_SUMMARY,
    KEY_SESSION,
    KEY_FORCE,
    KEY_HELP,
    KEY_RECORD,
    KEY_RECORD_REGIONS,
    KEY_BREAK,
    KEY_STDIN,
    KEY_PAGING, /* from here on: KEY_PAGING + enum paging_option */
};

enum option_group {
    GROUP_WATCH = 1,
    GROUP_STOP,
    GROUP_GUEST,
    GROUP_MEMORY,
    GROUP_OUTPUT,
    GROUP_HELP,
};

static const struct argp_option run_options[] = {
    {.doc = "What to watch:", .group = GROUP_WATCH},
    {"trace", KEY_TRACE, "FILE", OPTION_ARG_OPTIONAL,
     "Print each page fault on one line as it happens: on standard error, or into FILE",
     GROUP_WATCH},
    {"record", KEY_RECORD, "WHAT", 0,
     "What to record: faults (default); accesses, each of them, beside the faults; or "
     "sampled,SECONDS, the pages touched in each such period",
     GROUP_WATCH},
    {"record-regions", KEY_RECORD_REGIONS, "REGION[,REGION...]", 0,
     "Record accesses or samples of these: names as in --maps, ranges BEGIN-END, or all (with "
     "instruction fetches) (default: all data)",
     GROUP_WATCH},
    {"session", KEY_SESSION, "DIR", 0,
     "Record each page fault into the new folder DIR, for report, replay and export",
     GROUP_WATCH},
    {"force", KEY_FORCE, NULL, 0, "Replace the session that is already in DIR", GROUP_WATCH},
    {"maps", KEY_MAPS, NULL, 0, "Print the regions of the address space at exit", GROUP_WATCH},
    {"tables", KEY_TABLES, NULL, 0, "Print the four levels of page tables at exit",
     GROUP_WATCH},

    {.doc = "To stop at faults, look and decide (see vmm(1), or type help):",
     .group = GROUP_STOP},
    {"interactive", KEY_INTERACTIVE, NULL, 0,
     "Stop at each fault and read commands from standard input; the guest's own is empty then",
     GROUP_STOP},
    {"script", KEY_SCRIPT, "FILE", 0,
     "Read the commands from FILE; with -i, then go on with those that are typed", GROUP_STOP},
    {"break", KEY_BREAK, "KEY=VALUE[,...]", 0,
     "Stop at such faults only: kind, range, region, process, count.  Can be repeated",
     GROUP_STOP},
    {"stdin", KEY_STDIN, "FILE", 0, "What the guest reads as its standard input", GROUP_STOP},

    {.doc = "What the guest gets (SIZE: a number with K, M, G or T, powers of 1024):",
     .group = GROUP_GUEST},
    {"mem", KEY_MEM, "SIZE", 0,
     "Physical memory, 8M to 512G, rounded up to 2M; taken from the host only as it is touched "
     "(default 1G)",
     GROUP_GUEST},
    {"stack", KEY_STACK, "SIZE", 0,
     "How far the stack may grow, 64K to 64G, rounded up to 4K (default 8M)", GROUP_GUEST},
    {"timeout", KEY_TIMEOUT, "SECONDS", 0,
     "End the guest after that time, such as 10 or 0.5; 0 is never (default)", GROUP_GUEST},
    {"env", KEY_ENV, "NAME[=VALUE]", 0,
     "Set a variable of the guest's environment, which otherwise is vmm's own; NAME alone "
     "takes "
     "over vmm's value, if any.  Can be repeated",
     GROUP_GUEST},
    {"clear-env", KEY_CLEAR_ENV, NULL, 0, "Start from an empty environment", GROUP_GUEST},

    {.doc = "How memory is managed:", .group = GROUP_MEMORY},
    {"policy", KEY_PAGING + PAGING_POLICY, "NAME[,KEY=N...]", 0,
     "What goes when memory is full: fifo, clock, lru, random, 2q or arc; or your own, with a "
     "slash in its name: ./mine.so",
     GROUP_MEMORY},
    {"frames", KEY_PAGING + PAGING_FRAMES, "N", 0,
     "Frames of 4 KiB that programs may have, 8 to 134217728 (default: all of --mem)",
     GROUP_MEMORY},
    {"resident", KEY_PAGING + PAGING_RESIDENT, "SIZE", 0,
     "The same as a size, 32K to 512G, rounded up to 4K", GROUP_MEMORY},
    {"swap", KEY_PAGING + PAGING_SWAP, "FILE|SIZE", 0,
     "Where evicted pages go: an existing FILE, FILE,size=SIZE, or SIZE alone for a file "
     "without a name, 64K to 16T (default: none)",
     GROUP_MEMORY},
    {"fault-around", KEY_PAGING + PAGING_FAULT_AROUND, "N|auto", 0,
     "Bring in up to N pages at one fault, 1 to 512 (default 1); auto: up to 64 while the "
     "program goes on in sequence",
     GROUP_MEMORY},
    {"page-size", KEY_PAGING + PAGING_PAGE_SIZE, "4k|2m|auto", 0,
     "Size of pages; auto takes 2 MiB where region and frames allow (default 4k)",
     GROUP_MEMORY},
    {"max-processes", KEY_PAGING + PAGING_MAX_PROCESSES, "N", 0,
     "Processes at once, 1 to 32768 (default 1024)", GROUP_MEMORY},

    {.doc = "What is said, and how:", .group = GROUP_OUTPUT},
    {"format", KEY_FORMAT, "FORMAT", 0, "text (default), or json: JSON Lines for machines",
     GROUP_OUTPUT},
    {"summary", KEY_SUMMARY, "FILE", 0,
     "Write outcome and counts as JSON into FILE; - is standard output", GROUP_OUTPUT},
    {"quiet", KEY_QUIET, NULL, 0, "No table of faults after the run", GROUP_OUTPUT},
    {"verbose", KEY_VERBOSE, NULL, 0, "Also say what is unusual, such as unknown system calls",
     GROUP_OUTPUT},

    {"help", KEY_HELP, NULL, 0, "Print this help", GROUP_HELP},
    {"version", KEY_VERSION, NULL, 0, "Print the version", GROUP_HELP},
    {0},
};

static const char run_doc[] =
    "Runs PROGRAM, a static x86-64 Linux executable, in a KVM guest whose page tables, page "
    "faults and memory belong to vmm, and shows each page fault.\n"
    "\v"
    "Subcommands (only as the first word; see vmm help SUBCOMMAND):\n"
    "  vmm doctor              Say what this host offers and what is missing\n"
    "  vmm report DIR          Say what happened in a recorded session\n"
    "  vmm export DIR          Turn a recorded session into CSV, JSON Lines, SQLite or "
    "Perfetto\n"
    "  vmm measure             Measure TLBs, page walks and faults\n"
    "  vmm replay DIR          Try other policies and page sizes on a recorded session\n"
    "  vmm help [SUBCOMMAND]   Print help\n"
    "\n"
    "All that follows PROGRAM belongs to it.  Long options can be abbreviated.\n"
    "\n"
    "Examples:\n"
    "  gcc -static -o hello.elf hello.c && vmm hello.elf\n"
    "  vmm --trace --maps hello.elf one two\n"
    "  vmm --trace=faults.jsonl --format=json --quiet hello.elf\n"
    "  vmm --mem=64M --timeout=2.5 -E LANG=C hello.elf\n"
    "  vmm -i --break kind=cow hello.elf\n"
    "  vmm --resident=8M --swap=1G --policy=2q,kin=25 hello.elf\n"
    "\n"
    "Exit status:\n"
    "  PROGRAM's own, and\n"
    "  128+N  signal N ended PROGRAM (139: segmentation fault)\n"
    "  124    --timeout ended it\n"
    "  125    vmm itself failed: usage, a file, this host\n"
    "  130    Ctrl-C ended it";

/* What the callbacks get; failed: err says why, and argp is to stop. */
struct parse {
    struct options *options;
    struct err *err;
    bool failed;
};

static bool parse_mem(struct options *options, const char *text, struct err *err)
{
    static const struct value_range range = {
        .minimum = OPTIONS_MEM_MIN,
        .maximum = OPTIONS_MEM_MAX,
        .unit = LARGE_BYTES,
        .allowed = "8M to 512G",
    };

    return value_parse_size("--mem", text, &range, &options->mem_bytes, err);
}

static bool parse_stack(struct options *options, const char *text, struct err *err)
{
    static const struct value_range range = {
        .minimum = OPTIONS_STACK_MIN,
        .maximum = OPTIONS_STACK_MAX,
        .unit = PAGE_BYTES,
        .allowed = "64K to 64G",
    };

    return value_parse_size("--stack", text, &range, &options->stack_bytes, err);
}

static bool parse_format(struct options *options, const char *text, struct err *err)
{
    if (strcmp(text, "text") == 0) {
        options->format = OPTIONS_FORMAT_TEXT;
        return true;
    }
    if (strcmp(text, "json") == 0) {
        options->format = OPTIONS_FORMAT_JSON;
        return true;
    }
    return err_set(
        err, ERR_USAGE, "option '--format': '%s' is not a format (allowed: text, json)", text);
}

static bool parse_file(const char **file, const char *option, const char *text, struct err *err)
{
    if (text[0] == '\0') {
        return err_set(
            err, ERR_USAGE, "option '%s': the name of the file is empty (allowed: a path)",
            option);
    }
    *file = text;
    return true;
}

static bool parse_env(struct options *options, const char *text, struct err *err)
{
    if (text[0] == '\0' || text[0] == '=') {
        return err_set(
            err, ERR_USAGE, "option '--env': '%s' has no name (allowed: NAME or NAME=VALUE)",
            text);
    }
    options->env[options->env_count++] = text;
    return true;
}

/* --trace without FILE after --trace=FILE: the last one counts. */
static bool parse_trace(struct options *options, const char *text, struct err *err)
{
    options->trace = true;
    options->trace_file = NULL;
    return text == NULL || parse_file(&options->trace_file, "--trace", text, err);
}

/* Every option that takes a value. */
static bool parse_value(struct options *options, int key, const char *text, struct err *err)
{
    switch (key) {
    case KEY_TRACE:
        return parse_trace(options, text, err);
    case KEY_FORMAT:
        return parse_format(options, text, err);
    case KEY_RECORD:
        return record_options_parse(options, text, err);
    case KEY_RECORD_REGIONS:
        return record_options_parse_regions(options, text, err);
    case KEY_MEM:
        return parse_mem(options, text, err);
    case KEY_STACK:
        return parse_stack(options, text, err);
    case KEY_TIMEOUT:
        return value_parse_seconds("--timeout", text, &options->timeout_ns, err);
    case KEY_ENV:
        return parse_env(options, text, err);
    case KEY_SESSION:
        return parse_file(&options->session, "--session", text, err);
    case KEY_BREAK:
        return interactive_options_parse(options, INTERACTIVE_BREAK, text, err);
    case KEY_STDIN:
        return interactive_options_parse(options, INTERACTIVE_STDIN, text, err);
    case KEY_SCRIPT:
        return interactive_options_parse(options, INTERACTIVE_SCRIPT, text, err);
    default:
        assert(key == KEY_SUMMARY);
        return parse_file(&options->summary_file, "--summary", text, err);
    }
}

/* --help and --version end the reading: what follows them is not looked at. */
static void
ask_for(struct options *options, enum options_command command, struct argp_state *state)
{
    options->command = command;
    state->next = state->argc;
}

static error_t parse_run(int key, char *text, struct argp_state *state)
{
    struct parse *parse = state->input;
    struct options *options = parse->options;

    switch (key) {
    case KEY_MAPS:
        options->maps = true;
        return 0;
    case KEY_TABLES:
        options->tables = true;
        return 0;
    case KEY_FORCE:
        options->force = true;
        return 0;
    case KEY_CLEAR_ENV:
        options->clear_env = true;
        return 0;
    case KEY_QUIET:
        options->quiet = true;
        return 0;
    case KEY_VERBOSE:
        options->verbose = true;
        return 0;
    case KEY_INTERACTIVE:
        options->interactive = true;
        return 0;
    case KEY_HELP:
        ask_for(options, OPTIONS_HELP, state);
        return 0;
    case KEY_VERSION:
        ask_for(options, OPTIONS_VERSION, state);
        return 0;
    case ARGP_KEY_ARG:
        options->program = state->argv + state->next - 1;
        options->program_count = state->argc - (state->next - 1);
        state->next = state->argc;
        return 0;
    case KEY_TRACE:
    case KEY_FORMAT:
    case KEY_MEM:
    case KEY_STACK:
    case KEY_TIMEOUT:
    case KEY_ENV:
    case KEY_SUMMARY:
    case KEY_SESSION:
    case KEY_RECORD:
    case KEY_RECORD_REGIONS:
    case KEY_BREAK:
    case KEY_STDIN:
    case KEY_SCRIPT:
        parse->failed = !parse_value(options, key, text, parse->err);
        return parse->failed ? EINVAL : 0;
    default:
        if (key < KEY_PAGING || key > KEY_PAGING + PAGING_MAX_PROCESSES) {
            return ARGP_ERR_UNKNOWN;
        }
        parse->failed = !paging_options_parse(
            options, (enum paging_option)(key - KEY_PAGING), text, parse->err);
        return parse->failed ? EINVAL : 0;
    }
}

/* argp's remark on values of short options is longer than what it explains. */
static char *filter_help(int key, const char *text, void *input)
{
    (void)input;
    return key == ARGP_KEY_HELP_DUP_ARGS_NOTE ? NULL : (char *)(uintptr_t)text;
}

static const struct argp grammar = {run_options, parse_run, "PROGRAM [ARG...]", run_doc, NULL,
                                    filter_help, NULL};

static bool parse(struct options *options, int argc, char **argv, struct err *err)
{
    struct parse parse = {.options = options, .err = err};
    error_t result = argp_parse(&grammar, argc, argv, PARSE_FLAGS, NULL, &parse);

    if (parse.failed) {
        return false;
    }
    if (result == ENOMEM) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for the command line");
    }
    if (result != 0) {
        return usage_explain("vmm", run_options, argc, argv, err);
    }
    if (options->command == OPTIONS_RUN && options->program == NULL) {
        return err_set(
            err, ERR_USAGE,
            "no program given: vmm [OPTION...] PROGRAM [ARG...] (vmm --help lists all)");
    }
    return record_options_check(options, err) && interactive_options_check(options, err);
}

bool options_parse(struct options *out, int argc, char **argv, struct err *err)
{
    *out = (struct options){
        .command = OPTIONS_RUN,
        .words = argv,
        .mem_bytes = OPTIONS_MEM_DEFAULT,
        .stack_bytes = OPTIONS_STACK_DEFAULT,
        /* One slot for each word is more than the --env or --break among them. */
        .env = calloc((size_t)argc + 1, sizeof(*out->env)),
        .breaks = calloc((size_t)argc + 1, sizeof(*out->breaks)),
    };
    if (out->env == NULL || out->breaks == NULL) {
        options_destroy(out);
        return err_set(err, ERR_ENVIRONMENT, "no memory for the command line");
    }
    paging_options_init(out);
    if (!parse(out, argc, argv, err)) {
        options_destroy(out);
        return false;
    }
    return true;
}

void options_destroy(struct options *options)
{
    paging_options_destroy(options);
    free(options->env);
    free(options->breaks);
    options->env = NULL;
    options->breaks = NULL;
    options->break_count = 0;
    options->env_count = 0;
}

void options_print_help(FILE *out)
{
    usage_print_help(out, "vmm", &grammar);
}

void options_print_version(FILE *out)
{
    fprintf(out, "vmm %s\n", VMM_VERSION);
}
