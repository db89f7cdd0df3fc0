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
            assert_true(marshal_short_lengths[n].factor == seeds.factor);
            key.words[2] |= marshal_short_lengths[n].size;
            wanted = short_key_of((struct bytes){wanted.words, length + 4});
            assert_memory_equal(key.words, wanted.words, sizeof(key.words));
        }
    }
    munmap(pages, 2 * MARSHAL_PAGE_BYTES);
}

/*
 * How long text is, wherever it begins and ends, and with nothing behind its page; every byte but
 * the NUL is of it.
 */
static void test_lengths(void **state)
{
    enum {
        MOST = 250
    };
    char *pages = mmap(NULL, 3 * MARSHAL_PAGE_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *end = pages + 2 * MARSHAL_PAGE_BYTES;

    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(end, MARSHAL_PAGE_BYTES, PROT_NONE), 0);
    random_state = 3;
    for (uint32_t length = 0; length <= MOST + 10; length++) {
        for (uint32_t i = 0; i < 60; i++) {
            /* At the end of memory, across pages, at their begin, and anywhere. */
            char *text = i < 20   ? end - length - 1 - i
                         : i < 40 ? pages + MARSHAL_PAGE_BYTES - draw(length + 2)
                         : i < 41 ? pages + MARSHAL_PAGE_BYTES
                                  : pages + draw(MARSHAL_PAGE_BYTES);

            for (uint32_t k = 0; k <= length + 64 && text + k < end; k++) {
                text[k] = (char)(k < length ? 1 + draw(255) : draw(2));
            }
            text[length] = '\0';
            assert_int_equal(marshal_text_length(text, true, MOST), length < MOST ? length : MOST);
            assert_int_equal(marshal_text_length(text, false, MOST), length < MOST ? length : MOST);
        }
    }
    /* What has no end before the end of memory has none before so many. */
    memset(pages, 'x', 2 * MARSHAL_PAGE_BYTES);
    assert_int_equal(marshal_text_length(end - MOST, true, MOST), MOST);
    munmap(pages, 3 * MARSHAL_PAGE_BYTES);
}

static void expect_one_key(struct call_plan *plan, const char *text)
{
    uint64_t before;

    for (int i = 0; i < 2; i++) {
        bool first = draw(2) == 0;
        int by_quick, by_long;

        before = (uint64_t)n_real;
        by_quick = first ? call_text(plan, text) : 0;
        by_long = handle_text(plan, text);
        by_quick = first ? by_quick : call_text(plan, text);
        assert_int_equal(by_quick, by_long);
        assert_in_range((uint64_t)n_real - before, 0, i == 0);
    }
}

/*
 * One plan: what one way stores the other finds, whatever the length, and wherever it lies, at the
 * end of memory, too; with threads as without.
 */
static void test_texts_have_one_key(void **state)
{
    static const char *const policies[] = {"lru", "sieve", "fifo", "direct"};
    char *pages = mmap(NULL, 3 * MARSHAL_PAGE_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *end = pages + 2 * MARSHAL_PAGE_BYTES;

    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(end, MARSHAL_PAGE_BYTES, PROT_NONE), 0);
    random_state = 11;
    for (size_t p = 0; p < sizeof(policies) / sizeof(policies[0]); p++) {
        struct call_plan *plan;
        char entry[300];

        snprintf(entry, sizeof(entry), TEXT_ENTRY ",\"policy\":\"%s\",\"max_entries\":65536}",
                 policies[p]);
        plan = make_plan("f", entry, (void *)sum_of);
        assert_non_null(call_plan_quick(plan));
        for (uint32_t length = 0; length <= 270; length++) {
            char *const places[] = {
                end - length - 1, end - length - 1 - draw(30), pages + MARSHAL_PAGE_BYTES,
                pages + MARSHAL_PAGE_BYTES - draw(70), pages + draw(MARSHAL_PAGE_BYTES)};

            for (uint32_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
                char *text = places[i];

                for (uint32_t k = 0; k < length; k++) {
                    text[k] = (char)(1 + draw(255));
                }
                text[length] = '\0';
                __libc_single_threaded = draw(2) == 0;
                expect_one_key(plan, text);
            }
        }
        expect_one_key(plan, NULL);
        __libc_single_threaded = 1;
        expect_one_key(plan, NULL);
    }
    munmap(pages, 3 * MARSHAL_PAGE_BYTES);
}

/* A long text of which a byte is another is another key, and so is one that is shorter. */
static void test_every_byte_of_a_long_text_counts(void **state)
{
    static const uint32_t lengths[] = {20, 21, 28, 29, 36, 44, 63, 64, 65, 100, 252};
    struct call_plan *plan = make_plan("f", TEXT_ENTRY ",\"max_entries\":65536}", (void *)sum_of);
    char text[300];

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (int alone = 0; alone < 2; alone++) {
            __libc_single_threaded = (char)alone;
            memset(text, 'a', lengths[i]);
            text[lengths[i]] = '\0';
            assert_int_equal(call_text(plan, text), sum_of(text));
            for (uint32_t k = 0; k < lengths[i]; k++) {
                text[k] = (char)('b' + alone);
                for (int times = 0; times < 2; times++) {
                    assert_int_equal(call_text(plan, text), sum_of(text));
                }
                text[k] = 'a';
            }
            text[lengths[i] - 1] = '\0';
            assert_int_equal(call_text(plan, text), sum_of(text));
        }
    }
    __libc_single_threaded = 1;
}

static void compare_texts(int (*function)(const char *))
{
    static const char *const policies[] = {"lru", "sieve", "fifo", "direct"};

    for (size_t p = 0; p < sizeof(policies) / sizeof(policies[0]); p++) {
        struct call_plan *quick, *longer;
        char entry[300], text[300];

        snprintf(entry, sizeof(entry), TEXT_ENTRY ",\"policy\":\"%s\",\"max_entries\":64}",
                 policies[p]);
        make_both(entry, (void *)function, &quick, &longer);
        random_state = 7;
        for (int i = 0; i < N_CALLS; i++) {
            uint32_t k = draw(N_KEYS), length = k * 7 % (k % 4 == 0 ? 260 : 61);
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

/* Of texts that go on where others end each has its own answer, long ones and longer ones, too. */
static void test_beginnings_of_longer_texts(void **state)
{
    static const char *const policies[] = {"lru", "direct"};
    char text[601];

    memset(text, 'a', sizeof(text));
    for (int i = 0; i < 4; i++) {
        char entry[200];
        struct call_plan *plan;

        snprintf(entry, sizeof(entry), TEXT_ENTRY ",\"policy\":\"%s\",\"max_entries\":65536}",
                 policies[i / 2]);
        plan = make_plan("f", entry, (void *)sum_of);
        __libc_single_threaded = i % 2 == 0;
        for (size_t n = 0; n < sizeof(text); n++) {
            int before = n_real, wanted;

            text[n] = '\0';
            wanted = sum_of(text);
            assert_int_equal(call_text(plan, text), wanted);
            assert_int_equal(n_real - before, 2); /* here, and by the call */
            assert_int_equal(call_text(plan, text), wanted);
            assert_true(n_real - before == 2 || i / 2 == 1);
            text[n] = 'a';
        }
    }
    __libc_single_threaded = 1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_in_words),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test_setup_teardown(test_texts_have_one_key, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_every_byte_of_a_long_text_counts, call_setup,
                                        call_teardown),
        cmocka_unit_test_setup_teardown(test_beginnings_of_longer_texts, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_texts_as_the_long_way, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_results_of_each_type, call_setup, call_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
