/*
 * The reports against golden text: the summary in text and JSON, regions with their present
 * pages, and page tables laid out by hand.  Regions and the walk are stood in for by a few
 * fixed ones, so that only the report is under test.
 */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "layout.h"

#include "report/maps.h"
#include "report/summary.h"
#include "report/tables.h"

/* --- stand-ins for space/region.c and paging/ptab.c --- */

static struct backing program_file = {.fd = -1, .references = 1, .name = (char *)"b c.so"};

static const struct region fixed_regions[] = {
    {
        .begin = {0x400000},
        .end = {0x403000},
        .spec =
            {
                .kind = REGION_FILE,
                .permissions = REGION_READ | REGION_EXEC,
                .backing = &program_file,
                .file_offset = 0x1000,
                .label = "text",
            },
    },
    {
        .begin = {0x600000},
        .end = {0x40500000},
        .spec =
            {.kind = REGION_HEAP, .permissions = REGION_READ | REGION_WRITE, .shared = true},
    },
    {
        .begin = {0x7fffffbde000},
        .end = {0x7fffffdde000},
        .spec = {.kind = REGION_STACK, .permissions = REGION_READ, .label = "stack"},
    },
};
#define FIXED_REGIONS (sizeof(fixed_regions) / sizeof(fixed_regions[0]))

static const struct {
    uint64_t address;
    unsigned level;
} fixed_leaves[] = {
    {0x400000, 1}, {0x402000, 1},   {0x600000, 2},
    {0x800000, 2}, {0x40400000, 2}, {0x7fffffc00000, 2},
};

struct region *regions_first_from(const struct regions *regions, struct gva address)
{
    (void)regions;
    (void)address;
    return (struct region *)&fixed_regions[0];
}

struct region *regions_next(const struct region *region)
{
    return region + 1 < fixed_regions + FIXED_REGIONS ? (struct region *)(region + 1) : NULL;
}

const char *region_kind_name(enum region_kind kind)
{
    return kind == REGION_HEAP ? "heap" : "another";
}

void ptab_visit(
    const struct ptab *ptab,
    struct gva begin,
    struct gva end,
    ptab_visit_fn *visit,
    void *context)
{
    (void)ptab;
    for (size_t i = 0; i < sizeof(fixed_leaves) / sizeof(fixed_leaves[0]); i++) {
        uint64_t bytes = fixed_leaves[i].level == 1 ? PAGE_BYTES : LARGE_BYTES;
        if (fixed_leaves[i].address < end.value &&
            fixed_leaves[i].address + bytes > begin.value) {
            visit(
                context, gva_of(fixed_leaves[i].address),
                (struct ptab_slot){.level = fixed_leaves[i].level});
        }
    }
}

/* --- help --- */

struct capture {
    FILE *out;
    char *text;
    size_t bytes;
};

static void capture_begin(struct capture *capture)
{
    capture->out = open_memstream(&capture->text, &capture->bytes);
    assert_non_null(capture->out);
}

static void capture_end(struct capture *capture)
{
    assert_int_equal(fclose(capture->out), 0);
}

static void assert_within_80_columns(const char *text)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        assert_true(length <= 80);
        text += length + (text[length] == '\n');
    }
}

static void add_faults(
    struct counts *counts,
    enum fault_kind kind,
    enum record_action action,
    unsigned number,
    uint32_t service_ns)
{
    const struct fault_record record = {
        .kind = (uint8_t)kind,
        .action = (uint8_t)action,
        .level = action == ACTION_SIGNAL ? 0 : 1,
        .service_ns = service_ns,
    };

    for (unsigned i = 0; i < number; i++) {
        counts_add(counts, &record);
    }
}

