// SPDX-License-Identifier: MIT
/*
 * Layouts, adding, removing; and for groups finding and growing. A full group on the way of an
 * entry counts it in n_passed, and counts it off when it leaves, so there are no tombstones to
 * clean up and no entry moves because another left. The table doubles up to what max_entries needs;
 * one mapping holds groups, slots, candidates and heap.
 */
#include "cache/table_slots.h"

#include "base/arena.h"

#include <errno.h>

static uint32_t round8(uint32_t n)
{
    return (n + 7) / 8 * 8;
}

/* What a mapping is made of, one behind the other, in bytes; each is a multiple of 8. */
struct parts {
    size_t groups, slots, candidates, state, shares, heap;
    size_t total;
};

static struct parts parts_of(const struct table_layout *layout, uint32_t n_groups)
{
    const struct policy *policy = layout->policy;
    uint32_t n_slots = n_groups * GROUP_SLOTS;
    struct parts parts = {
        .groups = (size_t)n_groups * sizeof(struct group),
        .slots = (size_t)n_slots * layout->slot_bytes,
        .candidates = policy->stamps == POLICY_STAMPS_ARE_MARKS
                          ? (size_t)order_max_candidates(n_slots) * sizeof(uint64_t)
                          : 0,
        .state = policy->state_bytes == NULL ? 0 : policy->state_bytes(n_slots),
        .shares = policy->has_shares ? (size_t)n_slots * sizeof(uint32_t) : 0,
        .heap = layout->life_at == 0 ? 0 : (size_t)n_slots * sizeof(uint32_t),
    };

    parts.total =
        parts.groups + parts.slots + parts.candidates + parts.state + parts.shares + parts.heap;
    return parts;
}

#define MANY_GROUPS 4096 /* beside them what a table has only once does not count */

void table_layout_init(struct table_layout *layout, uint32_t n_key_bytes, uint32_t n_value_bytes,
                       bool has_lives)
{
    uint32_t at = TABLE_KEY_AT;

    *layout = (struct table_layout){.policy = layout->policy,
                                    .is_direct = layout->policy->one_per_place,
                                    .seed = layout->seed,
                                    .secret = layout->secret,
                                    .idle_ns = layout->idle_ns,
                                    .stale_ns = layout->stale_ns};
    if (n_key_bytes > 0 && n_key_bytes <= TABLE_INLINE_KEY_BYTES) {
        layout->n_key_bytes = n_key_bytes;
        at += round8(n_key_bytes);
    }
    if (n_value_bytes > 0 && n_value_bytes <= TABLE_INLINE_VALUE_BYTES) {
        if (n_key_bytes == 0) {
            layout->has_short_keys = true;
            layout->block_at = at;
            at += (uint32_t)sizeof(struct short_key);
        }
        layout->n_value_bytes = n_value_bytes;
        layout->value_at = at;
        at += round8(n_value_bytes);
    }
    if (layout->block_at == 0 && (layout->n_key_bytes == 0 || layout->n_value_bytes == 0)) {
        layout->block_at = at;
        at += (uint32_t)sizeof(struct block *);
    }
    if (has_lives) {
        layout->life_at = at;
        at += (uint32_t)sizeof(struct slot_life);
        at += layout->idle_ns != 0 ? (uint32_t)sizeof(struct slot_use) : 0;
    }
    layout->slot_bytes = at;
    layout->is_word = n_key_bytes == 8 && n_value_bytes == 8;
    layout->n_row_words = layout->n_value_bytes == 0
                              ? 0
                              : (layout->value_at + round8(n_value_bytes) - TABLE_KEY_AT) / 8;
    if (layout->is_direct) {
        layout->slot_bytes = at + PLACE_LINKS_BYTES;
        layout->share_bytes = layout->slot_bytes + (has_lives ? (uint32_t)sizeof(uint32_t) : 0);
        return;
    }
    layout->share_bytes =
        (uint32_t)((parts_of(layout, MANY_GROUPS).total + MANY_GROUPS * GROUP_LOAD - 1) /
                   (MANY_GROUPS * GROUP_LOAD));
}

void table_init(struct table *table, const struct table_layout *layout, struct table_spares *spares,
                stamp_clock *clock)
{
    *table = (struct table){.layout = layout, .spares = spares};
    table->order.clock = clock;
    table->order.slot_bytes = layout->slot_bytes;
    table->order.seed = layout->seed;
}

