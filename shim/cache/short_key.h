// SPDX-License-Identifier: MIT
/*
 * A key of at most SHORT_KEY_BYTES bytes in three words, filled up with zeroes, with its size in
 * the last byte: what lies in the slots of a table whose keys differ in size, where one comparison
 * of words tells whole keys apart. A longer key lies in a block, to which the first word points;
 * SHORT_KEY_IS_LONG then stands for the size.
 */
#ifndef CACHE_SHORT_KEY_H
#define CACHE_SHORT_KEY_H

#include "base/bytes.h"
#include "cache/shared.h"

#define SHORT_KEY_WORDS   3
#define SHORT_KEY_BYTES   (SHORT_KEY_WORDS * 8 - 1)
#define SHORT_KEY_IS_LONG 0xffu

struct short_key {
    uint64_t words[SHORT_KEY_WORDS];
};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the last byte is the uppermost");

/* Its last word, of which the size is still missing. */
static inline uint64_t short_key_last(uint64_t word, uint32_t size)
{
    return word | (uint64_t)size << 56;
}

/* key has at most SHORT_KEY_BYTES bytes. */
static inline struct short_key short_key_of(struct bytes key)
{
    struct short_key made = {{0}};

    if (key.n_bytes > 0) {
        memcpy(made.words, key.data, key.n_bytes);
    }
    made.words[2] = short_key_last(made.words[2], (uint32_t)key.n_bytes);
    return made;
}

/* What stands in the slot of a key that lies in the block at this address. */
static inline struct short_key short_key_long(uintptr_t block)
{
    return (struct short_key){{block, 0, short_key_last(0, SHORT_KEY_IS_LONG)}};
}

/* Of the key in a slot, whoever may be writing it. */
static inline bool short_key_equals(const char *shared, const struct short_key *key)
{
    return shared_load(shared) == key->words[0] && shared_load(shared + 8) == key->words[1] &&
           shared_load(shared + 16) == key->words[2];
}

static inline uint32_t short_key_size(const char *shared)
{
    return (uint32_t)(shared_load(shared + 16) >> 56);
}

#endif
