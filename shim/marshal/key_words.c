// SPDX-License-Identifier: MIT
/*
 * The keys of functions of a few scalars, or of such behind pointers, whose other inputs all calls
 * share: put together in words, without a step for each part, and without a byte that is read again
 * before its word is whole. They are what key.c makes of the same call; where it takes more than
 * this, as for NULL or a look at files, key.c does it.
 */
#include "marshal/inputs.h"

#include <errno.h>
#include <string.h>

#define MAX_WORDS  3
#define MAX_PIECES 6

/* A scalar of 1, 2, 4 or 8 bytes, and where it stands in the key. */
struct piece {
    uint8_t parameter, n_bytes, at;
    bool is_behind; /* the pointer that is the argument */
};

/* Constant. */
struct marshal_key_words {
    uint32_t n_bytes, n_words, n_pieces;
    uint32_t number_at; /* of shared inputs, if there are any */
    bool has_number;
    uint64_t words[MAX_WORDS]; /* what is in every key */
    struct piece pieces[MAX_PIECES];
};

static bool add_piece(struct marshal_key_words *words, uint32_t parameter, uint64_t n_bytes,
                      bool is_behind)
{
    if (words->n_pieces == MAX_PIECES || n_bytes == 0 || n_bytes > sizeof(uint64_t) ||
        (n_bytes & (n_bytes - 1)) != 0 ||
        words->n_bytes + is_behind + n_bytes > sizeof(words->words)) {
        return false;
    }
    if (is_behind) {
        ((unsigned char *)words->words)[words->n_bytes++] = MARSHAL_KEY_CONSTANT;
    }
    words->pieces[words->n_pieces++] =
        (struct piece){(uint8_t)parameter, (uint8_t)n_bytes, (uint8_t)words->n_bytes, is_behind};
    words->n_bytes += (uint32_t)n_bytes;
    return true;
}

static bool add_parameter(struct marshal_key_words *words, const struct marshal_plan *plan,
                          uint32_t i)
{
    const struct marshal_parameter *parameter = &plan->parameters[i];

    if (marshal_is_approximate(parameter->description) || parameter->reads != NULL) {
        return false;
    }
    switch (parameter->description->kind) {
    case DESCRIBE_IGNORE:
        return true;
    case DESCRIBE_VALUE:
    case DESCRIBE_ADDRESS:
        return parameter->value_bytes == parameter->type->size_bytes &&
               add_piece(words, i, parameter->value_bytes, false);
    case DESCRIBE_MEMORY:
        return parameter->out_slot < 0 && parameter->constant_count > 0 &&
               parameter->constant_count <= (int64_t)sizeof(uint64_t) &&
               parameter->element_bytes == parameter->element_value_bytes &&
               parameter->element_bytes <= sizeof(uint64_t) &&
               add_piece(words, i, (uint64_t)parameter->constant_count * parameter->element_bytes,
                         true);
    default:
        return false;
    }
}

int marshal_key_words_create(struct marshal_plan *plan, struct arena *arena)
{
    struct marshal_key_words found = {0}, *words;

    if (plan->function->has_secret || plan->fixed != NULL || plan->can_overlap ||
        plan->n_shared_inputs < plan->function->n_inputs) {
        return 0;
    }
    for (uint32_t k = 0; k < plan->n_parameters; k++) {
        if (!add_parameter(&found, plan, plan->order[k])) {
            return 0;
        }
    }
    if (plan->n_shared_inputs > 0) {
        found.has_number = true;
        found.number_at = found.n_bytes;
        found.n_bytes += (uint32_t)sizeof(uint32_t);
    }
    if (found.n_bytes > sizeof(found.words) || found.n_bytes > plan->limit_bytes) {
        return 0;
    }
    found.n_words = (found.n_bytes + 7) / 8;
    words = arena_alloc(arena, sizeof(*words));
    if (words == NULL) {
        return -ENOMEM;
    }
    *words = found;
    plan->key_words = words;
    return 0;
}

