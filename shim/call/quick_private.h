// SPDX-License-Identifier: MIT
/* What the files of the short way share; internal to them. */
#ifndef CALL_QUICK_PRIVATE_H
#define CALL_QUICK_PRIVATE_H

#include "abi/abi.h"
#include "base/foreign_libc.h"
#include "base/fork_page.h"
#include "base/guard.h"
#include "base/hash.h"
#include "call/call_private.h"

#include <string.h>

#define likely(condition) __builtin_expect(!!(condition), 1)

static inline uint64_t bits_of(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static inline uint64_t low_of(unsigned __int128 key)
{
    return (uint64_t)key;
}

static inline uint64_t high_of(unsigned __int128 key)
{
    return (uint64_t)(key >> 64);
}

static inline uint64_t turned_left(uint64_t word, uint32_t n_bits)
{
    return word << (n_bits & 63) | word >> (-n_bits & 63);
}

/* Those that there are not are anything. */
static inline void quick_note_words(struct abi_words *ret_words, uint64_t i0, uint64_t i1,
                                    uint64_t i2, double v0, double v1, double v2)
{
    ret_words->integers[0] = i0;
    ret_words->integers[1] = i1;
    ret_words->integers[2] = i2;
    ret_words->vectors[0] = bits_of(v0);
    ret_words->vectors[1] = bits_of(v1);
    ret_words->vectors[2] = bits_of(v2);
}

static inline unsigned __int128 quick_make_key(const struct call_plan *plan,
                                               const struct abi_words *words)
{
    const struct call_quick *quick = &plan->quick;
    uint64_t word, low = 0, high = 0;

    for (uint32_t i = 0; i < quick->n_words; i++) {
        memcpy(&word, (const char *)words + quick->at[i], sizeof(word));
        word = turned_left(word, quick->turns[i]);
        low |= word & quick->low_masks[i];
        high |= word & quick->high_masks[i];
    }
    return (unsigned __int128)high << 64 | low;
}

static inline struct abi_both both(uint64_t word)
{
    struct abi_both both = {.integer = word};

    __asm__("" : "+r"(word)); /* or the two are joined in memory, and taken apart again */
    memcpy(&both.vector, &word, sizeof(word));
    return both;
}

static inline uint64_t widen(const struct call_quick *quick, uint64_t word)
{
    return (uint64_t)((int64_t)(word << quick->widening) >> quick->widening);
}

/* Results are computed under the program's own rounding, which is the default one. */
static inline bool is_rounding_told(const struct call_plan *plan, bool has_vectors)
{
    return (!has_vectors && !plan->quick.looks_at_rounding) || float_mode_is_default();
}

static inline bool is_look_due(struct call_plan *plan, uint64_t n_hits)
{
    return (n_hits & atomic_load_explicit(&plan->quick.look_mask, memory_order_relaxed)) == 0;
}

/* Of the only thread of a process: one load each, which are a part of the comparison. */
static inline bool is_quiet(const struct call_plan *plan, uint64_t n_hits)
{
    return likely(alone_load_half(fork_page_word) == FORK_PAGE_SETTLED) &&
           (n_hits & alone_load_half(&plan->quick.look_mask)) != 0;
}

/*
 * Some calls were, or would have been, hits of the short way: whether statistics are due, and
 * calls to be timed. The guard is set. Keeps errno.
 */
void quick_look(struct call_plan *plan, const struct abi_words *words, uint32_t n_hits);

/* How arguments become a key. */
enum quick_layout {
    QUICK_LAYOUT_ANY,
    QUICK_LAYOUT_PLAIN, /* each is a word of the key as it comes, and so is the result's value */
    QUICK_LAYOUT_INTS,  /* two or three integers of four bytes */
};

/*
 * After a look what would have been a hit may still be one the short way; not if the next call that
 * is timed is to be a real one. The guard is set.
 */
static inline bool quick_may_hit_after_look(const struct call_plan *plan)
{
    return __libc_single_threaded && !fork_page_is_new_child() &&
           !atomic_load_explicit(&plan->is_unfollowed, memory_order_relaxed) &&
           atomic_load_explicit(&plan->measure.n_real_wanted, memory_order_relaxed) <= 0;
}

/*
 * quick_words.c: the code for a function of so many numbers; bit i of vectors: the i-th travels in
 * a vector register. n_words: of the key; slots of groups hold nothing but it and a word of value.
 */
void (*quick_words_code(uint32_t n_arguments, uint32_t vectors, uint32_t n_words,
                        enum cache_words_use use, enum quick_layout layout))(void);

/*
 * quick_miss.c: what quick_words.c has no answer for at the first look. An entry that does not lie
 * where it should, or a miss, or else quick_handle_long. With threads only once it is known that
 * there is no entry.
 */
struct abi_both quick_further(struct call_plan *plan, uint64_t i0, uint64_t i1, uint64_t i2,
                              double v0, double v1, double v2);

/* What became of a call. In registers, or the compiler could not be sure that nobody keeps it. */
struct quick_computed {
    uint64_t word;
    uint64_t is_done; /* 0: nothing has happened */
};

/*
 * An entry that is not where it was looked for, or a miss. Not done: it has to go the long way. The
 * guard is not set.
 */
struct quick_computed quick_ask_numbers(struct call_plan *plan, uint64_t i0, uint64_t i1,
                                        uint64_t i2, double v0, double v1, double v2);

/*
 * The same of a text that marshal_is_ahead lets pass, in a process without threads. Not done: it is
 * too long, or has to go the long way.
 */
struct quick_computed quick_further_text(struct call_plan *plan, const char *text);

/*
 * The long way, with at most three integers and three vector registers; those of the arguments that
 * there are not are anything.
 */
struct abi_both quick_handle_long(struct call_plan *plan, uint64_t i0, uint64_t i1, uint64_t i2,
                                  double v0, double v1, double v2);

/* quick_images.c: for call_plan_words; NULL: there is none for such a function. */
abi_words_fn quick_images_code(const struct call_plan *plan);

/* What became of a look for a text. */
enum text_end {
    TEXT_HIT,
    TEXT_MISS,  /* there is no entry, or it does not answer here */
    TEXT_OTHER, /* it was not looked for */
};

/*
 * quick_text.c: the code for a function of one text, of a plan that is complete otherwise; and a
 * hit that counts nowhere.
 */
void (*quick_text_code(const struct call_plan *plan))(void);
bool quick_try_text(const struct call_plan *plan, const struct abi_words *words);

/* quick_images.c: the same of memory that is handed out. */
bool quick_try_images(const struct call_plan *plan, const struct abi_words *words);

/*
 * quick_long_text.c: such a function's call wherever the text lies, with threads as without. One
 * for each way in which a use is noted. And a hit that counts nowhere, of text that is not NULL.
 */
struct abi_both quick_any_text_leave(const char *text, struct call_plan *plan);
struct abi_both quick_any_text_count(const char *text, struct call_plan *plan);
struct abi_both quick_any_text_stamp(const char *text, struct call_plan *plan);
struct abi_both quick_any_text_place(const char *text, struct call_plan *plan);
bool quick_try_any_text(const struct call_plan *plan, const char *text);

/* quick_wide.c: the long way, with the arguments' registers in memory; and a hit that counts
 * nowhere. */
struct abi_both quick_handle_words(struct call_plan *plan, struct abi_words *words);
bool quick_try_wide(const struct call_plan *plan, const struct abi_words *words);

#endif
