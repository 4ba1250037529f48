/*
 * Attacks by system call: every request with every kind of bad pointer, lengths and ranges that
 * wrap or lie in the kernel window, unknown numbers, bad names.  It refuses to care which error
 * comes back, as long as it is an error and the program lives.  Standard output must not be
 * /dev/null, which takes any pointer. Read vmm's handling of requests next.
 */
#include <stdbool.h>
#include <stddef.h>

#include "abi.h"

#include "check.h"
#include "hostile.h"
#include "print.h"
#include "sys.h"

#define BYTES 16

/* Stands for the bad pointer in the arguments of a request. */
#define BAD X86_U64(0xbadbadbadbad)

/* One request with a place for a pointer.  `writes`: the kernel would write there. */
struct request {
    const char *name;
    uint64_t number;
    uint64_t argument[6];
    bool writes;
};

static const char path[] = "/proc/self/exe";

static const struct request requests[] = {
    {"write", __NR_write, {1, BAD, BYTES}, false},
    {"read", __NR_read, {0, BAD, BYTES}, true},
    {"writev", __NR_writev, {1, BAD, 1}, false},
    {"fstat", __NR_fstat, {1, BAD}, true},
    {"newfstatat", __NR_newfstatat, {(uint64_t)-100, BAD, BAD, 0}, true},
    {"readlink path", __NR_readlink, {BAD, BAD, BYTES}, true},
    {"readlink", __NR_readlink, {(uintptr_t)path, BAD, BYTES}, true},
    {"uname", __NR_uname, {BAD}, true},
    {"clock_gettime", __NR_clock_gettime, {0, BAD}, true},
    {"getrandom", __NR_getrandom, {BAD, BYTES, 0}, true},
    {"prlimit64", __NR_prlimit64, {0, 3, 0, BAD}, true},
    {"getrusage", __NR_getrusage, {0, BAD}, true},
    {"rt_sigaction", __NR_rt_sigaction, {10, BAD, 0, 8}, false},
    {"rt_sigaction old", __NR_rt_sigaction, {10, 0, BAD, 8}, true},
    {"rt_sigprocmask", __NR_rt_sigprocmask, {0, BAD, 0, 8}, false},
    {"rt_sigprocmask old", __NR_rt_sigprocmask, {0, 0, BAD, 8}, true},
    {"lab_phase", LAB_PHASE, {BAD}, false},
    {"lab_result", LAB_RESULT, {BAD, 1}, false},
    {"lab_walk", LAB_WALK, {0, BAD}, true},
    {"lab_counts", LAB_COUNTS, {BAD}, true},
};

static const uint64_t bad_pointers[] = {
    1, /* 0 is "none" to some requests */
    0xfff,
    LAYOUT_USER_BEGIN,
    LAYOUT_USER_END - 1,
    LAYOUT_USER_END,
    X86_U64(0x7ffffffffffc),
    X86_U64(0x800000000000), /* not canonical */
    LAYOUT_TABLES_BASE,
    LAYOUT_TEXT,
    LAYOUT_DESCRIPTORS,
    LAYOUT_STACK,
    LAYOUT_STACK + PAGE_BYTES - 4,
    X86_U64(0xfffffffffffffffc), /* wraps */
};

static int64_t call_with(const struct request *r, uint64_t pointer)
{
    uint64_t a[6];

    for (size_t i = 0; i < 6; i++) {
        a[i] = r->argument[i] == BAD ? pointer : r->argument[i];
    }
    return sys_call(r->number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* An error is due; read may also find nothing to read. */
static bool refused(const struct request *r, int64_t result)
{
    return sys_failed(result) || (r->number == __NR_read && result == 0);
}

static uint64_t attack_with(uint64_t pointer, bool only_writes)
{
    uint64_t let_through = 0;

    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        const struct request *r = &requests[i];
        int64_t result;

        if (only_writes && !r->writes) {
            continue;
        }
        result = call_with(r, pointer);
        if (!refused(r, result)) {
            print_to(2, "%s with pointer %#lx returned %ld\n", r->name, pointer, result);
            let_through++;
        }
    }
    return let_through;
}

static int finish(const char *mode, uint64_t let_through)
{
    if (let_through == 0) {
        print_to(1, "%s: ok\n", mode);
        return 0;
    }
    print_to(1, "%s: %lu let through\n", mode, let_through);
    return 1;
}

static int pointers(uint64_t argument)
{
    uint64_t let_through = 0;

    (void)argument;
    for (size_t i = 0; i < sizeof(bad_pointers) / sizeof(bad_pointers[0]); i++) {
        let_through += attack_with(bad_pointers[i], false);
    }
    let_through += attack_with((uintptr_t)pointers, true); /* text may be read, not written */
    return finish("pointers", let_through);
}

/* Buffers that begin well and end badly: a part may be served, nothing beyond it. */
static int edges(uint64_t argument)
{
    int64_t base = sys_mmap(0, 2 * PAGE_BYTES, SYS_PROT_READ | SYS_PROT_WRITE, 0);
    uint8_t *end = (uint8_t *)base + PAGE_BYTES; // NOLINT: an address by number
    const uint64_t lengths[] = {9,
                                PAGE_BYTES,
                                X86_U64(0x10000000000),
                                INT64_MAX,
                                UINT64_MAX - (uintptr_t)end + 1,
                                UINT64_MAX};
    uint64_t let_through = 0;

    (void)argument;
    CHECK(!sys_failed(base));
    CHECK_EQ(sys_munmap((uintptr_t)end, PAGE_BYTES), 0);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        int64_t result;

        __builtin_memcpy(end - 8, "1234567\n", 8);
        result = sys_write(1, end - 8, lengths[i]);
        let_through += result > 8;
        result = sys_call(__NR_getrandom, (uintptr_t)end - 8, lengths[i], 0, 0, 0, 0);
        let_through += result > 8;
        result = sys_read(0, end - 8, lengths[i]);
        let_through += result > 8;
    }
    for (size_t bytes = 1; bytes < sizeof(struct lab_counts); bytes += 8) {
        let_through += !sys_failed(sys_call(LAB_COUNTS, (uintptr_t)end - bytes, 0, 0, 0, 0, 0));
        let_through += !sys_failed(sys_call(__NR_uname, (uintptr_t)end - bytes, 0, 0, 0, 0, 0));
    }
    return finish("edges", let_through);
}

