// SPDX-License-Identifier: MIT
/*
 * What each of the three formats says about one picture, byte for byte: fixtures/stats/example.*.
 * @VERSION@ there is memoshim's version.
 */
#include "unit.h"

#include "stats_subject.h"

#include <errno.h>
#include <stdio.h>

struct functions {
    const struct stats_function *functions;
    size_t n_read; /* each is read once, in order */
};

static void read_function(void *context, size_t i, struct stats_function *ret_function)
{
    struct functions *functions = context;

    assert_int_equal(i, functions->n_read++);
    *ret_function = functions->functions[i];
}

/* A list that ends with an object without name. */
static const void *next_importer(const void *importers, const void *importer,
                                 struct stats_importer *ret_importer)
{
    const struct stats_importer *next =
        importer == NULL ? importers : (const struct stats_importer *)importer + 1;

    *ret_importer = *next;
    return next->object != NULL ? next : NULL;
}

static const char *emit(struct stats_snapshot *snapshot, enum stats_format format,
                        const struct stats_function *functions, size_t n_functions)
{
    static struct text text;
    const struct stats_sink sink = {append, &text};
    struct functions context = {functions, 0};

    snapshot->read_function = read_function;
    snapshot->next_importer = next_importer;
    snapshot->context = &context;
    snapshot->n_functions = n_functions;
    text = (struct text){.n_bytes = 0};
    errno = 4321;
    assert_int_equal(stats_emit(snapshot, format, &sink), 0);
    assert_int_equal(errno, 4321);
    assert_int_equal(context.n_read, n_functions);
    return text.bytes;
}

static const struct stats_importer pow_importers[] = {
    {.object = "nginx", .path = "/usr/sbin/nginx", .plt = 7, .got = 1},
    {.object = "l\"x.so",
     .path = "/l\"x.so",
     .pointers = 2,
     .copied = 1,
     .unaligned = 3,
     .sealed = 4},
    {.object = NULL},
};

/* The example of the specification, a function with everything, and one that was refused. */
static struct stats_function example[4];
static struct stats_snapshot example_snapshot;

static int make_example(void **state)
{
    struct stats_counters *crypt = new_counters(), *pow = new_counters();

    stats_add(crypt, STATS_hits, 97);
    stats_add(crypt, STATS_misses, 3);
    stats_add(crypt, STATS_stores, 2);
    stats_add(crypt, STATS_not_stored, 1);
    stats_add_real_ns(crypt, 60800000);
    stats_add_real_ns(crypt, 60700000);
    stats_add_real_ns(crypt, 61500000);
    example[0] = (struct stats_function){.name = "crypt_r",
                                         .mode = "memoize",
                                         .policy = "lru",
                                         .library = "libcrypt.so.1",
                                         .path = "/lib/libcrypt.so.1",
                                         .version = "XCRYPT_2.0",
                                         .hooked_slots = 1,
                                         .counters = crypt,
                                         .entries = 2,
                                         .max_entries = 4096,
                                         .bytes = 912,
                                         .max_bytes = 67108864};
    for (unsigned i = 0; i < STATS_COUNTER_COUNT; i++) {
        stats_add(pow, (enum stats_counter)i, 11000000000 + i);
    }
    for (unsigned i = 0; i < STATS_BYPASS_COUNT; i++) {
        stats_add_bypass(pow, (enum stats_bypass)i);
    }
    stats_add_real_ns(pow, 45);
    example[1] = (struct stats_function){.name = "pow@GLIBC_2.29 (libm.so.6)",
                                         .mode = "memoize",
                                         .policy = "lru",
                                         .hooked_slots = 12,
                                         .later_slots = 1,
                                         .unexported = "it has two versions",
                                         .readable = "pow(double, double)",
                                         .importers = pow_importers,
                                         .counters = pow,
                                         .reentries = 6,
                                         .evictions = 1,
                                         .expirations = 2,
                                         .invalidations = 3,
                                         .entries = 65536,
                                         .max_entries = 65536,
                                         .bytes = 6291456,
                                         .max_bytes = 67108864,
                                         .refused = "the object plugin.so keeps its RELRO closed"};
    example[2] = (struct stats_function){
        .name = "j0", .readable = "j0(double)", .refused = "imported by nobody"};
    example[3] = (struct stats_function){.name = "j1", .mode = "off", .policy = "lru"};
    example_snapshot = (struct stats_snapshot){.program = "nginx",
                                               .pid = 4711,
                                               .time_s = 1769860800,
                                               .uptime_ns = 12500000000,
                                               .notes = {"the program replaced the handler"}};
    return 0;
}

