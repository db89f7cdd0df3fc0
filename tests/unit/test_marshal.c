// SPDX-License-Identifier: MIT
/*
 * marshal, keys: equal exactly when the described inputs are. Random argument lists for random
 * descriptions are compared with a model that compares the inputs themselves.
 */
#include "unit.h"

#include "marshal_subject.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

static const struct hash_mac_key mac_key = {0x0123456789abcdef, 0xfedcba9876543210};

/* Keys of two argument lists: negative for an error of the first, else 1 for equal keys. */
static int same_key(struct subject *subject, void *const *a, void *const *b)
{
    struct marshal_buffer key_a, key_b;
    struct marshal_call call;
    int error, same;

    marshal_buffer_init(&key_a, subject->function.has_secret);
    marshal_buffer_init(&key_b, subject->function.has_secret);
    error = marshal_key(subject->plan, a, &mac_key, &key_a, &call);
    if (error != 0) {
        assert_int_equal(key_a.n_bytes, 0);
        return error;
    }
    assert_int_equal(marshal_key(subject->plan, b, &mac_key, &key_b, &call), 0);
    if (marshal_key_bytes(subject->plan) != 0) {
        assert_int_equal(key_a.n_bytes, marshal_key_bytes(subject->plan));
        assert_int_equal(key_b.n_bytes, marshal_key_bytes(subject->plan));
    }
    same = key_a.n_bytes == key_b.n_bytes && memcmp(key_a.data, key_b.data, key_a.n_bytes) == 0;
    marshal_buffer_fini(&key_a);
    marshal_buffer_fini(&key_b);
    return same;
}

/* ---- the property ---------------------------------------------------------------------------- */

/* What one parameter of a random function can be. */
enum random_kind {
    RANDOM_SCALAR,
    RANDOM_LONG_DOUBLE,
    RANDOM_STRING,
    RANDOM_IN,
    RANDOM_INOUT,
    RANDOM_OUT,
    RANDOM_ADDRESS,
    RANDOM_IGNORE,
    RANDOM_SCRATCH,
    RANDOM_KINDS
};

#define RANDOM_PARAMETERS 5
#define RANDOM_ROOM       8

/* One argument: its slot, and memory that it may point to. Memory never overlaps. */
struct random_argument {
    union {
        uint32_t scalar;
        long double wide;
        void *pointer;
        unsigned char bytes[16];
    } slot;
    unsigned char memory[RANDOM_ROOM];
};

struct random_list {
    int32_t n; /* the count of the first memory parameter: parameter 0 of each function */
    struct random_argument items[RANDOM_PARAMETERS];
    void *arguments[RANDOM_PARAMETERS + 1];
};

static uint64_t random_state = 88172645463325252u;

static uint32_t draw(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % n;
}

/* A small alphabet and short texts: framing errors need near misses. */
static void fill_argument(enum random_kind kind, struct random_argument *argument)
{
    long double wide;

    for (int i = 0; i < RANDOM_ROOM; i++) {
        argument->memory[i] = (unsigned char)("\0aSN"[draw(4)]);
    }
    argument->memory[RANDOM_ROOM - 1] = '\0';
    memset(&argument->slot, (int)draw(256), sizeof(argument->slot));
    switch (kind) {
    case RANDOM_SCALAR:
        argument->slot.scalar = draw(3);
        break;
    case RANDOM_LONG_DOUBLE:
        wide = draw(3);
        memcpy(&argument->slot, &wide, 10);
        break;
    case RANDOM_ADDRESS:
        argument->slot.pointer = (void *)(uintptr_t)draw(3);
        break;
    default:
        argument->slot.pointer = draw(4) == 0 ? NULL : argument->memory;
        break;
    }
}

static bool same_argument(enum random_kind kind, const struct random_argument *a,
                          const struct random_argument *b, int32_t n)
{
    switch (kind) {
    case RANDOM_SCALAR:
        return a->slot.scalar == b->slot.scalar;
    case RANDOM_LONG_DOUBLE:
        return a->slot.wide == b->slot.wide;
    case RANDOM_ADDRESS:
        return a->slot.pointer == b->slot.pointer;
    case RANDOM_IGNORE:
        return true;
    default:
        break;
    }
    if (a->slot.pointer == NULL || b->slot.pointer == NULL) {
        return a->slot.pointer == b->slot.pointer;
    }
    if (kind == RANDOM_STRING) {
        return strcmp(a->slot.pointer, b->slot.pointer) == 0;
    }
    return (kind != RANDOM_IN && kind != RANDOM_INOUT) ||
           memcmp(a->slot.pointer, b->slot.pointer, (size_t)n) == 0;
}

