// SPDX-License-Identifier: MIT
/*
 * marshal, records: memory with pointers that a call has written or handed out is given again, in
 * memory of its own: thread memory, the caller's storage, within arguments.
 */
#include "unit.h"

#include "graph_record_subject.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct captured record, other;

/* ---- static results -------------------------------------------------------------------------- */

static void test_static_list(void **state)
{
    char name[] = "first";
    struct chain third = {3, "", NULL}, second = {2, NULL, &third}, first = {1, name, &second};
    struct chain *result = &first, *given = NULL, *again;
    struct subject subject;

    subject_begin(&subject, &type_chain_pointer);
    subject.function.result = result_chain(LIFETIME_STATIC);
    subject_finish(&subject);
    memset((char *)&first + 4, 0x55, 4); /* padding does not count */
    assert_int_equal(capture(&subject, NULL, &result, &record), 0);
    memset((char *)&first + 4, 0xaa, 4);
    assert_int_equal(capture(&subject, NULL, &result, &other), 0);
    assert_int_equal(difference(&subject, &record, &other, NULL), MARSHAL_PART_NONE);
    strcpy(name, "wrong");
    assert_int_equal(capture(&subject, NULL, &result, &other), 0);
    assert_int_equal(difference(&subject, &record, &other, NULL), MARSHAL_PART_RESULT);
    memset(&second, 0, sizeof(second));

    assert_int_equal(give(&subject, &record, NULL, &given), 0);
    assert_ptr_not_equal(given, &first);
    assert_int_equal(given->value, 1);
    assert_string_equal(given->name, "first");
    assert_int_equal(given->next->value, 2);
    assert_null(given->next->name);
    assert_int_equal(given->next->next->value, 3);
    assert_string_equal(given->next->next->name, "");
    assert_null(given->next->next->next);
    given->value = 7; /* the program writes to what is its until the next call */
    assert_int_equal(give(&subject, &record, NULL, &again), 0);
    assert_ptr_equal(again, given);
    assert_int_equal(given->value, 1);

    result = NULL;
    assert_int_equal(capture(&subject, NULL, &result, &record), 0);
    assert_int_equal(give(&subject, &record, NULL, &given), 0);
    assert_null(given);
    subject_end(&subject);
}

/* As struct hostent: a name, a list of texts, and a list of byte blocks of a common length. */
struct host {
    const char *name;
    char *const *aliases;
    int32_t length;
    unsigned char *const *addresses;
};

static const struct ctype_member host_members[] = {
    TEST_MEMBER(struct host, name, type_text), TEST_MEMBER(struct host, aliases, type_pointer),
    TEST_MEMBER(struct host, length, type_i32), TEST_MEMBER(struct host, addresses, type_pointer)};
TEST_RECORD(type_host, struct host, host_members);
TEST_POINTER(type_host_pointer, type_host);

static const struct config_pointee four_bytes = {
    .kind = POINTEE_ELEMENTS,
    .element_size = 1,
    .count = {(const struct count_step[]){{.kind = COUNT_NUMBER, .number = 4}}, 1},
    .lifetime.kind = LIFETIME_HOLDER};
static const struct config_field host_field_list[] = {
    TEST_FIELD(struct host, name, .kind = POINTEE_TEXT, .element_size = 1,
               .lifetime.kind = LIFETIME_HOLDER),
    TEST_FIELD(struct host, aliases, .kind = POINTEE_LIST, .element_size = sizeof(void *),
               .target = &held_text, .lifetime.kind = LIFETIME_HOLDER),
    TEST_FIELD(struct host, addresses, .kind = POINTEE_LIST, .element_size = sizeof(void *),
               .target = &four_bytes, .lifetime.kind = LIFETIME_HOLDER)};
TEST_FIELDS(host_fields, type_host, host_field_list);
static const struct config_pointee host_pointee = {.kind = POINTEE_ELEMENTS,
                                                   .type = &type_host,
                                                   .element_size = sizeof(struct host),
                                                   .fields = &host_fields};

static char one[] = "one", two[] = "two";
static char *aliases[] = {one, two, one, NULL}, *no_aliases[] = {NULL};
static unsigned char *addresses[] = {(unsigned char *)"\x7f\0\0\1", (unsigned char *)"\xa\0\0\2",
                                     NULL};

