// SPDX-License-Identifier: MIT
/*
 * The fold multiplies the two seeded halves of a key and adds the high and low words of the
 * product (the "mum" of M. Makarov's mum-hash and of wyhash). Both halves
 * are mixed with the seed, so a key whose half equals a public constant cannot zero the product.
 */
#include "base/hash.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static uint64_t load_tail(const unsigned char *at, size_t n_bytes)
{
    uint64_t word = 0;

    memcpy(&word, at, n_bytes);
    return word;
}

uint64_t hash_bytes(struct bytes key, uint64_t seed)
{
    const unsigned char *at = key.data;
    struct hash_seeds seeds;
    uint64_t low, high;

    if (key.n_bytes > HASH_LONG_BYTES) {
        return XXH3_64bits_withSeed(key.data, key.n_bytes, seed);
    }
    if (key.n_bytes > 24) {
        return hash_long(hash_load(key.data), (const char *)key.data + 8, key.n_bytes, seed);
    }
    if (key.n_bytes > 16) {
        uint64_t words[3] = {0};

        memcpy(words, key.data, 16);
        words[2] = hash_last_word((const char *)key.data + key.n_bytes, key.n_bytes);
        return hash_three_words(words, key.n_bytes, seed);
    }
    if (key.n_bytes == 8) {
        memcpy(&low, at, 8);
        high = 0;
    } else if (key.n_bytes > 8) {
        memcpy(&low, at, 8);
        high = load_tail(at + 8, key.n_bytes - 8);
    } else {
        low = key.n_bytes == 0 ? 0 : load_tail(at, key.n_bytes);
        high = 0;
    }
    seeds = hash_seeds(key.n_bytes, seed);
    return hash_words(low, high, &seeds);
}

int random_bytes(void *ret_bytes, size_t n_bytes)
{
    unsigned char *at = ret_bytes;
    int saved_errno = errno;
    int result = 0;

    while (n_bytes > 0) {
        long n_read = syscall(SYS_getrandom, at, n_bytes, 0);

        if (n_read > 0) {
            at += n_read;
            n_bytes -= (size_t)n_read;
        } else if (errno != EINTR) {
            result = -errno;
            break;
        }
    }
    errno = saved_errno;
    return result;
}