static void describe_random(struct subject *subject, const enum random_kind *kinds)
{
    static const struct count_step steps[] = {{COUNT_PARAMETER, 0, 0}};
    static const struct config_count count = {steps, 1};

    subject_begin(subject, &type_i32);
    subject_add(subject, &type_i32, (struct config_description){.kind = DESCRIBE_VALUE});
    for (int i = 0; i < RANDOM_PARAMETERS; i++) {
        struct config_description description = {.kind = DESCRIBE_MEMORY, .element_size = 1};
        const struct ctype *type = &type_pointer;

        switch (kinds[i]) {
        case RANDOM_SCALAR:
            type = &type_u32;
            description.kind = DESCRIBE_VALUE;
            break;
        case RANDOM_LONG_DOUBLE:
            type = &type_long_double;
            description.kind = DESCRIBE_VALUE;
            break;
        case RANDOM_STRING:
            description.kind = DESCRIBE_STRING;
            break;
        case RANDOM_ADDRESS:
            description.kind = DESCRIBE_ADDRESS;
            break;
        case RANDOM_IGNORE:
            description.kind = DESCRIBE_IGNORE;
            break;
        case RANDOM_SCRATCH:
            description.kind = DESCRIBE_SCRATCH;
            break;
        default:
            description.is_in = kinds[i] != RANDOM_OUT;
            description.is_out = kinds[i] != RANDOM_IN;
            description.count = count;
            break;
        }
        subject_add(subject, type, description);
    }
    subject->function.has_secret = draw(4) == 0;
    subject_finish(subject);
}

static void test_keys_are_equal_exactly_when_inputs_are(void **state)
{
    unsigned n_same = 0, n_different = 0;

    for (int round = 0; round < 4000; round++) {
        struct subject subject;
        enum random_kind kinds[RANDOM_PARAMETERS];
        struct random_list lists[2];

        for (int i = 0; i < RANDOM_PARAMETERS; i++) {
            kinds[i] = (enum random_kind)draw(RANDOM_KINDS);
        }
        describe_random(&subject, kinds);
        for (int pair = 0; pair < 40; pair++) {
            bool expected;

            for (int l = 0; l < 2; l++) {
                struct random_list *list = &lists[l];

                list->n = (int32_t)draw(3);
                list->arguments[0] = &list->n;
                for (int i = 0; i < RANDOM_PARAMETERS; i++) {
                    if (l == 1 && draw(4) != 0) { /* like the first, elsewhere in memory */
                        list->items[i] = lists[0].items[i];
                        if (lists[0].items[i].slot.pointer == lists[0].items[i].memory) {
                            list->items[i].slot.pointer =
                                kinds[i] == RANDOM_SCALAR || kinds[i] == RANDOM_LONG_DOUBLE
                                    ? list->items[i].slot.pointer
                                    : list->items[i].memory;
                        }
                    } else {
                        fill_argument(kinds[i], &list->items[i]);
                    }
                    list->arguments[i + 1] = &list->items[i].slot;
                }
            }
            expected = lists[0].n == lists[1].n;
            for (int i = 0; i < RANDOM_PARAMETERS && expected; i++) {
                expected =
                    same_argument(kinds[i], &lists[0].items[i], &lists[1].items[i], lists[0].n);
            }
            assert_int_equal(same_key(&subject, lists[0].arguments, lists[1].arguments), expected);
            n_same += expected;
            n_different += !expected;
        }
        subject_end(&subject);
    }
    assert_true(n_same > 5000 && n_different > 5000); /* the draw tests both sides */
}

/* ---- single cases ---------------------------------------------------------------------------- */

static const struct config_description as_value = {.kind = DESCRIBE_VALUE};
static const struct config_description as_string = {.kind = DESCRIBE_STRING, .is_in = true};

