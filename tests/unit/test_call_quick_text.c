// SPDX-License-Identifier: MIT
/*
 * The short way of a hit of functions of one text against the long one: one key whatever the way,
 * the length and the place, and the same calls answered by both.
 */
#include "quick_subject.h"

#include "base/hash.h"
#include "cache/short_key.h"

#include <sys/mman.h>

static int sum_of(const char *text)
{
    unsigned sum = 1;

    n_real++;
    for (; text != NULL && *text != '\0'; text++) {
        sum = sum * 31 + (unsigned char)*text;
    }
    return (int)sum;
}

static int nothing_of(const char *text)
{
    n_real++;
    return 0;
}

#define TEXT_ENTRY "{\"prototype\":\"int f(const char *s)\",\"args\":{\"s\":\"string\"}"

/*
 * The key in words is the one in bytes, whatever follows the text; so is what is constant of it. At
 * the end of a page as before it, where the page behind is not there: nothing of that is read.
 */
static void test_keys_in_words(void **state)
{
    char *pages = mmap(NULL, 2 * MARSHAL_PAGE_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + MARSHAL_PAGE_BYTES, MARSHAL_PAGE_BYTES, PROT_NONE), 0);
    random_state = 5;
    for (uint32_t length = 0; length <= MARSHAL_AHEAD_BYTES; length++) {
        for (uint32_t behind = length + 1; behind < 60; behind++) {
            char *text = pages + MARSHAL_PAGE_BYTES - behind;
            struct short_key key, wanted = {{0}};
            struct hash_seeds seeds;
            uint64_t n = 77;
            bool is_short;

            for (uint32_t i = 0; i < behind; i++) {
                text[i] = (char)(i < length ? 1 + draw(255) : draw(2));
            }
            text[length] = '\0';
            if (behind < MARSHAL_AHEAD_BYTES) {
                assert_false(marshal_is_ahead(text, MARSHAL_AHEAD_OFFSETS));
                continue;
            }
            is_short = marshal_short_text(text, key.words, &n);
            assert_true(is_short == (length <= MARSHAL_SHORT_TEXT_BYTES));
            if (!is_short) {
                continue;
            }
            assert_int_equal(n, length);
            memcpy(wanted.words, (const char[4]){'S', (char)length}, 4);
            memcpy((char *)wanted.words + 4, text, length);
            assert_memory_equal(key.words, wanted.words, sizeof(key.words));
            seeds = hash_seeds(length + 4, 99);
            assert_true(marshal_short_texts.factor[n] == seeds.factor);
            key.words[2] |= marshal_short_texts.size[n];
            wanted = short_key_of((struct bytes){wanted.words, length + 4});
            assert_memory_equal(key.words, wanted.words, sizeof(key.words));
        }
    }
    munmap(pages, 2 * MARSHAL_PAGE_BYTES);
}

/* One plan: what one way stores the other finds, whatever the length, and wherever it lies. */
static void test_texts_have_one_key(void **state)
{
    struct call_plan *plan = make_plan("f", TEXT_ENTRY "}", (void *)sum_of);
    char room[100];

    assert_non_null(call_plan_quick(plan));
    random_state = 11;
    for (uint32_t length = 0; length <= 70; length++) {
        for (uint32_t i = 0; i < 2; i++) {
            char *text = room + draw(9);
            uint64_t before;

            memset(room, 'x', sizeof(room));
            for (uint32_t k = 0; k < length; k++) {
                text[k] = (char)(1 + draw(255));
            }
            text[length] = '\0';
            before = (uint64_t)n_real;
            assert_int_equal(i == 0 ? handle_text(plan, text) : call_text(plan, text),
                             i == 0 ? call_text(plan, text) : handle_text(plan, text));
            assert_in_range((uint64_t)n_real - before, 0, 1);
            before = (uint64_t)n_real;
            assert_int_equal(call_text(plan, text), handle_text(plan, text));
            assert_int_equal(n_real, before);
        }
    }
    assert_int_equal(call_text(plan, NULL), handle_text(plan, NULL));
}

