/*
 * Starts commands in turn, several rounds, and says how long each took to its first byte of output
 * and to its end, and how much memory it had.  It refuses to know what the commands are.  Read
 * bench/run for its use.
 *
 *   launch ROUNDS COMMAND... [-- COMMAND...]...
 *
 * Prints a line for each run of a command: its number (from 0), ns from start to the first byte, ns
 * from start to the end, peak resident KiB.  A command that fails, or prints nothing, ends it all.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

struct measured {
    uint64_t first_ns;
    uint64_t exit_ns;
    long peak_kib;
};

_Noreturn static void fail(const char *what, const char *command)
{
    fprintf(stderr, "launch: %s: %s: %s\n", command, what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Standard output goes to a pipe, standard error nowhere. */
static pid_t start(char **command, int output[2])
{
    posix_spawn_file_actions_t actions;
    pid_t pid;

    if (pipe2(output, O_CLOEXEC) != 0 || posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO) != 0 ||
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) !=
            0) {
        fail("cannot prepare", command[0]);
    }
    errno = posix_spawnp(&pid, command[0], &actions, NULL, command, environ);
    if (errno != 0) {
        fail("cannot start", command[0]);
    }
    posix_spawn_file_actions_destroy(&actions);
    close(output[1]);
    return pid;
}

static struct measured measure(char **command)
{
    struct measured measured;
    struct rusage usage;
    char buffer[4096];
    int output[2];
    int status;

    uint64_t begin_ns = now_ns();
    pid_t pid = start(command, output);
    if (read(output[0], buffer, sizeof(buffer)) <= 0) {
        errno = ENODATA;
        fail("no output", command[0]);
    }
    measured.first_ns = now_ns() - begin_ns;
    while (read(output[0], buffer, sizeof(buffer)) > 0) {
    }
    if (wait4(pid, &status, 0, &usage) != pid) {
        fail("cannot wait", command[0]);
    }
    measured.exit_ns = now_ns() - begin_ns;
    measured.peak_kib = usage.ru_maxrss;
    close(output[0]);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "launch: %s failed, wait status 0x%x\n", command[0], (unsigned)status);
        exit(1);
    }
    return measured;
}

/* One round: each command once.  Cut into commands by the NULLs that main put there. */
static void run_round(char **words, char **end)
{
    unsigned number = 0;

    for (char **command = words; command < end; number++) {
        struct measured measured = measure(command);

        printf(
            "%u %llu %llu %ld\n", number, (unsigned long long)measured.first_ns,
            (unsigned long long)measured.exit_ns, measured.peak_kib);
        while (*command != NULL) {
            command++;
        }
        command++;
    }
}

int main(int argc, char **argv)
{
    unsigned long rounds = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;

    if (rounds == 0) {
        fprintf(stderr, "usage: launch ROUNDS COMMAND... [-- COMMAND...]...\n");
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            argv[i] = NULL;
            if (argv[i - 1] == NULL || i == 2 || i + 1 == argc) {
                fprintf(stderr, "launch: an empty command\n");
                return 2;
            }
        }
    }
    for (unsigned long i = 0; i < rounds; i++) {
        run_round(argv + 2, argv + argc);
    }
    return 0;
}