static void check_host(const struct host *given)
{
    assert_string_equal(given->name, "name");
    assert_string_equal(given->aliases[0], "one");
    assert_string_equal(given->aliases[1], "two");
    assert_string_equal(given->aliases[2], "one");
    assert_null(given->aliases[3]);
    assert_memory_equal(given->addresses[0], "\x7f\0\0\1", 4);
    assert_memory_equal(given->addresses[1], "\xa\0\0\2", 4);
    assert_null(given->addresses[2]);
}

static void test_lists(void **state)
{
    struct host host = {"name", aliases, 4, addresses};
    struct host *result = &host, *given;
    struct subject subject;

    subject_begin(&subject, &type_host_pointer);
    subject.function.result = (struct config_description){.kind = DESCRIBE_MEMORY,
                                                          .is_out = true,
                                                          .writes = &host_pointee,
                                                          .lifetime.kind = LIFETIME_STATIC};
    subject_finish(&subject);
    assert_int_equal(capture(&subject, NULL, &result, &record), 0);
    assert_int_equal(give(&subject, &record, NULL, &given), 0);
    check_host(given);
    host.aliases = no_aliases;
    host.addresses = NULL;
    assert_int_equal(capture(&subject, NULL, &result, &record), 0);
    assert_int_equal(give(&subject, &record, NULL, &given), 0);
    assert_null(given->aliases[0]);
    assert_null(given->addresses);
    subject_end(&subject);
}

/* One block for each value of an argument, one for all functions of a group. */
static void test_static_of_an_argument_and_of_a_group(void **state)
{
    struct config_description described = result_chain(LIFETIME_STATIC_ARGUMENT);
    struct chain chain = {1, "x", NULL}, *result = &chain, *a, *b, *again;
    uint64_t cookie = 1;
    void *arguments[] = {&cookie};
    struct subject tied, group_a, group_b;

    subject_begin(&tied, &type_chain_pointer);
    subject_add(&tied, &type_u64, as_value);
    tied.function.result = described;
    subject_finish(&tied);
    assert_int_equal(capture(&tied, arguments, &result, &record), 0);
    assert_int_equal(give(&tied, &record, arguments, &a), 0);
    cookie = 2;
    assert_int_equal(give(&tied, &record, arguments, &b), 0);
    cookie = 1;
    assert_int_equal(give(&tied, &record, arguments, &again), 0);
    assert_ptr_equal(a, again);
    assert_ptr_not_equal(a, b);
    assert_string_equal(b->name, "x");
    subject_end(&tied);

    described.lifetime = (struct config_lifetime){.kind = LIFETIME_STATIC_GROUP, .group = "g"};
    subject_begin(&group_a, &type_chain_pointer);
    group_a.function.result = described;
    subject_finish(&group_a);
    subject_begin(&group_b, &type_chain_pointer);
    group_b.function.result = described;
    subject_finish(&group_b);
    assert_int_equal(capture(&group_a, NULL, &result, &record), 0);
    assert_int_equal(give(&group_a, &record, NULL, &a), 0);
    assert_int_equal(give(&group_b, &record, NULL, &b), 0);
    assert_ptr_equal(a, b);
    subject_end(&group_a);
    subject_end(&group_b);
}

/* struct chain f(void): its text is static. */
static void test_struct_result(void **state)
{
    static const struct config_field field[] = {
        TEST_FIELD(struct chain, name, .kind = POINTEE_TEXT, .element_size = 1,
                   .lifetime.kind = LIFETIME_STATIC),
        TEST_FIELD(struct chain, next, .kind = POINTEE_ADDRESS)};
    static const struct config_fields fields = {&type_chain, field, 2};
    static const struct config_pointee pointee = {.kind = POINTEE_ELEMENTS,
                                                  .type = &type_chain,
                                                  .element_size = sizeof(struct chain),
                                                  .fields = &fields};
    struct chain result = {5, "text", &result}, given = {0};
    struct subject subject;

    subject_begin(&subject, &type_chain);
    subject.function.result =
        (struct config_description){.kind = DESCRIBE_VALUE, .writes = &pointee};
    subject_finish(&subject);
    assert_int_equal(capture(&subject, NULL, &result, &record), 0);
    assert_int_equal(give(&subject, &record, NULL, &given), 0);
    assert_int_equal(given.value, 5);
    assert_string_equal(given.name, "text");
    assert_ptr_not_equal(given.name, result.name);
    assert_ptr_equal(given.next, &result);
    subject_end(&subject);
}

