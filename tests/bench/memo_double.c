// SPDX-License-Identifier: MIT
/*
 * The memo that a specialist writes for one function of one double, as a preload: If-memo's scheme
 * (Suresh, Swamy, Rohou, Seznec, ACM TACO 12(2), 2015), written from its description. A table that
 * is mapped directly; the argument is its own tag; its halves folded by XOR are the index; a miss
 * overwrites. No lock, no bound but the table, no eviction, no life, no counts. Threads that write
 * the same place at the same time may be handed each other's value. Only what would be a NaN of all
 * ones is taken for an empty place.
 *
 * BENCH_PLACES: how many places, a power of two.
 */
#include "memo.h"
#include "subject.h"

#include <dlfcn.h>
#include <stdlib.h>

struct place {
    uint64_t tag;
    double value;
};

static struct place *places;
static uint32_t mask;
static double (*real)(double);

static __attribute__((constructor)) void begin(void)
{
    const char *wanted = getenv("BENCH_PLACES");
    uint32_t n_places = wanted != NULL ? (uint32_t)strtoul(wanted, NULL, 10) : 1u << 16;

    real = (double (*)(double))dlsym(RTLD_NEXT, "bench_double");
    places = malloc(n_places * sizeof(*places));
    if (places == NULL) {
        abort();
    }
    for (uint32_t i = 0; i < n_places; i++) {
        places[i] = (struct place){.tag = UINT64_MAX}; /* a NaN */
    }
    mask = n_places - 1;
}

double bench_double(double x)
{
    struct place *place = &places[memo_fold_double(x) & mask];
    uint64_t bits;

    memcpy(&bits, &x, sizeof(bits));
    if (__builtin_expect(place->tag != bits, 0)) {
        double value = real(x);

        place->value = value;
        place->tag = bits;
        return value;
    }
    return place->value;
}
