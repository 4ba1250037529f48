/*
 * Shared libraries that only some commands use.  The loader would take 0.2 ms and 0.4 MiB for each
 * of them at every start of vmm, so they are no dependency of the program but are loaded by the
 * first who needs them.  It refuses to know what they are for.
 *
 * A user lists the functions once, and has them as members of a struct:
 *
 *     #define FUNCTIONS(f) f(sqlite3_open) f(sqlite3_step)
 *     struct sqlite { FUNCTIONS(LIBRARY_MEMBER) };
 *     static const char *const functions[] = {FUNCTIONS(LIBRARY_NAME) NULL};
 */
#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H

#include "base/err.h"

#define LIBRARY_MEMBER(function) __typeof__(function) *(function);
#define LIBRARY_NAME(function)   #function,

/*
 * Load the first of `files` (ended by NULL) that there is, and put the addresses of `functions`
 * (ended by NULL) into *table, a struct of as many pointers in that order.  The library stays until
 * the program ends.  ERR_ENVIRONMENT: none of the files can be loaded, or a function is missing;
 * *table is then undefined.
 */
MUST_CHECK bool library_load(
    const char *const *files, const char *const *functions, void *table, struct err *err);

#endif
