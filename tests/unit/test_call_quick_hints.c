// SPDX-License-Identifier: MIT
/*
 * Texts whose entries are looked at where a text at the same address had its own (quick_hints.h):
 * whatever became of the entry and of the text, it is answered as without.
 */
#include "quick_subject.h"

#include "base/fork_page.h"
#include "cache/short_key.h"
#include "call/call_private.h"

#include <sys/mman.h>
#include <sys/wait.h>

static int age; /* of what results are made of */

static int sum_of(const char *text)
{
    unsigned sum = (unsigned)age;

    n_real++;
    for (; text != NULL && *text != '\0'; text++) {
        sum = sum * 31 + (unsigned char)*text;
    }
    return (int)sum;
}

#define TEXT_ENTRY "{\"prototype\":\"int f(const char *s)\",\"args\":{\"s\":\"string\"}"
#define LENGTHS    24 /* short ones and longer ones */

static const char *const policies[] = {"lru", "sieve", "fifo", "direct"};
#define N_POLICIES (sizeof(policies) / sizeof(policies[0]))

static struct call_plan *make(const char *policy, uint32_t max_entries)
{
    char entry[300];

    snprintf(entry, sizeof(entry), TEXT_ENTRY ",\"policy\":\"%s\",\"max_entries\":%u}", policy,
             (unsigned)max_entries);
    return make_plan("f", entry, (void *)sum_of);
}

static bool has_hints(const struct call_plan *plan)
{
    return *plan->quick.hints.generation == *plan->quick.cache.generation;
}

/* They do not rest, whatever becomes of them. */
static void keep_hints(struct call_plan *plan)
{
    plan->quick.hints.n_wrong = 0;
    plan->quick.hints.are_empty = false;
}

/* Or there are none: where each byte that is read is looked at, or nobody can compare so many. */
static bool reads_ahead(const struct call_plan *plan)
{
    return MARSHAL_READS_AHEAD && plan->quick.ahead_offsets != 0;
}

/* Room in one page, so that all of it may be read ahead. */
static _Alignas(MARSHAL_PAGE_BYTES) char page[MARSHAL_PAGE_BYTES];
#define PLACE_BYTES 32
#define N_PLACES    100

static char *place(uint32_t i)
{
    return page + 8 + (size_t)i * PLACE_BYTES;
}

/* One of the texts: long and short, many of which differ in one byte only, or in length. */
static void write_text(char *text, uint32_t number)
{
    uint32_t length = number % LENGTHS;

    memset(text, 'a', length);
    text[length] = '\0';
    if (length > 0) {
        text[number * 7 % length] = (char)('b' + number / LENGTHS);
    }
}

/*
 * A key is a text's if it is the one that is made of the text, but that of the longest short text,
 * where nobody says so. Of any two texts, whatever is behind them.
 */
static void test_text_is_key(void **state)
{
    uint32_t n_are = 0;

    random_state = 1;
    for (int i = 0; i < 400000; i++) {
        char text[MARSHAL_AHEAD_BYTES + 4], other[MARSHAL_AHEAD_BYTES + 4];
        uint32_t n = draw(MARSHAL_AHEAD_BYTES + 2), n_other = draw(3) == 0 ? draw(20) : n;
        char framed[64] = {'S'};
        struct short_key key;
        bool is;

        for (uint32_t k = 0; k < sizeof(text); k++) {
            text[k] = (char)(k < n ? 1 + draw(3) : draw(2) * draw(256));
            other[k] = draw(40) == 0 ? (char)(1 + draw(30)) : text[k];
        }
        text[n] = '\0';
        n_other = n_other > MARSHAL_SHORT_TEXT_BYTES ? MARSHAL_SHORT_TEXT_BYTES : n_other;
        for (uint32_t k = 0; k < n_other; k++) {
            other[k] = other[k] == '\0' ? (char)1 : other[k];
        }
        other[n_other] = '\0';
        framed[1] = (char)n_other;
        memcpy(framed + MARSHAL_TEXT_FRAME_BYTES, other, n_other);
        key = short_key_of((struct bytes){framed, MARSHAL_TEXT_FRAME_BYTES + n_other});
        is = strcmp(text, other) == 0 && n < MARSHAL_SHORT_TEXT_BYTES;
        assert_true(marshal_text_is_key(text, (const char *)key.words) ==
                    (is && MARSHAL_READS_AHEAD));
        n_are += is;
    }
    assert_true(n_are > 10000);
    for (uint32_t byte = 0; byte < 256; byte++) { /* where the NUL of the longest would be */
        char text[MARSHAL_AHEAD_BYTES + 4] = "abcdefghijklmnopqrs";
        struct short_key key = {{0}};

        memcpy((char *)key.words + 4, text, MARSHAL_SHORT_TEXT_BYTES);
        key.words[2] = short_key_last(key.words[2], SHORT_KEY_BYTES);
        text[MARSHAL_SHORT_TEXT_BYTES] = (char)byte;
        assert_false(marshal_text_is_key(text, (const char *)key.words));
    }
}