/* Times below 64, which the histogram gives back exactly. */
static struct summary example(struct counts **counts)
{
    *counts = calloc(1, sizeof(**counts));
    assert_non_null(*counts);
    add_faults(*counts, FAULT_DEMAND_ZERO, ACTION_MAP_ZERO, 1980, 50);
    add_faults(*counts, FAULT_DEMAND_ZERO, ACTION_MAP_ZERO, 22, 60);
    add_faults(*counts, FAULT_FILE_LOAD, ACTION_MAP_FILE, 12, 40);
    add_faults(*counts, FAULT_READ_ONLY, ACTION_SIGNAL, 1, 7);
    (*counts)->host = 3;
    return (struct summary){
        .counts = *counts,
        .frames_data = 2014,
        .frames_tables = 9,
        .frames_peak = 2030,
        .frames_total = 65536,
        .requests = 1,
        .exits = 2047,
        .elapsed_ns = 12345678,
        .status = 139,
        .reason = "segmentation fault: write to 0x401000",
    };
}

/* --- summary --- */

static void test_summary_text_is_a_table_of_the_kinds_that_occurred(void **state)
{
    static const char golden[] =
        "page faults           faults         pages     median ns     99th % ns\n"
        "demand-zero            2,002         2,002            50            60\n"
        "file-load                 12            12            40            40\n"
        "read-only                  1             0             7             7\n"
        "total                  2,015         2,014\n"
        "  minor                2,002\n"
        "  major                   12\n"
        "  by the host              3\n"
        "\n"
        "memory                frames           KiB\n"
        "data                   2,014         8,056\n"
        "page tables                9            36\n"
        "peak in use            2,030         8,120\n"
        "guest RAM             65,536       262,144\n"
        "\n"
        "1 request served, 2,047 exits, 12.345 ms\n"
        "segmentation fault: write to 0x401000\n";
    struct counts *counts;
    struct summary summary = example(&counts);
    struct capture capture;

    (void)state;
    capture_begin(&capture);
    summary_print_text(capture.out, &summary);
    capture_end(&capture);
    assert_string_equal(capture.text, golden);
    free(capture.text);
    free(counts);
}

static void test_summary_text_keeps_to_80_columns_with_large_numbers(void **state)
{
    struct counts *counts = calloc(1, sizeof(*counts));
    struct capture capture;

    (void)state;
    assert_non_null(counts);
    for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
        counts->kind[kind].faults = 9999999999;
        counts->kind[kind].pages = 9999999999;
        histogram_add(&counts->kind[kind].service_ns, UINT32_MAX);
    }
    counts->total = 9999999999;
    counts->minor = 9999999999;
    const struct summary summary = {
        .counts = counts,
        .frames_data = 9999999999 / 4,
        .elapsed_ns = 86400 * UINT64_C(1000000000),
        .requests = 9999999999,
        .exits = 9999999999,
        .reason = "exit status 0",
    };
    capture_begin(&capture);
    summary_print_text(capture.out, &summary);
    capture_end(&capture);
    assert_within_80_columns(capture.text);
    assert_non_null(strstr(capture.text, "86,400.000 s"));
    free(capture.text);
    free(counts);
}

static void test_summary_text_says_that_there_was_no_fault(void **state)
{
    struct counts *counts = calloc(1, sizeof(*counts));
    struct capture capture;

    (void)state;
    assert_non_null(counts);
    capture_begin(&capture);
    summary_print_text(
        capture.out,
        &(struct summary){.counts = counts, .elapsed_ns = 999, .reason = "exit status 0"});
    capture_end(&capture);
    assert_memory_equal(capture.text, "no page faults\n", strlen("no page faults\n"));
    assert_non_null(strstr(capture.text, "0 requests served, 0 exits, 0.999 us\n"));
    free(capture.text);
    free(counts);
}

