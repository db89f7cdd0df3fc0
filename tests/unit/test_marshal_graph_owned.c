// SPDX-License-Identifier: MIT
/*
 * marshal, records: memory that the program is to free comes from its own malloc, in blocks as the
 * real function makes them; all of it or none. What cannot be given again as it was is not kept.
 */
#include "unit.h"

#include "graph_record_subject.h"

#include <stdlib.h>
#include <string.h>

static struct captured record;

/* ---- blocks ---------------------------------------------------------------------------------- */

static const char *text = "name";

/* int f(const char *name, struct address **res) */
static void addresses_begin(struct subject *subject)
{
    subject_begin(subject, &type_i32);
    subject->bindings = &heap_bindings;
    subject_add(subject, &type_text, as_string);
    subject_add(subject, &type_address_pointer_pointer, out_addresses);
    subject_finish(subject);
    heap_reset();
}

static void test_blocks_that_a_function_frees(void **state)
{
    char canonical[] = "canon";
    struct address second = {2, 0, NULL, NULL, NULL};
    struct address first = {1, 16, "0123456789abcdef", canonical, &second}, *result = &first;
    struct address **out = &result, *given = NULL, **given_out = &given;
    void *arguments[] = {&text, &out}, *given_arguments[] = {&text, &given_out};
    int64_t returned = 0;
    struct subject subject;

    addresses_begin(&subject);
    assert_int_equal(capture(&subject, arguments, &returned, &record), 0);
    /* What the real function has handed out is no block of ours any more. */
    assert_int_equal(heap.n_forgotten, 2);
    assert_ptr_equal(heap.last_forgotten, &second);
    assert_int_equal(heap.n_allocated, 0);
    assert_int_equal(give(&subject, &record, given_arguments, &returned), 0);
    /* Two nodes and a name; the bytes lie in their node's own block. */
    assert_int_equal(heap.n_allocated, 3);
    assert_int_equal(heap.n_handed_out, 2);
    assert_int_equal(heap.last_elements, 1);
    assert_int_equal(given->family, 1);
    assert_ptr_equal(given->bytes, given + 1);
    assert_memory_equal(given->bytes, "0123456789abcdef", 16);
    assert_string_equal(given->name, "canon");
    assert_int_equal(given->next->family, 2);
    assert_null(given->next->bytes);
    assert_null(given->next->name);
    assert_null(given->next->next);
    free((char *)given->name);
    free(given->next);
    free(given);

    result = NULL;
    given = (void *)0x77;
    assert_int_equal(capture(&subject, arguments, &returned, &record), 0);
    assert_int_equal(give(&subject, &record, given_arguments, &returned), 0);
    assert_null(given);
    assert_int_equal(heap.n_allocated, 3);
    assert_int_equal(heap.n_released, 0);
    subject_end(&subject);
}

/* Each third has a name, which is its own. */
static struct address *make_addresses(uint32_t n)
{
    static char names[10000][2];
    struct address *nodes = calloc(n, sizeof(*nodes));

    for (uint32_t i = 0; i < n; i++) {
        nodes[i] = (struct address){(int32_t)i, 4, "abcd", i % 3 == 0 ? names[i] : NULL,
                                    i + 1 < n ? &nodes[i + 1] : NULL};
    }
    return nodes;
}

