// SPDX-License-Identifier: MIT
/*
 * marshal, keys: memory behind pointers that stand in memory. Keys are equal exactly when all that
 * is described is equal.
 */
#include "unit.h"

#include "graph_subject.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is in a key ------------------------------------------------------------------------ */

static void test_content_counts_not_where_it_is(void **state)
{
    char name[] = "abc", other[] = "abd";
    struct chain tail = {2, name, NULL}, same_tail = {2, strdup("abc"), NULL};
    struct chain head = {1, NULL, &tail}, same_head = {1, NULL, &same_tail};
    struct subject subject;

    subject_of(&subject, &type_chain_pointer, in_chain);
    memset((char *)&head + 4, 0x55, 4); /* padding */
    assert_int_equal(same_key_of(&subject, &head, &same_head), 1);
    tail.name = other;
    assert_int_equal(same_key_of(&subject, &head, &same_head), 0);
    tail.name = "";
    assert_int_equal(same_key_of(&subject, &head, &same_head), 0);
    tail.name = NULL;
    assert_int_equal(same_key_of(&subject, &head, &same_head), 0);
    tail = (struct chain){3, name, NULL};
    assert_int_equal(same_key_of(&subject, &head, &same_head), 0);
    head.next = NULL;
    assert_int_equal(same_key_of(&subject, &head, &same_head), 0);
    assert_int_equal(same_key_of(&subject, NULL, &same_head), 0);
    assert_int_equal(same_key_of(&subject, NULL, NULL), 1);
    free((char *)same_tail.name);
    subject_end(&subject);
}

/* NULL and "", none and an empty list, a block of nothing: all of them differ. */
static void test_kinds_of_nothing(void **state)
{
    static struct tree *const no_trees[] = {NULL};
    static const uint8_t byte = 1;
    const struct tree nothings[] = {
        {.tag = 1},
        {.tag = 1, .text = ""},
        {.tag = 1, .list = no_trees},
        {.tag = 1, .bytes = &byte},
        {.tag = 1, .kids = (struct tree *)&byte},
        {.tag = 1, .handle = &byte},
    };
    struct subject subject;

    subject_of(&subject, &type_tree_pointer, in_tree);
    for (size_t i = 0; i < sizeof(nothings) / sizeof(nothings[0]); i++) {
        for (size_t k = 0; k < sizeof(nothings) / sizeof(nothings[0]); k++) {
            assert_int_equal(same_key_of(&subject, &nothings[i], &nothings[k]), i == k);
        }
    }
    subject_end(&subject);
}

static void test_ignored_and_address_fields(void **state)
{
    int here, there;
    struct tree a = {.tag = 1, .handle = &here, .junk = &here}, b = a;
    struct subject subject;

    subject_of(&subject, &type_tree_pointer, in_tree);
    b.junk = &there;
    assert_int_equal(same_key_of(&subject, &a, &b), 1);
    b.junk = (void *)8; /* garbage is not looked at */
    assert_int_equal(same_key_of(&subject, &a, &b), 1);
    b.handle = &there;
    assert_int_equal(same_key_of(&subject, &a, &b), 0);
    subject_end(&subject);
}

static void test_counts_from_members(void **state)
{
    struct tree kids[3] = {{.tag = 1}, {.tag = 2}, {.tag = 3}};
    struct tree others[3] = {{.tag = 1}, {.tag = 2}, {.tag = 4}};
    uint8_t bytes[] = {1, 2, 3}, more[] = {1, 2, 4};
    struct tree a = {.n_kids = 2, .kids = kids, .n_bytes = 2, .bytes = bytes};
    struct tree b = {.n_kids = 2, .kids = others, .n_bytes = 2, .bytes = more};
    struct subject subject;

    subject_of(&subject, &type_tree_pointer, in_tree);
    assert_int_equal(same_key_of(&subject, &a, &b), 1);
    a.n_kids = b.n_kids = 3;
    assert_int_equal(same_key_of(&subject, &a, &b), 0);
    a.n_kids = b.n_kids = 2;
    a.n_bytes = b.n_bytes = 3;
    assert_int_equal(same_key_of(&subject, &a, &b), 0);
    subject_end(&subject);
}

