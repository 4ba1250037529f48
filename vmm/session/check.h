/*
 * What a field of an event may hold: the rules by which a reader takes or refuses an event,
 * apart from its place in the stream.  Read format.h for the events.
 */
#ifndef SESSION_CHECK_H
#define SESSION_CHECK_H

#include "session/format.h"

/* What is wrong with an event, in words, or NULL.  event: session_event_bytes(kind) bytes,
 * aligned to 8; kind is a known one. */
const char *check_event(enum session_event_kind kind, const void *event);

#endif
