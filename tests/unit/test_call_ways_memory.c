// SPDX-License-Identifier: MIT
/*
 * Functions of numbers that write, of texts, and with static memory for a result: which way
 * answers, under every policy, where there are threads and where there are none. As
 * test_call_ways.c for numbers alone.
 */
#include "call_steps.h"

#include <sys/mman.h>

/* ---- what is written ------------------------------------------------------------------------- */

#define ROOM 96

static uint32_t n_written; /* of bytes */

static void write_out(uint64_t seed, unsigned char *out)
{
    n_real++;
    for (uint32_t i = 0; i < n_written; i++) {
        out[i] = (unsigned char)(seed * 0x9e3779b97f4a7c15 >> i % 8 * 8) ^ (unsigned char)(i * 29);
    }
}

static int of_integer(int x, unsigned char *p)
{
    write_out((uint64_t)x, p);
    return x * 3;
}

static int of_integers(int x, int y, unsigned char *p)
{
    write_out((uint64_t)x << 8 | (uint64_t)y, p);
    return x - y;
}

static double of_double(unsigned char *p, double x)
{
    write_out((uint64_t)x, p);
    return -x;
}

static double of_doubles(unsigned char *p, double x, double y)
{
    write_out((uint64_t)x << 8 | (uint64_t)y, p);
    return x - 2 * y;
}

static double of_double_to_two(unsigned char *p, unsigned char *q, double x)
{
    write_out((uint64_t)x, p);
    write_out((uint64_t)x + 77, q);
    n_real--;
    return x / 2;
}

#define TYPES                                                                     \
    "struct ints4 { int a[4]; };\",\"struct doubles2 { double a, b; };\","        \
    "\"struct longs3 { long a, b, c; };\",\"struct doubles4 { double a[4]; };\"," \
    "\"struct chars9 { char a[9]; };\",\"struct chars15 { char a[15]; };\","      \
    "\"struct ints3 { int a, b, c; };\",\"struct longs5 { long a[5]; };"

static char numbers_of; /* i, I: two; v, V: two; w: one, written to two places */

static void call_to_memory(struct call_plan *plan, uint32_t k)
{
    static unsigned char wanted[FEW_KEYS + 1][ROOM];
    unsigned char room[ROOM], *p = room, *q = room + ROOM / 2;
    int x = (int)k + 1, y = 5;
    double u = (double)k + 1, v = 5;
    struct argument arguments[3] = {ARGUMENT(x), ARGUMENT(p), ARGUMENT(q)};
    int before = n_real;

    if (numbers_of == 'I') {
        arguments[1] = (struct argument)ARGUMENT(y);
        arguments[2] = (struct argument)ARGUMENT(p);
    } else if (numbers_of != 'i') {
        arguments[0] = (struct argument)ARGUMENT(u);
    }
    if (numbers_of == 'V') {
        arguments[1] = (struct argument)ARGUMENT(v);
        arguments[2] = (struct argument)ARGUMENT(p);
    }
    memset(room, 0xa5, ROOM);
    call_short(plan, arguments);
    if (n_real != before) {
        memcpy(wanted[k], room, ROOM);
    }
    assert_memory_equal(room, wanted[k], ROOM);
}

/* more: of its entry, with a comma before it. */
static struct call_plan *make_writing(const char *prototype, const char *type, const char *policy,
                                      const char *more, void *function)
{
    char entry[600], declared[200];

    snprintf(declared, sizeof(declared), prototype, type, type);
    snprintf(entry, sizeof(entry),
             "{\"prototype\":\"%s\",\"args\":{\"p\":{\"out\":\"%s\"}%s%s%s},\"policy\":\"%s\"%s}",
             declared, type, numbers_of == 'w' ? ",\"q\":{\"out\":\"" : "",
             numbers_of == 'w' ? type : "", numbers_of == 'w' ? "\"}" : "", policy, more);
    return make_typed_plan(TYPES, "f", entry, function);
}

static void expect_written(const char *prototype, const char *type, uint32_t n_bytes,
                           const char *policy, const char *life, enum family family, void *function)
{
    char more[100], what[300];

    snprintf(what, sizeof(what), "%s of %s, %s%s", prototype, type, policy, life);
    snprintf(more, sizeof(more), "%s%s", bound_of(policy), life);
    n_written = n_bytes;
    expect_family(make_writing(prototype, type, policy, more, function), family, true, what,
                  call_to_memory);
}

