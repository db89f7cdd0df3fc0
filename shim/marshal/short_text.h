// SPDX-License-Identifier: MIT
/*
 * The key of short text in words, without a loop. Part of marshal.h, so that it becomes part of its
 * caller. It reads some bytes behind the text's end, which lie in the same page, but not in what
 * the program calls the text: no thing for whoever looks at each byte that is read.
 */
#ifndef MARSHAL_SHORT_TEXT_H
#define MARSHAL_SHORT_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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
    return (((uintptr_t)text - 1) & (MARSHAL_PAGE_BYTES - 1)) < n_offsets;
}

#if MARSHAL_READS_AHEAD

#include <emmintrin.h>

/* As many bytes of ones as text is read, and as many of zeroes. In one line of the cache. */
extern const _Alignas(64) unsigned char marshal_kept[2 * MARSHAL_AHEAD_BYTES]
    __attribute__((visibility("hidden")));

static inline uint64_t marshal_load(const void *at, size_t n_bytes)
{
    uint64_t word = 0;

    memcpy(&word, at, n_bytes);
    return word;
}

/*
 * The key of a function of nothing but this text, which is not NULL, filled up with zeroes. Returns
 * how many bytes it has; 0: the text is longer than MARSHAL_SHORT_TEXT_BYTES.
 */
static inline __attribute__((always_inline)) uint32_t
marshal_short_text(const char *text, uint64_t ret_words[MARSHAL_SHORT_TEXT_WORDS])
{
    const __m128i zero = _mm_setzero_si128();
    __m128i first = _mm_loadu_si128((const __m128i *)(const void *)text);
    __m128i last = _mm_loadu_si128((const __m128i *)(const void *)(text + 4));
    uint64_t ends = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(first, zero)) |
                    (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(last, zero)) << 4;
    const unsigned char *kept;
    uint64_t n_text;

    if (!__builtin_expect(ends != 0, 1)) {
        return 0;
    }
    n_text = (uint32_t)__builtin_ctzll(ends);
    kept = marshal_kept + MARSHAL_AHEAD_BYTES - n_text;
    ret_words[0] = 'S' | n_text << 8 | (marshal_load(text, 4) & marshal_load(kept, 4)) << 32;
    ret_words[1] = marshal_load(text + 4, 8) & marshal_load(kept + 4, 8);
    ret_words[2] = marshal_load(text + 12, 8) & marshal_load(kept + 12, 8);
    return (uint32_t)n_text + 4;
}

#else

static inline uint32_t marshal_short_text(const char *text,
                                          uint64_t ret_words[MARSHAL_SHORT_TEXT_WORDS])
{
    size_t n_text = strnlen(text, MARSHAL_SHORT_TEXT_BYTES + 1);

    if (n_text > MARSHAL_SHORT_TEXT_BYTES) {
        return 0;
    }
    memset(ret_words, 0, MARSHAL_SHORT_TEXT_WORDS * sizeof(uint64_t));
    ret_words[0] = 'S' | n_text << 8;
    memcpy((char *)ret_words + 4, text, n_text);
    return (uint32_t)(n_text + 4);
}

#endif

/*
 * The share of text in a key: its frame and its bytes, or what stands for NULL. Returns how many
 * bytes these are; 0: more than n_room. Behind them MARSHAL_TEXT_SLACK_BYTES may be written.
 */
uint32_t marshal_frame_text(char *to, size_t n_room, const char *text);

#endif
