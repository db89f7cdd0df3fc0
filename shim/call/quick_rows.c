// SPDX-License-Identifier: MIT
/*
 * The way of quick_wide.c for functions whose arguments are in few registers, whose keys are of one
 * or two words, and that write to at most two places, 16 bytes each: from registers to registers,
 * without lists or copies, as in quick.c. One function of C for each number of integer registers,
 * of vector registers and of such places. What it does not answer at once, quick_wide.c does.
 */
#include "call/quick_rows.h"

/* What a caller left; which of them there are is known when this is compiled. */
struct registers {
    uint64_t integers[QUICK_ROW_INTEGERS];
    double vectors[QUICK_ROW_VECTORS];
};

/* What a hit gives back. */
struct found {
    uint64_t result;
    uint64_t outs[QUICK_ROW_OUTS][2];
    int32_t set_errno;
};

static void note_words(struct abi_words *ret_words, uint64_t i0, uint64_t i1, uint64_t i2,
                       double v0, double v1)
{
    ret_words->integers[0] = i0;
    ret_words->integers[1] = i1;
    ret_words->integers[2] = i2;
    ret_words->vectors[0] = bits_of(v0);
    ret_words->vectors[1] = bits_of(v1);
}

/* Not inlined, as the next: a short miss has none of this on its stack. */
__attribute__((noinline)) static struct abi_both
go_further(struct call_plan *plan, uint64_t i0, uint64_t i1, uint64_t i2, double v0, double v1)
{
    struct abi_words words;

    note_words(&words, i0, i1, i2, v0, v1);
    return quick_wide_further(plan, &words);
}

__attribute__((noinline)) static struct abi_both
go_on(struct call_plan *plan, uint64_t i0, uint64_t i1, uint64_t i2, double v0, double v1)
{
    struct abi_words words;

    note_words(&words, i0, i1, i2, v0, v1);
    return quick_wide_handle(plan, &words);
}

struct abi_both quick_rows_further(struct call_plan *plan, uint64_t i0, uint64_t i1, uint64_t i2,
                                   double v0, double v1)
{
    struct quick_computed computed = {0, 0};

    CALL_NOTE_WAY(plan, FURTHER);
    if (likely(__libc_single_threaded)) {
        computed = quick_ask_row(plan, i0, i1, i2, v0, v1);
    }
    return likely(computed.is_done != 0) ? both(computed.word)
                                         : go_further(plan, i0, i1, i2, v0, v1);
}

struct abi_both quick_rows_miss(struct call_plan *plan, uint64_t i0, uint64_t i1, uint64_t i2,
                                double v0, double v1)
{
    struct quick_computed computed = {0, 0};

    CALL_NOTE_WAY(plan, FURTHER);
    if (likely(__libc_single_threaded)) {
        computed = quick_ask_row(plan, i0, i1, i2, v0, v1);
    }
    return likely(computed.is_done != 0) ? both(computed.word) : go_on(plan, i0, i1, i2, v0, v1);
}

static inline __attribute__((always_inline)) void
make_key(const struct call_wide *wide, uint32_t n_words, int n_integers, int n_vectors,
         const struct registers *registers, uint64_t *ret_low, uint64_t *ret_high)
{
    *ret_low = wide->keys.always[0];
    *ret_high = n_words == 1 ? 0 : wide->keys.always[1];
    for (int i = 0; i < n_integers; i++) {
        row_add(&wide->integers[i], n_words, registers->integers[i], ret_low, ret_high);
    }
    for (int i = 0; i < n_vectors; i++) {
        row_add(&wide->vectors[i], n_words, bits_of(registers->vectors[i]), ret_low, ret_high);
    }
}

static inline __attribute__((always_inline)) char *
pick(const struct call_wide *wide, int out, int n_integers, const struct registers *registers)
{
    uint64_t word = registers->integers[0];

    for (int i = 1; i < n_integers; i++) {
        word = wide->row_outs[out].integer == (uint32_t)i ? registers->integers[i] : word;
    }
    return (char *)(uintptr_t)word;
}

