// SPDX-License-Identifier: MIT
/* What is known of one block that is out, for whoever frees it. See freeing.h. */
#ifndef MARSHAL_HANDED_OUT_H
#define MARSHAL_HANDED_OUT_H

#include "marshal/freeing.h"

struct handed_out {
    const struct config_lifetime *lifetime;
    const struct config_pointee *pointee; /* NULL: text */
    uint64_t n_elements;
};

/* True when block is out: it no longer is, and whoever is told so frees it. */
bool handed_out_take(void *block, struct handed_out *ret_block);

#endif
