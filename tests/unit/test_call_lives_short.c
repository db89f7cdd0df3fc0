// SPDX-License-Identifier: MIT
/*
 * Misses of functions with lives, by the short way against the long one, on a driven clock: among
 * entries that have ended, of which each insert drops a few, and of functions whose failures have
 * an old answer take their place, which have no short misses.
 */
#include "call_short.h"

#include "cache/cache_private.h"
#include "call/call_private.h"

#define N_LIVING 300
#define N_ROUNDS 4000

static bool is_down;

static long number_or_not(long x)
{
    n_real++;
    return is_down ? -1 : x + 7;
}

static long number_of_many(long x, int a, int b, int c, int d)
{
    return number_or_not(x);
}

static const struct {
    const char *prototype;
    const char *args;
    void *real;
    bool in_registers;
} forms[] = {
    {"long f(long x)", "", (void *)number_or_not, true},
    {"long f(long x, int a, int b, int c, int d)",
     ",\"args\":{\"a\":\"ignore\",\"b\":\"ignore\",\"c\":\"ignore\",\"d\":\"ignore\"}",
     (void *)number_of_many, false},
};
#define N_FORMS (sizeof(forms) / sizeof(forms[0]))

static void make_two(size_t form, const char *more, struct call_plan **ret_short,
                     struct call_plan **ret_long)
{
    char entry[500];

    snprintf(entry, sizeof(entry), "{\"prototype\":\"%s\"%s,\"guard\":false,%s}",
             forms[form].prototype, forms[form].args, more);
    make_short_and_long("", entry, forms[form].real, forms[form].in_registers, ret_short, ret_long);
    is_down = false;
}

/* The same answer, computed by both or by neither. */
static long call_each(struct call_plan *by_short, struct call_plan *longer, long x, bool alone)
{
    int none = 0, before = n_real, n_short;
    const struct argument arguments[] = {ARGUMENT(x), ARGUMENT(none), ARGUMENT(none),
                                         ARGUMENT(none), ARGUMENT(none)};
    long seen, wanted;

    __libc_single_threaded = (char)alone;
    seen = (long)call_short(by_short, arguments).integer;
    n_short = n_real - before;
    wanted = (long)handle(longer, arguments);
    __libc_single_threaded = 1;
    assert_int_equal(seen, wanted);
    assert_int_equal(n_real - before - n_short, n_short);
    return seen;
}

/* More of them end at once than an insert drops: whoever is computed again is there only once. */
static void test_entries_that_have_ended(void **state)
{
    static const char *const lives[] = {
        "\"ttl\":\"60s\",\"max_entries\":1000",
        "\"ttl\":\"60s\",\"max_entries\":100",
        "\"ttl\":\"60s\",\"max_entries\":4096,\"policy\":\"direct\"",
        "\"ttl\":\"60s\",\"idle_ttl\":\"20s\",\"max_entries\":1000",
        ("\"ttl\":\"60s\",\"negative\":{\"if\":\"return == 12\",\"ttl\":\"5s\"},"
         "\"max_entries\":1000"),
        "\"ttl\":\"60s\",\"single_flight\":false,\"max_entries\":1000",
    };

    for (size_t i = 0; i < N_FORMS * sizeof(lives) / sizeof(lives[0]); i++) {
        for (int alone = 1; alone >= 0; alone--) {
            struct call_plan *by_short, *longer;

            make_two(i % N_FORMS, lives[i / N_FORMS], &by_short, &longer);
            for (int round = 0; round < N_ROUNDS; round++) {
                if (draw(N_LIVING) == 0) {
                    clock_now_ns += (uint64_t)draw(70) * SECOND;
                }
                call_each(by_short, longer, (long)draw(N_LIVING), alone);
                if (round % 100 == 0) {
                    expect_same_counts(by_short, longer);
                }
            }
            expect_same_counts(by_short, longer);
            assert_int_equal(cache_check(by_short->cache), 0);
        }
    }
}

static void test_old_answers_of_failures(void **state)
{
    for (size_t i = 0; i < N_FORMS; i++) {
        for (int alone = 1; alone >= 0; alone--) {
            struct call_plan *by_short, *longer;

            make_two(i,
                     "\"ttl\":\"60s\",\"unless\":\"return == -1\","
                     "\"stale_if_error\":{\"if\":\"return == -1\",\"for\":\"10m\"}",
                     &by_short, &longer);
            assert_int_equal(call_each(by_short, longer, 2, alone), 9);
            is_down = true;
            assert_int_equal(call_each(by_short, longer, 4, alone), -1);
            for (int n = 0; n < 3; n++) {
                clock_now_ns += 70ull * SECOND;
                assert_int_equal(call_each(by_short, longer, 2, alone), 9);
            }
            clock_now_ns += 600ull * SECOND;
            assert_int_equal(call_each(by_short, longer, 2, alone), -1);
            expect_same_counts(by_short, longer);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_entries_that_have_ended, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_old_answers_of_failures, call_setup, call_teardown),
    };

    return cmocka_run_group_tests_name("call_lives_short", tests, NULL, NULL);
}
