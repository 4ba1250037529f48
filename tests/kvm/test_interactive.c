/*
 * Runs that stop at faults and obey commands: scripts of them over guest programs, with what is said
 * compared line by line (addresses, frames and places in the source stand as *), and what the program
 * then does.  Then the ends of a session: end of input, signals, a terminal with completion.  What
 * can be typed is in tests/unit/test_interactive.c.  Runs in the stage: ./vmm, ./NAME.elf.
 */
#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "kvm_ring.h"
#include "launch.h"
#include "scratch.h"

/* One run of a script. */
struct run {
    struct scratch scratch;
    char script[SCRATCH_BYTES];
    struct launch_result result;
    char *said; /* owns: standard error, with * for what differs from build to build */
};

static size_t put(char *to, const char *text)
{
    size_t bytes = strlen(text);

    memcpy(to, text, bytes + 1);
    return bytes;
}

/* "0x401388", "frame 521", and all of a line that says a place: replaced by *. */
static char *normalize(const char *text, const char *script)
{
    char *out = calloc(1, 2 * strlen(text) + 1);
    size_t used = 0;

    assert_non_null(out);
    while (*text != '\0') {
        bool line = used == 0 || out[used - 1] == '\n';
        if (line && strncmp(text, "  0x", 4) == 0) {
            text += strcspn(text, "\n");
            out[used++] = '*';
        } else if (strncmp(text, script, strlen(script)) == 0) {
            text += strlen(script);
            used += put(out + used, "SCRIPT");
        } else if (strncmp(text, "0x", 2) == 0) {
            text += 2 + strspn(text + 2, "0123456789abcdef");
            out[used++] = '*';
        } else if (line && strncmp(text, "fault ", 6) == 0) {
            /* How many there were before depends on where the stack begins. */
            text += 6 + strspn(text + 6, "0123456789");
            used += put(out + used, "fault *");
        } else if (strncmp(text, "frame ", 6) == 0 && isdigit((unsigned char)text[6])) {
            text += 6 + strspn(text + 6, "0123456789");
            used += put(out + used, "frame *");
        } else {
            out[used++] = *text++;
        }
    }
    return out;
}

#define ARGUMENTS_MAX 16

/* words: what follows `./vmm --quiet -x SCRIPT`, one string, cut at blanks. */
static void start(struct run *run, const char *words, const char *script)
{
    char text[512];
    char *argv[ARGUMENTS_MAX + 1] = {"./vmm", "--quiet", "--timeout=60", "-x", run->script};
    unsigned count = 5;

    scratch_create(&run->scratch);
    scratch_write(&run->scratch, "script", script, strlen(script));
    scratch_path(&run->scratch, "script", run->script);
    snprintf(text, sizeof(text), "%s", words);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_true(count < ARGUMENTS_MAX);
        argv[count++] = word;
    }
    launch(&run->result, argv, NULL, NULL);
    run->said = normalize(run->result.errors, run->script);
}

static void finish(struct run *run)
{
    free(run->said);
    launch_free(&run->result);
    scratch_destroy(&run->scratch);
}

static void assert_has(const struct run *run, const char *part)
{
    if (strstr(run->said, part) == NULL) {
        fail_msg("'%s' is not in:\n%s", part, run->said);
    }
}

static void assert_status(const struct run *run, int status)
{
    if (run->result.status != status) {
        fail_msg("status %d and not %d:\n%s", run->result.status, status, run->said);
    }
}

static void check(const char *words, const char *script, int status, const char *const *parts)
{
    struct run run;

    start(&run, words, script);
    for (; *parts != NULL; parts++) {
        assert_has(&run, *parts);
    }
    assert_status(&run, status);
    finish(&run);
}

#define PARTS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* --- whole transcripts --- */

