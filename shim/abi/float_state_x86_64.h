// SPDX-License-Identifier: MIT
/*
 * Two units compute: SSE under MXCSR, and the x87, which long double is for. A prototype does not
 * tell which: a function of doubles may go by way of long double, so both always count. Included by
 * float_state.h alone, which says what these are for.
 */
#ifndef ABI_FLOAT_STATE_X86_64_H
#define ABI_FLOAT_STATE_X86_64_H

#include "abi/float_probe_x86_64.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* MXCSR (Intel SDM 1, 10.2.3): rounding control 13-14, flush-to-zero 15, denormals-are-zero 6. */
#define MXCSR_CONTROL 0xe040u
/* Flags: invalid 0, denormal 1, divide-by-zero 2, overflow 3, underflow 4, precision (inexact) 5.
 * Denormal is not an exception of IEEE 754 and says nothing about the result. */
#define MXCSR_TELLING 0x1du
/* Exceptions that do not trap: 7-12, all of them by default. */
#define MXCSR_MASKS 0x1f80u
/* Of those, inexact: where it traps, a remembered result would be one without its trap. */
#define MXCSR_MASK_INEXACT 0x1000u
/* The x87 control word (8.1.5): inexact does not trap 5, precision control 8-9 (3: 64 bits),
 * rounding control 10-11. */
#define X87_CONTROL         0x0f00u
#define X87_CONTROL_DEFAULT 0x0300u
#define X87_MASK_INEXACT    0x0020u
/* Status word (8.1.3): the flags in the same order, and what fnclex takes down: those, inexact,
 * and stack fault 6. */
#define X87_TELLING 0x1du
#define X87_FLAGS   0x7fu

static inline uint32_t mxcsr_read(void)
{
    uint32_t value;

    __asm__ volatile("stmxcsr %0" : "=m"(value));
    return value;
}

static inline void mxcsr_write(uint32_t value)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(value));
}

static inline uint16_t x87_control_read(void)
{
    uint16_t value;

    __asm__ volatile("fnstcw %0" : "=m"(value));
    return value;
}

/* MXCSR, and above it the x87 control word. */
static inline uint64_t float_look(void)
{
    return (uint64_t)x87_control_read() << 32 | mxcsr_read();
}

#define X87_COUNTS         (X87_CONTROL | X87_MASK_INEXACT)
#define X87_COUNTS_DEFAULT (X87_CONTROL_DEFAULT | X87_MASK_INEXACT)

/* One that is. */
#define FLOAT_LOOK_DEFAULT ((uint64_t)X87_COUNTS_DEFAULT << 32 | MXCSR_MASK_INEXACT)

/* Once filled in, all of it counts: what was not read is what it would be by default. */
struct float_mode {
    uint64_t probed;
    uint32_t mxcsr;
    uint16_t x87_control;
};

/*
 * Storing MXCSR takes 13 cycles in which nothing else begins, a quarter to a half of a hit; where
 * it can, the probe tells the same (float_probe_x86_64.h), but for exceptions that trap. Those
 * feenableexcept unmasks in both units, and the control word of the x87 costs next to nothing.
 * Reading back at once what was stored takes some ten cycles more, so that it is best left in
 * memory for a while.
 */
/* Which of the two it is now. */
static inline bool float_mode_probes(void)
{
    return __builtin_expect(atomic_load_explicit(&float_probe_tells, memory_order_relaxed), 1);
}

/* probes: what float_mode_probes has just said, known when code is compiled. */
static inline __attribute__((always_inline)) void float_mode_note_by(struct float_mode *ret_mode,
                                                                     bool probes)
{
    if (probes) {
        /* By copying, so that nothing but the control word has to be in memory. */
        *ret_mode = (struct float_mode){.probed = float_probe(),
                                        .mxcsr = MXCSR_MASK_INEXACT,
                                        .x87_control = x87_control_read()};
    } else {
        ret_mode->probed = FLOAT_PROBE_DEFAULT;
        __asm__ volatile("stmxcsr %0" : "=m"(ret_mode->mxcsr));
        __asm__ volatile("fnstcw %0" : "=m"(ret_mode->x87_control));
    }
}

static inline void float_mode_note(struct float_mode *ret_mode)
{
    float_mode_note_by(ret_mode, float_mode_probes());
}

static inline bool float_look_is_default(uint64_t look)
{
    return (look & ((uint64_t)X87_COUNTS << 32 | MXCSR_CONTROL | MXCSR_MASK_INEXACT)) ==
           FLOAT_LOOK_DEFAULT;
}