static const struct {
    char numbers_of;
    const char *prototype;
    void *function;
    bool has_code;      /* whatever size is written */
    bool has_rich_code; /* of at most 16 bytes */
} writing[] = {
    {'i', "int f(int x, %s *p)", (void *)of_integer, true, true},
    {'i', "void f(int x, %s *p)", (void *)of_integer, true, true},
    {'I', "int f(int x, int y, %s *p)", (void *)of_integers, true, true},
    {'I', "void f(int x, int y, %s *p)", (void *)of_integers, true, true},
    {'v', "double f(double x, %s *p)", (void *)of_double, true, true},
    {'v', "void f(double x, %s *p)", (void *)of_double, true, true},
    {'V', "double f(double x, double y, %s *p)", (void *)of_doubles, true, false},
    {'V', "void f(double x, double y, %s *p)", (void *)of_doubles, true, false},
};

static const struct {
    const char *type;
    uint32_t n_bytes;
    bool is_usual; /* for quick_outs.c */
} outs[] = {
    {"int", 4, true},
    {"float", 4, true},
    {"double", 8, true},
    {"struct ints4", 16, true},
    {"struct doubles2", 16, true},
    {"struct longs3", 24, true},
    {"struct doubles4", 32, true},
    {"struct ints3", 12, false},
    {"struct chars9", 9, false},
    {"struct chars15", 15, false},
    {"short", 2, false},
    {"struct longs5", 40, false},
};

static void test_writing(void **state)
{
    NEED(MEMOSHIM_CHECKS, "ways are not counted");
    for (size_t i = 0; i < sizeof(writing) / sizeof(writing[0]); i++) {
        for (size_t o = 0; o < sizeof(outs) / sizeof(outs[0]); o++) {
            bool has_rich_code = writing[i].has_rich_code && outs[o].n_bytes <= 16;

            for (size_t p = 0; p < N_POLICIES; p++) {
                bool has_code = has_rich_code ||
                                (!moves(policies[p]) && outs[o].is_usual && writing[i].has_code);

                numbers_of = writing[i].numbers_of;
                expect_written(writing[i].prototype, outs[o].type, outs[o].n_bytes, policies[p], "",
                               has_code ? FAMILY_ROWS : FAMILY_WIDE, writing[i].function);
                expect_written(writing[i].prototype, outs[o].type, outs[o].n_bytes, policies[p],
                               ",\"ttl\":\"1h\"", has_rich_code ? FAMILY_ROWS : FAMILY_WIDE,
                               writing[i].function);
            }
        }
    }
}

static void test_writing_to_two_places(void **state)
{
    NEED(MEMOSHIM_CHECKS, "ways are not counted");
    numbers_of = 'w';
    for (size_t p = 0; p < N_POLICIES; p++) {
        expect_written("double f(double x, %s *p, %s *q)", "double", 8, policies[p], "",
                       FAMILY_ROWS, (void *)of_double_to_two);
        expect_written("void f(double x, %s *p, %s *q)", "double", 8, policies[p], "", FAMILY_ROWS,
                       (void *)of_double_to_two);
        expect_written("double f(double x, %s *p, %s *q)", "int", 4, policies[p], ",\"ttl\":\"1h\"",
                       FAMILY_ROWS, (void *)of_double_to_two);
    }
}

/* ---- texts ----------------------------------------------------------------------------------- */

static uint32_t length; /* of each text */
static char *pages;     /* two of them, of which the second is not there; or NULL */

static unsigned sum_of(const char *text)
{
    unsigned sum = 1;

    n_real++;
    for (; *text != '\0'; text++) {
        sum = sum * 31 + (unsigned char)*text;
    }
    return sum;
}

static int of_text(const char *text)
{
    return (int)sum_of(text);
}

static double double_of_text(const char *text)
{
    return sum_of(text);
}

static long of_texts(const char *a, const char *b)
{
    return (long)sum_of(a) * 3 + (b == NULL ? 0 : *b);
}

static void call_of_text(struct call_plan *plan, uint32_t k)
{
    /* Neither at the beginning of a page nor at its end, where another way would answer. */
    static _Alignas(256) const char others[256] = "another";
    _Alignas(256) char room[256] = "";
    char *text = pages != NULL ? pages + MARSHAL_PAGE_BYTES - length - 1 : room + 16;
    const char *other = others + 2;
    struct argument arguments[] = {ARGUMENT(text), ARGUMENT(other)};
    uint64_t seen;

    memset(text, 'a', length);
    text[length] = '\0';
    text[k % length] = (char)('b' + k / length);
    seen = call_short(plan, arguments).integer;
    if (!plan->abi->result_is_vector && plan->abi->n_arguments == 1) {
        unsigned wanted = sum_of(text);

        n_real--;
        assert_int_equal((int)seen, (int)wanted);
    }
}

