/* Lines of commands; see reader.h. */
#include "interactive/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096

static bool read_script(struct reader *reader, const char *path, struct err *err)
{
    FILE *in = fopen(path, "re");
    size_t capacity = 0;

    if (in == NULL) {
        return err_set_errno(err, ERR_INPUT, "-x: cannot read %s", path);
    }
    errno = 0;
    ssize_t bytes = getdelim(&reader->script, &capacity, EOF, in);
    bool ok = bytes >= 0 || feof(in);
    if (!ok) {
        err_set_errno(err, ERR_INPUT, "-x: cannot read %s", path);
    }
    fclose(in);
    reader->script_bytes = bytes > 0 ? (size_t)bytes : 0;
    reader->name = path;
    return ok;
}

bool reader_create(
    struct reader *reader, const char *script, int fd, FILE *out, struct err *err)
{
    *reader = (struct reader){.out = out, .fd = fd};
    if (script != NULL && !read_script(reader, script, err)) {
        reader_destroy(reader);
        return false;
    }
    return true;
}

void reader_destroy(struct reader *reader)
{
    terminal_destroy(reader->terminal);
    free(reader->script);
    free(reader->line);
    *reader = (struct reader){.fd = -1};
}

/* --- one line --- */

/* Nothing of a command has a zero byte: it would hide the rest of its line. */
static bool put(struct reader *reader, char c)
{
    static const char stands_for_zero = '?';

    if (reader->used + 1 >= reader->capacity) {
        size_t capacity = reader->capacity == 0 ? 128 : 2 * reader->capacity;
        char *larger = realloc(reader->line, capacity);
        if (larger == NULL) {
            return false;
        }
        reader->line = larger;
        reader->capacity = capacity;
    }
    if (c == '\0') {
        c = stands_for_zero;
    }
    reader->line[reader->used++] = c;
    reader->line[reader->used] = '\0';
    return true;
}

/* An empty line is a line, too. */
static bool start_line(struct reader *reader)
{
    bool ok = put(reader, ' ');

    reader->used = 0;
    if (ok) {
        reader->line[0] = '\0';
    }
    return ok;
}

static bool is_command(const char *line)
{
    line += strspn(line, " \t\r");
    return *line != '\0' && *line != '#';
}

static bool take_script_line(struct reader *reader)
{
    reader->used = 0;
    if (reader->script_at >= reader->script_bytes || !start_line(reader)) {
        return false;
    }
    reader->line_number++;
    while (reader->script_at < reader->script_bytes) {
        char c = reader->script[reader->script_at++];
        if (c == '\n') {
            return true;
        }
        if (!put(reader, c)) {
            return false;
        }
    }
    return true;
}

/* Byte by byte: no more is taken from standard input than what was asked for. */
static bool take_input_line(struct reader *reader)
{
    char c;

    if (!start_line(reader)) {
        return false;
    }
    for (;;) {
        if (reader->wait.ready != NULL &&
            !reader->wait.ready(reader->wait.context, reader->fd)) {
            return false;
        }
        ssize_t n = read(reader->fd, &c, 1);
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
            continue;
        }
        if (n <= 0) {
            return reader->used > 0;
        }
        if (c == '\n') {
            return true;
        }
        if (reader->used < LINE_MAX_BYTES && !put(reader, c)) {
            return false;
        }
    }
}

static void echo(const struct reader *reader)
{
    fprintf(reader->out, READER_PROMPT "%s\n", reader->line);
}

static char *next_of_input(struct reader *reader)
{
    if (reader->fd < 0) {
        return NULL;
    }
    if (!reader->looked) {
        reader->looked = true;
        reader->terminal = terminal_create(reader->fd, reader->out, &reader->wait);
    }
    if (reader->terminal != NULL) {
        return terminal_next(reader->terminal, READER_PROMPT);
    }
    if (!take_input_line(reader)) {
        return NULL;
    }
    echo(reader);
    return reader->line;
}

char *reader_next(struct reader *reader)
{
    while (take_script_line(reader)) {
        if (is_command(reader->line)) {
            reader->in_script = true;
            echo(reader);
            return reader->line;
        }
    }
    reader->in_script = false;
    return next_of_input(reader);
}

bool reader_is_terminal(const struct reader *reader)
{
    return !reader->in_script && reader->fd >= 0 && isatty(reader->fd) == 1;
}

unsigned reader_unread(struct reader *reader)
{
    while (take_script_line(reader)) {
        if (is_command(reader->line)) {
            return reader->line_number;
        }
    }
    return 0;
}