/* They lead somewhere, and are apart. */
static inline __attribute__((always_inline)) bool are_outs_apart(const struct call_wide *wide,
                                                                 int n_outs, char *const *outs)
{
    for (int i = 0; i < n_outs; i++) {
        if (outs[i] == NULL) {
            return false;
        }
    }
    return n_outs < 2 ||
           quick_are_apart(outs[0], wide->row_outs[0].n_bytes, outs[1], wide->row_outs[1].n_bytes);
}

/* wide: the plan's. is_rich: lives, errno, or a policy that rearranges; calls something. The guard
 * is set. */
static inline __attribute__((always_inline)) enum row_end
find(struct call_plan *plan, const struct call_wide *wide, uint32_t n_words, int n_integers,
     int n_vectors, int n_outs, bool is_rich, const struct registers *registers, char *const *outs,
     struct found *ret_found)
{
    const bool looks = n_vectors > 0 || plan->quick.looks_at_rounding;
    const struct cache_rows *rows = &wide->rows;
    _Atomic uint64_t *hits = stats_hits_alone(plan->counters);
    uint64_t n_hits = atomic_load_explicit(hits, memory_order_relaxed) + 1, now_ns, key[2];
    enum cache_row_look look;
    struct float_mode mode = {0};
    struct hash_halves hash;
    struct cache_front *front;
    bool is_answer;
    char *slot;

    if (looks) {
        float_mode_note(&mode);
    }
    if (!likely(!fork_page_is_new_child() && !is_look_due(plan, n_hits) &&
                are_outs_apart(wide, n_outs, outs))) {
        return ROW_MISS;
    }
    now_ns = is_rich && rows->life_at != 0 ? life_latest_ns(plan) : 0;
    make_key(wide, n_words, n_integers, n_vectors, registers, &key[0], &key[1]);
    hash = hash_words_halves(key[0], key[1], &wide->seeds);
    front = cache_front(&rows->words, hash.lower);
    look = cache_look_at_row(&rows->words, front, key, hash.upper, n_words, rows->words.slot_bytes,
                             rows->words.use, &slot);
    if (!likely(look == CACHE_ROW_FOUND)) {
        return look == CACHE_ROW_PASSED ? ROW_FURTHER : ROW_MISS;
    }
    if (!likely(!looks || float_mode_was_default(&mode))) {
        return ROW_MISS;
    }
    if (is_rich) {
        is_answer =
            cache_row_is_alive(rows, slot, now_ns) && cache_use_row(rows, front, slot, now_ns);
    } else {
        is_answer = cache_use_words(&rows->words, front, slot, rows->words.use);
    }
    if (!likely(is_answer)) {
        return ROW_MISS;
    }
    for (int i = 0; i < n_outs; i++) {
        ret_found->outs[i][0] = shared_load(slot + wide->row_outs[i].first_at);
        ret_found->outs[i][1] = shared_load(slot + wide->row_outs[i].second_at);
    }
    ret_found->result = shared_load(slot + wide->row_result_at);
    ret_found->set_errno = is_rich && wide->row_errno_at != 0
                               ? (int32_t)shared_load(slot + wide->row_errno_at)
                               : MARSHAL_ERRNO_UNTOUCHED;
    atomic_store_explicit(hits, n_hits, memory_order_relaxed);
    return ROW_HIT;
}

__attribute__((noinline)) static void give_odd(char *to, uint64_t first, uint64_t second,
                                               uint32_t n_bytes)
{
    const uint64_t words[2] = {first, second};

    quick_give(to, words, n_bytes);
}

/* The guard is not set. */
static inline __attribute__((always_inline)) void give(char *to, uint64_t first, uint64_t second,
                                                       uint32_t n_bytes)
{
    uint32_t low = (uint32_t)first;

    if (n_bytes == 8) {
        memcpy(to, &first, 8);
    } else if (n_bytes == 4) {
        memcpy(to, &low, 4);
    } else if (likely(n_bytes > 8)) {
        /* The last eight, of which some may be among the first. */
        second = second << 8 * (16 - n_bytes) | first >> 1 >> (8 * n_bytes - 65);
        memcpy(to, &first, 8);
        memcpy(to + n_bytes - 8, &second, 8);
    } else {
        give_odd(to, first, second, n_bytes);
    }
}

