// SPDX-License-Identifier: MIT
/* What short_text.h knows of each length that a short text may have. */
#include "base/hash.h"
#include "marshal/marshal_private.h"

#define EACH_LENGTH(of)                                                                       \
    {                                                                                         \
        of(0), of(1), of(2), of(3), of(4), of(5), of(6), of(7), of(8), of(9), of(10), of(11), \
            of(12), of(13), of(14), of(15), of(16), of(17), of(18), of(19)                    \
    }

/* Ones in as many bytes of a word as there are of n behind the first so many, or in all. */
#define ONES(n, before)                 \
    ((n) <= (before)       ? 0          \
     : (n) - (before) >= 8 ? UINT64_MAX \
                           : (UINT64_C(1) << 8 * (((n) - (before)) & 7)) - 1)

#define IN_FIRST(n)  (ONES(n, 0) << 8 * MARSHAL_TEXT_FRAME_BYTES)
#define IN_SECOND(n) ONES(MARSHAL_TEXT_FRAME_BYTES + (n), 8)
#define IN_THIRD(n)  ONES(MARSHAL_TEXT_FRAME_BYTES + (n), 16)
#define FRAME(n)     MARSHAL_TEXT_FRAME(n)
#define SIZE(n)      ((uint64_t)(MARSHAL_TEXT_FRAME_BYTES + (n)) << 56)
#define FACTOR(n)    HASH_FACTOR_OF(MARSHAL_TEXT_FRAME_BYTES + (n))

const struct marshal_short_texts marshal_short_texts = {
    .kept = {EACH_LENGTH(IN_FIRST), EACH_LENGTH(IN_SECOND), EACH_LENGTH(IN_THIRD)},
    .frame = EACH_LENGTH(FRAME),
    .size = EACH_LENGTH(SIZE),
    .factor = EACH_LENGTH(FACTOR),
};
