/*
 * The set of regions against the plainest model that there can be: an array with what each page
 * belongs to.  Random insert, remove, protect, move and gap searches must agree with it page by
 * page; with 100,000 regions the number of nodes on a path is bounded, not the time.  It refuses
 * to judge how the tree is balanced.
 */
/* cmocka.h needs the four before it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "space/region.h"

#define PAGES 512
#define BASE  UINT64_C(0x10000)

/* What one page is; equal neighbours that go on belong to one region. */
struct page {
    bool used;
    bool from_file;
    uint8_t permissions;
    uint8_t label;
    uint64_t file_page; /* page of the file it shows */
};

struct model {
    struct page page[PAGES];
};

struct fixture {
    struct regions *regions;
    struct backing *file;
    struct model model;
    uint64_t seed;
};

static const char *const labels[] = {"one", "two", NULL};

static struct gva address_of(uint64_t page)
{
    return gva_of(BASE + page * PAGE_BYTES);
}

static uint64_t page_of(struct gva address)
{
    return (address.value - BASE) / PAGE_BYTES;
}

static int set_up(void **state)
{
    static struct fixture fixture;
    struct err err;

    memset(&fixture, 0, sizeof(fixture));
    fixture.seed = UINT64_C(0x9e3779b97f4a7c15);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || !regions_create(&fixture.regions, address_of(0), address_of(PAGES), &err) ||
        !backing_create(&fixture.file, fd, "folder/file.elf", &err)) {
        return 1;
    }
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    regions_destroy(f->regions);
    int references = (int)f->file->references;
    backing_put(f->file);
    return references == 1 ? 0 : 1; /* the regions have given all of theirs back */
}

/* Marsaglia's xorshift; a fixed seed, so that a failure comes again. */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* --- the model --- */

/* Whether page i + 1 is the same mapping as page i going on. */
static bool goes_on(const struct page *page, const struct page *next)
{
    return page->used && next->used && page->from_file == next->from_file &&
           page->permissions == next->permissions && page->label == next->label &&
           (!page->from_file || page->file_page + 1 == next->file_page);
}

static struct page page_of_spec(const struct region_spec *spec, uint64_t index)
{
    struct page page = {
        .used = true,
        .from_file = spec->backing != NULL,
        .permissions = spec->permissions,
        .label = (uint8_t)(spec->label == labels[0] ? 0 : spec->label == labels[1] ? 1 : 2)};

    if (page.from_file) {
        page.file_page = spec->file_offset / PAGE_BYTES + index;
    }
    return page;
}

static bool pages_equal(const struct page *a, const struct page *b)
{
    return a->used == b->used && a->from_file == b->from_file &&
           a->permissions == b->permissions && a->label == b->label &&
           a->file_page == b->file_page;
}

/* Regions that continue each other are one; the model has the fewest that describe it. */
static size_t model_count(const struct model *model, uint64_t *pages)
{
    size_t count = 0;

    *pages = 0;
    for (unsigned i = 0; i < PAGES; i++) {
        *pages += model->page[i].used;
        count +=
            model->page[i].used && (i == 0 || !goes_on(&model->page[i - 1], &model->page[i]));
    }
    return count;
}

/* Every page of the model is what the set says, and the other way round. */
static void compare(const struct fixture *f)
{
    const struct region *last = NULL;
    uint64_t pages;
    size_t count = 0;

    for (uint64_t i = 0; i < PAGES; i++) {
        const struct region *region = regions_find(f->regions, address_of(i));
        assert_int_equal(region != NULL, f->model.page[i].used);
        if (region == NULL) {
            continue;
        }
        assert_true(region->begin.value <= address_of(i).value);
        assert_true(region->end.value > address_of(i).value);
        struct page page = page_of_spec(&region->spec, i - page_of(region->begin));
        assert_true(pages_equal(&page, &f->model.page[i]));
        if (region != last) {
            assert_ptr_equal(regions_previous(region), last);
            assert_true(last == NULL || regions_next(last) == region);
            count++;
        }
        last = region;
    }
    assert_int_equal(count, model_count(&f->model, &pages));
    assert_int_equal(regions_count(f->regions), count);
    assert_int_equal(regions_total_bytes(f->regions), pages * PAGE_BYTES);
}

