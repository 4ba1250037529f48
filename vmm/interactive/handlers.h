/*
 * The functions behind the commands, each in the file of its group.  Nobody but the table needs them.
 * Read verbs.c for what they are called.
 */
#ifndef INTERACTIVE_HANDLERS_H
#define INTERACTIVE_HANDLERS_H

#include "interactive/verbs.h"

/* look.c: what is there */
verb_fn look_info, look_registers, look_maps, look_tables, look_frames;
/* walk.c */
verb_fn walk_address, walk_tlb;
/* where.c, examine.c */
verb_fn where_stopped, examine_memory;
/* change.c: what is done about it */
verb_fn change_decide, change_protect, change_evict, change_record;
/* go.c: how the program goes on, and where it stops */
verb_fn go_step, go_continue, go_until, go_run, go_quit;
verb_fn go_break, go_breaks, go_delete, go_help;

#endif
