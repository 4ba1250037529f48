/* Instructions by capstone; see disasm.h. */
#include "interactive/disasm.h"

#include <capstone/capstone.h>
#include <stdio.h>
#include <stdlib.h>

struct disasm {
    csh handle;
};

struct disasm *disasm_create(void)
{
    struct disasm *disasm = calloc(1, sizeof(*disasm));

    if (disasm == NULL || cs_open(CS_ARCH_X86, CS_MODE_64, &disasm->handle) != CS_ERR_OK) {
        free(disasm);
        return NULL;
    }
    cs_option(disasm->handle, CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT);
    return disasm;
}

void disasm_destroy(struct disasm *disasm)
{
    if (disasm != NULL) {
        cs_close(&disasm->handle);
        free(disasm);
    }
}

size_t disasm_one(
    struct disasm *disasm,
    const uint8_t *code,
    size_t code_bytes,
    uint64_t address,
    char *text,
    size_t bytes)
{
    cs_insn *instruction = NULL;
    size_t count = cs_disasm(disasm->handle, code, code_bytes, address, 1, &instruction);

    if (count == 0) {
        return 0;
    }
    size_t length = instruction->size;
    snprintf(
        text, bytes, "%s%s%s", instruction->mnemonic, instruction->op_str[0] != '\0' ? " " : "",
        instruction->op_str);
    cs_free(instruction, count);
    return length;
}
