// SPDX-License-Identifier: MIT
/*
 * marshal, keys: what is behind pointers that stand in memory and has no key: circles, what is
 * shared, what is too much, what a call writes over.
 */
#include "unit.h"

#include "graph_subject.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void test_met_twice(void **state)
{
    struct chain ring[2] = {{1, "a", &ring[1]}, {2, "b", &ring[0]}}, self = {1, NULL, &self};
    struct tree leaf = {.tag = 1}, same = {.tag = 1};
    struct tree *shared[] = {&leaf, &leaf, NULL}, *apart[] = {&leaf, &same, NULL};
    struct tree top = {.tag = 2, .list = shared};
    struct tree array[2] = {{.tag = 1}, {.tag = 2}}, inner = {.n_kids = 2, .kids = array};
    struct tree *second[] = {&array[1], NULL};
    struct subject subject;

    subject_of(&subject, &type_chain_pointer, in_chain);
    assert_int_equal(same_key_of(&subject, ring, ring), -ELOOP);
    assert_int_equal(same_key_of(&subject, &self, &self), -ELOOP);
    ring[1].next = NULL;
    assert_int_equal(same_key_of(&subject, ring, ring), 1);
    subject_end(&subject);

    subject_of(&subject, &type_tree_pointer, in_tree);
    assert_int_equal(same_key_of(&subject, &top, &top), -ELOOP);
    top.list = apart;
    assert_int_equal(same_key_of(&subject, &top, &top), 1);
    inner.list = second; /* into the middle of an array */
    assert_int_equal(same_key_of(&subject, &inner, &inner), -ELOOP);
    /* Text may be shared. */
    array[0].text = array[1].text = "shared";
    inner.list = NULL;
    assert_int_equal(same_key_of(&subject, &inner, &inner), 1);
    subject_end(&subject);
}

static struct chain *make_chain(size_t n)
{
    struct chain *nodes = calloc(n, sizeof(*nodes));

    assert_non_null(nodes);
    for (size_t i = 0; i < n; i++) {
        nodes[i] = (struct chain){(int32_t)i, "", i + 1 < n ? &nodes[i + 1] : NULL};
    }
    return nodes;
}

static void *compare_long_chains(void *subject_of_thread)
{
    struct chain *a = make_chain(10000), *b = make_chain(10000);

    assert_int_equal(same_key_of(subject_of_thread, a, b), 1);
    b[9999].value = -1;
    assert_int_equal(same_key_of(subject_of_thread, a, b), 0);
    b[9999].value = 9999;
    b[9998].next = NULL;
    assert_int_equal(same_key_of(subject_of_thread, a, b), 0);
    b[9998].next = &b[5000];
    assert_int_equal(same_key_of(subject_of_thread, b, b), -ELOOP);
    free(a);
    free(b);
    return NULL;
}

/* Ten thousand records in a list, on a stack as small as they may be. */
static void test_long_lists_take_no_stack(void **state)
{
    size_t n_stack_bytes = PTHREAD_STACK_MIN > 65536 ? (size_t)PTHREAD_STACK_MIN : 65536;
    struct subject subject;
    pthread_attr_t attributes;
    pthread_t thread;

    NEED(!has_shadow_memory(), "frames are larger beside a sanitizer");
    subject_of(&subject, &type_chain_pointer, in_chain);
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstacksize(&attributes, n_stack_bytes), 0);
    assert_int_equal(pthread_create(&thread, &attributes, compare_long_chains, &subject), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attributes);
    subject_end(&subject);
}