static void test_summary_json_is_one_line_with_the_same_facts(void **state)
{
    struct counts *counts;
    struct summary summary = example(&counts);
    struct capture capture;
    const char *type, *reason;
    int total, pages, minor, major, host, faults, median, p99, data, tables, peak, frames;
    int requests, exits, elapsed, status;

    (void)state;
    summary.reason = "said \"\n\"";
    capture_begin(&capture);
    summary_print_json(capture.out, &summary);
    capture_end(&capture);
    assert_ptr_equal(strchr(capture.text, '\n'), capture.text + capture.bytes - 1);
    json_t *root = json_loads(capture.text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    assert_int_equal(
        json_unpack(
            root,
            "{s:s, s:{s:i, s:i, s:i, s:i, s:i}, s:{s:i, s:i, s:i, s:i}, "
            "s:i, s:i, s:i, s:i, s:s}",
            "type", &type, "faults", "total", &total, "pages", &pages, "minor", &minor, "major",
            &major, "host", &host, "frames", "data", &data, "tables", &tables, "peak", &peak,
            "total", &frames, "requests", &requests, "exits", &exits, "elapsed_ns", &elapsed,
            "status", &status, "reason", &reason),
        0);
    assert_string_equal(type, "summary");
    assert_int_equal(total, 2015);
    assert_int_equal(pages, 2014);
    assert_int_equal(minor, 2002);
    assert_int_equal(major, 12);
    assert_int_equal(host, 3);
    assert_int_equal(data, 2014);
    assert_int_equal(tables, 9);
    assert_int_equal(peak, 2030);
    assert_int_equal(frames, 65536);
    assert_int_equal(requests, 1);
    assert_int_equal(exits, 2047);
    assert_int_equal(elapsed, 12345678);
    assert_int_equal(status, 139);
    assert_string_equal(reason, "said \"\n\"");
    const json_t *kinds = json_object_get(json_object_get(root, "faults"), "kinds");
    assert_int_equal(json_object_size(kinds), 3);
    assert_int_equal(
        json_unpack(
            json_object_get(kinds, "demand-zero"), "{s:i, s:i, s:i}", "faults", &faults,
            "median_ns", &median, "p99_ns", &p99),
        0);
    assert_int_equal(faults, 2002);
    assert_int_equal(median, 50);
    assert_int_equal(p99, 60);
    json_decref(root);
    free(capture.text);
    free(counts);
}

/* --- regions --- */

/* Two leaves of 2 MiB reach beyond their region: only the 0x100 pages up to the heap's end and
 * the 0x1de pages up to the stack's end count. */
static void test_maps_show_regions_with_their_present_pages(void **state)
{
    static const char golden[] =
        "regions                       perm   offset  present of pages  what\n"
        "0x000000400000-0x000000403000 r-xp   0x1000        2         3  b\\x20c.so [text]\n"
        "0x000000600000-0x000040500000 rw-s      0x0    1,280   261,888  [heap]\n"
        "0x7fffffbde000-0x7fffffdde000 r--p      0x0      478       512  [stack]\n";
    struct capture capture;
    const struct ptab ptab = {0}; /* neither is looked at: what they hold is made up here */
    const char regions = 0;

    (void)state;
    capture_begin(&capture);
    maps_print(capture.out, (const struct regions *)(const void *)&regions, &ptab);
    capture_end(&capture);
    assert_string_equal(capture.text, golden);
    assert_within_80_columns(capture.text);
    free(capture.text);
}

/* --- tables --- */

/* Guest RAM of seven pages, each a table. */
struct tables {
    uint64_t entry[7][PTE_ENTRIES];
};

static uint64_t table_entry(unsigned index, uint64_t flags)
{
    return (LAYOUT_RAM_BASE + index * PAGE_BYTES) | flags | PTE_PRESENT;
}

static struct gmem new_tables(struct tables **tables)
{
    *tables = aligned_alloc(PAGE_BYTES, sizeof(**tables));
    assert_non_null(*tables);
    memset(*tables, 0, sizeof(**tables));
    return (struct gmem){.hva = (uint8_t *)*tables, .bytes = sizeof(**tables)};
}

static void fill_tables(struct tables *tables)
{
    const uint64_t user = PTE_USER | PTE_WRITABLE;

    tables->entry[0][0] = table_entry(1, user);
    tables->entry[0][511] = table_entry(4, PTE_WRITABLE);
    tables->entry[1][0] = table_entry(2, user);
    tables->entry[1][1] = PTE_PRESENT | PTE_USER | PTE_PAGE_SIZE | GIANT_BYTES;
    tables->entry[2][2] = table_entry(3, user);
    tables->entry[2][3] = PTE_PRESENT | user | PTE_PAGE_SIZE | PTE_NO_EXECUTE | PTE_ACCESSED;
    tables->entry[2][4] = tables->entry[2][3] | PTE_DIRTY;
    tables->entry[2][5] = table_entry(1 << 20, user);
    /* Two of equal rights, one other, a hole, then an entry that is in use but not present. */
    tables->entry[3][0] = PTE_PRESENT | PTE_USER | PTE_ACCESSED;
    tables->entry[3][1] = PTE_PRESENT | PTE_USER;
    tables->entry[3][2] = PTE_PRESENT | user | PTE_NO_EXECUTE | PTE_ACCESSED | PTE_DIRTY;
    tables->entry[3][4] = PTE_PRESENT | user | PTE_NO_EXECUTE;
    tables->entry[3][9] = 0x1234000;
    tables->entry[4][511] = table_entry(5, PTE_WRITABLE | PTE_NO_EXECUTE);
    /* The page's own bits allow what its path does not: user, and to execute. */
    tables->entry[5][511] = PTE_PRESENT | user | PTE_PAGE_SIZE;
}

static void test_tables_fold_neighbours_of_equal_permissions(void **state)
{
    static const char golden[] =
        "PML4 at 0x100000000: 2 of 512 entries in use\n"
        "  [0] PDPT at 0x100001000: 2 of 512 entries in use\n"
        "    [0] PD at 0x100002000: 4 of 512 entries in use\n"
        "      [2] PT at 0x100003000: 5 of 512 entries in use\n"
        "        0x000000400000-0x000000401fff   2 x 4 KiB r-x user    A 1/2 D 0/2\n"
        "        0x000000402000-0x000000402fff   1 x 4 KiB rw- user    A 1/1 D 1/1\n"
        "        0x000000404000-0x000000404fff   1 x 4 KiB rw- user    A 0/1 D 0/1\n"
        "      0x000000600000-0x0000009fffff   2 x 2 MiB rw- user    A 2/2 D 1/2\n"
        "      [5] PT at 0x200000000: outside guest RAM\n"
        "    0x000040000000-0x00007fffffff   1 x 1 GiB r-x user    A 0/1 D 0/1\n"
        "  [511] PDPT at 0x100004000: 1 of 512 entries in use\n"
        "    [511] PD at 0x100005000: 1 of 512 entries in use\n"
        "      0xffffffffffe00000-0xffffffffffffffff   1 x 2 MiB rw- kernel  A 0/1 D 0/1\n";
    struct tables *tables;
    struct gmem mem = new_tables(&tables);
    struct capture capture;

    (void)state;
    fill_tables(tables);
    capture_begin(&capture);
    tables_print(capture.out, &mem, gpa_of(LAYOUT_RAM_BASE));
    capture_end(&capture);
    assert_string_equal(capture.text, golden);
    free(capture.text);
    free(tables);
}

static void test_tables_of_a_full_table_are_one_line(void **state)
{
    struct tables *tables;
    struct gmem mem = new_tables(&tables);
    struct capture capture;

    (void)state;
    tables->entry[0][255] = table_entry(1, PTE_USER);
    for (unsigned i = 0; i < PTE_ENTRIES; i++) {
        tables->entry[1][i] = PTE_PRESENT | PTE_PAGE_SIZE | PTE_USER | PTE_DIRTY;
    }
    capture_begin(&capture);
    tables_print(capture.out, &mem, gpa_of(LAYOUT_RAM_BASE));
    capture_end(&capture);
    assert_string_equal(
        capture.text, "PML4 at 0x100000000: 1 of 512 entries in use\n"
                      "  [255] PDPT at 0x100001000: 512 of 512 entries in use\n"
                      "    0x7f8000000000-0x7fffffffffff 512 x 1 GiB r-x user    "
                      "A 0/512 D 512/512\n");
    free(capture.text);
    free(tables);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_summary_text_is_a_table_of_the_kinds_that_occurred),
        cmocka_unit_test(test_summary_text_keeps_to_80_columns_with_large_numbers),
        cmocka_unit_test(test_summary_text_says_that_there_was_no_fault),
        cmocka_unit_test(test_summary_json_is_one_line_with_the_same_facts),
        cmocka_unit_test(test_maps_show_regions_with_their_present_pages),
        cmocka_unit_test(test_tables_fold_neighbours_of_equal_permissions),
        cmocka_unit_test(test_tables_of_a_full_table_are_one_line),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