static void test_session_reads_as_it_was_typed(void **state)
{
    static const char script[] =
        "# two faults\ncontinue\ndecide default\n\nbreak kind=demand-zero\n"
        "breaks\ncontinue\ndecide zero\ndecide zero\nquit\ninfo\n";
    static const char expected[] =
        "guest.elf is loaded; help lists the commands\n"
        "*\n"
        "(vmm) continue\n"
        "fault *: process 1 jumps to * (r-x text of guest.elf): file-load\n"
        "*\n"
        "(vmm) decide default\n"
        "  => file-load: map-file, frame *\n"
        "(vmm) break kind=demand-zero\n"
        "break 1\n"
        "(vmm) breaks\n"
        "  1  kind=demand-zero, matched 0 times\n"
        "(vmm) continue\n"
        "fault *: process 1 writes to * (rw- bss): demand-zero\n"
        "*\n"
        "(vmm) decide zero\n"
        "  => demand-zero: map-zero, frame *\n"
        "(vmm) decide zero\n"
        "SCRIPT:9: decide: this fault is decided already\n"
        "(vmm) quit\n"
        "the run is over: ended by quit\n"
        "SCRIPT:11: this command and what follows were not reached\n"
        "vmm: guest.elf: ended by quit\n";
    struct run run;

    (void)state;
    start(&run, "guest.elf", script);
    assert_string_equal(run.said, expected);
    assert_string_equal(run.result.output, "");
    assert_status(&run, 137);
    finish(&run);
}

static void test_walk_shows_each_level(void **state)
{
    (void)state;
    check(
        "guest.elf",
        "continue\nwalk\ndecide default\nwalk $cr2\nwalk 0x8000000000000000\nwalk\nrun\n", 0,
        PARTS(
            "(vmm) walk\n"
            "walk of *, CR3 *\n"
            "  level 4 PML4[  0] *  absent\n"
            "  fails at level 4: the entry is not present\n"
            "  a fault here would be: read file-load, write read-only, execute file-load\n",
            "  level 4 PML4[  0] *  table at *: writable, user\n"
            "  level 3 PDPT[  0] *  table at *: writable, user\n",
            "  4 KiB page, frame *: read-only, user, accessed\n"
            "  translates to *; ring 3 may: read yes, write no (level 1), execute yes\n"
            "  a fault here would be: read spurious, write read-only, execute spurious\n",
            "  fails before level 4: bits 63 to 48 do not repeat bit 47",
            "the run is over: exited with status 0\n"));
}

static void test_looking_changes_nothing(void **state)
{
    (void)state;
    check(
        "guest.elf",
        "continue\ninfo\nregs\nwhere\nmaps\ntables\ntables $cr2\nframes\nframes 0\nframes 520\n"
        "tlb\ntlb $rsp\nx/4gx $rsp\nx/s $rsp\nx/2i $rip\ndecide default\nx/2i $rip\nx/8xb "
        "$rip\n"
        "x/2c $rip\nx/a $rsp\nx $rip\nx/4dh $rsp\nx/t $rip\nhelp\nhelp decide\nhelp x\nrun\n",
        0,
        PARTS(
            "  session: none\n", "rax *   rbx *   rcx *\n", "cr2 *\n", "_start() start.S:",
            "in text of guest.elf+*\n", "regions                       perm",
            " of 512 entries in use\n", "of 262144 frames of 4 KiB in use",
            "(vmm) frames 0\nframe * at *: ", "of 4 KiB and 0 of 2 MiB",
            "not present, so no TLB holds it", ":\t*\t*\n",
            "*: not in memory (a read would be: file-load)\n", "=> file-load: map-file",
            "_start() start.S:13>:\txorl %ebp, %ebp\n", ":\t*\t*\t*\t*\t*\t*\t*\t*\n", "'1'",
            "decide zero|copy|map FRAME|share|refuse|signal [NAME]|default\n",
            "the run is over: exited with status 0\n"));
}

/* --- bad commands --- */

