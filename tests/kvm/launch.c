/* Runs `./vmm` as a user does; see launch.h. */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void require(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        abort();
    }
}

/* Enough for any guest program here; what comes beyond is read and dropped. */
#define STREAM_BYTES (1u << 20)

static void take(struct launch_stream *stream)
{
    char dropped[4096];
    size_t room = STREAM_BYTES - 1 - stream->used;
    ssize_t n = room > 0 ? read(stream->fd, stream->text + stream->used, room)
                         : read(stream->fd, dropped, sizeof(dropped));

    if (n <= 0) {
        close(stream->fd);
        stream->fd = -1;
    } else if (room > 0) {
        stream->used += (size_t)n;
    }
}

/* Read once from whatever has something, of the streams that are not at their end. */
static void gather(struct launch_stream *streams)
{
    struct pollfd fds[2] = {
        {.fd = streams[0].fd, .events = POLLIN}, {.fd = streams[1].fd, .events = POLLIN}};

    require(poll(fds, 2, -1) >= 0 || errno == EINTR, "poll");
    for (unsigned i = 0; i < 2; i++) {
        if (streams[i].fd >= 0 && fds[i].revents != 0) {
            take(&streams[i]);
        }
    }
}

/* Root passes by the permissions of files through these two; execve takes them from what is
 * left of the bounding set. */
static bool drop_power(void)
{
    return geteuid() != 0 || (prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE) == 0 &&
                              prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH) == 0);
}

static void become(const struct launch_setup *setup, int out, int err)
{
    char *const *argv = setup->argv;
    int in = setup->input != 0 ? setup->input : open("/dev/null", O_RDONLY);
    int program = open(argv[0], O_PATH | O_CLOEXEC);

    if (program < 0 || in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0 ||
        (setup->folder != NULL && chdir(setup->folder) != 0) ||
        (setup->powerless && !drop_power())) {
        _exit(126);
    }
    fexecve(program, argv, environ);
    perror(argv[0]);
    _exit(127);
}

static void add_figure(struct launch_result *result, const char *name, int64_t value)
{
    if (result->figures < LAUNCH_FIGURES) {
        struct launch_figure *figure = &result->figure[result->figures++];
        snprintf(figure->name, sizeof(figure->name), "%s", name);
        figure->value = value;
    }
}

static void count_fault(struct launch_result *result, const char *kind)
{
    char name[80];

    snprintf(name, sizeof(name), "run.%s", kind);
    for (unsigned i = 0; i < result->figures; i++) {
        if (strcmp(result->figure[i].name, name) == 0) {
            result->figure[i].value++;
            return;
        }
    }
    add_figure(result, name, 1);
}

static void read_event(struct launch_result *result, const json_t *event)
{
    const char *type = json_string_value(json_object_get(event, "type"));

    if (type == NULL) {
        return;
    }
    if (strcmp(type, "result") == 0) {
        add_figure(
            result, json_string_value(json_object_get(event, "name")),
            json_integer_value(json_object_get(event, "value")));
    } else if (strcmp(type, "fault") == 0) {
        count_fault(result, json_string_value(json_object_get(event, "kind")));
    }
}

static void read_trace(struct launch_result *result, const char *path)
{
    char *line = NULL;
    size_t bytes = 0;
    FILE *file = fopen(path, "re");

    if (file == NULL) {
        return; /* vmm failed before it opened one: the status says so */
    }
    while (getline(&line, &bytes, file) > 0) {
        json_t *event = json_loads(line, 0, NULL);
        read_event(result, event);
        json_decref(event);
    }
    free(line);
    fclose(file);
}

void launch_start(struct launch_child *child, const struct launch_setup *setup)
{
    int out[2], err[2];

    for (unsigned i = 0; i < 2; i++) {
        child->stream[i] = (struct launch_stream){.text = calloc(1, STREAM_BYTES)};
        require(child->stream[i].text != NULL, "memory");
    }
    require(pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0, "pipe");
    if (setup->deaf) {
        close(out[0]);
        out[0] = -1;
    }
    child->pid = fork();
    require(child->pid >= 0, "fork");
    if (child->pid == 0) {
        become(setup, out[1], err[1]);
    }
    close(out[1]);
    close(err[1]);
    child->stream[0].fd = out[0];
    child->stream[1].fd = err[0];
}

bool launch_await(struct launch_child *child, const char *text)
{
    const struct launch_stream *output = &child->stream[0];

    while (strstr(output->text, text) == NULL) {
        if (output->fd < 0) {
            return false;
        }
        gather(child->stream);
    }
    return true;
}

void launch_end(struct launch_child *child, struct launch_result *result)
{
    int status;

    memset(result, 0, sizeof(*result));
    while (child->stream[0].fd >= 0 || child->stream[1].fd >= 0) {
        gather(child->stream);
    }
    require(waitpid(child->pid, &status, 0) == child->pid, "waitpid");
    result->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    result->output = child->stream[0].text;
    result->errors = child->stream[1].text;
}

void launch(
    struct launch_result *result, char *const *argv, const char *input, const char *trace)
{
    struct launch_setup setup = {.argv = argv};
    struct launch_child child;

    if (input != NULL) {
        setup.input = open(input, O_RDONLY | O_CLOEXEC);
        require(setup.input >= 0, input);
    }
    launch_start(&child, &setup);
    launch_end(&child, result);
    if (input != NULL) {
        close(setup.input);
    }
    if (trace != NULL) {
        read_trace(result, trace);
    }
}

void launch_free(struct launch_result *result)
{
    free(result->output);
    free(result->errors);
    result->output = result->errors = NULL;
}

bool launch_figure(const struct launch_result *result, const char *name, int64_t *value)
{
    for (unsigned i = result->figures; i > 0; i--) {
        if (strcmp(result->figure[i - 1].name, name) == 0) {
            *value = result->figure[i - 1].value;
            return true;
        }
    }
    return false;
}
