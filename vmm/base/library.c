/* Libraries by dlopen(); see library.h. */
#include "base/library.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

/* The first name is what the error speaks of. */
static void *open_first(const char *const *files, struct err *err)
{
    for (size_t i = 0; files[i] != NULL; i++) {
        void *library = dlopen(files[i], RTLD_NOW | RTLD_LOCAL);
        if (library != NULL) {
            return library;
        }
    }
    err_set(err, ERR_ENVIRONMENT, "the library %s is not installed", files[0]);
    return NULL;
}

bool library_load(
    const char *const *files, const char *const *functions, void *table, struct err *err)
{
    void *library = open_first(files, err);

    if (library == NULL) {
        return false;
    }
    for (size_t i = 0; functions[i] != NULL; i++) {
        void *address = dlsym(library, functions[i]);
        if (address == NULL) {
            return err_set(
                err, ERR_ENVIRONMENT, "the library %s has no %s()", files[0], functions[i]);
        }
        memcpy((char *)table + i * sizeof(address), &address, sizeof(address));
    }
    return true;
}
