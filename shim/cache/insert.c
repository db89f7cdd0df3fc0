// SPDX-License-Identifier: MIT
/*
 * Filling and evicting. An insert first makes the budget yield: what is free, then what has
 * expired anywhere, then victims of its own shard, then of the others. What a victim held goes
 * straight to the insert it left for, so that it cannot be snatched away, and never two shards are
 * locked at once.
 *
 * Overwriting differs from cachetools in one point: there an entry that grows is asked to fit
 * beside its own old value, so that more is evicted than need be. Here the old value goes first and
 * its room is used again; what the policy knew of it is handed to its successor.
 */
#include "cache/cache_private.h"

#include <assert.h>
#include <errno.h>

/* Expired entries an insert removes although there is room: two for one keeps them from piling up.
 */
#define EXPIRED_PER_INSERT 2

/*
 * Entries that outlived their place, because they were used, which an insert moves back before it
 * takes it that nothing has expired: some 10 us. Only beyond so many can a policy's victim go while
 * an expired entry stays.
 */
#define OUTLIVED_PER_INSERT 16  /* when there is room */
#define OUTLIVED_PER_VICTIM 256 /* when there is none */

/* Searches of all shards in vain before an insert gives up: other inserts hold what there is. */
#define MAX_VAIN_SEARCHES 16

/* What an insert has taken from the budget, and what it needs of bytes. One entry is what it needs.
 */
struct room {
    uint64_t n_entries, n_bytes;
    uint64_t needed_bytes;
    bool has_searched;       /* nothing has expired in any shard */
    struct policy_past past; /* of the entry of the same key that made way */
};

static bool room_is_enough(const struct room *room)
{
    return room->n_entries == 1 && room->n_bytes >= room->needed_bytes;
}

/* Takes what is missing from the budget, as far as it is free. */
static bool room_fill(struct cache *cache, struct room *room)
{
    if (room->n_entries == 0 && cache_take_from(&cache->n_entries, cache->options.max_entries, 1)) {
        room->n_entries = 1;
    }
    if (room->n_bytes < room->needed_bytes &&
        cache_take_from(&cache->n_bytes, cache->options.max_bytes,
                        room->needed_bytes - room->n_bytes)) {
        room->n_bytes = room->needed_bytes;
    }
    return room_is_enough(room);
}

/* Puts what an entry held into the room; what is not needed goes back to the budget at once. */
static void room_add_entry(struct cache *cache, struct room *room, uint64_t n_bytes)
{
    uint64_t wanted = room->needed_bytes - room->n_bytes;
    uint64_t kept = n_bytes < wanted ? n_bytes : wanted;

    room->n_bytes += kept;
    alone_subtract(&cache->n_bytes, n_bytes - kept);
    if (room->n_entries == 0) {
        room->n_entries = 1;
    } else {
        alone_subtract(&cache->n_entries, 1);
    }
}

static void room_return(struct cache *cache, struct room *room)
{
    alone_subtract(&cache->n_bytes, room->n_bytes);
    alone_subtract(&cache->n_entries, room->n_entries);
}

static bool find_expired_locked(struct cache *cache, struct shard *shard, uint64_t now_ns,
                                uint32_t max_outlived, uint32_t *ret_slot)
{
    bool found;

    if (cache->layout.life_at == 0 ||
        now_ns < atomic_load_explicit(&shard->next_expiry_ns, memory_order_relaxed)) {
        return false;
    }
    shard_begin_change_locked(shard);
    found = expiry_first_expired(&shard->table.expiry, now_ns, max_outlived, ret_slot);
    shard_note_expiry_locked(shard);
    shard_end_change_locked(shard);
    return found;
}

/* Room or not, what nobody can be served any more goes. */
static void drop_spent_locked(struct cache *cache, struct shard *shard, uint64_t now_ns)
{
    uint32_t slot;

    lock_assert_held(&shard->lock);
    for (int i = 0; i < EXPIRED_PER_INSERT; i++) {
        if (!find_expired_locked(cache, shard, now_ns, OUTLIVED_PER_INSERT, &slot) ||
            !expiry_is_spent(&shard->table.expiry, slot, now_ns)) {
            break;
        }
        cache_expire_locked(cache, shard, slot);
    }
}

static bool yield_expired_locked(struct cache *cache, struct shard *shard, uint64_t now_ns,
                                 struct room *room)
{
    uint32_t slot;

    lock_assert_held(&shard->lock);
    if (!find_expired_locked(cache, shard, now_ns, OUTLIVED_PER_VICTIM, &slot)) {
        return false;
    }
    room_add_entry(cache, room, cache_take_out_locked(cache, shard, slot, NULL));
    alone_add(&cache->n_expirations, 1);
    return true;
}

