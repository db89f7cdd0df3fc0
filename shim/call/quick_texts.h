// SPDX-License-Identifier: MIT
/* Keys of functions with texts, for quick_wide.c alone. */
#ifndef CALL_QUICK_TEXTS_H
#define CALL_QUICK_TEXTS_H

#include "abi/abi.h"
#include "cache/cache.h"
#include "marshal/marshal.h"

/* Longer keys go the long way. The room is larger by what may be written behind the last part. */
#define QUICK_TEXTS_BYTES MARSHAL_WIDE_TEXT_BYTES
#define QUICK_TEXTS_WORDS \
    ((QUICK_TEXTS_BYTES + MARSHAL_TEXT_SLACK_BYTES) / sizeof(uint64_t) + SHORT_KEY_WORDS)

/* Constant. */
struct quick_texts {
    uint32_t n_parts;       /* 0: no parameter is text */
    uint32_t ahead_offsets; /* of marshal_is_ahead, where a text is all there is; otherwise 0 */
    struct quick_text_part {
        uint8_t from;    /* in abi_words */
        uint8_t n_bytes; /* 0: it is text */
    } parts[MARSHAL_WIDE_PARTS];
};

void quick_texts_prepare(struct quick_texts *ret_texts, const struct abi_call *abi,
                         const struct marshal_wide *described);

/* The key of these arguments, its last words filled up with zeroes: its size. 0: it is too long. */
uint32_t quick_texts_key(const struct quick_texts *texts, const struct abi_words *words,
                         uint64_t key[QUICK_TEXTS_WORDS]);

/* As cache_find_row, and with threads cache_glance_row, of the key of these arguments. */
bool quick_ask_texts(const struct quick_texts *texts, const struct cache_rows *rows, uint64_t seed,
                     const struct abi_words *words, uint64_t now_ns, bool use, uint64_t *ret_value);

#endif
