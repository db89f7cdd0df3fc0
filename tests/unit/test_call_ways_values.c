// SPDX-License-Identifier: MIT
/*
 * Results of two registers, and long double: which way answers, under every policy, where there are
 * threads and where there are none. Only of what leads to the long way nothing else would be seen.
 * And what is decided by such a result, or left besides.
 */
#include "call_values.h"

#include "call_steps.h"

#include <complex.h>
#include <errno.h>

#if defined(__x86_64__)

/* ---- the functions --------------------------------------------------------------------------- */

struct mixed {
    int i;
    double d;
};
struct swapped {
    float f;
    long l;
};
struct floats {
    float x, y, z;
};
struct tail {
    long a;
    char c;
};

#define TYPES                                                                 \
    "struct mixed { int i; double d; }; struct swapped { float f; long l; };" \
    "struct floats { float x, y, z; }; struct tail { long a; char c; };"

static double number(uint64_t sum)
{
    n_real++;
    return (double)(sum >> 12);
}

static long double wide_to_wide(long double x)
{
    return number(mix(1, &x, 10)) * 0x1p-70L;
}

static struct mixed int_to_mixed(int n)
{
    uint64_t sum = MIX(1, n);

    return (struct mixed){(int)sum, number(sum)};
}

static struct swapped chars_to_swapped(char a, char b, short c)
{
    uint64_t sum = MIX(MIX(MIX(1, a), b), c);

    n_real++;
    return (struct swapped){(float)(sum >> 44), (long)sum};
}

static double complex complex_to_complex(double complex z)
{
    uint64_t sum = MIX(1, z);

    return number(sum) + (double)(sum & 0xffffff) * I;
}

static struct tail mixed_to_tail(struct mixed v, long n)
{
    uint64_t sum = MIX(MIX(MIX(1, v.i), v.d), n);

    n_real++;
    return (struct tail){(long)sum, (char)(sum >> 9)};
}

static struct tail longs_to_tail(long a, long b, long c)
{
    uint64_t sum = MIX(MIX(MIX(1, a), b), c);

    n_real++;
    return (struct tail){(long)sum, (char)(sum >> 9)};
}

static struct floats longs_to_floats(long a, long b, long c, long d)
{
    uint64_t sum = MIX(MIX(MIX(MIX(1, a), b), c), d);

    n_real++;
    return (struct floats){(float)(sum & 0xffff), (float)(sum >> 44), (float)(sum >> 20 & 0xffff)};
}

static long double longs_to_wide(long a, long b, long c, long d, long e)
{
    return number(MIX(MIX(MIX(MIX(MIX(1, a), b), c), d), e)) * 0x1p-70L;
}

static const struct subject {
    const char *prototype;
    void *real;
    bool has_look; /* at a key of up to four words */
} subjects[] = {
    {"long double f(long double x)", (void *)wide_to_wide, true},
    {"struct mixed f(int n)", (void *)int_to_mixed, true},
    {"struct swapped f(char a, char b, short c)", (void *)chars_to_swapped, true},
    {"double _Complex f(double _Complex z)", (void *)complex_to_complex, true},
    {"struct tail f(struct mixed v, long n)", (void *)mixed_to_tail, true},
    {"struct tail f(long a, long b, long c)", (void *)longs_to_tail, true},
    {"struct floats f(long a, long b, long c, long d)", (void *)longs_to_floats, true},
    {"long double f(long a, long b, long c, long d, long e)", (void *)longs_to_wide, false},
};
#define N_SUBJECTS (sizeof(subjects) / sizeof(subjects[0]))

/* ---- calls ----------------------------------------------------------------------------------- */

#define N_KNOWN 16

static unsigned char known[N_KNOWN][16]; /* the results so far, from the real function */
static bool is_known[N_KNOWN];

