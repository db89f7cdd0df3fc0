// SPDX-License-Identifier: MIT
/*
 * The functions whose keys are made without looking at their descriptions at each call: a few
 * scalars in, or one text, one scalar out, and nothing else that counts.
 */
#include "marshal/marshal_private.h"

#include <string.h>

/* Its bytes in every key are those of the argument itself. */
static bool is_plain(const struct marshal_parameter *parameter)
{
    switch (parameter->description->kind) {
    case DESCRIBE_VALUE:
    case DESCRIBE_ADDRESS:
        return parameter->value_bytes <= sizeof(uint64_t) &&
               !marshal_is_approximate(parameter->description);
    case DESCRIBE_IGNORE:
        return true;
    default:
        return false;
    }
}

/* Nothing counts but what the parameters say and the result, which is a scalar. */
static bool has_plain_result(const struct marshal_plan *plan, struct marshal_flat *ret_flat)
{
    const struct config_function *function = plan->function;
    enum description_kind result = function->result.kind;

    if (function->has_secret || function->has_secret_out || function->n_inputs > 0 ||
        function->n_globals > 0 || function->captures_errno ||
        function->result.lifetime.kind != LIFETIME_NONE || plan->has_states || plan->can_overlap ||
        (result != DESCRIBE_VALUE && result != DESCRIBE_ADDRESS)) {
        return false;
    }
    ret_flat->n_result_bytes = plan->result_value_bytes;
    ret_flat->result_is_signed = function->prototype.result->kind == CTYPE_SIGNED;
    return ret_flat->n_result_bytes > 0 && ret_flat->n_result_bytes <= sizeof(uint64_t) &&
           ret_flat->n_result_bytes == plan->record_bytes;
}

bool marshal_is_flat(const struct marshal_plan *plan, struct marshal_flat *ret_flat)
{
    *ret_flat = (struct marshal_flat){0};
    if (!has_plain_result(plan, ret_flat) || plan->n_parameters > MARSHAL_FLAT_PARAMETERS) {
        return false;
    }
    for (uint32_t i = 0; i < plan->n_parameters; i++) {
        const struct marshal_parameter *parameter = &plan->parameters[i];

        if (plan->order[i] != i || !is_plain(parameter)) {
            return false;
        }
        ret_flat->n_bytes[i] =
            parameter->description->kind == DESCRIBE_IGNORE ? 0 : parameter->value_bytes;
        ret_flat->n_key_bytes += ret_flat->n_bytes[i];
    }
    return ret_flat->n_key_bytes > 0 && ret_flat->n_key_bytes <= MARSHAL_FLAT_KEY_BYTES &&
           ret_flat->n_key_bytes == plan->key_bytes;
}

bool marshal_is_flat_text(const struct marshal_plan *plan, struct marshal_flat *ret_flat)
{
    *ret_flat = (struct marshal_flat){0};
    return has_plain_result(plan, ret_flat) && plan->n_parameters == 1 &&
           plan->parameters[0].description->kind == DESCRIBE_STRING &&
           plan->parameters[0].description->element_size <= 1 &&
           plan->limit_bytes >= MARSHAL_FLAT_TEXT_WORDS * sizeof(uint64_t);
}

/* n_bytes of text from `at` on, 1 to 8 of them, as a word; text has n_all bytes. */
static inline uint64_t load_rest(const char *text, size_t at, size_t n_all)
{
    size_t n_bytes = n_all - at;
    uint64_t word = 0;

    if (n_bytes == sizeof(word)) {
        memcpy(&word, text + at, sizeof(word));
    } else if (n_all >= sizeof(word)) {
        memcpy(&word, text + n_all - sizeof(word), sizeof(word));
        word >>= 8 * (sizeof(word) - n_bytes);
    } else {
        for (size_t i = n_bytes; i-- > 0;) {
            word = word << 8 | (unsigned char)text[at + i];
        }
    }
    return word;
}

uint32_t marshal_flat_text(const char *text, uint64_t ret_words[MARSHAL_FLAT_TEXT_WORDS])
{
    size_t n_text = strnlen(text, MARSHAL_FLAT_TEXT_BYTES + 1), at = 0;
    uint32_t n = 1;
    uint64_t word, carry = 0;

    if (n_text > MARSHAL_FLAT_TEXT_BYTES) {
        return 0;
    }
    ret_words[0] = 'S' | (uint64_t)n_text << 8;
    for (; at + sizeof(word) <= n_text; at += sizeof(word)) {
        memcpy(&word, text + at, sizeof(word));
        ret_words[n++] = carry | word << 8;
        carry = word >> 56;
    }
    word = at < n_text ? load_rest(text, at, n_text) : 0;
    ret_words[n] = carry | word << 8;
    ret_words[n + 1] = word >> 56;
    return (uint32_t)(MARSHAL_TEXT_FRAME_BYTES + n_text);
}
