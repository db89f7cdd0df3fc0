// SPDX-License-Identifier: MIT
/*
 * Memory of replays that a named function frees: which blocks are known to be out, and what becomes
 * of lists that the program has taken apart and joined anew. Each block is counted when it is made
 * and when it is freed, by us or by the "real" function, which knows only blocks of its own.
 */
#include "unit.h"

#include "marshal/handed_out.h"
#include "marshal/marshal.h"
#include <errno.h>
#include <pthread.h>

/* ---- blocks ---------------------------------------------------------------------------------- */

/* Stands before each block. */
struct header {
    bool is_real, is_live;
    uint32_t n_bytes;
    uint64_t unused; /* blocks are aligned to 16 */
};

static int n_ours, n_real; /* live */

static void *make(size_t n_bytes, bool is_real)
{
    struct header *header = calloc(1, sizeof(*header) + n_bytes);

    header->is_real = is_real;
    header->is_live = true;
    header->n_bytes = (uint32_t)n_bytes;
    *(is_real ? &n_real : &n_ours) += 1;
    return header + 1;
}

static void unmake(void *block, bool is_real)
{
    struct header *header = (struct header *)block - 1;

    assert_int_equal(header->is_live, 1);
    assert_int_equal(header->is_real, is_real);
    header->is_live = false;
    *(is_real ? &n_real : &n_ours) -= 1;
    memset(block, 0xdd, header->n_bytes); /* who still reads it finds no pointer */
    free(header);
}

static void release(void *block)
{
    unmake(block, false);
}

/* ---- a list ---------------------------------------------------------------------------------- */

struct node {
    uint32_t n_names;
    char *text;         /* the caller's */
    struct node *next;  /* freed with it */
    struct part *part;  /* in the same block */
    char **names;       /* n_names of them in the same block; each is the caller's */
    struct node *other; /* freed by another function */
};

struct part {
    char *text; /* the caller's */
    struct part *next;
};

static const struct ctype type_u32 = {.kind = CTYPE_UNSIGNED, .size_bytes = 4};

static const struct config_lifetime by_list_free = {.kind = LIFETIME_FREED_BY,
                                                    .freed_by = "list_free"};
static const struct config_lifetime by_other = {.kind = LIFETIME_FREED_BY,
                                                .freed_by = "other_free"};

#define TEXT_OF_CALLER                                                            \
    {                                                                             \
        .kind = POINTEE_TEXT, .element_size = 1, .lifetime.kind = LIFETIME_CALLER \
    }

static struct config_fields part_fields;
static const struct config_field parts[] = {
    {"text", offsetof(struct part, text), 8, TEXT_OF_CALLER},
    {"next",
     offsetof(struct part, next),
     8,
     {.kind = POINTEE_ELEMENTS,
      .element_size = sizeof(struct part),
      .fields = &part_fields,
      .lifetime.kind = LIFETIME_HOLDER}},
};
static const struct config_pointee name = TEXT_OF_CALLER;
static const struct count_step n_names_steps[] = {
    {.kind = COUNT_MEMBER, .member = &type_u32, .offset_bytes = offsetof(struct node, n_names)}};

static struct config_fields node_fields;
static const struct config_field nodes[] = {
    {"text", offsetof(struct node, text), 8, TEXT_OF_CALLER},
    {"next",
     offsetof(struct node, next),
     8,
     {.kind = POINTEE_ELEMENTS,
      .element_size = sizeof(struct node),
      .fields = &node_fields,
      .lifetime = {.kind = LIFETIME_FREED_BY, .freed_by = "list_free"}}},
    {"part",
     offsetof(struct node, part),
     8,
     {.kind = POINTEE_ELEMENTS,
      .element_size = sizeof(struct part),
      .fields = &part_fields,
      .lifetime.kind = LIFETIME_HOLDER}},
    {"names",
     offsetof(struct node, names),
     8,
     {.kind = POINTEE_ELEMENTS,
      .element_size = 8,
      .count = {n_names_steps, 1},
      .target = &name,
      .lifetime.kind = LIFETIME_HOLDER}},
    {"other",
     offsetof(struct node, other),
     8,
     {.kind = POINTEE_ELEMENTS,
      .element_size = sizeof(struct node),
      .fields = &node_fields,
      .lifetime = {.kind = LIFETIME_FREED_BY, .freed_by = "other_free"}}},
};
static const struct config_pointee node = {
    .kind = POINTEE_ELEMENTS,
    .element_size = sizeof(struct node),
    .fields = &node_fields,
    .lifetime = {.kind = LIFETIME_FREED_BY, .freed_by = "list_free"}};

