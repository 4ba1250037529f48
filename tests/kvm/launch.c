/* Runs `./vmm` as a user does; see launch.h. */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void require(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        abort();
    }
}

struct stream {
    int fd;
    char *text;
    size_t used;
};

/* Enough for any guest program here; what comes beyond is read and dropped. */
#define STREAM_BYTES (1u << 20)

static void take(struct stream *stream)
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

static void gather(struct stream streams[2])
{
    while (streams[0].fd >= 0 || streams[1].fd >= 0) {
        struct pollfd fds[2] = {
            {.fd = streams[0].fd, .events = POLLIN}, {.fd = streams[1].fd, .events = POLLIN}};
        require(poll(fds, 2, -1) >= 0 || errno == EINTR, "poll");
        for (unsigned i = 0; i < 2; i++) {
            if (streams[i].fd >= 0 && fds[i].revents != 0) {
                take(&streams[i]);
            }
        }
    }
}

static void become(char *const *argv, const char *input, const int out[2], const int err[2])
{
    int in = open(input != NULL ? input : "/dev/null", O_RDONLY);

    if (in < 0 || dup2(in, 0) < 0 || dup2(out[1], 1) < 0 || dup2(err[1], 2) < 0) {
        _exit(126);
    }
    execv(argv[0], argv);
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

void launch(
    struct launch_result *result, char *const *argv, const char *input, const char *trace)
{
    struct stream streams[2] = {
        {.text = calloc(1, STREAM_BYTES)}, {.text = calloc(1, STREAM_BYTES)}};
    int out[2], err[2], status;

    memset(result, 0, sizeof(*result));
    require(streams[0].text != NULL && streams[1].text != NULL, "memory");
    require(pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0, "pipe");
    pid_t child = fork();
    require(child >= 0, "fork");
    if (child == 0) {
        become(argv, input, out, err);
    }
    close(out[1]);
    close(err[1]);
    streams[0].fd = out[0];
    streams[1].fd = err[0];
    gather(streams);
    require(waitpid(child, &status, 0) == child, "waitpid");
    result->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    result->output = streams[0].text;
    result->errors = streams[1].text;
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
