// SPDX-License-Identifier: MIT
/*
 * What the memos that are written by hand have in common with the driver: where a key belongs. The
 * driver draws keys so that each has a place of its own, which is the best that such a memo can
 * meet with.
 */
#ifndef BENCH_MEMO_H
#define BENCH_MEMO_H

#include <stdint.h>
#include <string.h>

#define MEMO_TEXT_WORDS 3
#define MEMO_TEXT_BYTES (MEMO_TEXT_WORDS * sizeof(uint64_t)) /* longer texts are not remembered */

/* If-memo's: the halves folded by XOR, until the index is left. */
static inline uint32_t memo_fold_double(double x)
{
    uint64_t bits;
    uint32_t half;

    memcpy(&bits, &x, sizeof(bits));
    half = (uint32_t)bits ^ (uint32_t)(bits >> 32);
    return half ^ half >> 16;
}

static inline uint32_t memo_fold_int(int number)
{
    return (uint32_t)number ^ (uint32_t)number >> 16;
}

/*
 * The bits of text are few in each byte, so XOR would leave places empty: a multiplication to 128
 * bits, folded, instead.
 */
static inline uint32_t memo_fold_text(const uint64_t words[MEMO_TEXT_WORDS])
{
    unsigned __int128 product = (unsigned __int128)(words[0] ^ 0x9e3779b97f4a7c15u) *
                                (words[1] ^ words[2] ^ 0xe7037ed1a0b428dbu);

    return (uint32_t)((uint64_t)product ^ (uint64_t)(product >> 64));
}

/* The text in whole words, zeros behind it. Returns 0 if it is too long, which leaves words open.
 */
static inline int memo_read_text(const char *text, uint64_t words[MEMO_TEXT_WORDS])
{
    size_t n_bytes = strlen(text);

    if (n_bytes > MEMO_TEXT_BYTES) {
        return 0;
    }
    memset(words, 0, MEMO_TEXT_BYTES);
    for (size_t at = 0; at + 8 <= n_bytes; at += 8) {
        memcpy(&words[at / 8], text + at, 8);
    }
    if (n_bytes % 8 != 0) {
        memcpy(&words[n_bytes / 8], text + n_bytes / 8 * 8, n_bytes % 8);
    }
    return 1;
}

#endif
