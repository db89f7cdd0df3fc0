// SPDX-License-Identifier: MIT
/*
 * Keys of functions with texts, for quick_wide.c: one part behind the other, as they come, in a
 * room on the stack. Short keys lie in slots, as rows do; longer ones in blocks.
 */
#include "call/quick_texts.h"

#include "call/quick_private.h"

/* What is written behind the part that ends there: zeroes up to the end of a short key. */
static void fill_up(char *end)
{
    memset(end, 0, SHORT_KEY_WORDS * sizeof(uint64_t));
}

/* In words: what is written piece by piece and read as words waits until it has left for memory. */
static inline bool make_short_key(const struct quick_texts *texts, const struct abi_words *words,
                                  uint64_t *key, uint32_t *ret_n_bytes)
{
    const char *text;
    uint64_t n;

    memcpy(&text, (const char *)words + texts->parts[0].from, sizeof(text));
    if (!marshal_is_ahead(text, texts->ahead_offsets) || !marshal_short_text(text, key, &n)) {
        return false;
    }
    *ret_n_bytes = (uint32_t)(n + MARSHAL_TEXT_FRAME_BYTES);
    return true;
}

uint32_t quick_texts_key(const struct quick_texts *texts, const struct abi_words *words,
                         uint64_t key[QUICK_TEXTS_WORDS])
{
    char *at = (char *)key, *end = at + QUICK_TEXTS_BYTES;
    uint32_t n_short;
    uint64_t word;

    if (make_short_key(texts, words, key, &n_short)) {
        return n_short;
    }
    for (uint32_t i = 0; i < texts->n_parts; i++) {
        const struct quick_text_part *part = &texts->parts[i];
        uint32_t n_bytes = part->n_bytes;

        memcpy(&word, (const char *)words + part->from, sizeof(word));
        if (n_bytes == 0) {
            n_bytes = marshal_frame_text(at, (size_t)(end - at), (const char *)(uintptr_t)word);
        } else if (n_bytes <= (size_t)(end - at)) {
            memcpy(at, &word, sizeof(word)); /* there is room for more than the part */
        } else {
            n_bytes = 0;
        }
        if (n_bytes == 0) {
            return 0;
        }
        at += n_bytes;
    }
    fill_up(at);
    return (uint32_t)(at - (char *)key);
}

bool quick_ask_texts(const struct quick_texts *texts, const struct cache_rows *rows, uint64_t seed,
                     const struct abi_words *words, uint64_t now_ns, bool use, uint64_t *ret_value)
{
    uint64_t key[QUICK_TEXTS_WORDS], hash;
    uint32_t n_bytes = quick_texts_key(texts, words, key);

    if (n_bytes == 0) {
        return false;
    }
    if (n_bytes > SHORT_KEY_BYTES) {
        const struct long_key longer = long_key_of(key, n_bytes);

        hash = hash_bytes((struct bytes){key, n_bytes}, seed);
        return cache_find_long_row(rows, &longer, hash, now_ns, use, ret_value);
    }
    hash = hash_three_words(key, n_bytes, seed);
    key[2] = short_key_last(key[2], n_bytes);
    return likely(__libc_single_threaded)
               ? cache_find_row(rows, key, SHORT_KEY_WORDS, hash, now_ns, use, ret_value)
               : cache_glance_row(rows, key, hash, now_ns, use, ret_value);
}

void quick_texts_prepare(struct quick_texts *ret_texts, const struct abi_call *abi,
                         const struct marshal_wide *described)
{
    *ret_texts = (struct quick_texts){.n_parts = described->n_parts};
    for (uint32_t i = 0; i < described->n_parts; i++) {
        ret_texts->parts[i].from = abi->word_at[described->parts[i].parameter];
        ret_texts->parts[i].n_bytes = (uint8_t)described->parts[i].n_bytes;
    }
    if (described->n_parts == 1 && described->parts[0].n_bytes == 0) {
        ret_texts->ahead_offsets = marshal_ahead_offsets();
    }
}