static inline bool float_mode_was_default(const struct float_mode *mode)
{
    return mode->probed == FLOAT_PROBE_DEFAULT &&
           (mode->x87_control & X87_COUNTS) == X87_COUNTS_DEFAULT &&
           (mode->mxcsr & (MXCSR_CONTROL | MXCSR_MASK_INEXACT)) == MXCSR_MASK_INEXACT;
}

/*
 * As float_look_is_default, of what the thread computes under now. Who traps inexact results in
 * MXCSR alone is not seen by the probe, but here, where one call in 256 comes at least: from then
 * on nobody in the process relies on it.
 */
static inline bool float_mode_is_default(void)
{
    uint64_t look = float_look();

    if (__builtin_expect((look & MXCSR_MASK_INEXACT) == 0, 0)) {
        float_probe_stop();
    }
    return float_look_is_default(look);
}

static inline bool float_mode_traps(void)
{
    return (mxcsr_read() & MXCSR_MASK_INEXACT) == 0 || (x87_control_read() & X87_MASK_INEXACT) == 0;
}

static inline uint64_t float_mode_read(void)
{
    return (uint64_t)(x87_control_read() & X87_CONTROL) << 32 | (mxcsr_read() & MXCSR_CONTROL);
}

/* The flags as they were before a real call; filled by float_watch_begin. */
struct float_watch {
    uint32_t sse_before;
    uint16_t x87_before;
};

/*
 * Makes the telling flags readable: those that already stand are taken down for the time of the
 * call, since a sticky flag cannot show that it was raised again. Nothing is written when none
 * stands, which is the usual case. The x87 is looked at whatever the prototype says: a function of
 * doubles may compute there, and feraiseexcept(FE_OVERFLOW) of glibc raises its flag only there.
 */
static inline void float_watch_begin_at(struct float_watch *watch, uint64_t look)
{
    watch->sse_before = (uint32_t)look;
    if ((watch->sse_before & MXCSR_TELLING) != 0) {
        mxcsr_write(watch->sse_before & ~MXCSR_TELLING);
    }
    __asm__ volatile("fnstsw %0" : "=am"(watch->x87_before));
    if ((watch->x87_before & X87_TELLING) != 0) {
        __asm__ volatile("fnclex");
    }
}

static inline void float_watch_begin(struct float_watch *watch)
{
    float_watch_begin_at(watch, float_look());
}

/*
 * Whether the call raised a flag beyond INEXACT. All flags, those from before and those raised
 * since, stand again afterwards. The x87 status word can only be written by way of its whole
 * environment; that happens only when a telling flag stood before.
 */
static inline bool float_watch_end(const struct float_watch *watch)
{
    uint32_t sse_after = mxcsr_read();
    uint16_t x87_after;

    if ((watch->sse_before & MXCSR_TELLING) != 0) {
        mxcsr_write(sse_after | (watch->sse_before & MXCSR_TELLING));
    }
    __asm__ volatile("fnstsw %0" : "=am"(x87_after));
    if ((watch->x87_before & X87_TELLING) != 0) {
        uint32_t environment[7]; /* 28 bytes in 64-bit mode; the status word is the second */

        __asm__ volatile("fnstenv %0" : "=m"(environment));
        environment[1] |= watch->x87_before & X87_FLAGS;
        __asm__ volatile("fldenv %0" : : "m"(environment));
    }
    return (sse_after & MXCSR_TELLING) != 0 || (x87_after & X87_TELLING) != 0;
}

/*
 * Around code of ours that computes in floating point (a quantile, a ratio): it neither raises a
 * flag that the program can see nor traps where the program unmasked an exception.
 */
static inline uint32_t float_shield_begin(void)
{
    uint32_t before = mxcsr_read();

    if ((before & MXCSR_MASKS) != MXCSR_MASKS) {
        mxcsr_write(before | MXCSR_MASKS);
    }
    return before;
}

static inline void float_shield_end(uint32_t before)
{
    if (mxcsr_read() != before) {
        mxcsr_write(before);
    }
}

/*
 * The same for the x87, where long double is computed: loading a number is enough to raise a flag.
 * Of no use around calls; it costs some hundred cycles, so only where long double is.
 */
struct float_x87 {
    uint32_t environment[7];
};

static inline void float_x87_shield_begin(struct float_x87 *shield)
{
    __asm__ volatile("fnstenv %0" : "=m"(shield->environment)); /* masks every exception, too */
}

static inline void float_x87_shield_end(const struct float_x87 *shield)
{
    __asm__ volatile("fldenv %0" : : "m"(shield->environment));
}

#endif
