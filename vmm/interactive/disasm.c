/*
 * Instructions by Zydis; see disasm.h.  Its AT&T style leaves out what AT&T has: the size behind the
 * mnemonic, the star of an indirect branch, and the names of extending moves.  They are put in here.
 */
#include "interactive/disasm.h"

#include <Zycore/Format.h>
#include <Zydis/Zydis.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct disasm {
    ZydisDecoder decoder;
    ZydisFormatter formatter;
};

static char size_letter(unsigned bits)
{
    switch (bits) {
    case 8:
        return 'b';
    case 16:
        return 'w';
    case 32:
        return 'l';
    case 64:
        return 'q';
    default:
        return '\0';
    }
}

static bool is_general(const ZydisDecodedInstruction *instruction)
{
    return instruction->meta.isa_ext == ZYDIS_ISA_EXT_BASE ||
           instruction->meta.isa_ext == ZYDIS_ISA_EXT_LONGMODE;
}

/* General-purpose instructions whose operands have the size that the mnemonic tells. */
static bool has_size(const ZydisDecodedInstruction *instruction)
{
    switch (instruction->meta.category) {
    case ZYDIS_CATEGORY_BINARY:
    case ZYDIS_CATEGORY_BITBYTE:
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_CMOV:
    case ZYDIS_CATEGORY_DATAXFER:
    case ZYDIS_CATEGORY_LOGICAL:
    case ZYDIS_CATEGORY_MISC:
    case ZYDIS_CATEGORY_NOP:
    case ZYDIS_CATEGORY_POP:
    case ZYDIS_CATEGORY_PUSH:
    case ZYDIS_CATEGORY_RET:
    case ZYDIS_CATEGORY_ROTATE:
    case ZYDIS_CATEGORY_SEMAPHORE:
    case ZYDIS_CATEGORY_SHIFT:
    case ZYDIS_CATEGORY_UNCOND_BR:
    case ZYDIS_CATEGORY_WIDENOP:
        break;
    default:
        return false;
    }
    return is_general(instruction);
}

static bool is_sized(const ZydisDecodedOperand *operand)
{
    return operand->type == ZYDIS_OPERAND_TYPE_MEMORY ||
           (operand->type == ZYDIS_OPERAND_TYPE_REGISTER &&
            ZydisRegisterGetClass(operand->reg.value) >= ZYDIS_REGCLASS_GPR8 &&
            ZydisRegisterGetClass(operand->reg.value) <= ZYDIS_REGCLASS_GPR64);
}

/* Of a real number in memory. */
static char real_letter(unsigned bits)
{
    switch (bits) {
    case 32:
        return 's';
    case 64:
        return 'l';
    case 80:
        return 't';
    default:
        return '\0';
    }
}

static bool is_real(const ZydisFormatterContext *context)
{
    const ZydisDecodedOperand *operand = context->operands;

    return context->instruction->meta.category == ZYDIS_CATEGORY_X87_ALU &&
           operand->type == ZYDIS_OPERAND_TYPE_MEMORY &&
           operand->element_type >= ZYDIS_ELEMENT_TYPE_FLOAT16 &&
           operand->element_type <= ZYDIS_ELEMENT_TYPE_FLOAT80;
}

/* '\0': the mnemonic stands alone. */
static char suffix(const ZydisFormatterContext *context)
{
    const ZydisDecodedInstruction *instruction = context->instruction;

    if (is_real(context)) {
        return real_letter(context->operands->size);
    }
    if (!has_size(instruction)) {
        return '\0';
    }
    if (instruction->meta.category == ZYDIS_CATEGORY_CALL ||
        instruction->meta.category == ZYDIS_CATEGORY_RET ||
        instruction->meta.category == ZYDIS_CATEGORY_PUSH) {
        return size_letter(instruction->operand_width);
    }
    for (unsigned i = 0; i < instruction->operand_count_visible; i++) {
        if (is_sized(&context->operands[i])) {
            return size_letter(context->operands[i].size);
        }
    }
    return '\0';
}