/* What is no short text's key is no text's: NULL's, a long key's, that of a slot never filled. */
static void test_other_keys_are_of_no_text(void **state)
{
    const struct short_key keys[] = {short_key_of((struct bytes){"N", 1}),
                                     short_key_long((uintptr_t)page),
                                     short_key_long(0),
                                     {{0}}};
    char text[MARSHAL_AHEAD_BYTES + 4];

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const char *bytes = (const char *)keys[i].words;

        for (uint32_t n = 0; n <= MARSHAL_AHEAD_BYTES; n++) {
            memset(text, 0, sizeof(text));
            memcpy(text, bytes + 4, n < 20 ? n : 20);
            assert_false(marshal_text_is_key(text, bytes));
            memset(text, 'x', n);
            assert_false(marshal_text_is_key(text, bytes));
        }
    }
}

/*
 * Texts at many addresses, which mostly stay, and sometimes are another's: two plans, of which one
 * goes the long way alone, answer alike, compute the same calls and evict as often. Entries are
 * driven out, invalidated, and make way for larger tables.
 */
static void compare(const char *policy, uint32_t max_entries)
{
    struct call_plan *quick = make(policy, max_entries), *longer = make(policy, max_entries);
    uint32_t n_texts = max_entries * 3 / 2, n_with_hints = 0;

    assert_non_null(call_plan_quick(quick));
    random_state = max_entries;
    for (int i = 0; i < N_CALLS; i++) {
        uint32_t k = draw(N_PLACES), number = (k + (uint32_t)i / 4000) % n_texts;
        int before = n_real, by_quick, a, b;

        if (draw(8) == 0) {
            number = draw(n_texts);
        }
        write_text(place(k), number);
        __libc_single_threaded = i / 3000 % 3 != 2;
        if (draw(2000) == 0) {
            age++; /* and nobody answers with what was before */
            call_plan_invalidate(quick);
            call_plan_invalidate(longer);
        }
        a = call_text(quick, place(k));
        by_quick = n_real - before;
        b = handle_text(longer, place(k));
        if (a != b || n_real - before - by_quick != by_quick) {
            fail_msg("%s of %u: call %d of \"%s\"", policy, (unsigned)max_entries, i, place(k));
        }
        keep_hints(quick);
        n_with_hints += has_hints(quick);
    }
    __libc_single_threaded = 1;
    expect_same_counts(quick, longer);
    assert_true(n_with_hints > N_CALLS / 2 || !reads_ahead(quick));
}

static void test_hints_as_the_long_way(void **state)
{
    static const uint32_t sizes[] = {20, 64, 100, 2000};

    for (size_t p = 0; p < N_POLICIES; p++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            compare(policies[p], sizes[i]);
        }
    }
}

/* Calls with texts that are found again; each at its place. */
static void call_each(struct call_plan *plan, uint32_t n, uint32_t n_times)
{
    for (uint32_t times = 0; times < n_times; times++) {
        for (uint32_t i = 0; i < n; i++) {
            assert_int_equal(call_text(plan, place(i)), sum_of(place(i)));
        }
    }
}

