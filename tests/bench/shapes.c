// SPDX-License-Identifier: MIT
/*
 * See shapes.h. The functions are called as any program calls those of a library: through the
 * linkage table, in a loop that the compiler sees whole.
 */
#include "shapes.h"

#include "memo.h"
#include "subject.h"

#define TEXT_BYTES      16
#define LONG_TEXT_BYTES 40

struct text {
    char bytes[TEXT_BYTES + 8]; /* a NUL behind the text; texts begin at words */
};

struct long_text {
    char bytes[LONG_TEXT_BYTES + 8];
};

struct three {
    int a, b, c;
};

/* One to one on numbers of so many bits, and in no order. */
static uint64_t mix(uint64_t n, unsigned n_bits)
{
    uint64_t mask = (UINT64_C(1) << n_bits) - 1;

    n &= mask;
    for (int round = 0; round < 3; round++) {
        n = (n ^ n >> (n_bits / 2)) * UINT64_C(0x9e3779b97f4a7c15) & mask;
    }
    return n ^ n >> (n_bits / 2);
}

/* Between 2^20 and 2^21, so that the integer part tells them apart, too: GLib hashes only that. */
static double draw_number(uint64_t n)
{
    uint64_t bits = (UINT64_C(0x3ff) + 20) << 52 | mix(n, 52);
    double x;

    memcpy(&x, &bits, sizeof(x));
    return x;
}

static void draw_double(uint64_t n, void *ret_argument)
{
    *(double *)ret_argument = draw_number(n);
}

static void draw_three(uint64_t n, void *ret_argument)
{
    uint64_t bits = mix(n, 60);

    *(struct three *)ret_argument =
        (struct three){.a = bits & 0xfffff, .b = bits >> 20 & 0xfffff, .c = (int)(bits >> 40)};
}

static void draw_letters(uint64_t n, char *ret_letters, int n_letters)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

    for (int i = 0; i < n_letters; i++) {
        ret_letters[i] = letters[mix(n + (uint64_t)i / 8, 48) >> i % 8 * 6 & 63];
    }
}

static void draw_text(uint64_t n, void *ret_argument)
{
    struct text *text = ret_argument;

    memset(text, 0, sizeof(*text));
    draw_letters(n, text->bytes, TEXT_BYTES);
}

/* As names of hosts, they end alike. */
static void draw_long_text(uint64_t n, void *ret_argument)
{
    static const char end[] = ".servers.example.org";
    struct long_text *text = ret_argument;
    int n_letters = LONG_TEXT_BYTES - (int)sizeof(end) + 1;

    memset(text, 0, sizeof(*text));
    draw_letters(n, text->bytes, n_letters);
    memcpy(text->bytes + n_letters, end, sizeof(end));
}

static void draw_int(uint64_t n, void *ret_argument)
{
    *(int *)ret_argument = (int)mix(n, 32);
}

static void draw_place(uint64_t n, void *ret_argument)
{
    *(struct bench_place *)ret_argument =
        (struct bench_place){draw_number(n), draw_number(n + 1), draw_number(n + 2)};
}

static void draw_wide(uint64_t n, void *ret_argument)
{
    memset(ret_argument, 0, sizeof(long double));
    *(long double *)ret_argument = draw_number(n);
}

static uint32_t fold_double(const void *argument)
{
    return memo_fold_double(*(const double *)argument);
}

static uint32_t fold_int(const void *argument)
{
    return memo_fold_int(*(const int *)argument);
}

static uint32_t fold_text(const void *argument)
{
    uint64_t words[MEMO_TEXT_WORDS];

    return memo_read_text(((const struct text *)argument)->bytes, words) ? memo_fold_text(words)
                                                                         : 0;
}

/* The loop of one function: a is the argument in the list, the result is added up. */
#define LOOP(shape, type, sum_type, result)                                   \
    static void call_##shape(const void *list, uint32_t n, uint32_t n_passes) \
    {                                                                         \
        const type *arguments = list;                                         \
        sum_type sum = 0;                                                     \
                                                                              \
        while (n_passes-- > 0) {                                              \
            for (uint32_t i = 0; i < n; i++) {                                \
                const type *a = &arguments[i];                                \
                                                                              \
                sum += result;                                                \
            }                                                                 \
        }                                                                     \
        __asm__ volatile("" : : "m"(sum));                                    \
    }