static void test_neighbouring_strings(void **state)
{
    struct subject subject;
    const char *ab = "ab", *c = "c", *a = "a", *bc = "bc", *empty = "", *null = NULL;
    char copy[] = "ab", *other_ab = copy;

    subject_begin(&subject, &type_void);
    subject_add(&subject, &type_text, as_string);
    subject_add(&subject, &type_text, as_string);
    subject_finish(&subject);
    assert_int_equal(same_key(&subject, (void *[]){&ab, &c}, (void *[]){&a, &bc}), 0);
    assert_int_equal(same_key(&subject, (void *[]){&empty, &c}, (void *[]){&null, &c}), 0);
    assert_int_equal(same_key(&subject, (void *[]){&empty, &null}, (void *[]){&null, &empty}), 0);
    assert_int_equal(same_key(&subject, (void *[]){&ab, &c}, (void *[]){&other_ab, &c}), 1);
    subject_end(&subject);
}

static void test_values_without_padding(void **state)
{
    struct subject subject;
    struct {
        _Alignas(16) unsigned char bytes[32];
    } a, b;
    long double part = -1.25L;

    subject_begin(&subject, &type_void);
    subject_add(&subject, &type_complex_long_double, as_value);
    subject_finish(&subject);
    memset(&a, 1, sizeof(a));
    memset(&b, 2, sizeof(b));
    memcpy(a.bytes, &part, 10);
    memcpy(b.bytes, &part, 10);
    memcpy(a.bytes + 16, &part, 10);
    memcpy(b.bytes + 16, &part, 10);
    assert_int_equal(marshal_key_bytes(subject.plan), 20);
    assert_int_equal(same_key(&subject, (void *[]){&a}, (void *[]){&b}), 1);
    b.bytes[25] ^= 1;
    assert_int_equal(same_key(&subject, (void *[]){&a}, (void *[]){&b}), 0);
    subject_end(&subject);
}

static void test_elements_without_padding(void **state)
{
    static const struct count_step steps[] = {{COUNT_NUMBER, 0, 3}};
    const struct config_description three = {.kind = DESCRIBE_MEMORY,
                                             .is_in = true,
                                             .element_size = 16,
                                             .element = &type_long_double,
                                             .count = {steps, 1}};
    struct subject subject;
    _Alignas(16) unsigned char a[48], b[48];
    void *pa = a, *pb = b;

    subject_begin(&subject, &type_void);
    subject_add(&subject, &type_long_double_pointer, three);
    subject_finish(&subject);
    memset(a, 1, sizeof(a));
    memset(b, 2, sizeof(b));
    for (int i = 0; i < 3; i++) {
        long double part = i;

        memcpy(a + 16 * i, &part, 10);
        memcpy(b + 16 * i, &part, 10);
    }
    assert_int_equal(same_key(&subject, (void *[]){&pa}, (void *[]){&pb}), 1);
    b[32 + 9] ^= 0x80;
    assert_int_equal(same_key(&subject, (void *[]){&pa}, (void *[]){&pb}), 0);
    subject_end(&subject);
}

/* Two zeros that compare equal give different results (1/x), so they are different inputs. */
static void test_signed_zeros_differ(void **state)
{
    struct subject subject;
    double plus = 0.0, minus = -0.0;

    subject_begin(&subject, &type_double);
    subject_add(&subject, &type_double, as_value);
    subject_finish(&subject);
    assert_int_equal(same_key(&subject, (void *[]){&plus}, (void *[]){&minus}), 0);
    subject_end(&subject);
}

static const struct count_step pointee_1[] = {{COUNT_POINTEE, 1, 0}};
static const struct config_description out_bytes_of_1 = {
    .kind = DESCRIBE_MEMORY, .is_out = true, .element_size = 1, .count = {pointee_1, 1}};

static void test_room_of_an_output_is_in_the_key(void **state)
{
    const struct config_description length = {.kind = DESCRIBE_MEMORY,
                                              .is_in = true,
                                              .is_out = true,
                                              .element_size = 8,
                                              .element = &type_u64};
    struct subject subject;
    char room[16], *buffer = room;
    uint64_t eight = 8, nine = 9, also_eight = 8;
    uint64_t *a = &eight, *b = &nine, *c = &also_eight;

    subject_begin(&subject, &type_i32);
    subject_add(&subject, &type_text, out_bytes_of_1);
    subject_add(&subject, &type_u64_pointer, length);
    subject_finish(&subject);
    assert_int_equal(same_key(&subject, (void *[]){&buffer, &a}, (void *[]){&buffer, &b}), 0);
    assert_int_equal(same_key(&subject, (void *[]){&buffer, &a}, (void *[]){&buffer, &c}), 1);
    subject_end(&subject);
}