/* Counted last: a child that is forked meanwhile knows nothing of the mapping. */
static void spare_add(struct table_spares *spares, const struct table *table)
{
    if (spares->n < sizeof(spares->places) / sizeof(spares->places[0])) {
        spares->places[spares->n].pages = table->groups;
        spares->places[spares->n].n_bytes = table->mapped_bytes;
        spares->places[spares->n].n_groups = table->n_groups;
        atomic_signal_fence(memory_order_release);
        spares->n++;
    }
}

static void *spare_take(struct table_spares *spares, uint32_t n_groups)
{
    for (uint32_t i = 0; i < spares->n; i++) {
        void *pages = spares->places[i].pages;

        if (spares->places[i].n_groups == n_groups) {
            spares->places[i] = spares->places[--spares->n];
            return pages;
        }
    }
    return NULL;
}

void table_spares_fini(struct table_spares *spares)
{
    for (uint32_t i = 0; i < spares->n; i++) {
        pages_unmap(spares->places[i].pages, spares->places[i].n_bytes);
    }
    spares->n = 0;
}

void table_fini(struct table *table)
{
    if (table->n_groups > 0) {
        if (table->layout->secret) {
            block_wipe(table->groups, table->mapped_bytes);
        }
        pages_empty(table->groups, table->mapped_bytes);
        spare_add(table->spares, table);
    }
    table_init(table, table->layout, table->spares, table->order.clock);
}

/* short_key: the same key, or NULL if it does not lie in slots like one. */
static bool key_equals(const struct table *table, uint32_t slot, struct bytes key,
                       const struct short_key *short_key)
{
    uint32_t n_inline = table->layout->n_key_bytes;
    struct block *block;

    if (n_inline == 8) {
        uint64_t ours, theirs;

        memcpy(&ours, table_slot(table, slot) + TABLE_KEY_AT, 8);
        memcpy(&theirs, key.data, 8);
        return ours == theirs;
    }
    if (n_inline != 0) {
        return memcmp(table_slot(table, slot) + TABLE_KEY_AT, key.data, n_inline) == 0;
    }
    if (short_key != NULL) {
        return short_key_equals(table_slot(table, slot) + TABLE_KEY_AT, short_key);
    }
    block = table_block(table, slot);
    return block != NULL && block->n_key_bytes == key.n_bytes &&
           (key.n_bytes == 0 || memcmp(block_key(block), key.data, key.n_bytes) == 0);
}

uint32_t table_find(const struct table *table, struct bytes key, uint64_t hash)
{
    bool is_short = table->layout->has_short_keys && key.n_bytes <= SHORT_KEY_BYTES;
    struct short_key short_key;
    uint32_t at;

    if (is_short) {
        short_key = short_key_of(key);
    }
    if (table->layout->is_direct) {
        at = table_find_rival(table, hash);
        return at != TABLE_NO_SLOT && key_equals(table, at, key, is_short ? &short_key : NULL)
                   ? at
                   : TABLE_NO_SLOT;
    }
    at = table_home(table, (uint32_t)(hash >> 32));
    for (uint32_t n_probed = 0; n_probed < table->n_groups; n_probed++) {
        const struct group *group = &table->groups[at];

        for (uint32_t mask = group_match(group, tag_of_hash(hash)); mask != 0; mask &= mask - 1) {
            uint32_t slot = at * GROUP_SLOTS + (uint32_t)__builtin_ctz(mask);

            if (key_equals(table, slot, key, is_short ? &short_key : NULL)) {
                return slot;
            }
        }
        if (group->n_passed == 0) {
            break;
        }
        at = at + 1 == table->n_groups ? 0 : at + 1;
    }
    return TABLE_NO_SLOT;
}

/* Carves a mapping for n_groups; what it returns has no entries. */
static int table_map(struct table *table, const struct table_layout *layout,
                     struct table_spares *spares, stamp_clock *clock, uint32_t n_groups)
{
    struct parts parts = parts_of(layout, n_groups);
    size_t page = pages_size(), total = (parts.total + page - 1) / page * page;
    uint32_t n_slots = n_groups * GROUP_SLOTS;
    char *pages;

