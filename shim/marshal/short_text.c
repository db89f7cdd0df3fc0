// SPDX-License-Identifier: MIT
/* What short_text.h knows of each length that a short text may have. */
#include "base/hash.h"
#include "marshal/marshal_private.h"

/* Ones in as many bytes of a word as there are of n behind the first so many, or in all. */
#define ONES(n, before)                 \
    ((n) <= (before)       ? 0          \
     : (n) - (before) >= 8 ? UINT64_MAX \
                           : (UINT64_C(1) << 8 * (((n) - (before)) & 7)) - 1)

#define KEY_BYTES(n) (MARSHAL_TEXT_FRAME_BYTES + (n))
#define LENGTH(n)                                                                   \
    {                                                                               \
        .kept = {ONES(n, 0) << 8 * MARSHAL_TEXT_FRAME_BYTES, ONES(KEY_BYTES(n), 8), \
                 ONES(KEY_BYTES(n), 16)},                                           \
        .frame = MARSHAL_TEXT_FRAME(n), .size = (uint64_t)KEY_BYTES(n) << 56,       \
        .factor = HASH_FACTOR_OF(KEY_BYTES(n)),                                     \
    }

const struct marshal_short_length marshal_short_lengths[] = {
    LENGTH(0),  LENGTH(1),  LENGTH(2),  LENGTH(3),  LENGTH(4),  LENGTH(5),  LENGTH(6),
    LENGTH(7),  LENGTH(8),  LENGTH(9),  LENGTH(10), LENGTH(11), LENGTH(12), LENGTH(13),
    LENGTH(14), LENGTH(15), LENGTH(16), LENGTH(17), LENGTH(18), LENGTH(19),
};

_Static_assert(sizeof(marshal_short_lengths) / sizeof(marshal_short_lengths[0]) ==
                   MARSHAL_SHORT_TEXTS,
               "one for each");
