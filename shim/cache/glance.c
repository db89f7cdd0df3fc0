// SPDX-License-Identifier: MIT
/*
 * Hits that take no lock and write nothing but a count of uses, or the stamp of the last: how
 * caches answer whose policy does no more at a hit, in a process that has threads.
 *
 * A glance reads what others may be rearranging. Every address it follows is one that was right a
 * moment ago, and there memory stays memory: tables and slabs keep their addresses for as long as
 * the cache lives. Every size it goes by is one that the shard's sequence has confirmed, so no read
 * leaves the object it began in. What came of it counts only if the sequence says, at the end, that
 * nothing was rearranged since the beginning: then the entry was there, whole and alive, at a
 * moment during the call.
 *
 * Values that do not fit into the caller's room would have to be pinned, which cannot be done to
 * something that may be gone; they, and whoever is disturbed too often, go the way of the lock.
 */
#include "cache/cache_private.h"

#define MAX_GLANCES 4

/* One glance. */
struct glance {
    struct cache *cache;
    struct shard *shard;
    const struct cache_key *key;
    const struct cache_lookup_options *options;
    uint32_t sequence; /* when it began */
    uint32_t n_groups;
    const struct group *groups;
    char *slots;
};

enum seen {
    SEEN_ENTRY,
    SEEN_OTHER,    /* not this key's */
    SEEN_NOTHING,  /* or not what a glance can answer with */
    SEEN_CHANGING, /* another glance may see more */
};

/* Nothing was rearranged since it began. */
static inline bool is_undisturbed(const struct glance *glance)
{
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&glance->shard->front.sequence, memory_order_relaxed) ==
           glance->sequence;
}

static inline bool begin(struct glance *glance)
{
    struct shard *shard = glance->shard;

    glance->sequence = atomic_load_explicit(&shard->front.sequence, memory_order_acquire);
    glance->groups = atomic_load_explicit(&shard->front.groups, memory_order_relaxed);
    glance->slots = atomic_load_explicit(&shard->front.slots, memory_order_relaxed);
    glance->n_groups = atomic_load_explicit(&shard->front.n_groups, memory_order_relaxed);
    return glance->sequence % 2 == 0 && is_undisturbed(glance);
}

/* What is in this block, of which the slot says that it is the entry's, if that is this key's. */
static enum seen see_block(const struct glance *glance, struct block *block,
                           struct cache_view *ret_view)
{
    const struct table_layout *layout = &glance->cache->layout;
    struct bytes key = glance->key->bytes;
    uint32_t sizes[2];

    if (block == NULL) {
        return SEEN_CHANGING;
    }
    if (table_untagged(block) != block) {
        return SEEN_NOTHING;
    }
    block_read_sizes(block, sizes);
    if (!is_undisturbed(glance)) {
        return SEEN_CHANGING;
    }
    if (layout->n_key_bytes == 0 &&
        (sizes[1] != key.n_bytes ||
         !shared_equals(block_key_behind(block, sizes[0]), key.data, key.n_bytes))) {
        return SEEN_OTHER;
    }
    if (layout->n_value_bytes == 0) {
        if (sizes[0] > CACHE_ROOM_BYTES) {
            return SEEN_NOTHING;
        }
        ret_view->n_bytes = sizes[0];
        shared_read(glance->options->room, block_value(block), sizes[0]);
    }
    return SEEN_ENTRY;
}

/* The same of a slot where keys that are short lie in place of the block's address. */
static enum seen see_short_key(const struct glance *glance, const char *at,
                               struct cache_view *ret_view)
{
    struct bytes key = glance->key->bytes;
    struct short_key short_key;
    struct block *block;

    if (key.n_bytes <= SHORT_KEY_BYTES) {
        short_key = short_key_of(key);
        return short_key_equals(at, &short_key) ? SEEN_ENTRY : SEEN_OTHER;
    }
    block = table_shared_block(at);
    if (short_key_size(at) != SHORT_KEY_IS_LONG) {
        return SEEN_OTHER;
    }
    /* Or it may be the first bytes of a key that is no address. */
    return is_undisturbed(glance) ? see_block(glance, block, ret_view) : SEEN_CHANGING;
}

/* The value, if the entry of this slot is the key's. */
static inline enum seen see_slot(const struct glance *glance, const char *slot,
                                 struct cache_view *ret_view)
{
    const struct table_layout *layout = &glance->cache->layout;
    struct bytes key = glance->key->bytes;

    if (layout->n_key_bytes != 0
            ? !shared_equals(slot + TABLE_KEY_AT, key.data, layout->n_key_bytes)
            : !layout->is_direct &&
                  order_shared_hash(slot) != (uint32_t)(glance->key->hash >> 32)) {
        return SEEN_OTHER;
    }
    if (layout->n_value_bytes != 0) {
        ret_view->n_bytes = layout->n_value_bytes;
        shared_read(glance->options->room, slot + layout->value_at, layout->n_value_bytes);
    }
    if (layout->has_short_keys) {
        return see_short_key(glance, slot + TABLE_KEY_AT, ret_view);
    }
    return layout->block_at == 0
               ? SEEN_ENTRY
               : see_block(glance, table_shared_block(slot + layout->block_at), ret_view);
}