    pages = spare_take(spares, n_groups);
    if (pages == NULL) {
        pages = pages_map(total);
    }
    if (pages == NULL) {
        return -ENOMEM;
    }
    if (layout->secret) {
        pages_protect_secret(pages, total);
    }
    table_init(table, layout, spares, clock);
    table->groups = (struct group *)(void *)pages;
    table->n_groups = n_groups;
    table->mapped_bytes = total;
    pages += parts.groups;
    table->order.slots = pages;
    table->order.n_slots = n_slots;
    pages += parts.slots;
    table->order.candidates = (uint64_t *)(void *)pages;
    table->order.max_candidates = (uint32_t)(parts.candidates / sizeof(uint64_t));
    pages += parts.candidates;
    table->order.state = pages;
    pages += parts.state;
    table->order.shares = (uint32_t *)(void *)pages;
    pages += parts.shares;
    if (layout->policy->stamps == POLICY_STAMPS_ARE_MARKS) {
        table->order.stamps = table->order.slots + offsetof(struct slot_head, mark);
        table->order.stamp_bytes = layout->slot_bytes;
    } else if (layout->policy->stamps == POLICY_STAMPS_ARE_SHARES) {
        table->order.stamps = (char *)table->order.shares;
        table->order.stamp_bytes = sizeof(uint32_t);
    }
    table->expiry.slots = table->order.slots;
    table->expiry.slot_bytes = layout->slot_bytes;
    table->expiry.life_at = layout->life_at;
    table->expiry.idle_ns = layout->idle_ns;
    table->expiry.stale_ns = layout->stale_ns;
    table->expiry.heap = (uint32_t *)(void *)pages;
    return 0;
}

/* Entries keep marks and lives; only slots get new numbers, which the old heads then hold. */
static void table_move_entries(struct table *to, struct table *from)
{
    uint32_t slot_bytes = from->layout->slot_bytes;
    uint32_t life_at = from->layout->life_at;

    for (uint32_t slot = 0; slot < from->order.n_slots; slot++) {
        struct slot_head *head = order_slot(&from->order, slot);
        uint32_t new_slot;

        if (slot_mark(head) == 0) {
            continue;
        }
        new_slot = slot_take(to, from->groups[slot / GROUP_SLOTS].tags[slot % GROUP_SLOTS],
                             order_shared_hash((const char *)head));
        shared_copy(table_slot(to, new_slot), head, slot_bytes);
        if (life_at != 0) {
            to->expiry.heap[expiry_life(&from->expiry, slot)->heap_at] = new_slot;
        }
        order_set_hash(head, new_slot);
    }
    to->expiry.n = from->expiry.n;
    to->order.era = from->order.era;
    if (from->n_groups > 0 && from->layout->policy->on_move != NULL) {
        from->layout->policy->on_move(&to->order, &from->order);
    }
}

/* Groups for n entries at the intended load, as far as slots can be numbered. */
static uint32_t groups_for(uint64_t n_entries)
{
    uint64_t n_groups = n_entries / GROUP_LOAD + (n_entries % GROUP_LOAD != 0);
    uint64_t limit = TABLE_MAX_SLOTS / GROUP_SLOTS;

    return (uint32_t)(n_groups < 1 ? 1 : n_groups > limit ? limit : n_groups);
}

#define ROOMY_BYTES (128 << 10)

/*
 * A table of up to so many bytes, of which the second level of a processor's caches has a few, has
 * a power of two of groups: a key's home is found in one cycle in place of five, and 6 to 11
 * entries fall to a group where these are 11, so that with 8 of them 0.4 % live elsewhere in place
 * of 4. What that saves is a fifth of a hit of the shortest kind, since each look that goes wrong
 * takes the processor forty cycles, and the calls that it had begun meanwhile. It is enough for the
 * quarter of 4,096 entries that is a shard's on one processor, whose slots have up to 64 bytes.
 * Larger tables are as small as they can be: their hits wait for memory.
 */
static uint64_t roomy_groups(const struct table_layout *layout, uint64_t n_groups)
{
    uint64_t power = 1;

    while (power < n_groups) {
        power *= 2;
    }
    return layout->is_roomy && power * GROUP_LOAD * layout->share_bytes <= ROOMY_BYTES ? power
                                                                                       : n_groups;
}

/*
 * What may come beyond the share that is expected, when keys fall to tables at random: the standard
 * deviation is the root of that, and three to six of them are left; one in sixteen at most.
 */
static uint64_t likely_excess(uint64_t n_expected)
{
    uint64_t root = 1;

    while (root * root < n_expected) {
        root *= 2;
    }
    return 3 * root < n_expected / 16 ? 3 * root : n_expected / 16;
}

