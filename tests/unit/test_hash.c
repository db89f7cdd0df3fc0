// SPDX-License-Identifier: MIT
/*
 * What the hash of short keys does with those that programs have: counters, addresses, doubles of
 * few bits, multiples of powers of two, pairs. Under many seeds, since a hash that is good on the
 * average may be useless under one in a hundred: the bound holds for the worst of them.
 */
#include "unit.h"

#include "base/hash.h"
#include "draws.h"

#include <stdio.h>

#define N_KEYS  4096
#define N_SEEDS 200

struct key {
    uint64_t low, high;
};

static uint64_t random_state = 88172645463325252u;

static uint64_t draw(void)
{
    return draw_bits(&random_state) * 0x2545f4914f6cdd1du;
}

static uint64_t bits_of(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

/* ---- kinds of keys ----------------------------------------------------------------------------
 */

#define KIND(name, low_of, high_of)               \
    static struct key name(uint64_t i)            \
    {                                             \
        return (struct key){(low_of), (high_of)}; \
    }

KIND(counter, i, 0)
KIND(negative, 0 - i, 0)
KIND(every_64th, i * 64, 0)
KIND(address, 0x7f0000000000u + i * 4096, 0)
KIND(times_2_20, i << 20, 0)
KIND(times_2_40, i << 40, 0)
KIND(times_2_52, i << 52, 0)
KIND(whole_double, bits_of((double)i), 0)
KIND(half_double, bits_of((double)i / 2), 0)
KIND(tenth_double, bits_of((double)i / 10), 0)
KIND(double_from_1_to_2, bits_of(1 + (double)i / N_KEYS), 0)
KIND(two_halves, i / 64 | i % 64 << 32, 0)
KIND(grid, i % 64, i / 64)
KIND(grid_of_doubles, bits_of((double)(i % 64)), bits_of((double)(i / 64)))
KIND(twice_the_same, i, i)
KIND(twice_the_same_double, bits_of((double)i), bits_of((double)i))
KIND(opposites, i, 0 - i)
KIND(second_only, 0, i)
KIND(second_times_2_52, 0, i << 52)
KIND(before_ones, i, UINT64_MAX)
KIND(two_powers, UINT64_C(1) << i % 64 | UINT64_C(1) << i / 64, i)

static struct key (*const kinds[])(uint64_t) = {
    counter,     negative,        every_64th,         address,
    times_2_20,  times_2_40,      times_2_52,         whole_double,
    half_double, tenth_double,    double_from_1_to_2, two_halves,
    grid,        grid_of_doubles, twice_the_same,     twice_the_same_double,
    opposites,   second_only,     second_times_2_52,  before_ones,
    two_powers};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* ---- evenness ---------------------------------------------------------------------------------
 */

/* Chi-square of n counts of N_KEYS keys, over its degrees of freedom: 1, on the average. */
static double unevenness(const uint32_t *counts, uint32_t n)
{
    double expected = (double)N_KEYS / n, sum = 0;

    for (uint32_t i = 0; i < n; i++) {
        sum += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    return sum / (n - 1);
}

/* Bits of the upper half, from bit i on, as so many numbers. */
#define N_PLACES 512

static uint32_t top(uint64_t hash)
{
    return (uint32_t)(hash >> 32) / (UINT32_MAX / 373 + 1); /* no power of two */
}

static uint32_t middle(uint64_t hash)
{
    return (uint32_t)(hash >> 37) % N_PLACES;
}

static uint32_t tag(uint64_t hash)
{
    return (uint32_t)(hash >> 32) % 128;
}

static const struct {
    uint32_t (*choose)(uint64_t hash);
    uint32_t n;
    double bound; /* beyond what random numbers reach in so many trials */
} choices[] = {{top, 373, 1.5}, {middle, N_PLACES, 1.5}, {tag, 128, 6}};

static void test_upper_half_is_even(void **state)
{
    for (size_t kind = 0; kind < N_KINDS; kind++) {
        for (int i = 0; i < N_SEEDS; i++) {
            uint32_t counts[3][N_PLACES] = {{0}};
            struct hash_seeds seeds = hash_seeds(kind < 12 ? 8 : 16, draw());

            for (uint32_t k = 0; k < N_KEYS; k++) {
                struct key key = kinds[kind](k);
                uint64_t hash = hash_words(key.low, key.high, &seeds);

                for (size_t c = 0; c < 3; c++) {
                    counts[c][choices[c].choose(hash)]++;
                }
            }
            for (size_t c = 0; c < 3; c++) {
                double seen = unevenness(counts[c], choices[c].n);

                if (seen > choices[c].bound) {
                    fail_msg("kind %zu, choice %zu: %f", kind, c, seen);
                }
            }
        }
    }
}

/* Texts: numbers in decimal digits, behind a few that all have or before them. */
static void test_texts_are_even(void **state)
{
    static const char *const formats[] = {
        "%u",
        "x%uyyyyyyyyyyy",
        "/home/user/%u",
        "%04u/home/user/ab",
        "/usr/lib/file-%04u.c",
        "S\x11  /home/user/a%04u",
        "S\x12  /home/user/a%05u0",
        "S\x12  %03u/home/user/a%03u",
        "S!  https://example.org/path/%u/",
        "S!  https://example.org/%03u/path/of/a/file/%03u.html",
        ("S!  %u, and a text that is longer than sixty-four bytes, "
         "so that there are many words")};

    for (size_t format = 0; format < sizeof(formats) / sizeof(formats[0]); format++) {
        for (int i = 0; i < N_SEEDS; i++) {
            uint32_t counts[3][N_PLACES] = {{0}};
            uint64_t seed = draw();

            for (uint32_t k = 0; k < N_KEYS; k++) {
                char text[100] = {0};
                bool has_two = format == 7 || format == 9;
                size_t n = (size_t)snprintf(text, sizeof(text), formats[format],
                                            has_two ? k / 64 : k, k % 64);
                uint64_t hash = hash_bytes((struct bytes){text, n}, seed);

                for (size_t c = 0; c < 3; c++) {
                    counts[c][choices[c].choose(hash)]++;
                }
            }
            for (size_t c = 0; c < 3; c++) {
                double seen = unevenness(counts[c], choices[c].n);

                if (seen > choices[c].bound) {
                    fail_msg("format %zu, choice %zu: %f", format, c, seen);
                }
            }
        }
    }
}

/* The lower half of a key of three words depends on all of the third, too. */
static void test_third_word_chooses_shards(void **state)
{
    for (int shift = 0; shift < 64; shift += 8) {
        uint32_t n_bad = 0;

        for (int i = 0; i < N_SEEDS; i++) {
            uint64_t words[3] = {draw(), draw(), 0}, seed = draw();
            double counts[8] = {0}, sum = 0;

            for (uint32_t k = 0; k < 256; k++) {
                words[2] = (uint64_t)k << shift;
                counts[hash_three_words(words, 24, seed) >> 9 & 7]++;
            }
            for (int shard = 0; shard < 8; shard++) {
                sum += counts[shard] * counts[shard];
            }
            n_bad += 256.0 * 256 / sum < 4;
        }
        assert_in_range(n_bad, 0, N_SEEDS / 20);
    }
}

/* Shards: uneven now and then, but hardly ever so that half of them are left. */
static void test_lower_half_is_even_mostly(void **state)
{
    uint32_t n_bad = 0;

    for (size_t kind = 0; kind < N_KINDS; kind++) {
        for (int i = 0; i < N_SEEDS; i++) {
            struct hash_seeds seeds = hash_seeds(kind < 12 ? 8 : 16, draw());
            double counts[8] = {0}, sum = 0;

            for (uint32_t k = 0; k < N_KEYS; k++) {
                struct key key = kinds[kind](k);

                counts[hash_words(key.low, key.high, &seeds) >> 9 & 7]++;
            }
            for (int shard = 0; shard < 8; shard++) {
                sum += counts[shard] * counts[shard];
            }
            n_bad += (double)N_KEYS * N_KEYS / sum < 4;
        }
    }
    assert_in_range(n_bad, 0, N_KINDS * N_SEEDS / 500);
}

/* What is made of words is the hash of the bytes that they hold. */
static void test_words_are_bytes(void **state)
{
    for (size_t n_bytes = 1; n_bytes <= 32; n_bytes++) {
        uint64_t words[4] = {0}, seed = draw(), random[4] = {draw(), draw(), draw(), draw()}, hash;
        struct hash_seeds seeds = hash_seeds(n_bytes, seed);

        memcpy(words, random, n_bytes);
        hash = hash_bytes((struct bytes){words, n_bytes}, seed);
        if (n_bytes <= 16) {
            assert_true(hash_words(words[0], words[1], &seeds) == hash);
        }
        assert_true(hash == (n_bytes <= 24 ? hash_three_words(words, n_bytes, seed)
                                           : hash_four_words(words, n_bytes, seed)));
    }
}

/* The first eight bytes may lie elsewhere; what is in front of the others, or behind, is not read.
 */
static void test_long_keys_are_bytes(void **state)
{
    unsigned char key[HASH_LONG_BYTES], apart[HASH_LONG_BYTES + 40];

    for (size_t i = 0; i < sizeof(key); i++) {
        key[i] = (unsigned char)draw();
    }
    for (size_t n_bytes = 25; n_bytes <= HASH_LONG_BYTES; n_bytes++) {
        uint64_t seed = draw(), hash = hash_bytes((struct bytes){key, n_bytes}, seed);
        char *rest = (char *)apart + 8 + n_bytes % 16;

        memset(apart, (int)draw(), sizeof(apart));
        memcpy(rest, key + 8, n_bytes - 8);
        assert_true(hash_long(hash_load((const char *)key), rest, n_bytes, seed) == hash);
        for (size_t bit = 0; bit < 8 * n_bytes; bit += 5) {
            key[bit / 8] ^= (unsigned char)(1u << bit % 8);
            /* A shard is chosen by the lower half, a place by the upper one. */
            assert_true(hash_bytes((struct bytes){key, n_bytes}, seed) >> 32 != hash >> 32);
            assert_true((uint32_t)hash_bytes((struct bytes){key, n_bytes}, seed) != (uint32_t)hash);
            key[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
    }
}

/* Words that change places make another key, and so do pairs of them. */
static void test_the_order_of_words_counts(void **state)
{
    uint64_t words[8], other[8];

    for (int i = 0; i < N_SEEDS; i++) {
        uint64_t seed = draw();

        for (int k = 0; k < 8; k++) {
            words[k] = other[k] = draw();
        }
        for (int a = 0; a < 8; a++) {
            for (int b = 0; b < a; b++) {
                other[a] = words[b];
                other[b] = words[a];
                assert_true(hash_bytes((struct bytes){words, 64}, seed) !=
                            hash_bytes((struct bytes){other, 64}, seed));
                other[a] = words[a];
                other[b] = words[b];
            }
        }
        for (int a = 0; a < 8; a += 2) {
            for (int b = 0; b < a; b += 2) {
                memcpy(&other[a], &words[b], 16);
                memcpy(&other[b], &words[a], 16);
                assert_true(hash_bytes((struct bytes){words, 64}, seed) !=
                            hash_bytes((struct bytes){other, 64}, seed));
                memcpy(other, words, sizeof(other));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_upper_half_is_even),
        cmocka_unit_test(test_texts_are_even),
        cmocka_unit_test(test_third_word_chooses_shards),
        cmocka_unit_test(test_lower_half_is_even_mostly),
        cmocka_unit_test(test_words_are_bytes),
        cmocka_unit_test(test_long_keys_are_bytes),
        cmocka_unit_test(test_the_order_of_words_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
