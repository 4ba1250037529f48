/*
 * The laboratory's requests, and their stand-ins under a plain Linux.  It refuses to keep
 * state: whether there is a laboratory is asked anew each time, which costs one request and no
 * mutable global. Read include/abi.h for what the host answers.
 */
#include "lab.h"

#include <stddef.h>

#include "mem.h"
#include "print.h"
#include "sys.h"

/* Names of kinds, as the host prints them (vmm/trace/record.c); a test compares the two. */
static const char *const kind_names[FAULT_KINDS] = {
    [FAULT_DEMAND_ZERO] = "demand-zero",     [FAULT_STACK_GROWTH] = "stack-growth",
    [FAULT_FILE_LOAD] = "file-load",         [FAULT_COW_COPY] = "cow-copy",
    [FAULT_COW_REUSE] = "cow-reuse",         [FAULT_SWAP_IN] = "swap-in",
    [FAULT_SAMPLING] = "sampling",           [FAULT_SPURIOUS] = "spurious",
    [FAULT_UNMAPPED] = "unmapped",           [FAULT_READ_ONLY] = "read-only",
    [FAULT_NO_EXECUTE] = "no-execute",       [FAULT_NO_ACCESS] = "no-access",
    [FAULT_KERNEL_PAGE] = "kernel-page",     [FAULT_STACK_LIMIT] = "stack-limit",
    [FAULT_OUT_OF_MEMORY] = "out-of-memory", [FAULT_SHARED] = "shared",
};

static int64_t request(uint64_t number, uint64_t a, uint64_t b)
{
    return sys_call(number, a, b, 0, 0, 0, 0);
}

bool lab_present(void)
{
    return request(LAB_VERSION, 0, 0) != -ENOSYS;
}

void lab_phase(const char *name)
{
    request(LAB_PHASE, (uintptr_t)name, 0);
}

void lab_result(const char *name, int64_t value)
{
    if (request(LAB_RESULT, (uintptr_t)name, (uint64_t)value) == -ENOSYS) {
        print_to(2, "result %s=%ld\n", name, value);
    }
}

bool lab_walk(uint64_t address, struct lab_walk *walk)
{
    return request(LAB_WALK, address, (uintptr_t)walk) == 0;
}

bool lab_counts(struct lab_counts *counts)
{
    struct rusage usage = {0};

    if (request(LAB_COUNTS, (uintptr_t)counts, 0) == 0) {
        return true;
    }
    sys_getrusage(&usage);
    *counts = (struct lab_counts){
        .total = (uint64_t)(usage.ru_minflt + usage.ru_majflt),
        .minor = (uint64_t)usage.ru_minflt,
        .major = (uint64_t)usage.ru_majflt,
    };
    return false;
}

void lab_counts_subtract(
    const struct lab_counts *after,
    const struct lab_counts *before,
    struct lab_counts *difference)
{
    difference->total = after->total - before->total;
    difference->minor = after->minor - before->minor;
    difference->major = after->major - before->major;
    difference->host = after->host - before->host;
    for (size_t i = 0; i < sizeof(after->by_kind) / sizeof(after->by_kind[0]); i++) {
        difference->by_kind[i] = after->by_kind[i] - before->by_kind[i];
    }
}

/* Reports one figure as PREFIX.NAME, cut to what a name may have. */
static void report(const char *prefix, const char *name, uint64_t value)
{
    char full[LAB_NAME_BYTES] = {0};
    size_t used = 0;

    for (size_t i = 0; prefix[i] != '\0' && used < sizeof(full) - 2; i++) {
        full[used++] = prefix[i];
    }
    if (used > 0) {
        full[used++] = '.';
    }
    for (size_t i = 0; name[i] != '\0' && used < sizeof(full) - 1; i++) {
        full[used++] = name[i];
    }
    lab_result(full, (int64_t)value);
}

static void report_kinds(const char *prefix, const struct lab_counts *faults)
{
    for (size_t kind = 0; kind < FAULT_KINDS; kind++) {
        if (faults->by_kind[kind] != 0) {
            report(prefix, kind_names[kind], faults->by_kind[kind]);
        }
    }
}

void lab_report_faults(const char *prefix, const struct lab_counts *faults)
{
    report(prefix, "faults", faults->total);
    report_kinds(prefix, faults);
}

void lab_report_total(const char *prefix, const struct lab_counts *faults)
{
    report(prefix, "total", faults->total);
    report_kinds(prefix, faults);
}

void lab_print_kinds(struct print *out, const struct lab_counts *faults)
{
    const char *separator = " (";

    if (!lab_present()) {
        print_format(out, " (counted by getrusage)");
        return;
    }
    for (size_t kind = 0; kind < FAULT_KINDS; kind++) {
        if (faults->by_kind[kind] != 0) {
            print_format(out, "%s%lu %s", separator, faults->by_kind[kind], kind_names[kind]);
            separator = ", ";
        }
    }
    print_format(out, "%s", separator[0] == ',' ? ")" : "");
}

const char *lab_kind_name(enum fault_kind kind)
{
    return (unsigned int)kind < FAULT_KINDS ? kind_names[kind] : "?";
}
