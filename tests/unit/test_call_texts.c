// SPDX-License-Identifier: MIT
/*
 * Functions with texts among their parameters: the short way against the long one, with threads and
 * without, with lives, under each kind of policy; texts wherever they end, in place of others, and
 * while other threads fill the cache and take from it.
 */
#include "quick_subject.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *const policies[] = {"lru", "sieve", "mru", "fifo", "direct"};

/* ---- functions ------------------------------------------------------------------------------- */

static uint32_t add(uint32_t sum, const char *text)
{
    sum = sum * 31 + (text == NULL ? 7 : 1);
    for (; text != NULL && *text != '\0'; text++) {
        sum = sum * 31 + (unsigned char)*text;
    }
    return sum;
}

static int of_two(const char *a, const char *b)
{
    __atomic_fetch_add(&n_real, 1, __ATOMIC_RELAXED);
    return (int)add(add(1, a), b);
}

static int of_one(const char *a)
{
    __atomic_fetch_add(&n_real, 1, __ATOMIC_RELAXED);
    return (int)add(1, a);
}

static short among(signed char x, const char *a, double y, const char *ignored, long z)
{
    n_real++;
    return (short)(add((uint32_t)x, a) + (uint32_t)(int)(y * 8) + (uint32_t)z * 3);
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* The integers and vectors of a call, as a caller leaves them. */
static uint64_t call_words(struct call_plan *plan, const uint64_t *integers, double vector)
{
    struct abi_words words;
    struct abi_both both;

    memset(&words, (int)draw(256), sizeof(words));
    memcpy(words.integers, integers, 4 * sizeof(*integers));
    memcpy(words.vectors, &vector, sizeof(vector));
    both = call_plan_words(plan)(plan, &words);
    assert_int_equal(memoshim_guard, 0);
    return both.integer;
}

static int call_two(struct call_plan *plan, const char *a, const char *b)
{
    uint64_t integers[] = {(uintptr_t)a, (uintptr_t)b, 0, 0};

    return (int)call_words(plan, integers, 0);
}

static int handle_two(struct call_plan *plan, const char *a, const char *b)
{
    void *arguments[] = {&a, &b};
    uint64_t result = 0;

    call_handle(plan, &result, arguments);
    return (int)result;
}

#define TWO_ENTRY                                             \
    "{\"prototype\":\"int f(const char *a, const char *b)\"," \
    "\"args\":{\"a\":\"string\",\"b\":\"string\"}"

/* What number k of some texts is: NULL, empty, short, long, too long; many are alike. */
static const char *text_of(uint32_t k, char room[400])
{
    static const uint32_t lengths[] = {0, 1, 3, 4, 7, 8, 15, 16, 18, 19, 20, 21, 33, 60, 100, 300};
    uint32_t length = lengths[k % 16];

    if (k % 17 == 16) {
        return NULL;
    }
    memset(room, 'a', length);
    room[length] = '\0';
    if (length > 0 && k % 3 != 0) {
        room[k % 3 == 1 ? length - 1 : 0] = (char)(0x80 + k % 64);
    }
    return room;
}

static void test_two_texts_as_the_long_way(void **state)
{
    static const char *const lives[] = {"", ",\"ttl\":\"3s\"", ",\"idle_ttl\":\"700ms\""};

    for (size_t p = 0; p < sizeof(policies) / sizeof(policies[0]); p++) {
        for (size_t l = 0; l < sizeof(lives) / sizeof(lives[0]); l++) {
            struct call_plan *words, *longer;
            char entry[400], first[400], second[400];
            int n_hits = 0;

            snprintf(entry, sizeof(entry), TWO_ENTRY ",\"policy\":\"%s\",\"max_entries\":64%s}",
                     policies[p], lives[l]);
            words = make_plan("f", entry, (void *)of_two);
            longer = make_plan("f", entry, (void *)of_two);
            assert_non_null(call_plan_words(words));
            random_state = 5;
            for (int i = 0; i < N_CALLS / 2; i++) {
                uint32_t k = draw(N_KEYS);
                const char *a = text_of(k, first), *b = text_of(k % 7 * 31, second);
                int before = n_real, by_words, seen, wanted;

                __libc_single_threaded = i / 500 % 2 == 0;
                clock_now_ns += draw(40) * 1000000ull;
                seen = call_two(words, a, b);
                by_words = n_real - before;
                wanted = handle_two(longer, a, b);
                if (n_real - before - by_words != by_words || seen != wanted) {
                    fail_msg("%s: call %d: %d real calls; %d and %d", entry, i, by_words, seen,
                             wanted);
                }
                n_hits += by_words == 0;
            }
            __libc_single_threaded = 1;
            assert_in_range(n_hits, N_CALLS / 20, N_CALLS / 2 - N_KEYS);
            expect_same_counts(words, longer);
        }
    }
}

/* What is no key by the bound on bytes is none by any way. */
static void test_keys_beyond_the_bytes(void **state)
{
    static const unsigned bounds[] = {10, 29};
    char text[30];

    memset(text, 'a', sizeof(text));
    text[22] = '\0';
    for (int i = 0; i < 2; i++) {
        struct stats_function read;
        struct call_plan *plan;
        char entry[300];

        snprintf(entry, sizeof(entry), TWO_ENTRY ",\"max_bytes\":%u}", bounds[i]);
        plan = make_plan("f", entry, (void *)of_two);
        if (call_plan_words(plan) != NULL) {
            call_two(plan, text, text + 22);
        } else {
            handle_two(plan, text, text + 22);
        }
        call_plan_read(plan, &read);
        assert_int_equal(stats_counted(read.counters, STATS_misses), 0);
        assert_int_equal(stats_counted(read.counters, STATS_bypasses), 1);
    }
}

/* "ab", "c" is not "a", "bc"; and whatever way comes first, the other finds what it left. */
static void test_parts_stay_apart(void **state)
{
    static const char *const texts[] = {NULL, "",  "N", "a",   "ab", "abc",
                                        "bc", "c", "S", "S\1", "\1"};
    const uint32_t n = sizeof(texts) / sizeof(texts[0]);

    for (int threads = 0; threads < 2; threads++) {
        struct call_plan *plan = make_plan("f", TWO_ENTRY ",\"policy\":\"sieve\"}", (void *)of_two);

        n_real = 0;
        __libc_single_threaded = (char)!threads;
        for (int round = 0; round < 3; round++) {
            for (uint32_t i = 0; i < n * n; i++) {
                const char *a = texts[i / n], *b = texts[i % n];
                int seen =
                    (i + (uint32_t)round) % 2 == 0 ? call_two(plan, a, b) : handle_two(plan, a, b);

                assert_int_equal(seen, (int)add(add(1, a), b));
            }
        }
        __libc_single_threaded = 1;
        expect_counts(plan, 3 * n * n, n * n, (int)(n * n));
    }
}

static void test_text_among_scalars(void **state)
{
    static const char entry[] =
        "{\"prototype\":\"short f(signed char x, const char *a, double y, const char *i, long z)\","
        "\"args\":{\"a\":\"string\",\"i\":\"ignore\"},\"policy\":\"sieve\",\"max_entries\":500}";

    for (int threads = 0; threads < 2; threads++) {
        struct call_plan *plan = make_plan("f", entry, (void *)among);
        char room[400];

        assert_non_null(call_plan_words(plan));
        n_real = 0;
        __libc_single_threaded = (char)!threads;
        for (uint32_t i = 0; i < 4 * 192; i++) {
            uint32_t k = i % 192;
            signed char x = (signed char)(k % 2 == 0 ? -3 : 3);
            const char *a = k / 2 % 2 == 0 ? "abc" : text_of(14, room);
            double y = k / 4 % 4 - 0.5;
            long z = (long)(k / 16) << (k % 3 * 20);
            /* Bytes that are of no argument are anything; callers widen a small one to an int. */
            uint64_t integers[] = {(uint64_t)draw(UINT32_MAX) << 32 | (uint32_t)(int)x,
                                   (uintptr_t)a, draw(UINT32_MAX), (uint64_t)z};

            /* k is in the key but for k % 3 of z's shift, which k / 16 and k tell apart. */
            assert_int_equal(
                (short)call_words(plan, integers, y),
                (short)(add((uint32_t)x, a) + (uint32_t)(int)(y * 8) + (uint32_t)z * 3));
        }
        __libc_single_threaded = 1;
        assert_in_range(n_real, 100, 192);
    }
}

/* ---- where texts lie ------------------------------------------------------------------------- */

static int call_wide(struct call_plan *plan, const char *text)
{
    uint64_t integers[] = {(uintptr_t)text, 0, 0, 0};

    return (int)call_words(plan, integers, 0);
}

#define ONE_ENTRY \
    "{\"prototype\":\"int f(const char *a)\",\"args\":{\"a\":\"string\"},\"guard\":false"

/*
 * Each length at each place before a page that cannot be read, and behind another, whatever lies
 * between the text and that page; and no byte of what lies there is in the key.
 */
static void test_every_place_in_a_page(void **state)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct call_plan *one = make_plan("f", ONE_ENTRY "}", (void *)of_one);
    struct call_plan *wide = make_plan("f", ONE_ENTRY ",\"ttl\":\"9h\"}", (void *)of_one);
    int n_lengths = 0;

    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
    for (size_t length = 0; length <= 64; length++) {
        char wanted[65];

        for (size_t k = 0; k < length; k++) {
            wanted[k] = (char)(1 + draw(255));
        }
        wanted[length] = '\0';
        n_lengths++;
        for (size_t spare = 0; spare <= 64; spare++) {
            for (uint32_t at_start = 0; at_start < 2; at_start++) {
                char *text = at_start ? pages + spare : pages + page - 1 - length - spare;
                size_t from = at_start ? 0 : page - 256;

                for (size_t k = from; k < from + 256; k++) {
                    pages[k] = (char)draw(spare % 2 == 0 ? 256 : 2); /* some are 0 */
                }
                memcpy(text, wanted, length + 1);
                __libc_single_threaded = (char)(spare % 3 != 0);
                assert_int_equal(call_text(one, text), (int)add(1, wanted));
                assert_int_equal(handle_text(one, text), (int)add(1, wanted));
                assert_int_equal(call_wide(wide, text), (int)add(1, wanted));
                assert_int_equal(n_real, 2 * n_lengths);
            }
        }
    }
    __libc_single_threaded = 1;
    munmap(pages, 2 * page);
}