/* ---- storage, and pointers into arguments ---------------------------------------------------- */

/* int f(uint64_t id, struct host *host, char *buf, size_t n, struct host **result) */
enum {
    ID,
    HOST,
    BUF,
    SIZE,
    RESULT
};

#define IN_BUF                                                             \
    {                                                                      \
        .kind = LIFETIME_STORAGE, .parameter = BUF, .size_parameter = SIZE \
    }

static const struct config_field stored_field_list[] = {
    TEST_FIELD(struct host, name, .kind = POINTEE_TEXT, .element_size = 1, .lifetime = IN_BUF),
    TEST_FIELD(struct host, aliases, .kind = POINTEE_LIST, .element_size = sizeof(void *),
               .target = &held_text, .lifetime = IN_BUF),
    TEST_FIELD(struct host, addresses, .kind = POINTEE_LIST, .element_size = sizeof(void *),
               .target = &four_bytes, .lifetime = IN_BUF)};
TEST_FIELDS(stored_fields, type_host, stored_field_list);
static const struct config_pointee stored_host = {.kind = POINTEE_ELEMENTS,
                                                  .type = &type_host,
                                                  .element_size = sizeof(struct host),
                                                  .fields = &stored_fields};
static const struct config_pointee into_host = {
    .kind = POINTEE_ELEMENTS,
    .type = &type_host_pointer,
    .element_size = sizeof(void *),
    .target = &(const struct config_pointee){
        .kind = POINTEE_ADDRESS, .lifetime = {.kind = LIFETIME_INTO, .parameter = HOST}}};
static const struct condition_comparison found_comparison = {
    .left = {.kind = OPERAND_PARAMETER,
             .parameter = RESULT,
             .hops = &(const struct condition_hop){.end_bytes = sizeof(void *)},
             .n_hops = 1,
             .type = &type_pointer},
    .op = CONDITION_NE,
    .right = {.kind = OPERAND_NULL}};

static void storage_begin(struct subject *subject)
{
    struct config_description host = {.kind = DESCRIBE_MEMORY,
                                      .is_out = true,
                                      .element = &type_host,
                                      .element_size = sizeof(struct host),
                                      .writes = &stored_host,
                                      .when = {&found_comparison, 1, ""}};
    struct config_description result = {.kind = DESCRIBE_MEMORY,
                                        .is_out = true,
                                        .element = &type_host_pointer,
                                        .element_size = sizeof(void *),
                                        .writes = &into_host};

    subject_begin(subject, &type_i32);
    subject_add(subject, &type_u64, as_value);
    subject_add(subject, &type_host_pointer, host);
    subject_add(subject, &type_text, (struct config_description){.kind = DESCRIBE_STORAGE});
    subject_add(subject, &type_u64, (struct config_description){.kind = DESCRIBE_IGNORE});
    subject_add(subject, &type_pointer, result);
    subject_finish(subject);
}

/* The caller's side of one call. */
struct caller {
    uint64_t id, size;
    struct host host;
    char room[512];
    struct host *result;
    struct host *host_pointer, **result_pointer;
    char *buf;
    void *arguments[5];
};

static void caller_begin(struct caller *caller, size_t misalignment)
{
    *caller = (struct caller){.id = 1, .size = 256};
    caller->host_pointer = &caller->host;
    caller->result_pointer = &caller->result;
    caller->buf = caller->room + 64 - (uintptr_t)caller->room % 64 + misalignment;
    memset(&caller->host, 0x77, sizeof(caller->host));
    caller->result = (void *)0x77;
    caller->arguments[ID] = &caller->id;
    caller->arguments[HOST] = &caller->host_pointer;
    caller->arguments[BUF] = &caller->buf;
    caller->arguments[SIZE] = &caller->size;
    caller->arguments[RESULT] = &caller->result_pointer;
}

