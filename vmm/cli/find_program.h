/*
 * Which file a program's name on the command line means.  It refuses to look into the file.
 */
#ifndef CLI_FIND_PROGRAM_H
#define CLI_FIND_PROGRAM_H

/*
 * A name with a slash, or of something in the current folder, is a path; any other is looked for in the
 * folders of `path` (the value of PATH; NULL: none), as a shell does: the first regular file of that name
 * that may be executed.  The caller frees the result; NULL: it is a path itself, or there is none.
 */
char *find_program(const char *name, const char *path);

#endif
