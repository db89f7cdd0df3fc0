// SPDX-License-Identifier: MIT
/* base: the hash and MAC against published vectors, the arena's bounds, the lock under threads. */
#include "unit.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/demangle.h"
#include "base/environment.h"
#include "base/file_state.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/pattern.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first, second and last vectors of the reference implementation's vectors_sip128. */
static void test_siphash_reference_vectors(void **state)
{
    static const struct {
        size_t n_bytes;
        unsigned char mac[16];
    } vectors[] = {
        {0,
         {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02,
          0x93}},
        {1,
         {0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc,
          0x45}},
    };
    unsigned char message[64];
    struct hash_mac_key key;
    unsigned char key_bytes[16];

    for (unsigned i = 0; i < sizeof(message); i++) {
        message[i] = (unsigned char)i;
    }
    memcpy(key_bytes, message, 16);
    memcpy(&key, key_bytes, sizeof(key));
    for (unsigned i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct hash_mac mac = hash_mac((struct bytes){message, vectors[i].n_bytes}, &key);

        assert_memory_equal(mac.bytes, vectors[i].mac, 16);
    }
}

static void test_hash_depends_on_all_bytes_and_length(void **state)
{
    unsigned char key[40] = {0};

    for (size_t n_bytes = 0; n_bytes <= sizeof(key); n_bytes++) {
        uint64_t plain = hash_bytes((struct bytes){key, n_bytes}, 1);

        assert_true(plain == hash_bytes((struct bytes){key, n_bytes}, 1));
        assert_true(plain != hash_bytes((struct bytes){key, n_bytes}, 2));
        if (n_bytes > 0) {
            assert_true(plain != hash_bytes((struct bytes){key, n_bytes - 1}, 1));
        }
        for (size_t i = 0; i < n_bytes; i++) {
            key[i] = 1;
            assert_true(plain != hash_bytes((struct bytes){key, n_bytes}, 1));
            key[i] = 0;
        }
    }
}

static void test_arena_bounds(void **state)
{
    struct arena arena;
    size_t n_bytes = 0;
    char *block;

    arena_init(&arena, 256 * 1024);
    while ((block = arena_alloc(&arena, 1000)) != NULL) {
        assert_true((uintptr_t)block % 16 == 0);
        for (int i = 0; i < 1000; i++) {
            assert_int_equal(block[i], 0);
        }
        memset(block, 0xff, 1000);
        n_bytes += 1000;
    }
    assert_true(arena.total_bytes <= 256 * 1024);
    assert_true(n_bytes > 200 * 1024);
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 20));
    arena_fini(&arena);
    assert_int_equal(arena.total_bytes, 0);
    assert_string_equal(arena_copy_text(&arena, "text", 4), "text");
    arena_fini(&arena);
}

static struct lock counter_lock;
static uint64_t counter;

static void *count_up(void *unused)
{
    for (int i = 0; i < 100000; i++) {
        assert_true(lock_acquire(&counter_lock));
        counter++;
        lock_release(&counter_lock);
    }
    return NULL;
}

static void test_lock_excludes(void **state)
{
    pthread_t threads[4];

    lock_init(&counter_lock, LOCK_RANK_SHARD);
    counter = 0;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(counter, 400000);
    assert_false(lock_is_held(&counter_lock));
    assert_true(lock_try_acquire(&counter_lock));
    assert_false(lock_try_acquire(&counter_lock));
    lock_release(&counter_lock);
}

/* Takes the lock and ends without giving it back, as a cancelled thread does. */
static void *take_and_vanish(void *unused)
{
    assert_true(lock_acquire(&counter_lock));
    return NULL;
}

static void *expect_abandoned(void *unused)
{
    assert_false(lock_acquire(&counter_lock));
    return NULL;
}

static void test_lock_of_a_lost_holder_hangs_nobody(void **state)
{
    pthread_t thread, waiters[3];

    lock_init(&counter_lock, LOCK_RANK_SHARD);
    assert_int_equal(pthread_create(&thread, NULL, take_and_vanish, NULL), 0);
    pthread_join(thread, NULL);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&waiters[i], NULL, expect_abandoned, NULL), 0);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(waiters[i], NULL);
    }
    assert_int_equal(counter_lock.state, LOCK_ABANDONED);
    assert_false(lock_acquire(&counter_lock));
    assert_false(lock_try_acquire(&counter_lock));
    assert_true(lock_is_held(&counter_lock));
}

