/*
 * The lists behind replay_lists.h: one loop over the words, one function for what a word may
 * be.  Read cli/value.h for the sizes.
 */
#include "cli/replay_lists.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/value.h"

#define WORD_BYTES 64

typedef bool (*take_word)(struct replay_plan *plan, const char *word, struct err *err);

/* Call take for each word between commas. */
static bool parse_list(
    struct replay_plan *plan,
    const char *option,
    const char *text,
    take_word take,
    struct err *err)
{
    for (;;) {
        size_t length = strcspn(text, ",");
        char word[WORD_BYTES];

        if (length == 0 || length >= sizeof(word)) {
            return err_set(
                err, ERR_USAGE, "option '%s': a word of the list is %s", option,
                length == 0 ? "empty" : "too long");
        }
        memcpy(word, text, length);
        word[length] = '\0';
        if (!take(plan, word, err)) {
            return false;
        }
        text += length;
        if (*text++ == '\0') {
            return true;
        }
    }
}

static bool say_too_many(struct err *err, const char *option, unsigned most)
{
    return err_set(err, ERR_USAGE, "option '%s': more than %u in the list", option, most);
}

/* --- policies --- */

static void add_policy(struct replay_plan *plan, const struct sim_ops *policy)
{
    for (size_t i = 0; i < plan->policy_count; i++) {
        if (plan->policies[i] == policy) {
            return;
        }
    }
    plan->policies[plan->policy_count++] = policy;
}

