/*
 * paging: nested or shadow, by a functional test without timing: the host rewrites an entry under a
 * live translation, and the guest sweeps its TLB.  The routine is guest/exp/paging.c.  This is the
 * one place where the host breaks the rule that downgrades are the guest's, on purpose.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvm/probe.h"
#include "measure/catalogue.h"

#define SWEEP_PAGES 16384
#define TRIALS      8
#define WORD_OFFSET 48 /* in the line of a page's word, clear of test and control */
#define OLD_WORD    UINT64_C(0x01d)
#define NEW_WORD    UINT64_C(0x7e3)

/* Page `i` of the layout shows frame f: the words in lines 0 … of a frame, by trial. */
static uint64_t *mark_at(struct field *field, size_t page)
{
    return (uint64_t *)(void *)(field_word(field, SIDE_GUEST, LAYOUT_TEST, page) + WORD_OFFSET);
}

/* Rewrite the leaf of `page` in place, without a word to anyone. */
static void swap_entry(struct field *field, size_t page, size_t other)
{
    struct virtual *guest = &field->guest;
    const struct layout *layout = field->layout;
    struct ptab_walk walk;

    ptab_walk(&guest->ptab, gva_of(layout->maps[page].address), &walk);
    uint64_t *entry = gmem_hva(machine_mem(guest->machine), walk.entry_gpa[1]);
    *entry =
        virtual_frame_gpa(guest, layout->maps[other].frame).value | virtual_leaf_bits(guest);
}

struct trial {
    bool fresh;   /* the new page was seen */
    bool control; /* the page that was left alone showed the same throughout */
};

static bool
run_trial(struct field *field, size_t trial, size_t sweep, struct trial *out, struct err *err)
{
    /* Pages of one line number in different frames: 64 frames apart. */
    size_t page = trial;
    size_t other = trial + (size_t)LAYOUT_PAGE_LINES * LAYOUT_PAGE_LINES;
    size_t control = trial + 2 * (size_t)LAYOUT_PAGE_LINES;
    const struct layout *layout = field->layout;
    struct exp_args args = {
        .start =
            {layout_word_address(layout, LAYOUT_TEST, page) + WORD_OFFSET,
             layout_word_address(layout, LAYOUT_TEST, control) + WORD_OFFSET,
             field_link(field, LAYOUT_TEST, NULL, sweep)},
        .loads = (sweep + EXP_UNROLL - 1) / EXP_UNROLL * EXP_UNROLL};
    uint64_t unexpected;

    *mark_at(field, page) = OLD_WORD;
    *mark_at(field, other) = NEW_WORD;
    *mark_at(field, control) = OLD_WORD;
    if (!virtual_run(&field->guest, EXP_ROUTINE_paging, &args, &unexpected, err)) {
        return false;
    }
    bool before = args.value[0] == OLD_WORD && args.value[2] == OLD_WORD;
    /* The page must be in the TLB when its entry changes: a second run that ends with it. */
    swap_entry(field, page, other);
    if (!virtual_run(&field->guest, EXP_ROUTINE_paging, &args, &unexpected, err)) {
        return false;
    }
    out->fresh = args.value[2] == NEW_WORD;
    out->control = before && args.value[3] == OLD_WORD &&
                   (args.value[2] == OLD_WORD || args.value[2] == NEW_WORD);
    return true;
}

static void conclude(
    struct lab *lab,
    struct result *result,
    const struct trial *trials,
    struct result_figure *figure)
{
    unsigned fresh = 0;
    unsigned controls = 0;

    for (size_t i = 0; i < TRIALS; i++) {
        fresh += trials[i].fresh;
        controls += trials[i].control;
    }
    result_add_control(
        result, controls == TRIALS, "a page left alone showed the same word in %u of %u trials",
        controls, TRIALS);
    if (controls != TRIALS || (fresh != 0 && fresh != TRIALS)) {
        figure_refuse(
            figure, SIDE_GUEST, "the new page was seen in %u of %u trials", fresh, TRIALS);
        return;
    }
    lab->found.paging = fresh != 0 ? LAB_PAGING_NESTED : LAB_PAGING_SHADOW;
    double nested = fresh != 0 ? 1 : 0;
    figure_decide(figure, SIDE_GUEST, (struct estimate){nested, nested, nested});
    figure_read(
        figure, "%s",
        fresh != 0 ? "nested: the processor walks the guest's own tables"
                   : "shadow: the processor walks tables that the hypervisor keeps");
}

static void compare_with_module(struct lab *lab, struct result *result)
{
    struct kvm_facts facts;

    kvm_probe(&facts, lab->kvm_path);
    bool module_nested = facts.paging == KVM_PAGING_EPT || facts.paging == KVM_PAGING_NPT;
    if (facts.paging == KVM_PAGING_UNKNOWN || lab->found.paging == LAB_PAGING_UNKNOWN) {
        result_note(result, "/sys/module says nothing to compare with");
        return;
    }
    result_add_control(
        result, module_nested == (lab->found.paging == LAB_PAGING_NESTED), "%s says %s",
        kvm_backend_name(facts.backend), kvm_paging_name(facts.paging));
}

bool experiment_paging(struct lab *lab, struct result *result, struct err *err)
{
    size_t sweep = lab->quick ? SWEEP_PAGES / 2 : SWEEP_PAGES;
    struct trial trials[TRIALS];
    struct layout layout;
    struct field field;

    if (!lab->wanted[SIDE_GUEST]) {
        result_note(result, "needs the guest, which was not asked for");
        return true;
    }
    struct result_figure *figure = result_add_figure(result, "0/1", "nested paging");
    uint64_t *address = lab_addresses(sweep, PAGE_BYTES, err);
    bool ok = address != NULL && layout_make_uniq(&layout, address, sweep, lab->seed, err);
    free(address);
    if (!ok) {
        return false;
    }
    ok = lab_make_field_on(lab, SIDE_GUEST, &field, &layout, err);
    for (size_t i = 0; ok && i < TRIALS; i++) {
        ok = run_trial(&field, i, sweep, &trials[i], err);
    }
    if (ok) {
        conclude(lab, result, trials, figure);
        compare_with_module(lab, result);
    }
    lab_end_field(lab, &field);
    layout_destroy(&layout);
    return ok;
}
