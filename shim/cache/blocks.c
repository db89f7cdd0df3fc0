// SPDX-License-Identifier: MIT
/* Which caches can be asked as blocks.h does. */
#include "cache/blocks.h"

#include "cache/cache_private.h"

_Static_assert(TABLE_LARGE_BLOCK == 1, "cache_find_block");
_Static_assert(CACHE_WORDS_KEY_AT == TABLE_KEY_AT, "where a slot without a key has its block");

bool cache_blocks_init(struct cache_rows *ret_rows, struct cache *cache)
{
    const struct table_layout *layout = &cache->layout;

    cache_rows_init(ret_rows, cache); /* whatever it says of keys and values */
    return layout->n_key_bytes == 0 && layout->n_value_bytes == 0 && !layout->has_short_keys &&
           layout->block_at == TABLE_KEY_AT && !cache->options.may_refresh &&
           !cache->options.secret && (cache->n_shards & (cache->n_shards - 1)) == 0;
}