/* Address ranges that are empty, wrap, or reach into the kernel window. */
static int ranges(uint64_t argument)
{
    static const struct request calls[] = {
        {"mmap empty", __NR_mmap, {0, 0, 3, 0x22, UINT64_MAX, 0}, false},
        {"mmap all", __NR_mmap, {0, UINT64_MAX, 3, 0x22, UINT64_MAX, 0}, false},
        {"mmap half", __NR_mmap, {0, LAYOUT_USER_END, 3, 0x22, UINT64_MAX, 0}, false},
        {"mmap odd", __NR_mmap, {0x12345, 0x1000, 3, 0x32, UINT64_MAX, 0}, false},
        {"mmap null", __NR_mmap, {0, UINT64_MAX - 4095, 3, 0x32, UINT64_MAX, 0}, false},
        {"mmap kernel", __NR_mmap, {LAYOUT_TEXT, 4096, 3, 0x32, UINT64_MAX, 0}, false},
        {"mmap top", __NR_mmap, {LAYOUT_USER_END, 4096, 3, 0x32, UINT64_MAX, 0}, false},
        {"mmap wrap", __NR_mmap, {0x10000, UINT64_MAX, 3, 0x32, UINT64_MAX, 0}, false},
        {"munmap kernel", __NR_munmap, {LAYOUT_TEXT, 4096}, false},
        {"munmap wrap", __NR_munmap, {0x10000, UINT64_MAX - 0xffff}, false},
        {"munmap odd", __NR_munmap, {0x10001, 4096}, false},
        {"mprotect kernel", __NR_mprotect, {LAYOUT_TEXT, 4096, 7}, false},
        {"mprotect tables", __NR_mprotect, {LAYOUT_TABLES_BASE, 4096, 7}, false},
        {"mprotect wrap", __NR_mprotect, {0x10000, UINT64_MAX - 0xffff, 7}, false},
        {"mprotect nothing", __NR_mprotect, {0x10000, 4096, 7}, false},
        {"mremap kernel", __NR_mremap, {LAYOUT_TEXT, 4096, 8192, 1, 0}, false},
        {"mremap nothing", __NR_mremap, {0x10000, 4096, 8192, 1, 0}, false},
        {"arch_prctl fs", __NR_arch_prctl, {0x1002, LAYOUT_TEXT}, false},
        {"arch_prctl odd", __NR_arch_prctl, {0x1002, X86_U64(0x8000000000000000)}, false},
        {"arch_prctl op", __NR_arch_prctl, {0xffff, 0}, false},
    };
    uint64_t let_through = 0;
    uintptr_t end = sys_brk(0);

    (void)argument;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        int64_t result = call_with(&calls[i], 0);

        if (!sys_failed(result)) {
            print_to(2, "%s returned %#lx\n", calls[i].name, (uint64_t)result);
            let_through++;
        }
    }
    CHECK_EQ(sys_brk(LAYOUT_TEXT), end);
    CHECK_EQ(sys_brk(LAYOUT_USER_END), end);
    CHECK_EQ(sys_brk(UINT64_MAX), end);
    CHECK_EQ(sys_brk(1), end);
    return finish("ranges", let_through);
}

static int numbers(uint64_t argument)
{
    static const uint64_t unknown[] = {UINT64_MAX, INT64_MAX, 0x7fffffff,       0xffffffff,
                                       0xfff,      0x1fff,    LAB_COUNTS + 1000};
    uint64_t let_through = 0;

    (void)argument;
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        let_through += sys_call(unknown[i], 1, 2, 3, 4, 5, 6) != -ENOSYS;
    }
    return finish("numbers", let_through);
}

/* Names that a phase or figure may not have. */
static int names(uint64_t argument)
{
    static const char *const bad[] = {
        "",
        "two\nlines",
        "\033[31mred",
        "caf\xc3\xa9",
        "0123456789012345678901234567890123456789012345678901234567890123",
    };
    uint64_t let_through = 0;

    (void)argument;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        let_through += !sys_failed(sys_call(LAB_PHASE, (uintptr_t)bad[i], 0, 0, 0, 0, 0));
        let_through += !sys_failed(sys_call(LAB_RESULT, (uintptr_t)bad[i], 1, 0, 0, 0, 0));
    }
    return finish("names", let_through);
}

const struct hostile_mode hostile_requests[] = {
    {"pointers", pointers}, {"edges", edges}, {"ranges", ranges},
    {"numbers", numbers},   {"names", names}, {NULL, NULL},
};
