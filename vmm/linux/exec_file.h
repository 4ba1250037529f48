/*
 * Which file an exec means: the program's own as it named it, or the interpreter that a script names, or that
 * one's; and with which arguments then.  It refuses to know what is in a program (load/elf.h) and how one
 * is entered: exec.c does that.
 *
 * Scripts: execve(2), "Interpreter scripts"; fs/binfmt_script.c of Linux.
 */
#ifndef LINUX_EXEC_FILE_H
#define LINUX_EXEC_FILE_H

#include "linux/paths.h"

/* Strings that are copies of the program's, NULL-terminated. */
struct exec_strings {
    char **item; /* owns, and what it points to; NULL while there are none */
    size_t count, capacity;
};

struct exec_file {
    struct process *process; /* borrows */
    int fd;                  /* owns: a regular file that may be executed, O_RDONLY; -1: none */
    bool is_elf;             /* it begins as an ELF file does */
    char name[PATH_MAX];     /* as the program has it: AT_EXECFN */
    char real[PATH_MAX];     /* absolute, of fd */
    struct exec_strings arguments;
};

/* Zero it, but for process, arguments and fd = -1, before.  Both return 0 or an errno. */
MUST_CHECK int
exec_file_open(struct exec_file *file, uint64_t folder, uint64_t at, uint64_t flags);
/* While the file is a script, take its interpreter instead.  ENOEXEC: it says none that makes sense; ELOOP: they
 * lead to each other. */
MUST_CHECK int exec_file_resolve(struct exec_file *file);

/* False: no memory.  text is copied. */
MUST_CHECK bool exec_strings_add(struct exec_strings *strings, const char *text);
void exec_strings_free(struct exec_strings *strings); /* accepts a zeroed struct */

#endif
