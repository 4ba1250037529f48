/*
 * One input for the reader of sessions, whoever makes it up.  Read fuzz_session.c for what an
 * input is.
 */
#ifndef FUZZ_SESSION_H
#define FUZZ_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "../unit/session_fixture.h"

/* A sound session with events of most kinds; fixture_remove() ends it. */
void fuzz_make_session(struct fixture *fixture);

/* Try one input on it; the session is sound again afterwards. */
void fuzz_try(const struct fixture *fixture, const uint8_t *data, size_t bytes);

#endif
