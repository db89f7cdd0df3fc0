// SPDX-License-Identifier: MIT
/*
 * Whether the probe may be relied on. What the manual says of it is tried once, under every mode
 * and with every exception unmasked: an emulator or a processor that does otherwise is found out
 * before the first hit. ld.so has asked CPUID, which is slow in a virtual machine.
 */
#include "abi/float_state.h"

#include "base/foreign_libc.h"
#include <sys/platform/x86.h>

_Atomic bool float_probe_tells;

const float float_probe_halves[4] __attribute__((aligned(16))) = {0.5f, 1.5f};
const uint64_t float_probe_denormal = 1;

/* MXCSR's bits of rounding, flushing results and denormals, in turn from those of a number. */
static uint32_t mode_of(uint32_t number)
{
    return (number & 3) << 13 | (number >> 2 & 1) << 15 | (number >> 3 & 1) << 6;
}

static bool is_right_in_all_modes(void)
{
    const uint32_t before = mxcsr_read();
    bool is_right = true;

    for (uint32_t number = 0; number < 16; number++) {
        for (uint32_t masks = 0; masks <= MXCSR_MASKS; masks += MXCSR_MASKS) {
            uint32_t mode = mode_of(number) | masks, after;
            uint64_t told;

            mxcsr_write(mode);
            told = float_probe();
            after = mxcsr_read();
            mxcsr_write(before);
            is_right &= (told == FLOAT_PROBE_DEFAULT) == (number == 0) && after == mode;
        }
    }
    return is_right;
}

/* As CPU_FEATURE_ACTIVE, which shifts a signed 1 by up to 31 bits. A leaf has four registers. */
static bool is_active(uint32_t feature)
{
    const struct cpuid_feature *leaf = __x86_get_cpuid_feature_leaf(feature / 128);

    return leaf->active_array[feature % 128 / 32] >> feature % 32 & 1;
}

void float_probe_init(void)
{
    if (is_active(x86_cpu_AVX512F) && is_active(x86_cpu_AVX512VL) && is_right_in_all_modes()) {
        atomic_store_explicit(&float_probe_tells, true, memory_order_relaxed);
    }
}

void float_probe_stop(void)
{
    atomic_store_explicit(&float_probe_tells, false, memory_order_relaxed);
}
