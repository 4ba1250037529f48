/*
 * Where the shared objects of tests and examples are: beside the test programs, in the same
 * build folder.  It refuses to know which folder that is called.  Read the Makefile's section on
 * policies for what is there.
 */
#ifndef POLICY_PATH_H
#define POLICY_PATH_H

#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* path: gets FOLDER/policies/name, where this program is FOLDER/tests/unit/PROGRAM. */
static inline void policy_path(char *path, size_t bytes, const char *name)
{
    char self[256] = "";
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

    assert_true(length > 0);
    snprintf(path, bytes, "%s/policies/%s", dirname(dirname(dirname(self))), name);
}

#endif