/* sincos(x, &a, &a) leaves another a than sincos(x, &a, &b). */
static void test_overlap_is_an_input(void **state)
{
    const struct config_description out_double = {
        .kind = DESCRIBE_MEMORY, .is_out = true, .element_size = 8, .element = &type_double};
    struct subject subject;
    double x = 1, room[4];
    double *p0 = &room[0], *p1 = &room[1], *p2 = &room[2], *null = NULL;
    double *half = (double *)((char *)room + 4), *end = (double *)((char *)room + 8);

    subject_begin(&subject, &type_void);
    subject_add(&subject, &type_double, as_value);
    subject_add(&subject, &type_double_pointer, out_double);
    subject_add(&subject, &type_double_pointer, out_double);
    subject_finish(&subject);
    assert_int_equal(same_key(&subject, (void *[]){&x, &p0, &p1}, (void *[]){&x, &p2, &p0}), 1);
    assert_int_equal(same_key(&subject, (void *[]){&x, &p0, &p1}, (void *[]){&x, &p0, &p0}), 0);
    assert_int_equal(same_key(&subject, (void *[]){&x, &p1, &p1}, (void *[]){&x, &p0, &p0}), 1);
    assert_int_equal(same_key(&subject, (void *[]){&x, &p0, &half}, (void *[]){&x, &p0, &p0}), 0);
    assert_int_equal(same_key(&subject, (void *[]){&x, &p0, &half}, (void *[]){&x, &half, &p0}), 0);
    assert_int_equal(same_key(&subject, (void *[]){&x, &p0, &end}, (void *[]){&x, &p2, &p0}), 1);
    assert_int_equal(same_key(&subject, (void *[]){&x, &null, &null}, (void *[]){&x, &null, &p0}),
                     0);
    subject_end(&subject);
}

static void test_overlap_of_text_and_output(void **state)
{
    static const struct count_step four[] = {{COUNT_NUMBER, 0, 4}};
    const struct config_description out_four = {
        .kind = DESCRIBE_MEMORY, .is_out = true, .element_size = 1, .count = {four, 1}};
    struct subject subject;
    char room[16] = "abc";
    char *text = room, *in_place = room, *inside = room + 2, *behind = room + 4, *far = room + 8;

    subject_begin(&subject, &type_void);
    subject_add(&subject, &type_text, as_string);
    subject_add(&subject, &type_text, out_four);
    subject_finish(&subject);
    assert_int_equal(same_key(&subject, (void *[]){&text, &behind}, (void *[]){&text, &far}), 1);
    assert_int_equal(same_key(&subject, (void *[]){&text, &in_place}, (void *[]){&text, &far}), 0);
    assert_int_equal(same_key(&subject, (void *[]){&text, &inside}, (void *[]){&text, &far}), 0);
    assert_int_equal(same_key(&subject, (void *[]){&text, &inside}, (void *[]){&text, &in_place}),
                     0);
    subject_end(&subject);
}

/* ---- secrets --------------------------------------------------------------------------------- */

#define SECRET "correct horse battery staple"

static void test_secret_keys_are_macs(void **state)
{
    const struct config_description secret = {
        .kind = DESCRIBE_STRING, .is_in = true, .is_secret = true};
    const struct hash_mac_key other_key = {1, 2};
    struct subject subject;
    char text[] = SECRET, *pointer = text;
    static char large[3000], *large_pointer = large;
    struct marshal_buffer key;
    struct marshal_call call;
    struct hash_mac mac;
    unsigned char framed[9 + sizeof(text) - 1], first[16];
    uint64_t length = sizeof(text) - 1;

    subject_begin(&subject, &type_i32);
    subject_add(&subject, &type_text, secret);
    subject.function.has_secret = true;
    subject_finish(&subject);
    memset(&key, 0xee, sizeof(key));
    marshal_buffer_init(&key, true);
    assert_int_equal(marshal_key(subject.plan, (void *[]){&pointer}, &mac_key, &key, &call), 0);
    assert_int_equal(key.n_bytes, 16);
    assert_null(memmem(&key, sizeof(key), SECRET, 6));
    framed[0] = 'S';
    memcpy(framed + 1, &length, 8);
    memcpy(framed + 9, SECRET, sizeof(text) - 1);
    mac = hash_mac((struct bytes){framed, sizeof(framed)}, &mac_key);
    assert_memory_equal(key.data, mac.bytes, 16);
    memcpy(first, key.data, 16);
    marshal_buffer_fini(&key);
    assert_int_equal(marshal_key(subject.plan, (void *[]){&pointer}, &other_key, &key, &call), 0);
    assert_memory_not_equal(key.data, first, 16);
    marshal_buffer_fini(&key);

    /* One that outgrows the room: the room is wiped, the block is gone. */
    memset(large, 'q', sizeof(large) - 1);
    assert_int_equal(marshal_key(subject.plan, (void *[]){&large_pointer}, &mac_key, &key, &call),
                     0);
    assert_int_equal(key.n_bytes, 16);
    assert_ptr_equal(key.data, key.room);
    assert_null(memmem(&key, sizeof(key), "qqqqqqqq", 8));
    marshal_buffer_fini(&key);
    subject_end(&subject);
}

