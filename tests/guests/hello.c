/*
 * The unmodified C program that any user would try first.  It refuses to know the laboratory.
 * Read libc.c next for what else a libc asks of the system under it.
 *
 * expect: hello | exit=0 | stdout=hello, world
 * expect: hello a "b c" | exit=0 | stdout=argument 1: a | stdout=argument 2: b c
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
    const char *home = getenv("HOME");
    char *copy = malloc(100000);

    if (copy == NULL) {
        return 1;
    }
    snprintf(copy, 100000, "hello, %s", "world");
    printf("%s\n", copy);
    for (int i = 1; i < argc; i++) {
        printf("argument %d: %s\n", i, argv[i]);
    }
    printf("HOME is %s\n", home != NULL ? home : "not set");
    printf("the clock is %s\n", time(NULL) > 1600000000 ? "plausible" : "wrong");
    free(copy);
    return 0;
}
