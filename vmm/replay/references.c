/* What is common to all sources of references: calls through their table. */
#include "replay/references.h"

bool references_read(
    struct references *references,
    struct reference *out,
    size_t room,
    size_t *count,
    struct err *err)
{
    *count = 0;
    if (!references->ops->read(references->state, out, room, count, err)) {
        return err_prefix(err, "%s", references->about.name);
    }
    return true;
}

bool references_rewind(struct references *references, struct err *err)
{
    if (references->ops->rewind == NULL) {
        return err_set(err, ERR_INPUT, "%s can be read once only", references->about.name);
    }
    return references->ops->rewind(references->state, err);
}

void references_close(struct references *references)
{
    if (references->ops != NULL) {
        references->ops->close(references->state);
        references->ops = NULL;
        references->state = NULL;
    }
}