/* The k-th arguments differ in the first one, which has room for that, or in the third. */
static void call_subject(struct call_plan *plan, uint32_t k)
{
    const struct ctype *result = plan->function->prototype.result;
    struct taken taken;
    unsigned char seen[16];

    memset(&taken, 0, sizeof(taken));
    if (plan->function->prototype.parameters[0].type->size_bytes >= sizeof(k)) {
        memcpy(taken.bytes[0], &k, sizeof(k));
    } else {
        memcpy(taken.bytes[2], &k, sizeof(short));
    }
    call_by_short(plan, &taken, seen);
    if (k >= N_KNOWN) {
        return;
    }
    if (is_known[k]) {
        assert_true(abi_equal_values(result, seen, known[k]));
    }
    memcpy(known[k], seen, sizeof(seen));
    is_known[k] = true;
}

/* more: of its entry, with a comma before it. */
static struct call_plan *make_subject(const struct subject *subject, const char *policy,
                                      const char *more)
{
    char entry[300];

    memset(is_known, 0, sizeof(is_known));
    snprintf(entry, sizeof(entry), "{\"prototype\":\"%s\",\"policy\":\"%s\"%s}", subject->prototype,
             policy, more);
    return make_typed_plan(TYPES, "f", entry, subject->real);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void test_each_policy(void **state)
{
    static const char *const rest[] = {"", ",\"ttl\":\"1h\"", ",\"errno\":true"};

    NEED(MEMOSHIM_CHECKS, "ways are not counted");
    for (size_t i = 0; i < N_SUBJECTS; i++) {
        for (size_t p = 0; p < N_POLICIES; p++) {
            for (size_t r = 0; r < sizeof(rest) / sizeof(rest[0]); r++) {
                bool looks = subjects[i].has_look && !moves(policies[p]) && r == 0;
                char more[100], what[200];

                snprintf(what, sizeof(what), "%s, %s%s", subjects[i].prototype, policies[p],
                         rest[r]);
                snprintf(more, sizeof(more), "%s%s", bound_of(policies[p]), rest[r]);
                expect_family(make_subject(&subjects[i], policies[p], more),
                              looks ? FAMILY_MANY : FAMILY_WIDE, true, what, call_subject);
            }
        }
    }
}

static void test_full(void **state)
{
    NEED(MEMOSHIM_CHECKS, "ways are not counted");
    for (size_t i = 0; i < N_SUBJECTS; i++) {
        for (size_t p = 0; p < N_POLICIES; p++) {
            expect_full(make_subject(&subjects[i], policies[p], ",\"max_entries\":64"),
                        subjects[i].prototype, 64, call_subject);
        }
    }
}

/* The calls that a signal handler makes meanwhile. */
static void test_calls_of_a_handler(void **state)
{
    NEED_STEPS();
#if HAS_STEPS
    static const struct {
        const char *policy, *more;
    } kinds[] = {
        {"lru", ",\"max_entries\":1024"},
        {"direct", ",\"max_entries\":1024"},
        {"lru", ",\"max_entries\":1024,\"ttl\":\"1h\""},
    };

    for (size_t i = 0; i < N_SUBJECTS; i++) {
        for (size_t p = 0; p < sizeof(kinds) / sizeof(kinds[0]); p++) {
            expect_all_counted(make_subject(&subjects[i], kinds[p].policy, kinds[p].more),
                               subjects[i].prototype, call_subject);
        }
    }
#endif
}

/* It invalidates meanwhile. */
static void test_changes_by_a_handler(void **state)
{
    NEED_STEPS();
#if HAS_STEPS
    static const char *const kinds[] = {"lru", "direct"};

    for (size_t i = 0; i < N_SUBJECTS; i += 3) {
        for (size_t p = 0; p < sizeof(kinds) / sizeof(kinds[0]); p++) {
            expect_changes_seen(make_subject(&subjects[i], kinds[p], ",\"max_entries\":1024"),
                                subjects[i].prototype, call_subject);
        }
    }
#endif
}

/* Whoever looks at what is due is answered, and after that the next one the short way again. */
static void test_looks(void **state)
{
    NEED(MEMOSHIM_CHECKS, "ways are not counted");
    for (size_t i = 0; i < N_SUBJECTS; i++) {
        struct call_plan *plan = make_subject(&subjects[i], "lru", ",\"max_entries\":1024");
        struct ways before;
        int n_computed;

        let_alone(plan);
        call_subject(plan, 1);
        n_computed = n_real;
        for (int alone = 1; alone >= 0; alone--) {
            __libc_single_threaded = (char)alone;
            atomic_store(&plan->quick.look_mask, 0);
            before = read_ways(plan);
            call_subject(plan, 1);
            __libc_single_threaded = 1;
            expect_ways(plan, subjects[i].prototype, before, 1,
                        alone                  ? (struct ways)WAYS(0, 1, 1, 1)
                        : subjects[i].has_look ? (struct ways)WAYS(0, 1, 0, 0)
                                               : (struct ways)WAYS(0, 0, 0, 0));
            let_alone(plan);
            before = read_ways(plan);
            call_subject(plan, 1);
            expect_ways(plan, subjects[i].prototype, before, 1, (struct ways)WAYS(0, 0, 0, 0));
        }
        assert_int_equal(n_real, n_computed);
        atomic_store(&plan->is_unfollowed, true);
        quick_stop(plan);
        for (int alone = 1; alone >= 0; alone--) {
            __libc_single_threaded = (char)alone;
            call_subject(plan, 1);
            __libc_single_threaded = 1;
            assert_int_equal(n_real, ++n_computed);
        }
    }
}

/* ---- with conditions and errno --------------------------------------------------------------- */

/* The first words of these are the same: what differs is in the second. */
static long double wide_or_not(int n)
{
    n_real++;
    errno = n;
    return n % 2 == 0 ? 0x1.8p100L : -0x1.8p100L;
}

static double complex complex_or_not(int n)
{
    n_real++;
    errno = n % 2 == 0 ? n : 0;
    return 2 + (n % 2 == 0 ? n : -n) * I;
}

/* Real calls of two with n; the second result. */
static int call_twice(struct call_plan *plan, int n, void *ret_value)
{
    struct taken taken;
    int before = n_real;

    memcpy(taken.bytes[0], &n, sizeof(n));
    for (int i = 0; i < 2; i++) {
        errno = -1;
        call_by_short(plan, &taken, ret_value);
    }
    return n_real - before;
}

static void test_conditions_see_the_whole_result(void **state)
{
    static const char *const lives[] = {"", ",\"ttl\":\"1h\"",
                                        ",\"negative\":{\"if\":\"return == 5\",\"ttl\":\"1s\"}"};

    for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
        char entry[300];
        struct call_plan *plan;
        _Alignas(16) long double value;

        snprintf(entry, sizeof(entry),
                 "{\"prototype\":\"long double f(int n)\",\"errno\":true,\"guard\":false,"
                 "\"store_if\":\"return > 0\"%s}",
                 lives[i]);
        plan = make_typed_plan(TYPES, "f", entry, (void *)wide_or_not);
        assert_non_null(call_plan_words(plan));
        for (int n = 1; n <= 8; n++) {
            __libc_single_threaded = n <= 4;
            assert_int_equal(call_twice(plan, n, &value), n % 2 == 0 ? 1 : 2);
            __libc_single_threaded = 1;
            assert_int_equal(errno, n);
            assert_true(value == wide_or_not(n));
            n_real--;
        }
    }
}

static void test_errno_beside_a_result(void **state)
{
    struct call_plan *plan = make_typed_plan(
        TYPES, "f", "{\"prototype\":\"double _Complex f(int n)\",\"errno\":true,\"guard\":false}",
        (void *)complex_or_not);

    assert_non_null(call_plan_words(plan));
    for (int n = 1; n <= 8; n++) {
        double complex value;

        __libc_single_threaded = n <= 4;
        assert_int_equal(call_twice(plan, n, &value), 1);
        __libc_single_threaded = 1;
        assert_int_equal(errno, n % 2 == 0 ? n : -1);
        assert_true(creal(value) == 2 && cimag(value) == (n % 2 == 0 ? n : -n));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_policy, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_full, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_calls_of_a_handler, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_changes_by_a_handler, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_looks, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_conditions_see_the_whole_result, call_setup,
                                        call_teardown),
        cmocka_unit_test_setup_teardown(test_errno_beside_a_result, call_setup, call_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    return skip_all("on this processor such calls go through libffi");
}

#endif
