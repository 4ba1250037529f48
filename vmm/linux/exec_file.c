/* Files that are executed, and scripts that name another one; see exec_file.h. */
#include "linux/exec_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINK_BYTES 64
/* As Linux: what it looks at of a file (BINPRM_BUF_SIZE), and how many scripts lead from one to the next. */
#define HEAD_BYTES  256
#define SCRIPTS_MAX 5

/* --- strings --- */

bool exec_strings_add(struct exec_strings *strings, const char *text)
{
    if (strings->count + 1 >= strings->capacity) {
        size_t capacity = strings->capacity != 0 ? 2 * strings->capacity : 16;
        char **grown = realloc(strings->item, capacity * sizeof(*grown));
        if (grown == NULL) {
            return false;
        }
        strings->item = grown;
        strings->capacity = capacity;
    }
    char *copy = strdup(text);
    if (copy == NULL) {
        return false;
    }
    strings->item[strings->count++] = copy;
    strings->item[strings->count] = NULL;
    return true;
}

void exec_strings_free(struct exec_strings *strings)
{
    for (size_t i = 0; i < strings->count; i++) {
        free(strings->item[i]);
    }
    free(strings->item);
    *strings = (struct exec_strings){0};
}

/* --- opening --- */

static void close_file(struct exec_file *file)
{
    if (file->fd >= 0) {
        close(file->fd);
    }
    file->fd = -1;
}

/* Whether the program may execute what fd, opened O_PATH, stands for; 0 or an errno. */
static int check_file(int fd, const char *link)
{
    struct stat status;

    if (fstat(fd, &status) != 0) {
        return errno;
    }
    if (S_ISLNK(status.st_mode)) {
        return ELOOP;
    }
    if (!S_ISREG(status.st_mode)) {
        return EACCES;
    }
    return faccessat(AT_FDCWD, link, X_OK, AT_EACCESS) != 0 ? errno : 0;
}

/* found: opened O_PATH, so that nothing is set in motion by looking (a FIFO, a device); taken over. */
static int take(struct exec_file *file, int found)
{
    char link[LINK_BYTES];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", found);
    int error = check_file(found, link);
    if (error == 0) {
        close_file(file);
        file->fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        error = file->fd < 0 ? errno : 0;
    }
    if (error == 0) {
        ssize_t bytes = readlink(link, file->real, sizeof(file->real) - 1);
        error = bytes < 0 ? errno : 0;
        file->real[bytes < 0 ? 0 : bytes] = '\0';
    }
    close(found);
    return error;
}

static int take_path(struct exec_file *file, const struct path *path, int flags)
{
    int found = path_open(file->process, path, O_PATH | O_CLOEXEC | flags, 0);

    return found < 0 ? -found : take(file, found);
}

/* The open file of a descriptor itself, by its number. */
static int take_descriptor(struct exec_file *file, uint64_t number)
{
    int host = files_host_fd(file->process, (int)number);
    int found = host >= 0 ? fcntl(host, F_DUPFD_CLOEXEC, 0) : -1;

    if (host < 0) {
        return EBADF;
    }
    snprintf(file->name, sizeof(file->name), "/dev/fd/%d", (int)number);
    return found < 0 ? errno : take(file, found);
}

int exec_file_open(struct exec_file *file, uint64_t folder, uint64_t at, uint64_t flags)
{
    struct path path;
    int error =
        access_read_string(&file->process->access, file->name, gva_of(at), sizeof(file->name));

    if (error != 0) {
        return error;
    }
    if (file->name[0] == '\0') {
        return (flags & AT_EMPTY_PATH) != 0 ? take_descriptor(file, folder) : ENOENT;
    }
    error = (int)-path_read(file->process, folder, at, &path);
    if (error != 0) {
        return error;
    }
    if (file->name[0] != '/' && (int)folder != AT_FDCWD) {
        char given[PATH_MAX];
        memcpy(given, file->name, sizeof(given));
        int length =
            snprintf(file->name, sizeof(file->name), "/dev/fd/%d/%s", (int)folder, given);
        if (length >= (int)sizeof(file->name)) {
            return ENAMETOOLONG;
        }
    }
    return take_path(file, &path, (flags & AT_SYMLINK_NOFOLLOW) != 0 ? O_NOFOLLOW : 0);
}

