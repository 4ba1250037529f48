/*
 * Question: does a program start, see its arguments, print and end?
 * Method: print a greeting and each argument, nothing else.  Read README.md here for the lines
 * below.
 *
 * expect: hello | exit=0 | stdout=hello from ring 3
 * expect: hello one "two words" | exit=0 | stdout=argument 1: one
 *   | stdout=argument 2: two words
 */
#include "print.h"
#include "start.h"

int main(int argc, char **argv, char **envp)
{
    struct print out;

    (void)envp;
    print_begin(&out, 1);
    print_format(&out, "hello from ring 3\n");
    for (int i = 1; i < argc; i++) {
        print_format(&out, "argument %d: %s\n", i, argv[i]);
    }
    print_flush(&out);
    return 0;
}