static void evict_locked(struct cache *cache, struct shard *shard, uint32_t slot, struct room *room)
{
    lock_assert_held(&shard->lock);
    room_add_entry(cache, room, cache_take_out_locked(cache, shard, slot, NULL));
    shard_count_eviction_locked(shard);
}

static bool yield_victim_locked(struct cache *cache, struct shard *shard, struct room *room)
{
    uint32_t slot;
    bool has_victim;

    lock_assert_held(&shard->lock);
    shard_begin_change_locked(shard);
    has_victim = cache->policy->victim(&shard->table.order, &slot);
    shard_end_change_locked(shard);
    if (!has_victim) {
        return false;
    }
    evict_locked(cache, shard, slot, room);
    return true;
}

/* Expired entries of any shard. No lock is held. True: something was freed. */
static bool search_expired(struct cache *cache, uint64_t now_ns, struct room *room)
{
    bool found = false;

    for (uint32_t i = 0; i < cache->n_shards && !room_fill(cache, room); i++) {
        struct shard *shard = &cache->shards[i];

        if (now_ns < atomic_load_explicit(&shard->next_expiry_ns, memory_order_relaxed)) {
            continue;
        }
        if (!shard_acquire(cache, shard)) {
            /* What expires there cannot be had: nobody is to look for it again. */
            atomic_store_explicit(&shard->next_expiry_ns, UINT64_MAX, memory_order_relaxed);
            continue;
        }
        while (!room_fill(cache, room) && yield_expired_locked(cache, shard, now_ns, room)) {
            found = true;
        }
        lock_release(&shard->lock);
    }
    return found;
}

/* Victims of the shards behind the insert's own. No lock is held. True: something was freed. */
static bool search_victims(struct cache *cache, const struct shard *own, struct room *room)
{
    uint32_t first = (uint32_t)(own - cache->shards);
    bool found = false;

    for (uint32_t i = 1; i < cache->n_shards && !room_fill(cache, room); i++) {
        struct shard *shard = &cache->shards[(first + i) % cache->n_shards];

        if (!shard_acquire(cache, shard)) {
            continue;
        }
        while (!room_fill(cache, room) && yield_victim_locked(cache, shard, room)) {
            found = true;
        }
        lock_release(&shard->lock);
    }
    return found;
}