static int begin(void **state)
{
    part_fields = (struct config_fields){.fields = parts, .n_fields = 2};
    node_fields = (struct config_fields){.fields = nodes, .n_fields = 5};
    assert_int_equal(handed_out_init(), 0);
    return handed_out_init(); /* once more does nothing */
}

static struct node *ours(struct node *next)
{
    struct node *made = make(sizeof(*made), false);

    made->next = next;
    assert_int_equal(handed_out_add(NULL, &by_list_free, &node, made, 1), 0);
    return made;
}

static struct node *real(struct node *next)
{
    struct node *made = make(sizeof(*made), true);

    made->next = next;
    return made;
}

/* Frees the whole list that it is given, and asserts that all of it is its own. */
static void give_to_real(void *context, void *block)
{
    struct node *next;

    *(int *)context += 1;
    for (struct node *at = block; at != NULL; at = next) {
        next = at->next;
        unmake(at, true);
    }
}

static int n_given; /* to the real function from within */

/* As a thunk does: what is not ours is the real function's. */
static bool list_free(struct node *list)
{
    struct freeing_call call = {"list_free", release, give_to_real, &n_given, &node};
    bool is_ours = freeing_release(&call, list);
    int unused = 0;

    if (!is_ours && list != NULL) {
        give_to_real(&unused, list);
    }
    return is_ours;
}

static void expect_none_left(void)
{
    assert_int_equal(n_ours, 0);
    assert_int_equal(n_real, 0);
    assert_int_equal(handed_out_count(), 0);
}

static void test_list(void **state)
{
    assert_false(list_free(NULL));
    assert_true(list_free(ours(ours(ours(NULL)))));
    assert_false(list_free(real(real(NULL))));
    expect_none_left();
}

static void test_cut_and_joined(void **state)
{
    struct node *c = ours(NULL), *b = ours(c), *a = ours(b);

    b->next = NULL; /* the end first */
    assert_true(list_free(c));
    assert_int_equal(n_ours, 2);
    assert_true(list_free(a));
    expect_none_left();

    c = ours(NULL), b = ours(c), a = ours(b);
    c->next = b, b->next = a, a->next = NULL; /* the other way round */
    assert_true(list_free(c));
    expect_none_left();
}

/* Lists of both kinds, joined in every way: each node goes where it came from. */
static void test_mixed(void **state)
{
    for (unsigned kinds = 0; kinds < 64; kinds++) {
        struct node *list = NULL;

        for (unsigned i = 0; i < 6; i++) {
            list = (kinds >> i & 1) != 0 ? ours(list) : real(list);
        }
        assert_int_equal(list_free(list), kinds >> 5);
        expect_none_left();
    }
}

static void test_what_hangs_on_it(void **state)
{
    struct {
        struct node node;
        struct part parts[3];
        char *names[2];
    } *block = make(sizeof(*block), false);

    block->node.part = &block->parts[0];
    for (int i = 0; i < 3; i++) {
        block->parts[i].text = make(8, false);
        block->parts[i].next = i < 2 ? &block->parts[i + 1] : NULL;
    }
    block->node.names = block->names;
    block->node.n_names = 2;
    block->names[0] = make(8, false);
    block->names[1] = NULL;
    block->node.text = make(1, false);
    block->node.next = ours(real(NULL));
    assert_int_equal(handed_out_add(NULL, &by_list_free, &node, block, 1), 0);
    assert_true(list_free(&block->node));
    expect_none_left();
}

