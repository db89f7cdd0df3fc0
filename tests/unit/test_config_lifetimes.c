// SPDX-License-Identifier: MIT
/* config_each_lifetime on descriptions put together by hand: graphs that the language can say. */
#include "unit.h"

#include "config/config.h"
#include <errno.h>

#define ROOM 16

struct seen {
    const char *freed_by[ROOM];
    enum lifetime_kind kinds[ROOM];
    const struct config_pointee *pointees[ROOM];
    uint32_t n, stop_after;
};

static int note(const struct config_lifetime *lifetime, const struct config_pointee *pointee,
                void *context)
{
    struct seen *seen = context;

    assert_in_range(seen->n, 0, ROOM - 1);
    seen->kinds[seen->n] = lifetime->kind;
    seen->pointees[seen->n] = pointee;
    seen->freed_by[seen->n++] = lifetime->freed_by;
    return seen->n == seen->stop_after ? 7 : 0;
}

/* A list through its own record, with text that is the caller's, and a third record behind it. */
static void test_follows_a_list_once(void **state)
{
    static struct config_field inner_fields[] = {
        {.name = "text", .pointee = {.kind = POINTEE_TEXT, .lifetime.kind = LIFETIME_CALLER}}};
    static const struct config_fields inner = {.fields = inner_fields, .n_fields = 1};
    static struct config_fields node;
    static struct config_field fields[] = {
        {.name = "next",
         .pointee = {.kind = POINTEE_ELEMENTS,
                     .fields = &node,
                     .lifetime = {.kind = LIFETIME_FREED_BY, .freed_by = "list_free"}}},
        {.name = "inner",
         .pointee = {.kind = POINTEE_ELEMENTS,
                     .fields = &inner,
                     .lifetime = {.kind = LIFETIME_HOLDER}}},
    };
    static const struct config_pointee first = {
        .kind = POINTEE_ELEMENTS,
        .fields = &node,
        .lifetime = {.kind = LIFETIME_FREED_BY, .freed_by = "list_free"}};
    static const struct config_pointee memory = {.kind = POINTEE_ELEMENTS, .target = &first};
    static const struct config_description parameter = {
        .kind = DESCRIBE_MEMORY, .is_out = true, .writes = &memory};
    struct config_function function = {.parameters = &parameter, .prototype.n_parameters = 1};
    struct seen seen = {0};

    node = (struct config_fields){.fields = fields, .n_fields = 2};
    assert_int_equal(config_each_lifetime(&function, note, &seen), 0);
    assert_int_equal(seen.n, 4);
    assert_ptr_equal(seen.pointees[0], &first);
    assert_string_equal(seen.freed_by[0], "list_free");
    assert_ptr_equal(seen.pointees[1], &fields[0].pointee);
    assert_int_equal(seen.kinds[2], LIFETIME_HOLDER);
    assert_int_equal(seen.kinds[3], LIFETIME_CALLER);

    seen = (struct seen){.stop_after = 2};
    assert_int_equal(config_each_lifetime(&function, note, &seen), 7);
    assert_int_equal(seen.n, 2);
}

/* A result that is text, alternatives and variables. */
static void test_visits_every_place(void **state)
{
    static const struct config_pointee kept = {.kind = POINTEE_TEXT,
                                               .lifetime.kind = LIFETIME_STATIC};
    static const struct config_description alternatives[] = {
        {.kind = DESCRIBE_OUT_STRING, .lifetime.kind = LIFETIME_CALLER},
        {.kind = DESCRIBE_OFFSET, .lifetime.kind = LIFETIME_INTO},
    };
    static const struct config_pointee holder = {.kind = POINTEE_ELEMENTS, .target = &kept};
    static const struct config_global global = {
        "names", {.kind = DESCRIBE_MEMORY, .is_out = true, .writes = &holder}};
    struct config_function function = {
        .result = {.kind = DESCRIBE_ALTERNATIVES},
        .globals = &global,
        .n_globals = 1,
    };
    struct seen seen = {0};

    function.result.alternatives = alternatives;
    function.result.n_alternatives = 2;
    assert_int_equal(config_each_lifetime(&function, note, &seen), 0);
    assert_int_equal(seen.n, 3);
    assert_int_equal(seen.kinds[0], LIFETIME_CALLER);
    assert_null(seen.pointees[0]);
    assert_int_equal(seen.kinds[1], LIFETIME_INTO);
    assert_ptr_equal(seen.pointees[2], &kept);
}

static void test_is_bounded(void **state)
{
    static struct config_fields records[CONFIG_MAX_RECORDS + 1];
    static struct config_field fields[CONFIG_MAX_RECORDS + 1];
    static const struct config_pointee first = {.kind = POINTEE_ELEMENTS, .fields = &records[0]};
    struct config_function function = {.result = {.kind = DESCRIBE_MEMORY, .writes = &first}};
    struct seen seen = {0};

    for (uint32_t i = 0; i <= CONFIG_MAX_RECORDS; i++) {
        fields[i] = (struct config_field){.name = "next", .pointee.kind = POINTEE_ELEMENTS};
        fields[i].pointee.fields = i < CONFIG_MAX_RECORDS ? &records[i + 1] : NULL;
        records[i] = (struct config_fields){.fields = &fields[i], .n_fields = 1};
    }
    assert_int_equal(config_each_lifetime(&function, note, &seen), -E2BIG);
    fields[CONFIG_MAX_RECORDS - 1].pointee.fields = &records[0]; /* the last leads back */
    assert_int_equal(config_each_lifetime(&function, note, &seen), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follows_a_list_once),
        cmocka_unit_test(test_visits_every_place),
        cmocka_unit_test(test_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
