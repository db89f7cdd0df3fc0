// SPDX-License-Identifier: MIT
/*
 * Who left lately: a queue of upper halves of hashes that can be asked for each of them, with the
 * oldest dropped beyond a bound. In memory of the table, 10 bytes for each place; there must be
 * more places than the bound. One hash in four billion is taken for another's. Not locked.
 */
#ifndef CACHE_GHOSTS_H
#define CACHE_GHOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ghost {
    uint32_t hash;
    uint32_t next; /* with the same head, as a link; GHOST_GONE: it was taken */
};

#define GHOST_GONE UINT32_MAX

/* Begins as zeroes, but for n_places. Links are numbers of places plus one. */
struct ghosts {
    uint32_t n_places;
    uint32_t first;  /* the oldest place in use */
    uint32_t n_used; /* places from there on, in a ring, those taken included */
    uint32_t n;      /* ghosts */
    struct ghost places[];
    /* behind them half as many heads, which are links */
};

static inline uint32_t ghosts_heads(uint32_t n_places)
{
    return (n_places + 3) / 4 * 2;
}

/* Of so many places, besides struct ghosts: a multiple of 8. */
static inline size_t ghosts_bytes(uint32_t n_places)
{
    return (size_t)n_places * sizeof(struct ghost) + ghosts_heads(n_places) * sizeof(uint32_t);
}

/* The newest ghost; at most max are left then. max is below n_places. */
void ghosts_add(struct ghosts *ghosts, uint32_t hash, uint32_t max);

/* True: there was one, which is gone now. */
bool ghosts_take(struct ghosts *ghosts, uint32_t hash);

/* Into more places; to is empty. */
void ghosts_move(struct ghosts *to, const struct ghosts *from);

/* 0, or -EUCLEAN: a ghost is not to be found, or one is too many. */
int ghosts_check(const struct ghosts *ghosts);

#endif
