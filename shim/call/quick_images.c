// SPDX-License-Identifier: MIT
/*
 * The short way of a hit for functions that hand out static memory and set variables, and whose
 * answers may rest on files, the environment and the zone, as localtime and getpwuid: keys of at
 * most two words, made from the registers' memory, in which one number stands for all that is read
 * besides (marshal/inputs_seen.c), and records that are given back where they lie in the cache. In
 * a process without threads; everything else, and each miss, is a call of call_handle.
 */
#include "base/clock.h"
#include "call/life.h"
#include "call/quick_private.h"

#include <errno.h>

/* A part of the key. */
struct part {
    uint8_t from; /* in abi_words */
    uint8_t at;   /* in the key, in bits */
    uint8_t n_bytes;
    bool is_behind; /* the pointer that stands there */
};

/* Constant. */
struct call_images {
    struct cache_rows rows;
    struct hash_seeds seeds;
    uint32_t n_key_bytes, n_parts;
    struct part parts[MARSHAL_IMAGE_PARTS];
    unsigned __int128 key; /* what is in every key */
    bool has_number, reads_clock;
    uint32_t number_at; /* in bits */
    uintptr_t apart_begin, apart_end;
};

static inline uint64_t load(const void *from, uint32_t n_bytes)
{
    uint64_t word = 0;

    switch (n_bytes) {
    case 8:
        memcpy(&word, from, 8);
        break;
    case 4:
        memcpy(&word, from, 4);
        break;
    case 2:
        memcpy(&word, from, 2);
        break;
    default:
        memcpy(&word, from, 1);
        break;
    }
    return word;
}

/* Nothing of it lies between the variables that are written. */
static inline bool is_apart(const struct call_images *images, const void *memory, uint32_t n_bytes)
{
    uintptr_t at = (uintptr_t)memory;

    return at >= images->apart_end ||
           (at < images->apart_begin && n_bytes <= images->apart_begin - at);
}

/* False: it is made the long way. */
static inline bool make_key(const struct call_plan *plan, const struct abi_words *words,
                            uint64_t now_ns, unsigned __int128 *ret_key)
{
    const struct call_images *images = plan->images;
    uint32_t number;

    *ret_key = images->key;
    for (uint32_t i = 0; i < images->n_parts; i++) {
        const struct part *part = &images->parts[i];
        const void *from = (const char *)words + part->from;

        if (part->is_behind) {
            memcpy(&from, from, sizeof(from));
            if (from == NULL || !is_apart(images, from, part->n_bytes)) {
                return false;
            }
        }
        *ret_key |= (unsigned __int128)load(from, part->n_bytes) << part->at;
    }
    if (images->has_number) {
        number = marshal_number_now(plan->marshal, now_ns);
        if (number == 0) {
            return false;
        }
        *ret_key |= (unsigned __int128)number << images->number_at;
    }
    return true;
}

/* A hit, which the statistics do not know of yet. The guard is set. */
static inline bool ask(const struct call_plan *plan, const struct abi_words *words, bool use,
                       uint64_t *ret_word, int32_t *ret_errno)
{
    const struct call_images *images = plan->images;
    uint64_t now_ns = images->reads_clock ? clock_coarse_ns() : 0;
    unsigned __int128 key;
    struct cache_block_key wanted;
    struct bytes record;

    if (!make_key(plan, words, now_ns, &key)) {
        return false;
    }
    wanted = cache_block_key(low_of(key), high_of(key), images->n_key_bytes,
                             hash_words(low_of(key), high_of(key), &images->seeds));
    record = cache_find_block(&images->rows, &wanted, now_ns + plan->clock_lag_ns, use);
    return record.data != NULL &&
           marshal_replay(plan->marshal, record, NULL, ret_word, ret_errno) == 0;
}

bool quick_try_images(const struct call_plan *plan, const struct abi_words *words)
{
    uint64_t word;
    int32_t set_errno;

    return __libc_single_threaded && ask(plan, words, false, &word, &set_errno);
}

static struct abi_both answer(void *handed, struct abi_words *words)
{
    struct call_plan *plan = handed;
    _Atomic uint64_t *hits = stats_hits_alone(plan->counters);
    uint64_t n_hits, result = 0;
    int32_t set_errno;
    bool is_hit;

    guard_enter();
    n_hits = atomic_load_explicit(hits, memory_order_relaxed) + 1; /* a signal's calls are in it */
    is_hit =
        likely(!fork_page_is_new_child() && __libc_single_threaded && !is_look_due(plan, n_hits)) &&
        ask(plan, words, true, &result, &set_errno);
    if (likely(is_hit)) {
        atomic_store_explicit(hits, n_hits, memory_order_relaxed);
    }
    guard_leave();
    if (!likely(is_hit)) {
        return quick_handle_words(plan, words);
    }
    if (__builtin_expect(set_errno != MARSHAL_ERRNO_UNTOUCHED, 0)) {
        errno = set_errno;
    }
    return both(result);
}

int quick_prepare_images(struct call_plan *plan, struct arena *arena)
{
    struct marshal_imaged described;
    struct call_images *images;
    struct cache_rows rows;

    if (plan->quick.code != NULL || plan->wide != NULL || !abi_is_in_words(plan->abi) ||
        !plan->in_place || plan->instances != NULL || plan->files.n > 0 || plan->uses_float ||
        plan->has_short_life || plan->function->keys_rounding ||
        !marshal_is_imaged(plan->marshal, &described) || !cache_blocks_init(&rows, plan->cache)) {
        return 0;
    }
    images = arena_alloc(arena, sizeof(*images));
    if (images == NULL) {
        return -ENOMEM;
    }
    images->rows = rows;
    images->seeds = hash_seeds(described.n_key_bytes, plan->seed);
    images->n_key_bytes = described.n_key_bytes;
    images->n_parts = described.n_parts;
    for (uint32_t i = 0; i < described.n_parts; i++) {
        images->parts[i] = (struct part){
            .from = plan->abi->word_at[described.parts[i].parameter],
            .at = (uint8_t)(8 * described.parts[i].at),
            .n_bytes = (uint8_t)described.parts[i].n_bytes,
            .is_behind = described.parts[i].is_behind,
        };
    }
    images->key = (unsigned __int128)described.key[1] << 64 | described.key[0];
    images->has_number = described.has_number;
    images->number_at = 8 * described.number_at;
    images->reads_clock = described.looks_at_files || plan->has_life;
    images->apart_begin = described.apart_begin;
    images->apart_end = described.apart_end;
    plan->images = images;
    quick_follow_share(plan, atomic_load_explicit(&plan->measure.share, memory_order_relaxed));
    return 0;
}

abi_words_fn quick_images_code(const struct call_plan *plan)
{
    return plan->images != NULL ? answer : NULL;
}
