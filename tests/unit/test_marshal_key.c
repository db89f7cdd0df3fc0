// SPDX-License-Identifier: MIT
/*
 * marshal, keys: equal exactly when the described inputs are. Random argument lists for random
 * descriptions are compared with a model that compares the inputs themselves.
 */
#include "unit.h"

#include "draws.h"
#include "marshal_subject.h"

#include <errno.h>
#include <string.h>

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
    return (uint32_t)(draw_bits(&random_state) >> 33) % n;
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
        memcpy(&argument->slot, &wide, LONG_DOUBLE_BYTES);
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
    static const struct count_step steps[] = {{.kind = COUNT_PARAMETER, .parameter = 0}};
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
    memcpy(a.bytes, &part, LONG_DOUBLE_BYTES);
    memcpy(b.bytes, &part, LONG_DOUBLE_BYTES);
    memcpy(a.bytes + 16, &part, LONG_DOUBLE_BYTES);
    memcpy(b.bytes + 16, &part, LONG_DOUBLE_BYTES);
    assert_int_equal(marshal_key_bytes(subject.plan), 2 * LONG_DOUBLE_BYTES);
    assert_int_equal(same_key(&subject, (void *[]){&a}, (void *[]){&b}), 1);
    b.bytes[25] ^= 1;
    assert_int_equal(same_key(&subject, (void *[]){&a}, (void *[]){&b}), 0);
    subject_end(&subject);
}

static void test_elements_without_padding(void **state)
{
    static const struct count_step steps[] = {{.kind = COUNT_NUMBER, .number = 3}};
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

        memcpy(a + 16 * i, &part, LONG_DOUBLE_BYTES);
        memcpy(b + 16 * i, &part, LONG_DOUBLE_BYTES);
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
    static const struct count_step four[] = {{.kind = COUNT_NUMBER, .number = 4}};
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
    unsigned char framed[4 + sizeof(text) - 1], first[16];

    subject_begin(&subject, &type_i32);
    subject_add(&subject, &type_text, secret);
    subject.function.has_secret = true;
    subject_finish(&subject);
    memset(&key, 0xee, sizeof(key));
    marshal_buffer_init(&key, true);
    assert_int_equal(marshal_key(subject.plan, (void *[]){&pointer}, &test_mac_key, &key, &call),
                     0);
    assert_int_equal(key.n_bytes, 16);
    assert_null(memmem(&key, sizeof(key), SECRET, 6));
    memcpy(framed, (unsigned char[]){'S', sizeof(text) - 1, 0, 0}, 4);
    memcpy(framed + 4, SECRET, sizeof(text) - 1);
    mac = hash_mac((struct bytes){framed, sizeof(framed)}, &test_mac_key);
    assert_memory_equal(key.data, mac.bytes, 16);
    memcpy(first, key.data, 16);
    marshal_buffer_fini(&key);
    assert_int_equal(marshal_key(subject.plan, (void *[]){&pointer}, &other_key, &key, &call), 0);
    assert_memory_not_equal(key.data, first, 16);
    marshal_buffer_fini(&key);

    /* One that outgrows the room: the room is wiped, the block is gone. */
    memset(large, 'q', sizeof(large) - 1);
    assert_int_equal(
        marshal_key(subject.plan, (void *[]){&large_pointer}, &test_mac_key, &key, &call), 0);
    assert_int_equal(key.n_bytes, 16);
    assert_ptr_equal(key.data, key.room);
    assert_null(memmem(&key, sizeof(key), "qqqqqqqq", 8));
    marshal_buffer_fini(&key);
    subject_end(&subject);
}

static void test_a_failing_secret_key_is_wiped(void **state)
{
    static const struct count_step negative[] = {{.kind = COUNT_NUMBER, .number = -1}};
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
        marshal_key(subject.plan, (void *[]){&pointer, &pointer}, &test_mac_key, &key, &call),
        -EOVERFLOW);
    assert_null(memmem(&key, sizeof(key), SECRET, 6));
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