/*
 * The size after this one: that for what is expected, half of it, a quarter and so on, so that a
 * table that holds what was expected is nearly full and was not moved shortly before. By eighths
 * for a while from there on, in case that somewhat more comes. That makes at most 36 sizes of a
 * table, which are fewer than there are places for spares.
 */
static uint64_t next_groups(uint64_t n_groups, uint64_t n_expected_groups)
{
    uint64_t next = n_expected_groups;

    if (n_groups >= n_expected_groups) {
        return n_groups < n_expected_groups * 2 ? n_groups + n_groups / 8 + 1 : n_groups * 2;
    }
    while (next > 1 && (next + 1) / 2 > n_groups) {
        next = (next + 1) / 2;
    }
    return next;
}

int table_make_room(struct table *table, uint64_t max_entries, uint64_t n_expected)
{
    const struct table_layout *layout = table->layout;
    uint64_t n_groups = table->n_groups;
    uint64_t n_max_groups = roomy_groups(layout, groups_for(max_entries));
    uint64_t n_expected_groups =
        roomy_groups(layout, groups_for(n_expected + likely_excess(n_expected)));
    struct table grown;
    int result;

    if ((uint64_t)table->n_live + 1 <= n_groups * GROUP_LOAD) {
        return 0;
    }
    if (n_groups == 0) {
        /* What fits into the first page costs nothing more: more than half of that. */
        n_groups = pages_size() / (layout->share_bytes * GROUP_LOAD) / 2;
    }
    n_groups =
        next_groups(n_groups, n_expected_groups < n_max_groups ? n_expected_groups : n_max_groups);
    n_groups = n_groups > n_max_groups ? n_max_groups : n_groups;
    if ((uint64_t)table->n_live + 1 > n_groups * GROUP_LOAD) {
        return -ENOMEM;
    }
    result = table_map(&grown, layout, table->spares, table->order.clock, (uint32_t)n_groups);
    if (result < 0) {
        return result;
    }
    table_move_entries(&grown, table);
    table_fini(table);
    *table = grown;
    return 0;
}

/* A slot for an entry of this hash, in the way of this table. */
static inline uint32_t head_take(struct table *table, uint64_t hash)
{
    uint32_t slot;

    if (table->layout->is_direct) {
        slot = table_place(table, hash);
        table->n_live++;
    } else {
        slot = slot_take(table, tag_of_hash(hash), (uint32_t)(hash >> 32));
        order_set_hash(order_slot(&table->order, slot), (uint32_t)(hash >> 32));
    }
    return slot;
}

uint32_t table_add(struct table *table, struct bytes key, uint64_t hash, struct bytes value,
                   struct block *block, uint64_t now_ns, const struct cache_life *life)
{
    const struct table_layout *layout = table->layout;
    struct short_key short_key;
    uintptr_t tagged = 0;
    uint32_t slot = head_take(table, hash);
    char *at = table_slot(table, slot);

    if (layout->n_key_bytes != 0) {
        shared_write(at + TABLE_KEY_AT, key.data, layout->n_key_bytes);
    }
    if (layout->n_value_bytes != 0) {
        shared_write(at + layout->value_at, value.data, layout->n_value_bytes);
    }
    if (block != NULL) {
        tagged = (uintptr_t)block | (block_is_large(block) ? TABLE_LARGE_BLOCK : 0);
    }
    if (layout->has_short_keys) {
        short_key = block == NULL ? short_key_of(key) : short_key_long(tagged);
        shared_write(at + TABLE_KEY_AT, short_key.words, sizeof(short_key.words));
    } else if (layout->block_at != 0) {
        shared_store(at + layout->block_at, tagged);
    }
    if (layout->life_at != 0) {
        expiry_add(&table->expiry, slot, now_ns, life);
    }
    if (layout->is_direct) {
        place_show(table, at);
    }
    return slot;
}

struct block *table_remove(struct table *table, uint32_t slot)
{
    const struct table_layout *layout = table->layout;
    struct slot_head *head = order_slot(&table->order, slot);
    struct block *block = table_block(table, slot);

    if (layout->life_at != 0) {
        expiry_remove(&table->expiry, slot);
    }
    if (layout->is_direct) {
        table->n_live--;
        shared_store(head, 0);
    } else {
        slot_free(table, slot);
    }
    if (layout->secret) {
        block_wipe(head, layout->slot_bytes);
    }
    slot_set_mark(head, 0);
    return block;
}
