// SPDX-License-Identifier: MIT
/*
 * The short way of a hit of functions of one text against the long one: one key whatever the way,
 * the length and the place, and the same calls answered by both.
 */
#include "quick_subject.h"

static int sum_of(const char *text)
{
    unsigned sum = 1;

    n_real++;
    for (; text != NULL && *text != '\0'; text++) {
        sum = sum * 31 + (unsigned char)*text;
    }
    return (int)sum;
}

static int nothing_of(const char *text)
{
    n_real++;
    return 0;
}

#define TEXT_ENTRY "{\"prototype\":\"int f(const char *s)\",\"args\":{\"s\":\"string\"}"

/* One plan: what one way stores the other finds, whatever the length, and wherever it lies. */
static void test_texts_have_one_key(void **state)
{
    struct call_plan *plan = make_plan("f", TEXT_ENTRY "}", (void *)sum_of);
    char room[100];

    assert_non_null(call_plan_quick(plan));
    random_state = 11;
    for (uint32_t length = 0; length <= 70; length++) {
        for (uint32_t i = 0; i < 2; i++) {
            char *text = room + draw(9);
            uint64_t before;

            memset(room, 'x', sizeof(room));
            for (uint32_t k = 0; k < length; k++) {
                text[k] = (char)(1 + draw(255));
            }
            text[length] = '\0';
            before = (uint64_t)n_real;
            assert_int_equal(i == 0 ? handle_text(plan, text) : call_text(plan, text),
                             i == 0 ? call_text(plan, text) : handle_text(plan, text));
            assert_in_range((uint64_t)n_real - before, 0, 1);
            before = (uint64_t)n_real;
            assert_int_equal(call_text(plan, text), handle_text(plan, text));
            assert_int_equal(n_real, before);
        }
    }
    assert_int_equal(call_text(plan, NULL), handle_text(plan, NULL));
}

static void compare_texts(int (*function)(const char *))
{
    static const char *const policies[] = {"lru", "sieve", "fifo", "direct"};

    for (size_t p = 0; p < sizeof(policies) / sizeof(policies[0]); p++) {
        struct call_plan *quick, *longer;
        char entry[300], text[80];

        snprintf(entry, sizeof(entry), TEXT_ENTRY ",\"policy\":\"%s\",\"max_entries\":64}",
                 policies[p]);
        make_both(entry, (void *)function, &quick, &longer);
        random_state = 7;
        for (int i = 0; i < N_CALLS; i++) {
            uint32_t k = draw(N_KEYS), length = k * 7 % 61;
            int before = n_real, by_quick, a, b;

            /* Many differ in one place only. */
            memset(text, 'a', length);
            text[length] = '\0';
            if (length > 0) {
                text[k % length] = (char)('b' + k % 3);
            }
            __libc_single_threaded = i / 1000 % 2 == 0;
            a = call_text(quick, text);
            by_quick = n_real - before;
            b = handle_text(longer, text);
            if (n_real - before - by_quick != by_quick || a != b) {
                fail_msg("%s: call %d of \"%s\"", policies[p], i, text);
            }
        }
        __libc_single_threaded = 1;
        expect_same_counts(quick, longer);
    }
}

static void test_texts_as_the_long_way(void **state)
{
    compare_texts(sum_of);
    compare_texts(nothing_of); /* nothing but the key tells these entries apart */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_texts_have_one_key, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_texts_as_the_long_way, call_setup, call_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