static void compare_texts(int (*function)(const char *))
{
    static const char *const policies[] = {"lru", "sieve", "fifo", "direct"};

    for (size_t p = 0; p < sizeof(policies) / sizeof(policies[0]); p++) {
        struct call_plan *quick, *longer;
        char entry[300], text[80];

        snprintf(entry, sizeof(entry), TEXT_ENTRY ",\"policy\":\"%s\",\"max_entries\":64}",
                 policies[p]);
        make_both(entry, (void *)function, &quick, &longer);
        random_state = 7;
        for (int i = 0; i < N_CALLS; i++) {
            uint32_t k = draw(N_KEYS), length = k * 7 % 61;
            int before = n_real, by_quick, a, b;

            /* Many differ in one place only. */
            memset(text, 'a', length);
            text[length] = '\0';
            if (length > 0) {
                text[k % length] = (char)('b' + k % 3);
            }
            __libc_single_threaded = i / 1000 % 2 == 0;
            a = call_text(quick, text);
            by_quick = n_real - before;
            b = handle_text(longer, text);
            if (n_real - before - by_quick != by_quick || a != b) {
                fail_msg("%s: call %d of \"%s\"", policies[p], i, text);
            }
        }
        __libc_single_threaded = 1;
        expect_same_counts(quick, longer);
    }
}

static void test_texts_as_the_long_way(void **state)
{
    compare_texts(sum_of);
    compare_texts(nothing_of); /* nothing but the key tells these entries apart */
}

static unsigned bits_of_text(const char *text)
{
    unsigned bits = 0x80808081;

    n_real++;
    for (; *text != '\0'; text++) {
        bits = (bits << 5 | bits >> 27) ^ (unsigned char)*text;
    }
    return bits * 0x9e3779b1u; /* so that each bit of it differs, the sign, too */
}

/* A function of each type of result; negative ones, too. Those of less than 32 bits as they are. */
#define RETURNS(name, type, of_bits)             \
    static type returns_##name(const char *text) \
    {                                            \
        unsigned bits = bits_of_text(text);      \
                                                 \
        return (type)(of_bits);                  \
    }

RETURNS(char, signed char, bits)
RETURNS(unsigned_char, unsigned char, bits)
RETURNS(short, short, bits)
RETURNS(int, int, bits)
RETURNS(unsigned, unsigned, bits)
RETURNS(long, long, bits * 0xfffffffff1u)
RETURNS(pointer, void *, (uintptr_t)bits * 0xfffffffff1u)
RETURNS(bool, bool, bits & 8)
RETURNS(float, float, (int)bits)
RETURNS(double, double, (int)bits * 1e-3)

/* What comes back of each is what the long way gives, in all bits that a caller may look at. */
static void test_results_of_each_type(void **state)
{
    static const struct {
        const char *type, *more;
        void *function;
        uint32_t n_bytes;
        bool is_vector, is_signed;
    } kinds[] = {
        {"signed char", "", (void *)returns_char, 8, false, true},
        {"unsigned char", "", (void *)returns_unsigned_char, 8, false, false},
        {"short", "", (void *)returns_short, 8, false, true},
        {"int", "", (void *)returns_int, 8, false, true},
        {"unsigned", "", (void *)returns_unsigned, 8, false, false},
        {"long", "", (void *)returns_long, 8, false, true},
        {"void *", ",\"returns\":\"address\"", (void *)returns_pointer, 8, false, false},
        {"_Bool", "", (void *)returns_bool, 8, false, false},
        {"float", "", (void *)returns_float, 4, true, true},
        {"double", "", (void *)returns_double, 8, true, true},
    };
    static const char *const policies[] = {"lru", "sieve", "fifo", "direct"};
    uint32_t n_negative;

    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        for (size_t p = 0; p < sizeof(policies) / sizeof(policies[0]); p++) {
            struct call_plan *plan;
            char entry[300], text[24];

            snprintf(entry, sizeof(entry),
                     "{\"prototype\":\"%s f(const char *s)\",\"args\":{\"s\":\"string\"},"
                     "\"policy\":\"%s\"%s}",
                     kinds[k].type, policies[p], kinds[k].more);
            plan = make_plan("f", entry, kinds[k].function);
            assert_non_null(call_plan_quick(plan));
            n_negative = 0;
            for (uint32_t i = 0; i < 200; i++) {
                const char *argument = text;
                void *arguments[] = {&argument};
                uint64_t wanted = 0;
                struct abi_both seen;
                int before;

                snprintf(text, sizeof(text), "%u", i % 100 * 7919);
                call_handle(plan, &wanted, arguments);
                before = n_real;
                seen = ((struct abi_both(*)(const char *, struct call_plan *))call_plan_quick(
                    plan))(text, plan);
                assert_int_equal(n_real, before);
                assert_memory_equal(kinds[k].is_vector ? (void *)&seen.vector
                                                       : (void *)&seen.integer,
                                    &wanted, kinds[k].n_bytes);
                n_negative += (int64_t)(wanted << (64 - 8 * kinds[k].n_bytes)) < 0;
            }
            assert_true(!kinds[k].is_signed || n_negative > 10);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_in_words),
        cmocka_unit_test_setup_teardown(test_texts_have_one_key, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_texts_as_the_long_way, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_results_of_each_type, call_setup, call_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
