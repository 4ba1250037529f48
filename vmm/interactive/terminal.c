/* Typed lines by libedit; see terminal.h. */
#include "interactive/terminal.h"

#include <errno.h>
#include <histedit.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/library.h"
#include "interactive/complete.h"
#include "interactive/reader.h"

#define HISTORY_LINES 1000

/* clang-format off */
#define FUNCTIONS(f)                                                                           \
    f(el_end) f(el_get) f(el_gets) f(el_init) f(el_insertstr) f(el_line) f(el_set)             \
    f(history) f(history_end) f(history_init)
/* clang-format on */

struct libedit {
    FUNCTIONS(LIBRARY_MEMBER)
};

static const char *const functions[] = {FUNCTIONS(LIBRARY_NAME) NULL};
/* As Debian and its kin name it; as all others do. */
static const char *const files[] = {"libedit.so.2", "libedit.so.0", NULL};

/* Filled in once and never changed.  It cannot be a member of the terminal: what libedit calls back
 * is given libedit's own handle, and to get at the terminal from there takes el_get(). */
static struct libedit libedit;

struct terminal {
    EditLine *edit;   /* owns */
    History *history; /* owns */
    FILE *in;         /* owns, with a descriptor of its own */
    FILE *out;        /* borrows */
    int fd;           /* borrows */
    const struct reader_wait *wait;
    const char *prompt;
    char *line; /* owns: without its end */
};

static struct terminal *terminal_of(EditLine *edit)
{
    void *data = NULL;

    libedit.el_get(edit, EL_CLIENTDATA, &data);
    return data;
}

static char *prompt_of(EditLine *edit)
{
    return (char *)(uintptr_t)terminal_of(edit)->prompt;
}

/* Commands are ASCII: other bytes are not taken. */
static int get_char(EditLine *edit, wchar_t *c)
{
    const struct terminal *terminal = terminal_of(edit);
    unsigned char byte;

    do {
        if (terminal->wait->ready != NULL &&
            !terminal->wait->ready(terminal->wait->context, terminal->fd)) {
            return -1;
        }
        ssize_t n = read(terminal->fd, &byte, 1);
        if (n == 0) {
            return 0;
        }
        if (n < 0) {
            if (errno == EINTR || errno == EAGAIN) {
                byte = 0xff;
                continue;
            }
            return -1;
        }
    } while (byte >= 0x80);
    *c = (wchar_t)byte;
    return 1;
}

static void list(FILE *out, const struct complete *found)
{
    for (unsigned i = 0; i < found->count; i++) {
        fprintf(out, "%s%s", i == 0 ? "\n" : "  ", found->word[i]);
    }
    fputc('\n', out);
}

static unsigned char complete_word(EditLine *edit, int key)
{
    const LineInfo *info = libedit.el_line(edit);
    struct complete found;
    char line[512];
    size_t bytes = (size_t)(info->cursor - info->buffer);

    (void)key;
    if (bytes >= sizeof(line)) {
        return CC_ERROR;
    }
    memcpy(line, info->buffer, bytes);
    line[bytes] = '\0';
    complete_line(line, &found);
    if (found.count == 0) {
        return CC_ERROR;
    }
    if (found.insert[0] != '\0') {
        return libedit.el_insertstr(edit, found.insert) == 0 ? CC_REFRESH : CC_ERROR;
    }
    list(terminal_of(edit)->out, &found);
    return CC_REDISPLAY;
}

static bool set_up(struct terminal *terminal, FILE *out)
{
    HistEvent event;

    terminal->edit = libedit.el_init("vmm", terminal->in, out, out);
    terminal->history = libedit.history_init();
    if (terminal->edit == NULL || terminal->history == NULL) {
        return false;
    }
    libedit.history(terminal->history, &event, H_SETSIZE, HISTORY_LINES);
    libedit.history(terminal->history, &event, H_SETUNIQUE, 1);
    libedit.el_set(terminal->edit, EL_CLIENTDATA, terminal);
    libedit.el_set(terminal->edit, EL_PROMPT, prompt_of);
    libedit.el_set(terminal->edit, EL_EDITOR, "emacs");
    libedit.el_set(terminal->edit, EL_HIST, libedit.history, terminal->history);
    libedit.el_set(terminal->edit, EL_GETCFN, get_char);
    libedit.el_set(
        terminal->edit, EL_ADDFN, "vmm-complete", "complete the word", complete_word);
    libedit.el_set(terminal->edit, EL_BIND, "^I", "vmm-complete", NULL);
    libedit.el_set(terminal->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    return true;
}

struct terminal *terminal_create(int fd, FILE *out, const struct reader_wait *wait)
{
    struct err err;

    if (isatty(fd) != 1 || isatty(fileno(out)) != 1 ||
        !library_load(files, functions, &libedit, &err)) {
        return NULL;
    }
    struct terminal *terminal = calloc(1, sizeof(*terminal));
    int copy = terminal != NULL ? dup(fd) : -1;

    if (copy < 0) {
        free(terminal);
        return NULL;
    }
    terminal->fd = fd;
    terminal->out = out;
    terminal->wait = wait;
    terminal->prompt = "";
    terminal->in = fdopen(copy, "r");
    if (terminal->in == NULL) {
        close(copy);
    }
    if (terminal->in == NULL || !set_up(terminal, out)) {
        terminal_destroy(terminal);
        return NULL;
    }
    return terminal;
}

void terminal_destroy(struct terminal *terminal)
{
    if (terminal == NULL) {
        return;
    }
    if (terminal->history != NULL) {
        libedit.history_end(terminal->history);
    }
    if (terminal->edit != NULL) {
        libedit.el_end(terminal->edit);
    }
    if (terminal->in != NULL) {
        fclose(terminal->in);
    }
    free(terminal->line);
    free(terminal);
}

char *terminal_next(struct terminal *terminal, const char *prompt)
{
    HistEvent event;
    int count = 0;

    terminal->prompt = prompt;
    const char *line = libedit.el_gets(terminal->edit, &count);
    free(terminal->line);
    terminal->line = line != NULL && count > 0 ? strndup(line, strcspn(line, "\r\n")) : NULL;
    if (terminal->line != NULL && terminal->line[0] != '\0') {
        libedit.history(terminal->history, &event, H_ENTER, terminal->line);
    }
    return terminal->line;
}