/* Looks for the key in its place, as table_find does. */
static inline enum seen see_place(const struct glance *glance, struct cache_view *ret_view,
                                  uint32_t *ret_slot)
{
    const struct table *table = &glance->shard->table; /* where places are is constant */
    uint32_t slot = table_place(table, glance->key->hash);
    enum seen seen;

    if (shared_load(table_slot(table, slot)) == 0) {
        return SEEN_NOTHING;
    }
    seen = see_slot(glance, table_slot(table, slot), ret_view);
    *ret_slot = slot;
    return seen == SEEN_OTHER ? SEEN_NOTHING : seen;
}

/* Looks for the key as table_find does. */
static inline enum seen see(const struct glance *glance, struct cache_view *ret_view,
                            uint32_t *ret_slot)
{
    unsigned char tag = tag_of_hash(glance->key->hash);
    uint32_t at = group_home((uint32_t)(glance->key->hash >> 32), glance->n_groups);

    for (uint32_t n_probed = 0; n_probed < glance->n_groups; n_probed++) {
        struct group group = group_look(&glance->groups[at]);

        for (uint32_t mask = group_match(&group, tag); mask != 0; mask &= mask - 1) {
            uint32_t slot = at * GROUP_SLOTS + (uint32_t)__builtin_ctz(mask);
            enum seen seen = see_slot(
                glance, glance->slots + (size_t)slot * glance->cache->layout.slot_bytes, ret_view);

            if (seen != SEEN_OTHER) {
                *ret_slot = slot;
                return seen;
            }
        }
        if (group.n_passed == 0) {
            break;
        }
        at = at + 1 == glance->n_groups ? 0 : at + 1;
    }
    return SEEN_NOTHING;
}

static inline enum seen look(const struct glance *glance, struct cache_view *ret_view,
                             bool *ret_is_due)
{
    const struct cache_lookup_options *options = glance->options;
    const struct table_layout *layout = &glance->cache->layout;
    char *slots = layout->is_direct ? glance->shard->table.order.slots : glance->slots;
    const struct expiry expiry = {
        .slots = slots,
        .slot_bytes = layout->slot_bytes,
        .life_at = layout->life_at,
        .idle_ns = layout->idle_ns,
        .stale_ns = layout->stale_ns,
    };
    char *head;
    uint32_t slot;
    enum seen seen =
        layout->is_direct ? see_place(glance, ret_view, &slot) : see(glance, ret_view, &slot);

    if (seen != SEEN_ENTRY) {
        return seen;
    }
    if (layout->life_at != 0) {
        if (!expiry_is_alive(&expiry, slot, options->now_ns)) {
            return SEEN_NOTHING;
        }
        *ret_is_due = cache_is_refresh_due(glance->cache, &expiry, slot, options->now_ns);
    }
    if (!is_undisturbed(glance)) {
        return SEEN_CHANGING;
    }
    if (*ret_is_due) {
        return SEEN_NOTHING;
    }
    head = slots + (size_t)slot * layout->slot_bytes;
    if (glance->cache->policy->hit == POLICY_HIT_COUNTS) {
        policy_count_shared((struct slot_head *)(void *)head, glance->cache->policy->max_count);
    } else if (glance->cache->policy->hit == POLICY_HIT_STAMPS &&
               !cache_stamp_beside(&glance->shard->front, glance->sequence, head)) {
        return SEEN_CHANGING;
    }
    expiry_note_use(&expiry, slot, options->now_ns);
    ret_view->data = options->room;
    ret_view->pin = NULL;
    return SEEN_ENTRY;
}

/* What a glance that does not answer has read of an entry goes with it. */
static bool give_up(const struct glance *glance)
{
    if (glance->cache->options.secret) {
        block_wipe(glance->options->room, CACHE_ROOM_BYTES);
    }
    return false;
}

bool cache_glance(struct cache *cache, struct shard *shard, const struct cache_key *key,
                  const struct cache_lookup_options *options, struct cache_view *ret_view,
                  bool *ret_is_due)
{
    struct glance glance = {.cache = cache, .shard = shard, .key = key, .options = options};

    for (int i = 0; i < MAX_GLANCES; i++) {
        enum seen seen = SEEN_CHANGING;

        *ret_is_due = false;
        if (!shard_is_current(cache, shard)) {
            break;
        }
        if (begin(&glance)) {
            seen = look(&glance, ret_view, ret_is_due);
        }
        if (seen == SEEN_ENTRY) {
            return true;
        }
        if (seen == SEEN_NOTHING) {
            return give_up(&glance);
        }
    }
    *ret_is_due = false;
    return give_up(&glance);
}
