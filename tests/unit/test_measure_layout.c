/* Layouts and cycles: what each promises about pages, lines and frames; jumps as code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "measure/cold_walk.h"
#include "measure/jumps.h"
#include "measure/lab.h"
#include "measure/layout.h"

#define PAGES 200

/* Frame and line of a word, as one number. */
static size_t line_of(const struct layout *layout, enum layout_set set, size_t word)
{
    const struct layout_word *at = &layout->words[set][word];

    return layout->maps[at->map].frame * (size_t)LAYOUT_PAGE_LINES +
           at->offset / LAYOUT_LINE_BYTES;
}

static void make_uniq(struct layout *layout, size_t pages)
{
    struct err err;
    uint64_t *address = lab_addresses(pages, PAGE_BYTES, &err);

    assert_non_null(address);
    assert_true(layout_make_uniq(layout, address, pages, 7, &err));
    free(address);
}

static void test_layout_uniq_gives_each_page_its_line(void **state)
{
    struct layout layout;
    bool seen[PAGES + LAYOUT_PAGE_LINES] = {false};

    (void)state;
    make_uniq(&layout, PAGES);
    for (size_t i = 0; i < PAGES; i++) {
        size_t line = line_of(&layout, LAYOUT_TEST, i);
        assert_true(line < sizeof(seen));
        assert_false(seen[line]);
        seen[line] = true;
        assert_int_equal(layout.words[LAYOUT_TEST][i].map, i);
    }
    layout_destroy(&layout);
}

/* Two pages whose addresses may look alike to the data cache's way prediction: 64 apart. */
static void test_layout_uniq_gives_pages_64_apart_different_lines(void **state)
{
    struct layout layout;

    (void)state;
    make_uniq(&layout, PAGES);
    for (size_t i = 0; i + LAYOUT_PAGE_LINES < PAGES; i++) {
        assert_int_not_equal(
            layout.words[LAYOUT_TEST][i].offset,
            layout.words[LAYOUT_TEST][i + LAYOUT_PAGE_LINES].offset);
    }
    layout_destroy(&layout);
}

static void test_layout_control_has_the_same_lines_in_few_pages(void **state)
{
    struct layout layout;

    (void)state;
    make_uniq(&layout, PAGES);
    layout_scatter(&layout, 3);
    for (size_t i = 0; i < PAGES; i++) {
        assert_int_equal(line_of(&layout, LAYOUT_TEST, i), line_of(&layout, LAYOUT_CONTROL, i));
    }
    assert_int_equal(layout.map_count - PAGES, (PAGES + 63) / 64);
    layout_destroy(&layout);
}

static void test_layout_words_of_the_sets_never_overlap(void **state)
{
    struct layout layout;

    (void)state;
    make_uniq(&layout, PAGES);
    for (size_t i = 0; i < PAGES; i++) {
        assert_int_equal(
            layout.words[LAYOUT_CONTROL][i].offset % LAYOUT_LINE_BYTES, LAYOUT_CONTROL_BYTES);
        assert_int_equal(layout.words[LAYOUT_TEST][i].offset % LAYOUT_LINE_BYTES, 0);
    }
    assert_true(JUMPS_BYTES_MAX <= LAYOUT_CONTROL_BYTES);
    layout_destroy(&layout);
}

static void test_layout_leaves_have_frames_of_their_own(void **state)
{
    struct layout layout;
    struct err err;
    size_t control_maps = 0;

    (void)state;
    assert_true(layout_make_leaves(&layout, 2, EXP_PAGES, 192, LAYOUT_THP, &err));
    assert_int_equal(layout.backing, LAYOUT_THP);
    assert_int_equal(layout.frame_count, 192);
    for (size_t i = 0; i < 192; i++) {
        uint64_t at = layout_word_address(&layout, LAYOUT_TEST, i);
        assert_int_equal(at / LARGE_BYTES, EXP_PAGES / LARGE_BYTES + i);
        assert_int_equal(layout.maps[i].frame, i);
        uint32_t map = layout.words[LAYOUT_CONTROL][i].map;
        control_maps = map + 1 > control_maps ? map + 1 : control_maps;
        assert_int_equal(
            layout.words[LAYOUT_CONTROL][i].offset,
            layout.words[LAYOUT_TEST][i].offset + LAYOUT_CONTROL_BYTES);
    }
    assert_int_equal(control_maps, 3);
    layout_destroy(&layout);
}

