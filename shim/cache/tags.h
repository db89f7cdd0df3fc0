// SPDX-License-Identifier: MIT
/*
 * The first look of a probe: which of a group's slots may hold the key. A group is 16 bytes, one
 * tag for each of its 14 slots (0: free, else 8 bits of the hash), a bit for each eighth of hashes
 * of which an entry wanted this group and went on to a later one, and the count of such entries
 * that are there. 14 tags are compared at once, so that a probe has one well predicted branch where
 * a slot-by-slot probe has several that are not; that halves the cost of a hit (figures in the
 * commit that brought the table).
 */
#ifndef CACHE_TAGS_H
#define CACHE_TAGS_H

#include "cache/shared.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define GROUP_SLOTS      14
#define GROUP_LOAD       11 /* entries a group is made for: 4 % of entries then live elsewhere */
#define GROUP_SLOTS_MASK ((1u << GROUP_SLOTS) - 1)
#define GROUP_PASSED_MAX 255 /* the count sticks here: a long probe, never a wrong answer */

struct group {
    _Alignas(16) unsigned char tags[GROUP_SLOTS];
    unsigned char passed; /* group_passed_bit of all that passed since nobody is counted */
    unsigned char n_passed;
};

_Static_assert(sizeof(struct group) == 16, "one vector load reads a group");

/*
 * Of the upper half, as the home; but of its lowest bits, where that takes the highest. One more of
 * them, and another slot would half as often have the tag; that is worth the addition.
 */
static inline unsigned char tag_of_hash(uint64_t hash)
{
    unsigned char bits = (unsigned char)(hash >> 32);

    return (unsigned char)(bits + (bits == 0));
}

/* Of n_groups the one where a key of this upper half is looked for first. */
static inline uint32_t group_home(uint32_t hash_upper, uint32_t n_groups)
{
    return (uint32_t)(((uint64_t)hash_upper * n_groups) >> 32);
}

/* The same in bytes from the first group, by a hash of which only the upper half counts. */
static inline uint64_t group_home_at(uint64_t hash, uint32_t n_groups)
{
    return (((hash >> 32) * n_groups) >> 32) * sizeof(struct group);
}

/*
 * The same where n_groups is a power of two: the highest bits, four cycles sooner than by a
 * multiplication. shift: what group_home_shift says.
 */
static inline uint64_t group_home_by_shift(uint64_t hash, uint32_t shift)
{
    return (hash >> (shift & 63)) & ~(uint64_t)(sizeof(struct group) - 1);
}

/* 0 if n_groups is no power of two. */
static inline uint32_t group_home_shift(uint32_t n_groups)
{
    const uint32_t group_bits = (uint32_t)__builtin_ctzl(sizeof(struct group));

    return n_groups == 0 || (n_groups & (n_groups - 1)) != 0
               ? 0
               : 64 - group_bits - (uint32_t)__builtin_ctz(n_groups);
}

/* Hits without the lock may be reading. */
static inline void group_set_tag(struct group *group, uint32_t i, unsigned char tag)
{
    __atomic_store_n(&group->tags[i], tag, __ATOMIC_RELAXED);
}

static inline void group_set_passed(struct group *group, uint32_t n_passed)
{
    __atomic_store_n(&group->n_passed, (unsigned char)n_passed, __ATOMIC_RELAXED);
}

/* By bits of the upper half that choose neither tag nor, but in the largest tables, the home. */
static inline unsigned char group_passed_bit(uint32_t hash_upper)
{
    return (unsigned char)(1u << (hash_upper >> 8 & 7));
}

/* An entry goes on to a later group; or one that did has left. */
static inline void group_count_on(struct group *group, uint32_t hash_upper)
{
    unsigned char passed = group->passed | group_passed_bit(hash_upper);

    __atomic_store_n(&group->passed, passed, __ATOMIC_RELAXED);
    if (group->n_passed < GROUP_PASSED_MAX) {
        group_set_passed(group, group->n_passed + 1u);
    }
}

