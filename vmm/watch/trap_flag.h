/*
 * What a program could see of a trap flag that was set over one of its instructions.  It refuses to
 * know who set it, and for what.  Read decode.h for which instructions store or load flags.
 */
#ifndef WATCH_TRAP_FLAG_H
#define WATCH_TRAP_FLAG_H

#include "base/addr.h"
#include "space/space.h"

/* pushf has stored the flags at `flags`: clear the trap flag there, if the page is present. */
void trap_flag_hide_pushed(const struct space *space, struct gva flags);

#endif
