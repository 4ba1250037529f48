/* Reads --record and --record-regions; see record_options.h. */
#include "cli/record_options.h"

#include <string.h>

#include "cli/value.h"
#include "watch/select.h"

#define PERIOD_MIN_NS UINT64_C(1000000)
#define SAMPLED       "sampled,"

static bool parse_period(struct options *options, const char *text, struct err *err)
{
    options->record = OPTIONS_RECORD_SAMPLED;
    if (!value_parse_seconds("--record=sampled", text, &options->record_period_ns, err)) {
        return false;
    }
    return options->record_period_ns >= PERIOD_MIN_NS ||
           err_set(
               err, ERR_USAGE,
               "option '--record': the period '%s' is too short (allowed: 0.001 s or more)",
               text);
}

bool record_options_parse(struct options *options, const char *text, struct err *err)
{
    if (strcmp(text, "faults") == 0) {
        options->record = OPTIONS_RECORD_FAULTS;
        return true;
    }
    if (strcmp(text, "accesses") == 0) {
        options->record = OPTIONS_RECORD_ACCESSES;
        return true;
    }
    if (strncmp(text, SAMPLED, strlen(SAMPLED)) == 0) {
        return parse_period(options, text + strlen(SAMPLED), err);
    }
    return err_set(
        err, ERR_USAGE,
        "option '--record': '%s' is nothing to record (allowed: faults, accesses, "
        "sampled,SECONDS)",
        text);
}

bool record_options_parse_regions(struct options *options, const char *text, struct err *err)
{
    struct select select;

    options->record_regions = text;
    if (text[0] == '\0') {
        return err_set(err, ERR_USAGE, "option '--record-regions': no region is named");
    }
    return select_parse(&select, text, err);
}

static bool has_policy(const struct options *options)
{
    return options->policy != NULL || options->limit != OPTIONS_LIMIT_NONE ||
           options->swap_file != NULL || options->swap_bytes != 0;
}

bool record_options_check(const struct options *options, struct err *err)
{
    if (options->record_regions != NULL && options->record == OPTIONS_RECORD_FAULTS) {
        return err_set(
            err, ERR_USAGE,
            "option '--record-regions': faults are recorded everywhere (allowed: with "
            "--record=accesses or --record=sampled,SECONDS)");
    }
    if (options->record == OPTIONS_RECORD_SAMPLED && has_policy(options)) {
        return err_set(
            err, ERR_USAGE,
            "option '--record': sampling clears the accessed bits that a policy goes by "
            "(allowed: without --policy, --frames, --resident and --swap)");
    }
    return true;
}
