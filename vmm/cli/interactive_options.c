/* Reads -x, --break and --stdin; see interactive_options.h. */
#include "cli/interactive_options.h"

static bool take_path(const char **path, const char *option, const char *text, struct err *err)
{
    if (text[0] == '\0') {
        return err_set(
            err, ERR_USAGE, "option '%s': the name of the file is empty (allowed: a path)",
            option);
    }
    *path = text;
    return true;
}

bool interactive_options_parse(
    struct options *options, enum interactive_option option, const char *text, struct err *err)
{
    switch (option) {
    case INTERACTIVE_BREAK:
        /* What is wrong with a condition is told with the others: interactive/breaks.h. */
        options->breaks[options->break_count++] = text;
        return true;
    case INTERACTIVE_STDIN:
        return take_path(&options->stdin_file, "--stdin", text, err);
    case INTERACTIVE_SCRIPT:
        return take_path(&options->script, "--script", text, err);
    }
    return false;
}

bool interactive_options_check(const struct options *options, struct err *err)
{
    if (options->break_count != 0 && !interactive_options_are_given(options)) {
        return err_set(
            err, ERR_USAGE, "option '--break': it needs -i, or -x FILE with commands");
    }
    if (interactive_options_are_given(options) && options->record != OPTIONS_RECORD_FAULTS) {
        return err_set(
            err, ERR_USAGE,
            "option '--record': accesses and samples cannot be recorded with -i or -x, which "
            "step too (allowed: faults)");
    }
    return true;
}
