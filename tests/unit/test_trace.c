/*
 * The live trace: text lines against golden text, JSON lines parsed back by jansson, and what
 * happens when the lines cannot be written.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "space/region.h"
#include "trace/line.h"
#include "trace/trace.h"

static const struct fault_record stack_write = {
    .time_ns = 12345678999,
    .address = 0x7fffffffdff8,
    .rip = 0x401234,
    .entry_after = 0x8000000100345067,
    .service_ns = 1534,
    .frame = 837,
    .evicted = RECORD_NO_FRAME,
    .region = 4,
    .kind = FAULT_STACK_GROWTH,
    .action = ACTION_MAP_ZERO,
    .access = RECORD_WRITE | RECORD_USER,
    .level = 1,
};

static const struct fault_record large_host_read = {
    .time_ns = 1000,
    .address = 0x600000,
    .rip = 0x401000,
    .service_ns = UINT32_MAX,
    .frame = 1024,
    .evicted = 77,
    .region = 1,
    .process = 2,
    .kind = FAULT_FILE_LOAD,
    .action = ACTION_MAP_FILE,
    .access = RECORD_HOST,
    .level = 2,
};

static const struct fault_record kernel_jump = {
    .time_ns = 999,
    .address = 0xffffffff80000000,
    .rip = 0xffffffff80000000,
    .service_ns = 5,
    .frame = RECORD_NO_FRAME,
    .evicted = RECORD_NO_FRAME,
    .region = RECORD_NO_REGION,
    .kind = FAULT_KERNEL_PAGE,
    .action = ACTION_SIGNAL,
    .access = RECORD_FETCH | RECORD_USER | RECORD_PROT,
};

static const struct trace_region stack = {
    .label = "stack", .permissions = REGION_READ | REGION_WRITE};
static const struct trace_region text = {
    .label = "text",
    .file = "a \"b\"\n\xff\xc3\xa4.elf",
    .file_offset = 0x1000,
    .permissions = REGION_READ | REGION_EXEC,
};

/* --- help --- */