/* { "in": { "list": "string" } } of records, and an array of pointers with a count. */
static void test_arrays_of_pointers(void **state)
{
    static const struct count_step two[] = {{.kind = COUNT_NUMBER, .number = 2}};
    const struct config_pointee list = {
        .kind = POINTEE_LIST, .element_size = sizeof(void *), .target = &chain_pointee};
    const struct config_pointee pair = {.kind = POINTEE_ELEMENTS,
                                        .type = &type_chain_pointer,
                                        .element_size = sizeof(void *),
                                        .count = {two, 1},
                                        .target = &chain_pointee};
    struct config_description description = {.kind = DESCRIBE_MEMORY,
                                             .is_in = true,
                                             .element_size = sizeof(void *),
                                             .element = &type_chain_pointer};
    struct chain a = {1, "a", NULL}, b = {2, "b", NULL}, b2 = {2, "b", NULL}, c = {2, "c", NULL};
    struct chain *ab[] = {&a, &b, NULL}, *ab2[] = {&a, &b2, NULL}, *ac[] = {&a, &c, NULL};
    struct chain *just_a[] = {&a, NULL, NULL};
    char odd[1 + sizeof(ab)];
    struct subject subject;

    description.reads = &list;
    subject_of(&subject, &type_pointer, description);
    assert_int_equal(same_key_of(&subject, ab, ab2), 1);
    assert_int_equal(same_key_of(&subject, ab, ac), 0);
    assert_int_equal(same_key_of(&subject, ab, just_a), 0);
    assert_int_equal(same_key_of(&subject, just_a + 1, ab), 0);
    memcpy(odd + 1, ab, sizeof(ab)); /* a sanitizer sees how it is read */
    assert_int_equal(same_key_of(&subject, odd + 1, ab2), 1);
    subject_end(&subject);

    description.reads = &pair;
    description.count = pair.count;
    subject_of(&subject, &type_pointer, description);
    assert_int_equal(same_key_of(&subject, ab, ab2), 1);
    assert_int_equal(same_key_of(&subject, ab, ac), 0);
    assert_int_equal(same_key_of(&subject, ab, just_a), 0);
    subject_end(&subject);
}

/* f(struct chain x) */
/* A host has a list of addresses, and says itself how long each of them is. */
struct host {
    uint8_t *const *list;
    int32_t length;
};

static const struct ctype_member host_members[] = {TEST_MEMBER(struct host, list, type_pointer),
                                                   TEST_MEMBER(struct host, length, type_i32)};
TEST_RECORD(type_host, struct host, host_members);
TEST_POINTER(type_host_pointer, type_host);

static void test_counts_behind_arrays_of_pointers(void **state)
{
    static const struct count_step length[] = {
        {.kind = COUNT_MEMBER, .member = &type_i32, .offset_bytes = offsetof(struct host, length)}};
    static const struct count_step two[] = {{.kind = COUNT_NUMBER, .number = 2}};
    static const struct config_pointee address = {
        .kind = POINTEE_ELEMENTS, .element_size = 1, .count = {length, 1}};
    static const struct config_pointee arrays[] = {
        {.kind = POINTEE_LIST, .element_size = sizeof(void *), .target = &address},
        {.kind = POINTEE_ELEMENTS,
         .type = &type_pointer,
         .element_size = sizeof(void *),
         .count = {two, 1},
         .target = &address}};
    uint8_t one[] = {1, 2, 3, 4}, similar[] = {1, 2, 9, 9}, other[] = {1, 3, 3, 4};
    uint8_t *list[] = {one, one, NULL}, *same[] = {similar, one, NULL};
    uint8_t *different[] = {one, other, NULL};
    struct host a = {list, 2}, b = {same, 2}, c = {different, 2}, longer = {list, 3};

    for (int i = 0; i < 2; i++) {
        const struct config_field field_list[] = {
            {"list", offsetof(struct host, list), sizeof(void *), arrays[i]}};
        const struct config_fields fields = {&type_host, field_list, 1};
        const struct config_pointee reads = {.kind = POINTEE_ELEMENTS,
                                             .type = &type_host,
                                             .element_size = sizeof(struct host),
                                             .fields = &fields};
        const struct config_description description = {.kind = DESCRIBE_MEMORY,
                                                       .is_in = true,
                                                       .element_size = sizeof(struct host),
                                                       .element = &type_host,
                                                       .reads = &reads};
        struct subject subject;

        subject_of(&subject, &type_host_pointer, description);
        assert_int_equal(same_key_of(&subject, &a, &b), 1);
        assert_int_equal(same_key_of(&subject, &a, &c), 0);
        assert_int_equal(same_key_of(&subject, &a, &longer), 0);
        subject_end(&subject);
    }
}

