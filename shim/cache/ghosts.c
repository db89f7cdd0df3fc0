// SPDX-License-Identifier: MIT
/*
 * A ring of places, and chains through them by hash. A ghost that is taken leaves a gap in the
 * ring; when the ring is full, the gaps are closed, which the ghosts pay for that came since the
 * last time: at least as many as there are places beyond the bound.
 */
#include "cache/ghosts.h"

#include <errno.h>
#include <string.h>

static uint32_t *heads_of(const struct ghosts *ghosts)
{
    return (uint32_t *)(ghosts->places + ghosts->n_places);
}

static uint32_t *head_of(const struct ghosts *ghosts, uint32_t hash)
{
    return &heads_of(ghosts)[((uint64_t)hash * ghosts_heads(ghosts->n_places)) >> 32];
}

static uint32_t place_at(const struct ghosts *ghosts, uint32_t i)
{
    uint64_t at = (uint64_t)ghosts->first + i;

    return (uint32_t)(at < ghosts->n_places ? at : at - ghosts->n_places);
}

static void append(struct ghosts *ghosts, uint32_t hash)
{
    uint32_t at = place_at(ghosts, ghosts->n_used);
    uint32_t *head = head_of(ghosts, hash);

    ghosts->places[at] = (struct ghost){hash, *head};
    *head = at + 1;
    ghosts->n_used++;
    ghosts->n++;
}

/* Out of its chain; the place is a gap now. */
static void unlink_link(struct ghosts *ghosts, uint32_t *link)
{
    struct ghost *ghost = &ghosts->places[*link - 1];

    *link = ghost->next;
    ghost->next = GHOST_GONE;
    ghosts->n--;
}

static void drop_oldest(struct ghosts *ghosts)
{
    const struct ghost *ghost = &ghosts->places[ghosts->first];

    if (ghost->next != GHOST_GONE) {
        uint32_t *link = head_of(ghosts, ghost->hash);

        while (*link != ghosts->first + 1) {
            link = &ghosts->places[*link - 1].next;
        }
        unlink_link(ghosts, link);
    }
    ghosts->first = place_at(ghosts, 1);
    ghosts->n_used--;
}

static void close_gaps(struct ghosts *ghosts)
{
    uint32_t n_used = ghosts->n_used;

    memset(heads_of(ghosts), 0, ghosts_heads(ghosts->n_places) * sizeof(uint32_t));
    ghosts->n_used = 0;
    ghosts->n = 0;
    for (uint32_t i = 0; i < n_used; i++) {
        struct ghost ghost = ghosts->places[place_at(ghosts, i)];

        if (ghost.next != GHOST_GONE) {
            append(ghosts, ghost.hash); /* never ahead of i */
        }
    }
}

void ghosts_add(struct ghosts *ghosts, uint32_t hash, uint32_t max)
{
    if (ghosts->n_used == ghosts->n_places) {
        close_gaps(ghosts);
    }
    append(ghosts, hash);
    while (ghosts->n > max) {
        drop_oldest(ghosts);
    }
}

bool ghosts_take(struct ghosts *ghosts, uint32_t hash)
{
    for (uint32_t *link = head_of(ghosts, hash); *link != 0;
         link = &ghosts->places[*link - 1].next) {
        if (ghosts->places[*link - 1].hash == hash) {
            unlink_link(ghosts, link);
            return true;
        }
    }
    return false;
}

void ghosts_move(struct ghosts *to, const struct ghosts *from)
{
    for (uint32_t i = 0; i < from->n_used; i++) {
        const struct ghost *ghost = &from->places[place_at(from, i)];

        if (ghost->next != GHOST_GONE) {
            append(to, ghost->hash);
        }
    }
}

int ghosts_check(const struct ghosts *ghosts)
{
    uint32_t n_chained = 0, n_alive = 0;

    if (ghosts->n_used > ghosts->n_places || ghosts->n > ghosts->n_used) {
        return -EUCLEAN;
    }
    for (uint32_t i = 0; i < ghosts->n_used; i++) {
        n_alive += ghosts->places[place_at(ghosts, i)].next != GHOST_GONE;
    }
    for (uint32_t i = 0; i < ghosts_heads(ghosts->n_places); i++) {
        for (uint32_t link = heads_of(ghosts)[i]; link != 0; link = ghosts->places[link - 1].next) {
            if (link > ghosts->n_places || n_chained++ == ghosts->n ||
                head_of(ghosts, ghosts->places[link - 1].hash) != &heads_of(ghosts)[i]) {
                return -EUCLEAN;
            }
        }
    }
    return n_chained == ghosts->n && n_alive == ghosts->n ? 0 : -EUCLEAN;
}