static int new_file(void)
{
    int fd = memfd_create("trace", MFD_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

/* What a file holds, NUL-terminated; the caller frees it. */
static char *contents(int fd)
{
    struct stat status;

    assert_int_equal(fstat(fd, &status), 0);
    char *bytes = calloc(1, (size_t)status.st_size + 1);
    assert_non_null(bytes);
    assert_int_equal(pread(fd, bytes, (size_t)status.st_size, 0), status.st_size);
    return bytes;
}

static void open_trace(struct trace *trace, int fd, enum trace_format format)
{
    struct err err = {0};

    *trace = (struct trace){0};
    assert_true(trace_open_fd(trace, fd, "the file", format, &err));
}

static void write_events(struct trace *trace)
{
    const struct trace_signal signal = {
        .number = SIGSEGV,
        .code = 1,
        .address = gva_of(0x10),
        .rip = gva_of(0x401000),
        .text = "segmentation fault: read of 0x10",
    };

    trace_fault(trace, &stack_write, &stack);
    trace_fault(trace, &large_host_read, &text);
    trace_fault(trace, &kernel_jump, NULL);
    trace_phase(trace, 2000000, "warm up");
    trace_result(trace, 3000000, "faults", INT64_MIN);
    trace_signal(trace, 4000000, &signal);
    trace_exec(trace, 4500000, 3, "/bin/a\nb");
    trace_end(trace, 5000000, 139, "killed by signal 11");
}

/* --- text --- */

static void test_trace_text_is_one_line_an_event(void **state)
{
    static const char golden[] =
        "#  seconds a r        address            rip prm region                   "
        "kind          action      frame        ns\n"
        "  12.345678 w u 0x7fffffffdff8       0x401234 rw- stack                    "
        "stack-growth  map-zero      837      1534\n"
        "   0.000001 r h       0x600000       0x401000 r-x "
        "a\\x20\"b\"\\x0a\\xff\xc3\xa4.elf+0x1000 "
        "file-load     map-file 1024-1535 4294967295 evicted 77 process 2\n"
        "   0.000000 x u 0xffffffff80000000 0xffffffff80000000 -   -                        "
        "kernel-page   signal          -         5\n"
        "   0.002000 phase warm up\n"
        "   0.003000 result faults = -9223372036854775808\n"
        "   0.004000 signal 11 code 1 address 0x10 rip 0x401000 : "
        "segmentation fault: read of 0x10\n"
        "   0.004500 exec process 3 : /bin/a\\x0ab\n"
        "   0.005000 end status 139 : killed by signal 11\n";
    struct trace trace;
    struct err err = {0};
    int fd = new_file();

    (void)state;
    open_trace(&trace, fd, TRACE_TEXT);
    write_events(&trace);
    assert_true(trace_close(&trace, &err));
    char *got = contents(fd);
    assert_string_equal(got, golden);
    free(got);
    close(fd);
}

/* --- JSON --- */

static json_t *parse_line(char **at)
{
    char *end = strchr(*at, '\n');
    json_error_t error;

    assert_non_null(end);
    *end = '\0';
    json_t *line = json_loads(*at, JSON_REJECT_DUPLICATES, &error);
    if (!line) {
        fail_msg("%s in %s", error.text, *at);
    }
    *at = end + 1;
    return line;
}

static const char *string_of(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    assert_non_null(value);
    return value;
}

static int64_t integer_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static void check_stack_write(const json_t *line)
{
    const json_t *region = json_object_get(line, "region");

    assert_string_equal(string_of(line, "type"), "fault");
    assert_int_equal(integer_of(line, "time_ns"), 12345678999);
    assert_string_equal(string_of(line, "access"), "w");
    assert_string_equal(string_of(line, "ring"), "user");
    assert_true(json_is_false(json_object_get(line, "protection")));
    assert_string_equal(string_of(line, "address"), "0x7fffffffdff8");
    assert_string_equal(string_of(line, "rip"), "0x401234");
    assert_string_equal(string_of(region, "label"), "stack");
    assert_string_equal(string_of(region, "permissions"), "rw-");
    assert_true(json_is_null(json_object_get(region, "file")));
    assert_true(json_is_null(json_object_get(region, "offset")));
    assert_string_equal(string_of(line, "kind"), "stack-growth");
    assert_string_equal(string_of(line, "action"), "map-zero");
    assert_int_equal(integer_of(line, "frame"), 837);
    assert_int_equal(integer_of(line, "frames"), 1);
    assert_true(json_is_null(json_object_get(line, "evicted")));
    assert_string_equal(string_of(line, "entry_before"), "0x0");
    assert_string_equal(string_of(line, "entry_after"), "0x8000000100345067");
    assert_int_equal(integer_of(line, "process"), 0);
    assert_int_equal(integer_of(line, "service_ns"), 1534);
    assert_int_equal(json_object_size(line), 17);
}

static void check_large_host_read(const json_t *line)
{
    const json_t *region = json_object_get(line, "region");

    assert_string_equal(string_of(line, "access"), "r");
    assert_string_equal(string_of(line, "ring"), "host");
    assert_string_equal(string_of(region, "file"), "a \"b\"\n\xef\xbf\xbd\xc3\xa4.elf");
    assert_string_equal(string_of(region, "offset"), "0x1000");
    assert_int_equal(integer_of(line, "frame"), 1024);
    assert_int_equal(integer_of(line, "frames"), 512);
    assert_int_equal(integer_of(line, "evicted"), 77);
    assert_int_equal(integer_of(line, "process"), 2);
    assert_int_equal(integer_of(line, "service_ns"), UINT32_MAX);
}

static void check_kernel_jump(const json_t *line)
{
    assert_string_equal(string_of(line, "access"), "x");
    assert_true(json_is_true(json_object_get(line, "protection")));
    assert_string_equal(string_of(line, "address"), "0xffffffff80000000");
    assert_true(json_is_null(json_object_get(line, "region")));
    assert_true(json_is_null(json_object_get(line, "frame")));
    assert_int_equal(integer_of(line, "frames"), 0);
}

static void test_trace_json_parses_back_to_the_same_facts(void **state)
{
    struct trace trace;
    struct err err = {0};
    int fd = new_file();
    json_t *line[9];

    (void)state;
    open_trace(&trace, fd, TRACE_JSON);
    write_events(&trace);
    assert_true(trace_close(&trace, &err));
    char *got = contents(fd);
    char *at = got;
    for (size_t i = 0; i < 9; i++) {
        line[i] = parse_line(&at);
    }
    assert_string_equal(at, "");
    assert_string_equal(string_of(line[0], "type"), "header");
    assert_int_equal(integer_of(line[0], "version"), TRACE_VERSION);
    check_stack_write(line[1]);
    check_large_host_read(line[2]);
    check_kernel_jump(line[3]);
    assert_string_equal(string_of(line[4], "type"), "phase");
    assert_string_equal(string_of(line[4], "name"), "warm up");
    assert_string_equal(string_of(line[5], "type"), "result");
    assert_int_equal(integer_of(line[5], "value"), INT64_MIN);
    assert_string_equal(string_of(line[6], "type"), "signal");
    assert_int_equal(integer_of(line[6], "number"), SIGSEGV);
    assert_string_equal(string_of(line[6], "address"), "0x10");
    assert_string_equal(string_of(line[7], "type"), "exec");
    assert_int_equal(integer_of(line[7], "process"), 3);
    assert_string_equal(string_of(line[7], "path"), "/bin/a\nb");
    assert_string_equal(string_of(line[8], "type"), "end");
    assert_int_equal(integer_of(line[8], "status"), 139);
    for (size_t i = 0; i < 9; i++) {
        json_decref(line[i]);
    }
    free(got);
    close(fd);
}

/* Names of one and of two arbitrary bytes, all of them: jansson refuses what is not UTF-8 or
 * has a raw control character. */
static void test_line_json_string_is_valid_for_any_bytes(void **state)
{
    char buffer[64];
    struct line line;

    (void)state;
    for (unsigned i = 1; i < 0x10000; i++) {
        const char name[4] = {(char)(i & 0xff), (char)(i >> 8), '\0', '\0'};
        if (name[0] == '\0') {
            continue;
        }
        line_start(&line, buffer, sizeof(buffer));
        line_json_string(&line, name);
        json_t *value = json_loadb(buffer, line_bytes(&line), JSON_DECODE_ANY, NULL);
        assert_true(json_is_string(value));
        json_decref(value);
    }
}

static void test_line_json_string_takes_exactly_what_utf8_allows(void **state)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"\xe2\x82\xac", true},      {"\xf0\x9f\x98\x80", true},  {"\xf4\x8f\xbf\xbf", true},
        {"\xc0\x80", false},         {"\xe0\x9f\xbf", false},     {"\xed\xa0\x80", false},
        {"\xf0\x8f\xbf\xbf", false}, {"\xf4\x90\x80\x80", false}, {"\xe2\x82", false},
        {"\xf5\x80\x80\x80", false},
    };
    char buffer[128];
    struct line line;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        line_start(&line, buffer, sizeof(buffer));
        line_json_string(&line, cases[i].text);
        json_t *value = json_loadb(buffer, line_bytes(&line), JSON_DECODE_ANY, NULL);
        assert_non_null(value);
        assert_int_equal(strcmp(json_string_value(value), cases[i].text) == 0, cases[i].valid);
        json_decref(value);
    }
}

