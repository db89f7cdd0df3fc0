// SPDX-License-Identifier: MIT
/*
 * SipHash-2-4-128 from its description in "SipHash: a fast short-input PRF" (INDOCRYPT 2012) and
 * the 128-bit extension of the authors' reference: v1 is XORed with 0xee at the start, the last
 * finalisation is split by 0xee and 0xdd. Input and output are little-endian.
 */
#include "base/hash.h"

#include <endian.h>
#include <string.h>

struct sip_state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate_left(uint64_t value, int n_bits)
{
    return value << n_bits | value >> (64 - n_bits);
}

static void sip_rounds(struct sip_state *s, int n_rounds)
{
    for (int i = 0; i < n_rounds; i++) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate_left(s->v1, 13) ^ s->v0;
        s->v3 = rotate_left(s->v3, 16) ^ s->v2;
        s->v0 = rotate_left(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotate_left(s->v1, 17) ^ s->v2;
        s->v3 = rotate_left(s->v3, 21) ^ s->v0;
        s->v2 = rotate_left(s->v2, 32);
    }
}

static void sip_absorb(struct sip_state *s, uint64_t word)
{
    s->v3 ^= word;
    sip_rounds(s, 2);
    s->v0 ^= word;
}

struct hash_mac hash_mac(struct bytes message, const struct hash_mac_key *key)
{
    struct sip_state s = {
        .v0 = key->k0 ^ 0x736f6d6570736575u,
        .v1 = key->k1 ^ 0x646f72616e646f6du ^ 0xee,
        .v2 = key->k0 ^ 0x6c7967656e657261u,
        .v3 = key->k1 ^ 0x7465646279746573u,
    };
    const unsigned char *at = message.data;
    size_t n_left = message.n_bytes;
    uint64_t last = (uint64_t)message.n_bytes << 56;
    uint64_t word = 0;
    struct hash_mac mac;

    for (; n_left >= 8; n_left -= 8, at += 8) {
        memcpy(&word, at, 8);
        sip_absorb(&s, le64toh(word));
    }
    word = 0;
    if (n_left > 0) {
        memcpy(&word, at, n_left);
    }
    sip_absorb(&s, last | le64toh(word));

    s.v2 ^= 0xee;
    sip_rounds(&s, 4);
    word = htole64(s.v0 ^ s.v1 ^ s.v2 ^ s.v3);
    memcpy(mac.bytes, &word, 8);
    s.v1 ^= 0xdd;
    sip_rounds(&s, 4);
    word = htole64(s.v0 ^ s.v1 ^ s.v2 ^ s.v3);
    memcpy(mac.bytes + 8, &word, 8);
    explicit_bzero(&s, sizeof(s));
    explicit_bzero(&word, sizeof(word));
    return mac;
}