static struct call_plan *make_of_text(const char *prototype, const char *policy, const char *bound,
                                      void *function)
{
    char entry[300];

    snprintf(entry, sizeof(entry),
             "{\"prototype\":\"%s\",\"args\":{\"s\":\"string\"%s},\"policy\":\"%s\"%s}", prototype,
             strstr(prototype, "*t") != NULL ? ",\"t\":\"string\"" : "", policy, bound);
    return make_plan("f", entry, function);
}

static void expect_text(const char *prototype, const char *policy, uint32_t of_length,
                        enum family family, bool in_slots, void *function)
{
    char what[200];

    snprintf(what, sizeof(what), "%s of %u, %s", prototype, of_length, policy);
    length = of_length;
    expect_family(make_of_text(prototype, policy, bound_of(policy), function), family, in_slots,
                  what, call_of_text);
}

static void test_texts(void **state)
{
    NEED(MEMOSHIM_CHECKS, "ways are not counted");
    for (size_t p = 0; p < N_POLICIES; p++) {
        for (uint32_t n = 1; n <= MARSHAL_SHORT_TEXT_BYTES; n++) {
            enum family family = moves(policies[p]) ? FAMILY_WIDE : FAMILY_TEXT;

            expect_text("int f(const char *s)", policies[p], n, family, true, (void *)of_text);
            expect_text("unsigned f(const char *s)", policies[p], n, family, true, (void *)of_text);
            expect_text("double f(const char *s)", policies[p], n, family, true,
                        (void *)double_of_text);
        }
        expect_text("long f(const char *s, const char *t)", policies[p], 9, FAMILY_WIDE, true,
                    (void *)of_texts);
        expect_text("long f(const char *s, const char *t)", policies[p], 60, FAMILY_WIDE, false,
                    (void *)of_texts);
    }
}

/*
 * Longer ones have a way of their own, without threads; those that may not be read ahead, and all
 * with threads, take the second way of functions of one text.
 */
static void test_odd_texts(void **state)
{
    struct ways hit = {{0}};
    struct ways miss = {.n = {[CALL_WAY_FURTHER] = 1, [CALL_WAY_WIDE] = 1}};
    const struct ways look = WAYS(1, 1, 1, 1);
    /* The first is short, and the keys of the last two do not fit into a flight. There are no more
     * of them than the first table has room for. */
    static const uint32_t lengths[] = {15, 20, 21, 28, 29, 100};
    struct call_plan *plan =
        make_of_text("int f(const char *s)", "lru", bound_of("lru"), (void *)of_text);
    struct ways before;

    NEED(MEMOSHIM_CHECKS, "ways are not counted");
    pages = mmap(NULL, 2 * MARSHAL_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                 -1, 0);
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + MARSHAL_PAGE_BYTES, MARSHAL_PAGE_BYTES, PROT_NONE), 0);
    let_alone(plan);
    length = 3;
    call_of_text(plan, 0);
    for (uint32_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        length = lengths[i];
        miss.n[CALL_WAY_INSERT] = length > MARSHAL_SHORT_TEXT_BYTES; /* a key with a block */
        before = read_ways(plan);
        call_of_text(plan, 1);
        expect_ways(plan, "a miss", before, 1, miss);
        for (int alone = 1; alone >= 0; alone--) {
            __libc_single_threaded = (char)alone;
            hit.n[CALL_WAY_FURTHER] = !alone || length <= MARSHAL_SHORT_TEXT_BYTES;
            before = read_ways(plan);
            call_of_text(plan, 1);
            expect_ways(plan, "a hit", before, 1, hit);
            __libc_single_threaded = 1;
        }
        atomic_store(&plan->quick.look_mask, 0);
        before = read_ways(plan);
        call_of_text(plan, 1);
        expect_ways(plan, "a hit that is to look", before, 1, look);
        let_alone(plan);
    }
    munmap(pages, 2 * MARSHAL_PAGE_BYTES);
    pages = NULL;
}

/* ---- static memory --------------------------------------------------------------------------- */

struct person {
    char *name;
    long number;
};

static struct person *look_up(long number)
{
    static struct person person;
    static char name[20];

