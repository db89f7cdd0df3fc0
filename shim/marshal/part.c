// SPDX-License-Identifier: MIT
/*
 * One argument's share of a key: found in a key, and made from an argument of another function that
 * may be equal to it. Equal arguments have equal shares and different ones different shares, as in
 * whole keys (key.c).
 */
#include "marshal/marshal_private.h"

#include <errno.h>
#include <string.h>

/* Bytes of a part that stands at `at`: of a scalar, an address or a text. */
static size_t part_bytes(const struct marshal_parameter *parameter, const unsigned char *at)
{
    if (parameter->description->kind != DESCRIBE_STRING) {
        return parameter->value_bytes;
    }
    if (at[0] == 'N') {
        return 1;
    }
    return MARSHAL_TEXT_FRAME_BYTES + marshal_framed_bytes(at);
}

struct bytes marshal_key_part(const struct marshal_plan *plan, struct bytes key, uint32_t parameter)
{
    const unsigned char *at = key.data;

    for (uint32_t k = 0; plan->order[k] != parameter; k++) {
        at += part_bytes(&plan->parameters[plan->order[k]], at);
    }
    return (struct bytes){at, part_bytes(&plan->parameters[parameter], at)};
}

int marshal_part(uint32_t n_value_bytes, bool by_content, const void *value, void *room,
                 size_t n_room, size_t *ret_n_bytes)
{
    unsigned char *at = room;
    const char *text;
    size_t n_bytes;

    if (!by_content) {
        if (n_value_bytes > n_room) {
            return -E2BIG;
        }
        memcpy(at, value, n_value_bytes);
        *ret_n_bytes = n_value_bytes;
        return 0;
    }
    if (n_room < MARSHAL_TEXT_FRAME_BYTES) {
        return -E2BIG;
    }
    memcpy(&text, value, sizeof(text));
    if (text == NULL) {
        at[0] = 'N';
        *ret_n_bytes = 1;
        return 0;
    }
    n_bytes = strnlen(text, n_room - MARSHAL_TEXT_FRAME_BYTES + 1);
    if (n_bytes > n_room - MARSHAL_TEXT_FRAME_BYTES) {
        return -E2BIG;
    }
    marshal_put_text_frame(at, n_bytes);
    memcpy(at + MARSHAL_TEXT_FRAME_BYTES, text, n_bytes);
    *ret_n_bytes = MARSHAL_TEXT_FRAME_BYTES + n_bytes;
    return 0;
}
