/*
 * execve: another program in the same process.  Everything that can fail comes first, beside the program
 * that calls: its file, its arguments, a new address space with its stack.  Then the process enters that, and only
 * loses what Linux takes away.  Which file it is says exec_file.c; read load/program.h for the loading.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "linux/exec_file.h"
#include "linux/requests.h"
#include "linux/table.h"

#define STRING_BYTES (UINT64_C(128) << 10) /* MAX_ARG_STRLEN: the longest, its NUL included */

struct exec {
    struct exec_file file;
    struct exec_strings environment;
    size_t room;  /* bytes left for strings and the pointers to them */
    char *buffer; /* owns: STRING_BYTES */
    struct elf_image image;
    struct space *space; /* owns, until the process has it */
    struct program_entry entry;
};

/* --- arguments --- */

/* One string of the program; 0 or an errno. */
static int read_string(struct exec *exec, uint64_t at, struct exec_strings *strings)
{
    struct access *access = &exec->file.process->access;
    int error = access_read_string(access, exec->buffer, gva_of(at), STRING_BYTES);

    if (error != 0) {
        return error == ENAMETOOLONG ? E2BIG : error;
    }
    size_t bytes = strlen(exec->buffer) + 1 + sizeof(uint64_t);
    if (bytes > exec->room) {
        return E2BIG;
    }
    exec->room -= bytes;
    return exec_strings_add(strings, exec->buffer) ? 0 : ENOMEM;
}

/* The vector at `at`, to its NULL; none where that is NULL itself, as Linux. */
static int read_strings(struct exec *exec, uint64_t at, struct exec_strings *strings)
{
    struct access *access = &exec->file.process->access;
    uint64_t string = 0;
    int error = 0;

    for (; error == 0 && at != 0; at += sizeof(string)) {
        error = access_read(access, &string, gva_of(at), sizeof(string));
        if (error != 0 || string == 0) {
            return error;
        }
        error = read_string(exec, string, strings);
    }
    return error;
}

static int read_arguments(struct exec *exec, uint64_t arguments, uint64_t environment)
{
    exec->room = program_room(&exec->file.process->table->machine);
    exec->buffer = malloc(STRING_BYTES);
    if (exec->buffer == NULL) {
        return ENOMEM;
    }
    int error = read_strings(exec, arguments, &exec->file.arguments);
    if (error == 0) {
        error = read_strings(exec, environment, &exec->environment);
    }
    /* A program always has a name, if an empty one. */
    if (error == 0 && exec->file.arguments.count == 0) {
        error = exec_strings_add(&exec->file.arguments, "") ? 0 : ENOMEM;
    }
    return error;
}

/* --- the new address space --- */

/* Whether it is told for the first time, and there are not too many. */
static bool is_news(struct process_table *table, const char *text)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

    for (; *text != '\0'; text++) {
        sum = (sum ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    }
    for (unsigned i = 0; i < table->refusals; i++) {
        if (table->refused[i] == sum) {
            return false;
        }
    }
    if (table->refusals == REFUSALS_MAX) {
        return false;
    }
    table->refused[table->refusals++] = sum;
    return true;
}

/* A file that is no program at all is nothing to tell of: a shell reads it as its own script then. */
static void tell_refusal(const struct exec *exec, const struct err *err)
{
    struct process_table *table = exec->file.process->table;

    if (exec->file.is_elf && table->hooks.refused != NULL && is_news(table, err->text)) {
        table->hooks.refused(table->hooks.context, err->text);
    }
}

static int read_program(struct exec *exec)
{
    const struct gva top = program_top(&exec->file.process->table->machine);
    struct err err;
    int fd = exec->file.fd;

    exec->file.fd = -1;
    if (elf_read_file(&exec->image, fd, exec->file.real, top, &err)) {
        return 0;
    }
    if (err.kind == ERR_ENVIRONMENT) {
        return ENOMEM;
    }
    tell_refusal(exec, &err);
    return ENOEXEC;
}