/* Whichever allocation or registration fails: nothing is left behind, nothing was written. */
static void test_all_or_nothing(void **state)
{
    struct address *real = make_addresses(7), **out = &real;
    struct address *given = (void *)0x77, **given_out = &given;
    void *arguments[] = {&text, &out}, *given_arguments[] = {&text, &given_out};
    int64_t returned = 0, given_returned = 0x55;
    struct subject subject;

    addresses_begin(&subject);
    assert_int_equal(capture(&subject, arguments, &returned, &record), 0);
    for (unsigned i = 1; i <= 10; i++) {
        heap_reset();
        heap.fail_at = i;
        assert_int_equal(give(&subject, &record, given_arguments, &given_returned), -ENOMEM);
        assert_int_equal(heap.n_allocated, i - 1);
        assert_int_equal(heap.n_released, i - 1);
        assert_int_equal(heap.n_handed_out, heap.n_forgotten);
        assert_ptr_equal(given, (void *)0x77);
        assert_int_equal(given_returned, 0x55);
    }
    for (unsigned i = 1; i <= 7; i++) {
        heap_reset();
        heap.refuse_at = i;
        assert_int_equal(give(&subject, &record, given_arguments, &given_returned), -ENOMEM);
        assert_int_equal(heap.n_allocated, heap.n_released);
        assert_int_equal(heap.n_handed_out, i - 1);
        assert_int_equal(heap.n_forgotten, i - 1);
        assert_ptr_equal(given, (void *)0x77);
    }
    heap_reset();
    assert_int_equal(give(&subject, &record, given_arguments, &given_returned), 0);
    assert_int_equal(heap.n_allocated, 10);
    while (given != NULL) {
        struct address *next = given->next;

        free((char *)given->name);
        free(given);
        given = next;
    }
    free(real);
    subject_end(&subject);
}

static void test_long_list(void **state)
{
    struct address *real = make_addresses(10000), **out = &real, *given, **given_out = &given;
    void *arguments[] = {&text, &out}, *given_arguments[] = {&text, &given_out};
    struct marshal_buffer buffer;
    struct marshal_call call;
    struct subject subject;
    int64_t returned = 0;
    int32_t set_errno;
    int n = 0;

    addresses_begin(&subject);
    before(&subject, arguments, &call);
    marshal_buffer_init(&buffer, false);
    assert_int_equal(marshal_capture(subject.plan, arguments, &returned, &call,
                                     MARSHAL_ERRNO_UNTOUCHED, &buffer),
                     0);
    assert_int_equal(marshal_replay(subject.plan, (struct bytes){buffer.data, buffer.n_bytes},
                                    given_arguments, &returned, &set_errno),
                     0);
    for (; given != NULL; n++) {
        struct address *next = given->next;

        assert_int_equal(given->family, n);
        assert_memory_equal(given->bytes, "abcd", 4);
        free((char *)given->name);
        free(given);
        given = next;
    }
    assert_int_equal(n, 10000);
    marshal_buffer_fini(&buffer);
    free(real);
    subject_end(&subject);
}

/* char *f(void), struct chain *f(void): free() of the result frees all that hangs on it. */
static void test_one_block_for_the_caller(void **state)
{
    struct chain second = {2, "two", NULL}, first = {1, "one", &second}, *result = &first, *given;
    const char *word = "word", *given_word;
    struct subject subject;

    heap_reset();
    subject_begin(&subject, &type_chain_pointer);
    subject.bindings = &heap_bindings;
    subject.function.result = result_chain(LIFETIME_CALLER);
    subject_finish(&subject);
    assert_int_equal(capture(&subject, NULL, &result, &record), 0);
    assert_int_equal(give(&subject, &record, NULL, &given), 0);
    assert_int_equal(heap.n_allocated, 1);
    assert_int_equal(heap.last_bytes, 24 + 4 + 4 + 24 + 4); /* as they come, and aligned */
    assert_string_equal(given->next->name, "two");
    free(given);
    subject_end(&subject);

    heap_reset();
    subject_begin(&subject, &type_text);
    subject.bindings = &heap_bindings;
    subject.function.result = (struct config_description){
        .kind = DESCRIBE_OUT_STRING, .is_out = true, .lifetime.kind = LIFETIME_CALLER};
    subject_finish(&subject);
    assert_int_equal(capture(&subject, NULL, &word, &record), 0);
    assert_int_equal(give(&subject, &record, NULL, &given_word), 0);
    assert_int_equal(heap.last_bytes, 5);
    assert_string_equal(given_word, "word");
    free((char *)given_word);
    word = "";
    assert_int_equal(capture(&subject, NULL, &word, &record), 0);
    assert_int_equal(give(&subject, &record, NULL, &given_word), 0);
    assert_string_equal(given_word, "");
    free((char *)given_word);
    subject_end(&subject);
}

/* ---- pointers alone -------------------------------------------------------------------------- */

