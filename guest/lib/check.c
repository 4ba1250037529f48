/*
 * The end of a guest program whose assertion failed.  It refuses to continue or to unwind: the
 * host has the line and the status.  Read check.h for the macros.
 */
#include "check.h"

#include "print.h"
#include "sys.h"

_Noreturn void
check_fail(const char *expression, const char *file, int line, uint64_t a, uint64_t b)
{
    print_to(
        2, "%s:%d: check failed: %s: left %ld (%#lx), right %ld (%#lx)\n", file, line,
        expression, (int64_t)a, a, (int64_t)b, b);
    sys_exit(1);
}
