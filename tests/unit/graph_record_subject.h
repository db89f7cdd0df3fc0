// SPDX-License-Identifier: MIT
/* Records that are handed out, and an allocator that can be made to fail, for tests of marshal. */
#ifndef TESTS_GRAPH_RECORD_SUBJECT_H
#define TESTS_GRAPH_RECORD_SUBJECT_H

#include "graph_subject.h"

#include <errno.h>

/* ---- an address, as getaddrinfo hands it out ------------------------------------------------- */

struct address {
    int32_t family;
    uint32_t n_bytes;
    const void *bytes; /* n_bytes of them, in the record's own block */
    const char *name;  /* a block of its own */
    struct address *next;
};

static const struct ctype_member address_members[] = {
    TEST_MEMBER(struct address, family, type_i32), TEST_MEMBER(struct address, n_bytes, type_u32),
    TEST_MEMBER(struct address, bytes, type_pointer), TEST_MEMBER(struct address, name, type_text),
    TEST_MEMBER(struct address, next, type_pointer)};
TEST_RECORD(type_address, struct address, address_members);
TEST_POINTER(type_address_pointer, type_address);
TEST_POINTER(type_address_pointer_pointer, type_address_pointer);

static const struct count_step address_bytes[] = {
    {.kind = COUNT_MEMBER, .member = &type_u32, .offset_bytes = offsetof(struct address, n_bytes)}};

#define FREED_BY_TEST                                                 \
    {                                                                 \
        .kind = LIFETIME_FREED_BY, .freed_by = "test_free_addresses", \
    }

static const struct config_fields address_fields;
static const struct config_field address_field_list[] = {
    TEST_FIELD(struct address, bytes, .kind = POINTEE_ELEMENTS, .element_size = 1,
               .count = {address_bytes, 1}, .lifetime.kind = LIFETIME_HOLDER),
    TEST_FIELD(struct address, name, .kind = POINTEE_TEXT, .element_size = 1,
               .lifetime.kind = LIFETIME_CALLER),
    TEST_FIELD(struct address, next, .kind = POINTEE_ELEMENTS, .type = &type_address,
               .element_size = sizeof(struct address), .fields = &address_fields,
               .lifetime = FREED_BY_TEST)};
TEST_FIELDS(address_fields, type_address, address_field_list);

static const struct config_pointee address_pointee = {.kind = POINTEE_ELEMENTS,
                                                      .type = &type_address,
                                                      .element_size = sizeof(struct address),
                                                      .fields = &address_fields,
                                                      .lifetime = FREED_BY_TEST};
static const struct config_pointee addresses_pointee
    __attribute__((unused)) = {.kind = POINTEE_ELEMENTS,
                               .type = &type_address_pointer,
                               .element_size = sizeof(void *),
                               .target = &address_pointee};
/* struct address **res */
static const struct config_description out_addresses
    __attribute__((unused)) = {.kind = DESCRIBE_MEMORY,
                               .is_out = true,
                               .element_size = sizeof(void *),
                               .element = &type_address_pointer,
                               .writes = &addresses_pointee};

/* ---- records whose memory lives as long as what holds it ------------------------------------- */

static const struct config_pointee held_text __attribute__((unused)) = {
    .kind = POINTEE_TEXT, .element_size = 1, .lifetime.kind = LIFETIME_HOLDER};

static const struct config_fields held_chain_fields;
static const struct config_field held_chain_field_list[] = {
    TEST_FIELD(struct chain, name, .kind = POINTEE_TEXT, .element_size = 1,
               .lifetime.kind = LIFETIME_HOLDER),
    TEST_FIELD(struct chain, next, .kind = POINTEE_ELEMENTS, .type = &type_chain,
               .element_size = sizeof(struct chain), .fields = &held_chain_fields,
               .lifetime.kind = LIFETIME_HOLDER)};
TEST_FIELDS(held_chain_fields, type_chain, held_chain_field_list);

static const struct config_pointee held_chain
    __attribute__((unused)) = {.kind = POINTEE_ELEMENTS,
                               .type = &type_chain,
                               .element_size = sizeof(struct chain),
                               .fields = &held_chain_fields,
                               .lifetime.kind = LIFETIME_HOLDER};

/* A result that points to one. */
static inline struct config_description result_chain(enum lifetime_kind lifetime)
{
    return (struct config_description){.kind = DESCRIBE_MEMORY,
                                       .is_out = true,
                                       .element = &type_chain,
                                       .element_size = sizeof(struct chain),
                                       .writes = &held_chain,
                                       .lifetime.kind = lifetime};
}

/* ---- the program's allocator ----------------------------------------------------------------- */

/* What it was asked for, and when it says no. */
static struct {
    unsigned n_allocated, n_released, n_handed_out, n_forgotten;
    unsigned fail_at, refuse_at; /* the so-many-th allocation, hand_out; 0: none */
    size_t last_bytes;
    const void *last_forgotten;
    uint64_t last_elements;
} heap __attribute__((unused));

static inline void *heap_allocate(size_t n_bytes)
{
    if (++heap.n_allocated == heap.fail_at) {
        heap.n_allocated--;
        heap.fail_at = 0;
        return NULL;
    }
    heap.last_bytes = n_bytes;
    return malloc(n_bytes);
}

static inline void heap_release(void *block)
{
    heap.n_released++;
    free(block);
}

static inline int heap_hand_out(void *context, const struct config_lifetime *lifetime,
                                const struct config_pointee *pointee, void *block,
                                uint64_t n_elements)
{
    assert_ptr_equal(context, &heap);
    assert_string_equal(lifetime->freed_by, "test_free_addresses");
    if (++heap.n_handed_out == heap.refuse_at) {
        heap.n_handed_out--;
        heap.refuse_at = 0;
        return -ENOSPC;
    }
    heap.last_elements = n_elements;
    return 0;
}

static inline void heap_forget(void *context, void *block)
{
    assert_ptr_equal(context, &heap);
    heap.n_forgotten++;
    heap.last_forgotten = block;
}

static const struct marshal_bindings heap_bindings
    __attribute__((unused)) = {.allocate = heap_allocate,
                               .release = heap_release,
                               .hand_out = heap_hand_out,
                               .forget = heap_forget,
                               .context = &heap};

static inline void heap_reset(void)
{
    memset(&heap, 0, sizeof(heap));
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* The real call: what it left is in arguments and result. */
static inline int capture(struct subject *subject, void *const *arguments, const void *result,
                          struct captured *ret)
{
    struct marshal_call call;

    before(subject, arguments, &call);
    return after(subject, arguments, result, &call, MARSHAL_ERRNO_UNTOUCHED, ret);
}

static inline int give(struct subject *subject, const struct captured *record,
                       void *const *arguments, void *result)
{
    int32_t set_errno;

    return replay(subject, record, arguments, result, &set_errno);
}

/* The first part in which two answers differ. */
static inline enum marshal_part difference(struct subject *subject, const struct captured *a,
                                           const struct captured *b, void *const *arguments)
{
    return marshal_compare(subject->plan, (struct bytes){a->bytes, a->n_bytes},
                           (struct bytes){b->bytes, b->n_bytes}, arguments)
        .part;
}

#endif
