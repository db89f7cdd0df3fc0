// SPDX-License-Identifier: MIT
/*
 * marshal, records that lie as they will lie in memory, of functions whose memory is in more places
 * than one: the result has one of its own, its name lies in what it shares with `char *g(void)`,
 * and a variable leads to text, as with functions that share the memory of ctime.
 *
 *     struct item *f(void)    and the variable `title`
 */
#include "unit.h"

#include "graph_record_subject.h"

#include <errno.h>
#include <string.h>

struct item {
    const char *name;
    int64_t number;
};

static const struct ctype_member item_members[] = {TEST_MEMBER(struct item, name, type_text),
                                                   TEST_MEMBER(struct item, number, type_i64)};
TEST_RECORD(type_item, struct item, item_members);
TEST_POINTER(type_item_pointer, type_item);

static struct config_field item_field_list[] = {
    TEST_FIELD(struct item, name, .kind = POINTEE_TEXT, .element_size = 1)};
TEST_FIELDS(item_fields, type_item, item_field_list);

static const struct config_pointee item_pointee = {.kind = POINTEE_ELEMENTS,
                                                   .type = &type_item,
                                                   .element_size = sizeof(struct item),
                                                   .fields = &item_fields};
static const struct config_pointee title_text = {
    .kind = POINTEE_TEXT, .element_size = 1, .lifetime.kind = LIFETIME_STATIC};
static const struct config_pointee title_pointee = {.kind = POINTEE_ELEMENTS,
                                                    .type = &type_text,
                                                    .element_size = sizeof(char *),
                                                    .target = &title_text};

#define GROUP                                            \
    {                                                    \
        .kind = LIFETIME_STATIC_GROUP, .group = "places" \
    }

static char *title;
static struct subject subject;
static struct captured record;

static void begin(struct config_lifetime of_name, uint32_t n_globals)
{
    static void *const addresses[] = {&title};
    static const struct marshal_bindings bindings = {.globals = addresses};
    static struct config_global global = {"title",
                                          {.kind = DESCRIBE_MEMORY,
                                           .is_out = true,
                                           .element = &type_text,
                                           .element_size = sizeof(char *),
                                           .writes = &title_pointee}};

    item_field_list[0].pointee.lifetime = of_name;
    subject_begin(&subject, &type_item_pointer);
    subject.bindings = &bindings;
    subject.function.globals = &global;
    subject.function.n_globals = n_globals;
    subject.function.result = (struct config_description){.kind = DESCRIBE_MEMORY,
                                                          .is_out = true,
                                                          .element = &type_item,
                                                          .element_size = sizeof(struct item),
                                                          .writes = &item_pointee,
                                                          .lifetime.kind = LIFETIME_STATIC};
    subject_finish(&subject);
    assert_true(marshal_replays_alone(subject.plan));
}

/* A real call, whose memory is gone afterwards. */
static void call(void)
{
    char name[] = "a name", text[] = "a title";
    struct item found = {name, 7}, *result = &found;

    title = text;
    assert_int_equal(capture(&subject, NULL, &result, &record), 0);
    memset(name, 'x', sizeof(name));
    memset(text, 'x', sizeof(text));
    found = (struct item){NULL, 8};
    title = NULL;
}

/* What a function that shares the group's memory hands out. */
static char *hand_out_text(const char *text)
{
    struct subject sharer;
    static struct captured of_text;
    char *given = NULL;

    subject_begin(&sharer, &type_text);
    sharer.function.result =
        (struct config_description){.kind = DESCRIBE_OUT_STRING, .is_out = true, .lifetime = GROUP};
    subject_finish(&sharer);
    assert_int_equal(capture(&sharer, NULL, &text, &of_text), 0);
    assert_int_equal(give(&sharer, &of_text, NULL, &given), 0);
    subject_end(&sharer);
    return given;
}

static void test_each_has_its_place(void **state)
{
    static const struct config_lifetime group = GROUP, held = {.kind = LIFETIME_HOLDER};

    for (uint32_t n_globals = 0; n_globals < 2; n_globals++) {
        for (int is_held = 0; is_held < 2; is_held++) {
            struct item *given = NULL;
            char *shared = hand_out_text("shared");

            begin(is_held ? held : group, n_globals);
            call();
            assert_int_equal(give(&subject, &record, NULL, &given), 0);
            assert_string_equal(given->name, "a name");
            assert_int_equal(given->number, 7);
            assert_string_equal(shared, is_held ? "shared" : "a name");
            assert_true((given->name == shared) == !is_held);
            if (n_globals > 0) {
                assert_string_equal(title, "a title");
            }
            subject_end(&subject);
        }
    }
}

/* ---- garbage --------------------------------------------------------------------------------- */

#define WATCHED    0x5a
#define ROOM_BYTES 1024 /* of a place, which has a page */
#define TAKEN_AT   12   /* see graph_image.h */

/* of what is taken of a place: from 0 on. Beyond it nothing was written. */
static bool is_in_place(const void *at, const unsigned char *memory, uint32_t place)
{
    uint32_t n_taken;

    memcpy(&n_taken, record.bytes + TAKEN_AT + place * sizeof(n_taken), sizeof(n_taken));
    assert_true(n_taken < ROOM_BYTES);
    for (uint32_t i = n_taken; i < ROOM_BYTES; i++) {
        assert_int_equal(memory[i], WATCHED);
    }
    return (uintptr_t)at - (uintptr_t)memory <= n_taken;
}

static bool is_in_either(const void *at, unsigned char *const *memory)
{
    bool in_first = is_in_place(at, memory[0], 0), in_second = is_in_place(at, memory[1], 1);

    return at == NULL || in_first || in_second;
}

/* Refused, and then nothing was touched; or its pointers lead to memory that is for it. */
static bool give_any(unsigned char *const *memory, bool has_wheres)
{
    struct item *given = (struct item *)&title;

    memset(memory[0], WATCHED, ROOM_BYTES);
    memset(memory[1], WATCHED, ROOM_BYTES);
    title = (char *)&record;
    if (give(&subject, &record, NULL, &given) != 0) {
        assert_ptr_equal(given, &title);
        assert_ptr_equal(title, &record);
        return false;
    }
    assert_true(is_in_either(given, memory));
    assert_true(is_in_either(title, memory));
    if ((void *)given == memory[0] && has_wheres) {
        assert_true(is_in_either(given->name, memory));
    }
    return true;
}

static void test_garbage(void **state)
{
    static const struct config_lifetime group = GROUP;
    const size_t wheres_at = TAKEN_AT + 2 * sizeof(uint32_t);
    unsigned char *memory[2] = {NULL, (unsigned char *)hand_out_text("shared")};
    unsigned n_refused = 0;
    size_t n_bytes;

    begin(group, 1);
    call();
    assert_int_equal(give(&subject, &record, NULL, &memory[0]), 0);
    n_bytes = record.n_bytes;
    for (record.n_bytes = 0; record.n_bytes < n_bytes; record.n_bytes++) {
        assert_false(give_any(memory, true));
    }
    for (size_t i = 0; i < n_bytes; i++) {
        unsigned char before_change = record.bytes[i];

        for (unsigned value = 0; value < 256; value++) {
            record.bytes[i] = (unsigned char)value;
            n_refused += !give_any(memory, i < wheres_at || i >= wheres_at + sizeof(uint32_t));
        }
        record.bytes[i] = before_change;
    }
    assert_true(n_refused > 1000);
    assert_true(give_any(memory, true));
    subject_end(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_has_its_place),
        cmocka_unit_test(test_garbage),
    };

    assert_int_equal(marshal_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
