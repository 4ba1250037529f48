/* Tries, opens and closes files for output; see output_file.h. */
#include "cli/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool refuse(struct output_file *file, struct err *err)
{
    return err_set_errno(err, ERR_INPUT, "%s: cannot write %s", file->option, file->path);
}

/* There already.  What is no regular file stays open: a pipe that is closed is at its end. */
static bool try_existing(struct output_file *file, struct err *err)
{
    struct stat status;
    int fd = open(file->path, O_WRONLY | O_CLOEXEC);

    if (fd < 0) {
        return errno == ENOENT /* a link to what is not there yet */ || refuse(file, err);
    }
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        close(fd);
        return true;
    }
    file->stream = fdopen(fd, "w");
    if (file->stream == NULL) {
        close(fd);
        return refuse(file, err);
    }
    return true;
}

bool output_file_try(
    struct output_file *file, const char *option, const char *path, struct err *err)
{
    *file = (struct output_file){.option = option, .path = path};
    if (path == NULL) {
        return true;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) {
        return errno == EEXIST ? try_existing(file, err) : refuse(file, err);
    }
    close(fd);
    return unlink(path) == 0 || refuse(file, err);
}

FILE *output_file_open(struct output_file *file, struct err *err)
{
    if (file->stream == NULL) {
        file->stream = fopen(file->path, "we");
    }
    if (file->stream == NULL) {
        err_set_errno(err, ERR_ENVIRONMENT, "%s: cannot write %s", file->option, file->path);
    }
    return file->stream;
}

bool output_file_close(struct output_file *file, bool written, struct err *err)
{
    FILE *stream = file->stream;

    file->stream = NULL;
    bool closed = fclose(stream) == 0;
    if (!written) {
        return err_prefix(err, "%s: %s", file->option, file->path);
    }
    return closed ||
           err_set_errno(err, ERR_ENVIRONMENT, "%s: cannot write %s", file->option, file->path);
}

void output_file_abandon(struct output_file *file)
{
    if (file->stream != NULL) {
        fclose(file->stream);
    }
    *file = (struct output_file){0};
}
