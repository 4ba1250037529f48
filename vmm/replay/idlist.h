/*
 * Doubly linked lists threaded through one array of nodes, by page number instead of pointer: a
 * page is in one list of the array at most, and every operation is constant time.  It refuses to
 * know which list a page is in: the policies keep that beside it.  Read sim_lru.c for the
 * plainest use.
 */
#ifndef REPLAY_IDLIST_H
#define REPLAY_IDLIST_H

#include <stdint.h>

#define IDLIST_NONE UINT32_MAX

struct idlist_node {
    uint32_t newer; /* towards the head; IDLIST_NONE at the head */
    uint32_t older;
};

struct idlist {
    uint32_t head; /* the newest; IDLIST_NONE when empty */
    uint32_t tail; /* the oldest */
    uint32_t count;
};

static inline struct idlist idlist_empty(void)
{
    return (struct idlist){.head = IDLIST_NONE, .tail = IDLIST_NONE};
}

/* Put id, which is in no list of this array, in front. */
static inline void idlist_push_head(struct idlist *list, struct idlist_node *nodes, uint32_t id)
{
    nodes[id] = (struct idlist_node){.newer = IDLIST_NONE, .older = list->head};
    if (list->head == IDLIST_NONE) {
        list->tail = id;
    } else {
        nodes[list->head].newer = id;
    }
    list->head = id;
    list->count++;
}

/* Take out id, which is in this list. */
static inline void idlist_remove(struct idlist *list, struct idlist_node *nodes, uint32_t id)
{
    struct idlist_node node = nodes[id];

    if (node.newer == IDLIST_NONE) {
        list->head = node.older;
    } else {
        nodes[node.newer].older = node.older;
    }
    if (node.older == IDLIST_NONE) {
        list->tail = node.newer;
    } else {
        nodes[node.older].newer = node.newer;
    }
    list->count--;
}

/* Move id, which is in this list, to the front. */
static inline void idlist_renew(struct idlist *list, struct idlist_node *nodes, uint32_t id)
{
    if (list->head != id) {
        idlist_remove(list, nodes, id);
        idlist_push_head(list, nodes, id);
    }
}

/* Take out the oldest of a list that is not empty. */
static inline uint32_t idlist_pop_tail(struct idlist *list, struct idlist_node *nodes)
{
    uint32_t id = list->tail;

    idlist_remove(list, nodes, id);
    return id;
}

#endif