static void test_bad_commands_are_one_line_and_the_session_goes_on(void **state)
{
    (void)state;
    check(
        "guest.elf",
        "wlak\nwalk\nstep x\ncontinue 0\ncontinue\ndecide zreo\ndecide map\ndecide map 0\n"
        "decide map 99999999999\ndecide map 1\ndecide copy\ndecide share\ndecide zero now\n"
        "decide signal SIGSTOP\ndelete 7\nprotect 0x10 r-x\nprotect $rip rwx\nprotect $rip x\n"
        "evict 0x10\nevict 0xffffffff80000000\nrecord on\nrecord maybe\nframes 99999999\n"
        "until nowhere\nuntil 0xffffffff80000000\nx/3q 0\ntables 5-4\nhelp wlak\nrun\n",
        0,
        PARTS(
            "SCRIPT:1: unknown command 'wlak': did you mean 'walk'?\n",
            "SCRIPT:2: the program does not stand at a fault: an address is missing\n",
            "SCRIPT:3: 'x' is not a count (a number, decimal or *...)\n",
            "SCRIPT:4: a count is at least 1\n",
            "SCRIPT:6: decide: no 'zreo': did you mean 'zero'?\n",
            "SCRIPT:7: decide map: which frame?", "SCRIPT:8: frame * holds ",
            "SCRIPT:9: frame * was never handed out\n", "SCRIPT:10: frame * holds ",
            "(vmm) decide copy\n  => file-load: map-file",
            "SCRIPT:12: decide: this fault is decided already\n",
            "SCRIPT:14: decide: this fault is decided already\n",
            "SCRIPT:15: there is no break 7", "SCRIPT:16: protect: part of *-* is in no region",
            "SCRIPT:17: protect: no page may be writable and executable at once\n",
            "SCRIPT:18: 'x' are no permissions",
            "SCRIPT:19: evict: the page of * is not in memory\n",
            "SCRIPT:20: evict: the kernel's pages stay\n",
            "SCRIPT:21: record: there is no session",
            "SCRIPT:22: record: no 'maybe' (on or off)\n",
            "SCRIPT:23: frames are 0 to 262143\n",
            "SCRIPT:24: the program has no function or initialised variable 'nowhere'\n",
            "SCRIPT:25: until: a program does not get to the kernel's half\n",
            "SCRIPT:26: x/3q: 'q' does not belong there", "SCRIPT:27: '5-4' is not a range",
            "SCRIPT:28: unknown command 'wlak': did you mean 'walk'?\n",
            "the run is over: exited with status 0\n"));
}

static void test_answers_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    check(
        "cow.elf child 1",
        "break kind=demand-zero\ncontinue\ndecide copy\ndecide share\ndecide map 520\ndelete "
        "all\n"
        "break kind=cow\ncontinue\ndecide zero\ndecide map 521\ndelete all\nbreak "
        "kind=segfault\n"
        "run\n",
        0,
        PARTS(
            "cannot decide copy: the page has no contents to copy: zero, map or default\n",
            "cannot decide share: nobody else has this page in memory\n",
            "cannot decide zero: the page is there, and its write is copy-on-write: copy,",
            "cannot decide map: the page is there, and its write is copy-on-write"));
    check(
        "readonly.elf",
        "break kind=segfault\ncontinue\ndecide zero\ndecide default\ndecide zero\nrun\n", 139,
        PARTS(
            "): read-only\n",
            "cannot decide zero: the region does not allow the access (see protect)\n",
            "  => read-only: SIGSEGV\n"));
    check(
        "nullderef.elf", "break kind=unmapped\ncontinue\ndecide map 520\nrun\n", 139,
        PARTS("(no region): unmapped\n", "cannot decide map: no region holds the address\n"));
}

/* --- decisions --- */

static void test_decide_zero_gives_zeros_for_text(void **state)
{
    (void)state;
    check(
        "guest.elf", "continue\ndecide zero\nx/2gx $rip\nstep\nrun\n", 139,
        PARTS("  => file-load: map-zero, frame *\n", "(no region): unmapped\n", "SIGSEGV"));
}

static void test_decide_share_is_seen_by_the_other(void **state)
{
    static const char script[] =
        "break kind=cow-copy,process=2,region=%s\ncontinue\ndecide share\n"
        "walk\nrun\n";
    char text[256];
    struct run run;

    (void)state;
    /* The child writes its page; the parent, which checks its own contents afterwards, sees that. */
    snprintf(text, sizeof(text), script, "anonymous");
    start(&run, "cow.elf child 1", text);
    assert_has(&run, "  => cow-copy: upgrade, frame *\n");
    assert_has(&run, "write yes");
    if (run.result.status == 0) {
        fail_msg("the parent saw nothing:\n%s", run.said);
    }
    finish(&run);
    check(
        "cow.elf child 1", "break kind=cow-copy,process=2\ncontinue\ndecide copy\nrun\n", 0,
        PARTS("  => cow-copy: copy, frame *\n"));
}

static void test_decide_copy_copies_what_nobody_shares(void **state)
{
    (void)state;
    check(
        "cow.elf both 1", "break kind=cow-reuse\ncontinue\ndecide copy\nwalk\nrun\n", 0,
        PARTS("  => cow-copy: copy, frame *\n", "exited with status 0"));
    check(
        "cow.elf both 1", "break kind=cow-reuse\ncontinue\ndecide default\nrun\n", 0,
        PARTS("  => cow-reuse: upgrade, frame *\n"));
}

