/* One page with the tables and plots of a session, complete in itself. */
#ifndef MEASURE_HTML_H
#define MEASURE_HTML_H

#include "measure/session.h"

/* ERR_ENVIRONMENT: the stream cannot be written. */
MUST_CHECK bool html_write(FILE *out, const struct session *session, struct err *err);

/* Text with the characters of markup escaped. */
void html_print_text(FILE *out, const char *text);

#endif