struct name {
    const char *intel, *att;
};

static const char *find_name(const struct name *names, const char *intel)
{
    while (names->intel != NULL && strcmp(names->intel, intel) != 0) {
        names++;
    }
    return names->intel != NULL ? names->att : intel;
}

static const char *mnemonic_name(const char *intel)
{
    static const struct name names[] = {
        {"movzx", "movz"},  {"movsx", "movs"},  {"movsxd", "movs"}, {"cdqe", "cltq"},
        {"cwde", "cwtl"},   {"cdq", "cltd"},    {"cqo", "cqto"},    {"movsd", "movsl"},
        {"stosd", "stosl"}, {"lodsd", "lodsl"}, {"scasd", "scasl"}, {"cmpsd", "cmpsl"},
        {NULL, NULL}};

    return find_name(names, intel);
}

/* How many letters stand before the condition; 0: there is none. */
static size_t condition_begin(ZydisInstructionCategory category)
{
    switch (category) {
    case ZYDIS_CATEGORY_COND_BR:
        return strlen("j");
    case ZYDIS_CATEGORY_SETCC:
        return strlen("set");
    case ZYDIS_CATEGORY_CMOV:
        return strlen("cmov");
    default:
        return 0;
    }
}

static const char *condition_name(const char *intel)
{
    static const struct name names[] = {{"z", "e"},   {"nz", "ne"}, {"nb", "ae"}, {"nbe", "a"},
                                        {"nl", "ge"}, {"nle", "g"}, {NULL, NULL}};

    return find_name(names, intel);
}

static bool is_extending(ZydisMnemonic mnemonic)
{
    return mnemonic == ZYDIS_MNEMONIC_MOVZX || mnemonic == ZYDIS_MNEMONIC_MOVSX ||
           mnemonic == ZYDIS_MNEMONIC_MOVSXD;
}

static ZyanStatus print_mnemonic(
    const ZydisFormatter *formatter,
    ZydisFormatterBuffer *buffer,
    ZydisFormatterContext *context)
{
    const ZydisDecodedInstruction *instruction = context->instruction;
    const char *intel = ZydisMnemonicGetString(instruction->mnemonic);
    const char size[2] = {suffix(context), '\0'};
    char source[2] = {'\0', '\0'};
    ZyanString *text;

    (void)formatter;
    ZYAN_CHECK(ZydisFormatterBufferAppend(buffer, ZYDIS_TOKEN_MNEMONIC));
    ZYAN_CHECK(ZydisFormatterBufferGetString(buffer, &text));
    size_t condition = condition_begin(instruction->meta.category);
    if (condition != 0) {
        return ZyanStringAppendFormat(
            text, "%.*s%s%s", (int)condition, intel, condition_name(intel + condition), size);
    }
    if (is_extending(instruction->mnemonic)) {
        source[0] = size_letter(context->operands[1].size);
    }
    /* The vector instructions of these names are as Intel has them. */
    return ZyanStringAppendFormat(
        text, "%s%s%s", is_general(instruction) ? mnemonic_name(intel) : intel, source, size);
}

/* An indirect branch goes to what the operand holds; a long nop has one operand. */
static ZyanStatus begin_operand(
    const ZydisFormatter *formatter,
    ZydisFormatterBuffer *buffer,
    ZydisFormatterContext *context)
{
    ZydisInstructionCategory category = context->instruction->meta.category;
    ZyanString *text;

    (void)formatter;
    if (category == ZYDIS_CATEGORY_WIDENOP && context->operand->id != 0) {
        return ZYDIS_STATUS_SKIP_TOKEN;
    }
    if ((category != ZYDIS_CATEGORY_CALL && category != ZYDIS_CATEGORY_UNCOND_BR) ||
        context->operand->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
        return ZYAN_STATUS_SUCCESS;
    }
    ZYAN_CHECK(ZydisFormatterBufferAppend(buffer, ZYDIS_TOKEN_DELIMITER));
    ZYAN_CHECK(ZydisFormatterBufferGetString(buffer, &text));
    return ZyanStringAppendFormat(text, "*");
}

