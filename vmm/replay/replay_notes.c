/*
 * What the numbers of a replay can be taken for.  Faults alone are a part of a reference string:
 * deleting references never makes the optimum worse (any schedule for the whole serves the
 * part), so opt of the part bounds every policy on the whole from below, and so does the number
 * of pages touched; nothing of the kind holds for the other policies.  Read replay_print.h for
 * the contract.
 */
#include <inttypes.h>

#include "replay/replay_print.h"

struct notes {
    char (*text)[REPLAY_NOTE_BYTES];
    size_t count;
};

static void describe_bytes(unsigned shift, char *text, size_t room)
{
    static const char units[] = " KMGT";
    unsigned unit = shift / 10;

    if (unit == 0) {
        snprintf(text, room, "%u-byte", 1U << shift);
    } else {
        snprintf(text, room, "%u%c", 1U << shift % 10, units[unit]);
    }
}

static void note_faults_only(struct notes *notes, const struct references_about *about)
{
    char recorded[32];

    describe_bytes(about->page_shift, recorded, sizeof(recorded));
    snprintf(
        notes->text[notes->count++], REPLAY_NOTE_BYTES,
        "faults only: of each page the session has the accesses that faulted, not those that "
        "found it there.  Pages touched is what came in by a fault: right for pages of %s and "
        "more, a lower bound for smaller ones.",
        recorded);
    snprintf(
        notes->text[notes->count++], REPLAY_NOTE_BYTES,
        "so opt is a lower bound for every policy with as many frames on the whole program; "
        "the other policies, TLBs and the curve answer for these references alone and bound "
        "nothing%s.  For exact answers record with --record=accesses.",
        about->evicting ? "" : " (each page is there about once)");
}

static void note_samples(struct notes *notes)
{
    snprintf(
        notes->text[notes->count++], REPLAY_NOTE_BYTES,
        "samples only: of each period the session has the pages that were touched, each once "
        "and "
        "in the order of addresses.  So working sets are right to a period; the numbers of "
        "policies, TLBs and the curve are estimates, and no page is smaller than 4K.  For "
        "exact "
        "answers record with --record=accesses.");
}

size_t replay_notes(
    char text[REPLAY_NOTES_MAX][REPLAY_NOTE_BYTES],
    const struct replay_plan *plan,
    const struct references_about *about,
    const struct replay_result *result)
{
    struct notes notes = {.text = text};

    if (about->kind == REFERENCES_FAULTS) {
        note_faults_only(&notes, about);
    }
    if (about->kind == REFERENCES_SAMPLED) {
        note_samples(&notes);
    }
    if (about->torn) {
        snprintf(
            notes.text[notes.count++], REPLAY_NOTE_BYTES,
            "the recording was cut off, and so are these numbers: %s", about->tear);
    }
    if (about->discarded > 0) {
        snprintf(
            notes.text[notes.count++], REPLAY_NOTE_BYTES,
            "%" PRIu64 " events of the session found no room on the disk: these numbers miss "
            "them",
            about->discarded);
    }
    if (about->left_out > 0) {
        snprintf(
            notes.text[notes.count++], REPLAY_NOTE_BYTES,
            "%" PRIu64 " faults of the session are no references of this string: outside the "
            "regions whose accesses were recorded, or refused",
            about->left_out);
    }
    if (result->references == 0) {
        snprintf(
            notes.text[notes.count++], REPLAY_NOTE_BYTES, "no reference is left to look at%s",
            result->passed_over > 0 ? ": --range, --access or --phase leave out all" : "");
    }
    if (plan->policy_count > 0 && result->references > 0 && plan->frame_count == 0) {
        snprintf(
            notes.text[notes.count++], REPLAY_NOTE_BYTES,
            "frames: an eighth, a quarter, a half and all of the pages touched (--frames "
            "chooses others)");
    }
    return notes.count;
}