static int free_example(void **state)
{
    for (size_t i = 0; i < sizeof(example) / sizeof(example[0]); i++) {
        free((struct stats_counters *)example[i].counters);
    }
    return 0;
}

/* The fixture's text, good until the next. */
static const char *expected(const char *suffix)
{
    static const char mark[] = "@VERSION@";
    static char text[32768];
    static char path[512];
    FILE *file;
    size_t n_bytes;
    char *at;

    snprintf(path, sizeof(path), FIXTURES "/stats/example.%s", suffix);
    file = fopen(path, "r");
    assert_non_null(file);
    n_bytes = fread(text, 1, sizeof(text) - sizeof(MEMOSHIM_VERSION), file);
    assert_true(n_bytes > 0 && feof(file));
    text[n_bytes] = '\0';
    fclose(file);
    at = strstr(text, mark);
    if (at != NULL) {
        memmove(at + strlen(MEMOSHIM_VERSION), at + strlen(mark), strlen(at + strlen(mark)) + 1);
        memcpy(at, MEMOSHIM_VERSION, strlen(MEMOSHIM_VERSION));
    }
    return text;
}

static void test_text(void **state)
{
    assert_string_equal(emit(&example_snapshot, STATS_TEXT, example, 4), expected("txt"));
}

static void test_json(void **state)
{
    assert_string_equal(emit(&example_snapshot, STATS_JSON, example, 4), expected("json"));
}

static void test_many_importers(void **state)
{
    static struct stats_importer many[103];
    struct stats_function function = {
        .name = "f", .mode = "memoize", .policy = "lru", .counters = example[0].counters};
    const char *text;
    unsigned n_shown = 0;

    for (unsigned i = 0; i + 1 < sizeof(many) / sizeof(many[0]); i++) {
        many[i] = (struct stats_importer){.object = "o", .path = "/o", .plt = 1};
    }
    function.importers = many;
    text = emit(&example_snapshot, STATS_JSON, &function, 1);
    for (const char *at = text; (at = strstr(at, "{ \"object\"")) != NULL; at++) {
        n_shown++;
    }
    assert_int_equal(n_shown, 100);
    assert_non_null(strstr(text, "\n      ],\n      \"importers_not_shown\": 2,\n"));
}

static void test_prometheus(void **state)
{
    assert_string_equal(emit(&example_snapshot, STATS_PROMETHEUS, example, 4), expected("prom"));
}

static void test_no_functions(void **state)
{
    struct stats_snapshot snapshot = {.pid = 1};

    assert_string_equal(emit(&snapshot, STATS_TEXT, NULL, 0),
                        "memoshim " MEMOSHIM_VERSION ":  (pid 1), up 0 ns, 1970-01-01T00:00:00Z\n"
                        "no function is memoized\n");
    assert_string_equal(emit(&snapshot, STATS_JSON, NULL, 0),
                        "{\n"
                        "  \"memoshim\": \"" MEMOSHIM_VERSION "\",\n"
                        "  \"pid\": 1,\n"
                        "  \"program\": \"\",\n"
                        "  \"time\": \"1970-01-01T00:00:00Z\",\n"
                        "  \"uptime_s\": 0,\n"
                        "  \"functions\": {}\n"
                        "}\n");
    /* example[2] was refused: a table without rows is no table. */
    assert_non_null(strstr(emit(&snapshot, STATS_TEXT, example + 2, 1),
                           "no function is memoized\n\nj0        is j0(double)\n"
                           "          not hooked: imported by nobody\n"));
}

