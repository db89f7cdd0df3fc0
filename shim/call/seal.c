// SPDX-License-Identifier: MIT
/*
 * A stream cipher made of the keyed digest: block i of the stream is the digest of (nonce, i),
 * under a key that serves nothing else. SipHash is a pseudorandom function, so the stream cannot be
 * told from noise as long as no nonce serves two records: it is a count of this process and the
 * time, so that a forked child, which goes on counting, does not repeat it either. Nothing is
 * authenticated: who can write to this memory needs no forgery.
 */
#include "call/seal.h"

#include "base/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

/* The digest of keys has this key; another one is derived from it for seals, as HMAC does. */
#define SEAL_PAD UINT64_C(0x3636363636363636)

struct nonce {
    uint64_t count, time_ns;
};

_Static_assert(sizeof(struct nonce) == SEAL_BYTES, "it stands behind the record");

static void apply(const struct hash_mac_key *key, const struct nonce *nonce, unsigned char *data,
                  size_t n_bytes)
{
    struct hash_mac_key own = {key->k0 ^ SEAL_PAD, key->k1 ^ SEAL_PAD};
    struct hash_mac block;

    for (uint64_t i = 0; i * sizeof(block) < n_bytes; i++) {
        const struct {
            struct nonce nonce;
            uint64_t i;
        } message = {*nonce, i};
        size_t n_left = n_bytes - i * sizeof(block);

        block = hash_mac((struct bytes){(const unsigned char *)&message, sizeof(message)}, &own);
        for (size_t k = 0; k < sizeof(block) && k < n_left; k++) {
            data[i * sizeof(block) + k] ^= block.bytes[k];
        }
    }
    explicit_bzero(&own, sizeof(own));
    explicit_bzero(&block, sizeof(block));
}

int seal_close(const struct hash_mac_key *key, struct marshal_buffer *record)
{
    static _Atomic uint64_t n_sealed;
    const struct nonce nonce = {
        .count = atomic_fetch_add_explicit(&n_sealed, 1, memory_order_relaxed),
        .time_ns = clock_precise_ns(),
    };

    apply(key, &nonce, record->data, record->n_bytes);
    return marshal_buffer_put(record, &nonce, sizeof(nonce), MARSHAL_MAX_BYTES + SEAL_BYTES);
}

int seal_open(const struct hash_mac_key *key, struct bytes sealed,
              struct marshal_buffer *ret_record)
{
    struct nonce nonce;
    size_t n_bytes;
    int error;

    if (sealed.n_bytes < sizeof(nonce)) {
        return -EBADMSG;
    }
    n_bytes = sealed.n_bytes - sizeof(nonce);
    memcpy(&nonce, (const unsigned char *)sealed.data + n_bytes, sizeof(nonce));
    error = marshal_buffer_put(ret_record, sealed.data, n_bytes, MARSHAL_MAX_BYTES);
    if (error == 0) {
        apply(key, &nonce, ret_record->data, n_bytes);
    }
    return error;
}
