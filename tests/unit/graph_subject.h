// SPDX-License-Identifier: MIT
/* Records with pointers and their descriptions, put together by hand, for the tests of marshal. */
#ifndef TESTS_GRAPH_SUBJECT_H
#define TESTS_GRAPH_SUBJECT_H

#include "marshal_subject.h"

#include <stddef.h>

#define TEST_MEMBER(record, member, type)          \
    {                                              \
#member, &(type), offsetof(record, member) \
    }

#define TEST_RECORD(name, record, record_members)                          \
    static const struct ctype name __attribute__((unused)) = {             \
        CTYPE_STRUCT,                                                      \
        sizeof(record),                                                    \
        _Alignof(record),                                                  \
        .text = #record,                                                   \
        .members = record_members,                                         \
        .n_members = sizeof(record_members) / sizeof((record_members)[0]), \
        .depth = 1,                                                        \
    }

#define TEST_FIELD(record, member, ...)                                   \
    {                                                                     \
#member, offsetof(record, member), sizeof(((record *)0)->member), \
        {                                                                 \
            __VA_ARGS__                                                   \
        }                                                                 \
    }

#define TEST_FIELDS(name, record_type, list)                           \
    static const struct config_fields name __attribute__((unused)) = { \
        .record = &(record_type), .fields = list, .n_fields = sizeof(list) / sizeof((list)[0])}

/* ---- a list of records ----------------------------------------------------------------------- */

struct chain {
    int32_t value; /* and four bytes of padding */
    const char *name;
    struct chain *next;
};

static const struct ctype_member chain_members[] = {TEST_MEMBER(struct chain, value, type_i32),
                                                    TEST_MEMBER(struct chain, name, type_text),
                                                    TEST_MEMBER(struct chain, next, type_pointer)};
TEST_RECORD(type_chain, struct chain, chain_members);
TEST_POINTER(type_chain_pointer, type_chain);

static const struct config_fields chain_fields;
static const struct config_field chain_field_list[] = {
    TEST_FIELD(struct chain, name, .kind = POINTEE_TEXT, .element_size = 1),
    TEST_FIELD(struct chain, next, .kind = POINTEE_ELEMENTS, .type = &type_chain,
               .element_size = sizeof(struct chain), .fields = &chain_fields)};
TEST_FIELDS(chain_fields, type_chain, chain_field_list);

static const struct config_pointee chain_pointee
    __attribute__((unused)) = {.kind = POINTEE_ELEMENTS,
                               .type = &type_chain,
                               .element_size = sizeof(struct chain),
                               .fields = &chain_fields};
static const struct config_description in_chain
    __attribute__((unused)) = {.kind = DESCRIBE_MEMORY,
                               .is_in = true,
                               .element_size = sizeof(struct chain),
                               .element = &type_chain,
                               .reads = &chain_pointee};

/* ---- a record with everything ---------------------------------------------------------------- */

struct tree {
    int8_t tag;
    uint16_t n_kids;
    const char *text;
    struct tree *kids;        /* n_kids of them */
    struct tree *const *list; /* up to NULL */
    const uint8_t *bytes;     /* n_bytes of them */
    const void *handle;       /* its address counts */
    const void *junk;         /* ignored */
    uint8_t n_bytes;
};

static const struct ctype_member tree_members[] = {
    TEST_MEMBER(struct tree, tag, type_i8),         TEST_MEMBER(struct tree, n_kids, type_u16),
    TEST_MEMBER(struct tree, text, type_text),      TEST_MEMBER(struct tree, kids, type_pointer),
    TEST_MEMBER(struct tree, list, type_pointer),   TEST_MEMBER(struct tree, bytes, type_pointer),
    TEST_MEMBER(struct tree, handle, type_pointer), TEST_MEMBER(struct tree, junk, type_pointer),
    TEST_MEMBER(struct tree, n_bytes, type_u8)};
TEST_RECORD(type_tree, struct tree, tree_members);
TEST_POINTER(type_tree_pointer, type_tree);

static const struct count_step n_kids_member[] = {
    {.kind = COUNT_MEMBER, .member = &type_u16, .offset_bytes = offsetof(struct tree, n_kids)}};
static const struct count_step n_bytes_member[] = {
    {.kind = COUNT_MEMBER, .member = &type_u8, .offset_bytes = offsetof(struct tree, n_bytes)}};

static const struct config_fields tree_fields;
static const struct config_pointee tree_pointee = {.kind = POINTEE_ELEMENTS,
                                                   .type = &type_tree,
                                                   .element_size = sizeof(struct tree),
                                                   .fields = &tree_fields};
static const struct config_field tree_field_list[] = {
    TEST_FIELD(struct tree, text, .kind = POINTEE_TEXT, .element_size = 1),
    TEST_FIELD(struct tree, kids, .kind = POINTEE_ELEMENTS, .type = &type_tree,
               .element_size = sizeof(struct tree), .count = {n_kids_member, 1},
               .fields = &tree_fields),
    TEST_FIELD(struct tree, list, .kind = POINTEE_LIST, .element_size = sizeof(void *),
               .target = &tree_pointee),
    TEST_FIELD(struct tree, bytes, .kind = POINTEE_ELEMENTS, .element_size = 1,
               .count = {n_bytes_member, 1}),
    TEST_FIELD(struct tree, handle, .kind = POINTEE_ADDRESS),
    TEST_FIELD(struct tree, junk, .kind = POINTEE_IGNORED)};
TEST_FIELDS(tree_fields, type_tree, tree_field_list);

static const struct config_description in_tree
    __attribute__((unused)) = {.kind = DESCRIBE_MEMORY,
                               .is_in = true,
                               .element_size = sizeof(struct tree),
                               .element = &type_tree,
                               .reads = &tree_pointee};

/* ---- calls of one pointer -------------------------------------------------------------------- */

static inline int same_key_of(struct subject *subject, const void *a, const void *b)
{
    void *arguments_a[] = {&a}, *arguments_b[] = {&b};

    return same_key(subject, arguments_a, arguments_b);
}

/* int f(type x) */
static inline void subject_of(struct subject *subject, const struct ctype *type,
                              struct config_description description)
{
    subject_begin(subject, &type_i32);
    subject_add(subject, type, description);
    subject_finish(subject);
}

#endif