static bool model_is_free(const struct model *model, uint64_t begin, uint64_t end)
{
    for (uint64_t i = begin; i < end; i++) {
        if (model->page[i].used) {
            return false;
        }
    }
    return true;
}

static bool model_is_full(const struct model *model, uint64_t begin, uint64_t end)
{
    for (uint64_t i = begin; i < end; i++) {
        if (!model->page[i].used) {
            return false;
        }
    }
    return true;
}

/* --- random steps: each does the same to both --- */

struct range {
    uint64_t begin, end; /* pages */
};

static struct range random_range(struct fixture *f, uint64_t most)
{
    uint64_t r = next_random(&f->seed);
    uint64_t begin = r % PAGES;
    uint64_t pages = 1 + (r >> 32) % most;

    return (struct range){begin, begin + pages < PAGES ? begin + pages : PAGES};
}

/* Few different ones, so that neighbours often continue each other. */
static struct region_spec random_spec(struct fixture *f, struct range range)
{
    uint64_t r = next_random(&f->seed);
    struct region_spec spec = {
        .kind = REGION_ANONYMOUS,
        .permissions = r % 2 == 0 ? REGION_READ : REGION_READ | REGION_WRITE,
        .page_shift = PAGE_SHIFT,
        .label = labels[(r >> 8) % 3]};

    if ((r >> 16) % 3 == 0) {
        spec.kind = REGION_FILE;
        spec.backing = f->file;
        spec.file_offset = range.begin * PAGE_BYTES;
        spec.file_bytes = (PAGES - range.begin) * PAGE_BYTES;
    }
    return spec;
}

static void step_insert(struct fixture *f)
{
    struct range range = random_range(f, 8);
    struct region_spec spec = random_spec(f, range);
    struct region *out = NULL;
    bool is_free = model_is_free(&f->model, range.begin, range.end);

    enum region_result result =
        regions_insert(f->regions, address_of(range.begin), address_of(range.end), &spec, &out);
    assert_int_equal(result, is_free ? REGION_OK : REGION_OVERLAPS);
    if (!is_free) {
        return;
    }
    assert_ptr_equal(out, regions_find(f->regions, address_of(range.begin)));
    for (uint64_t i = range.begin; i < range.end; i++) {
        f->model.page[i] = page_of_spec(&spec, i - range.begin);
    }
}

static void step_remove(struct fixture *f)
{
    struct range range = random_range(f, 12);

    assert_int_equal(
        regions_remove(f->regions, address_of(range.begin), address_of(range.end)), REGION_OK);
    memset(&f->model.page[range.begin], 0, (range.end - range.begin) * sizeof(struct page));
}

static void step_protect(struct fixture *f)
{
    struct range range = random_range(f, 32);
    uint8_t permissions = (uint8_t)(next_random(&f->seed) % 4);
    bool full = model_is_full(&f->model, range.begin, range.end);

    assert_int_equal(
        regions_protect(
            f->regions, address_of(range.begin), address_of(range.end), permissions),
        full ? REGION_OK : REGION_HOLE);
    for (uint64_t i = range.begin; full && i < range.end; i++) {
        f->model.page[i].permissions = permissions;
    }
}

/* Move the end of whatever lies at a random page: growing continues it, shrinking frees. */
static void step_move_end(struct fixture *f)
{
    struct range range = random_range(f, 16);
    struct region *region = regions_find(f->regions, address_of(range.begin));

    if (region == NULL) {
        return;
    }
    uint64_t begin = page_of(region->begin), old = page_of(region->end);
    struct region_spec spec = region->spec;
    bool is_free = range.end <= old || model_is_free(&f->model, old, range.end);
    assert_int_equal(
        regions_move_end(f->regions, region, address_of(range.end)),
        is_free ? REGION_OK : REGION_OVERLAPS);
    for (uint64_t i = begin; is_free && i < (old > range.end ? old : range.end); i++) {
        f->model.page[i] =
            i < range.end ? page_of_spec(&spec, i - begin) : (struct page){.used = false};
    }
}

