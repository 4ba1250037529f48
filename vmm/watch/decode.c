/*
 * From operands to addresses; see decode.h.  Which operands an instruction has, hidden ones on the
 * stack included, how large they are, and whether it reads or writes them, is the decoder's to say.
 * Addresses: SDM volume 1, "Operand Addressing"; the stack: volume 2, each instruction.
 */
#include "watch/decode.h"

#include <Zydis/Zydis.h>

struct decoding {
    const struct registers *registers;
    const struct decode_bases *bases;
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
    struct decode_instruction *out;
};

static uint64_t whole_register(const struct registers *r, ZydisRegister name)
{
    switch (name) {
    case ZYDIS_REGISTER_RAX:
        return r->rax;
    case ZYDIS_REGISTER_RBX:
        return r->rbx;
    case ZYDIS_REGISTER_RCX:
        return r->rcx;
    case ZYDIS_REGISTER_RDX:
        return r->rdx;
    case ZYDIS_REGISTER_RSI:
        return r->rsi;
    case ZYDIS_REGISTER_RDI:
        return r->rdi;
    case ZYDIS_REGISTER_RSP:
        return r->rsp;
    case ZYDIS_REGISTER_RBP:
        return r->rbp;
    case ZYDIS_REGISTER_R8:
        return r->r8;
    case ZYDIS_REGISTER_R9:
        return r->r9;
    case ZYDIS_REGISTER_R10:
        return r->r10;
    case ZYDIS_REGISTER_R11:
        return r->r11;
    case ZYDIS_REGISTER_R12:
        return r->r12;
    case ZYDIS_REGISTER_R13:
        return r->r13;
    case ZYDIS_REGISTER_R14:
        return r->r14;
    case ZYDIS_REGISTER_R15:
        return r->r15;
    default:
        return 0;
    }
}

/* The low bits that the name means. */
static uint64_t register_value(const struct registers *r, ZydisRegister name)
{
    ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, name);
    unsigned bits = ZydisRegisterGetWidth(ZYDIS_MACHINE_MODE_LONG_64, name);
    uint64_t value = whole_register(r, whole);

    return bits < 64 ? value & ((UINT64_C(1) << bits) - 1) : value;
}

static bool is_stack_pointer(ZydisRegister name)
{
    return ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, name) ==
           ZYDIS_REGISTER_RSP;
}

static bool is_bit_test(ZydisMnemonic mnemonic)
{
    return mnemonic == ZYDIS_MNEMONIC_BT || mnemonic == ZYDIS_MNEMONIC_BTS ||
           mnemonic == ZYDIS_MNEMONIC_BTR || mnemonic == ZYDIS_MNEMONIC_BTC;
}

/* A bit number in a register reaches beyond the operand, in whole operands either way. */
static uint64_t bit_test_offset(const struct decoding *d)
{
    const ZydisDecodedOperand *bit = &d->operand[1];
    unsigned width = d->instruction.operand_width;

    if (!is_bit_test(d->instruction.mnemonic) || bit->type != ZYDIS_OPERAND_TYPE_REGISTER) {
        return 0;
    }
    uint64_t value = register_value(d->registers, bit->reg.value);
    int64_t number = width == 64   ? (int64_t)value
                     : width == 32 ? (int32_t)value
                                   : (int16_t)value;
    /* Rounded down, for negative ones too. */
    int64_t operands = number >= 0 ? number / width : -((width - 1 - number) / width);
    return (uint64_t)operands * (width / 8);
}

