/*
 * Question: is every memory access of a program recorded, once, in order, with its exact address?
 * Method: refstring_act makes accesses that are awkward to record (read and write in one
 * instruction, several pages in one, repeat prefixes, the stack, a page border) to a field of four
 * pages that nothing else touches meanwhile; the list below says which, written from the manual's
 * description of each instruction (SDM volume 2).  Field, code and list are printed, for a recording
 * to be compared with.  Then ordinary compiled code sorts and multiplies in another array, for a
 * recording to be compared with what another tool says of the same program.
 *
 * Exit 0: the field holds what the instructions should have left, and the trap flag was never seen;
 * 1: it does not, or it was.
 *
 * expect: refstring | exit=0
 */
#include <stdint.h>

#include "check.h"
#include "print.h"
#include "start.h"

#define FLAG_TRAP 0x100
#define STACK     0x3800 /* of refstring_act, in the field; it grows down */

static uint8_t field[4 * 4096] __attribute__((aligned(4096)));

#define NUMBERS 24
#define SIDE    6

/* In pages of its own, so that it can be watched alone. */
static struct {
    uint32_t number[NUMBERS];
    int32_t a[SIDE][SIDE], b[SIDE][SIDE], product[SIDE][SIDE];
} work __attribute__((aligned(4096)));

struct expected {
    char access;
    uint8_t bytes;
    uint16_t offset;
};

static const struct expected expected[] = {
    {'r', 8, 0x10},                                            /* load */
    {'w', 4, 0x20},                                            /* store */
    {'r', 4, 0x30},                                            /* add to memory */
    {'w', 4, 0x30},      {'r', 1, 0x1000},                     /* the first byte of a page */
    {'w', 8, 0xffc},                                           /* across a page border */
    {'r', 16, 0x1ff8},   {'w', 16, 0x100},    {'r', 1, 0x200}, /* rep movsb, from page to page */
    {'w', 1, 0x2100},    {'r', 1, 0x201},     {'w', 1, 0x2101}, {'r', 1, 0x202},
    {'w', 1, 0x2102},    {'w', 8, 0x1400}, /* rep stosq, downwards */
    {'w', 8, 0x13f8},    {'r', 1, 0x200},  /* repe cmpsb: equal, equal, different */
    {'r', 1, 0x2300},    {'r', 1, 0x201},     {'r', 1, 0x2301}, {'r', 1, 0x202},
    {'r', 1, 0x2302},    {'r', 8, 0x40},      /* push from memory */
    {'w', 8, STACK - 8}, {'r', 8, STACK - 8}, /* pop to memory, in another page */
    {'w', 8, 0x2048},    {'w', 8, STACK - 8}, /* call, ret */
    {'r', 8, STACK - 8}, {'w', 8, STACK - 8}, /* pushf, pop */
    {'r', 8, STACK - 8}, {'w', 8, STACK - 8}, /* push, popf */
    {'r', 8, STACK - 8}, {'w', 8, STACK - 8}, /* enter, leave */
    {'r', 8, STACK - 8}, {'r', 8, 0x50},      /* xchg */
    {'w', 8, 0x50},      {'r', 4, 0x58},      /* lock xadd */
    {'w', 4, 0x58},      {'r', 8, 0x2f00},    /* index times 8 and a negative displacement */
};

#define EXPECTED (sizeof(expected) / sizeof(expected[0]))

/* rdi: the field.  Returns the flags that pushf stored.  Its own stack is used at its ends alone. */
uint64_t refstring_act(uint8_t *base);
extern const uint8_t refstring_end[];

