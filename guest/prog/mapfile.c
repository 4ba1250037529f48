/*
 * Question: who sees a write to a mapped file?
 * Method: `mapfile MODE [PAGES]` with a fresh file of PAGES pages (4 by default) and a half.
 *   shared   two processes map it shared: each sees the other's writes, read(2) and write(2) agree
 *            with both, before and after msync
 *   private  a private mapping: writes stay in the process, in the file nothing changes; what is
 *            written to the file shows in pages that were not touched yet
 *   behind   a page behind the end of the file: SIGBUS, handled; the rest of the last page is zero
 *   mincore  which pages are in memory before and after a touch
 *   bus      as `behind`, not handled
 *
 * A plain Linux maps pages around a touched one of a file, hence `total` and not `faults`.
 *
 * Exit 0: all as said, 1: not, 2: usage.
 *
 * expect: mapfile shared | exit=0 | parent.total=4 | parent.file-load=4 | child.total=4
 *   | child.shared=4 | stdout=mapfile: all see the same
 * expect: mapfile shared 300 | exit=0 | parent.total=300 | parent.file-load=300 | child.total=300
 *   | child.shared=300 | stdout=mapfile: all see the same
 * expect: mapfile private | exit=0 | first.total=2 | first.file-load=2 | again.total=0
 *   | second.total=2 | second.file-load=2 | stdout=mapfile: the file is as it was
 * expect: mapfile behind | exit=0 | last.total=1 | last.file-load=1 | signals=2
 * expect: mapfile bus | exit=135
 * expect: mapfile mincore | exit=0 | before=0 | touched=2 | all=4 | dropped=0
 * expect: mapfile | exit=2
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

#define PAGES_MAX    1000
#define HALF         (PAGE_BYTES / 2)
#define FILE_VALUE   100
#define PARENT_VALUE 1000000
#define CHILD_VALUE  2000000
#define WRITE_VALUE  3000000

struct file {
    int fd;
    uint64_t pages; /* whole ones */
};

static volatile uint64_t *word_at(uintptr_t base, uint64_t page)
{
    return (volatile uint64_t *)(base + page * PAGE_BYTES); // NOLINT: an address by number
}

static uintptr_t map(const struct file *file, uint64_t pages, int flags)
{
    int64_t base = sys_mmap_file(
        0, pages * PAGE_BYTES, SYS_PROT_READ | SYS_PROT_WRITE, flags, file->fd, 0);

    CHECK(!sys_failed(base));
    return (uintptr_t)base;
}

static void file_write(const struct file *file, uint64_t page, uint64_t value)
{
    CHECK_EQ(sys_pwrite(file->fd, &value, sizeof(value), page * PAGE_BYTES), sizeof(value));
}

static uint64_t file_read(const struct file *file, uint64_t page)
{
    uint64_t value = 0;

    CHECK_EQ(sys_pread(file->fd, &value, sizeof(value), page * PAGE_BYTES), sizeof(value));
    return value;
}

static void make_file(struct file *file)
{
    int64_t fd = sys_memfd("mapped");

    CHECK(!sys_failed(fd));
    file->fd = (int)fd;
    CHECK_EQ(sys_ftruncate(file->fd, file->pages * PAGE_BYTES + HALF), 0);
    for (uint64_t i = 0; i < file->pages; i++) {
        file_write(file, i, FILE_VALUE + i);
    }
}

/* What read(2) gives for all pages is what area_write() with this value leaves. */
static void check_file(const struct file *file, uint64_t value)
{
    for (uint64_t i = 0; i < file->pages; i++) {
        CHECK_EQ(file_read(file, i), value + i);
    }
}

/* --- shared --- */

static void share_child(const struct file *file, const struct family *family, uintptr_t base)
{
    struct lab_counts faults;

    /* 2. What the parent has written is there. */
    CHECK_EQ(area_count_counted(base, file->pages, PARENT_VALUE, &faults), file->pages);
    lab_report_total("child", &faults);
    area_write(base, file->pages, CHILD_VALUE);
    check_file(file, CHILD_VALUE);
    family_pass(family);
    /* 4. What the parent has written to the file is there. */
    CHECK_EQ(area_count(base, file->pages, WRITE_VALUE), file->pages);
    family_leave(family, 0);
}

static void run_shared(const struct file *file, const void *top)
{
    uintptr_t base = map(file, file->pages, MAP_SHARED);
    struct family family;
    struct lab_counts faults;

    if (!family_fork(&family, top)) {
        share_child(file, &family, base);
    }
    /* 1. */
    area_write_counted(base, file->pages, PARENT_VALUE, &faults);
    lab_report_total("parent", &faults);
    check_file(file, PARENT_VALUE);
    family_pass(&family);
    /* 3. */
    CHECK_EQ(area_count(base, file->pages, CHILD_VALUE), file->pages);
    CHECK_EQ(sys_msync(base, file->pages * PAGE_BYTES, MS_SYNC), 0);
    check_file(file, CHILD_VALUE);
    for (uint64_t i = 0; i < file->pages; i++) {
        file_write(file, i, WRITE_VALUE + i);
    }
    CHECK_EQ(area_count(base, file->pages, WRITE_VALUE), file->pages);
    CHECK_EQ(family_join(&family), 0);
    /* 5. It stays when nobody maps it any more. */
    area_write(base, file->pages, PARENT_VALUE);
    CHECK_EQ(sys_munmap(base, file->pages * PAGE_BYTES), 0);
    check_file(file, PARENT_VALUE);
    print_to(1, "mapfile: all see the same\n");
}

