/*
 * A self-check of files that are mapped, read and written at once: whatever way a byte goes in, every
 * other way must see it.  It refuses to know whether it runs in the laboratory or under Linux: both
 * must pass.  Read vmm/linux/mapped_file.h for who keeps this in the laboratory.
 *
 * `leave PATH HOW` is for a host that looks at the file afterwards: it writes to a mapping and ends
 * without another word, by `exit`, by a signal (`kill`, `segv`), in a child (`child`), or not at all
 * (`hang`).
 *
 * expect: coherence read | exit=0 | stdout=read: ok
 * expect: coherence write | exit=0 | stdout=write: ok
 * expect: coherence vectors | exit=0 | stdout=vectors: ok
 * expect: coherence append | exit=0 | stdout=append: ok
 * expect: coherence shrink | exit=0 | stdout=shrink: ok
 * expect: coherence grow | exit=0 | stdout=grow: ok
 * expect: coherence truncated | exit=0 | stdout=truncated: ok
 * expect: coherence unmapped | exit=0 | stdout=unmapped: ok
 * expect: coherence processes | exit=0 | stdout=processes: ok
 * expect: coherence twice | exit=0 | stdout=twice: ok
 * expect: coherence read | options=--frames=300 --swap=4M --policy=random | exit=0
 *   | stdout=read: ok
 * expect: coherence write | options=--frames=300 --swap=4M --policy=random | exit=0
 *   | stdout=write: ok
 * expect: coherence shrink | options=--frames=300 --swap=4M --policy=fifo | exit=0
 *   | stdout=shrink: ok
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "check.h"

#define PAGE_BYTES 4096
#define PAGES      40
#define BYTES      (PAGES * PAGE_BYTES)

static char path[] = "/tmp/vmm-coherence-XXXXXX";
static uint8_t expected[BYTES]; /* what the file must hold, byte for byte */
static uint8_t seen[BYTES];
static uint64_t seed = 1;

static uint64_t next_random(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return seed >> 33;
}

static int make_file(void)
{
    int fd = mkstemp(path);

    CHECK(fd >= 0);
    for (size_t i = 0; i < BYTES; i++) {
        expected[i] = (uint8_t)next_random();
    }
    CHECK(write(fd, expected, BYTES) == BYTES);
    return fd;
}

static uint8_t *map(int fd, size_t bytes, int flags)
{
    uint8_t *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);

    CHECK(base != MAP_FAILED);
    return base;
}

static void check_bytes(const uint8_t *got, size_t at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (got[i] != expected[at + i]) {
            fprintf(stderr, "byte %zu: %02x, not %02x\n", at + i, got[i], expected[at + i]);
            CHECK(got[i] == expected[at + i]);
        }
    }
}

/* A place and a length that cross pages now and then. */
static size_t choose(size_t *bytes)
{
    size_t at = next_random() % BYTES;

    *bytes = 1 + next_random() % (2 * PAGE_BYTES);
    *bytes = *bytes < BYTES - at ? *bytes : BYTES - at;
    return at;
}

static void store(uint8_t *base, size_t at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        base[at + i] = expected[at + i] = (uint8_t)next_random();
    }
}

static void finish(int fd)
{
    CHECK(close(fd) == 0 && unlink(path) == 0);
}

/* Stored through the mapping, had by read, pread and lseek. */
static void check_read(void)
{
    int fd = make_file();
    uint8_t *base = map(fd, BYTES, MAP_SHARED);

    for (int round = 0; round < 200; round++) {
        size_t bytes, at = choose(&bytes);
        store(base, at, bytes);
        at = choose(&bytes);
        if (round % 2 == 0) {
            CHECK(pread(fd, seen, bytes, (off_t)at) == (ssize_t)bytes);
        } else {
            CHECK(lseek(fd, (off_t)at, SEEK_SET) == (off_t)at);
            CHECK(read(fd, seen, bytes) == (ssize_t)bytes);
        }
        check_bytes(seen, at, bytes);
    }
    check_bytes(base, 0, BYTES);
    finish(fd);
}

static void write_there(int fd, size_t at, size_t bytes, bool by_position)
{
    for (size_t i = 0; i < bytes; i++) {
        expected[at + i] = (uint8_t)next_random();
    }
    if (by_position) {
        CHECK(lseek(fd, (off_t)at, SEEK_SET) == (off_t)at);
        CHECK(write(fd, expected + at, bytes) == (ssize_t)bytes);
    } else {
        CHECK(pwrite(fd, expected + at, bytes, (off_t)at) == (ssize_t)bytes);
    }
}

