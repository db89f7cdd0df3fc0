// SPDX-License-Identifier: MIT
/*
 * The short way of functions that hand out static memory and set variables against the long one:
 * two plans of one configuration get the same calls, one through its code, the other through
 * call_handle. Each call must reach the real function by both or by neither, and leave the same in
 * memory, in the variable and in errno, whatever the environment says at the moment.
 */
#include "call_short.h"

#include "call/call_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/single_threaded.h>

#define N_ROUNDS 3000

static struct person {
    int number;
    const char *name;
    long when;
} person;

static long zone; /* what the real function sets */
static char name[32];

/* Names differ in length; of some the call sets errno, and of some it hands out nothing. */
static struct person *look_up(long at, int kind)
{
    const char *where = getenv("WHERE");

    n_real++;
    snprintf(name, sizeof(name), "%.*s%s", (int)(at % 7 + 7) % 7, "abcdefg",
             where == NULL ? "" : where);
    person = (struct person){kind, at % 5 == 0 ? NULL : name, at};
    zone = at * 7;
    if (at % 3 == 0) {
        errno = EDOM;
    }
    return at % 11 == 0 ? NULL : &person;
}

static struct person *by_pointer(const long *at, short kind)
{
    return look_up(at == NULL ? -1 : *at, kind);
}

static struct person *by_number(unsigned id)
{
    return look_up(id, 0);
}

/* Of a function that sets the variable, or not. */
static struct call_plan *make_any(const char *prototype, const char *more, bool has_variable,
                                  void *function)
{
    static void *const addresses[] = {&zone};
    static const struct marshal_bindings bindings = {.globals = addresses};
    struct config_memory memory = {arena_alloc_callback, &arena};
    const char *reason = NULL;
    struct call_plan *plan;
    char text[1024];
    int n_bytes = snprintf(
        text, sizeof(text),
        "{\"version\":1,\"types\":[\"struct person { int number; char *name; long when; };\"],"
        "\"functions\":{\"f\":{\"prototype\":\"struct person *f(%s)\",\"returns\":{\"out\":"
        "\"struct person\",\"lifetime\":\"static\",\"fields\":{\"struct person\":{\"name\":"
        "\"string\"}}},\"errno\":true,\"key_also\":[\"env:WHERE\"],\"max_entries\":64%s%s}}}",
        prototype, has_variable ? ",\"globals\":{\"zone\":{\"out\":\"long\"}}" : "", more);

    assert_in_range(n_bytes, 1, sizeof(text) - 1);
    diagnostics_init(&diagnostics, memory);
    assert_int_equal(config_load("test", text, (size_t)n_bytes, memory, &model, &diagnostics), 0);
    assert_int_equal(
        call_plan_create(&(struct call_plan_options){.function = &model.functions[0],
                                                     .shown_as = "f",
                                                     .original = function,
                                                     .seed = 9,
                                                     .mode = model.functions[0].mode,
                                                     .mac_key = &mac_key,
                                                     .bindings = has_variable ? &bindings : NULL},
                         &arena, &plan, &reason),
        0);
    return plan;
}

static struct call_plan *make(const char *prototype, const char *more, bool has_variable,
                              void *function)
{
    struct call_plan *plan = make_any(prototype, more, has_variable, function);

    expect_way(plan, false);
    return plan;
}

/* What a call has left, but for where. */
struct left {
    bool is_there;
    struct person person; /* without the name */
    char name[32];
    long zone;
    int set_errno;
};

static struct left leave(uint64_t result, int set_errno)
{
    const struct person *found = (const struct person *)(uintptr_t)result;
    struct left left;

    memset(&left, 0, sizeof(left));
    left.is_there = found != NULL;
    left.zone = zone;
    left.set_errno = set_errno;
    if (found != NULL) {
        left.person.number = found->number;
        left.person.when = found->when;
        snprintf(left.name, sizeof(left.name), "%s", found->name == NULL ? "-" : found->name);
    }
    return left;
}

/* at: what the first argument leads to, or is. Returns whether both were hits. */
static bool call_both_ways(struct call_plan *by_short, struct call_plan *longer,
                           const struct argument *arguments)
{
    int before = n_real, by_words;
    struct left a, b;
    long zone_before = zone;
    uint64_t result;

    errno = EILSEQ;
    result = call_short(by_short, arguments).integer;
    a = leave(result, errno);
    by_words = n_real - before;
    zone = zone_before;
    errno = EILSEQ;
    result = handle(longer, arguments);
    b = leave(result, errno);
    assert_int_equal(n_real - before - by_words, by_words);
    assert_memory_equal(&a, &b, sizeof(a));
    return by_words == 0;
}

