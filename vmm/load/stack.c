/* The initial stack of a program, from the top down: strings first, then the vectors that point
 * to them; see stack.h. */
#include "load/stack.h"

#include <elf.h>
#include <string.h>
#include <unistd.h>

struct builder {
    uint8_t *buffer;
    size_t bytes;
    size_t used; /* from the end; more than bytes once it did not fit */
    uint64_t top;
};

static uint64_t push_bytes(struct builder *builder, const void *data, size_t bytes)
{
    builder->used += bytes;
    if (builder->used <= builder->bytes) {
        memcpy(builder->buffer + builder->bytes - builder->used, data, bytes);
    }
    return builder->top - builder->used;
}

static uint64_t push_string(struct builder *builder, const char *string)
{
    return push_bytes(builder, string, strlen(string) + 1);
}

static void push_word(struct builder *builder, uint64_t word)
{
    push_bytes(builder, &word, sizeof(word));
}

static size_t count_of(const char *const *list)
{
    size_t count = 0;

    while (list[count] != NULL) {
        count++;
    }
    return count;
}

/* Strings go down from the last to the first, so that they read upwards in order. */
static uint64_t push_strings(struct builder *builder, const char *const *list)
{
    uint64_t first = builder->top - builder->used;

    for (size_t i = count_of(list); i > 0; i--) {
        first = push_string(builder, list[i - 1]);
    }
    return first;
}

/* The vector of pointers to strings that lie one behind the other from `first` on. */
static void push_vector(struct builder *builder, const char *const *list, uint64_t first)
{
    size_t count = count_of(list);
    uint64_t at = first;

    builder->used += (count + 1) * 8;
    if (builder->used > builder->bytes) {
        return;
    }
    uint8_t *out = builder->buffer + builder->bytes - builder->used;
    for (size_t i = 0; i < count; i++) {
        memcpy(out + i * 8, &at, 8);
        at += strlen(list[i]) + 1;
    }
    memset(out + count * 8, 0, 8);
}

struct auxiliary {
    Elf64_auxv_t entry[24];
    unsigned count;
};

static void add(struct auxiliary *auxiliary, uint64_t type, uint64_t value)
{
    auxiliary->entry[auxiliary->count].a_type = type;
    auxiliary->entry[auxiliary->count].a_un.a_val = value;
    auxiliary->count++;
}

#define CLOCK_TICKS 100 /* USER_HZ of every x86 Linux */

static void fill_auxiliary(
    struct auxiliary *auxiliary,
    const struct stack_input *input,
    uint64_t random,
    uint64_t platform,
    uint64_t exe)
{
    add(auxiliary, AT_HWCAP, input->hwcap);
    add(auxiliary, AT_PAGESZ, PAGE_BYTES);
    add(auxiliary, AT_CLKTCK, CLOCK_TICKS);
    if (input->headers.value != 0) {
        add(auxiliary, AT_PHDR, input->headers.value);
        add(auxiliary, AT_PHENT, input->header_bytes);
        add(auxiliary, AT_PHNUM, input->header_count);
    }
    add(auxiliary, AT_BASE, 0);
    add(auxiliary, AT_FLAGS, 0);
    add(auxiliary, AT_ENTRY, input->entry.value);
    add(auxiliary, AT_UID, getuid());
    add(auxiliary, AT_EUID, geteuid());
    add(auxiliary, AT_GID, getgid());
    add(auxiliary, AT_EGID, getegid());
    add(auxiliary, AT_SECURE, 0);
    add(auxiliary, AT_RANDOM, random);
    add(auxiliary, AT_HWCAP2, input->hwcap2);
    add(auxiliary, AT_EXECFN, exe);
    add(auxiliary, AT_PLATFORM, platform);
    add(auxiliary, AT_MINSIGSTKSZ, input->minimum_signal_bytes);
    add(auxiliary, AT_NULL, 0);
}

bool stack_build(
    const struct stack_input *input,
    uint8_t *buffer,
    size_t bytes,
    struct gva top,
    struct gva *rsp,
    struct err *err)
{
    struct builder builder = {.buffer = buffer, .bytes = bytes, .top = top.value};
    struct auxiliary auxiliary = {.count = 0};

    push_word(&builder, 0); /* as Linux: the last word of the stack is zero */
    uint64_t exe = push_string(&builder, input->exe);
    uint64_t environment = push_strings(&builder, input->environment);
    uint64_t arguments = push_strings(&builder, input->arguments);
    uint64_t platform = push_string(&builder, "x86_64");
    uint64_t random = push_bytes(&builder, input->random, sizeof(input->random));
    fill_auxiliary(&auxiliary, input, random, platform, exe);

    /* The vectors and the count are whole words; rsp must end up a multiple of 16. */
    size_t words = 2 * (size_t)auxiliary.count + count_of(input->environment) + 1 +
                   count_of(input->arguments) + 1 + 1;
    builder.used = round_up(builder.used, 16) + (words % 2) * 8;
    push_bytes(&builder, auxiliary.entry, auxiliary.count * sizeof(auxiliary.entry[0]));
    push_vector(&builder, input->environment, environment);
    push_vector(&builder, input->arguments, arguments);
    push_word(&builder, count_of(input->arguments));
    if (builder.used > builder.bytes) {
        return err_set(
            err, ERR_USAGE, "arguments and environment take %zu bytes, at most %zu fit",
            builder.used, builder.bytes);
    }
    *rsp = gva_of(top.value - builder.used);
    return true;
}