static bool others_have_expired(const struct cache *cache, uint64_t now_ns)
{
    for (uint32_t i = 0; cache->layout.life_at != 0 && i < cache->n_shards; i++) {
        if (now_ns >=
            atomic_load_explicit(&cache->shards[i].next_expiry_ns, memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

/* The old value of the key makes way; its room is the first that is used again. */
static void remove_old_locked(struct cache *cache, struct shard *shard, const struct cache_key *key,
                              uint64_t now_ns, struct room *room)
{
    uint32_t slot = table_find(&shard->table, key->bytes, key->hash);
    struct policy_past *past = &room->past;

    lock_assert_held(&shard->lock);
    if (slot == TABLE_NO_SLOT) {
        return;
    }
    if (!shard_is_alive(shard, slot, now_ns)) {
        alone_add(&cache->n_expirations, 1);
        past = NULL;
    }
    room_add_entry(cache, room, cache_take_out_locked(cache, shard, slot, past));
}

/* Where each place holds one entry, whoever comes evicts who is there. */
static void evict_rival_locked(struct cache *cache, struct shard *shard,
                               const struct cache_key *key, uint64_t now_ns, struct room *room)
{
    uint32_t slot;

    lock_assert_held(&shard->lock);
    if (!cache->policy->one_per_place) {
        return;
    }
    slot = table_find_rival(&shard->table, key->hash);
    if (slot == TABLE_NO_SLOT) {
        return;
    }
    if (!shard_is_alive(shard, slot, now_ns)) {
        cache_expire_locked(cache, shard, slot);
    } else {
        evict_locked(cache, shard, slot, room);
    }
}

static void place_locked(struct cache *cache, struct shard *shard, const struct cache_key *key,
                         struct bytes value, struct block *block, uint64_t now_ns,
                         const struct cache_life *life, const struct policy_past *past)
{
    struct table *table = &shard->table;
    uint32_t slot;

    lock_assert_held(&shard->lock);
    shard_begin_change_locked(shard);
    slot = table_add(table, key->bytes, key->hash, value, block, now_ns, life);
    cache->policy->on_insert(&table->order, slot, past);
    shard->n_bytes += cache_slot_bytes(cache, shard, slot);
    if (cache->layout.life_at != 0) {
        shard_note_expiry_locked(shard);
    }
    shard_end_change_locked(shard);
    assert(order_mark(&table->order, slot) != 0);
    assert(table->layout->is_direct || table->n_live <= table->n_groups * GROUP_LOAD);
}

static int make_room_locked(struct cache *cache, struct shard *shard)
{
    int result;

    lock_assert_held(&shard->lock);
    shard_begin_change_locked(shard);
    result = table_make_room(&shard->table, cache->max_shard_entries,
                             cache->max_shard_entries / cache->n_shards);
    shard_note_table(shard);
    shard_end_change_locked(shard);
    return result;
}

/*
 * One try, with the lock. 0: placed. -EAGAIN: room has to be found elsewhere, and then again from
 * the beginning, since the shard may be another one by then.
 */
static int try_insert_locked(struct cache *cache, struct shard *shard, const struct cache_key *key,
                             struct bytes value, struct block *block, uint64_t now_ns,
                             const struct cache_life *life, const struct cache_ticket *ticket,
                             struct room *room)
{
    int result;

    lock_assert_held(&shard->lock);
    if (!cache_ticket_is_current_locked(shard, ticket)) {
        return -ESTALE;
    }
    drop_spent_locked(cache, shard, now_ns);
    if (ticket->hash != key->hash ||
        ticket->absent_at !=
            atomic_load_explicit(&shard->front.sequence, memory_order_relaxed) + 1) {
        remove_old_locked(cache, shard, key, now_ns, room);
    }
    evict_rival_locked(cache, shard, key, now_ns, room);
    while (!room_fill(cache, room)) {
        if (yield_expired_locked(cache, shard, now_ns, room)) {
            continue;
        }
        if ((!room->has_searched && others_have_expired(cache, now_ns)) ||
            !yield_victim_locked(cache, shard, room)) {
            return -EAGAIN;
        }
    }
    result = cache->layout.is_direct ? 0 : make_room_locked(cache, shard);
    if (result == 0) {
        flights_note_refreshed(&shard->flights, ticket->flight);
        place_locked(cache, shard, key, value, block, now_ns, life, &room->past);
        cache_prove_locked(cache, shard);
    }
    return result;
}

static int insert_with_block(struct cache *cache, const struct cache_key *key, struct bytes value,
                             struct block *block, uint64_t now_ns, const struct cache_life *life,
                             const struct cache_ticket *ticket, struct room *room)
{
    struct shard *shard = cache_shard(cache, key->hash);
    int n_vain = 0;

    for (;;) {
        int result;

        if (!shard_acquire(cache, shard)) {
            return -EBUSY;
        }
        result = try_insert_locked(cache, shard, key, value, block, now_ns, life, ticket, room);
        lock_release(&shard->lock);
        if (result != -EAGAIN) {
            return result;
        }
        if (!room->has_searched) {
            room->has_searched = !search_expired(cache, now_ns, room);
        } else if (!search_victims(cache, shard, room) && ++n_vain > MAX_VAIN_SEARCHES) {
            return -ENOMEM;
        }
    }
}

static int insert(struct cache *cache, const struct cache_key *key, struct bytes value,
                  uint64_t now_ns, const struct cache_life *life, const struct cache_ticket *ticket)
{
    const struct table_layout *layout = &cache->layout;
    const struct bytes nothing = {NULL, 0};
    struct block *block = NULL;
    struct room room = {.has_searched = layout->life_at == 0};
    int result;

    if (key->bytes.n_bytes > UINT32_MAX / 4 || value.n_bytes > UINT32_MAX / 4) {
        return -E2BIG;
    }
    assert(cache->options.key_bytes == 0 || key->bytes.n_bytes == cache->options.key_bytes);
    assert(cache->options.value_bytes == 0 || value.n_bytes == cache->options.value_bytes);
    if (now_ns >= life->expires_ns) {
        return -ETIME;
    }
    room.needed_bytes =
        cache_entry_bytes(cache, (uint32_t)key->bytes.n_bytes, (uint32_t)value.n_bytes);
    if (room.needed_bytes > cache->options.max_bytes) {
        return -E2BIG;
    }
    if (table_needs_block(layout, key->bytes.n_bytes)) {
        block = block_create(&cache->pool, layout->n_key_bytes != 0 ? nothing : key->bytes,
                             layout->n_value_bytes != 0 ? nothing : value);
        if (block == NULL) {
            return -ENOMEM;
        }
    }
    result = insert_with_block(cache, key, value, block, now_ns, life, ticket, &room);
    if (result < 0) {
        room_return(cache, &room);
        if (block != NULL) {
            block_release(&cache->pool, block);
        }
    }
    return result;
}

int cache_insert(struct cache *cache, const struct cache_key *key, struct bytes value,
                 uint64_t now_ns, const struct cache_life *life, const struct cache_ticket *ticket)
{
    static const struct cache_life endless = {.expires_ns = CACHE_NO_END};
    int result;

    assert(life == NULL || cache->options.has_lives);
    result = insert(cache, key, value, now_ns, life == NULL ? &endless : life, ticket);
    cache_land(cache, ticket, FLIGHT_LANDED);
    return result;
}
