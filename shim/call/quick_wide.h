// SPDX-License-Identifier: MIT
/*
 * What functions have whose hits are found in rows (cache/rows.h), and what the two ways to them
 * share: quick_wide.c, which takes arguments from memory, and quick_rows.c.
 */
#ifndef CALL_QUICK_WIDE_H
#define CALL_QUICK_WIDE_H

#include "call/life.h"
#include "call/quick_keys.h"
#include "call/quick_private.h"
#include "call/quick_texts.h"

#include <errno.h>

#define QUICK_ROW_INTEGERS 3
#define QUICK_ROW_VECTORS  2
#define QUICK_ROW_OUTS     2

/* The same for quick_rows.c: places are in bytes from the beginning of a slot. */
struct quick_row_out {
    uint32_t integer;             /* which of these registers has the pointer */
    uint32_t first_at, second_at; /* two words; of less than nine bytes the same twice */
    uint32_t n_bytes;
};

/* What a register is to a key of at most two words; a mask of 0: nothing. */
struct quick_part {
    uint64_t mask;
    uint64_t in_low; /* what is in the key's first word, once this is turned by so many bits */
    uint32_t shift;  /* less than 64 */
};

/* Where a part of the answer goes. */
struct quick_out {
    uint8_t from; /* the pointer, in abi_words */
    uint8_t word; /* of the answer */
    uint8_t n_bytes;
};

#define QUICK_NO_WORD CACHE_ROW_WORDS

/* Constant. */
struct call_wide {
    abi_words_fn code;  /* that takes arguments from memory */
    abi_words_fn first; /* what calls enter instead: it may go on to code. NULL: nothing */
    struct cache_rows rows;
    struct hash_seeds seeds; /* of keys of at most two words */
    uint32_t n_key_bytes, n_record_bytes, n_outs;
    uint32_t result_word, errno_word; /* of the answer; QUICK_NO_WORD: there is none */
    /* Of a result that quick_pairs.c is for, in its words: bytes of its value. */
    uint32_t n_first_bytes, n_second_bytes;
    struct quick_out outs[MARSHAL_WIDE_OUTS];
    struct quick_texts texts; /* if there are any, instead of all that keys are made of below */
    uint32_t n_words;         /* of keys; 0: there are texts */
    struct quick_keys keys;
    struct quick_part integers[QUICK_ROW_INTEGERS], vectors[QUICK_ROW_VECTORS];
    struct quick_row_out row_outs[QUICK_ROW_OUTS];
    uint32_t row_result_at, row_errno_at; /* 0: errno is left alone */
    uint32_t n_approximate; /* of these parameters, which then have no way in quick_rows.c */
    uint8_t approximate[MARSHAL_WIDE_PARTS];
};

/* One more word: what is not there is anything. */
struct quick_answer {
    uint64_t words[CACHE_ROW_WORDS + 1];
};

/*
 * The first step of is_rounding_told: what float_look_is_default is to be asked of when everything
 * else is done. What says that all is well, where rounding does not count.
 */
static inline uint64_t quick_look_at_rounding(const struct call_plan *plan, bool has_vectors)
{
    return has_vectors || plan->quick.looks_at_rounding ? float_look() : FLOAT_LOOK_DEFAULT;
}

/* They have no byte in common. */
static inline bool quick_are_apart(const char *a, uint32_t n_a, const char *b, uint32_t n_b)
{
    /* From a byte that would be the first to touch it up to the last one that does. */
    return (uintptr_t)b - (uintptr_t)a + n_b - 1 >= (uintptr_t)n_a + n_b - 1;
}

/* to is anywhere. The guard is not set: to may be where writing is not allowed. */
static inline void quick_give(char *to, const uint64_t *from, uint32_t n_bytes)
{
    const char *at = (const char *)from;

    for (; n_bytes >= 8; n_bytes -= 8, at += 8, to += 8) {
        memcpy(to, at, 8);
    }
    if ((n_bytes & 4) != 0) {
        memcpy(to, at, 4);
        at += 4;
        to += 4;
    }
    if ((n_bytes & 2) != 0) {
        memcpy(to, at, 2);
        at += 2;
        to += 2;
    }
    if ((n_bytes & 1) != 0) {
        *to = *at;
    }
}

/* What is given back besides memory. The guard is not set. */
static inline struct abi_both quick_finish(const struct call_plan *plan,
                                           const struct quick_answer *answer)
{
    const struct call_wide *wide = plan->wide;

    if (__builtin_expect(wide->errno_word != QUICK_NO_WORD, 0)) {
        int32_t set_errno = (int32_t)answer->words[wide->errno_word];

        if (set_errno != MARSHAL_ERRNO_UNTOUCHED) {
            errno = set_errno;
        }
    }
    return both(widen(&plan->quick, answer->words[wide->result_word]));
}