static void write_all(uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        snprintf(place(i), PLACE_BYTES, "%u", (unsigned)(i * 7919));
    }
}

/* Once known, texts that stay are found by their hints alone. */
static void test_texts_that_stay(void **state)
{
    for (size_t p = 0; p < N_POLICIES; p++) {
        struct call_plan *plan = make(policies[p], 4096);

        NEED(reads_ahead(plan), "texts are not read ahead");
        write_all(50);
        assert_false(has_hints(plan));
        call_each(plan, 50, 20);
        assert_true(has_hints(plan));
        assert_in_range(plan->quick.hints.n_wrong, 1, 50);
        plan->quick.hints.n_wrong = 0;
        call_each(plan, 50, 20);
        assert_int_equal(plan->quick.hints.n_wrong, 0);
        call_plan_invalidate(plan);
        age++;
        call_each(plan, 50, 3);
    }
}

/* Nothing is answered that is older than a fence, though it is still there, nor later, when there
 * are hints again. */
static void test_texts_behind_a_fence(void **state)
{
    for (size_t p = 0; p < N_POLICIES; p++) {
        struct call_plan *plan = make(policies[p], 4096);
        int before;

        write_all(50);
        call_each(plan, 50, 20);
        cache_fence(plan->cache);
        age++;
        before = n_real;
        call_each(plan, 50, 1);
        assert_int_equal(n_real - before, 2 * 50); /* here and for it */
        call_each(plan, 50, 100);
        cache_fence(plan->cache);
        age++;
        call_each(plan, 1, 2000);
        assert_true(has_hints(plan) || !reads_ahead(plan));
        before = n_real;
        call_each(plan, 50, 1);
        assert_int_equal(n_real - before, 50 + 49);
    }
}

/* Where texts do not stay, hints rest; and come back where they do. */
static void test_texts_that_change(void **state)
{
    struct call_plan *plan = make("lru", 64);
    uint32_t n_hits = 0, n_with_hints = 0;
    bool rested = false;

    NEED(reads_ahead(plan), "texts are not read ahead");
    for (uint32_t i = 0; i < 60000; i++) {
        snprintf(place(0), PLACE_BYTES, "%u", (unsigned)(i % 50 * 7919));
        assert_int_equal(call_text(plan, place(0)), sum_of(place(0)));
        if (has_hints(plan)) {
            n_with_hints++;
        } else {
            rested = rested || plan->quick.hints.is_resting;
        }
        n_hits++;
    }
    assert_true(rested);
    assert_in_range(n_with_hints, 1, n_hits / 4);
    write_all(50);
    call_each(plan, 50, 1200); /* longer than the longest rest */
    assert_true(has_hints(plan));
    assert_int_equal(plan->quick.hints.n_rests, 0);
}

/* Texts that are too long for hints let them rest. */
static void test_long_texts(void **state)
{
    struct call_plan *plan = make("lru", 64);

    NEED(reads_ahead(plan), "texts are not read ahead");
    for (uint32_t i = 0; i < 50; i++) {
        snprintf(place(i), PLACE_BYTES, "%025u", (unsigned)(i * 7919));
    }
    call_each(plan, 50, 20);
    assert_true(has_hints(plan));
    call_each(plan, 50, 60);
    assert_false(has_hints(plan));
    assert_true(plan->quick.hints.is_resting);
}

/* Entries that are forgotten all at once leave no hints, and texts that stay have them again. */
static void test_hints_begin_anew(void **state)
{
    for (size_t p = 0; p < N_POLICIES; p++) {
        struct call_plan *plan = make(policies[p], 64);

        NEED(reads_ahead(plan), "texts are not read ahead");
        write_all(50);
        call_each(plan, 50, 20);
        for (int i = 0; i < 3; i++) {
            assert_true(has_hints(plan));
            call_plan_invalidate(plan);
            age++;
            assert_false(has_hints(plan));
            call_each(plan, 50, 1);
            assert_false(has_hints(plan));
            call_each(plan, 50, 30);
        }
        plan->quick.hints.n_wrong = 0;
        call_each(plan, 50, 20);
        assert_int_equal(plan->quick.hints.n_wrong, 0);
    }
}

