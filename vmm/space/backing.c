/* Files that regions take their contents from, counted; see region.h. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "space/region.h"

bool backing_create(struct backing **backing, int fd, const char *path, struct err *err)
{
    struct backing *made = calloc(1, sizeof(*made));
    char *name = strdup(path_base_name(path));

    *backing = NULL;
    if (made == NULL || name == NULL) {
        free(made);
        free(name);
        close(fd);
        return err_set_errno(err, ERR_ENVIRONMENT, "backing file %s", path);
    }
    *made = (struct backing){.fd = fd, .references = 1, .name = name};
    *backing = made;
    return true;
}

struct backing *backing_get(struct backing *backing)
{
    if (backing != NULL) {
        backing->references++;
    }
    return backing;
}

void backing_put(struct backing *backing)
{
    if (backing == NULL || --backing->references > 0) {
        return;
    }
    close(backing->fd);
    free(backing->name);
    free(backing);
}
