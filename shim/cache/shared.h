// SPDX-License-Identifier: MIT
/*
 * Memory that hits read without a lock while others may be writing it: slots, groups and blocks. It
 * is written a word at a time by relaxed atomic stores, by whoever holds the lock, and read the
 * same way; what was read counts only if the shard's sequence says that nothing changed meanwhile.
 * Under the lock, plain reads will do.
 */
#ifndef CACHE_SHARED_H
#define CACHE_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* May stand for any bytes. */
typedef uint64_t __attribute__((may_alias)) shared_word;

static inline uint64_t shared_load(const void *shared)
{
    return __atomic_load_n((const shared_word *)shared, __ATOMIC_RELAXED);
}

static inline void shared_store(void *shared, uint64_t word)
{
    __atomic_store_n((shared_word *)shared, word, __ATOMIC_RELAXED);
}

/* Whole words: the last one is filled up with zeroes. shared is aligned to 8. */
static inline void shared_write(void *shared, const void *from, size_t n_bytes)
{
    char *to = shared;
    const char *at = from;
    uint64_t word;

    for (; n_bytes >= sizeof(word); n_bytes -= sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        shared_store(to, word);
        at += sizeof(word);
        to += sizeof(word);
    }
    if (n_bytes > 0) {
        word = 0;
        memcpy(&word, at, n_bytes);
        shared_store(to, word);
    }
}

/* Whole words: to has room for them. shared is aligned to 8. */
static inline void shared_read(void *to, const void *shared, size_t n_bytes)
{
    const char *at = shared;
    char *into = to;

    for (size_t i = 0; i < n_bytes; i += sizeof(uint64_t)) {
        uint64_t word = shared_load(at + i);

        memcpy(into + i, &word, sizeof(word));
    }
}

/* From shared to shared. n_bytes is a multiple of 8. */
static inline void shared_copy(void *to, const void *from, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i += sizeof(uint64_t)) {
        shared_store((char *)to + i, shared_load((const char *)from + i));
    }
}

/* shared is aligned to 8, and was written by shared_write. */
static inline bool shared_equals(const void *shared, const void *data, size_t n_bytes)
{
    const char *left = shared, *right = data;
    uint64_t word;

    for (; n_bytes >= sizeof(word); n_bytes -= sizeof(word)) {
        memcpy(&word, right, sizeof(word));
        if (shared_load(left) != word) {
            return false;
        }
        left += sizeof(word);
        right += sizeof(word);
    }
    if (n_bytes == 0) {
        return true;
    }
    word = 0;
    memcpy(&word, right, n_bytes);
    return shared_load(left) == word;
}

/*
 * A mark (policy.h) of which the lowest bits, max_count, are a count of uses: one more, up to that,
 * and if nobody changes it meanwhile. One that is 0 stays so.
 */
static inline void shared_count(uint32_t *shared, uint32_t max_count)
{
    uint32_t mark = __atomic_load_n(shared, __ATOMIC_RELAXED);

    if (mark != 0 && (mark & max_count) != max_count) {
        __atomic_compare_exchange_n(shared, &mark, mark + 1, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED);
    }
}

/* n_bytes is a multiple of 8. */
static inline void shared_zero(void *shared, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i += sizeof(uint64_t)) {
        shared_store((char *)shared + i, 0);
    }
}

#endif
