// SPDX-License-Identifier: MIT
/*
 * Keys of quick_wide.c, made word by word from registers that lie in memory: what is in every key,
 * and pieces of arguments, each turned to its place. Most words have one or two of them.
 */
#ifndef CALL_QUICK_KEYS_H
#define CALL_QUICK_KEYS_H

#include "abi/abi.h"
#include "cache/cache.h"
#include "marshal/marshal.h"

#include <string.h>

/* Bits of an argument, and how far they are turned to the left. A mask of 0: nothing. */
struct quick_piece {
    uint64_t mask;
    uint8_t from; /* in abi_words */
    uint8_t turn;
};

#define QUICK_MORE_PIECES (2 * MARSHAL_WIDE_PARTS) /* one may lie across two words */

/* Constant. */
struct quick_keys {
    uint64_t always[CACHE_ROW_WORDS];
    bool is_simple; /* no word has a second piece, and no piece is turned */
    struct quick_piece first[CACHE_ROW_WORDS], second[CACHE_ROW_WORDS];
    uint32_t n_more; /* of words that have more than two */
    struct {
        struct quick_piece piece;
        uint32_t word;
    } more[QUICK_MORE_PIECES];
};

void quick_keys_prepare(struct quick_keys *ret_keys, const struct abi_call *abi,
                        const struct marshal_wide *described);

static inline uint64_t quick_keys_load(const struct quick_piece *piece,
                                       const struct abi_words *words)
{
    uint64_t word;

    memcpy(&word, (const char *)words + piece->from, sizeof(word));
    return word & piece->mask;
}

static inline uint64_t quick_keys_turn(const struct quick_piece *piece,
                                       const struct abi_words *words)
{
    uint64_t word = quick_keys_load(piece, words);

    return word << (piece->turn & 63) | word >> (-piece->turn & 63);
}

/* n_words: of a key, perhaps known when this is compiled. */
static inline __attribute__((always_inline)) void
quick_keys_make_simple(const struct quick_keys *keys, uint32_t n_words,
                       const struct abi_words *words, uint64_t *ret_key)
{
    for (uint32_t k = 0; k < n_words; k++) {
        ret_key[k] = keys->always[k] | quick_keys_load(&keys->first[k], words);
    }
}

/* Where no word has more than two. */
static inline __attribute__((always_inline)) void
quick_keys_make_pairs(const struct quick_keys *keys, uint32_t n_words,
                      const struct abi_words *words, uint64_t *ret_key)
{
    for (uint32_t k = 0; k < n_words; k++) {
        ret_key[k] = keys->always[k] | quick_keys_turn(&keys->first[k], words) |
                     quick_keys_turn(&keys->second[k], words);
    }
}

static inline __attribute__((always_inline)) void quick_keys_make(const struct quick_keys *keys,
                                                                  uint32_t n_words,
                                                                  const struct abi_words *words,
                                                                  uint64_t *ret_key)
{
    if (keys->is_simple) {
        quick_keys_make_simple(keys, n_words, words, ret_key);
        return;
    }
    quick_keys_make_pairs(keys, n_words, words, ret_key);
    for (uint32_t i = 0; i < keys->n_more; i++) {
        ret_key[keys->more[i].word] |= quick_keys_turn(&keys->more[i].piece, words);
    }
}

#endif