static void test_struct_by_value(void **state)
{
    struct config_description by_value = {.kind = DESCRIBE_VALUE, .reads = &chain_pointee};
    struct chain next = {2, "x", NULL}, same = {2, strdup("x"), NULL};
    struct chain a = {1, "name", &next}, b = {1, "name", &same};
    void *arguments_a[] = {&a}, *arguments_b[] = {&b};
    struct subject subject;

    subject_of(&subject, &type_chain, by_value);
    assert_int_equal(marshal_key_bytes(subject.plan), 0);
    assert_int_equal(same_key(&subject, arguments_a, arguments_b), 1);
    next.value = 3;
    assert_int_equal(same_key(&subject, arguments_a, arguments_b), 0);
    free((char *)same.name);
    subject_end(&subject);
}

/* Elements are wide, and so is the text's end. */
static void test_wide_text(void **state)
{
    const struct config_pointee wide = {.kind = POINTEE_TEXT, .element_size = 4};
    const struct config_pointee list = {
        .kind = POINTEE_LIST, .element_size = sizeof(void *), .target = &wide};
    const struct config_description description = {
        .kind = DESCRIBE_MEMORY, .is_in = true, .element_size = sizeof(void *), .reads = &list};
    uint32_t a[] = {0x100, 0x20000, 0}, b[] = {0x100, 0x20000, 0, 7}, c[] = {0x100, 0x20001, 0};
    uint32_t *list_a[] = {a, NULL}, *list_b[] = {b, NULL}, *list_c[] = {c, NULL};
    struct subject subject;

    subject_of(&subject, &type_pointer, description);
    assert_int_equal(same_key_of(&subject, list_a, list_b), 1);
    assert_int_equal(same_key_of(&subject, list_a, list_c), 0);
    subject_end(&subject);
}

static void test_secret(void **state)
{
    struct config_description description = in_chain;
    struct chain a = {1, "a", NULL}, b = {1, "b", NULL};
    struct subject subject;

    description.is_secret = true;
    subject_begin(&subject, &type_i32);
    subject.function.has_secret = true;
    subject_add(&subject, &type_chain_pointer, description);
    subject_finish(&subject);
    assert_int_equal(marshal_key_bytes(subject.plan), 16);
    assert_int_equal(same_key_of(&subject, &a, &a), 1);
    assert_int_equal(same_key_of(&subject, &a, &b), 0);
    subject_end(&subject);
}

/* ---- keys are injective ---------------------------------------------------------------------- */

#define N_GRAPHS   300
#define GRAPH_ROOM 4096

static uint64_t draw_state = 0x5eed;

static unsigned draw(unsigned n)
{
    draw_state = draw_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(draw_state >> 33) % n;
}

static const char *random_text(void)
{
    static const char *const texts[] = {NULL, "", "a", "N", "R", "SS", "\x01", "aa"};

    return texts[draw(8)];
}

/* A small tree; never freed. What is drawn from is small, so that many are equal. */
static void fill_tree(struct tree *tree, int depth)
{
    static const uint8_t bytes[] = {'N', 'R', 'M'};

    *tree = (struct tree){.tag = (int8_t)draw(2), .text = random_text(), .junk = &tree[draw(9)]};
    if (draw(2) == 0) {
        tree->n_bytes = (uint8_t)draw(4);
        tree->bytes = bytes;
    }
    if (depth > 0 && draw(2) == 0) {
        tree->n_kids = (uint16_t)draw(3);
        tree->kids = calloc(3, sizeof(*tree));
        for (int i = 0; i < 3; i++) {
            fill_tree(&tree->kids[i], depth - 1);
        }
    }
    if (depth > 0 && draw(2) == 0) {
        struct tree **list = calloc(4, sizeof(*list));
        unsigned n = draw(3);

        tree->list = list;
        for (unsigned i = 0; i < n; i++) {
            list[i] = calloc(1, sizeof(*tree));
            fill_tree(list[i], depth - 1);
        }
    }
}

/* The same as text, by other means. */
static void print_tree(FILE *file, const struct tree *tree)
{
    fprintf(file, "{tag %d kids %d bytes %d ", tree->tag, tree->n_kids, tree->n_bytes);
    fprintf(file, tree->text == NULL ? "no text " : "text <%s> ", tree->text);
    if (tree->bytes != NULL) {
        for (unsigned i = 0; i < tree->n_bytes; i++) {
            fprintf(file, "%02x ", tree->bytes[i]);
        }
    } else {
        fprintf(file, "no bytes ");
    }
    if (tree->kids != NULL) {
        for (unsigned i = 0; i < tree->n_kids; i++) {
            print_tree(file, &tree->kids[i]);
        }
    } else {
        fprintf(file, "no kids ");
    }
    if (tree->list != NULL) {
        fprintf(file, "list ");
        for (unsigned i = 0; tree->list[i] != NULL; i++) {
            print_tree(file, tree->list[i]);
        }
    } else {
        fprintf(file, "no list ");
    }
    fprintf(file, "}");
}

