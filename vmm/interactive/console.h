/*
 * A session at the prompt: what it keeps between stops, and the loop that reads commands while the
 * program stands.  It owns breaks, reader and the way the program goes on; it refuses to know the
 * run loop, which sees interactive.h alone.  Read verbs.h for what can be typed.
 */
#ifndef INTERACTIVE_CONSOLE_H
#define INTERACTIVE_CONSOLE_H

#include "base/registers.h"
#include "fault/answer.h"
#include "fault/preview.h"
#include "interactive/breaks.h"
#include "interactive/disasm.h"
#include "interactive/parse.h"
#include "interactive/reader.h"
#include "report/program_source.h"
#include "run/lab.h"

enum stop_reason {
    STOP_START, /* before the first instruction */
    STOP_FAULT,
    STOP_STEP,      /* as many instructions as were asked for */
    STOP_PLACE,     /* the program is where `until` wanted it */
    STOP_INTERRUPT, /* Ctrl-C */
};

struct stop {
    enum stop_reason reason;
    /* STOP_FAULT: of the call in service; all borrowed. */
    struct fault_record *record;
    struct pager_signal *signal;
    struct region **region;
    uint64_t begin_ns; /* when the decision began; what came before was the user's time */
    bool decided;      /* by hand, or by default */
    bool by_hand;
    enum answer_result result;
};

struct go {
    uint64_t pass;  /* stops at faults still to go by */
    uint64_t steps; /* instructions still to execute; 0: at full speed */
    int step_pid;   /* whose */
    bool freely;    /* no more stops */
    /* The instruction that runs with the trap flag set. */
    bool in_flight;
    bool own_flag;     /* the program had set it itself */
    bool pushes_flags; /* it is a pushf */
    bool done;         /* one has come to its end */
    /* until */
    bool until, until_code;
    struct gva until_address;
    bool at_trap; /* registers are where a trap leaves them: the program can be looked at */
    bool interrupted;
};

struct console {
    FILE *out;       /* borrows */
    struct lab *lab; /* borrows; NULL before the program is loaded */
    struct reader reader;
    struct breaks breaks;
    struct stop stop;
    struct go go;
    uint64_t faults;               /* of the program so far, without the host's own */
    struct program_source *source; /* owns; NULL: not opened, or not to be had */
    bool source_looked;
    struct err source_err;           /* why it is not to be had */
    struct disasm *disasm;           /* owns; NULL: not opened, or not to be had */
    char text[OUTCOME_REASON_BYTES]; /* why a signal was decided by hand */
};

/* Say why the program stands, and obey commands until it goes on or the run has an outcome. */
void console_stop(struct console *console, enum stop_reason reason);

/* One line of refusal, with the place in the script where there is one. */
void console_refuse(struct console *console, const struct err *err);

/* The current space, and the registers without the flag of a step. */
struct space *console_space(const struct console *console);
void console_registers(const struct console *console, struct registers *registers);

/* names.c: the program for looking places up, opened once; NULL: it cannot be. */
struct program_source *console_source(struct console *console);
/* What $rip, $cr2 and functions are. */
struct parse_names console_names(struct console *console);
MUST_CHECK bool
console_address(struct console *console, const char *text, uint64_t *address, struct err *err);

/* Copy program memory that is there, as far as it is: how many bytes.  Nothing is brought in. */
size_t console_peek(const struct console *console, uint64_t address, void *to, size_t bytes);

/* stop.c: the lines of a stop, and what was done about a fault. */
void stop_print(struct console *console);
void stop_print_result(struct console *console);
/* where.c: "fill() touch.c:42", or "" where nothing is known. */
void where_describe(struct console *console, uint64_t address, char *text, size_t bytes);
/* "0x401000: mov %al, (%rdx)" without its end; false: it is not in memory, or no instruction. */
bool where_instruction(
    struct console *console, uint64_t address, char *text, size_t bytes, size_t *length);
/* change.c: decide the fault that the program stands at; false: refused, as err says. */
MUST_CHECK bool
change_answer(struct console *console, const struct answer *answer, struct err *err);

#endif
