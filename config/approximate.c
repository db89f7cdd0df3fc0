// SPDX-License-Identifier: MIT
/*
 * Reads `round` and `drop_bits`: keys of floating-point inputs that are near each other are one
 * key. Whether near inputs have near enough results only who knows the function can say.
 */
#include "config/language.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* Bits of a significand that can be dropped: all but the first, which is implied in most types. */
static uint64_t droppable_bits(const struct ctype *type)
{
    switch (type->kind) {
    case CTYPE_FLOAT:
    case CTYPE_COMPLEX_FLOAT:
        return FLT_MANT_DIG - 1;
    case CTYPE_DOUBLE:
    case CTYPE_COMPLEX_DOUBLE:
        return DBL_MANT_DIG - 1;
    default:
        return LDBL_MANT_DIG - 1;
    }
}

static bool read_round(struct workspace *work, const struct value *round, double *ret)
{
    double number;

    if (!value_expect(work, round, VALUE_NUMBER, "a number")) {
        return false;
    }
    number = strtod(round->source.text, NULL);
    if (!(number >= DBL_MIN && number <= DBL_MAX)) {
        REPORT(work->list, round->source.place, ROUND_RANGE, round->source.text);
        return false;
    }
    *ret = number;
    return true;
}

bool approximate_read(struct workspace *work, const struct value *object, const struct ctype *type,
                      struct config_description *description)
{
    const struct value *round = value_find(object, "round");
    const struct value *drop_bits = value_find(object, "drop_bits");
    const struct value *given = round != NULL ? round : drop_bits;
    uint64_t n_bits;

    if (given == NULL) {
        return true;
    }
    if (round != NULL && drop_bits != NULL) {
        REPORT(work->list, drop_bits->key_place, APPROXIMATE_TWICE);
        return false;
    }
    if (description->is_out || !description->is_in || type == NULL ||
        !(ctype_is_real(type) || ctype_is_complex(type))) {
        REPORT(work->list, given->key_place, APPROXIMATE_NO_INPUT, given->key);
        return false;
    }
    if (round != NULL) {
        return read_round(work, round, &description->round);
    }
    if (!units_read_integer(work, drop_bits, 1, droppable_bits(type), &n_bits)) {
        return false;
    }
    description->drop_bits = (uint32_t)n_bits;
    return true;
}