static void test_line_is_cut_and_never_overrun(void **state)
{
    char buffer[8] = "........";
    struct line line;

    (void)state;
    line_start(&line, buffer, 4);
    line_text(&line, "abc");
    assert_false(line_is_cut(&line));
    line_decimal(&line, 12);
    line_char(&line, 'd');
    line_pad_left(&line, 0, 8);
    assert_true(line_is_cut(&line));
    assert_memory_equal(buffer + 4, "....", 4);
    assert_memory_equal(buffer, "abc", 3);
}

static void test_line_numbers_agree_with_printf(void **state)
{
    static const uint64_t values[] = {0,      9,       10,         999,       1000,
                                      999999, 1000000, UINT32_MAX, INT64_MAX, UINT64_MAX};
    char buffer[256];
    char expected[256];
    struct line line;

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        line_start(&line, buffer, sizeof(buffer));
        line_decimal(&line, values[i]);
        line_char(&line, ' ');
        line_signed(&line, (int64_t)values[i]);
        line_char(&line, ' ');
        line_hex(&line, values[i], 12);
        line_char(&line, '\0');
        snprintf(
            expected, sizeof(expected), "%llu %lld 0x%012llx", (unsigned long long)values[i],
            (long long)values[i], (unsigned long long)values[i]);
        assert_string_equal(buffer, expected);
    }
    line_start(&line, buffer, sizeof(buffer));
    line_grouped(&line, UINT64_MAX);
    line_char(&line, '\0');
    assert_string_equal(buffer, "18,446,744,073,709,551,615");
}

static void test_trace_cuts_long_names_and_stays_valid(void **state)
{
    char name[4096];
    const struct trace_region region = {.label = name, .file = name};
    struct trace trace;
    struct err err = {0};
    int fd = new_file();

    (void)state;
    memset(name, '\x01', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    open_trace(&trace, fd, TRACE_JSON);
    for (int i = 0; i < 50; i++) {
        trace_fault(&trace, &stack_write, &region);
    }
    assert_true(trace_close(&trace, &err));
    char *got = contents(fd);
    char *at = got;
    json_decref(parse_line(&at));
    for (int i = 0; i < 50; i++) {
        json_t *line = parse_line(&at);
        assert_int_equal(
            strlen(string_of(json_object_get(line, "region"), "file")), LINE_NAME_BYTES);
        json_decref(line);
    }
    assert_string_equal(at, "");
    free(got);
    close(fd);
}

/* --- writing --- */

static void test_trace_gathers_lines_for_a_file_until_flushed(void **state)
{
    struct trace trace;
    struct err err = {0};
    struct stat status;
    int fd = new_file();

    (void)state;
    open_trace(&trace, fd, TRACE_TEXT);
    trace_fault(&trace, &stack_write, &stack);
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_size, 0);
    trace_flush(&trace);
    assert_int_equal(fstat(fd, &status), 0);
    assert_true(status.st_size > 0);
    assert_true(trace_close(&trace, &err));
    close(fd);
}

