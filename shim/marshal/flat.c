// SPDX-License-Identifier: MIT
/*
 * The functions whose keys are made without looking at their descriptions at each call: a few
 * words in, or one text, one word out, and nothing else that counts.
 */
#include "marshal/marshal_private.h"

#include <string.h>

/* Nothing counts but what the parameters say and the result, of which nothing is left out. */
static bool has_plain_result(const struct marshal_plan *plan, struct marshal_flat *ret_flat)
{
    const struct config_function *function = plan->function;
    enum description_kind result = function->result.kind;
    struct abi_piece piece;

    if (function->has_secret || function->has_secret_out || function->n_inputs > 0 ||
        function->n_globals > 0 || function->captures_errno ||
        function->result.lifetime.kind != LIFETIME_NONE || plan->has_states || plan->can_overlap ||
        (result != DESCRIBE_VALUE && result != DESCRIBE_ADDRESS) ||
        abi_value_pieces(function->prototype.result, &piece, 1) != 1) {
        return false;
    }
    ret_flat->n_result_bytes = plan->result_value_bytes;
    ret_flat->result_is_signed = function->prototype.result->kind == CTYPE_SIGNED;
    return ret_flat->n_result_bytes > 0 && ret_flat->n_result_bytes <= sizeof(uint64_t) &&
           ret_flat->n_result_bytes == plan->record_bytes;
}

/* The words of a parameter, of each of which there is a first part in keys, or nothing at all. */
static bool add_words(const struct marshal_plan *plan, uint32_t i, struct marshal_flat *flat)
{
    const struct marshal_parameter *parameter = &plan->parameters[i];
    bool is_in_key = parameter->description->kind != DESCRIBE_IGNORE;
    struct abi_piece pieces[MARSHAL_FLAT_WORDS];
    uint32_t n_words = (parameter->type->size_bytes + 7) / 8;

    if (!marshal_is_plain(parameter) || flat->n_words + n_words > MARSHAL_FLAT_WORDS ||
        (is_in_key && abi_value_pieces(parameter->type, pieces, n_words) != n_words)) {
        return false;
    }
    for (uint32_t k = 0; k < n_words; k++, flat->n_words++) {
        if (is_in_key && pieces[k].at != 8 * k) {
            return false;
        }
        flat->words[flat->n_words].parameter = i;
        flat->words[flat->n_words].at = 8 * k;
        flat->words[flat->n_words].n_bytes = is_in_key ? pieces[k].n_bytes : 0;
        flat->n_key_bytes += flat->words[flat->n_words].n_bytes;
    }
    return true;
}

bool marshal_is_flat(const struct marshal_plan *plan, struct marshal_flat *ret_flat)
{
    *ret_flat = (struct marshal_flat){0};
    if (!has_plain_result(plan, ret_flat)) {
        return false;
    }
    for (uint32_t i = 0; i < plan->n_parameters; i++) {
        if (plan->order[i] != i || !add_words(plan, i, ret_flat)) {
            return false;
        }
    }
    return ret_flat->n_key_bytes > 0 && ret_flat->n_key_bytes <= MARSHAL_FLAT_KEY_BYTES &&
           ret_flat->n_key_bytes == plan->key_bytes && ret_flat->n_key_bytes <= plan->limit_bytes;
}

bool marshal_is_flat_text(const struct marshal_plan *plan, struct marshal_flat *ret_flat)
{
    *ret_flat = (struct marshal_flat){.n_words = 1};
    return has_plain_result(plan, ret_flat) && plan->n_parameters == 1 &&
           plan->parameters[0].description->kind == DESCRIBE_STRING &&
           plan->parameters[0].description->element_size <= 1 &&
           plan->limit_bytes >= MARSHAL_FLAT_TEXT_BYTES;
}

/* Written by marshal_read_nothing_ahead. */
static uint32_t ahead_offsets = MARSHAL_AHEAD_OFFSETS;

uint32_t marshal_ahead_offsets(void)
{
    return ahead_offsets;
}

void marshal_read_nothing_ahead(void)
{
    ahead_offsets = 0;
}

uint32_t marshal_frame_text(char *to, size_t n_room, const char *text)
{
    uint64_t words[MARSHAL_SHORT_TEXT_WORDS];
    size_t n_text;

    if (n_room < MARSHAL_TEXT_FRAME_BYTES) {
        return 0;
    }
    if (text == NULL) {
        to[0] = 'N';
        return 1;
    }
    if (marshal_is_ahead(text, ahead_offsets) && marshal_short_text(text, words, &n_text)) {
        memcpy(to, words, sizeof(words));
        n_text += MARSHAL_TEXT_FRAME_BYTES;
        return n_text <= n_room ? (uint32_t)n_text : 0;
    }
    n_text = strnlen(text, n_room - MARSHAL_TEXT_FRAME_BYTES + 1);
    if (n_text > n_room - MARSHAL_TEXT_FRAME_BYTES) {
        return 0;
    }
    marshal_put_text_frame(to, n_text);
    memcpy(to + MARSHAL_TEXT_FRAME_BYTES, text, n_text);
    return (uint32_t)(MARSHAL_TEXT_FRAME_BYTES + n_text);
}
