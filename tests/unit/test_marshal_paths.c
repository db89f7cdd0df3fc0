// SPDX-License-Identifier: MIT
/*
 * marshal: the paths of conditions, from their text to the memory of a call. Memory ends at a page
 * that cannot be read, so that a path which goes too far is seen.
 */
#include "unit.h"

#include "config_memory.h"
#include "marshal/marshal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct test_memory memory;
static struct config_model model;

/* One function, whose one condition is store_if. */
static const struct config_function *load(const char *members)
{
    struct config_memory from = test_memory_init(&memory);
    struct diagnostic_list list;
    char text[2048], output[4096];

    snprintf(text, sizeof(text),
             "{\"version\":1,\"types\":[\"struct pair { int a; int b; };\","
             "\"struct entry { long ttl; const char *name; struct entry *next; int n; "
             "int *numbers; };\"],"
             "\"fields\":{\"struct entry\":{\"name\":\"string\",\"next\":{\"in\":\"struct entry\"},"
             "\"numbers\":{\"in\":\"int\",\"count\":\"n\"}}},"
             "\"functions\":{\"f\":{%s}}}",
             members);
    diagnostics_init(&list, from);
    if (config_load("test.json", text, strlen(text), from, &model, &list) != 0) {
        diagnostics_print(&list, output, sizeof(output));
        fail_msg("%s", output);
    }
    return &model.functions[0];
}

static bool holds(const struct config_function *function, void *const *arguments,
                  const void *result, int32_t set_errno)
{
    return marshal_condition_holds(&function->store_if, function, arguments, result, set_errno);
}

/* A copy of the bytes that ends where memory ends. */
static void *put_at_end(const void *bytes, size_t n_bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
    memcpy(pages + page - n_bytes, bytes, n_bytes);
    return pages + page - n_bytes;
}

/* ---- errno ----------------------------------------------------------------------------------- */

static void test_errno(void **state)
{
    const struct config_function *f =
        load("\"prototype\":\"int f(int x)\",\"errno\":true,"
             "\"store_if\":[\"errno != ENOENT\",\"errno != EDEADLK\"]");
    int64_t result = 0;
    int x = 1;
    void *arguments[] = {&x};

    assert_true(holds(f, arguments, &result, MARSHAL_ERRNO_UNTOUCHED));
    assert_true(holds(f, arguments, &result, EINTR));
    assert_false(holds(f, arguments, &result, ENOENT));
    assert_false(holds(f, arguments, &result, EDEADLK));
    test_memory_free(&memory);

    f = load("\"prototype\":\"int f(int x)\",\"errno\":true,\"store_if\":\"errno == x\"");
    assert_true(holds(f, arguments, &result, 1));
    assert_false(holds(f, arguments, &result, MARSHAL_ERRNO_UNTOUCHED));
    x = 0;
    assert_true(holds(f, arguments, &result, MARSHAL_ERRNO_UNTOUCHED));
    test_memory_free(&memory);
}

/* ---- text ------------------------------------------------------------------------------------ */

static void test_what_a_text_result_leads_to(void **state)
{
    const struct config_function *f =
        load("\"prototype\":\"char *f(const char *s)\",\"args\":{\"s\":\"string\"},"
             "\"returns\":{\"out\":\"string\",\"lifetime\":\"static\"},"
             "\"store_if\":[\"return[2] == 99\",\"*return == 97\",\"s[1] != 0\"]");
    const char *s = put_at_end("xy", 3), *shorter = put_at_end("x", 2), *null = NULL;
    const char *good = put_at_end("abc", 4), *other = put_at_end("abd", 4),
               *ends = put_at_end("ab", 3), *empty = put_at_end("", 1);
    void *arguments[] = {&s};

    assert_true(holds(f, arguments, &good, 0));
    assert_false(holds(f, arguments, &other, 0));
    assert_false(holds(f, arguments, &ends, 0));
    assert_false(holds(f, arguments, &empty, 0));
    assert_false(holds(f, arguments, &null, 0));
    arguments[0] = &shorter; /* [1] is its NUL */
    assert_false(holds(f, arguments, &good, 0));
    arguments[0] = &null;
    assert_false(holds(f, arguments, &good, 0));
    test_memory_free(&memory);
}