/* More than fill every line of every colour; the last frame is not full. */
#define SHARED        2100
#define SHARED_FRAMES ((size_t)9)

static void make_shared(struct layout *layout)
{
    struct err err;

    assert_true(layout_make_shared(layout, EXP_PAGES, SHARED, LAYOUT_HUGETLB, &err));
}

static void test_layout_shared_pages_are_names_of_few_frames(void **state)
{
    struct layout layout;

    (void)state;
    make_shared(&layout);
    assert_true(layout.shared);
    assert_int_equal(layout.level, 2);
    assert_int_equal(layout.backing, LAYOUT_HUGETLB);
    assert_int_equal(layout.frame_count, SHARED_FRAMES);
    assert_int_equal(layout.map_count, SHARED + SHARED_FRAMES);
    for (size_t i = 0; i < SHARED; i++) {
        uint64_t at = layout_word_address(&layout, LAYOUT_TEST, i);
        assert_int_equal(layout.words[LAYOUT_TEST][i].map, i);
        assert_int_equal(at / LARGE_BYTES, EXP_PAGES / LARGE_BYTES + i);
        assert_int_equal(layout.maps[i].frame, i / LAYOUT_SHARERS);
    }
    /* The control shows each frame once, in order, behind everything else. */
    for (size_t f = 0; f < SHARED_FRAMES; f++) {
        assert_int_equal(layout.maps[SHARED + f].frame, f);
        assert_int_equal(
            layout.maps[SHARED + f].address, layout.maps[SHARED].address + f * LARGE_BYTES);
    }
    assert_true(layout.maps[SHARED].address > layout.maps[SHARED - 1].address);
    assert_int_equal(layout.maps[SHARED].address % LARGE_BYTES, 0);
    assert_true(layout_tables(&layout) < 20);
    layout_destroy(&layout);
}

/* Line number within the frames, of a word. */
static size_t shared_line(const struct layout *layout, enum layout_set set, size_t word)
{
    const struct layout_word *at = &layout->words[set][word];

    return (layout->maps[at->map].frame * LARGE_BYTES + at->offset) / LAYOUT_LINE_BYTES;
}

static void test_layout_shared_gives_each_word_its_line(void **state)
{
    const size_t lines = SHARED_FRAMES * LARGE_BYTES / LAYOUT_LINE_BYTES;
    struct layout layout;
    bool *seen = calloc(lines, sizeof(*seen));

    (void)state;
    assert_non_null(seen);
    make_shared(&layout);
    for (size_t i = 0; i < SHARED; i++) {
        for (enum layout_set set = 0; set < LAYOUT_SETS; set++) {
            size_t line = shared_line(&layout, set, i);
            assert_true(line < lines);
            assert_false(seen[line]);
            seen[line] = true;
        }
    }
    free(seen);
    layout_destroy(&layout);
}

