/*
 * Makes the guest's environment from the host's and the options.  It refuses to know how a
 * program is given its environment (the loader does), and copies no string.  Read cli/options.c
 * for the options themselves.
 */
#include "cli/environment.h"

#include <stdlib.h>
#include <string.h>

/* The variable of that name (ended by '=' or NUL) in an array; NULL when there is none. */
static const char **find_variable(const char **array, size_t count, const char *name)
{
    size_t length = strcspn(name, "=");

    for (size_t i = 0; i < count; i++) {
        if (strncmp(array[i], name, length) == 0 && array[i][length] == '=') {
            return &array[i];
        }
    }
    return NULL;
}

bool environment_build(
    const struct options *options,
    char *const *host,
    const char ***environment,
    struct err *err)
{
    size_t host_count = 0;
    size_t count = 0;
    const char **array;

    while (host[host_count] != NULL) {
        host_count++;
    }
    array = calloc(host_count + options->env_count + 1, sizeof(*array));
    if (array == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for the guest's environment");
    }
    for (size_t i = 0; i < host_count && !options->clear_env; i++) {
        array[count++] = host[i];
    }
    for (size_t i = 0; i < options->env_count; i++) {
        const char *variable = options->env[i];
        const char **slot = find_variable(array, count, variable);

        if (strchr(variable, '=') == NULL) {
            const char **own = find_variable((const char **)host, host_count, variable);

            if (own == NULL) {
                continue;
            }
            variable = *own;
        }
        if (slot == NULL) {
            slot = &array[count++];
        }
        *slot = variable;
    }
    *environment = array;
    return true;
}