__asm__("    .text\n"
        "    .globl refstring_act, refstring_end\n"
        "refstring_act:\n"
        "    push %rbx\n"
        "    push %r12\n"
        "    mov %rsp, %r12\n"
        "    mov %rdi, %rbx\n"
        "    mov 0x10(%rbx), %r8\n"
        "    movl $1, 0x20(%rbx)\n"
        "    addl $2, 0x30(%rbx)\n"
        "    movzbl 0x1000(%rbx), %r9d\n"
        "    movq $-1, 0xffc(%rbx)\n"
        "    movups 0x1ff8(%rbx), %xmm0\n"
        "    movups %xmm0, 0x100(%rbx)\n"
        "    lea 0x1234(%rbx), %rax\n" /* touches nothing */
        "    nopl 0x1234(%rbx)\n"      /* nor does this */
        "    lea 0x200(%rbx), %rsi\n"
        "    lea 0x2100(%rbx), %rdi\n"
        "    mov $3, %ecx\n"
        "    rep movsb\n"
        "    rep movsb\n" /* rcx is 0: nothing */
        "    std\n"
        "    lea 0x1400(%rbx), %rdi\n"
        "    mov $2, %ecx\n"
        "    mov $0x55, %eax\n"
        "    rep stosq\n"
        "    cld\n"
        "    lea 0x200(%rbx), %rsi\n"
        "    lea 0x2300(%rbx), %rdi\n"
        "    mov $5, %ecx\n"
        "    repe cmpsb\n"
        "    lea 0x3800(%rbx), %rsp\n"
        "    push 0x40(%rbx)\n"
        "    pop 0x2048(%rbx)\n"
        "    call 2f\n"
        "    pushf\n"
        "    pop %rax\n"
        "    push $0x202\n"
        "    popf\n"
        "    enter $0, $0\n"
        "    leave\n"
        "    mov $7, %ecx\n"
        "    xchg %rcx, 0x50(%rbx)\n"
        "    mov $3, %ecx\n"
        "    lock xaddl %ecx, 0x58(%rbx)\n"
        "    mov $0x600, %ecx\n"
        "    mov -0x100(%rbx, %rcx, 8), %rcx\n"
        "    mov %r12, %rsp\n"
        "    pop %r12\n"
        "    pop %rbx\n"
        "    ret\n"
        "2:  ret\n"
        "refstring_end:\n");

static void prepare(void)
{
    for (unsigned i = 0; i < 5; i++) {
        field[0x200 + i] = (uint8_t)(10 + i);
        field[0x2300 + i] = (uint8_t)(i == 2 ? 99 : 10 + i);
    }
    field[0x30] = 40;
    field[0x40] = 41;
    field[0x58] = 42;
}

static int check(uint64_t flags)
{
    static const struct {
        uint16_t offset;
        uint8_t value;
    } left[] = {{0x20, 1},    {0x30, 42},   {0xffc, 0xff}, {0x1003, 0xff}, {0x1004, 0},
                {0x2100, 10}, {0x2102, 12}, {0x2103, 0},   {0x1400, 0x55}, {0x13f8, 0x55},
                {0x13f0, 0},  {0x2048, 41}, {0x50, 7},     {0x58, 45}};
    int wrong = (flags & FLAG_TRAP) != 0;

    for (unsigned i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
        wrong |= field[left[i].offset] != left[i].value;
    }
    return wrong;
}

__attribute__((noinline)) static void sort(uint32_t *number, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        uint32_t moved = number[i];
        unsigned at = i;
        for (; at > 0 && number[at - 1] > moved; at--) {
            number[at] = number[at - 1];
        }
        number[at] = moved;
    }
}

__attribute__((noinline)) static int32_t multiply(void)
{
    int32_t trace = 0;

    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            work.a[i][j] = i + j;
            work.b[i][j] = i - j;
        }
    }
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            for (int k = 0; k < SIDE; k++) {
                work.product[i][j] += work.a[i][k] * work.b[k][j];
            }
        }
        trace += work.product[i][i];
    }
    return trace;
}

/* 0: right.  The trace of the product, by arithmetic: the sum over i, k of (i + k)(k - i) is 0. */
static int do_work(void)
{
    uint32_t seed = 1;
    int wrong = 0;

    for (unsigned i = 0; i < NUMBERS; i++) {
        seed = seed * 1103515245 + 12345;
        work.number[i] = seed >> 16;
    }
    sort(work.number, NUMBERS);
    for (unsigned i = 1; i < NUMBERS; i++) {
        wrong |= work.number[i - 1] > work.number[i];
    }
    return wrong | (multiply() != 0);
}

int main(int argc, char **argv, char **envp)
{
    struct print out;

    (void)argc;
    (void)argv;
    (void)envp;
    prepare();
    uint64_t flags = refstring_act(field);
    int wrong = check(flags) | do_work();
    print_begin(&out, 1);
    print_format(&out, "field 0x%lx-0x%lx\n", (uint64_t)field, (uint64_t)field + sizeof(field));
    print_format(&out, "work 0x%lx-0x%lx\n", (uint64_t)&work, (uint64_t)&work + sizeof(work));
    print_format(
        &out, "code 0x%lx-0x%lx\n", (uint64_t)(uintptr_t)refstring_act,
        (uint64_t)refstring_end);
    for (unsigned i = 0; i < EXPECTED; i++) {
        print_format(
            &out, "%s 0x%lx %u\n", expected[i].access == 'r' ? "r" : "w",
            (uint64_t)field + expected[i].offset, expected[i].bytes);
    }
    print_flush(&out);
    return wrong;
}
