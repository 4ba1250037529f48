/*
 * From the bytes of an instruction to its accesses.  The bytes are as an assembler makes them; what
 * they access is written from the manual (SDM volume 2).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "watch/decode.h"

#define RIP 0x401000

static uint64_t base_of(void *context, bool gs)
{
    (void)context;
    return gs ? 0x20000 : 0x10000;
}

static const struct registers registers = {
    .rip = RIP,
    .rax = 0x1000,
    .rbx = UINT64_C(0x1122334455667788),
    .rcx = 3,
    .rdx = (uint64_t)-65,
    .rsi = 0x5000,
    .rdi = 0x6000,
    .rsp = 0x7000,
    .rbp = 0x8000};

struct wanted {
    const char *code;
    size_t bytes;
    unsigned count; /* without the fetch */
    struct decode_access access[3];
    enum decode_flags flags;
};

#define CODE(text) (text), sizeof(text) - 1
#define R(at, size)                                                                            \
    {                                                                                          \
        .address = (at), .bytes = (size)                                                       \
    }
#define W(at, size)                                                                            \
    {                                                                                          \
        .address = (at), .bytes = (size), .write = true                                        \
    }

static const struct wanted wanted[] = {
    {CODE("\x90"), 0, {{0}}, DECODE_FLAGS_NONE},                          /* nop */
    {CODE("\x8b\x00"), 1, {R(0x1000, 4)}, DECODE_FLAGS_NONE},             /* mov (%rax),%eax */
    {CODE("\x48\x89\x44\x8e\xf8"), 1, {W(0x5004, 8)}, DECODE_FLAGS_NONE}, /* -8(%rsi,%rcx,4) */
    {CODE("\x8b\x05\x10\x00\x00\x00"), 1, {R(RIP + 0x16, 4)}, DECODE_FLAGS_NONE}, /* 16(%rip) */
    {CODE("\x67\x8b\x03"), 1, {R(0x55667788, 4)}, DECODE_FLAGS_NONE}, /* mov (%ebx),%eax */
    {CODE("\x64\x8b\x00"), 1, {R(0x11000, 4)}, DECODE_FLAGS_NONE},    /* mov %fs:(%rax) */
    {CODE("\x65\x8b\x00"), 1, {R(0x21000, 4)}, DECODE_FLAGS_NONE},    /* mov %gs:(%rax) */
    {CODE("\x8d\x40\x04"), 0, {{0}}, DECODE_FLAGS_NONE},              /* lea */
    {CODE("\x0f\x1f\x40\x00"), 0, {{0}}, DECODE_FLAGS_NONE},          /* nopl */
    {CODE("\x0f\x18\x08"), 0, {{0}}, DECODE_FLAGS_NONE},              /* prefetcht0 */
    {CODE("\xff\x00"), 2, {R(0x1000, 4), W(0x1000, 4)}, DECODE_FLAGS_NONE}, /* incl (%rax) */
    {CODE("\x50"), 1, {W(0x6ff8, 8)}, DECODE_FLAGS_NONE},                   /* push %rax */
    {CODE("\x66\x50"), 1, {W(0x6ffe, 2)}, DECODE_FLAGS_NONE},               /* push %ax */
    {CODE("\x58"), 1, {R(0x7000, 8)}, DECODE_FLAGS_NONE},                   /* pop %rax */
    {CODE("\xff\x30"), 2, {R(0x1000, 8), W(0x6ff8, 8)}, DECODE_FLAGS_NONE}, /* push (%rax) */
    {CODE("\x8f\x04\x24"), 2, {R(0x7000, 8), W(0x7008, 8)}, DECODE_FLAGS_NONE}, /* pop (%rsp) */
    {CODE("\xc9"), 1, {R(0x8000, 8)}, DECODE_FLAGS_NONE},                       /* leave */
    {CODE("\xe8\x00\x00\x00\x00"), 1, {W(0x6ff8, 8)}, DECODE_FLAGS_NONE},       /* call */
    {CODE("\xff\x10"), 2, {R(0x1000, 8), W(0x6ff8, 8)}, DECODE_FLAGS_NONE}, /* call *(%rax) */
    {CODE("\xc3"), 1, {R(0x7000, 8)}, DECODE_FLAGS_NONE},                   /* ret */
    {CODE("\x9c"), 1, {W(0x6ff8, 8)}, DECODE_FLAGS_PUSH},                   /* pushf */
    {CODE("\x9d"), 1, {R(0x7000, 8)}, DECODE_FLAGS_LOAD},                   /* popf */
    {CODE("\x0f\x05"), 0, {{0}}, DECODE_FLAGS_SAVE},                        /* syscall */
    {CODE("\xf3\xa4"), 2, {R(0x5000, 1), W(0x6000, 1)}, DECODE_FLAGS_NONE}, /* rep movsb */
    {CODE("\x48\xab"), 1, {W(0x6000, 8)}, DECODE_FLAGS_NONE},               /* stosq */
    {CODE("\xa6"), 2, {R(0x5000, 1), R(0x6000, 1)}, DECODE_FLAGS_NONE},     /* cmpsb */
    {CODE("\x48\x87\x00"), 2, {R(0x1000, 8), W(0x1000, 8)}, DECODE_FLAGS_NONE}, /* xchg */
    {CODE("\xf0\x0f\xb1\x10"),
     2,
     {R(0x1000, 4), W(0x1000, 4)},
     DECODE_FLAGS_NONE}, /* cmpxchg */
    {CODE("\x48\x0f\xc7\x08"), 2, {R(0x1000, 16), W(0x1000, 16)}, DECODE_FLAGS_NONE}, /* 16b */
    {CODE("\x0f\x10\x00"), 1, {R(0x1000, 16)}, DECODE_FLAGS_NONE},         /* movups */
    {CODE("\xdb\x28"), 1, {R(0x1000, 10)}, DECODE_FLAGS_NONE},             /* fldt */
    {CODE("\x48\x0f\xa3\x10"), 1, {R(0x1000 - 16, 8)}, DECODE_FLAGS_NONE}, /* bt %rdx,(%rax) */
    {CODE("\x0f\xae\x00"), 1, {W(0x1000, 512)}, DECODE_FLAGS_NONE},        /* fxsave */
};

