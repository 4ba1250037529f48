/*
 * Question: what becomes of a write to a page of a library, and does anybody else see it?
 * Method: `sharedlib MODE`.  A file of 4 pages stands for the library; it is mapped as a loader
 * maps one.  `shared`, `private`: mapped for reading, shared or private, and written: ends the
 * program.  `handled`: the same, with a handler that leaves the write out.  `copy`: mapped private and
 * writable; a write changes this process' page alone, not the file and not another mapping of it.
 * `text`: the program's own text is written.
 *
 * Exit 0: as said, 1: not, 2: usage.
 *
 * expect: sharedlib shared | exit=139 | run.read-only=1
 * expect: sharedlib private | exit=139 | run.read-only=1
 * expect: sharedlib text | exit=139 | run.read-only=1
 * expect: sharedlib handled | exit=0 | run.read-only=2 | stdout=sharedlib: 2 writes refused
 * expect: sharedlib copy | exit=0 | load.file-load=4 | load.total=4
 *   | write.total=0 | again.file-load=4 | again.total=4 | child.cow-copy=4 | child.total=4
 *   | stdout=sharedlib: the file is as it was
 * expect: sharedlib | exit=2
 */
#include <asm-generic/siginfo.h>

#include "area.h"
#include "check.h"
#include "family.h"
#include "mem.h"
#include "print.h"
#include "start.h"
#include "sys.h"
#include "trap.h"

#define PAGES 4
#define BYTES (PAGES * PAGE_BYTES)
#define VALUE 500

static int make_library(void)
{
    int64_t fd = sys_memfd("library");

    CHECK(!sys_failed(fd));
    CHECK_EQ(sys_ftruncate((int)fd, BYTES), 0);
    for (uint64_t i = 0; i < PAGES; i++) {
        uint64_t word = VALUE + i;

        CHECK_EQ(sys_pwrite((int)fd, &word, sizeof(word), i * PAGE_BYTES), sizeof(word));
    }
    return (int)fd;
}

static uintptr_t map(int fd, int protection, int flags)
{
    int64_t base = sys_mmap_file(0, BYTES, protection, flags, fd, 0);

    CHECK(!sys_failed(base));
    return (uintptr_t)base;
}

static void handle(int number, siginfo_t *info, struct ucontext *context)
{
    CHECK_EQ(number, SIGSEGV);
    CHECK_EQ(info->si_code, SEGV_ACCERR);
    trap_skip(context);
}

static int write_handled(int fd)
{
    uintptr_t shared = map(fd, SYS_PROT_READ, MAP_SHARED);
    uintptr_t private = map(fd, SYS_PROT_READ, MAP_PRIVATE);

    trap_catch(SIGSEGV, handle);
    CHECK_EQ(trap_write(shared, 1), TRAP_SKIPPED);
    CHECK_EQ(trap_write(private, 1), TRAP_SKIPPED);
    CHECK_EQ(area_count(shared, PAGES, VALUE), PAGES);
    CHECK_EQ(area_count(private, PAGES, VALUE), PAGES);
    print_to(1, "sharedlib: 2 writes refused\n");
    return 0;
}

static void count(const char *name, uintptr_t base)
{
    struct lab_counts faults;

    CHECK_EQ(area_count_counted(base, PAGES, VALUE, &faults), PAGES);
    lab_report_total(name, &faults);
}

static void write(const char *name, uintptr_t base, uint64_t value)
{
    struct lab_counts faults;

    area_write_counted(base, PAGES, value, &faults);
    lab_report_total(name, &faults);
    CHECK_EQ(area_count(base, PAGES, value), PAGES);
}

static int write_copy(int fd, const void *top)
{
    uintptr_t library = map(fd, SYS_PROT_READ | SYS_PROT_WRITE, MAP_PRIVATE);
    uintptr_t other = map(fd, SYS_PROT_READ, MAP_PRIVATE);
    struct family family;

    area_warm_up(top);
    count("load", library);
    write("write", library, 9000); /* each load had made a page of its own */
    count("again", other);
    if (!family_fork(&family, top)) {
        write("child", library, 9100);
        family_leave(&family, 0);
    }
    CHECK_EQ(family_join(&family), 0);
    CHECK_EQ(area_count(library, PAGES, 9000), PAGES);
    for (uint64_t i = 0; i < PAGES; i++) {
        uint64_t word = 0;

        CHECK_EQ(sys_pread(fd, &word, sizeof(word), i * PAGE_BYTES), sizeof(word));
        CHECK_EQ(word, VALUE + i);
    }
    print_to(1, "sharedlib: the file is as it was\n");
    return 0;
}

int main(int argc, char **argv, char **envp)
{
    const char *mode = argc == 2 ? argv[1] : "";
    int fd = make_library();

    (void)envp;
    if (strcmp(mode, "handled") == 0) {
        return write_handled(fd);
    }
    if (strcmp(mode, "copy") == 0) {
        return write_copy(fd, &fd);
    }
    if (strcmp(mode, "text") == 0) {
        return trap_write((uintptr_t)&make_library, 1);
    }
    if (strcmp(mode, "shared") == 0) {
        return trap_write(map(fd, SYS_PROT_READ, MAP_SHARED), 1);
    }
    if (strcmp(mode, "private") == 0) {
        return trap_write(map(fd, SYS_PROT_READ, MAP_PRIVATE), 1);
    }
    print_to(2, "usage: sharedlib shared|private|text|handled|copy\n");
    return 2;
}
