// SPDX-License-Identifier: MIT
/* The steps of an image in memory: see graph_image.h. */
#ifndef MARSHAL_GRAPH_IMAGE_STEP_H
#define MARSHAL_GRAPH_IMAGE_STEP_H

#include <stdint.h>

enum {
    IMAGE_COPY = 'C',
    IMAGE_POINTERS = 'P'
};

/* Followed by the bytes of a copy, or by the pointers. */
struct image_step {
    uint8_t kind, into, to, unused;
    uint32_t n_bytes; /* of what follows */
    uint32_t at;
};

struct image_pointer {
    uint32_t from, to;
};

#endif