/* The memory is the same, what is in it is not: after the text, in it, and where it ends. */
static void test_texts_change_in_place(void **state)
{
    struct call_plan *one = make_plan("f", ONE_ENTRY "}", (void *)of_one);
    struct call_plan *wide = make_plan("f", ONE_ENTRY ",\"ttl\":\"9h\"}", (void *)of_one);
    _Alignas(64) char room[64] = {0};
    char *text = room + 5;
    int n = 0;

    for (size_t length = 0; length < 40; length++) {
        memset(text, 'x', 50);
        text[length] = '\0';
        for (size_t k = 0; k <= length; k++) {
            /* A byte of the text is another one, then the old one again. */
            if (k < length) {
                text[k] = 'X';
            }
            n++;
            for (int i = 0; i < 2; i++) {
                text[length + 1] = (char)('a' + k % 20 + (size_t)i); /* which is behind it */
                assert_int_equal(call_text(one, text), (int)add(1, text));
                assert_int_equal(call_wide(wide, text), (int)add(1, text));
                assert_int_equal(n_real, 2 * n);
            }
            if (k < length) {
                text[k] = 'x';
            }
        }
    }
}

/* Nothing is read behind the end; the answers are the same. */
static void test_nothing_is_read_ahead(void **state)
{
    struct call_plan *plan;
    char room[64];

    marshal_read_nothing_ahead();
    assert_int_equal(marshal_ahead_offsets(), 0);
    plan = make_plan("f", ONE_ENTRY "}", (void *)of_one);
    for (int round = 0; round < 2; round++) {
        for (uint32_t length = 0; length < 60; length++) {
            memset(room, 'y', length);
            room[length] = '\0';
            assert_int_equal(call_text(plan, room), (int)add(1, room));
        }
    }
    expect_counts(plan, 120, 60, 60);
}