/* The number behind the last "frame " before `mark`. */
static unsigned frame_before(const char *text, const char *mark)
{
    const char *end = text != NULL ? strstr(text, mark) : NULL;
    unsigned frame = 0;

    if (end == NULL) {
        fail_msg("'%s' was not said", mark);
        return 0;
    }
    for (const char *next = text; next < end; next++) {
        if (strncmp(next, "frame ", 6) == 0) {
            frame = (unsigned)strtoul(next + 6, NULL, 10);
        }
    }
    assert_int_not_equal(frame, 0);
    return frame;
}

static void test_decide_map_shows_a_page_twice(void **state)
{
    char text[512];
    struct run run;

    (void)state;
    start(&run, "guest.elf", "continue\ndecide default\nbreaks\nx/4gx $rip-$rip\nquit\n");
    unsigned frame = frame_before(run.result.errors, "(vmm) breaks");
    finish(&run);
    snprintf(
        text, sizeof(text),
        "break kind=demand-zero\ncontinue\ndecide map %u\nframes %u\nwalk\nx/4xb $cr2\n"
        "break kind=cow\ncontinue\nrun\n",
        frame, frame);
    check(
        "guest.elf", text, 0,
        PARTS(
            "  => demand-zero: share, frame *\n", ": data, 2 references\n",
            "write no (level 1)", "): cow-copy\n", "exited with status 0"));
}

static void test_decide_refuse_and_signal_end_the_program(void **state)
{
    (void)state;
    check(
        "guest.elf", "break kind=demand-zero\ncontinue\ndecide refuse\nrun\n", 139,
        PARTS("  => no-access: SIGSEGV\n", "SIGSEGV, decided at the prompt: write of *"));
    check(
        "guest.elf", "break kind=demand-zero\ncontinue\ndecide signal bus\nrun\n", 128 + SIGBUS,
        PARTS("  => demand-zero: SIGBUS\n", "SIGBUS, decided at the prompt"));
    check(
        "guest.elf", "break kind=demand-zero\ncontinue\ndecide signal KILL\nrun\n", 137,
        PARTS("SIGKILL"));
}

/* --- permissions and eviction --- */

static void test_protect_then_fault(void **state)
{
    (void)state;
    check(
        "guest.elf",
        "break kind=demand-zero\ncontinue\nprotect $cr2 r--\ndecide zero\ninfo\ndecide "
        "default\nrun\n",
        139,
        PARTS(
            "*-* is r-- now\n",
            "cannot decide zero: the region does not allow the access (see protect)\n",
            "): read-only\n", "  => read-only: SIGSEGV\n"));
    /* And given back before it counts. */
    check(
        "guest.elf",
        "break kind=demand-zero\ncontinue\nprotect $cr2 r--\nprotect $cr2 rw-\ndecide "
        "zero\nrun\n",
        0, PARTS("*-* is rw- now\n", "  => demand-zero: map-zero"));
}

static void test_evicted_page_comes_back_from_swap(void **state)
{
    (void)state;
    check(
        "--swap=1M guest.elf",
        "break kind=stack-growth\nbreak kind=swap-in\nuntil main\nx/gx $rsp\nevict $rsp\nx/gx "
        "$rsp\n"
        "walk $rsp\nevict $rsp\ncontinue\ninfo\ndecide copy\nx/gx $rsp\nrun\n",
        0,
        PARTS(
            "is free; the page is in slot 0 of swap\n",
            "*: not in memory (a read would be: swap-in)\n", "absent: in slot 0 of swap\n",
            "evict: the page of * is not in memory\n", "): swap-in\n",
            "  => swap-in: swap-in, frame *\n", "exited with status 0"));
    check(
        "guest.elf", "until main\nevict $rsp\nevict $rip\nrun\n", 0,
        PARTS(
            "cannot go: its contents are nowhere else, and there is no --swap\n",
            "is free; the page comes back as at its first touch\n", "exited with status 0"));
}

