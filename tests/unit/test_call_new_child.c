// SPDX-License-Identifier: MIT
/*
 * In a forked child the house is put in order before anything is answered: each short way of a hit,
 * of whatever kind, leaves the first call there to call_handle, and takes those behind it. And
 * before anything is told, where it is the real function that forked.
 */
#include "call_short.h"

#include "base/fork_page.h"
#include "call/call_private.h"

#define N_ROUNDS 40

static unsigned n_children;

static void note_child(void)
{
    n_children++;
    fork_page_settle();
}

static bool forks; /* the real function does, and begins threads in the child */

/* As the kernel leaves the page in a child. */
static void become_child(void)
{
    atomic_store(&fork_page_word[FORK_PAGE_LIMIT], 0);
    atomic_store(&fork_page_word[0], FORK_PAGE_NEW);
}

static void note_real(void)
{
    n_real++;
    if (forks) {
        become_child();
        __libc_single_threaded = 0;
    }
}

static double of_double(double x)
{
    note_real();
    return x / 3;
}

static double of_double_out(double x, int *out)
{
    note_real();
    *out = 7;
    return x / 3;
}

static int of_ints(int a, int b, int c)
{
    note_real();
    return a + b + c;
}

static long of_many(long a, int b, int c, int d, int e)
{
    note_real();
    return a + b + c + d + e;
}

static int of_text(const char *text)
{
    note_real();
    return text[0];
}

static struct pair {
    long a, b;
} pair;

static struct pair *of_id(long id)
{
    note_real();
    pair = (struct pair){id, 2 * id};
    return &pair;
}

static double x = 2.5;
static int numbers[] = {3, 4, 5, 6}, out;
static int *to_out = &out;
static long first = 9;
static long id = 77;
static const char *word = "a word", *text = "a text that is too long for the shortest way of all";

static const struct kind {
    const char *entry;
    void *function;
    struct argument arguments[5];
} kinds[] = {
    {"\"prototype\":\"double f(double x)\"", (void *)of_double, {ARGUMENT(x)}},
    {"\"prototype\":\"double f(double x)\",\"ttl\":\"9s\"", (void *)of_double, {ARGUMENT(x)}},
    {"\"prototype\":\"double f(double x, int *p)\",\"args\":{\"p\":{\"out\":\"int\"}}",
     (void *)of_double_out,
     {ARGUMENT(x), ARGUMENT(to_out)}},
    {"\"prototype\":\"int f(int a, int b, int c)\"",
     (void *)of_ints,
     {ARGUMENT(numbers[0]), ARGUMENT(numbers[1]), ARGUMENT(numbers[2])}},
    {"\"prototype\":\"long f(long a, int b, int c, int d, int e)\"",
     (void *)of_many,
     {ARGUMENT(first), ARGUMENT(numbers[0]), ARGUMENT(numbers[1]), ARGUMENT(numbers[2]),
      ARGUMENT(numbers[3])}},
    {"\"prototype\":\"int f(const char *s)\",\"args\":{\"s\":\"string\"}",
     (void *)of_text,
     {ARGUMENT(word)}},
    {"\"prototype\":\"int f(const char *s)\",\"args\":{\"s\":\"string\"}",
     (void *)of_text,
     {ARGUMENT(text)}},
    {"\"prototype\":\"struct pair *f(long id)\",\"returns\":{\"out\":\"struct pair\","
     "\"lifetime\":\"static\"},\"key_also\":[\"env:WHERE\"]",
     (void *)of_id,
     {ARGUMENT(id)}},
};

static void expect_order_first(const struct kind *kind, const char *policy)
{
    struct call_plan *plan;
    char entry[400];

    snprintf(entry, sizeof(entry), "{%s,\"policy\":\"%s\",\"guard\":false}", kind->entry, policy);
    plan = make_typed_plan("struct pair { long a, b; };", "f", entry, kind->function);
    assert_true(call_plan_quick(plan) != NULL || call_plan_words(plan) != NULL);
    n_real = 0;
    n_children = 0;
    for (unsigned i = 0; i < N_ROUNDS; i++) {
        call_short(plan, kind->arguments);
        call_short(plan, kind->arguments);
        assert_int_equal(n_children, i);
        become_child();
        call_short(plan, kind->arguments);
        assert_int_equal(n_children, i + 1);
    }
    assert_int_equal(n_real, 1);
}

/* The first of them would do it at its first call, and this one tell meanwhile what it computed. */
static void expect_order_on_return(const struct kind *kind, const char *policy, char alone)
{
    struct call_plan *plan;
    char entry[400];

    snprintf(entry, sizeof(entry), "{%s,\"policy\":\"%s\",\"guard\":false}", kind->entry, policy);
    plan = make_typed_plan("struct pair { long a, b; };", "f", entry, kind->function);
    __libc_single_threaded = alone;
    n_real = 0;
    n_children = 0;
    forks = true;
    call_short(plan, kind->arguments);
    forks = false;
    assert_int_equal(n_children, 1);
    assert_false(fork_page_is_new_child());
    call_short(plan, kind->arguments);
    assert_int_equal(n_children, 1);
    assert_int_equal(n_real, 1);
}

static void test_the_house_is_in_order_before_a_result_is_told(void **state)
{
    call_init(&(struct call_hooks){.new_child = note_child});
    random_state = 3;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        for (char alone = 0; alone < 2; alone++) {
            expect_order_on_return(&kinds[k], "lru", alone);
            expect_order_on_return(&kinds[k], "sieve", alone);
        }
    }
    __libc_single_threaded = 1;
    call_init(&(struct call_hooks){0});
}

static void test_first_the_house_is_put_in_order(void **state)
{
    static const char *const policies[] = {"lru", "sieve", "fifo", "direct"};

    call_init(&(struct call_hooks){.new_child = note_child});
    random_state = 3;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        for (size_t p = 0; p < sizeof(policies) / sizeof(policies[0]); p++) {
            for (char alone = 0; alone < 2; alone++) {
                __libc_single_threaded = alone;
                expect_order_first(&kinds[k], policies[p]);
            }
        }
    }
    __libc_single_threaded = 1;
    call_init(&(struct call_hooks){0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_first_the_house_is_put_in_order, call_setup,
                                        call_teardown),
        cmocka_unit_test_setup_teardown(test_the_house_is_in_order_before_a_result_is_told,
                                        call_setup, call_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
