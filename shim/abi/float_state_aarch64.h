// SPDX-License-Identifier: MIT
/*
 * One unit computes, under FPCR, and leaves its flags in FPSR; long double is computed in software
 * under the same two registers. Included by float_state.h alone, which says what these are for.
 */
#ifndef ABI_FLOAT_STATE_AARCH64_H
#define ABI_FLOAT_STATE_AARCH64_H

#include <stdbool.h>
#include <stdint.h>

/* FPSR (Arm ARM C5.2.8): invalid 0, divide-by-zero 1, overflow 2, underflow 3, inexact 4, input
 * denormal 7. The last is raised only where inputs are flushed to zero, which is not the default.
 */
#define FPSR_TELLING 0x0fu
#define FPSR_FLAGS   0x9fu
/* FPCR (C5.2.7): exceptions that trap 8-12 and 15, none by default. Everything else in it (rounding
 * 22-23, flush-to-zero 24, default NaN 25 ...) changes results. */
#define FPCR_TRAPS 0x9f00u
/* Inexact. Where it traps, a remembered result would be one without its trap. */
#define FPCR_TRAP_INEXACT 0x1000u

_Static_assert((FPSR_FLAGS & FPCR_TRAPS) == 0, "float_shield_begin keeps both in one word");

static inline uint64_t fpcr_read(void)
{
    uint64_t value;

    __asm__ volatile("mrs %0, fpcr" : "=r"(value));
    return value;
}

static inline void fpcr_write(uint64_t value)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(value));
}

static inline uint64_t fpsr_read(void)
{
    uint64_t value;

    __asm__ volatile("mrs %0, fpsr" : "=r"(value));
    return value;
}

static inline void fpsr_write(uint64_t value)
{
    __asm__ volatile("msr fpsr, %0" : : "r"(value));
}

static inline uint64_t float_look(void)
{
    return fpcr_read();
}

#define FLOAT_LOOK_DEFAULT 0 /* one that is */

static inline bool float_look_is_default(uint64_t look)
{
    return (look & ~(uint64_t)(FPCR_TRAPS & ~FPCR_TRAP_INEXACT)) == 0;
}

struct float_mode {
    uint64_t fpcr;
};

/* There is one way, and its answer is there at once. */
static inline bool float_mode_probes(void)
{
    return true;
}

static inline void float_mode_note_by(struct float_mode *ret_mode, bool probes)
{
    ret_mode->fpcr = fpcr_read();
}

static inline void float_mode_note(struct float_mode *ret_mode)
{
    float_mode_note_by(ret_mode, true);
}

static inline bool float_mode_was_default(const struct float_mode *mode)
{
    return float_look_is_default(mode->fpcr);
}

static inline bool float_mode_is_default(void)
{
    return float_look_is_default(float_look());
}

static inline bool float_mode_traps(void)
{
    return (fpcr_read() & FPCR_TRAP_INEXACT) != 0;
}

static inline uint64_t float_mode_read(void)
{
    return fpcr_read() & ~(uint64_t)FPCR_TRAPS;
}

struct float_watch {
    uint64_t before;
};

static inline void float_watch_begin(struct float_watch *watch)
{
    watch->before = fpsr_read();
    if ((watch->before & FPSR_TELLING) != 0) {
        fpsr_write(watch->before & ~(uint64_t)FPSR_TELLING);
    }
}

static inline void float_watch_begin_at(struct float_watch *watch, uint64_t look)
{
    (void)look; /* the flags are elsewhere */
    float_watch_begin(watch);
}

static inline bool float_watch_end(const struct float_watch *watch)
{
    uint64_t after = fpsr_read();

    if ((watch->before & FPSR_TELLING) != 0) {
        fpsr_write(after | (watch->before & FPSR_TELLING));
    }
    return (after & FPSR_TELLING) != 0;
}

static inline uint32_t float_shield_begin(void)
{
    uint64_t control = fpcr_read();

    if ((control & FPCR_TRAPS) != 0) {
        fpcr_write(control & ~(uint64_t)FPCR_TRAPS);
    }
    return (uint32_t)((fpsr_read() & FPSR_FLAGS) | (control & FPCR_TRAPS));
}

static inline void float_shield_end(uint32_t before)
{
    uint64_t status = fpsr_read();

    if ((status & FPSR_FLAGS) != (before & FPSR_FLAGS)) {
        fpsr_write((status & ~(uint64_t)FPSR_FLAGS) | (before & FPSR_FLAGS));
    }
    if ((before & FPCR_TRAPS) != 0) {
        fpcr_write(fpcr_read() | (before & FPCR_TRAPS));
    }
}

/* Long double has no unit of its own here: the shield is the same. */
struct float_x87 {
    uint32_t before;
};

static inline void float_x87_shield_begin(struct float_x87 *shield)
{
    shield->before = float_shield_begin();
}

static inline void float_x87_shield_end(const struct float_x87 *shield)
{
    float_shield_end(shield->before);
}

#endif