static void test_zeros_for_a_swapped_page_are_zeros(void **state)
{
    (void)state;
    check(
        "--swap=1M cow.elf both 8",
        "break kind=cow-reuse\ncontinue\nevict $cr2\ninfo\ndecide zero\nx/2gx "
        "$cr2\nwalk\nquit\n",
        137, PARTS("): swap-in\n", "  => swap-in: map-zero, frame *\n", ":\t*\t*\n"));
}

/* --- going on --- */

static void test_step_counts_instructions_and_system_calls(void **state)
{
    (void)state;
    check(
        "hello.elf", "continue\ndecide default\nwhere\nstep\nwhere\nstep 2\nwhere\nrun\n", 0,
        PARTS(
            "  => xorl %ebp, %ebp (2 bytes)\n", "  => movq (%rsp), %rdi (4 bytes)\n",
            "exited with status 0"));
    /* All of the program, one instruction at a time: its system calls work, and no flag is left. */
    check(
        "guest.elf", "delete all\nbreak kind=segfault\nstep 4000\nregs\nstep 4000\nrun\n", 0,
        PARTS("process 1:\n", "exited with status 0"));
}

/* These programs look at their flags, handle signals and faults, and fork. */
static void test_steps_leave_no_trap_flag_behind(void **state)
{
    static const char *const programs[] = {
        "signals-glibc.elf flags",  "signals-glibc.elf fault",    "signals-glibc.elf context",
        "signals-glibc.elf nested", "signals-glibc.elf children", "processes-glibc.elf fork",
        "processes-glibc.elf vfork"};
    char words[128];

    (void)state;
    if (kvm_ring_is_emulated()) {
        /* And see kvm_ring_is_emulated_shadow_svm(). */
        kvm_ring_leave_out("20,000 steps through each of seven programs");
    }
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        snprintf(words, sizeof(words), "tests/guests/%s", programs[i]);
        check(
            words, "break kind=kernel-page\nuntil main\nstep 20000\nrun\n", 0,
            PARTS("process 1 is there:\n", "exited with status 0"));
    }
}

static void test_until_reaches_code_and_data(void **state)
{
    (void)state;
    check(
        "guest.elf", "until main\nwhere\nuntil observe\nwhere\nuntil observe\nwhere\nrun\n", 0,
        PARTS(
            "process 1 is there:\n",
            " main() guest.c:", " observe() guest.c:", "exited with status 0"));
    check(
        "guest.elf", "break kind=segfault\nuntil 0x10000\nx $rip\n", 0,
        PARTS("exited with status 0", "this command and what follows were not reached\n"));
}

static void test_breaks_filter_and_count(void **state)
{
    (void)state;
    check(
        "--break kind=cow,process=2 cow.elf both 8", "continue\ncontinue 3\nbreaks\nrun\n", 0,
        PARTS(": process 2 writes to ", "): cow-", "matched 4 times\n"));
    check(
        "--break kind=cow,count=5 cow.elf both 8", "continue\nbreaks\nrun\n", 0,
        PARTS("count=5, matched 5 times\n"));
    check(
        "--break region=stack stackgrow.elf", "continue\ninfo\nrun\n", 0,
        PARTS("(rw- stack): "));
    check(
        "guest.elf", "continue 4\nbreak range=$cr2\nbreak range=$cr2+4K,count=2\nbreaks\nrun\n",
        0, PARTS("fault *: ", "range=*-*, matched 0 times\n"));
    check(
        "--break kind=cov guest.elf", "run\n", 125,
        PARTS("option '--break': 'cov' is no kind of fault: did you mean 'cow'?\n"));
}

static void test_kind_that_is_told_is_the_kind_that_comes(void **state)
{
    static const char *const programs[] = {
        "cow.elf both",
        "cow.elf parent-first",
        "touch.elf 4096 8",
        "stackgrow.elf",
        "readonly.elf",
        "noexec.elf",
        "kernelpage.elf",
        "forkchain.elf",
        "--page-size=2m heap.elf",
        "--frames=16 --swap=1M --policy=fifo matmul.elf 24",
        "--frames=24 --swap=1M cow.elf both 64"};
    enum { STOPS = 300 };
    static char script[STOPS * 9 + 1];

    (void)state;
    for (unsigned i = 0; i < STOPS; i++) {
        put(script + (size_t)i * 9, "continue\n");
    }
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        struct run run;
        char told[64] = "", came[64];
        unsigned faults = 0;
        start(&run, programs[i], script);
        for (char *line = strtok(run.result.errors, "\n"); line != NULL;
             line = strtok(NULL, "\n")) {
            const char *colon = strrchr(line, ' ');
            if (strncmp(line, "fault ", 6) == 0 && colon != NULL) {
                snprintf(told, sizeof(told), "%s", colon + 1);
            } else if (sscanf(line, "  => %63[a-z-]:", came) == 1) {
                assert_string_equal(came, told);
                faults++;
            }
        }
        assert_true(faults >= 4);
        finish(&run);
    }
}