static void test_immortal_text(void **state)
{
    const char *word = "word", *given = NULL;
    struct subject subject;

    subject_begin(&subject, &type_text);
    subject.function.result = (struct config_description){
        .kind = DESCRIBE_OUT_STRING, .is_out = true, .lifetime.kind = LIFETIME_IMMORTAL};
    subject_finish(&subject);
    assert_int_equal(capture(&subject, NULL, &word, &record), 0);
    assert_int_equal(give(&subject, &record, NULL, &given), 0);
    assert_ptr_equal(given, word);
    subject_end(&subject);
}

/* char *f(char *scratch, const char *in), beside a condition: what is in scratch memory is kept. */
static void test_text_in_scratch_memory(void **state)
{
    struct condition_comparison always = {
        .left = {.kind = OPERAND_ERRNO}, .op = CONDITION_EQ, .right = {.kind = OPERAND_INTEGER}};
    char real[64], mine[64], *scratch = real, *given_scratch = mine, *result = real + 5, *given;
    const char *in = "in";
    void *arguments[] = {&scratch, &in}, *given_arguments[] = {&given_scratch, &in};
    struct subject subject;

    subject_begin(&subject, &type_text);
    subject_add(&subject, &type_text, as_scratch);
    subject_add(&subject, &type_text, as_string);
    subject.function.result =
        (struct config_description){.kind = DESCRIBE_OUT_STRING,
                                    .is_out = true,
                                    .when = {&always, 1, ""},
                                    .lifetime = {.kind = LIFETIME_INTO, .parameter = 0}};
    subject_finish(&subject);
    strcpy(real + 5, "made");
    assert_int_equal(capture(&subject, arguments, &result, &record), 0);
    memset(mine, 'x', sizeof(mine));
    assert_int_equal(give(&subject, &record, given_arguments, &given), 0);
    assert_ptr_equal(given, mine + 5);
    assert_string_equal(given, "made");
    assert_int_equal(mine[4], 'x');
    assert_int_equal(mine[10], 'x');
    /* On an input it would spoil the key. */
    in = mine + 8;
    mine[63] = '\0';
    assert_int_equal(give(&subject, &record, given_arguments, &given), -EBADMSG);
    given_scratch = NULL;
    assert_int_equal(give(&subject, &record, given_arguments, &given), -EBADMSG);
    subject_end(&subject);

    /* The condition says that there is nothing to look at, and the pointer leads somewhere. */
    always.op = CONDITION_NE;
    subject_begin(&subject, &type_text);
    subject.function.result = (struct config_description){.kind = DESCRIBE_OUT_STRING,
                                                          .is_out = true,
                                                          .when = {&always, 1, ""},
                                                          .lifetime.kind = LIFETIME_STATIC};
    subject_finish(&subject);
    result = (char *)8;
    assert_int_equal(capture(&subject, NULL, &result, &record), -EFAULT);
    result = NULL;
    assert_int_equal(capture(&subject, NULL, &result, &record), 0);
    subject_end(&subject);
}

/* ---- what is not kept ------------------------------------------------------------------------ */

static void test_what_is_no_tree(void **state)
{
    struct chain ring[2] = {{1, "a", &ring[1]}, {2, "b", &ring[0]}}, *result = ring, *given;
    struct address node = {1, 0, NULL, "shared", NULL}, twin = {2, 0, NULL, node.name, NULL};
    struct address *res = &node, **out = &res;
    void *arguments[] = {&text, &out};
    int64_t returned = 0;
    struct subject subject;

    subject_begin(&subject, &type_chain_pointer);
    subject.function.result = result_chain(LIFETIME_STATIC);
    subject_finish(&subject);
    assert_int_equal(capture(&subject, NULL, &result, &record), -ELOOP);
    ring[1].next = NULL;
    ring[1].name = ring[0].name; /* text may be shared: it is given twice */
    assert_int_equal(capture(&subject, NULL, &result, &record), 0);
    assert_int_equal(give(&subject, &record, NULL, &given), 0);
    assert_ptr_not_equal(given->name, given->next->name);
    assert_string_equal(given->name, given->next->name);
    subject_end(&subject);

    /* But a block that is freed once must not become two. */
    addresses_begin(&subject);
    assert_int_equal(capture(&subject, arguments, &returned, &record), 0);
    node.next = &twin;
    assert_int_equal(capture(&subject, arguments, &returned, &record), -ELOOP);
    twin.name = NULL;
    assert_int_equal(capture(&subject, arguments, &returned, &record), 0);
    subject_end(&subject);
}

