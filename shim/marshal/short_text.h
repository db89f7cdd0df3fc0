// SPDX-License-Identifier: MIT
/*
 * The key of short text in words, without a loop. Part of marshal.h, so that it becomes part of its
 * caller. It reads some bytes behind the text's end, which lie in the same page, but not in what
 * the program calls the text: no thing for whoever looks at each byte that is read.
 */
#ifndef MARSHAL_SHORT_TEXT_H
#define MARSHAL_SHORT_TEXT_H

#include "base/bits.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * What stands before text in a key: 'S' and the length, in three bytes, so that a short text's key
 * is not much longer than the text.
 */
#define MARSHAL_TEXT_FRAME(n_bytes) ('S' | (uint32_t)(n_bytes) << 8)
#define MARSHAL_TEXT_FRAME_BYTES    sizeof(uint32_t)

static inline uint32_t marshal_text_frame(size_t n_bytes)
{
    return MARSHAL_TEXT_FRAME(n_bytes);
}

#define MARSHAL_TEXT_SLACK_BYTES 24 /* what marshal_frame_text may write too much */

#define MARSHAL_SHORT_TEXT_BYTES 19
#define MARSHAL_SHORT_TEXT_WORDS 3

/* What of each page's bytes, the first apart, may begin a text that is read ahead of its end. */
#define MARSHAL_AHEAD_BYTES   (MARSHAL_SHORT_TEXT_BYTES + 1)
#define MARSHAL_AHEAD_OFFSETS (MARSHAL_PAGE_BYTES - MARSHAL_AHEAD_BYTES)
#define MARSHAL_PAGE_BYTES    4096u /* all pages are as large, or larger */

#if defined(__SSE2__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define MARSHAL_READS_AHEAD 1
#else
#define MARSHAL_READS_AHEAD 0
#endif
#if MARSHAL_READS_AHEAD && defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#undef MARSHAL_READS_AHEAD
#define MARSHAL_READS_AHEAD 0
#endif
#endif

/*
 * Whether marshal_short_text may be asked. n_offsets: MARSHAL_AHEAD_OFFSETS, or 0 where nothing is
 * to be read ahead. Not for NULL, nor, since that makes it one comparison, for the first byte of a
 * page.
 */
static inline bool marshal_is_ahead(const char *text, uint32_t n_offsets)
{
    return (((uint32_t)(uintptr_t)text - 1) & (MARSHAL_PAGE_BYTES - 1)) < n_offsets;
}

#define MARSHAL_SHORT_TEXTS (MARSHAL_SHORT_TEXT_BYTES + 1)

/*
 * What is constant of the key of a function of nothing but a text, by the text's length. In one
 * line of the processor's cache, to which one register leads.
 */
struct marshal_short_length {
    _Alignas(64) uint64_t kept[MARSHAL_SHORT_TEXT_WORDS]; /* ones where its bytes belong */
    uint64_t frame;                                       /* what is before them */
    uint64_t size;   /* bytes of the key, in the uppermost byte */
    uint64_t factor; /* HASH_FACTOR_OF so many */
};

extern const struct marshal_short_length marshal_short_lengths[MARSHAL_SHORT_TEXTS]
    __attribute__((visibility("hidden")));

/* The least that is read of a text, as words. */
static inline uint64_t marshal_load(const void *at, size_t n_bytes)
{
    uint64_t word = 0;

    memcpy(&word, at, n_bytes);
    return word;
}

/*
 * The key of a function of nothing but this text, of n bytes, MARSHAL_SHORT_TEXT_BYTES at most,
 * filled up with zeroes.
 */
static inline void marshal_copy_short_text(const char *text, size_t n,
                                           uint64_t ret_words[MARSHAL_SHORT_TEXT_WORDS])
{
    memset(ret_words, 0, MARSHAL_SHORT_TEXT_WORDS * sizeof(uint64_t));
    ret_words[0] = marshal_short_lengths[n].frame;
    memcpy((char *)ret_words + MARSHAL_TEXT_FRAME_BYTES, text, n);
}

