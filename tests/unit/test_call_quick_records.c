// SPDX-License-Identifier: MIT
/*
 * What the short way of a miss leaves in the cache. Where bytes run out before entries do: two
 * plans of one configuration get the same calls, one through its quick code, the other through
 * call_handle; both evict the same, and neither holds more than it may. And errno and memory, which
 * hits give back.
 */
#include "quick_subject.h"

#include "call/call_private.h"

#include <errno.h>
#include <sys/single_threaded.h>

/* A cache of bytes: what a text takes differs from text to text. */
static size_t length(const char *text)
{
    n_real++;
    return strlen(text);
}

static uint64_t call_length(struct call_plan *one, const char *text, bool is_quick)
{
    void *arguments[] = {&text};
    uint64_t result = 0;

    if (is_quick) {
        return ((struct abi_both(*)(const char *, struct call_plan *))call_plan_quick(one))(text,
                                                                                            one)
            .integer;
    }
    call_handle(one, &result, arguments);
    return result;
}

/* How many were evicted. */
static uint64_t compare_in_few_bytes(const char *policy, uint64_t max_bytes)
{
    struct call_plan *plans[2];
    struct stats_function reads[2];
    char entry[300], text[64];

    snprintf(entry, sizeof(entry),
             "{\"prototype\":\"size_t f(const char *s)\",\"args\":{\"s\":\"string\"},"
             "\"max_bytes\":%d,\"max_entries\":20,\"policy\":\"%s\",\"shards\":1}",
             (int)max_bytes, policy);
    for (int way = 0; way < 2; way++) {
        plans[way] = make_plan("f", entry, (void *)length);
        random_state = 88172645463325252u;
        for (int i = 0; i < 5000; i++) {
            uint32_t k = draw(40);

            memset(text, 'a' + (int)k % 26, k);
            text[k] = '\0';
            __libc_single_threaded = i / 100 % 5 != 0;
            assert_int_equal(call_length(plans[way], text, way == 0), k);
        }
        __libc_single_threaded = 1;
        assert_int_equal(cache_check(plans[way]->cache), 0);
        call_plan_read(plans[way], &reads[way]);
        assert_in_range(reads[way].bytes, 0, max_bytes);
    }
    for (enum stats_counter i = 0; i < STATS_COUNTER_COUNT; i++) {
        uint64_t quick = stats_counted(reads[0].counters, i);

        if (quick != stats_counted(reads[1].counters, i)) {
            fail_msg("%s: of counter %d the short way has %d", policy, i, (int)quick);
        }
    }
    assert_int_equal(reads[0].evictions, reads[1].evictions);
    assert_int_equal(reads[0].bytes, reads[1].bytes);
    return reads[0].evictions;
}

static void test_texts_in_few_bytes(void **state)
{
    static const char *const policies[] = {"lru", "sieve", "s3-fifo", "direct", "lfu", "fifo"};

    for (size_t p = 0; p < sizeof(policies) / sizeof(policies[0]); p++) {
        uint64_t n_evicted = 0;

        assert_in_range(compare_in_few_bytes(policies[p], 2000), 1000, 5000);
        for (uint64_t max_bytes = 80; max_bytes <= 140; max_bytes += 20) {
            n_evicted += compare_in_few_bytes(policies[p], max_bytes); /* not all texts fit */
        }
        assert_in_range(n_evicted, 1000, 20000);
    }
}

/* ---- errno and memory that are remembered ---------------------------------------------------- */

static int split(int x, int *half, long unused, int *rest)
{
    n_real++;
    if (x < 0) {
        errno = ERANGE;
    }
    if (half != NULL) {
        *half = x / 2;
    }
    if (rest != NULL) {
        *rest = x % 2;
    }
    return -x;
}

#define SPLIT_ENTRY                                                              \
    "{\"prototype\":\"int f(int x, int *half, long unused, int *rest)\","        \
    "\"errno\":true,\"args\":{\"half\":{\"out\":\"int\"},\"unused\":\"ignore\"," \
    "\"rest\":{\"out\":\"int\"}}}"

static void call_split(struct call_plan *plan, int x, int *half, int *rest)
{
    struct abi_words words = {
        .integers = {(uint64_t)x | (uint64_t)0xdead << 32, (uintptr_t)half, 0, (uintptr_t)rest}};

    assert_true((int64_t)call_plan_words(plan)(plan, &words).integer == -x);
    assert_int_equal(memoshim_guard, 0);
}

static void test_what_is_written(void **state)
{
    for (int alone = 1; alone >= 0; alone--) {
        struct call_plan *plan = make_plan("f", SPLIT_ENTRY, (void *)split);
        int half, rest;

        assert_non_null(call_plan_words(plan));
        assert_true(plan->quick.may_compute);
        n_real = 0;
        __libc_single_threaded = (char)alone;
        for (int x = -5; x <= 5; x++) {
            for (int i = 0; i < 3; i++) {
                half = rest = 77;
                errno = ENOTTY;
                call_split(plan, x, &half, &rest);
                assert_int_equal(half, x / 2);
                assert_int_equal(rest, x % 2);
                assert_int_equal(errno, x < 0 ? ERANGE : ENOTTY);
                assert_int_equal(n_real, x + 6);
            }
        }
        call_split(plan, 7, &half, NULL); /* and over one another: other keys */
        call_split(plan, 7, NULL, &rest);
        call_split(plan, 7, &half, &half);
        call_split(plan, 7, &half, &rest);
        call_split(plan, 7, &half, NULL);
        call_split(plan, 7, &half, &half);
        __libc_single_threaded = 1;
        expect_counts(plan, 33 + 6, 11 + 4, 11 + 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_texts_in_few_bytes, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_written, call_setup, call_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