/* What a failed call has left must not leak when an older answer takes its place. */
static void test_older_answers(void **state)
{
    const char *word = "word", *given = NULL;
    char *left = strdup("left behind");
    struct marshal_call call = {0};
    struct subject subject;
    int32_t set_errno;

    heap_reset();
    subject_begin(&subject, &type_text);
    subject.bindings = &heap_bindings;
    subject.function.result = (struct config_description){
        .kind = DESCRIBE_OUT_STRING, .is_out = true, .lifetime.kind = LIFETIME_CALLER};
    subject_finish(&subject);
    assert_int_equal(capture(&subject, NULL, &word, &record), 0);
    given = left;
    assert_int_equal(marshal_replay_after(subject.plan,
                                          (struct bytes){record.bytes, record.n_bytes}, &call, NULL,
                                          &given, &set_errno),
                     -EBADMSG);
    assert_ptr_equal(given, left);
    given = NULL;
    assert_int_equal(marshal_replay_after(subject.plan,
                                          (struct bytes){record.bytes, record.n_bytes}, &call, NULL,
                                          &given, &set_errno),
                     0);
    assert_string_equal(given, "word");
    free((char *)given);
    free(left);
    subject_end(&subject);
}

/* ---- plans that are refused ------------------------------------------------------------------ */

static const char *refusal_of_result(struct config_description result,
                                     const struct marshal_bindings *bindings)
{
    static struct subject subject;

    subject_begin(&subject, &type_chain_pointer);
    subject.bindings = bindings;
    subject_add(&subject, &type_text, as_string);
    subject_add(&subject, &type_i32, as_value);
    subject.function.result = result;
    assert_int_equal(subject_try(&subject), -ENOTSUP);
    subject_end(&subject);
    return subject.reason;
}

static void test_plans_that_are_refused(void **state)
{
    struct config_description result = result_chain(LIFETIME_CALLER);
    struct marshal_bindings bindings = {.allocate = heap_allocate, .release = heap_release};
    struct subject subject;

    assert_string_equal(refusal_of_result(result, NULL),
                        "the program's malloc and free are not found");
    result.lifetime = (struct config_lifetime)FREED_BY_TEST;
    assert_string_equal(refusal_of_result(result, &bindings),
                        "the function that frees what it hands out is not followed");
    result.lifetime = (struct config_lifetime){.kind = LIFETIME_STORAGE, 1, 0};
    assert_string_equal(refusal_of_result(result, NULL),
                        "its storage is not a buffer and the number of its bytes");
    result.lifetime = (struct config_lifetime){.kind = LIFETIME_INTO, 1};
    assert_string_equal(refusal_of_result(result, NULL),
                        "it hands out a pointer into an argument that is none");
    result.lifetime.kind = LIFETIME_NONE;
    assert_string_equal(refusal_of_result(result, NULL),
                        "a pointer that it hands out has no lifetime");

    /* The caller's own memory holds nothing else. */
    subject_begin(&subject, &type_i32);
    subject_add(&subject, &type_chain_pointer,
                (struct config_description){.kind = DESCRIBE_MEMORY,
                                            .is_out = true,
                                            .element = &type_chain,
                                            .element_size = sizeof(struct chain),
                                            .writes = &held_chain});
    assert_int_equal(subject_try(&subject), -ENOTSUP);
    assert_string_equal(subject.reason,
                        "a pointer that it writes to the caller's memory has no lifetime");
    subject_end(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_that_a_function_frees),
        cmocka_unit_test(test_all_or_nothing),
        cmocka_unit_test(test_long_list),
        cmocka_unit_test(test_one_block_for_the_caller),
        cmocka_unit_test(test_immortal_text),
        cmocka_unit_test(test_text_in_scratch_memory),
        cmocka_unit_test(test_what_is_no_tree),
        cmocka_unit_test(test_older_answers),
        cmocka_unit_test(test_plans_that_are_refused),
    };

    assert_int_equal(marshal_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