/* The highest place by trying each. */
static bool model_gap(
    const struct model *model, uint64_t pages, uint64_t align, uint64_t below, uint64_t *begin)
{
    uint64_t first = BASE / PAGE_BYTES; /* alignment is that of addresses */

    if (pages > PAGES || pages > below) {
        return false;
    }
    for (uint64_t at = below - pages + 1; at-- > 0;) {
        if ((first + at) % align == 0 && model_is_free(model, at, at + pages)) {
            *begin = at;
            return true;
        }
    }
    return false;
}

static void step_find_gap(struct fixture *f)
{
    uint64_t r = next_random(&f->seed);
    uint64_t pages = 1 + r % 40, align = UINT64_C(1) << (r >> 16) % 5;
    uint64_t below = (r >> 32) % (PAGES + 1), wanted = 0;
    struct gva begin;

    bool found = regions_find_gap(
        f->regions, pages * PAGE_BYTES, align * PAGE_BYTES, address_of(below), &begin);
    assert_int_equal(found, model_gap(&f->model, pages, align, below, &wanted));
    if (found) {
        assert_int_equal(page_of(begin), wanted);
    }
}

static void test_regions_agree_with_an_array_of_pages(void **state)
{
    struct fixture *f = *state;
    size_t most = 0;

    for (unsigned step = 0; step < 40000; step++) {
        uint64_t r = next_random(&f->seed) % 100;
        if (r < 45) {
            step_insert(f);
        } else if (r < 60) {
            step_remove(f);
        } else if (r < 75) {
            step_protect(f);
        } else if (r < 85) {
            step_move_end(f);
        } else {
            step_find_gap(f);
        }
        if (step % 4 == 0) {
            compare(f);
        }
        most = regions_count(f->regions) > most ? regions_count(f->regions) : most;
    }
    assert_true(most > 60); /* the tree was not a handful of nodes */
}

/* --- single claims --- */

static const struct region_spec plain = {
    .kind = REGION_ANONYMOUS, .permissions = REGION_READ, .page_shift = PAGE_SHIFT};

static void
insert(struct fixture *f, uint64_t begin, uint64_t end, const struct region_spec *spec)
{
    assert_int_equal(
        regions_insert(f->regions, address_of(begin), address_of(end), spec, NULL), REGION_OK);
}

static void test_regions_refuse_ranges_outside_empty_and_unaligned(void **state)
{
    struct fixture *f = *state;
    const struct {
        uint64_t begin, end;
    } bad[] = {
        {BASE - PAGE_BYTES, BASE + PAGE_BYTES},
        {BASE, BASE + (PAGES + 1) * PAGE_BYTES},
        {BASE, BASE},
        {BASE + PAGE_BYTES, BASE},
        {BASE + 1, BASE + PAGE_BYTES},
        {BASE, BASE + PAGE_BYTES + 8},
        {BASE + PAGE_BYTES, 0},
        {UINT64_MAX - PAGE_BYTES + 1, PAGE_BYTES},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct gva begin = gva_of(bad[i].begin), end = gva_of(bad[i].end);
        assert_int_equal(regions_insert(f->regions, begin, end, &plain, NULL), REGION_OUTSIDE);
        assert_int_equal(regions_remove(f->regions, begin, end), REGION_OUTSIDE);
        assert_int_equal(regions_protect(f->regions, begin, end, 0), REGION_OUTSIDE);
    }
    assert_int_equal(regions_count(f->regions), 0);
}