/*
 * Texts in pages at whose end there is nothing, and no text at all: nothing is read that is none's,
 * though a text of the same hint, in another page, had its entry there.
 */
static void test_texts_at_the_ends_of_pages(void **state)
{
    char *pages = mmap(NULL, 3 * MARSHAL_PAGE_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *last = pages + MARSHAL_PAGE_BYTES, *end = last + MARSHAL_PAGE_BYTES;

    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(end, MARSHAL_PAGE_BYTES, PROT_NONE), 0);
    for (size_t p = 0; p < N_POLICIES; p++) {
        struct call_plan *plan = make(policies[p], 64); /* one page's addresses have hints */

        write_all(50);
        call_each(plan, 50, 20);
        assert_true(has_hints(plan) || !reads_ahead(plan));
        for (uint32_t at = 0; at < MARSHAL_PAGE_BYTES; at++) {
            uint32_t n = MARSHAL_PAGE_BYTES - 1 - at < 9 ? MARSHAL_PAGE_BYTES - 1 - at : 9;

            snprintf(pages + at, 10, "%u", (unsigned)at);
            for (int times = 0; times < 3; times++) {
                assert_int_equal(call_text(plan, pages + at), sum_of(pages + at));
            }
            if (at < 8) {
                assert_int_equal(call_text(plan, NULL), sum_of(NULL));
            }
            memset(last + at, 'a', n);
            last[at + n] = '\0';
            for (int times = 0; times < 3; times++) {
                assert_int_equal(call_text(plan, last + at), sum_of(last + at));
            }
            keep_hints(plan);
        }
    }
    munmap(pages, 3 * MARSHAL_PAGE_BYTES);
}

static unsigned n_children;

static void note_child(void)
{
    n_children++;
    fork_page_settle();
}

/* The first call of a child puts the house in order, which hints know nothing of. */
static bool meets_child_first(struct call_plan *plan)
{
    bool has_none = !has_hints(plan), is_right;

    is_right = call_text(plan, place(0)) == sum_of(place(0)) && n_children == 1;
    for (uint32_t i = 0; i < 50 * 40; i++) {
        is_right = is_right && call_text(plan, place(i % 50)) == sum_of(place(i % 50));
    }
    return has_none && is_right && n_children == 1 && has_hints(plan);
}

static void test_children_have_no_hints(void **state)
{
    call_init(&(struct call_hooks){.new_child = note_child});
    for (size_t p = 0; p < N_POLICIES; p++) {
        struct call_plan *plan = make(policies[p], 64);

        NEED(reads_ahead(plan), "texts are not read ahead");
        write_all(50);
        call_each(plan, 50, 20);
        for (int kind = 0; kind < 2; kind++) {
            pid_t pid;
            int status;

            assert_true(has_hints(plan));
            if (kind == 1) {
                NEED_NATIVE(); /* MADV_WIPEONFORK */
            }
            pid = kind == 0 ? fork() : _Fork();
            if (pid == 0) {
                _exit(meets_child_first(plan) ? 0 : 1);
            }
            assert_int_equal(waitpid(pid, &status, 0), pid);
            assert_int_equal(status, 0);
        }
        call_each(plan, 50, 1);
        assert_int_equal(n_children, 0);
    }
    call_init(&(struct call_hooks){0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_key),
        cmocka_unit_test(test_other_keys_are_of_no_text),
        cmocka_unit_test_setup_teardown(test_hints_as_the_long_way, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_texts_that_stay, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_texts_behind_a_fence, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_texts_that_change, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_long_texts, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_hints_begin_anew, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_texts_at_the_ends_of_pages, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_children_have_no_hints, call_setup, call_teardown),
    };

    if (fork_page_init() != 0) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
