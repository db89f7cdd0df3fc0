// SPDX-License-Identifier: MIT
/*
 * Hashes of keys. hash_bytes finds a slot and nothing more: whole keys are always compared, so a
 * collision costs a comparison and never an answer. hash_mac is for keys that are declared secret:
 * there the digest is all that is kept, so it must not be possible to construct a collision.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/bytes.h"
#include <stdint.h>
#include <string.h>

/*
 * A seeded 64x64->128 multiply-fold and a multiplication for up to 16 bytes (2 ns), three folds for
 * up to 32, one for each 16 bytes and another up to HASH_LONG_BYTES, XXH3 above. Equal bytes and
 * seed give equal hashes within one process; the value means nothing to another one.
 *
 * All bits of the upper half depend on all of the key, whatever its shape. The lower half of short
 * keys is there sooner, but under one seed of a few hundred its bits are uneven for keys at equal
 * distances (counters, doubles of few bits): it is for choices that may come out uneven, as that of
 * a shard, and not for places in a table.
 */
uint64_t hash_bytes(struct bytes key, uint64_t seed);

/* Odd and with 32 bits set: wyhash's secret words. */
#define HASH_SECRET_0 0xa0761d6478bd642fu
#define HASH_SECRET_1 0xe7037ed1a0b428dbu
#define HASH_SECRET_2 0x8ebc6af09c88c6e3u
#define HASH_SECRET_3 0x589965cc75374cc3u
#define HASH_STEP     0x9e3779b97f4a7c15u /* 2^64 over the golden ratio */

static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
#if defined(__x86_64__)
    uint64_t folded, high;

    /* For two folds gcc saves registers that it then has no use for. */
    __asm__("mulq %3\n\txorq %1, %0" : "=a"(folded), "=d"(high) : "0"(a), "rm"(b) : "cc");
    return folded;
#else
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
#endif
}

/* What a hash of up to 24 bytes is made of, but for those bytes. */
struct hash_seeds {
    uint64_t low, high, factor;
    uint64_t third; /* of more than 16 */
};

/* factor, which is odd: constant for a number of bytes, whatever the seed. */
#define HASH_FACTOR_OF(n_bytes) (HASH_SECRET_2 ^ (uint64_t)(n_bytes) << 1)

static inline struct hash_seeds hash_seeds(size_t n_bytes, uint64_t seed)
{
    return (struct hash_seeds){seed ^ HASH_SECRET_0, seed ^ HASH_SECRET_1, HASH_FACTOR_OF(n_bytes),
                               seed ^ HASH_SECRET_3};
}

/* A hash in two halves, so that nobody who wants one waits for the other. */
struct hash_halves {
    uint32_t lower;
    uint64_t upper; /* the upper half, where it is in a hash; what is below it is anything */
};

static inline uint64_t hash_of_halves(struct hash_halves halves)
{
    return (halves.upper & ~(uint64_t)UINT32_MAX) | halves.lower;
}

/* One product leaves multiples of a number where they meet; the upper bits of a second do not. */
static inline struct hash_halves hash_spread(uint64_t first, uint64_t factor)
{
    return (struct hash_halves){(uint32_t)first, first * factor};
}

/* hash_bytes of so many bytes, which low and high hold, filled up with zeroes. */
static inline struct hash_halves hash_words_halves(uint64_t low, uint64_t high,
                                                   const struct hash_seeds *seeds)
{
    return hash_spread(hash_fold(low ^ seeds->low, high ^ seeds->high), seeds->factor);
}

static inline uint64_t hash_words(uint64_t low, uint64_t high, const struct hash_seeds *seeds)
{
    return hash_of_halves(hash_words_halves(low, high, seeds));
}

/*
 * hash_bytes of up to 24 bytes in three words, which may differ in number: a third of 0 adds
 * nothing. none: the seeds of no bytes; factor: HASH_FACTOR_OF of those that there are.
 */
static inline struct hash_halves hash_three_halves(const uint64_t words[3], uint64_t factor,
                                                   const struct hash_seeds *none)
{
    return hash_spread(hash_fold(words[0] ^ none->low, words[1] ^ none->high) ^
                           hash_fold(words[2], none->third),
                       factor);
}

static inline uint64_t hash_three_words(const uint64_t words[3], size_t n_bytes, uint64_t seed)
{
    const struct hash_seeds none = hash_seeds(0, seed);

    return hash_of_halves(hash_three_halves(words, HASH_FACTOR_OF(n_bytes), &none));
}

/* hash_bytes of 25 to 32 bytes, in four words, filled up with zeroes. */
static inline uint64_t hash_four_words(const uint64_t words[4], size_t n_bytes, uint64_t seed)
{
    uint64_t first = hash_fold(words[0] ^ seed ^ HASH_SECRET_0, words[1] ^ seed ^ HASH_SECRET_1);
    uint64_t second = hash_fold(words[2] ^ seed ^ HASH_SECRET_2, words[3] ^ seed ^ HASH_SECRET_3);

    return hash_fold(first ^ second ^ seed, HASH_SECRET_1 ^ n_bytes);
}

#define HASH_LONG_BYTES 256

static inline uint64_t hash_load(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

/* Of n_bytes, at least eight, up to end those behind the last whole word, or that: a word, filled
 * up with zeroes. */
static inline uint64_t hash_last_word(const char *end, size_t n_bytes)
{
    return hash_load(end - 8) >> 8 * (-n_bytes & 7);
}

/*
 * hash_bytes of 25 to HASH_LONG_BYTES bytes, of which the first eight need not lie in front of the
 * others. As hash_four_words: each pair of words is folded under secrets of its own, and the folds
 * do not wait for each other.
 */
static inline uint64_t hash_long(uint64_t first, const char *rest, size_t n_bytes, uint64_t seed)
{
    const char *at = rest + 8, *end = rest + n_bytes - 8;
    uint64_t secret = seed ^ HASH_SECRET_2, other = seed ^ HASH_SECRET_3;
    uint64_t folded =
        hash_fold(first ^ seed ^ HASH_SECRET_0, hash_load(rest) ^ seed ^ HASH_SECRET_1);
    uint64_t last = hash_last_word(end, n_bytes);

    for (; end - at > 16; at += 16) {
        folded ^= hash_fold(hash_load(at) ^ secret, hash_load(at + 8) ^ other);
        secret += HASH_STEP;
        other += HASH_STEP;
    }
    if (end - at > 8) {
        folded ^= hash_fold(hash_load(at) ^ secret, last ^ other);
    } else {
        folded ^= hash_fold(last ^ secret, other);
    }
    return hash_fold(folded ^ seed, HASH_SECRET_1 ^ n_bytes);
}

struct hash_mac_key {
    uint64_t k0, k1;
};

struct hash_mac {
    unsigned char bytes[16];
};

/* SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, 2012; reference test vectors). */
struct hash_mac hash_mac(struct bytes message, const struct hash_mac_key *key);

/* Fills n_bytes from the kernel's generator; 0 or -errno. Never blocks for long after boot. */
int random_bytes(void *ret_bytes, size_t n_bytes);

#endif