/* The same, and MARSHAL_AHEAD_BYTES are read. */
static inline __attribute__((always_inline)) void
marshal_cut_short_text(const char *text, size_t n, uint64_t ret_words[MARSHAL_SHORT_TEXT_WORDS])
{
    ret_words[0] = (marshal_load(text, 4) << 32 & marshal_short_lengths[n].kept[0]) |
                   marshal_short_lengths[n].frame;
    ret_words[1] = marshal_load(text + 4, 8) & marshal_short_lengths[n].kept[1];
    ret_words[2] = marshal_load(text + 12, 8) & marshal_short_lengths[n].kept[2];
}

#if MARSHAL_READS_AHEAD

#include <emmintrin.h>

/*
 * The key of this text, which is not NULL, and its length. False: it is longer than
 * MARSHAL_SHORT_TEXT_BYTES.
 */
static inline __attribute__((always_inline)) bool
marshal_short_text(const char *text, uint64_t ret_words[MARSHAL_SHORT_TEXT_WORDS], uint64_t *ret_n)
{
    const __m128i zero = _mm_setzero_si128();
    __m128i first = _mm_loadu_si128((const __m128i *)(const void *)text);
    __m128i last = _mm_loadu_si128((const __m128i *)(const void *)(text + 4));
    uint32_t ends = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(first, zero)) |
                    (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(last, zero)) << 4;

    if (!__builtin_expect(ends != 0, 1)) {
        return false;
    }
    *ret_n = bits_lowest(ends);
    marshal_cut_short_text(text, *ret_n, ret_words);
    return true;
}

/*
 * Whether this text, of which MARSHAL_AHEAD_BYTES may be read, has this key: in words, with its
 * size in the last byte. False of one of MARSHAL_SHORT_TEXT_BYTES, whose NUL has no place in a key,
 * and of what is no short text's. The least that is compared is the NUL.
 */
static inline __attribute__((always_inline)) bool marshal_text_is_key(const char *text,
                                                                      const char *key)
{
    const char *bytes = key + MARSHAL_TEXT_FRAME_BYTES;
    __m128i first = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)text),
                                   _mm_loadu_si128((const __m128i *)(const void *)bytes));
    __m128i last = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)(text + 3)),
                                  _mm_loadu_si128((const __m128i *)(const void *)(bytes + 3)));
    uint32_t same = (uint32_t)_mm_movemask_epi8(first) | (uint32_t)_mm_movemask_epi8(last) << 3;
    uint32_t size = (unsigned char)key[MARSHAL_SHORT_TEXT_WORDS * sizeof(uint64_t) - 1];

    /* Of the bytes that are alike one more than there are in the text: behind it there are zeroes.
     * NULL's key and what is none are shorter than a frame. */
    return __builtin_expect(
        bits_lowest(same + 1) > (uint32_t)(size - (uint32_t)MARSHAL_TEXT_FRAME_BYTES), 1);
}

#else

/* Nobody may read ahead. */
static inline bool marshal_text_is_key(const char *text, const char *key)
{
    (void)text;
    (void)key;
    return false;
}

static inline bool marshal_short_text(const char *text,
                                      uint64_t ret_words[MARSHAL_SHORT_TEXT_WORDS], uint64_t *ret_n)
{
    size_t n = strnlen(text, MARSHAL_SHORT_TEXTS);

    if (n == MARSHAL_SHORT_TEXTS) {
        return false;
    }
    marshal_copy_short_text(text, n, ret_words);
    *ret_n = n;
    return true;
}

#endif

/*
 * The share of text in a key: its frame and its bytes, or what stands for NULL. Returns how many
 * bytes these are; 0: more than n_room. Behind them MARSHAL_TEXT_SLACK_BYTES may be written.
 */
uint32_t marshal_frame_text(char *to, size_t n_room, const char *text);

#endif