/* All that an answer gives back. The guard is not set. */
struct abi_both quick_wide_give(const struct call_plan *plan, const struct abi_words *words,
                                const struct quick_answer *answer);

/*
 * The key of these arguments, in as many words as slots have of it, and its hash: its size in
 * bytes. ret_n_words 0: it is longer than those that lie in slots. 0: it is made the long way.
 */
uint32_t quick_wide_key(const struct call_plan *plan, const struct abi_words *words,
                        uint64_t ret_row[QUICK_TEXTS_WORDS], uint64_t *ret_hash,
                        uint32_t *ret_n_words);

/* So many bytes from anywhere, filled up with zeroes. The reverse of quick_give. */
static inline void quick_take(uint64_t *to, const char *from, uint32_t n_bytes)
{
    uint32_t half;
    uint64_t rest = 0;

    if (likely(n_bytes == 16)) { /* without a loop */
        memcpy(to, from, 8);
        memcpy(to + 1, from + 8, 8);
        return;
    }
    for (; n_bytes >= 8; n_bytes -= 8, from += 8) {
        memcpy(to++, from, 8);
    }
    if (n_bytes == 4) {
        memcpy(&half, from, 4);
        *to = half;
    } else if (n_bytes != 0) {
        for (uint32_t i = 0; i < n_bytes; i++) {
            rest |= (uint64_t)(unsigned char)from[i] << 8 * i;
        }
        *to = rest;
    }
}

/*
 * The record of a call that has left this, with errno as it was set, or 0; of result there are its
 * own bytes and nothing beyond. As many words as records have. The guard is set.
 */
static inline void quick_wide_record(const struct call_plan *plan, const struct abi_words *words,
                                     uint64_t result, int set_errno,
                                     uint64_t ret_record[CACHE_ROW_WORDS])
{
    const struct call_wide *wide = plan->wide;
    int32_t done = set_errno == 0 ? MARSHAL_ERRNO_UNTOUCHED : set_errno;

    for (uint32_t i = 0; i < wide->n_outs; i++) {
        quick_take(&ret_record[wide->outs[i].word],
                   (const char *)(uintptr_t)words->integers[wide->outs[i].from / 8u],
                   wide->outs[i].n_bytes);
    }
    if (wide->result_word != QUICK_NO_WORD) {
        ret_record[wide->result_word] = result;
    }
    if (wide->errno_word != QUICK_NO_WORD) {
        ret_record[wide->errno_word] = (uint32_t)done;
    }
}

/*
 * quick_miss_rows.c: the short way of a miss, with the same conditions. False: nothing has
 * happened, and quick_wide_handle has to go on.
 */
bool quick_compute_wide(struct call_plan *plan, struct abi_words *words, uint64_t *ret_word);

/* The same for results of two words: as they lie in memory, and anything behind that. */
bool quick_compute_pair(struct call_plan *plan, struct abi_words *words, uint64_t ret_value[2]);

/* The long way, in a process without threads after a look that found nothing. */
struct abi_both quick_wide_handle(struct call_plan *plan, struct abi_words *words);

/* What lies elsewhere than a look in its home has found, or any call in a process with threads. */
struct abi_both quick_wide_further(struct call_plan *plan, struct abi_words *words);

/* Of a key of one to four words, which are known when this is compiled. */
static inline __attribute__((always_inline)) struct hash_halves
quick_wide_hash(const struct call_plan *plan, uint32_t n_words, const uint64_t *key)
{
    const struct call_wide *wide = plan->wide;
    uint64_t hash;

    if (n_words <= 2) {
        return hash_words_halves(key[0], n_words == 2 ? key[1] : 0, &wide->seeds);
    }
    hash = n_words == 3 ? hash_three_words(key, wide->n_key_bytes, plan->seed)
                        : hash_four_words(key, wide->n_key_bytes, plan->seed);
    return (struct hash_halves){(uint32_t)hash, hash};
}

/* A hit, in a process with threads as well, or nothing has happened. */
bool quick_wide_find(struct call_plan *plan, const struct abi_words *words,
                     struct quick_answer *ret_answer);

/* quick_handle_words of any result but in memory: its value, in 16 bytes at most. */
void quick_handle_into(struct call_plan *plan, struct abi_words *words, void *ret_value);

/* The code that takes arguments from memory, by the words of a key, 0 with texts. */
abi_words_fn quick_wide_code(uint32_t n_words);

/* For call_plan_quick; NULL: they have none for such a function. */
void (*quick_outs_code(struct call_plan *plan))(void);
void (*quick_rows_code(const struct abi_call *abi, const struct call_wide *wide))(void);

/* The same with arguments in memory. */
abi_words_fn quick_many_code(struct call_plan *plan);

/* The same for results of two words: of any such function; and what calls enter instead, or NULL.
 */
abi_words_fn quick_pairs_code(const struct call_plan *plan);
abi_words_fn quick_pairs_first(const struct call_plan *plan);

#endif