/* Records that are nothing but a pointer to the next, up to 32,768 of them behind the first. */
static void test_depth(void **state)
{
    static const struct ctype_member members[] = {{"next", &type_pointer, 0}};
    static const struct ctype type_link = {
        CTYPE_STRUCT,       sizeof(void *), _Alignof(void *), .text = "struct link",
        .members = members, .n_members = 1, .depth = 1};
    static struct config_pointee pointee;
    const struct config_field field[] = {
        {"next",
         0,
         sizeof(void *),
         {.kind = POINTEE_ELEMENTS, .type = &type_link, .element_size = 8, .fields = NULL}}};
    struct config_fields fields = {&type_link, field, 1};
    struct config_field next = field[0];
    struct config_description description = {.kind = DESCRIBE_MEMORY,
                                             .is_in = true,
                                             .element_size = sizeof(void *),
                                             .element = &type_link,
                                             .reads = &pointee};
    void **links = calloc(40000, sizeof(*links));
    struct subject subject;

    next.pointee.fields = &fields;
    fields.fields = &next;
    pointee = next.pointee;
    for (size_t i = 0; i < 32768; i++) {
        links[i] = &links[i + 1];
    }
    subject_of(&subject, &type_pointer, description);
    assert_int_equal(same_key_of(&subject, links, links), 1);
    links[32768] = &links[32769];
    assert_int_equal(same_key_of(&subject, links, links), -E2BIG);
    subject_end(&subject);
    free(links);
}

static void test_bounds(void **state)
{
    struct chain *chain = make_chain(40000);
    static struct tree leaves[33000];
    struct tree root = {.n_kids = 33000, .kids = leaves};
    char *endless = malloc(MARSHAL_MAX_STRING_BYTES + 2);
    struct subject subject;

    /* Too many pointers: two of each record. */
    subject_of(&subject, &type_chain_pointer, in_chain);
    chain[32767].next = NULL;
    assert_int_equal(same_key_of(&subject, chain, chain), 1);
    chain[32767].next = &chain[32768];
    chain[32768].next = NULL;
    assert_int_equal(same_key_of(&subject, chain, chain), -E2BIG);
    chain[0].next = NULL;
    memset(endless, 'x', MARSHAL_MAX_STRING_BYTES + 1);
    endless[MARSHAL_MAX_STRING_BYTES + 1] = '\0';
    chain[0].name = endless;
    assert_int_equal(same_key_of(&subject, chain, chain), -E2BIG);
    subject_end(&subject);

    /* Five of each record. */
    subject_of(&subject, &type_tree_pointer, in_tree);
    assert_int_equal(same_key_of(&subject, &root, &root), -E2BIG);
    root.n_kids = 13106; /* and the five of the root itself */
    assert_int_equal(same_key_of(&subject, &root, &root), 1);
    root.n_kids++;
    assert_int_equal(same_key_of(&subject, &root, &root), -E2BIG);
    subject_end(&subject);

    /* Too many bytes. */
    subject_begin(&subject, &type_i32);
    subject.function.max_bytes = 1000;
    subject_add(&subject, &type_tree_pointer, in_tree);
    subject_finish(&subject);
    root.n_kids = 10;
    assert_int_equal(same_key_of(&subject, &root, &root), 1);
    root.n_kids = 16;
    assert_int_equal(same_key_of(&subject, &root, &root), -E2BIG);
    subject_end(&subject);
    free(endless);
    free(chain);
}

static void test_counts_that_cannot_be(void **state)
{
    static const struct count_step less_one[] = {{.kind = COUNT_MEMBER, .member = &type_i32},
                                                 {.kind = COUNT_NUMBER, .number = 1},
                                                 {.kind = COUNT_SUBTRACT}};
    static const struct count_step times[] = {{.kind = COUNT_MEMBER, .member = &type_i32},
                                              {.kind = COUNT_NUMBER, .number = INT64_MAX},
                                              {.kind = COUNT_MULTIPLY}};
    static const struct count_step many[] = {{.kind = COUNT_NUMBER, .number = INT64_MAX}};
    static const struct {
        struct config_count count;
        int error;
    } cases[] = {{{less_one, 3}, -EOVERFLOW}, {{times, 3}, 1}, {{many, 1}, -EOVERFLOW}};
    struct chain value = {0, NULL, &value};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct config_field field[] = {TEST_FIELD(struct chain, next,
                                                        .kind = POINTEE_ELEMENTS, .type = &type_i64,
                                                        .element_size = 8, .count = cases[i].count),
                                             TEST_FIELD(struct chain, name, .kind = 0)};
        const struct config_fields fields = {&type_chain, field, 1};
        const struct config_pointee pointee = {.kind = POINTEE_ELEMENTS,
                                               .type = &type_chain,
                                               .element_size = sizeof(struct chain),
                                               .fields = &fields};
        struct config_description description = in_chain;
        struct subject subject;

        description.reads = &pointee;
        subject_of(&subject, &type_chain_pointer, description);
        assert_int_equal(same_key_of(&subject, &value, &value), cases[i].error);
        subject_end(&subject);
    }
}