/* --- scripts --- */

static bool is_blank(char character)
{
    return character == ' ' || character == '\t';
}

/*
 * The line behind "#!", as Linux takes it to pieces: head becomes strings, and *interpreter and *argument (NULL:
 * none) point into it.  Blanks at its end count where the file ends without a line's end.  ENOEXEC: it names
 * nothing, or may have been cut within the name; EACCES: the name is empty, which means a folder.
 */
static int parse(char head[HEAD_BYTES + 1], char **interpreter, char **argument)
{
    bool is_cut = strlen(head) == HEAD_BYTES;
    char *newline = memchr(head, '\n', HEAD_BYTES);
    char *end = newline != NULL ? newline : head + HEAD_BYTES - 1;
    char *name = head + 2;

    is_cut = is_cut && newline == NULL;
    while (end > name && is_blank(end[-1])) {
        end--;
    }
    *end = '\0';
    name += strspn(name, " \t");
    size_t length = strcspn(name, " \t");
    if (length == 0) {
        return name == end ? ENOEXEC : EACCES;
    }
    if (is_cut && name[length] == '\0') {
        return ENOEXEC;
    }
    *argument = NULL;
    if (name[length] != '\0') {
        *argument = name + length + strspn(name + length, " \t");
    }
    name[length] = '\0';
    *interpreter = name;
    return 0;
}

/* The interpreter, its argument, the script, and what the script was given. */
static int insert_arguments(
    struct exec_file *file, const char *interpreter, const char *argument, const char *script)
{
    struct exec_strings made = {0};
    bool ok = exec_strings_add(&made, interpreter) &&
              (argument == NULL || exec_strings_add(&made, argument)) &&
              exec_strings_add(&made, script);

    for (size_t i = 1; ok && i < file->arguments.count; i++) {
        ok = exec_strings_add(&made, file->arguments.item[i]);
    }
    if (!ok) {
        exec_strings_free(&made);
        return ENOMEM;
    }
    exec_strings_free(&file->arguments);
    file->arguments = made;
    return 0;
}

/* What the file begins with, filled up with zeros. */
static int read_head(const struct exec_file *file, char head[HEAD_BYTES + 1])
{
    memset(head, 0, HEAD_BYTES + 1);
    return pread(file->fd, head, HEAD_BYTES, 0) < 0 ? errno : 0;
}

/* script: the name of the file, and becomes that of its interpreter. */
static int
take_interpreter(struct exec_file *file, char head[HEAD_BYTES + 1], char script[PATH_MAX])
{
    char *interpreter, *argument;
    struct path path;

    int error = parse(head, &interpreter, &argument);

    if (error == 0) {
        error = insert_arguments(file, interpreter, argument, script);
    }
    if (error == 0) {
        error = (int)-path_place(file->process, interpreter, &path);
    }
    if (error == 0) {
        error = take_path(file, &path, 0);
    }
    if (error == 0) {
        snprintf(script, PATH_MAX, "%s", interpreter);
    }
    return error;
}

int exec_file_resolve(struct exec_file *file)
{
    char head[HEAD_BYTES + 1];
    char script[PATH_MAX];

    memcpy(script, file->name, sizeof(script));
    for (unsigned depth = 0;; depth++) {
        int error = depth > SCRIPTS_MAX ? ELOOP : read_head(file, head);
        if (error != 0) {
            return error;
        }
        if (strncmp(head, "#!", 2) != 0) {
            file->is_elf = memcmp(head, ELFMAG, SELFMAG) == 0;
            return 0;
        }
        error = take_interpreter(file, head, script);
        if (error != 0) {
            return error;
        }
    }
}
