// SPDX-License-Identifier: MIT
/*
 * Numbers of all kinds in all orders: which way answers, under every policy, where there are
 * threads and where there are none. Only of what leads to the long way nothing else would be seen.
 */
#include "call_forms.h"
#include "call_steps.h"

static uint64_t known[FEW_KEYS + 1]; /* the results so far, from the real function; 0: none */

/* Of those arguments that differ in what counts, the k-th. */
static uint32_t number_of(uint32_t k)
{
    uint32_t n = (uint32_t)strlen(now->arguments), number = 0;

    for (;; number++) {
        if (!is_ignored(now->arguments[number % n]) && k-- == 0) {
            return number;
        }
    }
}

static void call_form(struct call_plan *plan, uint32_t k)
{
    uint64_t values[MAX_TAKEN], seen;
    struct argument arguments[MAX_ARGUMENTS];

    make_arguments(number_of(k), values, arguments);
    seen = seen_of(plan, call_short(plan, arguments));
    if (k > FEW_KEYS) {
        return;
    }
    if (known[k] != 0) {
        assert_int_equal(seen, known[k]);
    }
    known[k] = seen;
}

static uint32_t n_key_bytes(const char *arguments)
{
    uint32_t n = 0;

    for (; *arguments != '\0'; arguments++) {
        n += is_ignored(*arguments) ? 0 : bytes_of(*arguments);
    }
    return n;
}

static void expect_form(const char *arguments, const char *result, const char *policy,
                        const char *life, enum family family)
{
    struct form form = {arguments, result, true};
    char more[100], what[100];

    now = &form;
    memset(known, 0, sizeof(known));
    snprintf(what, sizeof(what), "%s, %s, %s%s", arguments, result, policy, life);
    snprintf(more, sizeof(more), "%s%s", bound_of(policy), life);
    expect_family(make_form(policy, more), family, true, what, call_form);
}

/* All of one to three. */
static void test_words(void **state)
{
    static const char letters[] = "lisdf";
    static const char *const results[] = {"long", "int", "signed char", "double", "float"};

    NEED(MEMOSHIM_CHECKS, "ways are not counted");
    for (uint32_t i = 0; i < 5 * 6 * 6; i++) {
        char arguments[4] = {letters[i % 5], letters[(i / 5 + 5) % 6], letters[(i / 30 + 5) % 6]};

        if (arguments[1] == '\0' && arguments[2] != '\0') {
            continue;
        }
        for (size_t p = 0; p < N_POLICIES; p++) {
            if (!moves(policies[p]) && n_key_bytes(arguments) <= 16) {
                expect_form(arguments, results[(i + p) % 5], policies[p], "", FAMILY_WORDS);
            }
        }
    }
}

static const struct {
    const char *arguments, *result;
    enum family family;
} others[] = {
    {"sSfF", "int", FAMILY_ROWS},    {"iffi", "float", FAMILY_ROWS},
    {"iiif", "long", FAMILY_ROWS},   {"SIsf", "double", FAMILY_ROWS},
    {"isfsf", "short", FAMILY_ROWS}, {"lIII", "long", FAMILY_MANY},
    {"iiii", "int", FAMILY_MANY},    {"iIIL", "int", FAMILY_MANY},
    {"lDDL", "double", FAMILY_ROWS}, {"ffff", "float", FAMILY_MANY},
    {"lil", "short", FAMILY_MANY},   {"dddD", "double", FAMILY_MANY},
    {"illI", "int", FAMILY_MANY},    {"dddd", "double", FAMILY_MANY},
    {"dfld", "double", FAMILY_MANY}, {"llll", "signed char", FAMILY_MANY},
    {"lliiii", "long", FAMILY_MANY}, {"ccci", "int", FAMILY_WIDE},
    {"lllli", "long", FAMILY_WIDE},  {"ddddd", "double", FAMILY_WIDE},
    {"ccccls", "long", FAMILY_WIDE},
};