static void test_a_failing_secret_key_is_wiped(void **state)
{
    static const struct count_step negative[] = {{COUNT_NUMBER, 0, -1}};
    const struct config_description secret = {
        .kind = DESCRIBE_STRING, .is_in = true, .is_secret = true};
    const struct config_description bad = {
        .kind = DESCRIBE_MEMORY, .is_in = true, .element_size = 1, .count = {negative, 1}};
    struct subject subject;
    char text[] = SECRET, *pointer = text;
    struct marshal_buffer key;
    struct marshal_call call;

    subject_begin(&subject, &type_i32);
    subject_add(&subject, &type_text, secret);
    subject_add(&subject, &type_text, bad);
    subject.function.has_secret = true;
    subject_finish(&subject);
    memset(&key, 0, sizeof(key));
    marshal_buffer_init(&key, true);
    assert_int_equal(
        marshal_key(subject.plan, (void *[]){&pointer, &pointer}, &mac_key, &key, &call),
        -EOVERFLOW);
    assert_null(memmem(&key, sizeof(key), SECRET, 6));
    subject_end(&subject);
}

/* ---- bounds ---------------------------------------------------------------------------------- */

static void test_bounds(void **state)
{
    static const struct count_step product[] = {
        {COUNT_PARAMETER, 1, 0}, {COUNT_PARAMETER, 1, 0}, {COUNT_MULTIPLY, 0, 0}};
    static const struct count_step difference[] = {
        {COUNT_PARAMETER, 1, 0}, {COUNT_NUMBER, 0, 5}, {COUNT_SUBTRACT, 0, 0}};
    static const struct count_step sum[] = {
        {COUNT_PARAMETER, 1, 0}, {COUNT_NUMBER, 0, 1}, {COUNT_ADD, 0, 0}};
    static const struct {
        struct config_count count;
        int64_t n;
        int expected;
    } cases[] = {
        {{product, 3}, 2, 0},
        {{product, 3}, INT64_C(1) << 32, -EOVERFLOW},
        {{product, 3}, INT64_C(1) << 31, -EOVERFLOW}, /* times eight it leaves 64 bits */
        {{product, 3}, 4096, -E2BIG},                 /* 128 MiB */
        {{difference, 3}, 4, -EOVERFLOW},
        {{difference, 3}, 5, 0},
        {{difference, 3}, INT64_MIN, -EOVERFLOW},
        {{sum, 3}, INT64_MAX, -EOVERFLOW},
        {{sum, 3}, -1, 0},
        {{sum, 3}, -2, -EOVERFLOW},
    };
    uint64_t memory[8] = {0}, *pointer = memory, *null = NULL;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config_description elements = {.kind = DESCRIBE_MEMORY,
                                              .is_in = true,
                                              .element_size = 8,
                                              .element = &type_u64,
                                              .count = cases[i].count};
        int64_t n = cases[i].n;
        void *arguments[] = {&pointer, &n};
        struct subject subject;
        int result;

        subject_begin(&subject, &type_void);
        subject_add(&subject, &type_u64_pointer, elements);
        subject_add(&subject, &type_i64, as_value);
        subject_finish(&subject);
        result = same_key(&subject, arguments, arguments);
        assert_int_equal(result == 1 ? 0 : result, cases[i].expected);
        arguments[0] = &null; /* NULL is never followed, whatever the count */
        assert_int_equal(same_key(&subject, arguments, arguments), 1);
        subject_end(&subject);
    }
}

