/* What ended a program, in words; see describe.h. */
#include "run/describe.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text {
    char *at;
    size_t bytes;
};

static void add(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add(struct text *text, const char *format, ...)
{
    va_list args;
    size_t used = strnlen(text->at, text->bytes);

    va_start(args, format);
    vsnprintf(text->at + used, text->bytes - used, format, args);
    va_end(args);
}

static unsigned long long ull(uint64_t value)
{
    return (unsigned long long)value;
}

static const char *access_words(uint8_t access)
{
    if ((access & RECORD_FETCH) != 0) {
        return "jump to";
    }
    return (access & RECORD_WRITE) != 0 ? "write to" : "read of";
}

/* "text of guest.elf+0x1000", "stack", "anonymous memory" */
static void add_region(struct text *text, const struct region *region, uint64_t address)
{
    const struct region_spec *spec = &region->spec;

    add(text, "%s", spec->label != NULL ? spec->label : "anonymous memory");
    if (spec->backing != NULL) {
        add(text, " of %s+0x%llx", spec->backing->name,
            ull(address - region->begin.value + spec->file_offset));
    }
}

/* Beyond this an address is near nothing. */
#define NEAR_BYTES UINT64_C(0x1000000)

static void add_neighbour(struct text *text, const struct regions *regions, uint64_t address)
{
    const struct region *above = regions_first_from(regions, gva_of(address));
    const struct region *below =
        above != NULL ? regions_previous(above) : regions_first_from(regions, gva_of(0));

    if (above == NULL) {
        for (const struct region *next = below; next != NULL; next = regions_next(next)) {
            below = next;
        }
    }
    if (address < PAGE_BYTES) {
        add(text, ", page 0: a null pointer");
    } else if (below != NULL && address - below->end.value < NEAR_BYTES) {
        add(text, ", 0x%llx behind the end of ", ull(address - below->end.value));
        add_region(text, below, below->end.value);
    } else if (above != NULL && above->begin.value - address < NEAR_BYTES) {
        add(text, ", 0x%llx below ", ull(above->begin.value - address));
        add_region(text, above, above->begin.value);
    }
}

static const char *kind_words(enum fault_kind kind)
{
    switch (kind) {
    case FAULT_UNMAPPED:
        return "not mapped";
    case FAULT_READ_ONLY:
        return "read-only";
    case FAULT_NO_EXECUTE:
        return "not executable";
    case FAULT_NO_ACCESS:
        return "no access allowed";
    case FAULT_KERNEL_PAGE:
        return "the kernel's half of the address space";
    case FAULT_STACK_LIMIT:
        return "stack overflow: the stack has reached its limit";
    default:
        return record_kind_name(kind);
    }
}

void describe_fault(
    char *text,
    size_t bytes,
    const struct fault_record *record,
    const struct region *region,
    const struct regions *regions)
{
    struct text out = {.at = text, .bytes = bytes};
    enum fault_kind kind = (enum fault_kind)record->kind;

    text[0] = '\0';
    if (kind == FAULT_OUT_OF_MEMORY) {
        add(&out, "out of memory: no frame left for %s 0x%llx at rip 0x%llx",
            access_words(record->access), ull(record->address), ull(record->rip));
        return;
    }
    if (kind == FAULT_FILE_LOAD) {
        add(&out, "bus error: %s 0x%llx (", access_words(record->access), ull(record->address));
        add_region(&out, region, record->address);
        add(&out, " cannot be read from its file any more) at rip 0x%llx", ull(record->rip));
        return;
    }
    add(&out, "segmentation fault: %s 0x%llx (%s", access_words(record->access),
        ull(record->address), kind_words(kind));
    if (kind == FAULT_UNMAPPED) {
        add_neighbour(&out, regions, record->address);
    } else if (region != NULL && region->spec.kind != REGION_GUARD) {
        add(&out, ", ");
        add_region(&out, region, record->address);
    }
    add(&out, ") at rip 0x%llx", ull(record->rip));
}

/* Linux: arch/x86/kernel/traps.c names the same signals; SDM volume 3, "Exception and Interrupt
 * Reference". */
static const struct {
    int signal;
    const char *words;
} exceptions[VECTOR_COUNT] = {
    [VECTOR_DE] = {SIGFPE, "division error"},
    [VECTOR_DB] = {SIGTRAP, "debug exception"},
    [VECTOR_BP] = {SIGTRAP, "breakpoint"},
    [VECTOR_OF] = {SIGSEGV, "overflow"},
    [VECTOR_BR] = {SIGSEGV, "bound range exceeded"},
    [VECTOR_UD] = {SIGILL, "invalid instruction"},
    [VECTOR_NM] = {SIGFPE, "device not available"},
    [VECTOR_TS] = {SIGSEGV, "invalid TSS"},
    [VECTOR_NP] = {SIGBUS, "segment not present"},
    [VECTOR_SS] = {SIGBUS, "stack fault (address not canonical)"},
    [VECTOR_GP] =
        {SIGSEGV,
         "general protection fault (privileged instruction, or address not canonical)"},
    [VECTOR_MF] = {SIGFPE, "x87 floating-point error"},
    [VECTOR_AC] = {SIGBUS, "alignment check"},
    [VECTOR_XM] = {SIGFPE, "SIMD floating-point error"},
    [VECTOR_CP] = {SIGSEGV, "control protection"},
};

int describe_exception(char *text, size_t bytes, const struct machine_trap *trap)
{
    unsigned vector = trap->vector < VECTOR_COUNT ? trap->vector : VECTOR_GP;
    const char *words = exceptions[vector].words;
    int signal = exceptions[vector].signal;

    snprintf(
        text, bytes, "%s at rip 0x%llx (vector %u, error code 0x%llx)",
        words != NULL ? words : "unexpected exception", ull(trap->rip), trap->vector,
        ull(trap->error_code));
    return signal != 0 ? signal : SIGSEGV;
}
