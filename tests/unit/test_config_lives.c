// SPDX-License-Identifier: MIT
/* The keys of lives in the model: what is exact, what is left out, and which of several counts. */
#include "unit.h"

#include "config_memory.h"

#include <stdio.h>

static struct test_memory memory;
static struct diagnostic_list list;
static struct config_model model;

/* The last function of this configuration. */
static const struct config_function *load(const char *defaults, const char *functions)
{
    char text[2000], printed[2000];
    int n_bytes = snprintf(text, sizeof(text), "{\"version\":1,\"defaults\":%s,\"functions\":%s}",
                           defaults, functions);

    test_memory_free(&memory);
    diagnostics_init(&list, test_memory_init(&memory));
    if (config_load("test", text, (size_t)n_bytes, test_memory_init(&memory), &model, &list) != 0) {
        diagnostics_print(&list, printed, sizeof(printed));
        fail_msg("%s", printed);
    }
    return &model.functions[model.n_functions - 1];
}

static int teardown(void **state)
{
    test_memory_free(&memory);
    return 0;
}

static void test_nothing_is_said(void **state)
{
    const struct config_function *function = load("{}", "{\"j0\":{}}");

    assert_int_equal(function->idle_ttl_ns, 0);
    assert_false(function->has_ttl_from);
    assert_true(function->ttl_jitter == 0);
    assert_int_equal(function->negative_ttl_ns, 0);
    assert_int_equal(function->negative_if.n_comparisons, 0);
    assert_int_equal(function->stale_for_ns, 0);
    assert_int_equal(function->stale_if.n_comparisons, 0);
    assert_true(function->refresh_early == 0);
    assert_false(function->has_seed);
}

static void test_everything_is_said(void **state)
{
    const struct config_function *function = load(
        "{}",
        "{\"f\":{\"prototype\":\"int f(int x, float *s)\",\"args\":{\"s\":{\"out\":\"float\"}},"
        "\"ttl\":\"1h\",\"idle_ttl\":0.1,\"ttl_from\":\"* s\",\"ttl_jitter\":0.25,"
        "\"negative\":{\"ttl\":\"250ms\",\"if\":[\"return < 0\",\"x > 1\"]},"
        "\"stale_if_error\":{\"if\":\"return == -2\",\"for\":\"7d\"},"
        "\"refresh\":{\"early\":1.5},\"seed\":9007199254740991}}");

    assert_int_equal(function->idle_ttl_ns, 100000000);
    assert_true(function->has_ttl_from);
    assert_int_equal(function->ttl_from.kind, OPERAND_PARAMETER);
    assert_int_equal(function->ttl_from.n_hops, 1);
    assert_int_equal(function->ttl_from.parameter, 1);
    assert_true(function->ttl_jitter == 0.25);
    assert_int_equal(function->negative_ttl_ns, 250000000);
    assert_int_equal(function->negative_if.n_comparisons, 2);
    assert_int_equal(function->negative_if.comparisons[1].left.kind, OPERAND_PARAMETER);
    assert_int_equal(function->stale_for_ns, UINT64_C(7) * 86400 * 1000000000);
    assert_int_equal(function->stale_if.n_comparisons, 1);
    assert_int_equal(function->stale_if.comparisons[0].right.integer, -2);
    assert_true(function->refresh_early == 1.5);
    assert_true(function->has_seed);
    assert_int_equal(function->seed, 9007199254740991);
}

/* The entry's own object counts as a whole; the conditions of defaults are each function's. */
static void test_the_nearest_counts(void **state)
{
    static const char defaults[] =
        "{\"ttl\":\"60s\",\"seed\":1,\"negative\":{\"if\":\"return < 0\",\"ttl\":\"5s\"},"
        "\"stale_if_error\":{\"if\":\"return == -1\",\"for\":\"1m\"},\"refresh\":{\"early\":2}}";
    const struct config_function *function =
        load(defaults, "{\"f\":{\"prototype\":\"int f(int x)\"}}");

    assert_int_equal(function->negative_ttl_ns, UINT64_C(5000000000));
    assert_int_equal(function->negative_if.comparisons[0].op, CONDITION_LT);
    assert_int_equal(function->stale_if.comparisons[0].right.integer, -1);
    assert_true(function->refresh_early == 2);
    assert_int_equal(function->seed, 1);

    function = load(defaults, "{\"j0\":{\"refresh\":{\"early\":1},\"seed\":0,"
                              "\"negative\":{\"if\":\"return == nan\",\"ttl\":\"1s\"}}}");
    assert_int_equal(function->negative_ttl_ns, 1000000000);
    assert_int_equal(function->negative_if.n_comparisons, 1);
    assert_int_equal(function->negative_if.comparisons[0].op, CONDITION_EQ);
    assert_int_equal(function->stale_for_ns, UINT64_C(60000000000));
    assert_true(function->refresh_early == 1);
    assert_true(function->has_seed);
    assert_int_equal(function->seed, 0);
}

/* What stands in defaults is for many functions: some of them may have no use for it. */
static void test_defaults_may_be_of_no_use(void **state)
{
    const struct config_function *function =
        load("{\"idle_ttl\":\"1h\",\"ttl_jitter\":0.1,\"refresh\":{\"early\":1}}",
             "{\"j0\":{\"ttl\":\"60s\"},\"j1\":{}}");

    assert_int_equal(function->idle_ttl_ns, UINT64_C(3600000000000));
    assert_int_equal(function->ttl_ns, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_nothing_is_said, teardown),
        cmocka_unit_test_teardown(test_everything_is_said, teardown),
        cmocka_unit_test_teardown(test_the_nearest_counts, teardown),
        cmocka_unit_test_teardown(test_defaults_may_be_of_no_use, teardown),
    };

    return cmocka_run_group_tests_name("config_lives", tests, NULL, NULL);
}