static inline double out(int number)
{
    struct bench_pair pair;

    return bench_out(number, &pair) + pair.sum + pair.product;
}

/* 0, but nobody can tell. */
static inline uint64_t nothing(void)
{
    uint64_t none = 0;

    __asm__("" : "+r"(none));
    return none;
}

/* As they come, the next call does not wait for the last one's result; here it does. */
static inline double after(double x, double last)
{
    uint64_t bits, last_bits;

    memcpy(&bits, &x, sizeof(bits));
    memcpy(&last_bits, &last, sizeof(last_bits));
    bits ^= last_bits & nothing();
    memcpy(&x, &bits, sizeof(x));
    return x;
}

/* The last result says where the next text is. */
static inline const char *text_after(const struct text *text, int last)
{
    return text->bytes + ((uint32_t)last & nothing());
}

static void call_chain(const void *list, uint32_t n, uint32_t n_passes)
{
    const double *arguments = list;
    double last = 0;

    while (n_passes-- > 0) {
        for (uint32_t i = 0; i < n; i++) {
            last = bench_double(after(arguments[i], last));
        }
    }
    __asm__ volatile("" : : "m"(last));
}

static void call_text_chain(const void *list, uint32_t n, uint32_t n_passes)
{
    const struct text *arguments = list;
    int last = 0;

    while (n_passes-- > 0) {
        for (uint32_t i = 0; i < n; i++) {
            last = bench_text(text_after(&arguments[i], last));
        }
    }
    __asm__ volatile("" : : "m"(last));
}

LOOP(double, double, double, bench_double(*a))
LOOP(three, struct three, long, bench_three(a->a, a->b, a->c))
LOOP(text, struct text, long, bench_text(a->bytes))
LOOP(long_text, struct long_text, long, bench_text(a->bytes))
LOOP(out, int, double, out(*a))
LOOP(struct, struct bench_place, double, bench_struct(*a))
LOOP(wide, long double, long double, bench_wide(*a))

static bool is_right_double(const void *argument)
{
    double x = *(const double *)argument;

    return bench_double(x) == bench_truth.of_double(x);
}

static bool is_right_three(const void *argument)
{
    const struct three *t = argument;

    return bench_three(t->a, t->b, t->c) == bench_truth.of_three(t->a, t->b, t->c);
}

static bool is_right_text(const void *argument)
{
    const struct text *text = argument;

    return bench_text(text->bytes) == bench_truth.of_text(text->bytes);
}

static bool is_right_long_text(const void *argument)
{
    const struct long_text *text = argument;

    return bench_text(text->bytes) == bench_truth.of_text(text->bytes);
}

static bool is_right_out(const void *argument)
{
    int number = *(const int *)argument;
    struct bench_pair seen = {0, 0}, wanted;
    int result = bench_out(number, &seen);

    return result == bench_truth.of_out(number, &wanted) && seen.sum == wanted.sum &&
           seen.product == wanted.product;
}

static bool is_right_struct(const void *argument)
{
    struct bench_place place = *(const struct bench_place *)argument;

    return bench_struct(place) == bench_truth.of_struct(place);
}

static bool is_right_wide(const void *argument)
{
    long double x = *(const long double *)argument;

    return bench_wide(x) == bench_truth.of_wide(x);
}

static const struct shape shapes[] = {
    {"double", sizeof(double), draw_double, fold_double, call_double, is_right_double},
    {"chain", sizeof(double), draw_double, fold_double, call_chain, is_right_double},
    {"three", sizeof(struct three), draw_three, NULL, call_three, is_right_three},
    {"text", sizeof(struct text), draw_text, fold_text, call_text, is_right_text},
    {"text_chain", sizeof(struct text), draw_text, fold_text, call_text_chain, is_right_text},
    {"long_text", sizeof(struct long_text), draw_long_text, NULL, call_long_text,
     is_right_long_text},
    {"out", sizeof(int), draw_int, fold_int, call_out, is_right_out},
    {"struct", sizeof(struct bench_place), draw_place, NULL, call_struct, is_right_struct},
    {"wide", sizeof(long double), draw_wide, NULL, call_wide, is_right_wide},
};

const struct shape *shape_find(const char *name)
{
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        if (strcmp(shapes[i].name, name) == 0) {
            return &shapes[i];
        }
    }
    return NULL;
}
