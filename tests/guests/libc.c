/*
 * A self-check of what a static libc's start-up and services need from the system under it.  It
 * refuses to know which libc it is and whether it runs in the laboratory or under Linux: both
 * must pass.  Read guest/prog/README.md for the lines below.
 *
 * `libc` runs all checks and prints "libc: ok"; `libc exit N` exits with N; `libc abort`
 * aborts; `libc lines` reads standard input; `libc assert` fails an assertion.  A failed check
 * exits with 1 and says which.
 *
 * expect: libc | exit=0 | stdout=libc: ok | stdout=at exit: second, then first
 * expect: libc exit 300 | exit=44
 * expect: libc exit 7 | exit=7
 * expect: libc abort | exit=134
 * expect: libc assert | exit=134
 * expect: libc lines | stdin=tests/guests/lines.txt | exit=0 | stdout=3 lines, 27 bytes
 */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition) ((condition) ? (void)0 : fail(#condition, __LINE__))

/* What these are for is to be in the thread's block: one with a value, one without. */
static __thread int tls_set = 42;
static __thread char tls_zero[300];

static void fail(const char *expression, int line)
{
    fprintf(
        stderr, "%s:%d: check failed: %s (errno %d: %s)\n", __FILE__, line, expression, errno,
        strerror(errno));
    exit(1);
}

/* Interrupts are on in every program, as a request leaves them. */
static void check_flags(void)
{
    CHECK((__builtin_ia32_readeflags_u64() & 0x200) != 0);
    getppid();
    CHECK((__builtin_ia32_readeflags_u64() & 0x200) != 0);
}

static void check_printf(void)
{
    char text[200];

    snprintf(
        text, sizeof(text), "%d %5.2f|%-6s|%#x %lld %e %g %c %%", -42, 3.14159, "left", 255u,
        -9000000000LL, 12345.678, 0.0001, 'x');
    CHECK(strcmp(text, "-42  3.14|left  |0xff -9000000000 1.234568e+04 0.0001 x %") == 0);
    CHECK(strtod("2.5e3", NULL) == 2500.0);
    CHECK(strtol("-0x1f", NULL, 16) == -31);
}

/* Fills a block so that a later look finds out whether anything else wrote there. */
static int is_filled(const unsigned char *block, size_t bytes, unsigned char with)
{
    for (size_t i = 0; i < bytes; i++) {
        if (block[i] != with) {
            return 0;
        }
    }
    return 1;
}

/* Sizes on both sides of the threshold (128 KiB) from which malloc maps each block. */
static void check_malloc(void)
{
    unsigned char *blocks[64];
    const size_t sizes[] = {1, 24, 1000, 4096, 65536, 131072, 200000, 1000000};
    const size_t kinds = sizeof(sizes) / sizeof(sizes[0]);
    unsigned char *block;

    for (size_t i = 0; i < 64; i++) {
        blocks[i] = malloc(sizes[i % kinds]);
        CHECK(blocks[i] != NULL);
        memset(blocks[i], (int)i, sizes[i % kinds]);
    }
    for (size_t i = 0; i < 64; i += 2) {
        free(blocks[i]);
    }
    for (size_t i = 1; i < 64; i += 2) {
        CHECK(is_filled(blocks[i], sizes[i % kinds], (unsigned char)i));
        free(blocks[i]);
    }

    block = malloc(300000);
    CHECK(block != NULL);
    memset(block, 7, 300000);
    for (size_t bytes = 600000; bytes <= 4800000; bytes *= 2) {
        unsigned char *larger = realloc(block, bytes);

        CHECK(larger != NULL);
        block = larger;
    }
    CHECK(is_filled(block, 300000, 7));
    block = realloc(block, 200000);
    CHECK(block != NULL && is_filled(block, 200000, 7));
    free(block);

    block = calloc(500, 1000);
    CHECK(block != NULL && is_filled(block, 500000, 0));
    free(block);
    CHECK(posix_memalign((void **)&block, 65536, 100) == 0);
    CHECK((uintptr_t)block % 65536 == 0);
    free(block);
}

static void check_mmap(void)
{
    const size_t bytes = 1 << 20;
    char *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(area != MAP_FAILED);
    CHECK(area[0] == 0 && area[bytes - 1] == 0);
    area[5] = 'x';
    CHECK(mprotect(area, 4096, PROT_READ) == 0);
    CHECK(area[5] == 'x');
    CHECK(mprotect(area, 4096, PROT_READ | PROT_WRITE) == 0);
    area[6] = 'y';
    CHECK(munmap(area + 8192, 4096) == 0);
    area = mremap(area, 8192, 16 * bytes, MREMAP_MAYMOVE);
    CHECK(area != MAP_FAILED);
    CHECK(area[5] == 'x' && area[6] == 'y' && area[16 * bytes - 1] == 0);
    CHECK(munmap(area, 16 * bytes) == 0);
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static void check_qsort(void)
{
    static uint32_t numbers[100000];
    const size_t count = sizeof(numbers) / sizeof(numbers[0]);
    uint32_t state = 1;

    for (size_t i = 0; i < count; i++) {
        state = state * 1664525 + 1013904223;
        numbers[i] = state;
    }
    qsort(numbers, count, sizeof(numbers[0]), compare_numbers);
    for (size_t i = 1; i < count; i++) {
        CHECK(numbers[i - 1] <= numbers[i]);
    }
    CHECK(bsearch(&state, numbers, count, sizeof(state), compare_numbers) != NULL);
}

/* Lengths from a byte to pages, at all alignments of a line: each variant that a libc picks by
 * CPUID. */
static void check_strings(void)
{
    static char from[20000];
    static char to[20000];

    for (size_t length = 1; length < sizeof(from) - 64; length = length * 3 / 2 + 1) {
        for (size_t shift = 0; shift < 64; shift += 7) {
            memset(from, 'a', sizeof(from));
            memset(to, 'z', sizeof(to));
            from[shift + length] = '\0';
            CHECK(strlen(from + shift) == length);
            CHECK(strchr(from + shift, 'b') == NULL);
            memcpy(to + 1, from + shift, length + 1);
            CHECK(strcmp(to + 1, from + shift) == 0);
            CHECK(to[length + 2] == 'z' && to[0] == 'z');
            memmove(to + 3, to + 1, length + 1);
            CHECK(memcmp(to + 3, from + shift, length + 1) == 0);
        }
    }
    CHECK(strstr("a needle in a haystack", "needle") != NULL);
}

static void check_system(void)
{
    unsigned char random[64] = {0};
    struct utsname name;
    struct stat status;
    struct timespec first;
    struct timespec second;

    CHECK(getrandom(random, sizeof(random), 0) == sizeof(random));
    CHECK(!is_filled(random, sizeof(random), 0));
    CHECK(clock_gettime(CLOCK_MONOTONIC, &first) == 0);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &second) == 0);
    CHECK(
        second.tv_sec > first.tv_sec ||
        (second.tv_sec == first.tv_sec && second.tv_nsec >= first.tv_nsec));
    CHECK(clock_gettime(CLOCK_REALTIME, &first) == 0 && first.tv_sec > 1600000000);
    CHECK(uname(&name) == 0);
    CHECK(strcmp(name.sysname, "Linux") == 0 && strcmp(name.machine, "x86_64") == 0);
    CHECK(fstat(1, &status) == 0);
    CHECK(getpid() > 0);
    CHECK(sysconf(_SC_PAGESIZE) == 4096);
    (void)isatty(0); /* either answer is right, and it must come back */
    (void)isatty(1);
    CHECK(isatty(1234) == 0 && errno == EBADF);
    CHECK(write(1234, "x", 1) == -1 && errno == EBADF);
}

static void check_environment(char **envp)
{
    const char *value;
    size_t count = 0;

    while (envp[count] != NULL) {
        CHECK(strchr(envp[count], '=') != NULL);
        count++;
    }
    CHECK(environ == envp);
    CHECK(setenv("VMM_TEST", "a value", 1) == 0);
    value = getenv("VMM_TEST");
    CHECK(value != NULL && strcmp(value, "a value") == 0);
    CHECK(getenv("VMM_NO_SUCH_NAME") == NULL);
}

static void check_tls(void)
{
    CHECK(tls_set == 42);
    CHECK(is_filled((unsigned char *)tls_zero, sizeof(tls_zero), 0));
    tls_set++;
    tls_zero[299] = 1;
    errno = 0;
    CHECK(tls_set == 43 && tls_zero[299] == 1 && errno == 0);
}

static void check_setjmp(void)
{
    jmp_buf place;
    volatile int round = 0;
    int value = setjmp(place);

    CHECK(value == round);
    round++;
    if (round < 4) {
        longjmp(place, round);
    }
    CHECK(round == 4);
}

static void check_math(void)
{
    volatile double one = 1.0;
    volatile double two = 2.0;

    CHECK(fabs(sin(one) - 0.8414709848078965) < 1e-15);
    CHECK(fabs(exp(one) - 2.718281828459045) < 1e-15);
    CHECK(fabs(sqrt(two) - 1.4142135623730951) < 1e-15);
    CHECK(fabs(pow(two, 0.5) - 1.4142135623730951) < 1e-15);
    CHECK(floor(-2.5) == -3.0 && isnan(sqrt(-one)));
}

static void handle_signal(int number)
{
    (void)number;
}

/* That the calls succeed; delivery is not asked for. */
static void check_signals(void)
{
    sigset_t set;
    sigset_t old;

    CHECK(signal(SIGUSR1, handle_signal) != SIG_ERR);
    CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
    CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
}

static void at_exit_first(void)
{
    printf("first\n");
}

static void at_exit_second(void)
{
    printf("at exit: second, then ");
}

static int read_lines(void)
{
    char line[100];
    int lines = 0;
    size_t bytes = 0;

    while (fgets(line, sizeof(line), stdin) != NULL) {
        lines++;
        bytes += strlen(line);
    }
    printf("%d lines, %zu bytes\n", lines, bytes);
    return ferror(stdin) ? 1 : 0;
}

static int run_checks(char **envp)
{
    check_tls(); /* first, while nothing else has used the block */
    check_environment(envp);
    check_flags();
    check_printf();
    check_malloc();
    check_mmap();
    check_qsort();
    check_strings();
    check_system();
    check_setjmp();
    check_math();
    check_signals();
    CHECK(atexit(at_exit_first) == 0); /* they run in the reverse order */
    CHECK(atexit(at_exit_second) == 0);
    CHECK(fwrite("libc: ok\n", 1, 9, stdout) == 9);
    CHECK(fflush(stdout) == 0);
    return 0;
}

int main(int argc, char **argv, char **envp)
{
    if (argc == 1) {
        return run_checks(envp);
    }
    if (argc == 3 && strcmp(argv[1], "exit") == 0) {
        return atoi(argv[2]);
    }
    if (argc == 2 && strcmp(argv[1], "abort") == 0) {
        abort();
    }
    if (argc == 2 && strcmp(argv[1], "assert") == 0) {
        assert(argc == 1);
    }
    if (argc == 2 && strcmp(argv[1], "lines") == 0) {
        return read_lines();
    }
    fprintf(stderr, "usage: libc [exit N | abort | assert | lines]\n");
    return 2;
}
