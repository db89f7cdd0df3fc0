// SPDX-License-Identifier: MIT
/*
 * The floating-point environment as an input and an output of a call. Rounding mode and
 * flush-to-zero change results, so they are looked at before a key is built; exception flags tell
 * whether a result may be remembered. Inline and in registers: this stands on the path of a hit.
 * One file for each processor has all of:
 *
 *     bool float_mode_is_default(void)
 *         Round to nearest, nothing flushed to zero, nothing trapped that remembered results may
 *         raise, and the full precision of the x87, where there is one.
 *     uint64_t float_look(void), bool float_look_is_default(uint64_t look)
 *         The same in two parts: what has been read, which takes 5 ns, may be handed to
 *         float_watch_begin_at as well.
 *     void float_mode_note(struct float_mode *), bool float_mode_was_default(struct float_mode *)
 *         The same for whoever has something to do between the two, which saves much; on x86-64 as
 *         exact as float_probe_x86_64.h says.
 *     bool float_mode_probes(void), void float_mode_note_by(struct float_mode *, bool probes)
 *         float_mode_note in two parts, for code that is compiled once for each way of noting:
 *         where it probes, the answer may be asked for at once.
 *     bool float_mode_traps(void)
 *         An exception that remembered results may raise is trapped, whatever the mode is else.
 *     uint64_t float_mode_read(void)
 *         All that changes results, as a number.
 *     void float_watch_begin(struct float_watch *), bool float_watch_end(const struct float_watch
 * *), void float_watch_begin_at(struct float_watch *, uint64_t look) Around a real call: whether it
 * raised a flag beyond INEXACT. All flags, those from before and those raised since, stand again
 * afterwards. uint32_t float_shield_begin(void), void float_shield_end(uint32_t) Around code of
 * ours that computes in floating point (a quantile, a ratio): it neither raises a flag that the
 * program can see nor traps where the program unmasked an exception. void
 * float_x87_shield_begin(struct float_x87 *), float_x87_shield_end(const struct float_x87 *) The
 * same for code that computes in long double.
 */
#ifndef ABI_FLOAT_STATE_H
#define ABI_FLOAT_STATE_H

#if defined(__x86_64__)
#include "abi/float_state_x86_64.h"
#elif defined(__aarch64__)
#include "abi/float_state_aarch64.h"
#else
#error "float_state.h: this architecture is not described yet"
#endif

/*
 * Once at the start, for float_mode_note: finds out for a microsecond how this processor tells its
 * mode quickly. The thread's own mode and flags are the same afterwards.
 */
void float_probe_init(void);

#endif