/* A host that shadows tables keeps a list of the names of each small page. */
static void test_layout_shared_gives_a_small_page_few_names(void **state)
{
    struct layout layout;
    unsigned *names = calloc(SHARED_FRAMES * PTE_ENTRIES, sizeof(*names));
    unsigned *dense = calloc(SHARED_FRAMES * PTE_ENTRIES, sizeof(*dense));
    size_t dense_pages = 0;

    (void)state;
    assert_non_null(names);
    assert_non_null(dense);
    make_shared(&layout);
    for (size_t i = 0; i < SHARED; i++) {
        size_t page = shared_line(&layout, LAYOUT_TEST, i) / LAYOUT_PAGE_LINES;
        size_t control = shared_line(&layout, LAYOUT_CONTROL, i) / LAYOUT_PAGE_LINES;
        assert_true(++names[page] <= 2);
        dense_pages += dense[control]++ == 0;
        assert_true(dense[control] <= LAYOUT_PAGE_LINES);
    }
    /* The control needs few translations, whatever size they have. */
    assert_int_equal(dense_pages, (SHARED + LAYOUT_PAGE_LINES - 1) / LAYOUT_PAGE_LINES);
    free(names);
    free(dense);
    layout_destroy(&layout);
}

/* 2048 neighbours use each set of a cache with 2048 of them once, and 256 each of 256 sets of a TLB that
 * is indexed by the 7 lowest bits of the small page's number and the lowest of the large one's. */
static void test_layout_shared_spreads_over_sets(void **state)
{
    struct layout layout;
    bool line[2048] = {false};

    (void)state;
    make_shared(&layout);
    for (size_t i = 0; i < 2048; i++) {
        size_t set = shared_line(&layout, LAYOUT_TEST, i) % 2048;
        assert_false(line[set]);
        line[set] = true;
    }
    for (size_t i = 0; i < 2048; i += 256) {
        bool entry[256] = {false};
        for (size_t j = i; j < i + 256; j++) {
            uint64_t page = layout_word_address(&layout, LAYOUT_TEST, j) / PAGE_BYTES;
            size_t set = (page & 127) | (page >> 9 & 1) << 7;
            assert_false(entry[set]);
            entry[set] = true;
        }
    }
    layout_destroy(&layout);
}

/* Oracle: the hash that AMD's cores of today show (measured: bits 12^27, 13^26, 14^25, 15^20, 16^21,
 * 17^22, 18^23, 19^24): two lines of one set and one hash drive each other out. */
static unsigned way_hash(uint64_t address)
{
    static const unsigned char pairs[8][2] = {{12, 27}, {13, 26}, {14, 25}, {15, 20},
                                              {16, 21}, {17, 22}, {18, 23}, {19, 24}};
    unsigned hash = 0;

    for (unsigned bit = 0; bit < 8; bit++) {
        hash |= (unsigned)((address >> pairs[bit][0] ^ address >> pairs[bit][1]) & 1) << bit;
    }
    return hash;
}

static void test_layout_shared_keeps_way_prediction_out(void **state)
{
    struct layout layout;
    bool seen[LAYOUT_PAGE_LINES][256] = {{false}};

    (void)state;
    make_shared(&layout);
    for (size_t i = 0; i < 2048; i++) {
        uint64_t at = layout_word_address(&layout, LAYOUT_TEST, i);
        bool *same = &seen[at / LAYOUT_LINE_BYTES % LAYOUT_PAGE_LINES][way_hash(at)];
        assert_false(*same);
        *same = true;
    }
    layout_destroy(&layout);
}

/* Line of the table of a level in which the entry of an address lies. */
static uint64_t table_line(uint64_t address, unsigned level)
{
    return (address >> (12 + 9 * (level - 1)) & 511) / 8;
}

/* The neighbour shares every entry above the cold levels, and at the uppermost cold one not even the
 * line beside: a prefetcher might bring that one. */
static void test_cold_walk_neighbours_share_what_is_to_be_warm(void **state)
{
    const uint64_t address = EXP_PAGES + UINT64_C(0x5a5a5a5000);

    (void)state;
    assert_int_equal(cold_walk_mask(1) % PAGE_BYTES, 0);
    assert_int_not_equal(cold_walk_mask(1), 0);
    assert_int_equal(table_line(address, 1), table_line(address ^ cold_walk_mask(1), 1));
    for (unsigned cold = 2; cold < COLD_WALK_LEVELS; cold++) {
        uint64_t other = address ^ cold_walk_mask(cold);
        unsigned level = cold - 1; /* the uppermost that is cold */
        assert_int_equal(address >> (12 + 9 * level), other >> (12 + 9 * level));
        assert_true(
            llabs((long long)table_line(address, level) - (long long)table_line(other, level)) >
            1);
    }
}

