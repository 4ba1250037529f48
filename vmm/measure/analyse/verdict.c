/*
 * The two ways to end an analysis.  Formats text into the verdict's own array and does nothing
 * else.  Read verdict.h for the meaning.
 */
#include "measure/analyse/verdict.h"

#include <stdarg.h>
#include <stdio.h>

void verdict_decide(struct verdict *verdict, const char *format, ...)
{
    va_list arguments;

    verdict->decided = true;
    va_start(arguments, format);
    (void)vsnprintf(verdict->reason, sizeof(verdict->reason), format, arguments);
    va_end(arguments);
}

void verdict_refuse(struct verdict *verdict, const char *format, ...)
{
    va_list arguments;

    verdict->decided = false;
    va_start(arguments, format);
    (void)vsnprintf(verdict->reason, sizeof(verdict->reason), format, arguments);
    va_end(arguments);
}
