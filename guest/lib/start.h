/*
 * What start.S calls.  A freestanding compiler knows nothing of main, so the prototype stands
 * here; it refuses to offer anything else of a libc.  Read sys.h next.
 */
#ifndef START_H
#define START_H

/*
 * The program.  argv has argc strings and a NULL, envp is NULL-terminated; all of them live as
 * long as the program.  The value's low 8 bits are the exit status.
 */
int main(int argc, char **argv, char **envp);

#endif