/* What the real function does: all in its buffer. */
static void look_up(struct caller *caller)
{
    char *buf = caller->buf;
    char **list = (char **)buf;
    unsigned char **blocks = (unsigned char **)buf + 4;

    strcpy(buf + 64, "name");
    strcpy(buf + 70, "one");
    strcpy(buf + 74, "two");
    memcpy(list, (char *[]){buf + 70, buf + 74, buf + 70, NULL}, 4 * sizeof(*list));
    memcpy(buf + 80, "\x7f\0\0\1\xa\0\0\2", 8);
    memcpy(blocks, (unsigned char *[]){(unsigned char *)buf + 80, (unsigned char *)buf + 84, NULL},
           3 * sizeof(*blocks));
    caller->host = (struct host){buf + 64, list, 4, blocks};
    caller->result = &caller->host;
}

static bool lies_in(const void *pointer, const struct caller *caller)
{
    return (uintptr_t)pointer - (uintptr_t)caller->buf < caller->size;
}

static void test_storage(void **state)
{
    struct subject subject;
    struct caller real;
    int64_t result = 0, given_result;

    storage_begin(&subject);
    caller_begin(&real, 0);
    look_up(&real);
    assert_int_equal(capture(&subject, real.arguments, &result, &record), 0);
    for (size_t misalignment = 0; misalignment < 16; misalignment++) {
        struct caller caller;
        unsigned char untouched = 0x55;
        /* The real function pads as the buffer's alignment makes it. */
        uint64_t least = 256 + (misalignment == 0 ? 0 : 15);

        caller_begin(&caller, misalignment);
        caller.size = least;
        caller.buf[caller.size] = (char)untouched;
        caller.buf[-1] = (char)untouched;
        assert_int_equal(give(&subject, &record, caller.arguments, &given_result), 0);
        assert_int_equal(given_result, 0);
        assert_ptr_equal(caller.result, &caller.host);
        check_host(&caller.host);
        assert_true(lies_in(caller.host.name, &caller));
        assert_true(lies_in(caller.host.aliases, &caller));
        assert_int_equal((uintptr_t)caller.host.aliases % sizeof(void *), 0);
        assert_int_equal((uintptr_t)caller.host.addresses[1] % 4, 0);
        assert_int_equal(caller.buf[caller.size], untouched);
        assert_int_equal(caller.buf[-1], untouched);
        /* Less than the real function is known to do with; nothing has been written. */
        caller_begin(&caller, misalignment);
        caller.size = least - 1;
        memset(caller.buf, 0x66, caller.size);
        assert_int_equal(give(&subject, &record, caller.arguments, &given_result), -ENOSPC);
        assert_ptr_equal(caller.result, (void *)0x77);
        assert_int_equal(caller.host.length, 0x77777777);
        for (size_t i = 0; i < caller.size; i++) {
            assert_int_equal(caller.buf[i], 0x66);
        }
    }
    subject_end(&subject);
}

/* The real function did with a room in which ours, aligned another way, does not find place. */
static void test_storage_that_is_tight(void **state)
{
    struct subject subject;
    struct caller real, caller;
    int64_t result = 0;

    storage_begin(&subject);
    caller_begin(&real, 0);
    look_up(&real);
    real.size = 88;
    assert_int_equal(capture(&subject, real.arguments, &result, &record), 0);
    for (size_t size = 0; size < 200; size++) {
        int error;

        caller_begin(&caller, 1);
        caller.size = size;
        caller.buf[size] = 0x55;
        error = give(&subject, &record, caller.arguments, &result);
        assert_int_equal(caller.buf[size], 0x55);
        assert_true(error == (size < 88 ? -ENOSPC : error));
        assert_true(error == 0 || error == -ENOSPC);
        assert_true(size < 120 || error == 0);
    }
    /* Nothing that is said to lie in the buffer may lie elsewhere. */
    caller_begin(&real, 0);
    look_up(&real);
    real.host.name = "elsewhere";
    assert_int_equal(capture(&subject, real.arguments, &result, &record), -EFAULT);
    look_up(&real);
    real.size = 68; /* the name has five bytes from 64 on */
    assert_int_equal(capture(&subject, real.arguments, &result, &record), -EFAULT);
    subject_end(&subject);
}