/* What another function frees stays, and one that is given to the wrong one stays known. */
static void test_another_function(void **state)
{
    struct node *a = ours(NULL), *b = make(sizeof(*b), false);
    struct handed_out taken;

    assert_int_equal(handed_out_add(NULL, &by_other, &node, b, 1), 0);
    a->other = b;
    assert_true(list_free(a));
    assert_int_equal(n_ours, 1);
    assert_false(freeing_release(
        &(struct freeing_call){"list_free", release, give_to_real, &n_given, &node}, b));
    assert_true(handed_out_take(b, &taken));
    assert_ptr_equal(taken.lifetime, &by_other);
    release(b);
    expect_none_left();
}

/* Text, and a list of pointers, that a function frees. */
static void test_other_shapes(void **state)
{
    static const struct config_pointee text = {
        .kind = POINTEE_TEXT,
        .element_size = 1,
        .lifetime = {.kind = LIFETIME_FREED_BY, .freed_by = "list_free"}};
    static const struct config_pointee list = {
        .kind = POINTEE_LIST,
        .target = &text,
        .lifetime = {.kind = LIFETIME_FREED_BY, .freed_by = "list_free"}};
    struct freeing_call call = {"list_free", release, give_to_real, &n_given, &node};
    char **texts = make(3 * sizeof(*texts), false);

    for (int i = 0; i < 2; i++) {
        texts[i] = make(4, false);
        assert_int_equal(handed_out_add(NULL, &by_list_free, NULL, texts[i], 1), 0);
    }
    assert_int_equal(handed_out_add(NULL, &by_list_free, &list, texts, 3), 0);
    assert_true(freeing_release(&call, texts));
    expect_none_left();

    texts = make(4, false);
    assert_int_equal(handed_out_add(NULL, &by_list_free, NULL, texts, 1), 0);
    assert_true(freeing_release(&call, texts));
    expect_none_left();
}

/* Freed past us, and malloc gave the address again: what was known of it does not hold. */
static void test_address_comes_again(void **state)
{
    struct node *a = ours(NULL);
    struct node *old_next = ours(NULL);

    assert_int_equal(handed_out_add(NULL, &by_other, &node, a, 1), 0);
    assert_int_equal(handed_out_count(), 2);
    assert_int_equal(handed_out_add(NULL, &by_list_free, &node, a, 1), 0);
    assert_int_equal(handed_out_count(), 2);
    a->next = old_next;
    assert_true(list_free(a));
    expect_none_left();

    a = real(NULL);
    assert_int_equal(handed_out_add(NULL, &by_list_free, &node, a, 1), 0);
    handed_out_forget(NULL, a); /* the real function handed it out */
    handed_out_forget(NULL, a);
    assert_false(list_free(a));
    expect_none_left();
}

#define LONG_LIST 100000

static void *free_long_lists(void *unused)
{
    struct node *list = NULL, *tree = NULL;

    for (int i = 0; i < LONG_LIST; i++) {
        list = ours(list);
    }
    assert_true(list_free(list));
    for (int i = 0; i < LONG_LIST; i++) {
        tree = real(tree);
    }
    list = ours(tree);
    assert_true(list_free(list));
    return NULL;
}

/* On a stack that recursion would leave at once. */
static void test_long_lists_take_no_stack(void **state)
{
    pthread_attr_t small;
    pthread_t thread;

    NEED(!has_shadow_memory(), "sanitizers need stacks of their own size");
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 * 1024);
    assert_int_equal(pthread_create(&thread, &small, free_long_lists, NULL), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&small);
    expect_none_left();
}

/* A cycle of the real function's, with nothing of ours in it, is given up. */
static void test_cycle_ends(void **state)
{
    struct node *a = real(NULL), *b = real(a), *kept = ours(NULL);
    struct freeing_call call = {"list_free", release, give_to_real, &n_given, &node};

    a->next = b;
    assert_false(freeing_release(&call, a));
    a->next = NULL;
    give_to_real(&n_given, b);
    assert_true(list_free(kept));
    expect_none_left();
}

/* ---- the table ------------------------------------------------------------------------------- */