static void test_trace_writes_each_line_at_once_to_a_pipe(void **state)
{
    struct trace trace;
    struct err err = {0};
    int fds[2];
    char bytes[4096];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    open_trace(&trace, fds[1], TRACE_TEXT);
    assert_true(read(fds[0], bytes, sizeof(bytes)) > 0);
    trace_phase(&trace, 0, "one");
    assert_int_equal(read(fds[0], bytes, sizeof(bytes)), strlen("   0.000000 phase one\n"));
    assert_true(trace_close(&trace, &err));
    close(fds[0]);
    close(fds[1]);
}

static void test_trace_of_a_full_disk_stops_and_says_so_once(void **state)
{
    struct trace trace = {0};
    struct err err = {0};

    (void)state;
    assert_true(trace_open_path(&trace, "/dev/full", TRACE_TEXT, &err));
    for (int i = 0; i < 1000; i++) {
        trace_fault(&trace, &stack_write, &stack);
    }
    assert_false(trace_close(&trace, &err));
    assert_int_equal(err.kind, ERR_ENVIRONMENT);
    assert_int_equal(err.errno_value, ENOSPC);
    assert_string_equal(
        err.text, "cannot write the trace to /dev/full (the program ran on without it): "
                  "No space left on device");
    assert_true(trace_close(&trace, &err));
}

static void test_trace_to_a_closed_pipe_stops(void **state)
{
    struct trace trace;
    struct err err = {0};
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    signal(SIGPIPE, SIG_IGN);
    open_trace(&trace, fds[1], TRACE_JSON);
    write_events(&trace);
    assert_false(trace_close(&trace, &err));
    assert_int_equal(err.errno_value, EPIPE);
    close(fds[1]);
    signal(SIGPIPE, SIG_DFL);
}

/* The file-size limit stands in for a disk with room for 1,000 bytes more. */
static void test_trace_leaves_no_torn_line_on_a_full_disk(void **state)
{
    struct rlimit before;
    struct trace trace = {0};
    struct err err = {0};
    char path[] = "/tmp/test_trace.XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_true(trace_open_path(&trace, path, TRACE_JSON, &err));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){1000, before.rlim_max}), 0);
    for (int i = 0; i < 100; i++) {
        trace_fault(&trace, &stack_write, &stack);
    }
    bool ok = trace_close(&trace, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_false(ok);
    assert_int_equal(err.errno_value, EFBIG);

    char *got = contents(fd);
    size_t length = strlen(got);
    assert_true(length > 500 && length < 1000);
    for (char *at = got; *at;) {
        json_decref(parse_line(&at));
    }
    free(got);
    close(fd);
    unlink(path);
}

static void test_trace_open_path_names_a_file_that_cannot_be_made(void **state)
{
    struct trace trace = {0};
    struct err err = {0};

    (void)state;
    assert_false(trace_open_path(&trace, "/nonexistent/trace", TRACE_TEXT, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_int_equal(err.errno_value, ENOENT);
    assert_non_null(strstr(err.text, "/nonexistent/trace"));
}

static void test_trace_not_opened_takes_events_in_silence(void **state)
{
    struct trace trace = {0};
    struct err err = {0};

    (void)state;
    write_events(&trace);
    trace_flush(&trace);
    assert_true(trace_close(&trace, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trace_text_is_one_line_an_event),
        cmocka_unit_test(test_trace_json_parses_back_to_the_same_facts),
        cmocka_unit_test(test_line_json_string_is_valid_for_any_bytes),
        cmocka_unit_test(test_line_json_string_takes_exactly_what_utf8_allows),
        cmocka_unit_test(test_line_is_cut_and_never_overrun),
        cmocka_unit_test(test_line_numbers_agree_with_printf),
        cmocka_unit_test(test_trace_cuts_long_names_and_stays_valid),
        cmocka_unit_test(test_trace_gathers_lines_for_a_file_until_flushed),
        cmocka_unit_test(test_trace_writes_each_line_at_once_to_a_pipe),
        cmocka_unit_test(test_trace_of_a_full_disk_stops_and_says_so_once),
        cmocka_unit_test(test_trace_to_a_closed_pipe_stops),
        cmocka_unit_test(test_trace_leaves_no_torn_line_on_a_full_disk),
        cmocka_unit_test(test_trace_open_path_names_a_file_that_cannot_be_made),
        cmocka_unit_test(test_trace_not_opened_takes_events_in_silence),
    };
    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