/* Faults in the session that a script's run leaves. */
static unsigned count_recorded(const char *script)
{
    struct scratch folder = {0};
    char path[SCRATCH_BYTES], words[300], command[SCRATCH_BYTES + 16];
    struct launch_result exported;
    struct run run;
    unsigned lines = 0;

    scratch_create(&folder);
    scratch_path(&folder, "session", path);
    snprintf(words, sizeof(words), "--session=%s guest.elf", path);
    start(&run, words, script);
    assert_has(&run, "faults are recorded\n");
    assert_status(&run, 0);
    finish(&run);
    char *const argv[] = {"./vmm", "export", "--format=csv", path, NULL};
    launch(&exported, argv, NULL, NULL);
    assert_int_equal(exported.status, 0);
    for (const char *at = strchr(exported.output, '\n'); at != NULL;
         at = strchr(at + 1, '\n')) {
        lines++;
    }
    launch_free(&exported);
    snprintf(command, sizeof(command), "rm -rf '%s'", path);
    assert_int_equal(system(command), 0); // NOLINT: a folder of the test's own
    scratch_destroy(&folder);
    return lines;
}

static void test_record_off_leaves_faults_out(void **state)
{
    (void)state;
    unsigned all = count_recorded("continue\nrecord on\ninfo\ncontinue 3\nrun\n");
    unsigned some = count_recorded("continue\nrecord off\ninfo\ncontinue 3\nrecord on\nrun\n");
    /* The first three of them were decided in between. */
    assert_true(all > 8);
    assert_int_equal(all - some, 3);
}

/* --- ends --- */

static void test_end_of_input_ends_the_guest(void **state)
{
    struct scratch scratch;
    char path[SCRATCH_BYTES];
    struct launch_result result;
    char *const argv[] = {"./vmm", "--quiet", "-i", "guest.elf", NULL};

    (void)state;
    check("guest.elf", "continue", 137, PARTS("ended at the end of the commands\n"));
    check("guest.elf", "", 137, PARTS("ended at the end of the commands\n"));
    scratch_create(&scratch);
    scratch_write(&scratch, "input", "continue\ninf", 12);
    launch(&result, argv, scratch_path(&scratch, "input", path), NULL);
    assert_int_equal(result.status, 137);
    assert_non_null(strstr(result.errors, "(vmm) inf\nfault 1: "));
    assert_non_null(strstr(result.errors, "ended at the end of the commands"));
    launch_free(&result);
    launch(&result, argv, NULL, NULL);
    assert_int_equal(result.status, 137);
    launch_free(&result);
    scratch_destroy(&scratch);
}

static void test_guest_reads_its_own_input(void **state)
{
    struct launch_result result;
    char *const missing[] = {"./vmm", "--stdin=/nonexistent/x", "hello.elf", NULL};

    (void)state;
    launch(&result, missing, NULL, NULL);
    assert_int_equal(result.status, 125);
    assert_non_null(strstr(result.errors, "--stdin: cannot read /nonexistent/x"));
    launch_free(&result);
}

/* A signal to vmm while it waits at the prompt, and while the guest runs. */
static void test_signals_end_the_session(void **state)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

    (void)state;
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        int ends[2];
        struct launch_child child;
        struct launch_result result;
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        char *const argv[] = {"./vmm", "--quiet", "-i", "tests/guests/wait-glibc.elf",
                              "sleep", NULL};
        const struct launch_setup setup = {.argv = argv, .input = ends[0]};
        launch_start(&child, &setup);
        close(ends[0]);
        if (i == 0) {
            assert_int_equal(write(ends[1], "run\n", 4), 4);
            assert_true(launch_await(&child, "\n"));
        }
        struct pollfd fd = {.fd = child.stream[1].fd, .events = POLLIN};
        assert_true(i == 0 || poll(&fd, 1, 30000) == 1);
        assert_int_equal(kill(child.pid, signals[i]), 0);
        launch_end(&child, &result);
        assert_int_equal(result.status, 128 + signals[i]);
        assert_non_null(strstr(result.errors, "interrupted by SIG"));
        launch_free(&result);
        close(ends[1]);
    }
}

