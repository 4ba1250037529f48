/* The few instructions that the real CPU runs; see cpu.h. */
#include <string.h>

#include "cpu.h"

void cpu_code(uint8_t page[PAGE_BYTES])
{
    static const uint8_t read_word[] = {0x48, 0x8b, 0x07, 0x0f, 0x0b};
    static const uint8_t write_word[] = {0x48, 0x89, 0x07, 0x0f, 0x0b};
    static const uint8_t fill[] = {0x48, 0x89, 0x07,       /* 1: mov %rax,(%rdi) */
                                   0x48, 0x01, 0xd0,       /* add %rdx,%rax */
                                   0x48, 0x83, 0xc7, 0x08, /* add $8,%rdi */
                                   0xff, 0xc9,             /* dec %ecx */
                                   0x75, 0xf2,             /* jnz 1b */
                                   0x0f, 0x0b};            /* ud2 */
    static const uint8_t sum[] = {0x48, 0x6b, 0xc0, 0x21,  /* 1: imul $33,%rax,%rax */
                                  0x48, 0x03, 0x07,        /* add (%rdi),%rax */
                                  0x48, 0x83, 0xc7, 0x08,  /* add $8,%rdi */
                                  0xff, 0xc9,              /* dec %ecx */
                                  0x75, 0xf1,              /* jnz 1b */
                                  0x0f, 0x0b};             /* ud2 */

    memset(page, 0xcc, PAGE_BYTES);
    memcpy(page + CPU_CODE_READ, read_word, sizeof(read_word));
    memcpy(page + CPU_CODE_WRITE, write_word, sizeof(write_word));
    memcpy(page + CPU_CODE_FILL, fill, sizeof(fill));
    memcpy(page + CPU_CODE_SUM, sum, sizeof(sum));
}