/* Written by write and pwrite between stores to the same pages, had by loads. */
static void check_write(void)
{
    int fd = make_file();
    uint8_t *base = map(fd, BYTES, MAP_SHARED);

    for (int round = 0; round < 200; round++) {
        size_t bytes, at = choose(&bytes);
        store(base, at, bytes);
        at = choose(&bytes);
        write_there(fd, at, bytes, round % 2 == 0);
        check_bytes(base + at, at, bytes);
    }
    check_bytes(base, 0, BYTES);
    CHECK(pread(fd, seen, BYTES, 0) == BYTES);
    check_bytes(seen, 0, BYTES);
    finish(fd);
}

static void check_vectors(void)
{
    int fd = make_file();
    uint8_t *base = map(fd, BYTES, MAP_SHARED);
    struct iovec in[2] = {{seen, 100}, {seen + 100, 5000}};

    store(base, 3 * PAGE_BYTES, 2 * PAGE_BYTES);
    CHECK(lseek(fd, 3 * PAGE_BYTES, SEEK_SET) >= 0 && readv(fd, in, 2) == 5100);
    check_bytes(seen, 3 * PAGE_BYTES, 5100);
    for (size_t i = 0; i < 5100; i++) {
        expected[7 * PAGE_BYTES - 50 + i] = (uint8_t)i;
    }
    struct iovec out[2] = {
        {expected + 7 * PAGE_BYTES - 50, 4000}, {expected + 7 * PAGE_BYTES + 3950, 1100}};
    CHECK(base[7 * PAGE_BYTES] != 0 || base[8 * PAGE_BYTES] != 1); /* both pages are there */
    CHECK(lseek(fd, 7 * PAGE_BYTES - 50, SEEK_SET) >= 0 && writev(fd, out, 2) == 5100);
    check_bytes(base, 0, BYTES);
    finish(fd);
}

/* The last page is half there; what is appended fills it, whatever the position was. */
static void check_append(void)
{
    int fd = make_file();
    uint8_t *base = map(fd, BYTES, MAP_SHARED);
    const size_t end = BYTES - PAGE_BYTES - 2000;

    CHECK(ftruncate(fd, (off_t)end) == 0);
    CHECK(base[end - 1] == expected[end - 1] && base[end] == 0);
    int appender = open(path, O_WRONLY | O_APPEND);
    CHECK(appender >= 0);
    CHECK(write(appender, expected + end, 3000) == 3000);
    CHECK(
        pwrite(appender, expected + end + 3000, 1000, 0) == 1000); /* Linux: at the end, too */
    check_bytes(base, 0, end + 4000);
    CHECK(close(appender) == 0);
    finish(fd);
}

/* --- shorter and longer --- */

static sigjmp_buf escape;

static void on_bus(int number)
{
    siglongjmp(escape, number);
}

/* Whether there is no page: SIGBUS. */
static bool is_gone(const uint8_t *at)
{
    struct sigaction action = {.sa_handler = on_bus};
    volatile uint8_t sink;

    CHECK(sigaction(SIGBUS, &action, NULL) == 0);
    if (sigsetjmp(escape, 1) != 0) {
        return true;
    }
    sink = *(const volatile uint8_t *)at;
    (void)sink;
    return false;
}

