// SPDX-License-Identifier: MIT
/*
 * The shortest hit while others rearrange what it reads. They are played by a signal handler: the
 * pages that are read next are closed, so that the read itself makes the change come, at a known
 * place.
 */
#include "cache_words.h"

#include "base/arena.h"

#include <signal.h>
#include <sys/mman.h>

/* What the handler does when the closed pages are touched. Written before they are closed. */
static struct {
    void *pages; /* closed until the first touch, and the pages that are closed after it */
    size_t n_bytes;
    void *next_pages;
    size_t n_next_bytes;
    struct shard *shard;
    struct slot_head *head; /* gets another one, if it is not NULL */
    struct slot_head other;
    volatile sig_atomic_t n_touches;
} trap;

static void on_touch(int signal, siginfo_t *info, void *context)
{
    uintptr_t offset = (uintptr_t)info->si_addr - (uintptr_t)trap.pages;

    if (trap.n_touches++ > 0 || offset >= trap.n_bytes) {
        mprotect(trap.pages, trap.n_bytes, PROT_READ | PROT_WRITE);
        mprotect(trap.next_pages, trap.n_next_bytes, PROT_READ | PROT_WRITE);
        return;
    }
    shard_begin_change(trap.shard);
    shard_end_change(trap.shard);
    if (trap.next_pages != NULL) {
        mprotect(trap.next_pages, trap.n_next_bytes, PROT_NONE);
    }
    mprotect(trap.pages, trap.n_bytes, PROT_READ | PROT_WRITE);
    if (trap.head != NULL) {
        *trap.head = trap.other;
    }
}

static void catch_touches(struct sigaction *ret_before)
{
    struct sigaction action = {.sa_sigaction = on_touch, .sa_flags = SA_SIGINFO};

    assert_int_equal(sigaction(SIGSEGV, &action, ret_before), 0);
}

/* One look with these pages closed, which change as it touches them. */
static bool look(struct cache *cache, const struct cache_words *words, bool sees)
{
    struct sigaction before;
    uint64_t seen = 0;
    bool is_hit, is_unclear = true;

    catch_touches(&before);
    mprotect(trap.pages, trap.n_bytes, PROT_NONE);
    if (sees) {
        enum cache_seen what = see(cache, words, 40, 0, &seen);

        is_hit = what == CACHE_SEEN_ENTRY;
        is_unclear = what == CACHE_SEEN_UNCLEAR;
    } else {
        is_hit = glance(cache, words, 40, 0, true, &seen);
    }
    sigaction(SIGSEGV, &before, NULL);
    assert_int_equal(trap.n_touches, 1);
    assert_true(is_unclear || is_hit);
    assert_true(is_hit || seen == 0);
    return is_hit;
}

/* These pages of the first shard are touched by a look, and change, and are whole again. */
static void expect_no_answer(struct cache *cache, struct cache_words *words, void *pages,
                             size_t n_bytes)
{
    for (int sees = 0; sees < 2; sees++) {
        trap = (__typeof__(trap)){.pages = pages, .n_bytes = n_bytes, .shard = &cache->shards[0]};
        assert_false(look(cache, words, sees));
        expect(cache, words, 40, 0, 1);
    }
}

/* The same while a text is looked for. */
static void expect_no_answer_of_text(struct cache *cache, uint32_t n_text, void *pages,
                                     size_t n_bytes)
{
    static const char text[40] = "a text";
    struct cache_words words = words_of(cache);
    struct sigaction before;
    uint64_t seen = 0;
    bool is_hit;

    trap = (__typeof__(trap)){.pages = pages, .n_bytes = n_bytes, .shard = &cache->shards[0]};
    catch_touches(&before);
    mprotect(trap.pages, trap.n_bytes, PROT_NONE);
    is_hit = glance_text(&words, text, n_text, &seen);
    sigaction(SIGSEGV, &before, NULL);
    assert_int_equal(trap.n_touches, 1);
    assert_false(is_hit);
    assert_int_equal(seen, 0);
    assert_true(glance_text(&words, text, n_text, &seen));
    assert_int_equal(seen, 5);
}

/* Of the table, while its first group is being read. */
static void test_what_changed_meanwhile_does_not_answer(void **state)
{
    struct cache *cache = create_for(LEAVES, 8);
    struct cache_words words = words_of(cache);
    const struct table *table = &cache->shards[0].table;

    insert(cache, 40, 0, 1);
    expect_no_answer(cache, &words, table->groups, table->mapped_bytes);
    cache_destroy(cache);
}

static void test_what_changed_meanwhile_does_not_answer_in_places(void **state)
{
    struct cache *cache = create_for(CACHE_POLICY_direct, 8);
    struct cache_words words = words_of(cache);

    insert(cache, 40, 0, 1);
    expect_no_answer(cache, &words, words.places, pages_size());
    cache_destroy(cache);
}