static void *hold_until_told(void *go)
{
    assert_true(lock_acquire(&counter_lock));
    atomic_store((_Atomic uint32_t *)go, 1);
    while (atomic_load((_Atomic uint32_t *)go) != 2) {
        sched_yield();
    }
    lock_release(&counter_lock);
    return NULL;
}

static void test_late_holder_makes_the_lock_good_again(void **state)
{
    _Atomic uint32_t go = 0;
    pthread_t thread;

    lock_init(&counter_lock, LOCK_RANK_SHARD);
    assert_int_equal(pthread_create(&thread, NULL, hold_until_told, (void *)&go), 0);
    while (atomic_load(&go) != 1) {
        sched_yield();
    }
    assert_false(lock_acquire(&counter_lock));
    atomic_store(&go, 2);
    pthread_join(thread, NULL);
    assert_true(lock_acquire(&counter_lock));
    lock_release(&counter_lock);
}

static void test_environment_matches_whole_names(void **state)
{
    char ab[] = "AB=1", a[] = "A=2", empty[] = "EMPTY=";
    char *const environment[] = {ab, a, empty, NULL};

    assert_string_equal(environment_get(environment, "A"), "2");
    assert_string_equal(environment_get(environment, "EMPTY"), "");
    assert_null(environment_get(environment, "B"));
    assert_null(environment_get(NULL, "A"));
}

static void test_cpp_names_are_readable(void **state)
{
    static const struct {
        const char *symbol, *readable;
    } names[] = {
        {"_ZN3geo4distEd", "geo::dist(double)"},
        {"_ZNKSt6vectorIiSaIiEE4sizeEv", "std::vector<int, std::allocator<int> >::size() const"},
        {"_Z1fPKc", "f(char const*)"},
        {"crypt_r", NULL},
        {"_Z", NULL},
        {"_Znothing", NULL},
        {"", NULL},
        {"_", NULL},
    };
    char room[100];

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *readable = demangle(names[i].symbol, room, sizeof(room));

        assert_int_equal(readable == NULL, names[i].readable == NULL);
        if (readable != NULL) {
            assert_string_equal(readable, names[i].readable);
        }
    }
    assert_string_equal(demangle("_ZN3geo4distEd", room, 9), "geo::dis");
    assert_string_equal(demangle("_ZN3geo4distEd", room, 1), "");
    assert_null(demangle("_ZN3geo4distEd", room, 0));
}

/* Each level names the one before twice: 2^30 of the innermost type, if nobody stopped. */
static void test_endless_cpp_name_is_cut(void **state)
{
    char symbol[DEMANGLE_MAX_NAME + 2] = "_Z1f1aIiE", room[1000], level[20];

    for (unsigned i = 0; i < 30; i++) {
        /* S0_ is a<int>, S1_ is a<S0_, S0_> ... */
        snprintf(level, sizeof(level), "S_IS%c_S%c_E", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i],
                 "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i]);
        strcat(symbol, level);
    }
    assert_non_null(demangle(symbol, room, sizeof(room)));
    assert_int_equal(strlen(room), sizeof(room) - 1);

    memset(symbol, 'P', sizeof(symbol) - 1);
    memcpy(symbol, "_Z1f", 4);
    symbol[sizeof(symbol) - 2] = 'c';
    symbol[sizeof(symbol) - 1] = '\0';
    assert_null(demangle(symbol, room, sizeof(room)));
    symbol[DEMANGLE_MAX_NAME - 1] = 'c';
    symbol[DEMANGLE_MAX_NAME] = '\0';
    assert_non_null(demangle(symbol, room, sizeof(room)));
    assert_int_equal(strlen(room), sizeof(room) - 1);
}