/* Text that two pointers lead to is placed twice, for which there may be no room. */
static void test_storage_that_shares(void **state)
{
    struct subject subject;
    struct caller caller;
    int64_t result = 0;
    char **list;

    storage_begin(&subject);
    caller_begin(&caller, 0);
    caller.size = 200;
    list = (char **)caller.buf;
    memset(caller.buf + 32, 'x', 160);
    caller.buf[192] = '\0';
    memcpy(list, (char *[]){caller.buf + 32, caller.buf + 32, NULL}, 3 * sizeof(*list));
    caller.host = (struct host){NULL, list, 4, NULL};
    caller.result = &caller.host;
    assert_int_equal(capture(&subject, caller.arguments, &result, &record), 0);
    caller_begin(&caller, 0);
    caller.size = 200;
    memset(caller.buf, 0x66, sizeof(caller.room) - 64);
    assert_int_equal(give(&subject, &record, caller.arguments, &result), -ENOSPC);
    for (size_t i = 0; i < sizeof(caller.room) - 64; i++) {
        assert_int_equal(caller.buf[i], 0x66);
    }
    caller.size = 400;
    assert_int_equal(give(&subject, &record, caller.arguments, &result), 0);
    assert_string_equal(caller.host.aliases[0], caller.host.aliases[1]);
    subject_end(&subject);
}

/* What was not found leaves garbage behind, which nobody looks at. */
static void test_when(void **state)
{
    struct subject subject;
    struct caller real, caller;
    int64_t result = 0;

    storage_begin(&subject);
    caller_begin(&real, 0);
    real.result = NULL;
    assert_int_equal(capture(&subject, real.arguments, &result, &record), 0);
    caller_begin(&caller, 0);
    assert_int_equal(give(&subject, &record, caller.arguments, &result), 0);
    assert_null(caller.result);
    assert_int_equal(caller.host.length, 0x77777777);
    /* It may have been for want of room: whoever has another asks anew. */
    for (size_t misalignment = 0; misalignment < 16; misalignment++) {
        for (size_t size = 250; size < 262; size++) {
            bool is_same = misalignment == 0 && size == real.size;

            caller_begin(&caller, misalignment);
            caller.size = size;
            assert_int_equal(give(&subject, &record, caller.arguments, &result),
                             is_same ? 0 : -ENOSPC);
        }
    }
    look_up(&real);
    assert_int_equal(capture(&subject, real.arguments, &result, &other), 0);
    assert_int_equal(difference(&subject, &record, &other, real.arguments), MARSHAL_PART_OUT);
    /* A result into memory that is not that of the argument. */
    real.result = (struct host *)((char *)&real.host + sizeof(real.host) + 1);
    assert_int_equal(capture(&subject, real.arguments, &result, &record), -EFAULT);
    subject_end(&subject);
}

/* The storage is no part of the key, but must lie apart from all else. */
static void test_keys_of_storage(void **state)
{
    struct subject subject;
    struct caller a, b;

    storage_begin(&subject);
    caller_begin(&a, 0);
    caller_begin(&b, 5);
    b.size = 17;
    assert_int_equal(same_key(&subject, a.arguments, b.arguments), 1);
    b.buf = NULL;
    assert_int_equal(same_key(&subject, a.arguments, b.arguments), 1);
    b.id = 2;
    assert_int_equal(same_key(&subject, a.arguments, b.arguments), 0);
    a.buf = (char *)&a.host + 8;
    assert_int_equal(same_key(&subject, a.arguments, a.arguments), -ENOTSUP);
    subject_end(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_static_list),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_static_of_an_argument_and_of_a_group),
        cmocka_unit_test(test_struct_result),
        cmocka_unit_test(test_storage),
        cmocka_unit_test(test_storage_that_is_tight),
        cmocka_unit_test(test_storage_that_shares),
        cmocka_unit_test(test_when),
        cmocka_unit_test(test_keys_of_storage),
    };

    assert_int_equal(marshal_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