static void test_keys_are_injective(void **state)
{
    static struct tree trees[N_GRAPHS];
    static char *printed[N_GRAPHS];
    struct marshal_buffer keys[N_GRAPHS];
    struct marshal_call call;
    struct subject subject;
    unsigned n_equal = 0;

    subject_of(&subject, &type_tree_pointer, in_tree);
    for (size_t i = 0; i < N_GRAPHS; i++) {
        const struct tree *pointer = &trees[i];
        void *arguments[] = {&pointer};
        size_t n_bytes;
        FILE *file = open_memstream(&printed[i], &n_bytes);

        fill_tree(&trees[i], (int)draw(3));
        print_tree(file, &trees[i]);
        fclose(file);
        marshal_buffer_init(&keys[i], false);
        assert_int_equal(marshal_key(subject.plan, arguments, NULL, &keys[i], &call), 0);
        for (size_t k = 0; k < i; k++) {
            bool is_same = keys[i].n_bytes == keys[k].n_bytes &&
                           memcmp(keys[i].data, keys[k].data, keys[i].n_bytes) == 0;

            assert_int_equal(is_same, strcmp(printed[i], printed[k]) == 0);
            n_equal += is_same;
        }
    }
    assert_true(n_equal > 20);
    for (size_t i = 0; i < N_GRAPHS; i++) {
        marshal_buffer_fini(&keys[i]);
        free(printed[i]);
    }
    subject_end(&subject);
}

/* ---- for people ------------------------------------------------------------------------------ */

static void test_shown(void **state)
{
    struct chain tail = {2, NULL, NULL}, head = {1, "one", &tail}, *pointer = &head;
    struct tree leaf = {.tag = 5, .text = "leaf"}, *list[] = {&leaf, NULL};
    struct tree tree = {.tag = 7, .n_bytes = 3, .bytes = (const uint8_t *)"xyz", .list = list};
    struct tree *tree_pointer = &tree;
    int64_t number = 42;
    void *arguments[] = {&pointer, &tree_pointer, &number};
    struct marshal_buffer key;
    struct marshal_call call;
    struct subject subject;
    char text[1000];

    subject_begin(&subject, &type_i32);
    subject_add(&subject, &type_chain_pointer, in_chain);
    subject_add(&subject, &type_tree_pointer, in_tree);
    subject_add(&subject, &type_i64, as_value);
    subject_finish(&subject);
    marshal_buffer_init(&key, false);
    assert_int_equal(marshal_key(subject.plan, arguments, NULL, &key, &call), 0);
    marshal_show_key(subject.plan, (struct bytes){key.data, key.n_bytes}, text, sizeof(text));
    assert_string_equal(
        text, "x={value=1, name=(nil), next=(nil)} -> \"one\" -> *, "
              "*{value=2, name=(nil), next=(nil)} -> NULL -> NULL, "
              "x={tag=7, n_kids=0, text=(nil), kids=(nil), list=(nil), bytes=(nil), handle=(nil), "
              "junk=(nil), n_bytes=3} -> NULL -> NULL -> * -> \"xyz\" -> (nil), *[1] -> *, "
              "*{tag=5, n_kids=0, text=(nil), kids=(nil), list=(nil), bytes=(nil), handle=(nil), "
              "junk=(nil), n_bytes=0} -> \"leaf\" -> NULL ..., x=42");
    for (size_t n = 0; n < key.n_bytes; n++) {
        marshal_show_key(subject.plan, (struct bytes){key.data, n}, text, sizeof(text));
    }
    marshal_buffer_fini(&key);
    subject_end(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content_counts_not_where_it_is),
        cmocka_unit_test(test_kinds_of_nothing),
        cmocka_unit_test(test_ignored_and_address_fields),
        cmocka_unit_test(test_counts_from_members),
        cmocka_unit_test(test_arrays_of_pointers),
        cmocka_unit_test(test_counts_behind_arrays_of_pointers),
        cmocka_unit_test(test_struct_by_value),
        cmocka_unit_test(test_wide_text),
        cmocka_unit_test(test_secret),
        cmocka_unit_test(test_keys_are_injective),
        cmocka_unit_test(test_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
