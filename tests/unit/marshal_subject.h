// SPDX-License-Identifier: MIT
/* A function put together by hand, its plan, keys and records, for the tests of marshal. */
#ifndef TESTS_MARSHAL_SUBJECT_H
#define TESTS_MARSHAL_SUBJECT_H

#include "marshal/marshal.h"
#include "types.h"

#include <stdlib.h>
#include <string.h>

struct subject {
    struct arena arena;
    struct config_function function;
    struct prototype_parameter parameters[PROTOTYPE_MAX_PARAMETERS];
    struct config_description descriptions[PROTOTYPE_MAX_PARAMETERS];
    const struct marshal_bindings *bindings; /* NULL: none */
    struct marshal_plan *plan;
    const char *reason;
};

static inline void subject_begin(struct subject *subject, const struct ctype *result)
{
    *subject = (struct subject){.function = {.named = "f", .symbol = "f", .max_bytes = UINT64_MAX}};
    arena_init(&subject->arena, (size_t)1 << 20);
    subject->function.prototype = (struct prototype){"f", result, subject->parameters, 0};
    subject->function.parameters = subject->descriptions;
}

static inline void subject_add(struct subject *subject, const struct ctype *type,
                               struct config_description description)
{
    uint32_t i = subject->function.prototype.n_parameters++;

    subject->parameters[i] = (struct prototype_parameter){"x", type};
    subject->descriptions[i] = description;
}

/* The plan, or why not. */
static inline int subject_try(struct subject *subject)
{
    struct abi_call *call;

    assert_int_equal(abi_call_create(&subject->function.prototype, &subject->arena, &call), 0);
    return marshal_plan_create(&subject->function, call, subject->bindings, &subject->arena,
                               &subject->plan, &subject->reason);
}

static inline void subject_finish(struct subject *subject)
{
    assert_int_equal(subject_try(subject), 0);
}

static inline void subject_end(struct subject *subject)
{
    arena_fini(&subject->arena);
}

static const struct config_description as_value __attribute__((unused)) = {.kind = DESCRIBE_VALUE};
static const struct config_description as_string
    __attribute__((unused)) = {.kind = DESCRIBE_STRING, .is_in = true};
static const struct config_description as_scratch
    __attribute__((unused)) = {.kind = DESCRIBE_SCRATCH};
static const struct config_description result_static __attribute__((unused)) = {
    .kind = DESCRIBE_OUT_STRING, .is_out = true, .lifetime.kind = LIFETIME_STATIC};
/* As many bytes as the integer that parameter 1 points to. */
static const struct count_step pointee_1[]
    __attribute__((unused)) = {{.kind = COUNT_POINTEE, .parameter = 1}};
static const struct config_description out_bytes_of_1 __attribute__((unused)) = {
    .kind = DESCRIBE_MEMORY, .is_out = true, .element_size = 1, .count = {pointee_1, 1}};

static const struct hash_mac_key test_mac_key = {0x0123456789abcdef, 0xfedcba9876543210};

/* Keys of two argument lists: negative for an error of the first, else 1 for equal keys. */
static inline int same_key(struct subject *subject, void *const *a, void *const *b)
{
    struct marshal_buffer key_a, key_b;
    struct marshal_call call;
    int error, same;

    marshal_buffer_init(&key_a, subject->function.has_secret);
    marshal_buffer_init(&key_b, subject->function.has_secret);
    error = marshal_key(subject->plan, a, &test_mac_key, &key_a, &call);
    if (error != 0) {
        assert_int_equal(key_a.n_bytes, 0);
        return error;
    }
    assert_int_equal(marshal_key(subject->plan, b, &test_mac_key, &key_b, &call), 0);
    if (marshal_key_bytes(subject->plan) != 0) {
        assert_int_equal(key_a.n_bytes, marshal_key_bytes(subject->plan));
        assert_int_equal(key_b.n_bytes, marshal_key_bytes(subject->plan));
    }
    same = key_a.n_bytes == key_b.n_bytes && memcmp(key_a.data, key_b.data, key_a.n_bytes) == 0;
    marshal_buffer_fini(&key_a);
    marshal_buffer_fini(&key_b);
    return same;
}

#define RECORD_ROOM 65536

/* One captured call: key, record and what a replay needs. */
struct captured {
    size_t n_bytes;
    unsigned char bytes[RECORD_ROOM];
};

/* The part of a call before the real function: counts that are known by then. */
static inline void before(struct subject *subject, void *const *arguments,
                          struct marshal_call *call)
{
    struct marshal_buffer key;

    marshal_buffer_init(&key, false);
    assert_int_equal(marshal_key(subject->plan, arguments, NULL, &key, call), 0);
    marshal_buffer_fini(&key);
}

static inline int after(struct subject *subject, void *const *arguments, const void *result,
                        const struct marshal_call *call, int32_t set_errno, struct captured *ret)
{
    struct marshal_buffer record;
    int error;

    marshal_buffer_init(&record, false);
    error = marshal_capture(subject->plan, arguments, result, call, set_errno, &record);
    if (error == 0) {
        assert_true(record.n_bytes <= sizeof(ret->bytes));
        if (marshal_record_bytes(subject->plan) != 0) {
            assert_int_equal(record.n_bytes, marshal_record_bytes(subject->plan));
        }
        memcpy(ret->bytes, record.data, record.n_bytes);
        ret->n_bytes = record.n_bytes;
    }
    marshal_buffer_fini(&record);
    return error;
}

/* A replay from memory of exactly the record's size. */
static inline int replay(struct subject *subject, const struct captured *record,
                         void *const *arguments, void *result, int32_t *ret_errno)
{
    unsigned char *copy = malloc(record->n_bytes > 0 ? record->n_bytes : 1);
    int error;

    memcpy(copy, record->bytes, record->n_bytes);
    error = marshal_replay(subject->plan, (struct bytes){copy, record->n_bytes}, arguments, result,
                           ret_errno);
    free(copy);
    return error;
}

#endif