/* f(const struct chain *in, char out[4]): nothing that is followed lies where it writes. */
static void test_memory_that_is_written(void **state)
{
    const struct config_description out = {
        .kind = DESCRIBE_MEMORY, .is_out = true, .element_size = 4, .element = &type_i32};
    struct {
        char before[4], out[4], after[4];
    } room = {"abc", "", "def"};
    struct chain inner = {1, NULL, NULL}, outer = {2, room.before, &inner};
    const void *in = &outer, *written = room.out;
    void *arguments[] = {&in, &written};
    struct subject subject;

    subject_begin(&subject, &type_i32);
    subject_add(&subject, &type_chain_pointer, in_chain);
    subject_add(&subject, &type_i32_pointer, out);
    subject_finish(&subject);
    assert_int_equal(same_key(&subject, arguments, arguments), 1);
    outer.name = room.after;
    assert_int_equal(same_key(&subject, arguments, arguments), 1);
    outer.name = room.out + 3;
    assert_int_equal(same_key(&subject, arguments, arguments), -ENOTSUP);
    room.before[3] = 'x'; /* now it goes on into the other */
    outer.name = room.before;
    assert_int_equal(same_key(&subject, arguments, arguments), -ENOTSUP);
    outer.name = NULL;
    written = &inner.value;
    assert_int_equal(same_key(&subject, arguments, arguments), -ENOTSUP);
    written = &outer.value; /* the memory of the parameter itself: part of the key */
    assert_int_equal(same_key(&subject, arguments, arguments), 1);
    written = NULL;
    assert_int_equal(same_key(&subject, arguments, arguments), 1);
    subject_end(&subject);
}

/* ---- plans ----------------------------------------------------------------------------------- */

static void test_plans_that_are_refused(void **state)
{
    static const struct count_step returned[] = {{.kind = COUNT_RETURN}};
    const struct config_field field[] = {TEST_FIELD(struct chain, name, .kind = POINTEE_ELEMENTS,
                                                    .type = &type_i8, .element_size = 1,
                                                    .count = {returned, 1})};
    const struct config_fields fields = {&type_chain, field, 1};
    const struct config_pointee pointee = {.kind = POINTEE_ELEMENTS,
                                           .type = &type_chain,
                                           .element_size = sizeof(struct chain),
                                           .fields = &fields};
    const struct config_match match = {0, 0};
    const struct config_invalidation rule = {
        .kind = INVALIDATE_ON_CALL, .matches = &match, .n_matches = 1};
    struct config_description description = in_chain;
    struct subject subject;

    description.reads = &pointee;
    subject_begin(&subject, &type_i32);
    subject_add(&subject, &type_chain_pointer, description);
    assert_int_equal(subject_try(&subject), -ENOTSUP);
    assert_string_equal(subject.reason, "the count of what it reads is only known after the call");
    subject_end(&subject);

    subject_begin(&subject, &type_i32);
    subject.function.invalidations = &rule;
    subject.function.n_invalidations = 1;
    subject_add(&subject, &type_chain,
                (struct config_description){.kind = DESCRIBE_VALUE, .reads = &chain_pointee});
    assert_int_equal(subject_try(&subject), -ENOTSUP);
    assert_string_equal(subject.reason, "a rule of invalidation matches what is no plain value");
    subject_end(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_met_twice),
        cmocka_unit_test(test_long_lists_take_no_stack),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_counts_that_cannot_be),
        cmocka_unit_test(test_memory_that_is_written),
        cmocka_unit_test(test_plans_that_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
