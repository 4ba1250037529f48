/*
 * Prints page tables; see tables.h.  One table is walked at a time: its leaves are folded into
 * runs, its tables are descended into.  Architecture: SDM volume 3, "4-Level Paging and 5-Level
 * Paging".
 */
#include "report/tables.h"

#include <inttypes.h>
#include <stdbool.h>

struct level {
    const char *table; /* what a table of this level is called */
    const char *leaf;  /* the size of a leaf in it */
    unsigned shift;    /* of the index in an address */
    bool has_size_bit; /* a leaf has PTE_PAGE_SIZE; without it, level 1 has leaves only */
};

static const struct level levels[5] = {
    [4] = {.shift = 39, .table = "PML4", .leaf = "512 GiB"},
    [3] = {.shift = 30, .table = "PDPT", .leaf = "1 GiB", .has_size_bit = true},
    [2] = {.shift = 21, .table = "PD", .leaf = "2 MiB", .has_size_bit = true},
    [1] = {.shift = 12, .table = "PT", .leaf = "4 KiB"},
};

/* What the path so far allows. */
struct rights {
    bool writable, user, executable;
};

/* Neighbouring leaves of one table with equal rights. */
struct run {
    uint64_t begin;
    unsigned count, accessed, dirty;
    struct rights rights;
};

struct printer {
    FILE *out;
    const struct gmem *mem;
    struct gva begin, last; /* what is shown of the address space, the last byte included */
};

static struct rights rights_below(struct rights path, uint64_t entry)
{
    return (struct rights){
        .writable = path.writable && (entry & PTE_WRITABLE),
        .user = path.user && (entry & PTE_USER),
        .executable = path.executable && !(entry & PTE_NO_EXECUTE),
    };
}

static bool rights_equal(struct rights a, struct rights b)
{
    return a.writable == b.writable && a.user == b.user && a.executable == b.executable;
}

static bool is_leaf(unsigned level, uint64_t entry)
{
    return level == 1 || (levels[level].has_size_bit && (entry & PTE_PAGE_SIZE));
}

/* Bits 63 to 48 repeat bit 47. */
static uint64_t canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16);
}

/* Of a table's own line; what it holds goes two columns further. */
static int indent(unsigned level)
{
    return 2 * (int)(4 - level);
}

static void end_run(const struct printer *printer, unsigned level, struct run *run)
{
    uint64_t bytes = (uint64_t)run->count << levels[level].shift;
    struct rights rights = run->rights;

    if (run->count == 0) {
        return;
    }
    /* The last byte and not the end: the end of the address space has no number. */
    fprintf(
        printer->out, "%*s%#014" PRIx64 "-%#014" PRIx64 " %3u x %s r%c%c %s  A %u/%u D %u/%u\n",
        indent(level) + 2, "", run->begin, run->begin + bytes - 1, run->count,
        levels[level].leaf, rights.writable ? 'w' : '-', rights.executable ? 'x' : '-',
        rights.user ? "user  " : "kernel", run->accessed, run->count, run->dirty, run->count);
    run->count = 0;
}

static void add_leaf(
    const struct printer *printer,
    unsigned level,
    struct run *run,
    uint64_t address,
    uint64_t entry,
    struct rights rights)
{
    if (run->count > 0 && !rights_equal(run->rights, rights)) {
        end_run(printer, level, run);
    }
    if (run->count == 0) {
        *run = (struct run){.begin = address, .rights = rights};
    }
    run->count++;
    run->accessed += (entry & PTE_ACCESSED) != 0;
    run->dirty += (entry & PTE_DIRTY) != 0;
}

static unsigned entries_in_use(const uint64_t *entries)
{
    unsigned used = 0;

    for (unsigned i = 0; i < PTE_ENTRIES; i++) {
        used += entries[i] != 0;
    }
    return used;
}

static bool is_shown(const struct printer *printer, unsigned level, uint64_t address)
{
    uint64_t last = address + ((UINT64_C(1) << levels[level].shift) - 1);

    return address <= printer->last.value && last >= printer->begin.value;
}

/* Recursion ends with the levels: a table of level 1 has leaves only. */
// NOLINTNEXTLINE(misc-no-recursion)
static void print_table(
    const struct printer *printer,
    unsigned level,
    struct gpa table,
    uint64_t base,
    struct rights path)
{
    struct run run = {0};

    fprintf(printer->out, "%s at %#" PRIx64, levels[level].table, table.value);
    if (!gmem_contains(printer->mem, table, PAGE_BYTES)) {
        fputs(": outside guest RAM\n", printer->out);
        return;
    }
    const uint64_t *entries = gmem_hva(printer->mem, table);
    fprintf(printer->out, ": %u of %d entries in use\n", entries_in_use(entries), PTE_ENTRIES);
    for (unsigned i = 0; i < PTE_ENTRIES; i++) {
        uint64_t entry = entries[i];
        uint64_t address = canonical(base + ((uint64_t)i << levels[level].shift));
        struct rights rights = rights_below(path, entry);
        if (!is_shown(printer, level, address)) {
            continue;
        }
        if ((entry & PTE_PRESENT) && is_leaf(level, entry)) {
            add_leaf(printer, level, &run, address, entry, rights);
            continue;
        }
        end_run(printer, level, &run);
        if (entry & PTE_PRESENT) {
            fprintf(printer->out, "%*s[%u] ", indent(level) + 2, "", i);
            print_table(printer, level - 1, gpa_of(entry & PTE_ADDRESS), address, rights);
        }
    }
    end_run(printer, level, &run);
}

static void print(const struct printer *printer, struct gpa root)
{
    const struct rights all = {.writable = true, .user = true, .executable = true};

    print_table(printer, 4, root, 0, all);
}

void tables_print(FILE *out, const struct gmem *mem, struct gpa root)
{
    const struct printer printer = {.out = out, .mem = mem, .last = gva_of(UINT64_MAX)};

    print(&printer, root);
}

void tables_print_range(
    FILE *out, const struct gmem *mem, struct gpa root, struct gva begin, struct gva end)
{
    const struct printer printer = {
        .out = out, .mem = mem, .begin = begin, .last = gva_of(end.value - 1)};

    print(&printer, root);
}
