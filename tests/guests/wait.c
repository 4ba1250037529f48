/*
 * A program that does not end by itself, for tests of what ends it.  It refuses to know how: it
 * says "waiting" and then, by its argument, loops, sleeps, reads standard input to its end, or
 * writes for ever.  Read tests/kvm/test_endings.c next.
 *
 * expect: wait read | exit=0 | stdout=waiting | stdout=0 bytes
 * expect: wait read | stdin=tests/guests/lines.txt | exit=0 | stdout=27 bytes
 * expect: wait | exit=2
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int read_all(void)
{
    char buffer[512];
    size_t total = 0;
    ssize_t n;

    while ((n = read(STDIN_FILENO, buffer, sizeof(buffer))) > 0) {
        total += (size_t)n;
    }
    printf("%zu bytes\n", total);
    return n == 0 ? 0 : 1;
}

static int write_for_ever(void)
{
    while (puts("waiting") >= 0 && fflush(stdout) == 0) {
    }
    return 1;
}

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";
    volatile unsigned long turns = 0;

    printf("waiting\n");
    fflush(stdout);
    if (strcmp(what, "read") == 0) {
        return read_all();
    }
    if (strcmp(what, "write") == 0) {
        return write_for_ever();
    }
    while (strcmp(what, "loop") == 0) {
        turns = turns + 1;
    }
    while (strcmp(what, "sleep") == 0) {
        sleep(1000);
    }
    return 2;
}
