/*
 * Question: what becomes of an exception that is no page fault?
 * Method: divide by zero.  #DE reaches the host as any vector does; Linux says SIGFPE.
 *
 * expect: divide | exit=136 | stdout=dividing 1 by 0
 */
#include "print.h"
#include "start.h"

int main(int argc, char **argv, char **envp)
{
    unsigned int quotient = 1;

    (void)argc;
    (void)argv;
    (void)envp;
    print_to(1, "dividing 1 by 0\n");
    /* In assembly, as to the compiler a division by zero is undefined. */
    __asm__ volatile("xorl %%edx, %%edx\n\t"
                     "divl %%edx"
                     : "+a"(quotient)
                     :
                     : "edx", "cc");
    print_to(1, "the quotient is %u\n", quotient);
    return 1;
}
