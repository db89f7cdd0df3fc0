// SPDX-License-Identifier: MIT
/*
 * What the two kinds of code for functions of one to three numbers have in common: that for a
 * process without threads (quick_words.c), which hands over to that for one with threads
 * (quick_threads.c) of the same form. Internal to them.
 */
#ifndef CALL_QUICK_FORMS_H
#define CALL_QUICK_FORMS_H

#include "call/quick_private.h"

/* What is known of a function when its code is compiled. */
struct form {
    int n; /* of parameters */
    bool has_vectors;
    uint32_t n_words; /* of the key */
    enum quick_layout layout;
};

#define FORM(...)   \
    {               \
        __VA_ARGS__ \
    }

struct key {
    uint64_t low, high;
};

/* Of these words, of which those that the form has not are 0. */
static inline __attribute__((always_inline)) struct key
key_of(const struct call_quick *quick, struct form form, uint64_t w0, uint64_t w1, uint64_t w2)
{
    struct key key = {w0, w1};

    if (form.layout == QUICK_LAYOUT_INTS) {
        key.low = (uint32_t)w0 | w1 << 32;
        key.high = (uint32_t)w2;
    } else if (form.layout == QUICK_LAYOUT_ANY) {
        w1 = turned_left(w1, quick->turns[1]);
        w2 = turned_left(w2, quick->turns[2]);
        key.low =
            (w0 & quick->low_masks[0]) | (w1 & quick->low_masks[1]) | (w2 & quick->low_masks[2]);
        key.high =
            form.n_words == 1 ? 0 : (w1 & quick->high_masks[1]) | (w2 & quick->high_masks[2]);
    }
    return key;
}

/* The code for a process with threads, in caches of groups and of places. */
#define QUICK_FORM(name, n, has_vectors, n_words, layout, parameters, arguments, ...) \
    struct abi_both quick_beside_##name parameters;                                   \
    struct abi_both quick_beside_place_##name parameters;
#include "call/quick_forms.def"
#undef QUICK_FORM

#endif