/* ---- with threads ---------------------------------------------------------------------------- */

#define N_THREADS 3

static struct call_plan *shared_plan;

static void *keep_calling(void *which)
{
    uint64_t random = 88172645463325252u + (uintptr_t)which;

    for (int i = 0; i < N_CALLS / 2; i++) {
        struct abi_words words = {.integers = {0}};
        char first[400], second[400];
        const char *a, *b;
        uint32_t k;

        k = (uint32_t)(draw_bits(&random) >> 33) % (2 * N_KEYS);
        a = text_of(k, first);
        b = text_of(k / 7, second);
        words.integers[0] = (uintptr_t)a;
        words.integers[1] = (uintptr_t)b;
        if ((int)call_plan_words(shared_plan)(shared_plan, &words).integer !=
            (int)add(add(1, a), b)) {
            return (void *)"another answer";
        }
    }
    return NULL;
}

static void test_threads(void **state)
{
    for (size_t p = 0; p < sizeof(policies) / sizeof(policies[0]); p++) {
        pthread_t threads[N_THREADS];
        struct stats_function read;
        char entry[400];

        snprintf(entry, sizeof(entry), TWO_ENTRY ",\"policy\":\"%s\",\"max_entries\":64}",
                 policies[p]);
        shared_plan = make_plan("f", entry, (void *)of_two);
        n_real = 0;
        for (size_t i = 0; i < N_THREADS; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, keep_calling, (void *)(i + 1)), 0);
        }
        for (size_t i = 0; i < N_THREADS; i++) {
            void *why;

            pthread_join(threads[i], &why);
            if (why != NULL) {
                fail_msg("%s: %s", policies[p], (const char *)why);
            }
        }
        call_plan_read(shared_plan, &read);
        assert_int_equal(stats_calls(read.counters), N_THREADS * (N_CALLS / 2));
        assert_in_range(stats_counted(read.counters, STATS_hits), N_CALLS / 20,
                        N_THREADS * (N_CALLS / 2) - n_real);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_two_texts_as_the_long_way, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_keys_beyond_the_bytes, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_parts_stay_apart, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_text_among_scalars, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_every_place_in_a_page, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_texts_change_in_place, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_threads, call_setup, call_teardown),
        /* For the rest of the process. */
        cmocka_unit_test_setup_teardown(test_nothing_is_read_ahead, call_setup, call_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