static void test_regions_of_large_pages_are_cut_at_large_pages(void **state)
{
    struct fixture *f = *state;
    struct region_spec large = plain;
    struct err err;

    regions_destroy(f->regions);
    assert_true(regions_create(&f->regions, gva_of(0), gva_of(8 * LARGE_BYTES), &err));
    large.page_shift = LARGE_SHIFT;
    struct gva begin = gva_of(LARGE_BYTES), end = gva_of(5 * LARGE_BYTES);
    assert_int_equal(
        regions_insert(f->regions, gva_add(begin, PAGE_BYTES), end, &large, NULL),
        REGION_OUTSIDE);
    assert_int_equal(regions_insert(f->regions, begin, end, &large, NULL), REGION_OK);
    assert_int_equal(
        regions_remove(f->regions, gva_of(2 * LARGE_BYTES), gva_of(3 * LARGE_BYTES + 0x1000)),
        REGION_OUTSIDE);
    assert_int_equal(
        regions_protect(f->regions, gva_of(2 * LARGE_BYTES + 0x1000), end, 0), REGION_OUTSIDE);
    assert_int_equal(regions_count(f->regions), 1); /* nothing was changed */
    assert_int_equal(
        regions_remove(f->regions, gva_of(2 * LARGE_BYTES), gva_of(3 * LARGE_BYTES)),
        REGION_OK);
    assert_int_equal(regions_count(f->regions), 2);
}

static void test_regions_of_stacks_and_guards_stay_apart(void **state)
{
    static const enum region_kind kinds[] = {REGION_STACK, REGION_GUARD};
    struct fixture *f = *state;

    for (uint64_t i = 0; i < 2; i++) {
        struct region_spec spec = plain;
        spec.kind = kinds[i];
        insert(f, i * 10, i * 10 + 2, &spec);
        insert(f, i * 10 + 2, i * 10 + 4, &spec);
        assert_int_equal(regions_count(f->regions), 2 * i + 2);
    }
}

static void test_regions_of_a_file_keep_their_place_in_it(void **state)
{
    struct fixture *f = *state;
    const struct region_spec spec = {
        .kind = REGION_FILE,
        .permissions = REGION_READ,
        .page_shift = PAGE_SHIFT,
        .backing = f->file,
        .file_offset = 0x7000,
        .file_bytes = 2 * PAGE_BYTES + 0x123};

    insert(f, 10, 16, &spec);
    assert_int_equal(regions_protect(f->regions, address_of(12), address_of(14), 0), REGION_OK);
    const struct region *middle = regions_find(f->regions, address_of(12));
    const struct region *last = regions_find(f->regions, address_of(14));
    assert_int_equal(middle->spec.file_offset, 0x9000);
    assert_int_equal(middle->spec.file_bytes, 0x123);
    assert_int_equal(last->spec.file_offset, 0xb000);
    assert_int_equal(last->spec.file_bytes, 0);
    assert_int_equal(f->file->references, 4); /* ours and three regions' */
    assert_int_equal(
        regions_protect(f->regions, address_of(12), address_of(14), REGION_READ), REGION_OK);
    assert_int_equal(regions_count(f->regions), 1);
    assert_int_equal(f->file->references, 2);
}

static void test_regions_move_begin_grows_into_free_space_only(void **state)
{
    struct fixture *f = *state;

    struct region_spec stack = plain;
    stack.kind = REGION_STACK;
    insert(f, 10, 12, &plain);
    insert(f, 20, 22, &stack);
    struct region *region = regions_find(f->regions, address_of(20));
    assert_int_equal(regions_move_begin(f->regions, region, address_of(11)), REGION_OVERLAPS);
    assert_int_equal(regions_move_begin(f->regions, region, address_of(22)), REGION_OUTSIDE);
    assert_int_equal(
        regions_move_begin(f->regions, region, gva_of(BASE - PAGE_BYTES)), REGION_OUTSIDE);
    assert_int_equal(regions_move_begin(f->regions, region, address_of(12)), REGION_OK);
    assert_ptr_equal(regions_find(f->regions, address_of(12)), region);
    assert_int_equal(regions_total_bytes(f->regions), 12 * PAGE_BYTES);
    struct gva begin;
    assert_true(regions_find_gap(f->regions, PAGE_BYTES, PAGE_BYTES, address_of(22), &begin));
    assert_int_equal(page_of(begin), 9); /* the gap between them is known to be gone */
}