static void test_counts_of_every_integer_type(void **state)
{
    static const struct count_step steps[] = {{COUNT_PARAMETER, 1, 0}};
    static const struct config_description elements = {
        .kind = DESCRIBE_MEMORY, .is_in = true, .element_size = 1, .count = {steps, 1}};
    static const struct {
        const struct ctype *type;
        uint64_t bits;
        int expected; /* -1: refused, else the count */
    } cases[] = {
        {&type_bool, 1, 1},
        {&type_i8, 0xffffffffffffff03, 3},
        {&type_i8, 0x80, -1},
        {&type_u8, 0xffffffffffffffc8, 200},
        {&type_i16, 0xffffffffffff0102, 258},
        {&type_i16, 0x8000, -1},
        {&type_u16, 0xffffffffffff0101, 257},
        {&type_i32, 0xffffffff00000003, 3},
        {&type_i32, 0x80000000, -1},
        {&type_u32, 0xffffffff00000003, 3},
        {&type_i64, 0x8000000000000000, -1},
        {&type_u64, 0x8000000000000000, -1},
        {&type_u64, 300, 300},
    };
    char memory[512] = {0}, *pointer = memory;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct subject subject;
        struct marshal_buffer key;
        struct marshal_call call;
        uint64_t bits = cases[i].bits, count;
        int error;

        subject_begin(&subject, &type_void);
        subject_add(&subject, &type_text, elements);
        subject_add(&subject, cases[i].type, as_value);
        subject_finish(&subject);
        marshal_buffer_init(&key, false);
        error = marshal_key(subject.plan, (void *[]){&pointer, &bits}, NULL, &key, &call);
        if (cases[i].expected < 0) {
            assert_int_equal(error, -EOVERFLOW);
        } else {
            assert_int_equal(error, 0);
            assert_int_equal(key.data[0], 'M');
            memcpy(&count, key.data + 1, sizeof(count));
            assert_int_equal(count, cases[i].expected);
        }
        marshal_buffer_fini(&key);
        subject_end(&subject);
    }
}

static void test_count_through_null(void **state)
{
    struct subject subject;
    char memory[8], *pointer = memory;
    uint64_t *null = NULL;

    subject_begin(&subject, &type_void);
    subject_add(&subject, &type_text, out_bytes_of_1);
    subject_add(&subject, &type_u64_pointer, (struct config_description){.kind = DESCRIBE_IGNORE});
    subject_finish(&subject);
    assert_int_equal(same_key(&subject, (void *[]){&pointer, &null}, (void *[]){&pointer, &null}),
                     -EFAULT);
    subject_end(&subject);
}

