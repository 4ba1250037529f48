/* A list of paths, and a number for each process; see report_programs.h. */
#include "report/report_programs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"

#define PROCESSES (UINT16_MAX + 1)

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_ENVIRONMENT, "no memory for the programs of a session");
}

/* At the end; there is room where count is below a power of two that was reached before. */
static bool
add(struct report_programs *programs, const char *path, uint64_t hash, struct err *err)
{
    if ((programs->count & (programs->count - 1)) == 0) {
        size_t room = programs->count == 0 ? 1 : 2 * programs->count;
        struct report_program *grown = realloc(programs->list, room * sizeof(*grown));
        if (grown == NULL) {
            return no_memory(err);
        }
        programs->list = grown;
    }
    struct report_program *made = &programs->list[programs->count++];
    *made = (struct report_program){.hash = hash};
    snprintf(made->path, sizeof(made->path), "%s", path);
    return true;
}

bool report_programs_create(
    struct report_programs *programs, const struct session_info *info, struct err *err)
{
    *programs = (struct report_programs){.of = calloc(PROCESSES, sizeof(*programs->of))};
    if (programs->of == NULL) {
        return no_memory(err);
    }
    return add(programs, info->program, info->program_hash, err);
}

void report_programs_destroy(struct report_programs *programs)
{
    free(programs->list);
    free(programs->of);
    *programs = (struct report_programs){0};
}

void report_programs_fork(
    struct report_programs *programs, const struct session_process_start *start)
{
    programs->of[start->process] = programs->of[start->parent];
}

static size_t find(const struct report_programs *programs, const struct session_exec *exec)
{
    size_t i = 0;

    while (i < programs->count && (programs->list[i].hash != exec->program_hash ||
                                   strcmp(programs->list[i].path, exec->path) != 0)) {
        i++;
    }
    return i;
}

bool report_programs_exec(
    struct report_programs *programs, const struct session_exec *exec, struct err *err)
{
    size_t i = find(programs, exec);

    if (i == programs->count && i < REPORT_PROGRAMS_MAX) {
        bool last = i == REPORT_PROGRAMS_MAX - 1;
        if (!add(programs, last ? "" : exec->path, last ? 0 : exec->program_hash, err)) {
            return false;
        }
    }
    programs->of[exec->process] =
        (uint16_t)(i < REPORT_PROGRAMS_MAX ? i : REPORT_PROGRAMS_MAX - 1);
    return true;
}

const char *report_programs_path(const struct report_programs *programs, uint16_t process)
{
    return programs->list[programs->of[process]].path;
}

const char *report_programs_name(const struct report_programs *programs, uint16_t process)
{
    const char *name = path_base_name(report_programs_path(programs, process));

    return *name != '\0' ? name : "?";
}