static void test_layout_names_differ_by_their_mask(void **state)
{
    const uint64_t masks[] = {UINT64_C(1) << 12, UINT64_C(1) << 30, UINT64_C(3) << 20};
    struct layout layout;
    struct err err;

    (void)state;
    assert_true(layout_make_names(&layout, EXP_PAGES, masks, 3, &err));
    for (size_t m = 0; m < 3; m++) {
        uint64_t a = layout_word_address(&layout, LAYOUT_TEST, 2 * m);
        uint64_t b = layout_word_address(&layout, LAYOUT_TEST, 2 * m + 1);
        assert_int_equal((a ^ b) & ~(PAGE_BYTES - 1), masks[m]);
        assert_int_equal(
            line_of(&layout, LAYOUT_TEST, 2 * m), line_of(&layout, LAYOUT_TEST, 2 * m + 1));
        assert_int_not_equal(
            line_of(&layout, LAYOUT_CONTROL, 2 * m),
            line_of(&layout, LAYOUT_CONTROL, 2 * m + 1));
    }
    layout_destroy(&layout);
}

static void test_layout_cycle_is_one_cycle(void **state)
{
    uint64_t random = 1;

    (void)state;
    for (size_t count = 1; count <= 64; count++) {
        uint32_t next[64];
        size_t length = 0;
        size_t at = 0;
        layout_make_cycle(next, count, &random);
        do {
            at = next[at];
            length++;
        } while (at != 0 && length <= count);
        assert_int_equal(length, count);
    }
}

/* Oracle: the displacement counts from the end of the jump (SDM volume 2, "JMP"). */
static void test_jumps_lead_to_the_next_word(void **state)
{
    uint8_t code[JUMPS_BYTES_MAX];
    int32_t distance;

    (void)state;
    assert_int_equal(jumps_encode(code, 0x1000, 0x400, false), 5);
    memcpy(&distance, code + 1, sizeof(distance));
    assert_int_equal(code[0], 0xe9);
    assert_int_equal(0x1000 + 5 + distance, 0x400);

    size_t bytes = jumps_encode(code, 0x1000, 0x9000, true);
    assert_int_equal(bytes, 13);
    memcpy(&distance, code + 7, sizeof(distance));
    assert_int_equal(0x1000 + 11 + distance, 0x9000);
    assert_int_equal(code[5], 5); /* jz over the jump, to the way out */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout_uniq_gives_each_page_its_line),
        cmocka_unit_test(test_layout_uniq_gives_pages_64_apart_different_lines),
        cmocka_unit_test(test_layout_control_has_the_same_lines_in_few_pages),
        cmocka_unit_test(test_layout_words_of_the_sets_never_overlap),
        cmocka_unit_test(test_layout_leaves_have_frames_of_their_own),
        cmocka_unit_test(test_layout_shared_pages_are_names_of_few_frames),
        cmocka_unit_test(test_layout_shared_gives_each_word_its_line),
        cmocka_unit_test(test_layout_shared_gives_a_small_page_few_names),
        cmocka_unit_test(test_layout_shared_spreads_over_sets),
        cmocka_unit_test(test_layout_shared_keeps_way_prediction_out),
        cmocka_unit_test(test_cold_walk_neighbours_share_what_is_to_be_warm),
        cmocka_unit_test(test_layout_names_differ_by_their_mask),
        cmocka_unit_test(test_layout_cycle_is_one_cycle),
        cmocka_unit_test(test_jumps_lead_to_the_next_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