static void test_patterns(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        {"libssl.so.3", "libssl.so.3", true},
        {"libssl.so.3", "libssl.so.30", false},
        {"libssl.so.3", "libssl.so", false},
        {"libssl.so.*", "libssl.so.3", true},
        {"libssl.so.*", "libssl.so.", true},
        {"libssl.so.*", "libssl.so", false},
        {"*", "", true},
        {"*", "anything", true},
        {"**", "", true},
        {"?", "", false},
        {"?", "a", true},
        {"?", "ab", false},
        {"lib??.so", "libab.so", true},
        {"lib??.so", "liba.so", false},
        {"*.so", "a.so.so", true},
        {"*.so", "a.so.so.1", false},
        {"*a*b*", "xxaxxbxx", true},
        {"*a*b*", "xxbxxaxx", false},
        {"*aab", "aaaab", true},
        {"a*?b", "ab", false},
        {"a*?b", "acb", true},
        {"[ab]", "a", false},
        {"[ab]", "[ab]", true},
        {"*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
        {"", "", true},
        {"", "a", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (pattern_matches(cases[i].pattern, cases[i].text) != cases[i].matches) {
            fail_msg("%s against %s", cases[i].pattern, cases[i].text);
        }
    }
}

static bool is_settled(int64_t dated_s, long dated_ns, long modified_ns, int64_t now_s, long now_ns)
{
    const struct file_state file = {.changed = {.tv_sec = dated_s, .tv_nsec = dated_ns},
                                    .modified = {.tv_sec = dated_s - 5, .tv_nsec = modified_ns}};

    return file_state_is_settled(&file, (struct timespec){.tv_sec = now_s, .tv_nsec = now_ns});
}

/* A change within one step of a file system's dates leaves the date of the one before. */
static void test_files_are_settled_when_their_date_cannot_come_again(void **state)
{
    const struct file_state absent = {.error = 2};

    assert_true(file_state_is_settled(&absent, (struct timespec){0}));
    assert_false(is_settled(1000, 500000123, 7, 1000, 500000456));
    assert_true(is_settled(1000, 500000123, 7, 1000, 600000000));
    assert_false(is_settled(1000, 0, 0, 1000, 999999999)); /* whole seconds, two on FAT */
    assert_false(is_settled(1000, 0, 0, 1001, 999999999));
    assert_true(is_settled(1000, 0, 0, 1002, 100000000));
    assert_true(is_settled(1000, 500000123, 0, 1000, 600000000)); /* the content's date was set */
    assert_false(is_settled(1000, 30000000, 0, 1000, 39000000));  /* 10 ms on exFAT */
    assert_true(is_settled(1000, 30000000, 0, 1000, 99000000));
    assert_true(is_settled(2000, 1, 1, 1000, 0));
    assert_true(is_settled(INT64_MAX, 1, 1, -1000, 0));
    assert_true(is_settled(INT64_MIN + 5, 1, 1, 1000, 0));
}

#define LOOKS 101

static int compare_lags(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;

    return *left < *right ? -1 : *left > *right;
}

/* Half of the time at least, whatever else the machine does. */
static void test_the_coarse_clock_is_no_further_behind_than_is_said(void **state)
{
    const struct timespec pause = {0, 1700000};
    uint64_t lags[LOOKS];

    for (int i = 0; i < LOOKS; i++) {
        uint64_t precise_ns = clock_precise_ns(), coarse_ns = clock_coarse_ns();

        lags[i] = precise_ns > coarse_ns ? precise_ns - coarse_ns : 0;
        nanosleep(&pause, NULL);
    }
    qsort(lags, LOOKS, sizeof(lags[0]), compare_lags);
    assert_in_range(lags[LOOKS / 2], 0, clock_coarse_lag_ns());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_siphash_reference_vectors),
        cmocka_unit_test(test_hash_depends_on_all_bytes_and_length),
        cmocka_unit_test(test_arena_bounds),
        cmocka_unit_test(test_lock_excludes),
        cmocka_unit_test(test_lock_of_a_lost_holder_hangs_nobody),
        cmocka_unit_test(test_late_holder_makes_the_lock_good_again),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_the_coarse_clock_is_no_further_behind_than_is_said),
        cmocka_unit_test(test_files_are_settled_when_their_date_cannot_come_again),
        cmocka_unit_test(test_environment_matches_whole_names),
        cmocka_unit_test(test_cpp_names_are_readable),
        cmocka_unit_test(test_endless_cpp_name_is_cut),
    };

    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
