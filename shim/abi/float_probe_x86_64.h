// SPDX-License-Identifier: MIT
/*
 * What rounding and flushing a thread computes under, told by computing instead of by reading
 * MXCSR, which costs as much as all the rest of a hit of the shortest kind. AVX-512 has
 * instructions that neither raise a flag nor trap, whatever is unmasked (Intel SDM 2, "{sae}" and
 * the fourth bit of VRNDSCALE's immediate):
 *
 *     least denormal, twice   is 0 where denormals are zero, or results are flushed to zero
 *     round 0.5 and 1.5       to 0 and 2 only where ties go to the nearest even number
 *
 * Masks of exceptions are not told. Included by float_state_x86_64.h.
 */
#ifndef ABI_FLOAT_PROBE_X86_64_H
#define ABI_FLOAT_PROBE_X86_64_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* This processor can, and did so rightly under each mode. False until float_probe_init. */
extern _Atomic bool float_probe_tells __attribute__((visibility("hidden")));

/* { 0.5f, 1.5f, 0, 0 }, and the least denormal number. */
extern const float float_probe_halves[4] __attribute__((visibility("hidden")));
extern const uint64_t float_probe_denormal __attribute__((visibility("hidden")));

/* The numbers 0 and 2 as two floats, and the denormal's double: different bits, so joined by
 * "exclusive or". */
#define FLOAT_PROBE_DEFAULT 0x4000000000000002u

/* FLOAT_PROBE_DEFAULT, or anything else. Only on a processor that can. */
static inline uint64_t float_probe(void)
{
    double rounded, sum;
    uint64_t told;

    __asm__ volatile("vmovsd %[denormal], %[sum]\n\t"
                     "vaddsd %{rn-sae%}, %[sum], %[sum], %[sum]\n\t"
                     "vrndscaleps $0xc, %[halves], %[rounded]\n\t" /* as MXCSR says, no flag */
                     "vxorps %[rounded], %[sum], %[sum]\n\t"
                     "vmovq %[sum], %[told]"
                     : [told] "=r"(told), [rounded] "=&x"(rounded), [sum] "=&x"(sum)
                     : [denormal] "m"(float_probe_denormal), [halves] "m"(float_probe_halves));
    return told;
}

/* For good: everybody reads MXCSR. Any thread, at any time. */
void float_probe_stop(void);

#endif
