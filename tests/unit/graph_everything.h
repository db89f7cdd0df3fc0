// SPDX-License-Identifier: MIT
/*
 * A function that hands out memory of every kind at once, and a caller of it whose memory is
 * watched: for tests that feed its records to replays, whole or not.
 *
 *     struct chain *f(struct chain *stored, char *buf, size_t n, struct address **res,
 *                     char *scratch, const char **end)    and the variable `sign`
 *
 * The result is static, what hangs on *stored lies in buf, *res is freed by a function, *end leads
 * to text in scratch, *sign is a number.
 */
#ifndef TESTS_GRAPH_EVERYTHING_H
#define TESTS_GRAPH_EVERYTHING_H

#include "graph_record_subject.h"

enum {
    STORED,
    BUF,
    SIZE,
    RES,
    SCRATCH,
    END,
    N_ARGUMENTS
};

/* More than a record can lead to from the beginning of scratch memory. */
#define SCRATCH_BYTES ((size_t)MARSHAL_MAX_OFFSET + 65536)
#define BUFFER_BYTES  4096

#define IN_BUFFER                                                          \
    {                                                                      \
        .kind = LIFETIME_STORAGE, .parameter = BUF, .size_parameter = SIZE \
    }

static const struct config_fields stored_chain_fields;
static const struct config_field stored_chain_field_list[] = {
    TEST_FIELD(struct chain, name, .kind = POINTEE_TEXT, .element_size = 1, .lifetime = IN_BUFFER),
    TEST_FIELD(struct chain, next, .kind = POINTEE_ELEMENTS, .type = &type_chain,
               .element_size = sizeof(struct chain), .fields = &held_chain_fields,
               .lifetime = IN_BUFFER)};
TEST_FIELDS(stored_chain_fields, type_chain, stored_chain_field_list);
static const struct config_pointee stored_chain = {.kind = POINTEE_ELEMENTS,
                                                   .type = &type_chain,
                                                   .element_size = sizeof(struct chain),
                                                   .fields = &stored_chain_fields};

static const struct config_pointee scratch_text = {
    .kind = POINTEE_TEXT,
    .element_size = 1,
    .lifetime = {.kind = LIFETIME_INTO, .parameter = SCRATCH}};
static const struct config_pointee scratch_texts = {.kind = POINTEE_ELEMENTS,
                                                    .type = &type_text,
                                                    .element_size = sizeof(void *),
                                                    .target = &scratch_text};

/* The caller's side of a call. */
struct everything {
    struct subject subject;
    struct chain stored, *stored_pointer;
    char *buf;
    uint64_t size;
    struct address *res, **res_pointer;
    char *scratch;
    const char *end, **end_pointer;
    struct chain *result;
    void *arguments[N_ARGUMENTS];
};

static int32_t everything_sign;
static volatile uint64_t everything_sum; /* of what was read, so that it is read */

static inline struct config_description out_memory(const struct ctype *type,
                                                   const struct config_pointee *writes)
{
    return (struct config_description){.kind = DESCRIBE_MEMORY,
                                       .is_out = true,
                                       .element = type,
                                       .element_size = writes->element_size,
                                       .writes = writes};
}

static inline void everything_begin(struct everything *all)
{
    static void *const addresses_of_globals[] = {&everything_sign};
    static const struct config_global globals[] = {
        {"sign",
         {.kind = DESCRIBE_MEMORY, .is_out = true, .element = &type_i32, .element_size = 4}}};
    static struct marshal_bindings bindings;
    struct subject *subject = &all->subject;

    bindings = heap_bindings;
    bindings.globals = addresses_of_globals;
    subject_begin(subject, &type_chain_pointer);
    subject->bindings = &bindings;
    subject->function.globals = globals;
    subject->function.n_globals = 1;
    subject_add(subject, &type_chain_pointer, out_memory(&type_chain, &stored_chain));
    subject_add(subject, &type_text, (struct config_description){.kind = DESCRIBE_STORAGE});
    subject_add(subject, &type_u64, (struct config_description){.kind = DESCRIBE_IGNORE});
    subject_add(subject, &type_address_pointer_pointer, out_addresses);
    subject_add(subject, &type_text, as_scratch);
    subject_add(subject, &type_pointer, out_memory(&type_text, &scratch_texts));
    subject->function.result = result_chain(LIFETIME_STATIC);
    subject_finish(subject);

    all->buf = calloc(1, BUFFER_BYTES);
    all->size = BUFFER_BYTES;
    all->scratch = calloc(1, SCRATCH_BYTES);
    all->stored_pointer = &all->stored;
    all->res_pointer = &all->res;
    all->end_pointer = &all->end;
    all->arguments[STORED] = &all->stored_pointer;
    all->arguments[BUF] = &all->buf;
    all->arguments[SIZE] = &all->size;
    all->arguments[RES] = &all->res_pointer;
    all->arguments[SCRATCH] = &all->scratch;
    all->arguments[END] = &all->end_pointer;
    heap_reset();
}

