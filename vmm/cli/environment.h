/*
 * The guest's environment: the host's, edited by --clear-env and --env.  It refuses to know how
 * a program is given its environment (the loader does).  Read cli/options.h for the options.
 */
#ifndef CLI_ENVIRONMENT_H
#define CLI_ENVIRONMENT_H

#include "base/err.h"
#include "cli/options.h"

/*
 * Make the guest's environment: host (NULL-terminated, usually environ), or nothing with
 * --clear-env, then each --env in turn.  NAME alone takes the host's value, and does nothing
 * when the host has none.  *environment: NULL-terminated; the caller frees the array, the
 * strings are borrowed from host and options; untouched on failure.  ERR_ENVIRONMENT: no
 * memory.
 */
MUST_CHECK bool environment_build(
    const struct options *options,
    char *const *host,
    const char ***environment,
    struct err *err);

#endif