/* --- private --- */

static void run_private(const struct file *file, const void *top)
{
    uintptr_t base = map(file, file->pages, MAP_PRIVATE);
    uint64_t half = file->pages / 2;
    struct lab_counts faults;

    area_warm_up(top);
    area_write_counted(base, half, PARENT_VALUE, &faults);
    lab_report_total("first", &faults);
    check_file(file, FILE_VALUE);
    file_write(file, half, WRITE_VALUE);
    CHECK_EQ(area_count_counted(base, half, PARENT_VALUE, &faults), half);
    lab_report_total("again", &faults);
    area_count_counted(base + half * PAGE_BYTES, file->pages - half, 0, &faults);
    lab_report_total("second", &faults);
    CHECK_EQ(*word_at(base, half), WRITE_VALUE);
    file_write(file, half, FILE_VALUE + half);
    area_write(base, file->pages, CHILD_VALUE);
    CHECK_EQ(sys_munmap(base, file->pages * PAGE_BYTES), 0);
    check_file(file, FILE_VALUE);
    print_to(1, "mapfile: the file is as it was\n");
}

/* --- behind the end --- */

static void handle(int number, siginfo_t *info, struct ucontext *context)
{
    CHECK_EQ(number, SIGBUS);
    CHECK_EQ(info->si_code, BUS_ADRERR);
    trap_skip(context);
}

static void run_behind(const struct file *file, const void *top)
{
    uintptr_t base = map(file, file->pages + 2, MAP_SHARED);
    uintptr_t private = map(file, file->pages + 2, MAP_PRIVATE);
    struct lab_counts faults;
    int64_t signals = 0;

    area_warm_up(top);
    trap_catch(SIGBUS, handle);
    CHECK_EQ(area_count_counted(base + file->pages * PAGE_BYTES, 1, 0, &faults), 1);
    lab_report_total("last", &faults);
    CHECK_EQ(trap_read(base + file->pages * PAGE_BYTES + PAGE_BYTES - 1), 0);
    signals += trap_read(base + (file->pages + 1) * PAGE_BYTES) == TRAP_SKIPPED;
    signals += trap_write(private + (file->pages + 1) * PAGE_BYTES, 1) == TRAP_SKIPPED;
    lab_result("signals", signals);
    CHECK_EQ(signals, 2);
    /* The file has grown: now there is something. */
    CHECK_EQ(sys_ftruncate(file->fd, (file->pages + 2) * PAGE_BYTES), 0);
    CHECK_EQ(trap_read(base + (file->pages + 1) * PAGE_BYTES), 0);
    CHECK_EQ(trap_write(private + (file->pages + 1) * PAGE_BYTES, 1), 0);
}

/* --- mincore --- */

static uint64_t count_in_memory(const char *name, uintptr_t base, uint64_t pages)
{
    uint8_t vector[PAGES_MAX] = {0};
    uint64_t count = 0;

    CHECK_EQ(sys_mincore(base, pages * PAGE_BYTES, vector), 0);
    for (uint64_t i = 0; i < pages; i++) {
        count += vector[i] & 1;
    }
    lab_result(name, (int64_t)count);
    return count;
}

/* Of anonymous memory, as Linux has the pages of a file that was just written in memory anyway. */
static void run_mincore(uint64_t pages)
{
    uintptr_t base = area_map(pages);

    CHECK_EQ(count_in_memory("before", base, pages), 0);
    area_write(base, pages / 2, 1);
    CHECK_EQ(count_in_memory("touched", base, pages), pages / 2);
    area_write(base, pages, 1);
    CHECK_EQ(count_in_memory("all", base, pages), pages);
    CHECK_EQ(sys_madvise(base, pages * PAGE_BYTES, MADV_DONTNEED), 0);
    CHECK_EQ(count_in_memory("dropped", base, pages), 0);
    CHECK_EQ(sys_munmap(base, PAGE_BYTES), 0);
    CHECK_EQ(sys_mincore(base, pages * PAGE_BYTES, &(uint8_t){0}), -ENOMEM);
}

static int run(const char *mode, const struct file *file)
{
    if (strcmp(mode, "shared") == 0) {
        run_shared(file, file);
    } else if (strcmp(mode, "private") == 0) {
        run_private(file, file);
    } else if (strcmp(mode, "behind") == 0) {
        run_behind(file, file);
    } else if (strcmp(mode, "mincore") == 0) {
        run_mincore(file->pages);
    } else if (strcmp(mode, "bus") == 0) {
        return trap_read(
            map(file, file->pages + 2, MAP_SHARED) + (file->pages + 1) * PAGE_BYTES);
    } else {
        print_to(2, "usage: mapfile shared|private|behind|mincore|bus [PAGES]\n");
        return 2;
    }
    return 0;
}

int main(int argc, char **argv, char **envp)
{
    struct file file = {.pages = 4};

    (void)envp;
    if (argc > 3 || (argc == 3 && mem_parse_number(argv[2], &file.pages) != 0) ||
        file.pages < 2 || file.pages > PAGES_MAX) {
        print_to(2, "mapfile: PAGES is 2 to %d\n", PAGES_MAX);
        return 2;
    }
    make_file(&file);
    return run(argc > 1 ? argv[1] : "", &file);
}
