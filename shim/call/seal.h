// SPDX-License-Identifier: MIT
/*
 * Secret results at rest. A record of a function whose results are secret lies in the cache under a
 * seal, so that whoever reads memory or a core dump does not find it there; it is opened into a
 * buffer that is wiped, for each hit.
 */
#ifndef CALL_SEAL_H
#define CALL_SEAL_H

#include "base/bytes.h"
#include "base/hash.h"
#include "marshal/marshal.h"

/* What a seal adds to a record. */
#define SEAL_BYTES 16

/* Seals the record where it is. 0 or -ENOMEM, after which it must not be kept. */
int seal_close(const struct hash_mac_key *key, struct marshal_buffer *record);

/* The record again; the caller gives ret_record (initialized, secret) back. 0, -EBADMSG, -ENOMEM.
 */
int seal_open(const struct hash_mac_key *key, struct bytes sealed,
              struct marshal_buffer *ret_record);

#endif
