// SPDX-License-Identifier: MIT
/*
 * Hits of entries whose keys and values differ in size, so that both lie in blocks, in a process
 * without threads: what is found is handed out where it lies. With lives and under any policy. Part
 * of cache.h, as rows.h is, of which it uses the lives. It answers what cache_lookup would, or not
 * at all.
 */
#ifndef CACHE_BLOCKS_H
#define CACHE_BLOCKS_H

#include "cache/rows.h"

/* A key of 8 to 16 bytes. */
struct cache_block_key {
    uint64_t first, last; /* its first eight bytes, and its last */
    uint32_t n_bytes;
    uint64_t hash;
};

/* False: this cache has entries of another kind, or such as are recomputed before their end. */
bool cache_blocks_init(struct cache_rows *ret_rows, struct cache *cache);

static inline struct cache_block_key cache_block_key(uint64_t low, uint64_t high, uint32_t n_bytes,
                                                     uint64_t hash)
{
    unsigned __int128 key = (unsigned __int128)high << 64 | low;

    return (struct cache_block_key){low, (uint64_t)(key >> (8 * (n_bytes - 8))), n_bytes, hash};
}

static inline bool cache_block_is(struct block *block, const struct cache_block_key *key)
{
    const char *at = block_key_behind(block, block->n_value_bytes);

    return block->n_key_bytes == key->n_bytes && shared_load(at) == key->first &&
           shared_load(at + key->n_bytes - 8) == key->last;
}

/*
 * The value of the key's entry, if that is alive and lies where it is looked for first; else its
 * data is NULL. Good until anything else is done with the cache. now_ns and use are as in
 * cache_find_row.
 */
static inline __attribute__((always_inline)) struct bytes
cache_find_block(const struct cache_rows *rows, const struct cache_block_key *key, uint64_t now_ns,
                 bool use)
{
    const struct cache_words *words = &rows->words;
    struct cache_front *front = cache_front(words, key->hash);
    struct cache_candidates found = cache_candidates(words, front, key->hash, words->use, false);

    for (; found.mask != 0; found.mask &= found.mask - 1) {
        char *slot = found.slots + (size_t)(uint32_t)__builtin_ctz(found.mask) * words->slot_bytes;
        struct block *block =
            (struct block *)(uintptr_t)(shared_load(slot + CACHE_WORDS_KEY_AT) & ~(uint64_t)1);

        if ((words->use != CACHE_WORDS_PLACE &&
             *(const uint32_t *)(const void *)slot != (uint32_t)(key->hash >> 32)) ||
            !cache_block_is(block, key)) {
            continue;
        }
        if (!cache_row_is_alive(rows, slot, now_ns) ||
            (use && !cache_use_row(rows, front, slot, now_ns))) {
            break;
        }
        return (struct bytes){block_value(block), block->n_value_bytes};
    }
    return (struct bytes){NULL, 0};
}

#endif