static inline void everything_end(struct everything *all)
{
    free(all->buf);
    free(all->scratch);
    subject_end(&all->subject);
}

/* What a real call leaves behind, in a record. */
static inline void everything_capture(struct everything *all, struct captured *ret)
{
    struct chain second = {2, "two", NULL}, first = {1, "one", &second}, *result = &first;
    struct chain *next = (struct chain *)(all->buf + 64);
    char name[] = "node";
    struct address b = {2, 0, NULL, NULL, NULL}, a = {1, 4, "abcd", name, &b};

    strcpy(all->buf, "stored");
    *next = (struct chain){4, NULL, NULL};
    all->stored = (struct chain){3, all->buf, next};
    all->res = &a;
    strcpy(all->scratch + 7, "in scratch");
    all->end = all->scratch + 7;
    everything_sign = -1;
    assert_int_equal(capture(&all->subject, all->arguments, &result, ret), 0);
}

#define WATCHED 0x5a

/* Memory as it is before a replay. */
static inline void everything_fill(struct everything *all)
{
    memset(&all->stored, WATCHED, sizeof(all->stored));
    memset(all->buf, WATCHED, BUFFER_BYTES);
    memset(&all->res, WATCHED, sizeof(all->res));
    memset(&all->end, WATCHED, sizeof(all->end));
    memset(&all->result, WATCHED, sizeof(all->result));
    memset(all->scratch, WATCHED, 64);
    memset(&everything_sign, WATCHED, sizeof(everything_sign));
}

static inline bool is_filled(const void *memory, size_t n_bytes)
{
    const unsigned char *bytes = memory;

    for (size_t i = 0; i < n_bytes; i++) {
        if (bytes[i] != WATCHED) {
            return false;
        }
    }
    return true;
}

static inline uint64_t read_chain(const struct chain *chain)
{
    uint64_t sum = 0;

    for (; chain != NULL; chain = chain->next) {
        sum += (uint64_t)chain->value + (chain->name != NULL ? strlen(chain->name) : 0);
    }
    return sum;
}

/*
 * A replay of any bytes. Either all is there, and can be read and freed, or nothing was touched and
 * nothing is left. Returns its error.
 */
static inline int everything_replay(struct everything *all, const void *bytes, size_t n_bytes)
{
    uint64_t sum = 0;
    int32_t set_errno;
    int error;

    everything_fill(all);
    heap_reset();
    error = marshal_replay(all->subject.plan, (struct bytes){bytes, n_bytes}, all->arguments,
                           &all->result, &set_errno);
    if (error != 0) {
        assert_int_equal(heap.n_allocated, heap.n_released);
        assert_int_equal(heap.n_handed_out, heap.n_forgotten);
        assert_true(is_filled(&all->stored, sizeof(all->stored)));
        assert_true(is_filled(all->buf, BUFFER_BYTES));
        assert_true(is_filled(&all->res, sizeof(all->res)));
        assert_true(is_filled(&all->end, sizeof(all->end)));
        assert_true(is_filled(&all->result, sizeof(all->result)));
        assert_true(is_filled(all->scratch, 64));
        assert_true(is_filled(&everything_sign, sizeof(everything_sign)));
        return error;
    }
    assert_int_equal(heap.n_released, 0);
    sum += read_chain(all->result) + read_chain(&all->stored);
    sum += all->end != NULL ? strlen(all->end) : 0;
    while (all->res != NULL) {
        struct address *next = all->res->next;

        /* As many bytes as were remembered, which need not be what n_bytes says now. */
        sum += all->res->bytes != NULL ? *(const unsigned char *)&all->res->bytes : 0;
        free((char *)all->res->name);
        free(all->res);
        all->res = next;
    }
    everything_sum = sum;
    return 0;
}

#endif
