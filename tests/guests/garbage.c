/*
 * Does memory that a program is given ever hold what another one, or it itself before, has left
 * there?  `garbage ROUNDS` runs ROUNDS children one after the other; each fills memory that it got by
 * malloc, mmap, brk and on its stack with a secret of its own, in sizes that follow from a fixed
 * seed, and ends; before that it looks whether what the kernel hands out reads zero, and whether its
 * own secrets are still there.  The parent forks while it holds a secret of its own and looks at it
 * after each child.  Run with few frames, pages come and go through swap meanwhile.
 *
 * expect: garbage 6 | emulated=no | exit=0 | stdout=garbage: 6 children, nothing leaked
 * expect: garbage 6 | emulated=no | options=--frames=64 --swap=16M | exit=0
 *   | stdout=garbage: 6 children, nothing leaked
 * expect: garbage 6 | emulated=no | options=--frames=128 --swap=16M --policy=random | exit=0
 *   | stdout=garbage: 6 children, nothing leaked
 * expect: garbage 6 | emulated=no | options=--page-size=auto | exit=0
 *   | stdout=garbage: 6 children, nothing leaked
 * expect: garbage 6 | emulated=no | options=--page-size=auto --frames=1024 --swap=16M --fault-around=auto
 *   | exit=0 | stdout=garbage: 6 children, nothing leaked
 * expect: garbage 1 | exit=0 | stdout=garbage: 1 children, nothing leaked
 * expect: garbage 1 | options=--frames=128 --swap=16M --policy=random | exit=0
 *   | stdout=garbage: 1 children, nothing leaked
 * expect: garbage 2 | options=--page-size=auto | exit=0
 *   | stdout=garbage: 2 children, nothing leaked
 * expect: garbage | exit=2
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition) ((condition) ? (void)0 : fail(#condition, __LINE__))
#define PAGE_BYTES       ((uintptr_t)4096)
#define BLOCKS           24
#define BLOCK_PAGES_MAX  16
#define STEPS            150

static _Noreturn void fail(const char *expression, int line)
{
    fprintf(
        stderr, "%s:%d: check failed: %s (errno %d: %s)\n", __FILE__, line, expression, errno,
        strerror(errno));
    _exit(1);
}

struct block {
    unsigned char *bytes;
    size_t size;
    unsigned char secret;
    int mapped; /* by mmap, else by malloc */
};

struct state {
    struct block block[BLOCKS];
    uint64_t random;
    unsigned char secret;
};

/* xorshift64 (Marsaglia, Journal of Statistical Software 2003). */
static uint64_t draw(struct state *state, uint64_t below)
{
    state->random ^= state->random << 13;
    state->random ^= state->random >> 7;
    state->random ^= state->random << 17;
    return state->random % below;
}

static int is_filled(const unsigned char *bytes, size_t size, unsigned char value)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != value) {
            return 0;
        }
    }
    return 1;
}

static void give_back(struct block *block)
{
    if (block->bytes == NULL) {
        return;
    }
    CHECK(is_filled(block->bytes, block->size, block->secret));
    if (block->mapped) {
        CHECK(munmap(block->bytes, block->size) == 0);
    } else {
        free(block->bytes);
    }
    block->bytes = NULL;
}

/* calloc may clear by itself; what mmap gives must be clear. */
static void take(struct state *state, struct block *block)
{
    block->mapped = draw(state, 2) == 0;
    block->size = (size_t)(1 + draw(state, BLOCK_PAGES_MAX)) * PAGE_BYTES;
    if (block->mapped) {
        block->bytes =
            mmap(NULL, block->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(block->bytes != MAP_FAILED);
        CHECK(is_filled(block->bytes, block->size, 0));
    } else if (draw(state, 2) == 0) {
        block->bytes = calloc(1, block->size);
        CHECK(block->bytes != NULL);
        CHECK(is_filled(block->bytes, block->size, 0));
    } else {
        block->bytes = malloc(block->size);
        CHECK(block->bytes != NULL);
    }
    block->secret = (unsigned char)(state->secret + draw(state, 3));
    memset(block->bytes, block->secret, block->size);
}

/* Dropped pages of a mapping read zero again. */
static void drop(struct block *block)
{
    if (block->bytes != NULL && block->mapped) {
        CHECK(madvise(block->bytes, block->size, MADV_DONTNEED) == 0);
        CHECK(is_filled(block->bytes, block->size, 0));
        memset(block->bytes, block->secret, block->size);
    }
}

/* By the system call: one libc lets nobody but its malloc move the break. */
static void check_break(unsigned char secret)
{
    uintptr_t begin = (uintptr_t)syscall(SYS_brk, 0);
    uintptr_t first = (begin + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;

    for (unsigned round = 0; round < 2; round++) {
        CHECK((uintptr_t)syscall(SYS_brk, first + 2 * PAGE_BYTES) == first + 2 * PAGE_BYTES);
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): an address by number */
        unsigned char *bytes = (unsigned char *)first;
        CHECK(is_filled(bytes, 2 * PAGE_BYTES, 0));
        memset(bytes, secret, 2 * PAGE_BYTES);
        CHECK((uintptr_t)syscall(SYS_brk, begin) == begin);
    }
}

/* Deeper than anything has been before: new pages of the stack. */
static void check_stack(unsigned char secret)
{
    uintptr_t here = (uintptr_t)&secret;

    for (unsigned page = 8; page < 16; page++) {
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): an address by number */
        volatile unsigned char *byte = (volatile unsigned char *)(here - page * PAGE_BYTES);
        CHECK(*byte == 0);
        *byte = secret;
    }
}

static void leave_secrets(unsigned number)
{
    struct state state = {
        .random = 88172645463325252u + number, .secret = (unsigned char)(1 + 4 * number)};

    check_stack(state.secret);
    check_break(state.secret);
    for (unsigned step = 0; step < STEPS; step++) {
        struct block *block = &state.block[draw(&state, BLOCKS)];
        if (draw(&state, 5) == 0) {
            drop(block);
        } else {
            give_back(block);
            take(&state, block);
        }
    }
    /* Half of them are checked and given back, the others are left to the end of the process. */
    for (unsigned i = 0; i < BLOCKS; i += 2) {
        give_back(&state.block[i]);
    }
}

static void run_child(unsigned number)
{
    int status = 0;
    pid_t child = fork();

    CHECK(child >= 0);
    if (child == 0) {
        leave_secrets(number);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(int argc, char **argv)
{
    static unsigned char own[8 * PAGE_BYTES];
    unsigned rounds = argc == 2 ? (unsigned)atoi(argv[1]) : 0;

    if (rounds == 0 || rounds > 50) {
        fprintf(stderr, "usage: garbage ROUNDS, 1 to 50\n");
        return 2;
    }
    for (unsigned i = 0; i < rounds; i++) {
        memset(own, (int)(i + 100), sizeof(own));
        run_child(i);
        CHECK(is_filled(own, sizeof(own), (unsigned char)(i + 100)));
    }
    printf("garbage: %u children, nothing leaked\n", rounds);
    return 0;
}