static inline void group_count_off(struct group *group)
{
    if (group->n_passed < GROUP_PASSED_MAX) {
        group_set_passed(group, group->n_passed - 1u);
        if (group->n_passed == 0) {
            __atomic_store_n(&group->passed, 0, __ATOMIC_RELAXED);
        }
    }
}

/* The group as it is, or as nobody ever left it. */
static inline struct group group_look(const struct group *shared)
{
    struct group group;

    shared_read(&group, shared, sizeof(group));
    return group;
}

/* Bit i: slot i has this tag. For processors without the vector form, and for its test. */
static inline uint32_t group_match_portable(const struct group *group, unsigned char tag)
{
    uint32_t mask = 0;

    for (unsigned i = 0; i < GROUP_SLOTS; i++) {
        mask |= (uint32_t)(group->tags[i] == tag) << i;
    }
    return mask;
}

/* The same, but beyond GROUP_SLOTS_MASK any bits may be set: for whoever looks only at the lowest.
 */
static inline uint32_t group_match_all(const struct group *group, unsigned char tag)
{
#if defined(__SSE2__)
    __m128i tags = _mm_load_si128((const __m128i *)(const void *)group);

    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi8((char)tag)));
#elif defined(__aarch64__)
    static const unsigned char bits[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32};
    uint8x16_t equal =
        vceqq_u8(vld1q_u8((const unsigned char *)(const void *)group), vdupq_n_u8(tag));
    uint8x16_t found = vandq_u8(equal, vld1q_u8(bits));

    return (uint32_t)vaddv_u8(vget_low_u8(found)) | (uint32_t)vaddv_u8(vget_high_u8(found)) << 8;
#else
    return group_match_portable(group, tag);
#endif
}

/* The same for the tag of this hash, of which only the upper half counts. */
static inline uint32_t group_match_hash(const struct group *group, uint64_t hash)
{
#if defined(__SSE2__)
    /* What tag_of_hash says, in each byte, without a register of integers between. */
    __m128i tags = _mm_cvtsi64_si128((long long)hash);

    tags = _mm_unpacklo_epi8(tags, tags); /* the fifth byte, twice, is the fifth word */
    tags = _mm_shufflehi_epi16(tags, 0);
    tags = _mm_unpackhi_epi64(tags, tags);
    tags = _mm_max_epu8(tags, _mm_set1_epi8(1));
    tags = _mm_cmpeq_epi8(tags, _mm_load_si128((const __m128i *)(const void *)group));
    return (uint32_t)_mm_movemask_epi8(tags);
#else
    return group_match_all(group, tag_of_hash(hash));
#endif
}

static inline uint32_t group_match(const struct group *group, unsigned char tag)
{
    return group_match_all(group, tag) & GROUP_SLOTS_MASK;
}

/*
 * The same of a group that somebody may be writing. One load, since a vector that is put together
 * in memory from two words has to wait for both.
 */
static inline uint32_t group_match_shared(const struct group *shared, unsigned char tag)
{
#if defined(__SSE2__)
    __m128i tags;

    __asm__ volatile("movdqa %1, %0" : "=x"(tags) : "m"(*shared) : "memory");
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi8((char)tag))) &
           GROUP_SLOTS_MASK;
#else
    struct group group = group_look(shared);

    return group_match(&group, tag);
#endif
}

/* An entry of this hash may be in a later group. Less often true than that any may. */
static inline bool group_may_be_passed_by(const struct group *shared, uint32_t hash_upper)
{
    return (__atomic_load_n(&shared->passed, __ATOMIC_RELAXED) & group_passed_bit(hash_upper)) != 0;
}

static inline bool group_was_passed(const struct group *shared)
{
    return __atomic_load_n(&shared->n_passed, __ATOMIC_RELAXED) != 0;
}

#endif