static inline __attribute__((always_inline)) enum row_end
run(struct call_plan *plan, uint32_t n_words, int n_integers, int n_vectors, int n_outs,
    bool is_rich, const struct registers *registers, uint64_t *ret_word)
{
    const struct call_wide *wide = plan->wide;
    char *outs[QUICK_ROW_OUTS] = {NULL};
    struct found found;
    enum row_end end;

    if (!likely(__libc_single_threaded)) {
        return ROW_FURTHER;
    }
    for (int i = 0; i < n_outs; i++) {
        outs[i] = pick(wide, i, n_integers, registers);
    }
    guard_enter();
    end =
        find(plan, wide, n_words, n_integers, n_vectors, n_outs, is_rich, registers, outs, &found);
    guard_leave();
    if (!likely(end == ROW_HIT)) {
        return end;
    }
    for (int i = 0; i < n_outs; i++) {
        give(outs[i], found.outs[i][0], found.outs[i][1], wide->row_outs[i].n_bytes);
    }
    if (is_rich && found.set_errno != MARSHAL_ERRNO_UNTOUCHED) {
        errno = found.set_errno;
    }
    *ret_word = widen(&plan->quick, found.result);
    return ROW_HIT;
}

#define ROW(name, n_words, n_integers, n_vectors, n_outs, is_rich)                                 \
    static struct abi_both name(PARAMETERS_##n_integers##_##n_vectors)                             \
    {                                                                                              \
        const struct registers registers = REGISTERS_##n_integers##_##n_vectors;                   \
        uint64_t word;                                                                             \
        enum row_end end =                                                                         \
            run(plan, n_words, n_integers, n_vectors, n_outs, is_rich, &registers, &word);         \
                                                                                                   \
        if (likely(end == ROW_HIT)) {                                                              \
            return both(word);                                                                     \
        }                                                                                          \
        return end == ROW_FURTHER ? quick_rows_further(plan, ARGUMENTS_##n_integers##_##n_vectors) \
                                  : quick_rows_miss(plan, ARGUMENTS_##n_integers##_##n_vectors);   \
    }

/* One for keys of one word, and one for keys of two. */
#define LEAN(i, v, outs)                              \
    ROW(row_##i##_##v##_##outs, 1, i, v, outs, false) \
    ROW(long_row_##i##_##v##_##outs, 2, i, v, outs, false)
#define RICH(i, v, outs)                                  \
    ROW(rich_row_##i##_##v##_##outs, 1, i, v, outs, true) \
    ROW(rich_long_row_##i##_##v##_##outs, 2, i, v, outs, true)

/* Parameters are as entry_open_quick says. */
#define PARAMETERS_0_1 struct call_plan *plan, double v0
#define PARAMETERS_0_2 struct call_plan *plan, double v0, double v1
#define PARAMETERS_1_0 uint64_t i0, struct call_plan *plan
#define PARAMETERS_1_1 uint64_t i0, struct call_plan *plan, double v0
#define PARAMETERS_1_2 uint64_t i0, struct call_plan *plan, double v0, double v1
#define PARAMETERS_2_0 uint64_t i0, uint64_t i1, struct call_plan *plan
#define PARAMETERS_2_1 uint64_t i0, uint64_t i1, struct call_plan *plan, double v0
#define PARAMETERS_2_2 uint64_t i0, uint64_t i1, struct call_plan *plan, double v0, double v1
#define PARAMETERS_3_0 uint64_t i0, uint64_t i1, uint64_t i2, struct call_plan *plan
#define PARAMETERS_3_1 uint64_t i0, uint64_t i1, uint64_t i2, struct call_plan *plan, double v0
#define PARAMETERS_3_2 \
    uint64_t i0, uint64_t i1, uint64_t i2, struct call_plan *plan, double v0, double v1
#define REGISTERS_0_1 \
    {                 \
        {0},          \
        {             \
            v0        \
        }             \
    }
#define REGISTERS_0_2 \
    {                 \
        {0},          \
        {             \
            v0, v1    \
        }             \
    }
#define REGISTERS_1_0 \
    {                 \
        {i0},         \
        {             \
            0         \
        }             \
    }
#define REGISTERS_1_1 \
    {                 \
        {i0},         \
        {             \
            v0        \
        }             \
    }
#define REGISTERS_1_2 \
    {                 \
        {i0},         \
        {             \
            v0, v1    \
        }             \
    }
#define REGISTERS_2_0 \
    {                 \
        {i0, i1},     \
        {             \
            0         \
        }             \
    }
#define REGISTERS_2_1 \
    {                 \
        {i0, i1},     \
        {             \
            v0        \
        }             \
    }
#define REGISTERS_2_2 \
    {                 \
        {i0, i1},     \
        {             \
            v0, v1    \
        }             \
    }
#define REGISTERS_3_0 \
    {                 \
        {i0, i1, i2}, \
        {             \
            0         \
        }             \
    }
#define REGISTERS_3_1 \
    {                 \
        {i0, i1, i2}, \
        {             \
            v0        \
        }             \
    }
#define REGISTERS_3_2 \
    {                 \
        {i0, i1, i2}, \
        {             \
            v0, v1    \
        }             \
    }
#define ARGUMENTS_0_1 0, 0, 0, v0, 0
#define ARGUMENTS_0_2 0, 0, 0, v0, v1
#define ARGUMENTS_1_0 i0, 0, 0, 0, 0
#define ARGUMENTS_1_1 i0, 0, 0, v0, 0
#define ARGUMENTS_1_2 i0, 0, 0, v0, v1
#define ARGUMENTS_2_0 i0, i1, 0, 0, 0
#define ARGUMENTS_2_1 i0, i1, 0, v0, 0
#define ARGUMENTS_2_2 i0, i1, 0, v0, v1
#define ARGUMENTS_3_0 i0, i1, i2, 0, 0
#define ARGUMENTS_3_1 i0, i1, i2, v0, 0
#define ARGUMENTS_3_2 i0, i1, i2, v0, v1

/*
 * For each of these functions there is code, by the number of their integers, of their vectors, and
 * of what they write. Those of up to three scalars that are lean have theirs in quick.c.
 */
#define EACH_LEAN(row)                                                                         \
    row(2, 2, 0) row(3, 1, 0) row(3, 2, 0) row(1, 1, 1) row(1, 2, 1) row(2, 0, 1) row(2, 1, 1) \
        row(3, 0, 1) row(2, 1, 2) row(2, 2, 2) row(3, 0, 2)

#define EACH_RICH(row)                                                                         \
    row(0, 1, 0) row(0, 2, 0) row(1, 0, 0) row(1, 1, 0) row(1, 2, 0) row(2, 0, 0) row(2, 1, 0) \
        row(3, 0, 0) row(1, 1, 1) row(1, 2, 1) row(2, 0, 1) row(2, 1, 1) row(3, 0, 1) row(2, 1, 2)

EACH_LEAN(LEAN)
EACH_RICH(RICH)

typedef void (*code_fn)(void);
static const struct {
    uint8_t n_integers, n_vectors, n_outs;
    bool is_rich;
    code_fn codes[2]; /* by the words of keys, less one */
} rows[] = {
#define LEAN_ROW(i, v, outs) \
    {i, v, outs, false, {(code_fn)row_##i##_##v##_##outs, (code_fn)long_row_##i##_##v##_##outs}},
#define RICH_ROW(i, v, outs) \
    {i,                      \
     v,                      \
     outs,                   \
     true,                   \
     {(code_fn)rich_row_##i##_##v##_##outs, (code_fn)rich_long_row_##i##_##v##_##outs}},
    EACH_LEAN(LEAN_ROW) EACH_RICH(RICH_ROW)};

void (*quick_rows_code(const struct abi_call *abi, const struct call_wide *wide))(void)
{
    uint32_t n_words = wide->rows.n_key_words;
    bool is_rich = wide->rows.life_at != 0 || wide->row_errno_at != 0 ||
                   wide->rows.words.use == CACHE_WORDS_USES;

    for (uint32_t i = 0; i < wide->n_outs; i++) {
        if (wide->outs[i].n_bytes > 16) {
            return NULL;
        }
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].n_integers == abi->n_integers && rows[i].n_vectors == abi->n_vectors &&
            rows[i].n_outs == wide->n_outs && rows[i].is_rich == is_rich && n_words <= 2 &&
            wide->n_approximate == 0) {
            return rows[i].codes[n_words - 1];
        }
    }
    return NULL;
}
