/* What the user changes: the decision on a fault, permissions, where a page is, the recording. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "base/nearest.h"
#include "fault/evict.h"
#include "interactive/console.h"
#include "interactive/handlers.h"
#include "linux/requests.h"
#include "space/leaf.h"

/* --- decide --- */

bool change_answer(struct console *console, const struct answer *answer, struct err *err)
{
    struct stop *stop = &console->stop;

    stop->begin_ns = clock_now_ns();
    stop->result = answer_fault(
        console_space(console), stop->record, answer, stop->signal, stop->region, err);
    if (stop->result == ANSWER_REFUSED) {
        return false;
    }
    stop->decided = true;
    if (answer->kind == ANSWER_SIGNAL || answer->kind == ANSWER_REFUSE) {
        snprintf(
            console->text, sizeof(console->text),
            "%s, decided at the prompt: %s of 0x%" PRIx64 " at rip 0x%" PRIx64,
            outcome_signal_name(stop->signal->number),
            (stop->record->access & RECORD_WRITE) != 0 ? "write" : "read or fetch",
            stop->record->address, stop->record->rip);
    }
    return true;
}

static bool read_kind(const char *word, enum answer_kind *kind, struct err *err)
{
    const char *names[ANSWER_KINDS];

    for (int i = 0; i < ANSWER_KINDS; i++) {
        names[i] = answer_name((enum answer_kind)i);
        if (strcmp(word, names[i]) == 0) {
            *kind = (enum answer_kind)i;
            return true;
        }
    }
    const char *nearest = nearest_word(word, names, ANSWER_KINDS);
    return nearest != NULL
               ? err_set(
                     err, ERR_INPUT, "decide: no '%.32s': did you mean '%s'?", word, nearest)
               : err_set(
                     err, ERR_INPUT,
                     "decide: no '%.32s' (zero, copy, map FRAME, share, refuse, signal, "
                     "default)",
                     word);
}

static bool read_answer(const struct verb_words *words, struct answer *answer, struct err *err)
{
    const char *more = words->word[1];
    uint64_t number;

    *answer = (struct answer){.signal = SIGSEGV};
    if (!read_kind(words->word[0], &answer->kind, err)) {
        return false;
    }
    if (answer->kind == ANSWER_MAP) {
        if (more == NULL) {
            return err_set(err, ERR_INPUT, "decide map: which frame? (frames N tells of one)");
        }
        if (!parse_number(more, "a frame", &number, err)) {
            return false;
        }
        answer->frame = number < FRAMES_NONE ? (uint32_t)number : FRAMES_NONE;
        return true;
    }
    if (answer->kind == ANSWER_SIGNAL) {
        return more == NULL || parse_signal(more, &answer->signal, err);
    }
    return more == NULL ||
           err_set(
               err, ERR_INPUT, "decide %s takes nothing more, but '%.32s' follows",
               answer_name(answer->kind), more);
}

static bool may_decide(const struct console *console, struct err *err)
{
    if (console->stop.reason != STOP_FAULT) {
        return err_set(
            err, ERR_INPUT, "decide: the program does not stand at a fault (continue to one)");
    }
    return !console->stop.decided ||
           err_set(err, ERR_INPUT, "decide: this fault is decided already");
}

enum verb_result change_decide(struct console *console, const struct verb_words *words)
{
    struct answer answer;
    struct err err;

    if (!may_decide(console, &err) || !read_answer(words, &answer, &err) ||
        !change_answer(console, &answer, &err)) {
        console_refuse(console, &err);
        return VERB_STAY;
    }
    console->stop.by_hand = answer.kind == ANSWER_SIGNAL || answer.kind == ANSWER_REFUSE;
    stop_print_result(console);
    return VERB_STAY;
}

/* --- protect --- */

/* As the program's own mprotect would, with its checks. */
static bool protect(
    const struct console *console,
    const struct parse_range *range,
    uint8_t permissions,
    struct err *err)
{
    const uint64_t argument[6] = {
        range->begin.value, range->end.value - range->begin.value, permissions};

    switch (-request_mprotect(console->lab->processes.current, argument)) {
    case 0:
        return true;
    case EACCES:
        return (permissions & (REGION_WRITE | REGION_EXEC)) == (REGION_WRITE | REGION_EXEC)
                   ? err_set(
                         err, ERR_INPUT,
                         "protect: no page may be writable and executable at once")
                   : err_set(
                         err, ERR_INPUT,
                         "protect: a file that may not be written is shown there");
    case ENOMEM:
        return err_set(
            err, ERR_INPUT,
            "protect: part of 0x%llx-0x%llx is in no region (maps lists them), or memory is "
            "used "
            "up",
            (unsigned long long)range->begin.value, (unsigned long long)range->end.value);
    default:
        return err_set(
            err, ERR_INPUT, "protect: 0x%llx-0x%llx does not lie on borders of its pages",
            (unsigned long long)range->begin.value, (unsigned long long)range->end.value);
    }
}