static int make_space(struct exec *exec)
{
    static const char *const none[] = {NULL};
    const struct process *process = exec->file.process;
    struct access access = process->access;
    const struct program_start start = {
        .arguments = (const char *const *)exec->file.arguments.item,
        .environment =
            exec->environment.count != 0 ? (const char *const *)exec->environment.item : none,
        .name = exec->file.name};
    struct err err;

    if (!space_create(&exec->space, access.space->memory, &err)) {
        return ENOMEM;
    }
    exec->space->process = (uint16_t)process->pid;
    if (access.space->process == exec->space->process) {
        regions_continue_ids(exec->space->regions, access.space->regions);
    }
    access.space = exec->space;
    if (program_load(
            &exec->entry, &access, &exec->image, &process->table->machine, &start, &err)) {
        return 0;
    }
    return err.kind == ERR_USAGE ? E2BIG : ENOMEM;
}

/* --- no way back --- */

/* What is ignored stays so; the mask and what is pending, too. */
static void reset_signals(struct signals *signals)
{
    for (int number = 1; number <= SIGNALS_COUNT; number++) {
        bool ignored = signals->action[number].handler == SIGNAL_IGNORE;
        signals->action[number] =
            (struct signal_action){.handler = ignored ? SIGNAL_IGNORE : SIGNAL_DEFAULT};
    }
    signals->stack = (struct signal_stack){.flags = SS_DISABLE};
}

/* exe: the program's path, which is taken over. */
static void rename_process(struct process *process, char *exe, const char *name)
{
    free(process->exe);
    process->exe = exe;
    memset(process->comm, 0, sizeof(process->comm));
    snprintf(
        process->comm, sizeof(process->comm), "%.*s", (int)sizeof(process->comm) - 1,
        path_base_name(name));
}

static int enter(struct exec *exec)
{
    struct process *process = exec->file.process;
    const struct process_hooks *hooks = &process->table->hooks;
    struct space *space = exec->space;
    char *exe = strdup(exec->file.real);

    if (exe == NULL) {
        return ENOMEM;
    }
    if (hooks->executed != NULL) {
        hooks->executed(hooks->context, process, exe);
    }
    hooks->enter_program(hooks->context, process, space, &exec->entry);
    exec->space = NULL;
    process_leave_space(process);
    process->access.space = space;
    descriptors_close_on_exec(&process->descriptors);
    reset_signals(&process->signals);
    rename_process(process, exe, exec->file.name);
    process->robust_list = 0;
    process->exit_signal = SIGCHLD;
    process->has_executed = true;
    process->reason[0] = '\0';
    return 0;
}

/* --- the requests --- */

static void release(struct exec *exec)
{
    space_destroy(exec->space);
    elf_release(&exec->image);
    exec_strings_free(&exec->file.arguments);
    exec_strings_free(&exec->environment);
    free(exec->buffer);
    if (exec->file.fd >= 0) {
        close(exec->file.fd);
    }
    free(exec);
}

/* What argument[] has: file, arguments, environment. */
static int64_t
execute(struct process *process, uint64_t folder, const uint64_t argument[3], uint64_t flags)
{
    struct exec *exec = calloc(1, sizeof(*exec));

    if (exec == NULL) {
        return -ENOMEM;
    }
    exec->file.process = process;
    exec->file.fd = -1;
    int error = exec_file_open(&exec->file, folder, argument[0], flags);
    error = error != 0 ? error : read_arguments(exec, argument[1], argument[2]);
    error = error != 0 ? error : exec_file_resolve(&exec->file);
    error = error != 0 ? error : read_program(exec);
    error = error != 0 ? error : make_space(exec);
    error = error != 0 ? error : enter(exec);
    release(exec);
    return -error;
}

int64_t request_execve(struct process *process, const uint64_t argument[6])
{
    return execute(process, (uint64_t)AT_FDCWD, argument, 0);
}

int64_t request_execveat(struct process *process, const uint64_t argument[6])
{
    if ((argument[4] & ~(uint64_t)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) != 0) {
        return -EINVAL;
    }
    return execute(process, argument[0], argument + 1, argument[4]);
}