    n_real++;
    snprintf(name, sizeof(name), "name %ld", number);
    person = (struct person){name, number};
    return &person;
}

/* A handler's call may leave another number there. */
static const struct person *look_up_any(struct call_plan *plan, long number)
{
    struct argument arguments[] = {ARGUMENT(number)};

    return (const struct person *)(uintptr_t)call_short(plan, arguments).integer;
}

static void call_look_up(struct call_plan *plan, uint32_t k)
{
    long number = (long)k + 1;
    const struct person *person = look_up_any(plan, number);
    char name[20];

    snprintf(name, sizeof(name), "name %ld", number);
    assert_int_equal(person->number, number);
    assert_string_equal(person->name, name);
}

static struct call_plan *make_look_up(const char *policy, const char *bound)
{
    char entry[400];

    snprintf(entry, sizeof(entry),
             "{\"prototype\":\"struct person *f(long n)\",\"returns\":{\"out\":\"struct "
             "person\",\"lifetime\":\"static\",\"fields\":{\"struct person\":{\"name\":"
             "\"string\"}}},\"key_also\":[\"env:WHERE\"],\"policy\":\"%s\"%s}",
             policy, bound);
    return make_typed_plan("struct person { char *name; long number; };", "f", entry,
                           (void *)look_up);
}

static void test_static_memory(void **state)
{
    NEED(MEMOSHIM_CHECKS, "ways are not counted");
    for (size_t p = 0; p < N_POLICIES; p++) {
        expect_family(make_look_up(policies[p], bound_of(policies[p])), FAMILY_IMAGES, true,
                      policies[p], call_look_up);
    }
}

/* ---- the calls that a signal handler makes meanwhile ----------------------------------------- */

#if HAS_STEPS
static void call_look_up_any(struct call_plan *plan, uint32_t k)
{
    assert_non_null(look_up_any(plan, (long)k + 1));
}
#endif

static void test_calls_of_a_handler(void **state)
{
    NEED_STEPS();
#if HAS_STEPS
    static const char *const kinds[] = {"lru", "mru", "direct"};
    static const char *const bound = ",\"max_entries\":1024";

    for (size_t p = 0; p < sizeof(kinds) / sizeof(kinds[0]); p++) {
        n_written = 16;
        for (size_t i = 0; i < sizeof(writing) / sizeof(writing[0]); i += 2) {
            numbers_of = writing[i].numbers_of;
            expect_all_counted(make_writing(writing[i].prototype, "struct ints4", kinds[p], bound,
                                            writing[i].function),
                               writing[i].prototype, call_to_memory);
        }
        for (length = 9; length <= 30; length += 21) {
            expect_all_counted(
                make_of_text("int f(const char *s)", kinds[p], bound, (void *)of_text), "a text",
                call_of_text);
            expect_all_counted(make_of_text("long f(const char *s, const char *t)", kinds[p], bound,
                                            (void *)of_texts),
                               "two texts", call_of_text);
        }
        expect_all_counted(make_look_up(kinds[p], bound), "static memory", call_look_up_any);
    }
#endif
}

/* It invalidates meanwhile. */
static void test_changes_by_a_handler(void **state)
{
    NEED_STEPS();
#if HAS_STEPS
    static const char *const kinds[] = {"lru", "direct"};
    static const char *const bound = ",\"max_entries\":1024";

    for (size_t p = 0; p < sizeof(kinds) / sizeof(kinds[0]); p++) {
        n_written = 16;
        for (size_t i = 0; i < sizeof(writing) / sizeof(writing[0]); i += 3) {
            numbers_of = writing[i].numbers_of;
            expect_changes_seen(make_writing(writing[i].prototype, "struct ints4", kinds[p], bound,
                                             writing[i].function),
                                writing[i].prototype, call_to_memory);
        }
        for (length = 9; length <= 30; length += 21) {
            expect_changes_seen(
                make_of_text("int f(const char *s)", kinds[p], bound, (void *)of_text), "a text",
                call_of_text);
            expect_changes_seen(make_of_text("long f(const char *s, const char *t)", kinds[p],
                                             bound, (void *)of_texts),
                                "two texts", call_of_text);
        }
        expect_changes_seen(make_look_up(kinds[p], bound), "static memory", call_look_up);
    }
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_writing, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_writing_to_two_places, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_texts, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_odd_texts, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_static_memory, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_calls_of_a_handler, call_setup, call_teardown),
        cmocka_unit_test_setup_teardown(test_changes_by_a_handler, call_setup, call_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