static bool say_no_policy(const char *word, struct err *err)
{
    const char *names[SIM_COUNT];
    char allowed[WORD_BYTES * 2] = "";
    const char *nearest;

    for (size_t i = 0; i < SIM_COUNT; i++) {
        size_t used = strlen(allowed);

        names[i] = sim_all[i]->name;
        snprintf(allowed + used, sizeof(allowed) - used, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    nearest = nearest_word(word, names, SIM_COUNT);
    if (nearest == NULL) {
        return err_set(
            err, ERR_USAGE, "option '--policy': '%s' is no policy (allowed: %s, all)", word,
            allowed);
    }
    return err_set(
        err, ERR_USAGE,
        "option '--policy': '%s' is no policy: did you mean '%s'? (allowed: %s, all)", word,
        nearest, allowed);
}

static bool take_policy(struct replay_plan *plan, const char *word, struct err *err)
{
    const struct sim_ops *policy = sim_find(word);

    if (strcmp(word, "all") == 0) {
        for (size_t i = 0; i < SIM_COUNT; i++) {
            add_policy(plan, sim_all[i]);
        }
        return true;
    }
    if (policy == NULL) {
        return say_no_policy(word, err);
    }
    add_policy(plan, policy);
    return true;
}

bool replay_parse_policies(struct replay_plan *plan, const char *text, struct err *err)
{
    plan->policy_count = 0;
    return parse_list(plan, "--policy", text, take_policy, err);
}

/* --- frames --- */

static bool take_frames(struct replay_plan *plan, const char *word, struct err *err)
{
    static const struct value_range range = {
        .minimum = 1,
        .maximum = SIM_FRAMES_MAX,
        .unit = 1,
        .allowed = "numbers such as 16,32,64, from 1 to 1G",
    };
    uint64_t frames;

    if (!value_parse_size("--frames", word, &range, &frames, err)) {
        return false;
    }
    for (size_t i = 0; i < plan->frame_count; i++) {
        if (plan->frames[i] == frames) {
            return true;
        }
    }
    if (plan->frame_count == REPLAY_FRAMES_MAX) {
        return say_too_many(err, "--frames", REPLAY_FRAMES_MAX);
    }
    plan->frames[plan->frame_count++] = (uint32_t)frames;
    return true;
}

bool replay_parse_frames(struct replay_plan *plan, const char *text, struct err *err)
{
    plan->frame_count = 0;
    return parse_list(plan, "--frames", text, take_frames, err);
}

/* --- page sizes --- */

static bool take_page_size(struct replay_plan *plan, const char *word, struct err *err)
{
    static const struct value_range range = {
        .minimum = 1,
        .maximum = UINT64_C(1) << REPLAY_PAGE_SHIFT_MAX,
        .unit = 1,
        .allowed = "powers of two such as 1k,4k,2m, from 1 to 1T",
    };
    uint64_t bytes;
    unsigned shift;

    if (!value_parse_size("--page-size", word, &range, &bytes, err)) {
        return false;
    }
    if ((bytes & (bytes - 1)) != 0) {
        return err_set(
            err, ERR_USAGE, "option '--page-size': '%s' is not a power of two (allowed: %s)",
            word, range.allowed);
    }
    shift = (unsigned)__builtin_ctzll(bytes);
    for (size_t i = 0; i < plan->size_count; i++) {
        if (plan->page_shifts[i] == shift) {
            return true;
        }
    }
    if (plan->size_count == REPLAY_SIZES_MAX) {
        return say_too_many(err, "--page-size", REPLAY_SIZES_MAX);
    }
    plan->page_shifts[plan->size_count++] = shift;
    return true;
}

bool replay_parse_page_sizes(struct replay_plan *plan, const char *text, struct err *err)
{
    plan->size_count = 0;
    return parse_list(plan, "--page-size", text, take_page_size, err);
}

/* --- TLBs --- */

/* Digits at *text, up to TLB_ENTRIES_MAX; moves it behind them. */
static bool take_number(const char **text, uint32_t *value)
{
    const char *start = *text;
    uint32_t sum = 0;

    while (**text >= '0' && **text <= '9' && sum <= TLB_ENTRIES_MAX) {
        sum = sum * 10 + (uint32_t)(*(*text)++ - '0');
    }
    *value = sum;
    return *text > start && sum > 0 && sum <= TLB_ENTRIES_MAX;
}

static bool take_tlb(struct replay_plan *plan, const char *word, struct err *err)
{
    struct tlb_shape shape = {.choice = TLB_LRU};
    const char *at = word;
    bool good = take_number(&at, &shape.entries) && *at++ == 'x' &&
                take_number(&at, &shape.ways) && shape.ways <= shape.entries;

    if (good && strcmp(at, ":plru") == 0) {
        shape.choice = TLB_PLRU;
    } else if (good && strcmp(at, ":lru") != 0) {
        good = *at == '\0';
    }
    if (!good) {
        return err_set(
            err, ERR_USAGE,
            "option '--tlb': '%s' is no TLB (allowed: ENTRIESxWAYS, such as 64x4, 1536x12 or "
            "64x64:plru)",
            word);
    }
    if (shape.entries % shape.ways != 0) {
        return err_set(
            err, ERR_USAGE,
            "option '--tlb': '%s': %" PRIu32 " ways do not divide %" PRIu32 " entries", word,
            shape.ways, shape.entries);
    }
    if (shape.choice == TLB_PLRU && (shape.ways & (shape.ways - 1)) != 0) {
        return err_set(
            err, ERR_USAGE,
            "option '--tlb': '%s': plru needs a power of two of ways, not %" PRIu32, word,
            shape.ways);
    }
    if (plan->tlb_count == REPLAY_TLBS_MAX) {
        return say_too_many(err, "--tlb", REPLAY_TLBS_MAX);
    }
    plan->tlbs[plan->tlb_count++] = shape;
    return true;
}

bool replay_parse_tlbs(struct replay_plan *plan, const char *text, struct err *err)
{
    plan->tlb_count = 0;
    return parse_list(plan, "--tlb", text, take_tlb, err);
}

/* --- which references count --- */

static bool take_access(struct replay_plan *plan, const char *word, struct err *err)
{
    static const struct {
        const char *name;
        uint8_t access;
    } kinds[] = {
        {"read", REFERENCE_READ},
        {"write", REFERENCE_WRITE},
        {"fetch", REFERENCE_FETCH},
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(word, kinds[i].name) == 0) {
            plan->access |= kinds[i].access;
            return true;
        }
    }
    return err_set(
        err, ERR_USAGE, "option '--access': '%s' is no access (allowed: read, write, fetch)",
        word);
}

bool replay_parse_access(struct replay_plan *plan, const char *text, struct err *err)
{
    plan->access = 0;
    return parse_list(plan, "--access", text, take_access, err);
}

/* Hexadecimal digits from *text to `end`; moves it behind them. */
static bool take_address(const char **text, char end, uint64_t *value)
{
    char *behind;

    if (strspn(*text, "0123456789abcdefABCDEFxX") == 0) {
        return false; /* strtoull would take a sign or a space */
    }
    errno = 0;
    *value = strtoull(*text, &behind, 16);
    if (errno != 0 || behind == *text || *behind != end) {
        return false;
    }
    *text = behind;
    return true;
}

bool replay_parse_range(struct replay_plan *plan, const char *text, struct err *err)
{
    const char *at = text;
    uint64_t begin;
    uint64_t end;

    if (!take_address(&at, '-', &begin) || (at++, !take_address(&at, '\0', &end)) ||
        begin >= end) {
        return err_set(
            err, ERR_USAGE,
            "option '--range': '%s' is no range (allowed: BEGIN-END in hexadecimal, such as "
            "400000-402000)",
            text);
    }
    plan->first = begin;
    plan->last = end - 1;
    return true;
}

bool replay_parse_seed(struct replay_plan *plan, const char *text, struct err *err)
{
    char *behind;

    errno = 0;
    plan->seed = strtoull(text, &behind, 10);
    if (text[0] < '0' || text[0] > '9' || errno != 0 || *behind != '\0') {
        return err_set(
            err, ERR_USAGE, "option '--seed': '%s' is no number (allowed: decimal, 64 bits)",
            text);
    }
    return true;
}
