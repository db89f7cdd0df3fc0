// SPDX-License-Identifier: MIT
/*
 * Memory of replays whose elements are counted by the record that leads to it: the counts must be
 * read before that record is freed, for a block that is freed holds anything.
 */
#include "unit.h"

#include "marshal/freeing.h"
#include <malloc.h>

struct book {
    char *title; /* the caller's */
};

struct shelf {
    uint32_t n_rows, n_books;
    struct book **rows; /* each row has n_books */
};

static const struct ctype type_u32 = {.kind = CTYPE_UNSIGNED, .size_bytes = 4};
static const struct config_lifetime by_free_shelf = {.kind = LIFETIME_FREED_BY,
                                                     .freed_by = "free_shelf"};
static const struct count_step n_rows_steps[] = {
    {.kind = COUNT_MEMBER, .member = &type_u32, .offset_bytes = offsetof(struct shelf, n_rows)}};
static const struct count_step n_books_steps[] = {
    {.kind = COUNT_MEMBER, .member = &type_u32, .offset_bytes = offsetof(struct shelf, n_books)}};
static const struct config_field title = {
    "title",
    offsetof(struct book, title),
    8,
    {.kind = POINTEE_TEXT, .element_size = 1, .lifetime.kind = LIFETIME_CALLER}};
static const struct config_fields title_fields = {.fields = &title, .n_fields = 1};
static const struct config_pointee row = {.kind = POINTEE_ELEMENTS,
                                          .element_size = sizeof(struct book),
                                          .count = {n_books_steps, 1},
                                          .fields = &title_fields,
                                          .lifetime.kind = LIFETIME_CALLER};

static int n_live;

static void *make(size_t n_bytes)
{
    n_live++;
    return calloc(1, n_bytes);
}

static void release(void *block)
{
    memset(block, 0xdd, malloc_usable_size(block));
    free(block);
    n_live--;
}

static void give_to_real(void *context, void *block)
{
    fail_msg("%s", "all of it is ours");
}

static void check_shelf(const struct config_lifetime *lifetime_of_rows)
{
    const struct config_field rows = {"rows",
                                      offsetof(struct shelf, rows),
                                      8,
                                      {.kind = POINTEE_ELEMENTS,
                                       .element_size = 8,
                                       .count = {n_rows_steps, 1},
                                       .target = &row,
                                       .lifetime = *lifetime_of_rows}};
    const struct config_fields fields = {.fields = &rows, .n_fields = 1};
    const struct config_pointee pointee = {.kind = POINTEE_ELEMENTS,
                                           .element_size = sizeof(struct shelf),
                                           .fields = &fields,
                                           .lifetime = by_free_shelf};
    const struct freeing_call call = {"free_shelf", release, give_to_real, NULL, &pointee};
    struct shelf *shelf = make(sizeof(*shelf));

    *shelf = (struct shelf){2, 3, make(2 * sizeof(struct book *))};
    for (int i = 0; i < 2; i++) {
        shelf->rows[i] = make(3 * sizeof(struct book));
        for (int k = 0; k < 3; k++) {
            shelf->rows[i][k].title = make(8);
        }
    }
    if (lifetime_of_rows->kind == LIFETIME_FREED_BY) {
        assert_int_equal(
            handed_out_add(NULL, &rows.pointee.lifetime, &rows.pointee, shelf->rows, 2), 0);
    }
    assert_int_equal(handed_out_add(NULL, &by_free_shelf, &pointee, shelf, 1), 0);
    assert_true(freeing_release(&call, shelf));
    assert_int_equal(n_live, 0);
    assert_int_equal(handed_out_count(), 0);
}

static void test_rows_of_the_callers(void **state)
{
    check_shelf(&(const struct config_lifetime){.kind = LIFETIME_CALLER});
}

static void test_rows_that_are_known(void **state)
{
    check_shelf(&by_free_shelf);
}

static int begin(void **state)
{
    return handed_out_init();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_of_the_callers),
        cmocka_unit_test(test_rows_that_are_known),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
