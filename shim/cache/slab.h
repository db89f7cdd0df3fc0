// SPDX-License-Identifier: MIT
/*
 * Memory in size classes, for blocks up to SLAB_CLASS_MAX_BYTES. The pool's lock is held, and the
 * caller brackets every call as a change of the pool.
 */
#ifndef CACHE_SLAB_H
#define CACHE_SLAB_H

#include "cache/block.h"

#define SLAB_CLASS_MAX_BYTES 4096

/* The smallest class for so many bytes, and how many it has. */
uint32_t slab_class_of(uint64_t n_bytes);
uint32_t slab_class_bytes(uint32_t class);

/* NULL when the kernel says no. */
void *slab_alloc_locked(struct block_pool *pool, uint32_t class);
void slab_free_locked(struct block_pool *pool, void *memory);

#endif
