/*
 * Question: can ring 3 read the kernel's pages, which are mapped in its own address space?
 * Method: load from LAYOUT_KERNEL_BASE.  The entry is present without the user bit, so the load
 * must fault; Linux says SIGSEGV with SEGV_MAPERR for any address in the upper half.
 *
 * expect: kernelpage | exit=139 | run.kernel-page=1 | stdout=reading 0xffffffff80000000
 */
#include <stdint.h>

#include "layout.h"

#include "print.h"
#include "start.h"

int main(int argc, char **argv, char **envp)
{
    const volatile uint64_t *kernel = (const volatile uint64_t *)LAYOUT_KERNEL_BASE;

    (void)argc;
    (void)argv;
    (void)envp;
    print_to(1, "reading %#lx\n", (unsigned long)LAYOUT_KERNEL_BASE);
    print_to(1, "it holds %#lx\n", *kernel);
    return 1;
}