static inline uint64_t load(const void *from, uint32_t n_bytes)
{
    uint64_t word = 0;

    switch (n_bytes) {
    case 1:
        return *(const uint8_t *)from;
    case 2:
        memcpy(&word, from, 2);
        return word;
    case 4:
        memcpy(&word, from, 4);
        return word;
    default:
        memcpy(&word, from, 8);
        return word;
    }
}

/* words has one word more than keys. */
static inline void add_word(uint64_t *words, uint32_t at, uint64_t word)
{
    uint32_t up = at % 8 * 8;

    words[at / 8] |= word << up;
    if (up > 0) {
        words[at / 8 + 1] |= word >> (64 - up);
    }
}

bool marshal_put_key_words(const struct marshal_plan *plan, struct marshal_buffer *buffer,
                           void *const *arguments, struct marshal_call *call)
{
    const struct marshal_key_words *key = plan->key_words;
    uint64_t words[MAX_WORDS + 1] = {key->words[0], key->words[1], key->words[2]};
    const struct seen_inputs *seen;

    if (buffer->capacity - buffer->n_bytes < sizeof(key->words)) {
        return false;
    }
    for (uint32_t i = 0; i < key->n_pieces; i++) {
        const struct piece *piece = &key->pieces[i];
        const void *from = arguments[piece->parameter];

        if (piece->is_behind) {
            from = *(void *const *)from;
            if (from == NULL) {
                return false;
            }
        }
        add_word(words, piece->at, load(from, piece->n_bytes));
    }
    if (key->has_number) {
        seen = plan->seen != NULL ? seen_find(plan, 0) : NULL;
        if (seen == NULL) {
            return false;
        }
        add_word(words, key->number_at, seen->number);
        input_see(&call->seen, seen->hash);
        call->found = seen;
    }
    memcpy(buffer->data + buffer->n_bytes, words, sizeof(key->words));
    buffer->n_bytes += key->n_bytes;
    return true;
}

/* Where memory lies that is handed out hangs on an argument. */
static bool has_tied_place(const struct marshal_plan *plan)
{
    for (uint32_t i = 0; i < plan->places->n; i++) {
        if (plan->places->items[i].kind == LIFETIME_STATIC_ARGUMENT) {
            return true;
        }
    }
    return false;
}

bool marshal_is_imaged(const struct marshal_plan *plan, struct marshal_imaged *ret_imaged)
{
    const struct marshal_key_words *words = plan->key_words;

    if (plan->image == NULL || has_tied_place(plan) || words == NULL ||
        words->n_bytes < sizeof(uint64_t) || words->n_bytes > MARSHAL_IMAGE_KEY_BYTES ||
        words->n_pieces > MARSHAL_IMAGE_PARTS || (words->has_number && plan->seen == NULL) ||
        (plan->has_written_apart && !plan->knows_apart)) {
        return false;
    }
    *ret_imaged = (struct marshal_imaged){
        .n_key_bytes = words->n_bytes,
        .key = {words->words[0], words->words[1]},
        .n_parts = words->n_pieces,
        .has_number = words->has_number,
        .number_at = words->number_at,
        .looks_at_files = plan->looks_at_files,
        .apart_begin = plan->has_written_apart ? plan->apart_begin : 0,
        .apart_end = plan->has_written_apart ? plan->apart_end : 0,
    };
    for (uint32_t i = 0; i < words->n_pieces; i++) {
        const struct piece *piece = &words->pieces[i];

        ret_imaged->parts[i].parameter = piece->parameter;
        ret_imaged->parts[i].at = piece->at;
        ret_imaged->parts[i].n_bytes = piece->n_bytes;
        ret_imaged->parts[i].is_behind = piece->is_behind;
    }
    return true;
}

uint32_t marshal_number_now(const struct marshal_plan *plan, uint64_t now_ns)
{
    const struct seen_inputs *seen = seen_find(plan, now_ns);

    return seen == NULL ? 0 : seen->number;
}
