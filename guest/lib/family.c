/*
 * Turns between a parent and its child: a byte through one of two pipes; see family.h.
 */
#include "family.h"

#include "area.h"
#include "check.h"
#include "sys.h"

static void give(const struct family *family)
{
    CHECK_EQ(sys_write(family->child != 0 ? family->down[1] : family->up[1], "", 1), 1);
}

static void take(const struct family *family)
{
    char byte;

    CHECK_EQ(sys_read(family->child != 0 ? family->up[0] : family->down[0], &byte, 1), 1);
}

bool family_fork(struct family *family, const void *top)
{
    CHECK_EQ(sys_pipe(family->down), 0);
    CHECK_EQ(sys_pipe(family->up), 0);
    family->child = sys_fork();
    CHECK(!sys_failed(family->child));
    area_warm_up(top);
    if (family->child == 0) {
        give(family);
        take(family);
        return false;
    }
    take(family);
    return true;
}

void family_pass(const struct family *family)
{
    give(family);
    take(family);
}

_Noreturn void family_leave(const struct family *family, int status)
{
    (void)family;
    sys_exit(status);
}

int family_status(int status)
{
    return (status & 0x7f) == 0 ? status >> 8 & 0xff : 128 + (status & 0x7f);
}

int family_join(const struct family *family)
{
    int status = 0;

    give(family);
    CHECK_EQ(sys_wait(family->child, &status), family->child);
    sys_close(family->down[0]);
    sys_close(family->down[1]);
    sys_close(family->up[0]);
    sys_close(family->up[1]);
    return family_status(status);
}