/* Of the region at a page: what was recorded of it is no longer all. */
static bool must_describe(const struct fixture *f, uint64_t page)
{
    struct region *region = regions_find(f->regions, address_of(page));
    bool must = !region->described;

    region->described = true;
    return must;
}

static void test_regions_are_described_again_after_each_change(void **state)
{
    struct fixture *f = *state;

    insert(f, 20, 30, &plain);
    assert_true(must_describe(f, 20));
    assert_false(must_describe(f, 20));
    insert(f, 30, 32, &plain); /* becomes one with it */
    assert_true(must_describe(f, 20));
    struct region *region = regions_find(f->regions, address_of(20));
    assert_int_equal(regions_move_begin(f->regions, region, address_of(18)), REGION_OK);
    assert_true(must_describe(f, 20));
    assert_int_equal(regions_move_end(f->regions, region, address_of(34)), REGION_OK);
    assert_true(must_describe(f, 20));
    assert_int_equal(
        regions_protect(f->regions, address_of(18), address_of(34), REGION_READ), REGION_OK);
    assert_true(must_describe(f, 20));
    assert_int_equal(regions_remove(f->regions, address_of(24), address_of(26)), REGION_OK);
    assert_true(must_describe(f, 20));
    assert_true(must_describe(f, 30));
}

/* --- many --- */

#define MANY 100000

/* Nodes from the root to a region, both counted. */
static unsigned depth_of(const struct region *region)
{
    unsigned depth = 0;

    for (; region != NULL; region = region->parent) {
        depth++;
    }
    return depth;
}

/*
 * A random tree of n nodes is about 4.3 ln n deep (Devroye, "A note on the height of binary
 * search trees", 1986): 50 for 100,000; its mean depth about 2 ln n: 23.  In order of address,
 * which makes a tree without balance a list.
 */
static void test_regions_of_a_hundred_thousand_stay_shallow(void **state)
{
    struct fixture *f = *state;
    uint64_t sum = 0;
    unsigned deepest = 0;
    struct gva begin;
    struct err err;

    regions_destroy(f->regions);
    assert_true(
        regions_create(&f->regions, address_of(0), address_of(UINT64_C(2) * MANY), &err));
    for (uint64_t i = 0; i < MANY; i++) {
        insert(f, 2 * i, 2 * i + 1, &plain);
    }
    assert_int_equal(regions_count(f->regions), MANY);
    for (uint64_t i = 0; i < MANY; i++) {
        unsigned depth = depth_of(regions_find(f->regions, address_of(2 * i)));
        sum += depth;
        deepest = depth > deepest ? depth : deepest;
    }
    assert_in_range(deepest, 17, 60);
    assert_in_range(sum / MANY, 15, 30);
    /* All gaps but the last are one page: the search must not visit them. */
    assert_false(regions_find_gap(
        f->regions, 2 * PAGE_BYTES, PAGE_BYTES, address_of(UINT64_C(2) * MANY), &begin));
    assert_int_equal(regions_remove(f->regions, address_of(5000), address_of(5001)), REGION_OK);
    assert_true(regions_find_gap(
        f->regions, 3 * PAGE_BYTES, PAGE_BYTES, address_of(UINT64_C(2) * MANY), &begin));
    assert_int_equal(page_of(begin), 4999);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_regions_agree_with_an_array_of_pages),
        TEST(test_regions_refuse_ranges_outside_empty_and_unaligned),
        TEST(test_regions_of_large_pages_are_cut_at_large_pages),
        TEST(test_regions_of_stacks_and_guards_stay_apart),
        TEST(test_regions_of_a_file_keep_their_place_in_it),
        TEST(test_regions_move_begin_grows_into_free_space_only),
        TEST(test_regions_are_described_again_after_each_change),
        TEST(test_regions_of_a_hundred_thousand_stay_shallow),
    };

    return cmocka_run_group_tests_name("regions", tests, NULL, NULL);
}
