// SPDX-License-Identifier: MIT
/*
 * Early recomputation, XFetch (Vattani, Chierichetti and Lowenstein, "Optimal Probabilistic Cache
 * Stampede Prevention", VLDB 2015): a hit recomputes if
 *
 *     now - delta * beta * ln(rand()) >= expiry
 *
 * where delta is what computing this entry took. So the time before its expiry at which a hit finds
 * that it should is exponentially distributed with mean delta * beta. Integers only: a hit must not
 * touch the floating-point flags of the program.
 */
#ifndef CACHE_REFRESH_H
#define CACHE_REFRESH_H

#include <stdbool.h>
#include <stdint.h>

#define REFRESH_MAX_MEANS 23 /* above 32 ln 2: no draw reaches so far */

/* -ln((random + 1) / 2^32) in units of 2^-32, right to 2^-29: exponential with mean 1. */
uint64_t refresh_exponential(uint32_t random);

/* Whether left_ns before its expiry an entry with this delta * beta is to be recomputed. */
bool refresh_is_due(uint64_t left_ns, uint64_t mean_ns, uint32_t random);

/* A time in 32 bits, to 27 significant binary digits; never up, so that 0 stays 0. */
uint32_t refresh_pack(uint64_t ns);
uint64_t refresh_unpack(uint32_t packed);

#endif