/* As wide as the operation; digits need no base. */
static ZyanStatus print_immediate(
    const ZydisFormatter *formatter,
    ZydisFormatterBuffer *buffer,
    ZydisFormatterContext *context)
{
    unsigned width = context->instruction->operand_width;
    uint64_t value = context->operand->imm.value.u;
    ZyanString *text;

    (void)formatter;
    if (width != 0 && width < 64) {
        value &= (UINT64_C(1) << width) - 1;
    }
    ZYAN_CHECK(ZydisFormatterBufferAppend(buffer, ZYDIS_TOKEN_IMMEDIATE));
    ZYAN_CHECK(ZydisFormatterBufferGetString(buffer, &text));
    return ZyanStringAppendFormat(text, value < 10 ? "$%" PRIu64 : "$0x%" PRIx64, value);
}

static bool hook(
    ZydisFormatter *formatter,
    ZydisFormatterFunction type,
    ZyanStatus (*function)(
        const ZydisFormatter *, ZydisFormatterBuffer *, ZydisFormatterContext *))
{
    const void *callback;

    memcpy(&callback, &function, sizeof(callback));
    return ZYAN_SUCCESS(ZydisFormatterSetHook(formatter, type, &callback));
}

static bool prepare(struct disasm *disasm)
{
    static const struct {
        ZydisFormatterProperty property;
        ZyanUPointer value;
    } properties[] = {
        {ZYDIS_FORMATTER_PROP_HEX_UPPERCASE, ZYAN_FALSE},
        {ZYDIS_FORMATTER_PROP_FORCE_RELATIVE_RIPREL, ZYAN_TRUE},
        {ZYDIS_FORMATTER_PROP_ADDR_PADDING_ABSOLUTE, ZYDIS_PADDING_DISABLED},
        {ZYDIS_FORMATTER_PROP_DISP_PADDING, ZYDIS_PADDING_DISABLED}};
    ZydisFormatter *formatter = &disasm->formatter;

    if (!ZYAN_SUCCESS(ZydisDecoderInit(
            &disasm->decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) ||
        !ZYAN_SUCCESS(ZydisFormatterInit(formatter, ZYDIS_FORMATTER_STYLE_ATT))) {
        return false;
    }
    for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++) {
        if (!ZYAN_SUCCESS(ZydisFormatterSetProperty(
                formatter, properties[i].property, properties[i].value))) {
            return false;
        }
    }
    return hook(formatter, ZYDIS_FORMATTER_FUNC_PRINT_MNEMONIC, print_mnemonic) &&
           hook(formatter, ZYDIS_FORMATTER_FUNC_PRE_OPERAND, begin_operand) &&
           hook(formatter, ZYDIS_FORMATTER_FUNC_PRINT_IMM, print_immediate);
}

struct disasm *disasm_create(void)
{
    struct disasm *disasm = calloc(1, sizeof(*disasm));

    if (disasm == NULL || !prepare(disasm)) {
        free(disasm);
        return NULL;
    }
    return disasm;
}

void disasm_destroy(struct disasm *disasm)
{
    free(disasm);
}

size_t disasm_one(
    struct disasm *disasm,
    const uint8_t *code,
    size_t code_bytes,
    uint64_t address,
    char *text,
    size_t bytes)
{
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];

    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(
            &disasm->decoder, code, code_bytes, &instruction, operand))) {
        return 0;
    }
    if (!ZYAN_SUCCESS(ZydisFormatterFormatInstruction(
            &disasm->formatter, &instruction, operand, instruction.operand_count_visible, text,
            bytes, address, NULL))) {
        return 0;
    }
    return instruction.length;
}
