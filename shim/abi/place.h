// SPDX-License-Identifier: MIT
/* Internal to abi: how arguments use up the registers of x86-64 System V, one after the other. */
#ifndef ABI_PLACE_H
#define ABI_PLACE_H

#include "abi/abi.h"

#define PLACE_N_INTEGERS 6
#define PLACE_N_VECTORS  8

/* What the arguments so far have taken. */
struct place_taken {
    uint32_t n_integers, n_vectors, n_stack_bytes;
};

/* What an argument travels in: one or two registers, of eight bytes of its value each, or memory.
 */
struct place_found {
    bool is_on_stack;
    uint32_t stack_at; /* in bytes from where such arguments begin */
    struct {
        bool is_vector;
        uint32_t number;
    } registers[2];
};

/* Before the first argument: a result in memory has taken one for its address. */
struct place_taken place_begin(const struct prototype *prototype);

/* Takes what the next argument travels in. 0, or -ENOTSUP for what is no argument. */
int place_take(struct place_taken *taken, const struct ctype *type, struct place_found *ret_found);

#endif
