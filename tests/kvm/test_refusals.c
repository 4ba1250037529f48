/*
 * Everything that a user can get wrong, each with one clear line on standard error, exit status
 * 125, and nothing on standard output.  It refuses to know how it is found out; what is in a
 * damaged ELF file is the business of tests/unit/test_elf.c.  Runs in the stage: ./vmm,
 * ./hello.elf.
 */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "kvm_ring.h"
#include "launch.h"
#include "scratch.h"

#define WORDS(...) ((char *const[]){__VA_ARGS__, NULL})

static void check(const struct launch_setup *setup, const char *words)
{
    struct launch_child child;
    struct launch_result result;

    launch_start(&child, setup);
    launch_end(&child, &result);
    const char *newline = strchr(result.errors, '\n');
    if (result.status != 125 || result.output[0] != '\0' ||
        strncmp(result.errors, "vmm: ", 5) != 0 || strstr(result.errors, words) == NULL ||
        newline == NULL || newline[1] != '\0') {
        fail_msg(
            "wanted one line with \"%s\"\n  exit status %d\n  output: %s\n  errors: %s", words,
            result.status, result.output, result.errors);
    }
    launch_free(&result);
}

static void refuses(char *const *argv, const char *words)
{
    const struct launch_setup setup = {.argv = argv};

    check(&setup, words);
}

static void refuses_file(const struct scratch *scratch, const char *name, const char *words)
{
    char path[SCRATCH_BYTES];

    refuses(WORDS("./vmm", scratch_path(scratch, name, path)), words);
}

static void
refuses_bytes(const struct scratch *scratch, const void *data, size_t bytes, const char *words)
{
    scratch_write(scratch, "program", data, bytes);
    refuses_file(scratch, "program", words);
}

/* --- files --- */

static void test_refusals_of_what_is_no_program(void **state)
{
    const struct scratch *scratch = *state;
    char path[SCRATCH_BYTES];

    refuses_file(scratch, "missing", "missing: No such file or directory");
    refuses_bytes(scratch, "", 0, "program: is not an ELF file");
    refuses_bytes(scratch, "hello\n", 6, "program: is not an ELF file");
    refuses_bytes(scratch, "#!/bin/sh\n", 10, "program: is a script");
    refuses(WORDS("./vmm", "/"), "/: is a directory");
    refuses(WORDS("./vmm", "/dev/null"), "/dev/null: is not a regular file");
    refuses(WORDS("./vmm", "hello.elf/x"), "hello.elf/x: Not a directory");
    refuses(WORDS("./vmm", ""), "No such file or directory");
    assert_int_equal(mkfifo(scratch_path(scratch, "fifo", path), 0600), 0);
    refuses_file(scratch, "fifo", "fifo: is not a regular file");
}

static void test_refusals_of_what_may_not_be_read(void **state)
{
    const struct scratch *scratch = *state;
    char path[SCRATCH_BYTES];
    char *const argv[] = {"./vmm", scratch_path(scratch, "secret", path), NULL};
    const struct launch_setup setup = {.argv = argv, .powerless = true};

    scratch_write(scratch, "secret", "\177ELF", 4);
    assert_int_equal(chmod(path, 0), 0);
    check(&setup, "secret: Permission denied");
}

static void test_refusals_of_programs_for_other_machines(void **state)
{
    const struct scratch *scratch = *state;
    size_t bytes;
    char *program = scratch_read("hello.elf", &bytes);
    Elf64_Ehdr *header = (Elf64_Ehdr *)(void *)program;

    header->e_machine = EM_AARCH64;
    refuses_bytes(scratch, program, bytes, "is for AArch64 (ELF machine 183)");
    header->e_machine = EM_X86_64;
    header->e_ident[EI_CLASS] = ELFCLASS32;
    refuses_bytes(scratch, program, bytes, "is a 32-bit program");
    header->e_ident[EI_CLASS] = ELFCLASS64;
    refuses_bytes(scratch, program, 60, "is truncated");
    refuses_bytes(scratch, program, sizeof(*header) + 10, "is truncated");
    free(program);
}

static void test_refusals_of_dynamic_programs_say_how_to_link(void **state)
{
    (void)state;
    refuses(WORDS("./vmm", "./vmm"), "is dynamically linked (wants /");
    refuses(WORDS("./vmm", "./vmm"), "link it with `gcc -static`");
}

/* --- options --- */

static void test_refusals_of_bad_values_say_what_is_allowed(void **state)
{
    (void)state;
    refuses(WORDS("./vmm", "--mem=99999T", "hello.elf"), "'--mem': '99999T' is out of range");
    refuses(WORDS("./vmm", "--mem=0", "hello.elf"), "(allowed: 8M to 512G)");
    refuses(WORDS("./vmm", "--mem=-1G", "hello.elf"), "'--mem': '-1G' is not a size");
    refuses(WORDS("./vmm", "--mem=lots", "hello.elf"), "'--mem': 'lots' is not a size");
    refuses(WORDS("./vmm", "--stack=1", "hello.elf"), "'--stack': '1' is out of range");
    refuses(WORDS("./vmm", "--timeout=soon", "hello.elf"), "'--timeout': 'soon'");
    refuses(WORDS("./vmm", "--format=jsn", "hello.elf"), "(allowed: text, json)");
    refuses(WORDS("./vmm", "--env==x", "hello.elf"), "'--env'");
}

static void test_refusals_of_unknown_options_name_the_nearest(void **state)
{
    (void)state;
    refuses(WORDS("./vmm", "--tarce", "hello.elf"), "'--tarce': did you mean '--trace'?");
    refuses(WORDS("./vmm", "--quite", "hello.elf"), "did you mean '--quiet'?");
    refuses(WORDS("./vmm", "--mem"), "'--mem'");
    refuses(WORDS("./vmm", "--maps=x", "hello.elf"), "'--maps'");
    refuses(WORDS("./vmm", "-y", "hello.elf"), "'-y'");
    refuses(WORDS("./vmm"), "no program given");
    refuses(WORDS("./vmm", "doctor", "--jsn"), "'--json'");
}

static void test_refusals_of_files_that_cannot_be_written(void **state)
{
    (void)state;
    refuses(
        WORDS("./vmm", "--quiet", "--trace=/no/such/folder", "hello.elf"),
        "cannot open /no/such/folder for the trace: No such file or directory");
}

/* The address space of a process with AddressSanitizer cannot be limited. */
static void test_refusals_of_more_memory_than_there_is(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip();
#else
    refuses(
        WORDS("/bin/sh", "-c", "ulimit -v 2000000; exec ./vmm --mem=64G hello.elf"),
        "65536 MiB of guest memory: Cannot allocate memory");
#endif
}

static int set_up(void **state)
{
    static struct scratch scratch;

    scratch_create(&scratch);
    *state = &scratch;
    return 0;
}

static int tear_down(void **state)
{
    scratch_destroy(*state);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_refusals_of_what_is_no_program),
        TEST(test_refusals_of_what_may_not_be_read),
        TEST(test_refusals_of_programs_for_other_machines),
        TEST(test_refusals_of_dynamic_programs_say_how_to_link),
        TEST(test_refusals_of_bad_values_say_what_is_allowed),
        TEST(test_refusals_of_unknown_options_name_the_nearest),
        TEST(test_refusals_of_files_that_cannot_be_written),
        TEST(test_refusals_of_more_memory_than_there_is),
    };

    return kvm_ring_run("kvm/refusals", tests, sizeof(tests) / sizeof(tests[0]));
}
