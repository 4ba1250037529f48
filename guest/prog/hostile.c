/*
 * Question: can a program harm the machine it runs on, or leave it without a reason being told?
 * Method: `hostile MODE [ARGUMENT]` does one thing that no honest program does; it must end as
 * below, or print what it found and exit 0 where the machine may go on.  Exit 1: the attack was
 * let through (a privileged instruction went by, a request took a bad pointer), 2: usage.
 *
 * Where several statuses are listed, CPUs and back ends differ: `int n` is #UD under KVM-PVM
 * and #GP elsewhere, sysenter and sysexit are #UD on AMD in long mode, xsetbv is #UD unless
 * CR4.OSXSAVE is set. `lstar ADDRESS` wants the address of the system-call entry; there KVM-PVM
 * cannot tell it from a system call and serves it (exit_group(7)), which gains the program
 * nothing.
 *
 * Stack and flow of control:
 * expect: hostile killstack | exit=139
 * expect: hostile killstack-noncanonical | exit=135 | qemu=139
 * expect: hostile killstack-kernel | exit=139
 * expect: hostile stack-in-text | exit=139 | run.read-only=1
 * expect: hostile execute-stack | exit=139 | run.no-execute=1
 * expect: hostile jump-null | exit=139 | run.unmapped=1
 * expect: hostile jump-noncanonical | exit=139
 * expect: hostile jump-kernel | exit=139 | run.kernel-page=1
 * expect: hostile jump-top | exit=139
 * expect: hostile load-noncanonical | exit=139
 * expect: hostile store-kernel | exit=139 | run.kernel-page=1
 * expect: hostile store-tables | exit=139 | run.kernel-page=1
 * expect: hostile lstar | exit=139,7
 * expect: hostile unmap-self | exit=139
 * expect: hostile protect-self | exit=139 | run.no-access=1
 * expect: hostile exit-300 | exit=44
 * expect: hostile spin | options=--timeout=1 | exit=124
 * expect: hostile faultloop | options=--timeout=1 | exit=124
 * expect: hostile syscall-loop | options=--timeout=1 | exit=124
 *
 * Instructions:
 * expect: hostile in | exit=139
 * expect: hostile out | exit=139
 * expect: hostile outs | exit=139
 * expect: hostile hlt | exit=139
 * expect: hostile cli | exit=139
 * expect: hostile int-80 | exit=139,132 | linux=0,139
 * expect: hostile int-3 | exit=133
 * expect: hostile int-14 | exit=139,132
 * expect: hostile ud2 | exit=132
 * expect: hostile rdpmc | exit=139
 * expect: hostile rdmsr | exit=139
 * expect: hostile wrmsr | exit=139
 * expect: hostile read-cr3 | exit=139
 * expect: hostile write-cr3 | exit=139
 * expect: hostile write-cr0 | exit=139
 * expect: hostile write-dr7 | exit=139
 * expect: hostile lgdt | exit=139
 * expect: hostile lidt | exit=139
 * expect: hostile ltr | exit=139
 * expect: hostile invlpg | exit=139
 * expect: hostile wbinvd | exit=139 | qemu=1
 * expect: hostile swapgs | exit=139
 * expect: hostile clts | exit=139
 * expect: hostile sysenter | exit=139,132
 * expect: hostile sysexit | exit=139,132
 * expect: hostile sysret | exit=139
 * expect: hostile xsetbv | exit=139,132
 * expect: hostile iret-kernel | exit=139
 * expect: hostile load-cs | exit=139
 * expect: hostile load-ss | exit=139
 * expect: hostile call-gate | exit=139,132
 * expect: hostile single-step | exit=133
 * expect: hostile alignment | exit=135 | qemu=1
 * expect: hostile nested-task | exit=0
 * expect: hostile iopl | exit=0
 * expect: hostile direction | exit=0
 * expect: hostile mov-ss-syscall | exit=133
 * expect: hostile sse-exception | exit=136 | qemu=1
 * expect: hostile x87-exception | exit=136
 *
 * Requests:
 * expect: hostile pointers | exit=0 | stdout=pointers: ok
 * expect: hostile edges | exit=0 | stdout=edges: ok
 * expect: hostile ranges | exit=0 | stdout=ranges: ok
 * expect: hostile numbers | exit=0 | stdout=numbers: ok
 * expect: hostile names | exit=0 | stdout=names: ok
 *
 * Processes and signals:
 * expect: hostile bad-frames | exit=0 | stdout=bad-frames: ok
 * expect: hostile absurd | exit=0 | stdout=absurd: ok
 * expect: hostile bomb | options=--max-processes=50 | exit=0 | stdout=bomb: ok
 *
 * expect: hostile | exit=2
 * expect: hostile no-such-mode | exit=2
 */
#include "hostile/hostile.h"

#include <stddef.h>

#include "mem.h"
#include "print.h"
#include "start.h"

static const struct hostile_mode *const groups[] = {
    hostile_flow,
    hostile_instructions,
    hostile_processes,
    hostile_requests,
};

static const struct hostile_mode *find_mode(const char *name)
{
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        for (const struct hostile_mode *mode = groups[i]; mode->name != NULL; mode++) {
            if (strcmp(mode->name, name) == 0) {
                return mode;
            }
        }
    }
    return NULL;
}

static void print_usage(void)
{
    struct print out;

    print_begin(&out, 2);
    print_format(&out, "usage: hostile MODE [ARGUMENT], MODE one of:\n");
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        for (const struct hostile_mode *mode = groups[i]; mode->name != NULL; mode++) {
            print_format(&out, " %s", mode->name);
        }
        print_format(&out, "\n");
    }
    print_flush(&out);
}

int main(int argc, char **argv, char **envp)
{
    const struct hostile_mode *mode = argc >= 2 ? find_mode(argv[1]) : NULL;
    unsigned long argument = 0;

    (void)envp;
    if (mode == NULL || argc > 3 || (argc == 3 && mem_parse_number(argv[2], &argument) != 0)) {
        print_usage();
        return 2;
    }
    return mode->run(argument);
}