/* No line of the table is wider than 100 columns, whatever the names and numbers are. */
static void test_text_fits_100_columns(void **state)
{
    struct stats_counters *counters = new_counters();
    char name[200] = "";
    struct stats_function function = {.name = name,
                                      .mode = "memoize",
                                      .policy = "lru",
                                      .counters = counters,
                                      .entries = UINT64_MAX,
                                      .bytes = UINT64_MAX,
                                      .evictions = UINT64_MAX,
                                      .refused = "one two three four five six seven eight nine ten "
                                                 "eleven twelve thirteen fourteen fifteen sixteen"};
    struct stats_snapshot snapshot = {.program = "p"};

    for (unsigned i = 0; i < STATS_COUNTER_COUNT; i++) {
        stats_add(counters, (enum stats_counter)i, UINT64_MAX / 3);
    }
    stats_add_real_ns(counters, UINT64_MAX);
    for (size_t n = 0; n < 90; n++) {
        const char *line;

        name[n] = 'x';
        line = emit(&snapshot, STATS_TEXT, &function, 1);
        while (*line != '\0') {
            size_t n_bytes = strcspn(line, "\n");

            assert_true(n_bytes <= 100);
            line += n_bytes + 1;
        }
    }
    free(counters);
}

/* What is saved is what is left when memoshim's own part is taken off, and may be less than
 * nothing. */
static void test_savings_are_net(void **state)
{
    struct stats_counters *counters = new_counters();
    struct stats_function function = {.name = "f",
                                      .mode = "memoize",
                                      .policy = "lru",
                                      .counters = counters,
                                      .hit_ps = 50500,
                                      .miss_ps = 100000};
    struct stats_snapshot snapshot = {.program = "p"};

    stats_add(counters, STATS_hits, 1000000);
    stats_add(counters, STATS_misses, 100000);
    stats_add_real_ns(counters, 100);
    /* 0.1 s, less 0.0505 s and 0.01 s */
    assert_non_null(strstr(emit(&snapshot, STATS_JSON, &function, 1), "\"saved_s\": 0.0395\n"));
    function.miss_ps = 1000000;
    assert_non_null(strstr(emit(&snapshot, STATS_JSON, &function, 1), "\"saved_s\": -0.0505\n"));
    assert_non_null(strstr(emit(&snapshot, STATS_TEXT, &function, 1), "-50.5 ms\n"));
    assert_non_null(strstr(emit(&snapshot, STATS_PROMETHEUS, &function, 1),
                           "memoshim_saved_seconds{function=\"f\"} -0.0505\n"));
    free(counters);
}

/* A failing sink is asked once and its error is what comes back. */
static void test_sink_errors(void **state)
{
    static struct text text;
    const struct stats_sink sink = {append, &text};
    const char *whole = expected("prom");
    struct functions context = {example, 0};

    example_snapshot.read_function = read_function;
    example_snapshot.context = &context;
    example_snapshot.n_functions = 4;
    text = (struct text){.n_withheld = sizeof(text.bytes) - 5000};
    assert_int_equal(stats_emit(&example_snapshot, STATS_PROMETHEUS, &sink), -ENOSPC);
    assert_true(text.n_bytes < 5000);
    assert_memory_equal(text.bytes, whole, text.n_bytes);
}

#define WITH_EXAMPLE(test) cmocka_unit_test_setup_teardown(test, make_example, free_example)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_EXAMPLE(test_text),         WITH_EXAMPLE(test_json),
        WITH_EXAMPLE(test_prometheus),   WITH_EXAMPLE(test_many_importers),
        WITH_EXAMPLE(test_no_functions), WITH_EXAMPLE(test_savings_are_net),
        WITH_EXAMPLE(test_sink_errors),  cmocka_unit_test(test_text_fits_100_columns),
    };

    return cmocka_run_group_tests_name("stats_emit", tests, NULL, NULL);
}
