/*
 * The options of vmm replay: the table that argp parses by and prints help from, and the step
 * to struct replay_options.  It refuses to judge values (cli/replay_lists.c) or to explain what
 * is wrong with an option (cli/usage.c).  Read those two next.
 */
#include "cli/replay_options.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/replay_lists.h"
#include "cli/usage.h"

/* IN_ORDER: when an option is found wrong, the session before it has been seen. */
#define PARSE_FLAGS (ARGP_IN_ORDER | ARGP_NO_ERRS | ARGP_NO_EXIT | ARGP_NO_HELP)

enum replay_key {
    KEY_POLICY = 'p',
    KEY_FRAMES = 'f',
    KEY_PAGE_SIZE = 's',
    KEY_TLB = 't',
    KEY_CURVE = 'c',
    KEY_REFERENCES = 'r',
    KEY_FORMAT = 0x100, /* from here on: long options only */
    KEY_PHASE,
    KEY_RANGE,
    KEY_ACCESS,
    KEY_SEED,
    KEY_JSON,
    KEY_HELP,
};

enum replay_group {
    GROUP_CHOICES = 1,
    GROUP_STRING,
    GROUP_OUTPUT,
};

static const struct argp_option replay_table[] = {
    {.doc = "What to try (LIST: apart by commas; each with each):", .group = GROUP_CHOICES},
    {"policy", KEY_POLICY, "LIST", 0,
     "fifo, clock, aging, lru, 2q, arc, random, opt, or all (default "
     "fifo,clock,lru,2q,arc,opt)",
     GROUP_CHOICES},
    {"frames", KEY_FRAMES, "LIST", 0,
     "How many frames there are (default: an eighth, a quarter, a half and all of the pages "
     "touched)",
     GROUP_CHOICES},
    {"page-size", KEY_PAGE_SIZE, "LIST", 0,
     "Powers of two, such as 1k,4k,16k,2m (default 4k); 1 takes each address for a page",
     GROUP_CHOICES},
    {"tlb", KEY_TLB, "LIST", 0,
     "ENTRIESxWAYS of a TLB, such as 64x4,1536x12; with :plru behind it tree-PLRU instead of "
     "exact LRU",
     GROUP_CHOICES},
    {"curve", KEY_CURVE, NULL, 0, "LRU faults for every number of frames, in one pass",
     GROUP_CHOICES},
    {"seed", KEY_SEED, "NUMBER", 0, "Of the policy random (default 1)", GROUP_CHOICES},

    {.doc = "Which references count:", .group = GROUP_STRING},
    {"references", KEY_REFERENCES, "FILE", 0,
     "Take them from FILE instead of a session: lines as valgrind's lackey writes them, or "
     "addresses; - is standard input",
     GROUP_STRING},
    {"references-format", KEY_FORMAT, "FORMAT", 0,
     "Of that file: text (default), or u64: bare addresses of 8 bytes, little-endian",
     GROUP_STRING},
    {"range", KEY_RANGE, "BEGIN-END", 0,
     "Only addresses in that range, in hexadecimal, END not included", GROUP_STRING},
    {"access", KEY_ACCESS, "LIST", 0, "Only read, write, fetch", GROUP_STRING},
    {"phase", KEY_PHASE, "NAME", 0, "Only while the program was in the phase of that name",
     GROUP_STRING},

    {.doc = "What is said, and how:", .group = GROUP_OUTPUT},
    {"json", KEY_JSON, NULL, 0, "Print one JSON object", GROUP_OUTPUT},
    {"help", KEY_HELP, NULL, 0, "Print this help", GROUP_OUTPUT},
    {0},
};

static const char replay_doc[] =
    "Answers how many faults the program recorded in DIR would have taken with other "
    "replacement policies, numbers of frames, page sizes and TLBs, without KVM and without the "
    "program.\n"
    "\v"
    "A session that was recorded without --record=accesses has only the accesses that faulted; "
    "what its numbers are good for is said below them.\n"
    "\n"
    "Examples:\n"
    "  vmm replay session --policy=fifo,lru,opt --frames=16,32,64\n"
    "  vmm replay session --page-size=1k,4k,16k,2m --tlb=64x4,1536x12 --curve\n"
    "  echo 1 2 3 4 1 2 5 1 2 3 4 5 |\n"
    "    vmm replay --references=- --page-size=1 --policy=fifo --frames=3,4\n"
    "\n"
    "Exit status:\n"
    "  0    answered\n"
    "  125  usage, not a session, a file, this host";

struct parse {
    struct replay_options *options;
    struct err *err;
};

static bool parse_format(struct replay_options *options, const char *text, struct err *err)
{
    if (strcmp(text, "text") == 0) {
        options->format = REFERENCES_TEXT;
        return true;
    }
    if (strcmp(text, "u64") == 0) {
        options->format = REFERENCES_U64;
        return true;
    }
    return err_set(
        err, ERR_USAGE,
        "option '--references-format': '%s' is not a format (allowed: text, u64)", text);
}