static void check_shorter(int fd, uint8_t *base, size_t end)
{
    CHECK(!is_gone(base));
    check_bytes(base, 0, end);
    for (size_t at = end; at % PAGE_BYTES != 0; at++) {
        CHECK(base[at] == 0);
    }
    CHECK(is_gone(base + BYTES - 1));
    CHECK(is_gone(base + (end + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES));
    CHECK(pread(fd, seen, BYTES, 0) == (ssize_t)end);
    check_bytes(seen, 0, end);
}

static void check_shrink(void)
{
    int fd = make_file();
    uint8_t *base = map(fd, BYTES, MAP_SHARED);

    store(base, 0, BYTES);
    CHECK(ftruncate(fd, BYTES - PAGE_BYTES) == 0);
    check_shorter(fd, base, BYTES - PAGE_BYTES);
    store(base, 0, 5 * PAGE_BYTES);
    CHECK(ftruncate(fd, 4 * PAGE_BYTES + 1234) == 0);
    check_shorter(fd, base, 4 * PAGE_BYTES + 1234);
    CHECK(ftruncate(fd, 0) == 0);
    CHECK(is_gone(base) && pread(fd, seen, 1, 0) == 0);
    finish(fd);
}

static void check_grow(void)
{
    int fd = make_file();
    uint8_t *base = map(fd, BYTES, MAP_SHARED);
    const size_t end = 2 * PAGE_BYTES + 77;

    store(base, 0, BYTES);
    CHECK(ftruncate(fd, (off_t)end) == 0);
    CHECK(is_gone(base + 3 * PAGE_BYTES));
    CHECK(ftruncate(fd, BYTES) == 0);
    memset(expected + end, 0, BYTES - end); /* what was cut off does not come back */
    check_bytes(base, 0, BYTES);
    store(base, BYTES - 10, 10);
    CHECK(pread(fd, seen, BYTES, 0) == BYTES);
    check_bytes(seen, 0, BYTES);
    finish(fd);
}

static void check_truncated(void)
{
    int fd = make_file();
    uint8_t *base = map(fd, BYTES, MAP_SHARED);

    store(base, 0, BYTES);
    int again = open(path, O_RDWR | O_TRUNC);
    CHECK(again >= 0);
    CHECK(is_gone(base) && is_gone(base + BYTES - 1));
    CHECK(pwrite(again, expected, 10000, 0) == 10000);
    check_shorter(fd, base, 10000);
    CHECK(close(again) == 0);
    finish(fd);
}

/* --- when a mapping goes --- */

static void check_unmapped(void)
{
    int fd = make_file();
    uint8_t *base = map(fd, BYTES, MAP_SHARED);

    store(base, 0, BYTES);
    CHECK(munmap(base, BYTES) == 0);
    CHECK(pread(fd, seen, BYTES, 0) == BYTES);
    check_bytes(seen, 0, BYTES);
    base = map(fd, BYTES, MAP_SHARED);
    store(base, 100, 100);
    CHECK(close(fd) == 0); /* the mapping keeps the file */
    fd = open(path, O_RDWR);
    CHECK(fd >= 0 && pread(fd, seen, 300, 0) == 300);
    check_bytes(seen, 0, 300);
    CHECK(fsync(fd) == 0);
    finish(fd);
}

/* What a child stores is in the file and in its parent's mapping, however the child ends. */
static void check_processes(void)
{
    int fd = make_file();
    uint8_t *base = map(fd, BYTES, MAP_SHARED);
    int status;

    for (int how = 0; how < 2; how++) {
        size_t at = (size_t)(5 + 10 * how) * PAGE_BYTES;
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            memset(base + at, 0x40 + how, 2 * PAGE_BYTES);
            if (how == 0) {
                _exit(0);
            }
            raise(SIGKILL);
        }
        CHECK(waitpid(child, &status, 0) == child);
        memset(expected + at, 0x40 + how, 2 * PAGE_BYTES);
        CHECK(pread(fd, seen, BYTES, 0) == BYTES);
        check_bytes(seen, 0, BYTES);
        check_bytes(base, 0, BYTES);
    }
    finish(fd);
}

/* At two addresses of one process, and private beside it: that one sees no write of its own go. */
static void check_twice(void)
{
    int fd = make_file();
    uint8_t *one = map(fd, BYTES, MAP_SHARED);
    uint8_t *two = map(fd, BYTES, MAP_SHARED);
    uint8_t *own = map(fd, BYTES, MAP_PRIVATE);

    memset(own, 0xee, PAGE_BYTES);
    for (int round = 0; round < 50; round++) {
        size_t bytes, at = choose(&bytes);
        store(one, at, bytes);
        at = choose(&bytes);
        store(two, at, bytes);
        at = choose(&bytes);
        write_there(fd, at, bytes, false);
    }
    check_bytes(one, 0, BYTES);
    check_bytes(two, 0, BYTES);
    CHECK(pread(fd, seen, BYTES, 0) == BYTES);
    check_bytes(seen, 0, BYTES);
    for (size_t i = 0; i < PAGE_BYTES; i++) {
        CHECK(own[i] == 0xee);
    }
    finish(fd);
}

/* --- for a host that looks --- */

static int leave(const char *file, const char *how)
{
    int fd = open(file, O_RDWR);

    CHECK(fd >= 0);
    uint8_t *base = map(fd, 3 * PAGE_BYTES, MAP_SHARED);
    if (strcmp(how, "child") == 0 && fork() != 0) {
        CHECK(wait(NULL) > 0);
        pause();
    }
    memset(base, 'L', 3 * PAGE_BYTES);
    if (strcmp(how, "kill") == 0) {
        raise(SIGKILL);
    } else if (strcmp(how, "segv") == 0) {
        *(volatile int *)(uintptr_t)getpid() = 1; /* far below any mapping */
    } else if (strcmp(how, "hang") == 0) {
        pause();
    }
    _exit(3);
}

int main(int argc, char **argv)
{
    static const struct check_mode modes[] = {
        {"read", check_read},
        {"write", check_write},
        {"vectors", check_vectors},
        {"append", check_append},
        {"shrink", check_shrink},
        {"grow", check_grow},
        {"truncated", check_truncated},
        {"unmapped", check_unmapped},
        {"processes", check_processes},
        {"twice", check_twice},
        {NULL, NULL}};

    return argc == 4 && strcmp(argv[1], "leave") == 0 ? leave(argv[2], argv[3])
                                                      : check_run(argc, argv, modes);
}