static void test_many_numbers(void **state)
{
    NEED(MEMOSHIM_CHECKS, "ways are not counted");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        for (size_t p = 0; p < N_POLICIES; p++) {
            if (!moves(policies[p])) {
                expect_form(others[i].arguments, others[i].result, policies[p], "",
                            others[i].family);
            }
        }
    }
}

/* Their hits look at the clock, or rearrange. */
static void test_lives_and_moves(void **state)
{
    static const struct {
        const char *arguments, *result;
        enum family family;
    } asked[] = {
        {"d", "double", FAMILY_ROWS},   {"dd", "float", FAMILY_ROWS},
        {"l", "int", FAMILY_ROWS},      {"if", "double", FAMILY_ROWS},
        {"iff", "long", FAMILY_ROWS},   {"sl", "short", FAMILY_ROWS},
        {"iif", "double", FAMILY_ROWS}, {"iis", "long", FAMILY_ROWS},
        {"ddd", "float", FAMILY_WIDE},  {"iiii", "int", FAMILY_WIDE},
        {"llls", "int", FAMILY_WIDE},   {"llll", "int", FAMILY_WIDE},
        {"ffI", "float", FAMILY_ROWS},  {"llllf", "int", FAMILY_WIDE},
    };

    NEED(MEMOSHIM_CHECKS, "ways are not counted");
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        for (size_t p = 0; p < N_POLICIES; p++) {
            expect_form(asked[i].arguments, asked[i].result, policies[p], ",\"ttl\":\"1h\"",
                        asked[i].family);
            if (moves(policies[p])) {
                expect_form(asked[i].arguments, asked[i].result, policies[p], "", asked[i].family);
            }
        }
    }
}

static void test_full(void **state)
{
    static const char *const asked[] = {"d",    "ii",   "iii", "dl",   "sfi",
                                        "iffi", "iiii", "ddd", "ccci", "ffffi"};

    NEED(MEMOSHIM_CHECKS, "ways are not counted");
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        for (size_t p = 0; p < N_POLICIES; p++) {
            struct form form = {asked[i], "int", true};
            char what[100];

            now = &form;
            snprintf(what, sizeof(what), "%s, %s", asked[i], policies[p]);
            memset(known, 0, sizeof(known));
            expect_full(make_form(policies[p], ",\"max_entries\":64"), what, 64, call_form);
        }
    }
}

/* The calls that a signal handler makes meanwhile. */
static void test_calls_of_a_handler(void **state)
{
    NEED_STEPS();
#if HAS_STEPS
    static const char *const asked[] = {"d", "sfi", "iffi", "iiii", "ccci", "lllli"};
    static const struct {
        const char *policy, *life;
    } kinds[] = {
        {"lru", ""},
        {"mru", ""},
        {"direct", ""},
        {"lru", ",\"ttl\":\"1h\""},
    };

    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        for (size_t p = 0; p < sizeof(kinds) / sizeof(kinds[0]); p++) {
            struct form form = {asked[i], "int", true};
            char more[100], what[100];

            now = &form;
            snprintf(what, sizeof(what), "%s, %s%s", asked[i], kinds[p].policy, kinds[p].life);
            snprintf(more, sizeof(more), ",\"max_entries\":1024%s", kinds[p].life);
            memset(known, 0, sizeof(known));
            expect_all_counted(make_form(kinds[p].policy, more), what, call_form);
        }
    }
#endif
}

/* It invalidates meanwhile. */
static void test_changes_by_a_handler(void **state)
{
    NEED_STEPS();
#if HAS_STEPS
    static const char *const asked[] = {"d", "iffi", "lllli"};
    static const char *const kinds[] = {"lru", "direct"};

    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        for (size_t p = 0; p < sizeof(kinds) / sizeof(kinds[0]); p++) {
            struct form form = {asked[i], "int", true};

            now = &form;
            memset(known, 0, sizeof(known));
            expect_changes_seen(make_form(kinds[p], ",\"max_entries\":1024"), asked[i], call_form);
        }
    }
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_words, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_many_numbers, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_lives_and_moves, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_full, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_calls_of_a_handler, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_changes_by_a_handler, call_setup, call_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
