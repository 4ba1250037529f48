/*
 * The command line of a run as data: one struct that says what the user wants, and the parser
 * that fills it in.  It refuses to carry anything out: no file is opened, nothing is printed but help on
 * request. Read vmm/main.c for what happens with it.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

/* Exit statuses of our own; a guest's status is passed through, and 128 + N stands for signal
 * N. */
#define OPTIONS_STATUS_TIMEOUT 124
#define OPTIONS_STATUS_FAILED  125 /* also for usage errors */

enum options_command {
    OPTIONS_RUN,
    OPTIONS_HELP,
    OPTIONS_VERSION,
};

enum options_format {
    OPTIONS_FORMAT_TEXT,
    OPTIONS_FORMAT_JSON,
};

/* Which of two options gave the limit of memory. */
enum options_limit {
    OPTIONS_LIMIT_NONE,
    OPTIONS_LIMIT_FRAMES,
    OPTIONS_LIMIT_RESIDENT,
};

enum options_page_size {
    OPTIONS_PAGE_4K,
    OPTIONS_PAGE_2M,
    OPTIONS_PAGE_AUTO,
};

/* What is recorded beside faults. */
enum options_record {
    OPTIONS_RECORD_FAULTS,
    OPTIONS_RECORD_ACCESSES,
    OPTIONS_RECORD_SAMPLED,
};

/* Strings are borrowed from argv (or static) where not said otherwise: argv must live as long. */
struct options {
    enum options_command command;
    char **words;           /* the whole command line, NULL-terminated; argv */
    char **program;         /* path and arguments of the guest, NULL-terminated; in argv */
    int program_count;      /* without the NULL, at least 1 */
    bool trace;             /* a line for each fault … */
    const char *trace_file; /* … into this file; NULL: standard error */
    enum options_format format;
    enum options_record record;
    const char *record_regions; /* as select_parse reads it; NULL: all data */
    uint64_t record_period_ns;  /* of samples */
    bool maps;                  /* print the regions at exit */
    bool tables;                /* print the page tables at exit */
    uint64_t mem_bytes;         /* a multiple of 2 MiB, OPTIONS_MEM_MIN to OPTIONS_MEM_MAX */
    uint64_t stack_bytes; /* a multiple of 4 KiB, OPTIONS_STACK_MIN to OPTIONS_STACK_MAX */
    uint64_t timeout_ns;  /* 0: none */
    bool clear_env;       /* the guest's environment starts empty, not with the host's */
    const char **env;     /* owns the array: NAME or NAME=VALUE, in the order given */
    size_t env_count;
    const char *summary_file; /* NULL: none; "-": standard output */
    const char *session;      /* folder to record into; NULL: none */
    bool force;               /* replace the session that is there */
    bool interactive;         /* stop at faults, and obey commands from standard input */
    const char *script;       /* commands from this file first; NULL: none */
    const char **breaks;      /* owns the array: conditions of --break, in the order given */
    size_t break_count;
    const char *stdin_file; /* what the guest reads; NULL: standard input, or nothing with -i */
    bool quiet;             /* no table after the run */
    bool verbose;

    /* How memory is managed (cli/paging_options.h) */
    const char *policy;          /* as policy_load takes it; NULL: none was asked for */
    uint64_t frames;             /* of 4 KiB that programs may have; 0: no limit */
    char *swap_file;             /* owns; NULL: swap, if any, is anonymous */
    uint64_t swap_bytes;         /* of swap; 0: none, or as large as swap_file is */
    uint64_t fault_around_pages; /* brought in at one fault, 1 to OPTIONS_FAULT_AROUND_MAX */
    bool
        fault_around_adaptive; /* auto: from 1 up to that, while a program goes on in sequence */
    uint64_t max_processes;    /* at once, 1 to OPTIONS_PROCESSES_MAX */
    enum options_limit limit;
    enum options_page_size page_size;
};

/* The tables window of the guest kernel is one entry of the PML4 wide and shows tables at their
 * offset in guest RAM: hence the upper end. */
#define OPTIONS_MEM_DEFAULT   (UINT64_C(1) << 30)
#define OPTIONS_MEM_MIN       (UINT64_C(8) << 20)
#define OPTIONS_MEM_MAX       (UINT64_C(512) << 30)
#define OPTIONS_STACK_DEFAULT (UINT64_C(8) << 20)
#define OPTIONS_STACK_MIN     (UINT64_C(64) << 10)
#define OPTIONS_STACK_MAX     (UINT64_C(64) << 30)

/* One instruction can touch six pages (itself, its source and its destination across a border
 * each): with fewer frames it would never end. */
#define OPTIONS_FRAMES_MIN        UINT64_C(8)
#define OPTIONS_FRAMES_MAX        (OPTIONS_MEM_MAX / 4096)
#define OPTIONS_SWAP_MIN          (UINT64_C(64) << 10)
#define OPTIONS_SWAP_MAX          (UINT64_C(16) << 40)
#define OPTIONS_FAULT_AROUND_MAX  512
#define OPTIONS_FAULT_AROUND_AUTO 64
#define OPTIONS_PROCESSES_DEFAULT 1024
#define OPTIONS_PROCESSES_MAX     32768

/*
 * Read a command line.  argv: argc strings and a NULL, as main gets them; argv[0] is not looked
 * at.  The first word that is not an option is the program, and everything behind it belongs to
 * the guest.  On success destroy *out with options_destroy(); on failure *out holds nothing to
 * destroy.  ERR_USAGE: an option is unknown (the text names the nearest), ambiguous, lacks its
 * value, has one too many, or its value is not allowed (the text says what is); no program.
 * ERR_ENVIRONMENT: no memory.
 */
MUST_CHECK bool options_parse(struct options *out, int argc, char **argv, struct err *err);
void options_destroy(struct options *options); /* accepts a zeroed struct */

void options_print_help(FILE *out);
void options_print_version(FILE *out);

#endif
