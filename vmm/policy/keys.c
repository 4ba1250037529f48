/*
 * Options of a policy, digit by digit.  It owns the messages about them and refuses to allocate.
 * Read policy/keys.h for the contract and base/nearest.h for how a wrong key is met.
 */
#include "policy/keys.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"

#define KEYS_MAX   8
#define WORD_BYTES 48 /* of a key or value that are read; longer ones are wrong */

struct reading {
    const struct key *keys;
    size_t count;
    unsigned seen; /* a bit for each key */
    char *error;
    size_t error_bytes;
};

#define REFUSE(reading, ...)                                                                   \
    (snprintf((reading)->error, (reading)->error_bytes, __VA_ARGS__), false)

static bool refuse_key(const struct reading *reading, const char *word)
{
    const char *names[KEYS_MAX];
    char list[KEYS_MAX * WORD_BYTES] = "";
    size_t used = 0;

    for (size_t i = 0; i < reading->count; i++) {
        names[i] = reading->keys[i].name;
        used += (size_t)snprintf(
            list + used, sizeof(list) - used, "%s%s", i == 0 ? "" : ", ", names[i]);
    }
    if (reading->count == 0) {
        return REFUSE(reading, "it takes no options, but '%s' was given", word);
    }
    const char *nearest = nearest_word(word, names, reading->count);
    if (nearest != NULL) {
        return REFUSE(
            reading, "no option '%s': did you mean '%s'? (allowed: %s)", word, nearest, list);
    }
    return REFUSE(reading, "no option '%s' (allowed: %s)", word, list);
}

static bool read_value(const struct reading *reading, const struct key *key, const char *text)
{
    size_t digits = strspn(text, "0123456789");
    uint64_t value = 0;
    bool fits = true;

    if (digits == 0 || text[digits] != '\0') {
        return REFUSE(
            reading,
            "option '%s': '%s' is not a whole number (allowed: %" PRIu64 " to %" PRIu64 ")",
            key->name, text, key->minimum, key->maximum);
    }
    for (const char *digit = text; *digit != '\0'; digit++) {
        fits = fits && !__builtin_mul_overflow(value, 10, &value) &&
               !__builtin_add_overflow(value, (uint64_t)(*digit - '0'), &value);
    }
    if (!fits || value < key->minimum || value > key->maximum) {
        return REFUSE(
            reading, "option '%s': '%s' is out of range (allowed: %" PRIu64 " to %" PRIu64 ")",
            key->name, text, key->minimum, key->maximum);
    }
    *key->value = value;
    return true;
}

/* One key=value, cut out of the text; it is changed. */
static bool read_pair(struct reading *reading, char *word)
{
    char *value = strchr(word, '=');

    if (value != NULL) {
        *value++ = '\0';
    }
    for (size_t i = 0; i < reading->count; i++) {
        const struct key *key = &reading->keys[i];

        if (strcmp(word, key->name) != 0) {
            continue;
        }
        if (value == NULL) {
            return REFUSE(reading, "option '%s' needs a value: %s=N", word, word);
        }
        if ((reading->seen & (1u << i)) != 0) {
            return REFUSE(reading, "option '%s' is given twice", word);
        }
        reading->seen |= 1u << i;
        return read_value(reading, key, value);
    }
    return refuse_key(reading, word);
}

bool keys_parse(
    const char *text, const struct key *keys, size_t count, char *error, size_t error_bytes)
{
    struct reading reading = {
        .keys = keys, .count = count, .error = error, .error_bytes = error_bytes};
    char word[2 * WORD_BYTES];

    assert(count <= KEYS_MAX);
    if (text[0] == '\0') {
        return true;
    }
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");

        if (length >= sizeof(word)) {
            return REFUSE(&reading, "option '%.32s...' is too long", at);
        }
        memcpy(word, at, length);
        word[length] = '\0';
        if (!read_pair(&reading, word)) {
            return false;
        }
        at += length;
        if (*at == '\0') {
            return true;
        }
    }
}