static void test_decode_finds_every_access_in_order(void **state)
{
    const struct decode_bases bases = {.base = base_of};

    (void)state;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        const struct wanted *w = &wanted[i];
        struct decode_instruction got;

        if (!decode_instruction((const uint8_t *)w->code, w->bytes, &registers, &bases, &got) ||
            got.count != w->count + 1 || got.flags != w->flags) {
            fail_msg("instruction %zu: %u accesses, flags %d", i, got.count, (int)got.flags);
        }
        assert_true(got.access[0].fetch);
        assert_int_equal(got.access[0].address, RIP);
        assert_int_equal(got.access[0].bytes, w->bytes);
        for (unsigned j = 0; j < w->count; j++) {
            const struct decode_access *a = &got.access[j + 1];
            if (a->address != w->access[j].address || a->bytes != w->access[j].bytes ||
                a->write != w->access[j].write || a->fetch) {
                fail_msg(
                    "instruction %zu, access %u: 0x%llx, %u bytes, write %d", i, j,
                    (unsigned long long)a->address, a->bytes, a->write);
            }
        }
    }
}

static void test_decode_refuses_half_an_instruction(void **state)
{
    const struct decode_bases bases = {.base = base_of};
    struct decode_instruction got;

    (void)state;
    assert_false(decode_instruction((const uint8_t *)"\x8b", 1, &registers, &bases, &got));
    assert_int_equal(got.count, 0);
    assert_false(decode_instruction((const uint8_t *)"", 0, &registers, &bases, &got));
    assert_false(decode_instruction((const uint8_t *)"\x06", 1, &registers, &bases, &got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_finds_every_access_in_order),
        cmocka_unit_test(test_decode_refuses_half_an_instruction),
    };
    return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