static void test_long_and_unterminated_strings(void **state)
{
    const size_t n_bytes = MARSHAL_MAX_STRING_BYTES + 4096;
    struct subject subject;
    char *text =
        mmap(NULL, n_bytes + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *short_text;

    assert_true(text != MAP_FAILED);
    mprotect(text + n_bytes, 4096, PROT_NONE);
    memset(text, 'x', n_bytes);
    subject_begin(&subject, &type_void);
    subject_add(&subject, &type_text, as_string);
    subject_finish(&subject);
    assert_int_equal(same_key(&subject, (void *[]){&text}, (void *[]){&text}), -E2BIG);
    text[MARSHAL_MAX_STRING_BYTES] = '\0';
    assert_int_equal(same_key(&subject, (void *[]){&text}, (void *[]){&text}), 1);
    /* Up to the last byte before a page that is not there. */
    short_text = text + n_bytes - 3;
    text[n_bytes - 1] = '\0';
    assert_int_equal(same_key(&subject, (void *[]){&short_text}, (void *[]){&short_text}), 1);
    subject_end(&subject);
    munmap(text, n_bytes + 4096);
}

static void test_max_bytes_bounds_keys(void **state)
{
    struct subject subject;
    const char *seven = "1234567", *eight = "12345678";

    subject_begin(&subject, &type_void);
    subject_add(&subject, &type_text, as_string);
    subject.function.max_bytes = 9 + 7;
    subject_finish(&subject);
    assert_int_equal(same_key(&subject, (void *[]){&seven}, (void *[]){&seven}), 1);
    assert_int_equal(same_key(&subject, (void *[]){&eight}, (void *[]){&eight}), -E2BIG);
    subject_end(&subject);
}

/* ---- buffers --------------------------------------------------------------------------------- */

static void *make_many_keys(void *context)
{
    struct subject *subject = context;
    char text[20000], *pointer = text;

    for (int i = 0; i < 300; i++) {
        size_t n_bytes = (size_t)(i * 61) % sizeof(text);
        struct marshal_buffer key;
        struct marshal_call call;

        memset(text, 'a' + i % 26, n_bytes);
        text[n_bytes] = '\0';
        marshal_buffer_init(&key, false);
        assert_int_equal(marshal_key(subject->plan, (void *[]){&pointer}, NULL, &key, &call), 0);
        assert_int_equal(key.n_bytes, 9 + n_bytes);
        assert_memory_equal(key.data + 9, text, n_bytes);
        assert_int_equal(key.data == key.room, 9 + n_bytes <= sizeof(key.room));
        marshal_buffer_fini(&key);
    }
    return NULL;
}

static void test_blocks_are_reused_and_not_shared(void **state)
{
    struct subject subject;
    pthread_t threads[4];
    struct marshal_buffer a, b;
    struct marshal_call call;
    static char text[5000], *pointer = text;
    void *first;

    subject_begin(&subject, &type_void);
    subject_add(&subject, &type_text, as_string);
    subject_finish(&subject);
    memset(text, 'x', sizeof(text) - 1);
    marshal_buffer_init(&a, false);
    marshal_buffer_init(&b, false);
    assert_int_equal(marshal_key(subject.plan, (void *[]){&pointer}, NULL, &a, &call), 0);
    first = a.data;
    assert_int_equal(marshal_key(subject.plan, (void *[]){&pointer}, NULL, &b, &call), 0);
    assert_ptr_not_equal(b.data, first);
    marshal_buffer_fini(&b);
    marshal_buffer_fini(&a);
    assert_int_equal(marshal_key(subject.plan, (void *[]){&pointer}, NULL, &a, &call), 0);
    assert_ptr_equal(a.data, first); /* the one that was given back last */
    marshal_buffer_fini(&a);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, make_many_keys, &subject), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    subject_end(&subject);
}

/* ---- plans ----------------------------------------------------------------------------------- */

static void test_refusals(void **state)
{
    const struct config_description out_byte = {
        .kind = DESCRIBE_MEMORY, .is_out = true, .element_size = 1};
    const struct config_description length_out = {
        .kind = DESCRIBE_MEMORY, .is_out = true, .element_size = 8, .element = &type_u64};
    struct config_description in_of_1 = out_bytes_of_1;
    struct subject subject;

    subject_begin(&subject, &type_void);
    for (int i = 0; i < MARSHAL_MAX_OUTS + 1; i++) {
        subject_add(&subject, &type_text, out_byte);
    }
    assert_int_equal(subject_try(&subject), -ENOTSUP);
    assert_non_null(strstr(subject.reason, "16"));
    subject_end(&subject);

    in_of_1.is_in = true; /* read before the call, but the count is written by it */
    subject_begin(&subject, &type_void);
    subject_add(&subject, &type_text, in_of_1);
    subject_add(&subject, &type_u64_pointer, length_out);
    assert_int_equal(subject_try(&subject), -ENOTSUP);
    assert_non_null(strstr(subject.reason, "after the call"));
    subject_end(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_are_equal_exactly_when_inputs_are),
        cmocka_unit_test(test_neighbouring_strings),
        cmocka_unit_test(test_values_without_padding),
        cmocka_unit_test(test_elements_without_padding),
        cmocka_unit_test(test_signed_zeros_differ),
        cmocka_unit_test(test_room_of_an_output_is_in_the_key),
        cmocka_unit_test(test_overlap_is_an_input),
        cmocka_unit_test(test_overlap_of_text_and_output),
        cmocka_unit_test(test_secret_keys_are_macs),
        cmocka_unit_test(test_a_failing_secret_key_is_wiped),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_counts_of_every_integer_type),
        cmocka_unit_test(test_count_through_null),
        cmocka_unit_test(test_long_and_unterminated_strings),
        cmocka_unit_test(test_max_bytes_bounds_keys),
        cmocka_unit_test(test_blocks_are_reused_and_not_shared),
        cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
