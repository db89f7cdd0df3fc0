// SPDX-License-Identifier: MIT
/*
 * The registered bindings, as both the patching and the answers to dlsym read them. Registering
 * happens under the patch lock; reading takes no lock.
 */
#ifndef INTERPOSE_BINDINGS_H
#define INTERPOSE_BINDINGS_H

#include "interpose/interpose.h"

/*
 * A set of 32-bit hashes that may say yes wrongly but never no: it keeps the cost of asking about
 * names and addresses that are nobody's business to one load.
 */
enum {
    FILTER_BITS = 4096
};

struct filter {
    uint64_t words[FILTER_BITS / 64];
};

static inline void filter_add(struct filter *filter, uint32_t hash)
{
    uint64_t *word = &filter->words[hash % FILTER_BITS / 64];

    __atomic_fetch_or(word, 1ull << (hash % 64), __ATOMIC_RELEASE);
}

static inline bool filter_may_have(const struct filter *filter, uint32_t hash)
{
    const uint64_t *word = &filter->words[hash % FILTER_BITS / 64];

    return (__atomic_load_n(word, __ATOMIC_ACQUIRE) >> (hash % 64)) & 1;
}

/* Of a code address: functions begin at multiples of 16, so the low bits say little. */
static inline uint32_t filter_hash_address(uintptr_t address)
{
    return (uint32_t)((address * 0x9e3779b97f4a7c15u) >> 40);
}

/* Makes the patch lock. Called by interpose_init. */
void patch_init(void);

/*
 * Adds an array of bindings, or lengthens the last one by what stands right behind it; the caller
 * holds the patch lock. 0 or -ENOSPC.
 */
int bindings_register_locked(struct interpose_binding *bindings, size_t n_bindings);

/* Visits the active bindings of all arrays; a cursor starts as zeros. NULL at the end. */
struct bindings_cursor {
    size_t array, i;
};
struct interpose_binding *bindings_next_active(struct bindings_cursor *cursor);

/* False when no binding, active or not, and no wish has a name with this hash. */
bool bindings_may_have(uint32_t name_hash);

/* The name is that of a wish. */
void bindings_expect(uint32_t name_hash);

/* The active binding of this name and original, or NULL. */
const struct interpose_binding *bindings_find(const char *symbol, uintptr_t original);

/* Written under the patch lock; read everywhere. */
static inline void binding_set_active(struct interpose_binding *binding, bool is_active)
{
    __atomic_store_n(&binding->is_active, is_active, __ATOMIC_RELEASE);
}

static inline bool binding_is_active(const struct interpose_binding *binding)
{
    return __atomic_load_n(&binding->is_active, __ATOMIC_ACQUIRE);
}

#endif