/* Another value, or none; or the same text elsewhere. */
static void change_environment(void)
{
    static const char *const values[] = {"here", "there", "hereabouts"};
    uint32_t i = draw(4);

    if (i == 3) {
        unsetenv("WHERE");
    } else {
        setenv("WHERE", values[i], 1);
    }
}

static void expect_same(struct call_plan *by_short, struct call_plan *longer, bool is_by_pointer)
{
    int n_hits = 0;

    random_state = 88172645463325252u;
    for (int i = 0; i < N_ROUNDS; i++) {
        uint32_t k = draw(20), id = draw(40);
        short kind = (short)(draw(3) - 1);
        long value = (long)draw(30);
        const long *at = k == 0 ? NULL : k == 1 ? &zone : &value;
        struct argument pointed[] = {ARGUMENT(at), ARGUMENT(kind)}, numbered[] = {ARGUMENT(id)};

        if (draw(50) == 0) {
            change_environment();
        }
        __libc_single_threaded = i / 500 % 3 != 2;
        clock_now_ns += draw(40) * 1000000;
        n_hits += call_both_ways(by_short, longer, is_by_pointer ? pointed : numbered);
    }
    __libc_single_threaded = 1;
    assert_in_range(n_hits, 100, N_ROUNDS - 100);
    expect_same_counts(by_short, longer);
    unsetenv("WHERE");
}

static void test_as_the_long_way(void **state)
{
    static const char *const policies[] = {"lru", "sieve", "s3-fifo", "w-tinylfu", "fifo",
                                           "lfu", "mru",   "rr",      "direct"};
    static const char *const lives[] = {"", ",\"ttl\":\"3s\"", ",\"idle_ttl\":\"700ms\"",
                                        ",\"ttl\":\"9s\",\"idle_ttl\":\"900ms\""};

    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]) * 8; i++) {
        bool is_by_pointer = i % 2 == 0;
        const char *prototype = is_by_pointer ? "const long *at, short kind" : "unsigned id";
        void *function = is_by_pointer ? (void *)by_pointer : (void *)by_number;
        struct call_plan *by_short, *longer;
        char more[128];

        snprintf(more, sizeof(more), "%s,\"policy\":\"%s\"%s",
                 is_by_pointer ? ",\"args\":{\"at\":{\"in\":\"long\"}}" : "", policies[i / 8],
                 lives[i / 2 % 4]);
        by_short = make(prototype, more, is_by_pointer, function);
        longer = make(prototype, more, is_by_pointer, function);
        expect_same(by_short, longer, is_by_pointer);
    }
}

/*
 * Hits are the short way's while nothing is due, also when the environment becomes what it was
 * before. The long way counts each of its calls.
 */
static void test_hits_take_it(void **state)
{
    struct call_plan *plan = make("unsigned id", ",\"guard\":false", false, (void *)by_number);
    unsigned id = 4;
    struct argument arguments[] = {ARGUMENT(id)};
    unsigned n_long = 0;

    setenv("WHERE", "here", 1);
    call_short(plan, arguments);
    setenv("WHERE", "there", 1);
    call_short(plan, arguments);
    assert_int_equal(n_real, 2);
    for (int i = 0; i < 100; i++) {
        uint32_t n_counted = call_calls_since_tick;
        struct person *found;

        setenv("WHERE", i % 2 == 0 ? "here" : "there", 1);
        found = (struct person *)(uintptr_t)call_short(plan, arguments).integer;
        assert_string_equal(found->name, i % 2 == 0 ? "abcdhere" : "abcdthere");
        n_long += call_calls_since_tick != n_counted;
    }
    assert_int_equal(n_real, 2);
    assert_in_range(n_long, 0, 20); /* some are timed */
    unsetenv("WHERE");
}

/* Calls that hang on more than the short way looks at, or that are to be real: never through it. */
static void test_others_have_none(void **state)
{
    static const struct {
        const char *prototype, *more;
    } others[] = {
        {"double at", ""}, /* on the rounding mode */
        {"unsigned id", ",\"ttl\":\"5ms\""},
        {"unsigned id", ",\"mode\":\"verify\""},
        {"const char *path", ",\"args\":{\"path\":\"path\"}"},
        {"unsigned id, const char *word", ",\"args\":{\"word\":\"string\"}"},
    };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct call_plan *plan =
            make_any(others[i].prototype, others[i].more, false, (void *)by_number);

        assert_null(call_plan_words(plan));
        assert_null(call_plan_quick(plan));
    }
    make("unsigned id", ",\"ttl\":\"5s\"", false, (void *)by_number);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_as_the_long_way, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_hits_take_it, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_others_have_none, call_setup, call_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
