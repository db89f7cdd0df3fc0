// SPDX-License-Identifier: MIT
/*
 * Hashes of keys. hash_bytes finds a slot and nothing more: whole keys are always compared, so a
 * collision costs a comparison and never an answer. hash_mac is for keys that are declared secret:
 * there the digest is all that is kept, so it must not be possible to construct a collision.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/bytes.h"
#include <stdint.h>

/*
 * One seeded 64x64->128 multiply-fold for up to 16 bytes (2 ns), XXH3 above (4 to 7 ns). Equal
 * bytes and seed give equal hashes within one process; the value means nothing to another one.
 */
uint64_t hash_bytes(struct bytes key, uint64_t seed);

struct hash_mac_key {
    uint64_t k0, k1;
};

struct hash_mac {
    unsigned char bytes[16];
};

/* SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, 2012; reference test vectors). */
struct hash_mac hash_mac(struct bytes message, const struct hash_mac_key *key);

/* Fills n_bytes from the kernel's generator; 0 or -errno. Never blocks for long after boot. */
int random_bytes(void *ret_bytes, size_t n_bytes);

#endif
