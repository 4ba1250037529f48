/* The folders of PATH, one after the other; see find_program.h. */
#include "cli/find_program.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_program(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

char *find_program(const char *name, const char *path)
{
    struct stat status;

    if (strchr(name, '/') != NULL || name[0] == '\0' || lstat(name, &status) == 0) {
        return NULL;
    }
    while (path != NULL && *path != '\0') {
        int length = (int)strcspn(path, ":");
        char *found = NULL;
        /* An empty folder is the current one, which was looked into. */
        if (length != 0 && asprintf(&found, "%.*s/%s", length, path, name) < 0) {
            return NULL;
        }
        if (found != NULL && is_program(found)) {
            return found;
        }
        free(found);
        path += length + (path[length] == ':' ? 1 : 0);
    }
    return NULL;
}