static void test_lists_of_text(void **state)
{
    const struct config_function *f =
        load("\"prototype\":\"int f(char **v)\",\"args\":{\"v\":\"strings\"},"
             "\"store_if\":[\"v[1] == 'two'\",\"v[2] == NULL\",\"v[0][1] == 110\"]");
    static const char *const whole[] = {"one", "two", NULL}, *const single[] = {"one", NULL};
    char **v = put_at_end(whole, sizeof(whole)), **w = put_at_end(single, sizeof(single));
    char **none = put_at_end(&whole[2], sizeof(whole[2]));
    void *arguments[] = {&v};
    int64_t result = 0;

    assert_true(holds(f, arguments, &result, 0));
    arguments[0] = &w;
    assert_false(holds(f, arguments, &result, 0));
    arguments[0] = &none;
    assert_false(holds(f, arguments, &result, 0));
    test_memory_free(&memory);
}

/* ---- counted memory -------------------------------------------------------------------------- */

static void test_memory_is_read_as_far_as_its_count(void **state)
{
    const struct config_function *f =
        load("\"prototype\":\"int f(struct pair *v, int n, const void *raw, int *out)\",\"args\":{"
             "\"v\":{\"in\":\"struct pair\",\"count\":\"n\"},"
             "\"raw\":{\"in\":\"int\",\"count\":\"n - 1\"},"
             "\"out\":{\"out\":\"int\",\"count\":\"return\"}},"
             "\"store_if\":[\"v[1].b == 4\",\"raw[0] == 7\",\"out[1] == 9\"]");
    struct pair {
        int a, b;
    } pairs[] = {{1, 2}, {3, 4}};
    int seven = 7, nines[] = {9, 9}, n = 2;
    struct pair *v = put_at_end(pairs, sizeof(pairs));
    int *raw = put_at_end(&seven, sizeof(seven)), *out = put_at_end(nines, sizeof(nines));
    void *arguments[] = {&v, &n, &raw, &out};
    int64_t result = 2;

    assert_true(holds(f, arguments, &result, 0));
    result = 1;
    assert_false(holds(f, arguments, &result, 0));
    result = -1;
    assert_false(holds(f, arguments, &result, 0));
    result = 2;
    v = put_at_end(pairs, sizeof(pairs[0]));
    n = 1;
    assert_false(holds(f, arguments, &result, 0));
    n = -5;
    assert_false(holds(f, arguments, &result, 0));
    test_memory_free(&memory);
}

/* A struct in bytes: "n" says how many there are. */
static void test_records_in_bytes(void **state)
{
    const struct config_function *f =
        load("\"prototype\":\"int f(const struct pair *p, unsigned n)\",\"args\":{"
             "\"p\":{\"in\":\"bytes\",\"count\":\"n\"}},\"store_if\":\"p->b == 2\"");
    int both[] = {1, 2}, *p = put_at_end(both, sizeof(both)), *half = put_at_end(both, 4);
    unsigned n = 8;
    void *arguments[] = {&p, &n};
    int64_t result = 0;

    assert_true(holds(f, arguments, &result, 0));
    arguments[0] = &half;
    n = 4;
    assert_false(holds(f, arguments, &result, 0));
    test_memory_free(&memory);
}

/* ---- records --------------------------------------------------------------------------------- */

struct entry {
    long ttl;
    const char *name;
    struct entry *next;
    int n;
    int *numbers;
};

