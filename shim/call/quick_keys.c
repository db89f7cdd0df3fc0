// SPDX-License-Identifier: MIT
/* The pieces that keys are made of, from a description of the keys. */
#include "call/quick_keys.h"

/* n_bits of 1 from bit `from` on, of which those beyond the word are left out. */
static uint64_t bits_at(uint32_t from, uint32_t n_bits)
{
    return (n_bits == 64 ? UINT64_MAX : ((uint64_t)1 << n_bits) - 1) << from;
}

static void add(struct quick_keys *keys, uint32_t word, struct quick_piece piece)
{
    if (keys->first[word].mask == 0) {
        keys->first[word] = piece;
        keys->is_simple = keys->is_simple && piece.turn == 0;
        return;
    }
    keys->is_simple = false;
    if (keys->second[word].mask == 0) {
        keys->second[word] = piece;
        return;
    }
    keys->more[keys->n_more].piece = piece;
    keys->more[keys->n_more++].word = word;
}

void quick_keys_prepare(struct quick_keys *ret_keys, const struct abi_call *abi,
                        const struct marshal_wide *described)
{
    *ret_keys = (struct quick_keys){.is_simple = true};
    memcpy(ret_keys->always, described->key, sizeof(described->key));
    for (uint32_t i = 0; i < described->n_parts; i++) {
        uint32_t at = described->parts[i].at, n_bits = 8 * described->parts[i].n_bytes;
        uint32_t begin = described->parts[i].from % 8 * 8; /* in its word */
        uint32_t n_room = 64 - at % 8 * 8, n_first = n_bits < n_room ? n_bits : n_room;
        struct quick_piece piece = {
            .mask = bits_at(begin, n_first),
            .from = abi_word_of(abi, described->parts[i].parameter,
                                described->parts[i].from - described->parts[i].from % 8),
            .turn = (uint8_t)((at % 8 * 8 - begin) & 63),
        };

        add(ret_keys, at / 8, piece);
        if (n_first < n_bits) { /* the rest comes to the beginning of the next word */
            piece.mask = bits_at(begin + n_first, n_bits - n_first);
            add(ret_keys, at / 8 + 1, piece);
        }
    }
}