enum verb_result change_protect(struct console *console, const struct verb_words *words)
{
    const struct parse_names names = console_names(console);
    struct parse_range range = {.begin = {0}};
    uint8_t permissions = 0;
    struct err err;

    if (!parse_range(words->word[0], &names, &range, &err) ||
        !parse_permissions(words->word[1], &permissions, &err)) {
        console_refuse(console, &err);
        return VERB_STAY;
    }
    range.begin = gva_page(range.begin);
    range.end = gva_of(round_up(range.end.value, PAGE_BYTES));
    if (!protect(console, &range, permissions, &err)) {
        console_refuse(console, &err);
        return VERB_STAY;
    }
    fprintf(
        console->out, "0x%" PRIx64 "-0x%" PRIx64 " is %s now\n", range.begin.value,
        range.end.value, words->word[1]);
    return VERB_STAY;
}

/* --- evict --- */

static bool
find_frame(const struct console *console, uint64_t address, uint32_t *frame, struct err *err)
{
    struct ptab_slot slot;

    if (address >= LAYOUT_USER_END) {
        return err_set(err, ERR_INPUT, "evict: the kernel's pages stay");
    }
    if (!ptab_find_leaf(&console_space(console)->ptab, gva_of(address), &slot) ||
        !leaf_is_present(*slot.entry)) {
        return err_set(
            err, ERR_INPUT, "evict: the page of 0x%llx is not in memory",
            (unsigned long long)address);
    }
    *frame = frames_index(gpa_of(*slot.entry & PTE_ADDRESS));
    return true;
}

/* A large page is split by its eviction, and the part that was meant goes. */
static bool
split(const struct console *console, uint64_t address, uint32_t *frame, struct err *err)
{
    struct ptab_slot slot;
    struct space *space = console_space(console);

    if (!ptab_find_leaf(&space->ptab, gva_of(address), &slot) || slot.level == 1) {
        return true;
    }
    if (!space_split_leaf(space, slot)) {
        return err_set(err, ERR_INPUT, "evict: no frame to split the 2 MiB page");
    }
    return find_frame(console, address, frame, err);
}

static bool evict(struct console *console, uint64_t address, uint32_t *frame, struct err *err)
{
    struct memory *memory = console->lab->memory;

    *frame = 0;
    space_settle(console_space(console));
    if (!find_frame(console, address, frame, err) || !split(console, address, frame, err)) {
        return false;
    }
    const struct frame *record = frames_record(memory->config.frames, *frame);
    if ((record->flags & FRAME_LOCKED) != 0) {
        return err_set(err, ERR_INPUT, "evict: frame %u is locked by mlock", *frame);
    }
    if (evict_page(console->lab->pager, *frame)) {
        /* The CPU is told before anybody looks. */
        space_settle(console_space(console));
        return true;
    }
    const char *trouble = pager_trouble(console->lab->pager);
    return err_set(
        err, ERR_INPUT, "evict: frame %u cannot go: %s", *frame,
        trouble != NULL              ? trouble
        : console->lab->swap == NULL ? "its contents are nowhere else, and there is no --swap"
                                     : "swap is full");
}

enum verb_result change_evict(struct console *console, const struct verb_words *words)
{
    struct err err;
    struct ptab_walk walk;
    uint64_t address;
    uint32_t frame;

    if (!console_address(console, words->word[0], &address, &err) ||
        !evict(console, address, &frame, &err)) {
        console_refuse(console, &err);
        return VERB_STAY;
    }
    ptab_walk(&console_space(console)->ptab, gva_of(address), &walk);
    fprintf(console->out, "frame %" PRIu32 " is free; the page ", frame);
    if (leaf_is_swapped(walk.entry[walk.level])) {
        fprintf(
            console->out, "is in slot %" PRIu32 " of swap\n",
            leaf_slot(walk.entry[walk.level]));
    } else {
        fputs("comes back as at its first touch\n", console->out);
    }
    return VERB_STAY;
}

/* --- record --- */

enum verb_result change_record(struct console *console, const struct verb_words *words)
{
    struct recorder *recorder = console->lab->config->recorder;
    bool on = strcmp(words->word[0], "on") == 0;
    struct err err;

    if (!on && strcmp(words->word[0], "off") != 0) {
        err_set(&err, ERR_INPUT, "record: no '%.32s' (on or off)", words->word[0]);
        console_refuse(console, &err);
    } else if (recorder == NULL) {
        err_set(&err, ERR_INPUT, "record: there is no session (start vmm with --session=DIR)");
        console_refuse(console, &err);
    } else {
        recorder_pause(recorder, !on);
        fprintf(console->out, "faults are %srecorded\n", on ? "" : "not ");
    }
    return VERB_STAY;
}