static void test_what_pointers_in_records_lead_to(void **state)
{
    const struct config_function *f =
        load("\"prototype\":\"struct entry *f(const char *name)\",\"args\":{\"name\":\"string\"},"
             "\"returns\":{\"out\":\"struct entry\",\"lifetime\":\"static\"},"
             "\"ttl\":\"1h\",\"ttl_from\":\"return->ttl\","
             "\"store_if\":[\"return->name == name\",\"return->next->name == 'second'\","
             "\"return->next->numbers[1] == 8\",\"return->next->next == NULL\"]");
    int sevens[] = {7, 8};
    struct entry *second = put_at_end(
        &(struct entry){
            .ttl = 1, .name = "second", .n = 2, .numbers = put_at_end(sevens, sizeof(sevens))},
        sizeof(*second));
    struct entry *first = put_at_end(
        &(struct entry){.ttl = 30, .name = put_at_end("first", 6), .next = second}, sizeof(*first));
    struct entry *none = NULL;
    const char *name = put_at_end("first", 6);
    void *arguments[] = {&name};
    long double seconds;

    assert_true(holds(f, arguments, &first, 0));
    assert_true(marshal_condition_number(&f->ttl_from, f, arguments, &first, 0, &seconds));
    assert_true(seconds == 30);
    second->n = 1; /* and its memory ends there, for all that is known */
    assert_false(holds(f, arguments, &first, 0));
    second->n = 2;
    second->numbers = NULL;
    assert_false(holds(f, arguments, &first, 0));
    second->numbers = sevens;
    assert_true(holds(f, arguments, &first, 0));
    second->name = NULL;
    assert_false(holds(f, arguments, &first, 0));
    first->next = NULL;
    assert_false(holds(f, arguments, &first, 0));
    assert_false(holds(f, arguments, &none, 0));
    assert_false(marshal_condition_number(&f->ttl_from, f, arguments, &none, 0, &seconds));
    test_memory_free(&memory);
}

#define OUT_PARAMETER                                                                       \
    "\"prototype\":\"int f(int id, struct entry *room, struct entry **result)\",\"args\":{" \
    "\"room\":\"scratch\",\"result\":{\"out\":\"struct entry *\",\"lifetime\":\"caller\""

static void test_what_is_behind_an_out_parameter(void **state)
{
    const struct config_function *f =
        load(OUT_PARAMETER "}},\"store_if\":[\"return == 0\","
                           "\"*result != NULL\",\"result[0]->n == 5\"]");
    struct entry *room = put_at_end(&(struct entry){.n = 5}, sizeof(*room)), *result = room;
    struct entry **to = &result;
    int id = 1;
    void *arguments[] = {&id, &room, &to};
    int64_t zero = 0, failed = 2;

    assert_true(holds(f, arguments, &zero, 0));
    result = NULL;
    assert_false(holds(f, arguments, &zero, 0));
    result = (struct entry *)(uintptr_t)8; /* whatever a call that failed has left there */
    assert_false(holds(f, arguments, &failed, 0));
    test_memory_free(&memory);
}

/* The condition of what is written stands before it, wherever that is asked for. */
static void test_when_it_was_not_written(void **state)
{
    const struct config_function *f =
        load(OUT_PARAMETER ",\"when\":\"return == 0\"}},\"unless\":\"result[0]->n == 5\"");
    struct entry *room = put_at_end(&(struct entry){.n = 5}, sizeof(*room)), *result = room;
    struct entry **to = &result;
    int id = 1;
    void *arguments[] = {&id, &room, &to};
    int64_t zero = 0, failed = 2;

    assert_true(marshal_condition_holds(&f->unless, f, arguments, &zero, 0));
    result = (struct entry *)(uintptr_t)8;
    assert_false(marshal_condition_holds(&f->unless, f, arguments, &failed, 0));
    test_memory_free(&memory);
}

/* ---- before the call ------------------------------------------------------------------------- */

static void test_counts_that_hang_on_the_result(void **state)
{
    const struct config_function *f =
        load("\"prototype\":\"int f(int *out)\",\"args\":{"
             "\"out\":{\"out\":\"int\",\"count\":\"return\"}},\"store_if\":\"*out == 0\"");
    int zero = 0, *out = &zero;
    void *arguments[] = {&out};
    int64_t one = 1;

    assert_true(holds(f, arguments, &one, 0));
    assert_false(holds(f, arguments, NULL, 0));
    test_memory_free(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errno),
        cmocka_unit_test(test_what_a_text_result_leads_to),
        cmocka_unit_test(test_lists_of_text),
        cmocka_unit_test(test_memory_is_read_as_far_as_its_count),
        cmocka_unit_test(test_records_in_bytes),
        cmocka_unit_test(test_what_pointers_in_records_lead_to),
        cmocka_unit_test(test_what_is_behind_an_out_parameter),
        cmocka_unit_test(test_when_it_was_not_written),
        cmocka_unit_test(test_counts_that_hang_on_the_result),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