static bool parse_session(struct replay_options *options, const char *text, struct err *err)
{
    if (options->session != NULL) {
        return err_set(
            err, ERR_USAGE, "vmm replay takes one session, but '%s' follows '%s'", text,
            options->session);
    }
    options->session = text;
    return true;
}

/* Returns whether the option with its value is right; *known: whether there is such a key. */
static bool
parse_key(struct replay_options *options, int key, char *text, bool *known, struct err *err)
{
    switch (key) {
    case KEY_POLICY:
        return replay_parse_policies(&options->plan, text, err);
    case KEY_FRAMES:
        return replay_parse_frames(&options->plan, text, err);
    case KEY_PAGE_SIZE:
        return replay_parse_page_sizes(&options->plan, text, err);
    case KEY_TLB:
        return replay_parse_tlbs(&options->plan, text, err);
    case KEY_ACCESS:
        return replay_parse_access(&options->plan, text, err);
    case KEY_RANGE:
        return replay_parse_range(&options->plan, text, err);
    case KEY_SEED:
        return replay_parse_seed(&options->plan, text, err);
    case KEY_FORMAT:
        return parse_format(options, text, err);
    case ARGP_KEY_ARG:
        return parse_session(options, text, err);
    case KEY_REFERENCES:
        options->references_file = text;
        return true;
    case KEY_PHASE:
        options->phase = text;
        return true;
    case KEY_CURVE:
        options->plan.curve = true;
        return true;
    case KEY_JSON:
        options->json = true;
        return true;
    default:
        *known = false;
        return true;
    }
}

static error_t parse_replay(int key, char *text, struct argp_state *state)
{
    struct parse *parse = state->input;
    bool known = true;

    if (key == KEY_HELP) {
        parse->options->help = true;
        state->next = state->argc;
        return 0;
    }
    if (!parse_key(parse->options, key, text, &known, parse->err)) {
        return EINVAL;
    }
    return known ? 0 : ARGP_ERR_UNKNOWN;
}

/* argp's remark on values of short options is longer than what it explains. */
static char *filter_help(int key, const char *text, void *input)
{
    (void)input;
    return key == ARGP_KEY_HELP_DUP_ARGS_NOTE ? NULL : (char *)(uintptr_t)text;
}

static const struct argp grammar = {
    replay_table, parse_replay, "DIR\n--references=FILE", replay_doc, NULL, filter_help, NULL,
};

/* Explain the first wrong option.  The session may stand before it, where usage_explain() would
 * stop: leave it out. */
static bool
explain(const struct replay_options *options, int argc, char **argv, struct err *err)
{
    char **words = calloc((size_t)argc + 1, sizeof(*words));
    int count = 0;

    if (words == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for the command line");
    }
    for (int i = 0; i < argc; i++) {
        if (argv[i] != options->session) {
            words[count++] = argv[i];
        }
    }
    usage_explain("vmm replay", replay_table, count, words, err);
    free(words);
    return false;
}

static bool check_source(const struct replay_options *options, struct err *err)
{
    if (options->session == NULL && options->references_file == NULL) {
        return err_set(
            err, ERR_USAGE,
            "no session given: vmm replay [OPTION...] DIR, or --references=FILE (vmm replay "
            "--help lists all)");
    }
    if (options->session != NULL && options->references_file != NULL) {
        return err_set(
            err, ERR_USAGE, "either a session ('%s') or --references ('%s'), not both",
            options->session, options->references_file);
    }
    if (options->phase != NULL && options->session == NULL) {
        return err_set(err, ERR_USAGE, "option '--phase': only a session has phases");
    }
    return true;
}

bool replay_options_parse(struct replay_options *out, int argc, char **argv, struct err *err)
{
    struct parse parse = {.options = out, .err = err};
    error_t result;

    *out = (struct replay_options){
        .plan =
            {
                .policies =
                    {&sim_fifo, &sim_clock, &sim_lru, &sim_two_queue, &sim_arc, &sim_opt},
                .policy_count = 6,
                .page_shifts = {12},
                .size_count = 1,
                .seed = 1,
                .last = UINT64_MAX,
                .access = REFERENCE_ANY,
            },
    };
    err->kind = ERR_NONE;
    result = argp_parse(&grammar, argc, argv, PARSE_FLAGS, NULL, &parse);
    if (err->kind != ERR_NONE) {
        return false;
    }
    if (result == ENOMEM) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for the command line");
    }
    if (result != 0) {
        return explain(out, argc, argv, err);
    }
    return out->help || check_source(out, err);
}

void replay_options_print_help(FILE *out)
{
    usage_print_help(out, "vmm replay", &grammar);
}
