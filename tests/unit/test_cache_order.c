// SPDX-License-Identifier: MIT
/* Who is the oldest, by stamps alone: whatever they look like, and whatever happens meanwhile. */
#include "unit.h"

#include "cache/order.h"
#include "draws.h"

static uint64_t random_state = 88172645463325252u;

static uint64_t random_next(void)
{
    return draw_bits(&random_state);
}

/*
 * Whatever the stamps look like, the oldest goes first: evenly spread, in clusters far apart, with
 * free slots between, in tables that are looked at beforehand and in small ones.
 */
static void test_the_oldest_goes_first(void **state)
{
    static const uint32_t sizes[] = {1, 13, 300, 1023, 1024, 5000};
    static char slots[5000 * 24];
    static uint64_t candidates[5000 / 4 + 2];

    for (uint32_t round = 0; round < 6 * 4 * 2; round++) {
        uint32_t era = round % 2 == 0 ? 0 : STAMP_ERA;
        uint32_t n_slots = sizes[round / 8], n_live = 0, last = 0, slot;
        stamp_clock clock = era + STAMP_END - 1;
        struct order order = {.clock = &clock,
                              .slots = slots,
                              .slot_bytes = 24,
                              .n_slots = n_slots,
                              .max_candidates = order_max_candidates(n_slots),
                              .candidates = candidates,
                              .stamps = slots + offsetof(struct slot_head, mark),
                              .stamp_bytes = 24};

        memset(slots, 0, sizeof(slots));
        for (uint32_t i = 0; i < n_slots; i++) {
            uint32_t place = (uint32_t)((uint64_t)i * 7919 % n_slots), stamp = i + 1;

            if (round / 2 % 4 == 1) {
                stamp *= 400000;
            } else if (round / 2 % 4 == 2) {
                stamp += i % 3 * 1000000000u; /* three clusters */
            } else if (round / 2 % 4 == 3 && (i * 2654435761u >> 20) % 4 != 0) {
                continue; /* mostly free */
            }
            n_live += order_mark(&order, place) == 0;
            order_set_mark(&order, place, era + stamp);
        }
        for (uint32_t i = 0; i < n_live; i++) {
            assert_true(order_oldest(&order, &slot));
            assert_true(order_mark(&order, slot) > last);
            last = order_mark(&order, slot);
            order_set_mark(&order, slot, 0);
        }
        assert_false(order_oldest(&order, &slot));
    }
}

/* Of the last collection. */
static uint32_t n_left(const struct order *order)
{
    return order->n_candidates - order->next_candidate + order->n_run - order->next_in_run;
}

/*
 * Slots are used, freed and filled again, with stamps as they come or with leaps between: a search
 * from end to end is the model. A collection serves a good part of the slots, or evictions would
 * cost what a search does: a third of those that there is room for, leaps or not.
 */
static void test_the_oldest_goes_while_others_are_used(void **state)
{
    enum {
        SLOTS = 1500,
        STEPS = 30000
    };
    static char slots[SLOTS * 16];
    static uint64_t candidates[SLOTS / 4 + 2];

    for (uint32_t round = 0; round < 7; round++) {
        stamp_clock clock = round == 5 ? STAMP_ERA : 0;
        struct order order = {.clock = &clock,
                              .slots = slots,
                              .slot_bytes = 16,
                              .n_slots = SLOTS,
                              .max_candidates = order_max_candidates(SLOTS),
                              .candidates = candidates,
                              .stamps = slots + offsetof(struct slot_head, mark),
                              .stamp_bytes = 16};
        uint32_t n_evictions = 0, n_collections = 0, slot;

        assert_int_equal(order.max_candidates, SLOTS / 4 + 2);
        memset(slots, 0, sizeof(slots));
        for (uint32_t step = 0; step < STEPS; step++) {
            uint32_t drawn = (uint32_t)(random_next() % SLOTS), oldest = UINT32_MAX;
            uint32_t n_before = n_left(&order);

            if (round % 2 == 1 && step % 20 == 0) {
                clock += 1u << random_next() % 20;
            }
            if (round == 4 && step < 2 * SLOTS && step % 200 == 0) {
                clock = stamp_era(clock) + STAMP_END - 4; /* stamps are soon given anew */
            }
            if (step < SLOTS || order_mark(&order, drawn) == 0) {
                order_stamp(&order, order_slot(&order, step < SLOTS ? step : drawn));
                continue;
            }
            if (round / 2 == 1 && step % 4 != 0) {
                order_stamp(&order, order_slot(&order, drawn % (SLOTS / 2))); /* the lower half */
                continue;
            }
            for (uint32_t i = 0; i < SLOTS; i++) {
                if (order_mark(&order, i) != 0 &&
                    (oldest == UINT32_MAX || order_mark(&order, i) < order_mark(&order, oldest))) {
                    oldest = i;
                }
            }
            assert_true(order_oldest(&order, &slot));
            assert_int_equal(slot, oldest);
            n_evictions++;
            n_collections += n_left(&order) > n_before;
            if (step % 16 == 0) {
                order_set_mark(&order, slot, 0);
            } else {
                order_stamp(&order, order_slot(&order, slot));
            }
        }
        assert_true(n_collections <= n_evictions * 3 / order.max_candidates + 4);
    }
}

static void test_nobody_is_the_oldest_of_none(void **state)
{
    stamp_clock clock = 0;
    struct order order = {.clock = &clock};
    uint32_t slot;

    assert_false(order_oldest(&order, &slot));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_oldest_goes_first),
        cmocka_unit_test(test_the_oldest_goes_while_others_are_used),
        cmocka_unit_test(test_nobody_is_the_oldest_of_none),
    };

    return cmocka_run_group_tests_name("cache_order", tests, NULL, NULL);
}