static void await_text(int fd, char *all, size_t bytes, const char *text)
{
    while (strstr(all, text) == NULL) {
        size_t used = strlen(all);
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, 30000) != 1 || used + 1 >= bytes) {
            fail_msg("'%s' did not come:\n%s", text, all);
        }
        ssize_t n = read(fd, all + used, bytes - 1 - used);
        if (n <= 0) {
            fail_msg("the terminal ended before '%s':\n%s", text, all);
        }
        all[used + (size_t)n] = '\0';
    }
}

static void type(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* Completion by Tab, history by the arrow, Ctrl-C back to the prompt, and Ctrl-C there. */
static void test_terminal_completes_and_stops(void **state)
{
    static char all[1 << 16];
    const struct winsize size = {.ws_row = 24, .ws_col = 200};
    int terminal, status;
    pid_t pid = forkpty(&terminal, NULL, NULL, &size);

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0) {
        setenv("TERM", "vt100", 1);
        /* libedit keeps two texts of its key bindings for ever. */
        setenv("LSAN_OPTIONS", "detect_leaks=0", 1);
        execl(
            "./vmm", "./vmm", "--quiet", "-i", "tests/guests/wait-glibc.elf", "loop",
            (char *)NULL);
        _exit(127);
    }
    memset(all, 0, sizeof(all));
    await_text(terminal, all, sizeof(all), "(vmm) ");
    type(terminal, "brea\t");
    type(terminal, "s\n");
    await_text(terminal, all, sizeof(all), "no breaks: every fault stops the program");
    all[0] = '\0';
    type(terminal, "\033[A\n");
    await_text(terminal, all, sizeof(all), "no breaks: every fault stops the program");
    all[0] = '\0';
    type(terminal, "decide z\t\n");
    await_text(terminal, all, sizeof(all), "does not stand at a fault");
    all[0] = '\0';
    type(terminal, "run\n");
    await_text(terminal, all, sizeof(all), "waiting");
    type(terminal, "\003");
    await_text(terminal, all, sizeof(all), "process 1 stopped:");
    all[0] = '\0';
    type(terminal, "info\n");
    await_text(terminal, all, sizeof(all), "pages in memory");
    type(terminal, "\003");
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 130);
    close(terminal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session_reads_as_it_was_typed),
        cmocka_unit_test(test_walk_shows_each_level),
        cmocka_unit_test(test_looking_changes_nothing),
        cmocka_unit_test(test_bad_commands_are_one_line_and_the_session_goes_on),
        cmocka_unit_test(test_answers_that_do_not_fit_are_refused),
        cmocka_unit_test(test_decide_zero_gives_zeros_for_text),
        cmocka_unit_test(test_decide_share_is_seen_by_the_other),
        cmocka_unit_test(test_decide_copy_copies_what_nobody_shares),
        cmocka_unit_test(test_decide_map_shows_a_page_twice),
        cmocka_unit_test(test_decide_refuse_and_signal_end_the_program),
        cmocka_unit_test(test_protect_then_fault),
        cmocka_unit_test(test_evicted_page_comes_back_from_swap),
        cmocka_unit_test(test_zeros_for_a_swapped_page_are_zeros),
        cmocka_unit_test(test_step_counts_instructions_and_system_calls),
        cmocka_unit_test(test_steps_leave_no_trap_flag_behind),
        cmocka_unit_test(test_until_reaches_code_and_data),
        cmocka_unit_test(test_breaks_filter_and_count),
        cmocka_unit_test(test_kind_that_is_told_is_the_kind_that_comes),
        cmocka_unit_test(test_record_off_leaves_faults_out),
        cmocka_unit_test(test_end_of_input_ends_the_guest),
        cmocka_unit_test(test_guest_reads_its_own_input),
        cmocka_unit_test(test_signals_end_the_session),
        cmocka_unit_test(test_terminal_completes_and_stops),
    };

    return kvm_ring_run("test_interactive", tests, sizeof(tests) / sizeof(tests[0]));
}
