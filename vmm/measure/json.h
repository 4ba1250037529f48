/* Everything of a session as JSON: docs/measure-format.md is the contract. */
#ifndef MEASURE_JSON_H
#define MEASURE_JSON_H

#include "measure/session.h"

#define JSON_SCHEMA  "vmm-measure"
#define JSON_VERSION 1

/* ERR_ENVIRONMENT: no memory, or the stream cannot be written. */
MUST_CHECK bool json_write(FILE *out, const struct session *session, struct err *err);

#endif