/* Whatever is not said to be kept is not found; whatever is, is found once. */
static void test_table_is_bounded(void **state)
{
    static bool is_in[400000];
    char *base = (char *)(uintptr_t)0x10000;
    struct handed_out taken;
    uint64_t n_in = 0;

    for (int i = 0; i < 400000; i++) {
        int error = handed_out_add(NULL, &by_other, NULL, base + 32 * (size_t)i, (uint64_t)i);

        assert_true(error == 0 || error == -ENOSPC);
        is_in[i] = error == 0;
        n_in += is_in[i];
    }
    assert_in_range(n_in, 100000, 131072);
    assert_int_equal(handed_out_count(), n_in);
    for (int i = 0; i < 400000; i++) {
        bool found = handed_out_take(base + 32 * (size_t)i, &taken);

        assert_int_equal(found, is_in[i]);
        assert_true(!found || taken.n_elements == (uint64_t)i);
        assert_false(handed_out_take(base + 32 * (size_t)i, &taken));
    }
    assert_int_equal(handed_out_count(), 0);
}

#define N_THREADS 4
#define N_ROUNDS  20000

static char shared_blocks[64 * 16];
static _Atomic int n_added, n_taken;

/* Each adds blocks of its own, and all try to take everybody's: each is had once. */
static void *add_and_take(void *own_first)
{
    struct handed_out taken;

    for (int i = 0; i < N_ROUNDS; i++) {
        char *own = (char *)own_first + i % 16 * 16;

        if (handed_out_take(own, &taken)) {
            n_taken++;
        }
        if (handed_out_add(NULL, &by_other, &node, own, 7) == 0) {
            n_added++;
        }
        for (int k = 0; k < 64; k += 5) {
            if (handed_out_take(shared_blocks + 16 * ((k + i) % 64), &taken)) {
                assert_ptr_equal(taken.lifetime, &by_other);
                assert_int_equal(taken.n_elements, 7);
                n_taken++;
            }
        }
    }
    return NULL;
}

static void test_table_in_threads(void **state)
{
    pthread_t threads[N_THREADS];
    struct handed_out taken;

    for (int i = 0; i < N_THREADS; i++) {
        pthread_create(&threads[i], NULL, add_and_take, shared_blocks + (size_t)(16 * 16 * i));
    }
    for (int i = 0; i < N_THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < 64; i++) {
        n_taken += handed_out_take(shared_blocks + (size_t)(16 * i), &taken);
    }
    assert_int_equal(n_taken, n_added);
    assert_int_equal(handed_out_count(), 0);
}

/* ---- beforehand ------------------------------------------------------------------------------ */

static void test_what_can_be_followed(void **state)
{
    static const struct count_step by_argument[] = {{.kind = COUNT_PARAMETER}};
    struct config_field fields[1] = {nodes[3]};
    struct config_fields record = {.fields = fields, .n_fields = 1};
    struct config_pointee block = {.kind = POINTEE_ELEMENTS,
                                   .fields = &record,
                                   .count = {by_argument, 1},
                                   .lifetime = by_list_free};

    assert_true(freeing_can_follow(NULL));
    assert_true(freeing_can_follow(&node));
    assert_true(freeing_can_follow(&block)); /* its own count is known */
    fields[0].pointee.count = (struct config_count){by_argument, 1};
    assert_false(freeing_can_follow(&block));
    fields[0].pointee.target = NULL; /* text: nothing hangs on it */
    assert_true(freeing_can_follow(&block));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_cut_and_joined),
        cmocka_unit_test(test_mixed),
        cmocka_unit_test(test_what_hangs_on_it),
        cmocka_unit_test(test_another_function),
        cmocka_unit_test(test_other_shapes),
        cmocka_unit_test(test_address_comes_again),
        cmocka_unit_test(test_long_lists_take_no_stack),
        cmocka_unit_test(test_cycle_ends),
        cmocka_unit_test(test_table_is_bounded),
        cmocka_unit_test(test_table_in_threads),
        cmocka_unit_test(test_what_can_be_followed),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
