// SPDX-License-Identifier: MIT
/*
 * How long text is, 64 bytes at a time. Part of marshal.h, so that it becomes part of its caller.
 * As short_text.h it reads some bytes behind the text's end, in the same page.
 */
#ifndef MARSHAL_TEXT_LENGTH_H
#define MARSHAL_TEXT_LENGTH_H

#include "marshal/short_text.h"

#define MARSHAL_LENGTH_STEP 64

#if MARSHAL_READS_AHEAD

/* Bit i: the byte i of so many is the NUL. */
static inline uint64_t marshal_ends(const char *at)
{
    const __m128i zero = _mm_setzero_si128();
    uint64_t ends = 0;

#pragma GCC unroll 4
    for (uint32_t i = 0; i < MARSHAL_LENGTH_STEP; i += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(at + i));

        ends |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, zero)) << i;
    }
    return ends;
}

#endif

/* So many bytes from there on are in one page. */
static inline bool marshal_page_has(const char *at, uint32_t n_bytes)
{
    return ((uintptr_t)at & (MARSHAL_PAGE_BYTES - 1)) <= MARSHAL_PAGE_BYTES - n_bytes;
}

/* Of text that is not NULL; n_max: it has no end before that. reads_ahead: as it may. */
static inline size_t marshal_text_length(const char *text, bool reads_ahead, size_t n_max)
{
    size_t n = 0;

#if MARSHAL_READS_AHEAD
    while (reads_ahead && n < n_max && marshal_page_has(text + n, MARSHAL_LENGTH_STEP)) {
        uint64_t ends = marshal_ends(text + n);

        if (__builtin_expect(ends != 0, 1)) {
            n += (uint32_t)__builtin_ctzll(ends);
            return n < n_max ? n : n_max;
        }
        n += MARSHAL_LENGTH_STEP;
    }
    if (n >= n_max) {
        return n_max;
    }
#endif
    return n + strnlen(text + n, n_max - n);
}

#endif