/* Where a hidden operand on the stack is: a push stores below the stack pointer. */
static uint64_t stack_address(const struct decoding *d, const ZydisDecodedOperand *operand)
{
    bool write = (operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;

    if (d->instruction.mnemonic == ZYDIS_MNEMONIC_LEAVE) {
        return d->registers->rbp;
    }
    return d->registers->rsp - (write ? operand->size / 8 : 0);
}

static uint64_t address_of(const struct decoding *d, const ZydisDecodedOperand *operand)
{
    const ZydisDecodedOperandMem *mem = &operand->mem;
    uint64_t address = (uint64_t)mem->disp.value;

    if (operand->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN && is_stack_pointer(mem->base)) {
        return stack_address(d, operand);
    }
    if (mem->base == ZYDIS_REGISTER_RIP || mem->base == ZYDIS_REGISTER_EIP) {
        address += d->registers->rip + d->instruction.length;
    } else if (mem->base != ZYDIS_REGISTER_NONE) {
        address += register_value(d->registers, mem->base);
        /* pop computes the address of its destination with the new stack pointer. */
        if (d->instruction.mnemonic == ZYDIS_MNEMONIC_POP && is_stack_pointer(mem->base)) {
            address += operand->size / 8;
        }
    }
    if (mem->index != ZYDIS_REGISTER_NONE) {
        uint8_t scale = mem->scale != 0 ? mem->scale : 1;
        address += register_value(d->registers, mem->index) * scale;
    }
    address += bit_test_offset(d);
    if (d->instruction.address_width == 32) {
        address &= UINT32_MAX;
    }
    if (mem->segment == ZYDIS_REGISTER_FS || mem->segment == ZYDIS_REGISTER_GS) {
        address += d->bases->base(d->bases->context, mem->segment == ZYDIS_REGISTER_GS);
    }
    return address;
}

static void add(struct decode_instruction *out, const struct decode_access *access)
{
    if (out->count < DECODE_ACCESSES) {
        out->access[out->count++] = *access;
    }
}

/* It names memory, and does not touch it. */
static bool is_hint(const ZydisDecodedInstruction *instruction)
{
    return instruction->meta.category == ZYDIS_CATEGORY_PREFETCH ||
           instruction->meta.category == ZYDIS_CATEGORY_WIDENOP;
}

/* All operands in memory with this action. */
static void add_operands(struct decoding *d, unsigned actions)
{
    for (unsigned i = 0; i < d->instruction.operand_count; i++) {
        const ZydisDecodedOperand *operand = &d->operand[i];
        if (operand->type != ZYDIS_OPERAND_TYPE_MEMORY ||
            operand->mem.type != ZYDIS_MEMOP_TYPE_MEM || (operand->actions & actions) == 0) {
            continue;
        }
        const struct decode_access access = {
            .address = address_of(d, operand),
            .bytes = operand->size / 8,
            .write = actions == ZYDIS_OPERAND_ACTION_MASK_WRITE};
        add(d->out, &access);
    }
}

static enum decode_flags flags_of(ZydisMnemonic mnemonic)
{
    switch (mnemonic) {
    case ZYDIS_MNEMONIC_PUSHF:
    case ZYDIS_MNEMONIC_PUSHFQ:
        return DECODE_FLAGS_PUSH;
    case ZYDIS_MNEMONIC_POPF:
    case ZYDIS_MNEMONIC_POPFQ:
    case ZYDIS_MNEMONIC_IRETD:
    case ZYDIS_MNEMONIC_IRETQ:
        return DECODE_FLAGS_LOAD;
    case ZYDIS_MNEMONIC_SYSCALL:
        return DECODE_FLAGS_SAVE;
    default:
        return DECODE_FLAGS_NONE;
    }
}

bool decode_instruction(
    const uint8_t *code,
    size_t bytes,
    const struct registers *registers,
    const struct decode_bases *bases,
    struct decode_instruction *out)
{
    struct decoding d = {.registers = registers, .bases = bases, .out = out};
    ZydisDecoder decoder;

    *out = (struct decode_instruction){.count = 0};
    if (!ZYAN_SUCCESS(
            ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) ||
        !ZYAN_SUCCESS(
            ZydisDecoderDecodeFull(&decoder, code, bytes, &d.instruction, d.operand))) {
        return false;
    }
    const struct decode_access fetch = {
        .address = registers->rip, .bytes = d.instruction.length, .fetch = true};
    add(out, &fetch);
    if (!is_hint(&d.instruction)) {
        add_operands(&d, ZYDIS_OPERAND_ACTION_MASK_READ);
        add_operands(&d, ZYDIS_OPERAND_ACTION_MASK_WRITE);
    }
    out->flags = flags_of(d.instruction.mnemonic);
    return true;
}