/* Neither a text in a slot nor one in a block: while the table, or the block itself, is read. */
static void test_texts_that_changed_meanwhile_do_not_answer(void **state)
{
    static const char text[40] = "a text";

    for (uint32_t n_text = 20; n_text <= 40; n_text += 20) {
        struct cache *cache = create_for(LEAVES, 0);
        const struct table *table = &cache->shards[0].table;
        struct block *block;

        insert_text(cache, text, n_text, 5);
        expect_no_answer_of_text(cache, n_text, table->groups, table->mapped_bytes);
        block = table_block(table, table_find(table, (struct bytes){text, n_text}, TEXT_HASH));
        assert_true((block != NULL) == (n_text > SHORT_KEY_BYTES));
        if (block != NULL) {
            expect_no_answer_of_text(
                cache, n_text, (void *)((uintptr_t)block & -(uintptr_t)pages_size()), pages_size());
        }
        cache_destroy(cache);

        cache = create_for(CACHE_POLICY_direct, 0);
        insert_text(cache, text, n_text, 5);
        expect_no_answer_of_text(cache, n_text, words_of(cache).places, pages_size());
        cache_destroy(cache);
    }
}

/* It changes before the first of it is read: sizes and addresses may not belong to each other. */
static void test_no_address_is_followed_that_may_be_old(void **state)
{
    struct cache *cache = create_for(LEAVES, 8);
    struct cache_words words = words_of(cache);
    struct shard *shard = &cache->shards[0];
    _Atomic uint64_t *generation = pages_map(pages_size());

    insert(cache, 40, 0, 1);
    assert_non_null(generation);
    atomic_store(generation, atomic_load(&cache->generation));
    words.generation = generation;
    expect(cache, &words, 40, 0, 1);
    for (int sees = 0; sees < 2; sees++) {
        trap = (__typeof__(trap)){.pages = generation,
                                  .n_bytes = pages_size(),
                                  .next_pages = shard->table.groups,
                                  .n_next_bytes = shard->table.mapped_bytes,
                                  .shard = shard};
        assert_false(look(cache, &words, sees));
        mprotect(trap.next_pages, trap.n_next_bytes, PROT_READ | PROT_WRITE);
        expect(cache, &words, 40, 0, 1);
    }
    pages_unmap(generation, pages_size());
    cache_destroy(cache);
}

/*
 * The shard changes when all has been read and the stamp is about to be written: it may come too
 * late for whoever has changed it. If the slot is another entry's by then, that keeps its own.
 */
static void expect_no_stamp(bool is_given_away)
{
    struct cache *cache = create_for(STAMPS, 8);
    struct cache_words words = words_of(cache);
    struct shard *shard = &cache->shards[0];
    struct sigaction before;
    struct slot_head *head;
    uint64_t number = 40, seen = 0;
    bool is_hit;

    insert(cache, 40, 0, 1);
    head = order_slot(&shard->table.order, table_find(&shard->table, (struct bytes){&number, 8},
                                                      hash_of(cache, number, 0)));
    trap = (__typeof__(trap)){.pages = shard->table.groups,
                              .n_bytes = shard->table.mapped_bytes,
                              .shard = shard,
                              .head = is_given_away ? head : NULL,
                              .other = {head->hash ^ 1, head->mark}};
    catch_touches(&before);
    mprotect(trap.pages, trap.n_bytes, PROT_READ);
    is_hit = glance(cache, &words, 40, 0, true, &seen);
    sigaction(SIGSEGV, &before, NULL);
    assert_int_equal(trap.n_touches, 1);
    assert_false(is_hit);
    assert_int_equal(seen, 0);
    if (is_given_away) {
        assert_memory_equal(head, &trap.other, sizeof(*head));
    } else {
        assert_true(glance(cache, &words, 40, 0, true, &seen));
        assert_int_equal(head->mark, shard->clock);
    }
    cache_destroy(cache);
}

static void test_a_stamp_that_comes_late_does_not_answer(void **state)
{
    expect_no_stamp(false);
    expect_no_stamp(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_changed_meanwhile_does_not_answer),
        cmocka_unit_test(test_what_changed_meanwhile_does_not_answer_in_places),
        cmocka_unit_test(test_no_address_is_followed_that_may_be_old),
        cmocka_unit_test(test_texts_that_changed_meanwhile_do_not_answer),
        cmocka_unit_test(test_a_stamp_that_comes_late_does_not_answer),
    };

    return cmocka_run_group_tests_name("cache_words_change", tests, NULL, NULL);
}
